"""The last week of large units, added up by a worker: the same numbers as of now, with the moment they are of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from server.differences import beforehand, units
from server.differences.models import Summed
from server.differences.tasks import add_up
from server.findings.codes import FAIL, PASS
from server.findings.models import Rule, Transition
from server.ingest.models import Machine
from tests.server.people import send
from tests.server.test_background import work_off
from tests.server.waivers import on

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
OF_WHEN = "Tình hình lúc"


@pytest.fixture
def turned(client, another, monkeypatch) -> list[Machine]:
    """Two machines of the north that fail since two days, of eleven on which both days are known; one of the south."""
    monkeypatch.setattr(beforehand, "LARGE", 2)
    for name, unit in (("bac-1", "north"), ("bac-2", "north"), ("nam-1", "south")):
        host = another(name, unit)
        for age, permit in ((9, "no"), (2, "yes")):
            assert send(client, host.seal(host.snapshot(age=age * DAY, permit_root_login=permit))).status_code == 201
    Machine.objects.update(created_at=timezone.now() - 30 * DAY)
    return list(Machine.objects.order_by("name"))


def days() -> tuple:
    today = timezone.localdate()
    return today - beforehand.SPAN, today


def numbers(told: beforehand.Told) -> list:
    return [(one.rule.pk, sorted(one.turned.items())) for one in told.sums] + [vars(one) for one in told.known]


@pytest.mark.on_both
def test_what_was_added_up_is_what_is_added_up_now(turned, tree, person) -> None:
    user = person("xem", "root")
    live = {where: beforehand.told(user, tree[where], *days()) for where in ("root", "north", "south")}
    assert [one.at for one in live.values()] == [None] * 3
    assert live["root"].sums[0].worse == 3
    assert set(beforehand.add_up()) == {tree["root"].pk, tree["north"].pk}
    for where in ("root", "north"):
        held = beforehand.told(user, tree[where], *days())
        assert held.at == Summed.objects.get(pk=tree[where].pk).at
        assert numbers(held) == numbers(live[where])
    assert beforehand.told(user, tree["south"], *days()).at is None, "a small one is added up when it is asked for"


def test_the_page_says_of_when_it_is(turned, tree, person) -> None:
    client, path = on(person("xem", "north")), f"/units/{tree['north'].pk}/differences/"
    assert OF_WHEN not in client.get(path).content.decode()
    add_up.enqueue(by="console")
    work_off()
    page = client.get(path).content.decode()
    assert OF_WHEN in page
    assert "<dt>nay không đạt</dt><dd>2</dd>" in page


def test_what_turned_since_is_not_in_it_until_it_is_added_up_again(turned, tree, person) -> None:
    user, north = person("xem", "north"), tree["north"]
    list(beforehand.add_up())
    rule = Rule.objects.exclude(pk__in=[one.rule.pk for one in beforehand.told(user, north, *days()).sums]).first()
    now = timezone.now()
    Transition.objects.create(
        machine=turned[0], rule=rule, was=PASS, now=FAIL, cause=1, turn=0, at=now, written_at=now, snapshot=turned[0].latest_id
    )
    assert rule not in [one.rule for one in beforehand.told(user, north, *days()).sums]
    assert rule in [one.rule for one in units.sums(units.machines_of(user, north), *days())]
    list(beforehand.add_up())
    assert rule in [one.rule for one in beforehand.told(user, north, *days()).sums]


def test_without_a_worker_and_of_other_days_it_is_added_up_when_it_is_asked_for(turned, tree, person) -> None:
    user, north, (first, second) = person("xem", "north"), tree["north"], days()
    list(beforehand.add_up())
    assert beforehand.told(user, north, first - DAY, second).at is None
    assert beforehand.told(user, north, first, second - DAY).at is None
    Summed.objects.update(at=timezone.now() - beforehand.OLD - timedelta(seconds=1))
    assert beforehand.told(user, north, first, second).at is None


def test_a_unit_that_is_not_large_any_more_is_forgotten(turned, tree) -> None:
    list(beforehand.add_up())
    Machine.objects.filter(name="bac-2").update(unit=tree["south"])
    list(beforehand.add_up())
    assert set(Summed.objects.values_list("pk", flat=True)) == {tree["root"].pk, tree["south"].pk}


def test_every_check_is_on_some_page_and_one_of_several_requirements_is_one_line(turned, tree, person, monkeypatch) -> None:
    asked, *others = Rule.objects.filter(baseline="mini").order_by("pk")
    at, machine = timezone.now() - DAY, turned[0]
    Transition.objects.all().delete()
    for rule in (
        asked,
        also := Rule.objects.create(baseline="mini", requirement="other", check_id=asked.check_id, severity=1),
        others[0],
    ):
        Transition.objects.create(
            machine=machine, rule=rule, was=PASS, now=FAIL, cause=1, turn=0, at=at, written_at=at, snapshot=machine.latest_id
        )
    monkeypatch.setattr("server.differences.views.PAGE", 1)
    client, path = on(person("xem", "north")), f"/units/{tree['north'].pk}/differences/"
    pages = [client.get(f"{path}?page={number}").content.decode() for number in (1, 2)]
    of_both, of_other = sorted(pages, key=lambda page: f"({asked.check_id})" not in page)
    assert of_both.count(f"({asked.check_id})") == 1
    assert f"({asked.requirement})" in of_both
    assert f'/work/findings/{also.pk}/?unit={tree["north"].pk}">other</a>' in of_both
    assert f"({asked.check_id})" not in of_other
    assert f"({others[0].check_id})" in of_other
