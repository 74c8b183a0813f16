"""Statements composed once give what their querysets give, on both kinds of database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from server.coverage.models import Card
from server.findings.models import Change, Head, Standing
from server.ingest.models import Machine, StoredSnapshot
from server.outlets.models import Turned
from server.statements import Rows, Select, Update, insert
from server.units.models import Unit
from tests.server.people import send

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]

AT = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)


@pytest.fixture
def reported(client, host) -> None:
    """One machine that reported once."""
    assert send(client, host.seal(host.snapshot())).status_code == 201


def test_a_model_with_its_related_ones_comes_out_as_from_the_queryset(reported) -> None:
    by_name = Select(lambda name: Machine.objects.select_related("unit", "latest__base").filter(name=name))
    wanted = Machine.objects.select_related("unit", "latest__base")[0]
    found = by_name.first(wanted.name)
    assert found is not None
    with CaptureQueriesContext(connection) as asked:
        assert (found, found.unit, found.latest, found.latest.base) == (wanted, wanted.unit, wanted.latest, wanted.latest.base)
        assert found.latest.received_at == wanted.latest.received_at
        assert bytes(found.latest.sealed) == bytes(wanted.latest.sealed)
        assert found.__dict__.keys() == wanted.__dict__.keys()
    assert not asked.captured_queries
    assert by_name("nobody") == []
    assert by_name.first("nobody") is None


def test_columns_left_out_are_fetched_when_somebody_looks(reported) -> None:
    found = Select(lambda: StoredSnapshot.objects.defer("sealed").order_by("pk")[:1]).first()
    assert found is not None
    assert "sealed" in found.get_deferred_fields()
    assert bytes(found.sealed) == bytes(StoredSnapshot.objects.get(pk=found.pk).sealed)


def test_annotations_lists_and_slices(tree) -> None:
    for number in range(3):
        Unit.objects.create(name=f"Tổ {number}", parent=tree["south"])
    with_count = Select(lambda a: Unit.objects.annotate(units=Count("children")).filter(pk=a))
    two = Select(lambda a, b: Unit.objects.filter(pk__in=[a, b]).order_by("pk"))
    assert two(tree["south"].pk, tree["north"].pk) == sorted((tree["south"], tree["north"]), key=lambda unit: unit.pk)
    assert two(tree["south"].pk, tree["south"].pk) == [tree["south"]], "other values another time"
    assert len(Select(lambda parent: Unit.objects.filter(parent=parent).order_by("pk")[:2])(tree["south"].pk)) == 2
    found = with_count.first(tree["south"].pk)
    assert found is not None
    assert found.units == 3


def test_tuples_with_times_and_nothing(reported) -> None:
    machine = Machine.objects.all()[0]
    Standing.objects.filter(machine=machine).update(since=AT, failing_since=None)
    Standing.objects.filter(machine=machine, rule=Standing.objects.filter(machine=machine)[0].rule_id).update(failing_since=AT)
    columns = ("rule_id", "verdict", "since", "failing_since")
    rows = Rows(lambda pk: Standing.objects.filter(machine=pk).order_by("rule_id").values_list(*columns))
    wanted = list(Standing.objects.filter(machine=machine).order_by("rule_id").values_list(*columns))
    assert rows(machine.pk) == wanted
    assert {one[3] for one in wanted} == {None, AT}
    assert rows(0) == []


def test_an_update_sets_what_is_asked_and_nothing_else(reported) -> None:
    machine = Machine.objects.all()[0]
    move = Update(lambda pk: Head.objects.filter(machine=pk), "at", "unit", "snapshot")
    number = uuid4()
    move(AT + timedelta(days=1), machine.unit_id, number, 0)
    assert Head.objects.get(pk=machine.pk).snapshot != number
    move(AT, None, number, machine.pk)
    assert Head.objects.values_list("at", "unit", "snapshot").get(pk=machine.pk) == (AT, None, number)


def test_a_row_is_written_once_over_another_or_not_at_all(reported) -> None:
    machine = Machine.objects.all()[0]
    insert(Change, {"unit_id": machine.unit_id, "kind": 1, "packed": b"\x00\xff'", "at": AT})
    change = Change.objects.latest("pk")
    assert (bytes(change.packed), change.at) == (b"\x00\xff'", AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Card, {"machine_id": machine.pk, "mac": Card.objects.filter(machine=machine)[0].mac})
    uid, later = uuid4(), AT + timedelta(days=1)
    told = {"uid": uid, "machine_id": machine.pk, "at": AT, "written_at": AT, "cause": 0, "packed": b"", "number": 77}
    insert(Turned, told)
    insert(Turned, {**told, "at": later}, over="number")
    assert [(one.uid, one.at) for one in Turned.objects.filter(number=77)] == [(uid, later)]
    with pytest.raises(AssertionError, match="colour"):
        insert(Card, {"machine_id": machine.pk, "colour": "red"})
