"""Statements that go together leave what they would leave had each gone alone; on SQLite each does."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from server.findings import rows
from server.findings.codes import FAIL, PASS
from server.findings.models import Standing, Transition
from server.findings.turning import TRANSITION
from server.statements import Rows, Select, Update, insert
from server.trips import Statement, ahead, ask, gathered, later
from server.units.models import Unit

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]

AT = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
rename = Update(lambda pk: Unit.objects.filter(pk=pk), "name")
name_of = Rows(lambda pk: Unit.objects.filter(pk=pk).values_list("name"))
by_name = Select(lambda name: Unit.objects.filter(name=name))


def sent(asked: CaptureQueriesContext) -> int:
    """Journeys to the database, without those of savepoints."""
    return sum("SAVEPOINT" not in one["sql"] for one in asked.captured_queries)


def test_what_is_written_goes_along_with_the_next_question_and_before_it(tree) -> None:
    south = tree["south"].pk
    with CaptureQueriesContext(connection) as asked, transaction.atomic(), gathered():
        rename("Một", south)
        rename("Hai", south)
        assert name_of(south) == [("Hai",)]
        rename("Ba", south)
        assert [unit.pk for unit in by_name("Ba")] == [south]
        rename("Bốn", south)
    assert Unit.objects.get(pk=south).name == "Bốn"
    assert sent(asked) == (3 if connection.vendor == "postgresql" else 6)


def test_a_queryset_and_a_savepoint_see_what_waited(tree) -> None:
    south = tree["south"].pk
    with transaction.atomic(), gathered():
        rename("Một", south)
        assert Unit.objects.get(pk=south).name == "Một"
        with suppress(ZeroDivisionError), transaction.atomic():
            rename("trong điểm lưu", south)
            raise ZeroDivisionError
        assert name_of(south) == [("Một",)], "what a savepoint takes back does not come after it"
        with transaction.atomic():
            rename("Hai", south)
        assert name_of(south) == [("Hai",)]


def test_an_exception_drops_what_waits_and_nothing_of_it_comes_later(tree) -> None:
    south = tree["south"].pk
    with suppress(ZeroDivisionError), transaction.atomic(), gathered():
        rename("Một", south)
        raise ZeroDivisionError
    with transaction.atomic(), gathered():
        pass
    assert Unit.objects.get(pk=south).name == "Phòng Nam"


def test_what_the_database_refuses_is_refused_as_everywhere(tree) -> None:
    south = tree["south"]

    def twice() -> None:
        rename("Một", south.pk)
        insert(Unit, {"id": south.pk, "name": "lần hai", "parent_id": south.parent_id, "path": south.path})
        name_of(south.pk)

    def nowhere() -> None:
        later(Statement("UPDATE nowhere SET nothing = %s", [1]))
        rename("Một", south.pk)

    for what, refused in ((twice, IntegrityError), (nowhere, DatabaseError)):
        with pytest.raises(refused), transaction.atomic(), gathered():
            what()
    assert Unit.objects.get(pk=south.pk).name == "Phòng Nam"


def test_questions_asked_ahead_are_answered_once_and_only_inside(tree) -> None:
    south, north = tree["south"].pk, tree["north"].pk
    with CaptureQueriesContext(connection) as asked:
        with ahead(name_of.of(south), name_of.of(north), by_name.of("Phòng Nam"), name_of.of(0)):
            assert (name_of(north), name_of(south), name_of(0)) == ([("Phòng Bắc",)], [("Phòng Nam",)], [])
            assert [unit.pk for unit in by_name("Phòng Nam")] == [south]
        together = sent(asked)
    assert together == (1 if connection.vendor == "postgresql" else 4)
    with ahead(name_of.of(south), name_of.of(north)):
        with ahead(name_of.of(0)):
            name_of(south)
        rename("Một", south)
        assert name_of(south) == [("Một",)], "an answer is given out once"
        rename("Hai", north)
    assert name_of(north) == [("Hai",)], "what nobody asked for is forgotten at the end"


def test_an_answer_says_how_many_rows_it_wrote(tree) -> None:
    south = tree["south"].pk
    with transaction.atomic(), gathered():
        rename("Một", south)
        assert ask(Statement("UPDATE units_unit SET code = %s WHERE id IN (%s, %s)", ["x", south, 0])).written == 1
        assert ask(Statement("SELECT name FROM units_unit WHERE id = %s", [south])).rows == [("Một",)]
        assert ask(Statement("SELECT '100%%' FROM units_unit WHERE id = %s", [south])).rows == [("100%",)]


def test_many_rows_are_one_statement_of_their_values(tree) -> None:
    snapshot = uuid4()
    later_on = AT + timedelta(microseconds=1)
    with transaction.atomic(), gathered():
        rows.insert(Standing, ("machine_id", "rule_id", "verdict", "since", "failing_since"), [])
        rows.insert(
            Standing,
            ("machine_id", "rule_id", "verdict", "since", "failing_since"),
            [(7, 1, FAIL, AT, later_on), (7, 2, PASS, AT, None)],
        )
        rows.upsert(Standing, ("machine_id", "rule_id"), ("verdict", "since", "failing_since"), [(7, 2, FAIL, later_on, AT)])
        rows.insert(Transition, TRANSITION, [(7, rule, PASS, FAIL, 0, 0, AT, later_on, snapshot) for rule in (1, 2)])
    held = Standing.objects.filter(machine=7).order_by("rule_id").values_list("rule_id", "verdict", "since", "failing_since")
    assert list(held) == [(1, FAIL, AT, later_on), (2, FAIL, later_on, AT)]
    assert set(Transition.objects.filter(machine=7).values_list("rule_id", "written_at", "snapshot")) == {
        (1, later_on, snapshot), (2, later_on, snapshot),
    }  # fmt: skip
