"""Pages of a campaign with many units and machines: asked no more often, and in the same order, as with few."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import get_format

from server.campaigns import sealing, views
from server.campaigns.account import Account
from server.campaigns.models import LATER, LEFT_OUT, SCOPE, Campaign, Notice, Part, Row
from server.campaigns.states import BECAME, BEFORE, STATES
from server.units.models import Unit
from tests.server.campaigns import on, person

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]
PLACES = (SCOPE, SCOPE, SCOPE, LATER, SCOPE, LEFT_OUT)


def made(root: Unit, state: str = Campaign.RUNNING) -> Campaign:
    today, now = timezone.localdate(), timezone.now()
    return Campaign.objects.create(
        unit=root, pattern="patches", number="so-1", date=today, subject="x", issuer="x", state=state, deadline=today, made_by="x",
        changed_by="x", checks=["x"], kinds=["server"], lists=["12/DS"], started_at=now, frozen_at=now, remind_days=[2],
    )  # fmt: skip


def grow(campaign: Campaign, units: int, rows: int) -> list[Unit]:
    """So many more units right below the one that holds it, each reminded, and so many rows in each of every kind."""
    root, begin = campaign.unit, Row.objects.count()
    found = [Unit.objects.create(name=f"Đơn vị {number}", parent=root) for number in range(units)]
    parts = Part.objects.bulk_create(
        Part(campaign=campaign, unit=unit, name=unit.name, path=unit.path, answers=True, level=2, baseline="mini", checks={"x": [1] * 6})
        for unit in found
    )  # fmt: skip
    Notice.objects.bulk_create(Notice(campaign=campaign, part=part, days=2, left=2, count=1) for part in parts)
    states, before, became = list(STATES), list(BEFORE), ["", *BECAME]
    Row.objects.bulk_create(
        Row(
            campaign=campaign, part=part, name=f"may-{(begin + number + 61 * place) * 7919 % 9973:04}", kind="server", place=PLACES[number % 6],
            state=states[number * 5 % 6 if number % 2 else number // 7 % 6], before=before[number // 3 % 4], became=became[number // 5 % 4],
        )
        for place, part in enumerate(parts) for number in range(rows)
    )  # fmt: skip
    return found


def counted(client: Client, campaign: Campaign) -> dict[str, int]:
    part = Part.objects.filter(campaign=campaign).order_by("pk")[0]
    found = {}
    for path in (
        "",
        f"{campaign.pk}/",
        f"{campaign.pk}/machines/",
        f"{campaign.pk}/machines/?q=may",
        f"{campaign.pk}/report/",
        f"parts/{part.pk}/",
    ):
        client.get(f"/campaigns/{path}")  # what is asked once a process is not counted
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/campaigns/{path}").status_code == 200
        found[path] = len(queries)
    return found


def test_pages_ask_no_more_often_of_many(tree: dict[str, Any]) -> None:
    held = made(tree["root"])
    client = on(person("quản-trị", "admin", tree["root"]))
    grow(held, 3, 60)
    few = counted(client, held)
    grow(held, 40, 60)
    for _ in range(5):
        grow(made(tree["root"], Campaign.RUNNING), 0, 0)
    Campaign.objects.exclude(pk=held.pk).update(state=Campaign.CLOSED, result={"states": {}, "before": {}, "lists": {}})
    many = counted(client, held)
    assert {path: (few[path], many[path]) for path in few if many[path] > few[path] + (1 if path == "" else 0)} == {}
    assert max(many.values()) <= 30, many


def test_pages_in_slices_are_the_whole_in_its_order(tree: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE", 7)
    held = made(tree["root"])
    mine = grow(held, 5, 13)
    grow(held, 1, 0)  # a unit of which nothing is in the scope
    for unit in (tree["root"], mine[2]):
        user = person(f"xem-{unit.pk}", "viewer", unit)
        client = on(user)
        for asked in ("", "place=later", "place=left-out", "state=missing", "q=1", "q=1&state=done", "q=không-có"):
            given = dict(one.split("=") for one in asked.split("&") if one)
            rows = Row.objects.filter(campaign=held, part__path__under=unit.path, place=given.get("place", SCOPE))
            rows = rows.filter(name__contains=given.get("q", ""), state__in=[given["state"]] if "state" in given else STATES)
            wanted = list(rows.order_by("part__path", "name", "pk").values_list("name", flat=True))
            found: list[str] = []
            for page in range(1, max(1, -(-len(wanted) // 7)) + 1):
                shown = client.get(f"/campaigns/{held.pk}/machines/?{asked}&page={page}")
                assert shown.context["page"].paginator.count == len(wanted)
                found += re.findall(r">(may-\d+)</span>", shown.content.decode())
            assert found == wanted, (unit, asked)


def test_a_report_says_how_many_it_does_not_name(tree: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "NAMED", 20)
    monkeypatch.setattr(views, "EACH", 3)
    held = made(tree["root"])
    mine = grow(held, 4, 60)
    for unit in (tree["root"], mine[1]):
        rows = Row.objects.filter(campaign=held, part__path__under=unit.path)
        wanted = {
            "later": rows.filter(place=LATER), "left_out": rows.filter(place=LEFT_OUT),
            "became": rows.filter(place=SCOPE).exclude(became=""),
        }  # fmt: skip
        report = on(person(f"xem-{unit.pk}", "viewer", unit)).get(f"/campaigns/{held.pk}/report/")
        page = report.content.decode()
        for name, those in wanted.items():
            told, ordered = (
                report.context[name],
                list(those.order_by("part__path", "name", "pk").values_list("name", "part__name")),
            )
            assert [(row.name, row.part.name) for row in told["rows"]] == ordered[:3], name
            assert (told["count"], told["more"]) == (len(ordered), len(ordered) - 3), name
            assert f'<span class="pill">{len(ordered)}</span></h2><ul' in page, name
            assert all(f"<strong>{row}</strong> ({part})" in page for row, part in ordered[:3]), name
            assert f"and {len(ordered) - 3} more: the workbook names all of them." in page, name
        for state, told in report.context["lines"].items():
            count = rows.filter(place=SCOPE, state=state).count()
            assert (len(told["rows"]) + told["more"], told["count"]) == (count, count), state
            assert len(told["rows"]) >= min(count, 3), state


def test_what_is_told_of_closed_campaigns_is_what_their_accounts_say(tree: dict[str, Any]) -> None:
    one, other = made(tree["root"], Campaign.CLOSING), made(tree["root"], Campaign.CLOSING)
    units = grow(one, 3, 30)
    lost = grow(other, 3, 20)[1]
    for held in (one, other):
        sealing.seal(held)
    # what one of them holds lies elsewhere by now: whoever held it sees it no longer
    Part.objects.filter(campaign=other, unit=lost).update(unit=Unit.objects.create(name="Nơi khác"))
    closed = list(Campaign.objects.filter(state=Campaign.CLOSED))
    assert len(closed) == 2
    for user in (person("tw", "viewer", tree["root"]), person("đv", "viewer", units[0]), person("không")):
        told = sealing.sums(closed, user)
        assert told == {held.pk: Account(held, user).sum(None) for held in closed}
    assert told == {held.pk: type(told[held.pk])() for held in closed}, "who sees nothing is told nothing"


def test_the_short_form_of_a_time_names_no_seconds() -> None:
    """Lines of a report write each minute once, whatever the seconds were."""
    for code, _name in settings.LANGUAGES:
        assert not set("sufcrUT") & set(get_format("SHORT_DATETIME_FORMAT", lang=code)), code
