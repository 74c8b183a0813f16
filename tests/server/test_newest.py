"""Machines repeat how their newest report was judged, and pages count by that: it is what the report itself says, whatever came."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.assess import judge, repeated
from server.assess.freshness import FAILING, JUDGED, PASSED, UNCLEAR
from server.assess.models import StoredAssessment
from server.coverage.numbers import reported_of_late
from server.enrolment import lifecycle
from server.findings import console
from server.ingest.models import Machine, StoredSnapshot
from server.overview.standing import below
from server.storage import retention
from server.units.models import Unit
from tests.server.newest import said
from tests.server.people import Host, send

pytestmark = [pytest.mark.on_both, pytest.mark.django_db(transaction=True)]
WITH_REPORT = Machine.objects.select_related("latest__assessment", "unit")


def right(machine: Machine) -> dict[str, Any]:
    """What it repeats, which has to be what its newest report says."""
    now = WITH_REPORT.get(pk=machine.pk)
    held = {name: getattr(now, name) for name in said(now)}
    assert held == said(now)
    return held


def test_it_follows_the_newest_report_and_no_older_one(client: Client, host: Host) -> None:
    machine = Machine.objects.get(agent_id=host.agent)
    assert set(right(machine).values()) == {None}, "never reported: nothing is known, and that is not nought"
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=3)))).status_code == 201
    first = right(machine)
    assert send(client, host.seal(host.snapshot(root_equivalents=("toor",)))).status_code == 201
    newest = right(machine)
    assert newest["fails"] == first["fails"] + 1
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=9)))).status_code == 201
    assert right(machine) == newest, "an older one came late"


def test_judging_again_is_repeated(client: Client, host: Host) -> None:
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get(agent_id=host.agent)
    before = right(machine)
    Unit.objects.filter(pk=machine.unit_id).update(level=5)
    assert judge.rejudge(iter([WITH_REPORT.get(pk=machine.pk)])) == (1, 0)
    assert right(machine) != before


def test_what_is_judged_late_says_nothing_of_a_newer_report(client: Client, host: Host) -> None:
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=3), root_equivalents=("toor",)))).status_code == 201
    held = WITH_REPORT.get(agent_id=host.agent)  # as a long run of judging again read it
    assert send(client, host.seal(host.snapshot())).status_code == 201
    newest = right(held)
    assert judge.rejudge(iter([held])) == (1, 0)
    assert right(held) == newest


def test_a_report_that_could_not_be_judged_takes_the_numbers_along(client: Client, host: Host, monkeypatch) -> None:
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=3)))).status_code == 201

    def broken(*_given: Any) -> None:
        raise ValueError("a check of ours is broken")

    monkeypatch.setattr(judge, "judged_here", broken)
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get(agent_id=host.agent)
    held = right(machine)
    assert held["reported_at"] is not None
    assert held["fails"] is None, "how the one before was judged is no word on this one"
    assert not Machine.objects.filter(FAILING | UNCLEAR | PASSED).exists()


def test_a_machine_installed_anew_goes_on_with_its_own(client: Client, tree, another) -> None:
    old, new = another("may-1", "north"), another("may-1", "north")
    assert send(client, old.seal(old.snapshot(age=timedelta(hours=3), root_equivalents=("toor",)))).status_code == 201
    assert send(client, new.seal(new.snapshot())).status_code == 201
    one, two = Machine.objects.get(agent_id=old.agent), Machine.objects.get(agent_id=new.agent)
    wanted = right(two)
    lifecycle.unite(two, one, "test")
    assert right(one) == wanted


def test_whose_newest_report_is_gone_passes_no_more(client: Client, host: Host) -> None:
    """However it went: what the row still repeats of it counts for nothing."""
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get(agent_id=host.agent)
    Machine.objects.update(fails=0, unknowns=0, passes=9)
    StoredSnapshot.objects.all().delete()
    machine.refresh_from_db()
    assert (machine.latest, machine.passes) == (None, 9)
    fresh = reported_of_late(timezone.now())
    assert Machine.objects.filter(fresh).count() == Machine.objects.filter(JUDGED | FAILING | UNCLEAR | PASSED).count() == 0
    standing = below(None, None, timezone.now())[0]
    assert (standing.expected, standing.unreached, standing.judged, standing.passing, standing.fresh) == (1, 1, 0, 0, 0)
    assert Machine.objects.exclude(fresh).count() == 1


def test_retention_leaves_the_newest_report(client: Client, host: Host, settings: Any) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_snapshot_days": 30})
    for days in (90, 75, 60):
        assert send(client, host.seal(host.snapshot(age=timedelta(days=days)))).status_code == 201
    machine = Machine.objects.get(agent_id=host.agent)
    held = right(machine)
    retention.prune()
    assert StoredSnapshot.objects.count() < 3
    assert right(machine) == held


def test_counting_again_finds_what_strayed(client: Client, host: Host, capsys) -> None:
    assert send(client, host.seal(host.snapshot(root_equivalents=("toor",)))).status_code == 201
    assert list(repeated.off()) == []
    Machine.objects.update(fails=0, unknowns=0)  # as only a mistake of ours, or a hand in the database, could make it
    assert console.verify(argparse.Namespace(repair=False)) == 1
    assert "may-chu-01" in capsys.readouterr().out
    assert console.verify(argparse.Namespace(repair=True)) == 1
    right(Machine.objects.get(agent_id=host.agent))
    assert console.verify(argparse.Namespace(repair=False)) == 0
    StoredAssessment.objects.all().delete()
    assert [one.name for one in repeated.off(repair=True)] == ["may-chu-01"]
    assert Machine.objects.get(agent_id=host.agent).fails is None
