"""What is not known is not told as done, seen or 0."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from server.assess.models import StoredAssessment
from server.campaigns import console, freezing, leading, lists, sealing
from server.campaigns.account import Account
from server.campaigns.models import Campaign, Part, Row
from server.ingest.models import Agent, Machine
from server.programs.models import Key
from server.schedules import rollouts
from server.sweeps import codes
from server.sweeps.models import Concern, Letter, Sheet, packed
from server.units.models import Unit
from tests.server.campaigns import DAY, GOOD, HOUR, Land, body, closed, letter, look, on, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def test_lowering_the_level_completes_nothing_for_a_machine_that_was_not_seen_at_the_start(land: Land) -> None:
    land.hosts["b-7"] = land.host("b-7")
    Machine.objects.update(created_at=timezone.now() - DAY)
    held = land.started()
    level = land.units["B"].policy().level
    assert level > 1
    Unit.objects.filter(pk=land.units["B"].pk).update(level=level - 1)
    land.report("b-7", **GOOD)
    assert Row.objects.get(name="b-7").before == "unseen"
    assert look(held)["b-7"] == ("unknown", "eased")
    Unit.objects.filter(pk=land.units["B"].pk).update(level=None)
    land.report("b-7", **GOOD)
    assert look(held)["b-7"] == ("done", "")


STRICTER = "name: B\nparams:\n  access.password: {min_length: 16}\n"


def test_other_stricter_values_complete_nothing_that_did_not_pass_at_the_start(land: Land) -> None:
    unit = Unit.objects.filter(pk=land.units["B"].pk)
    unit.update(tailoring=STRICTER)
    land.hosts["b-7"] = land.host("b-7")
    Machine.objects.update(created_at=timezone.now() - DAY)
    held = land.started()
    for loosened in ("", STRICTER.replace("16", "12")):
        unit.update(tailoring=loosened)
        land.report("b-7", **GOOD)
        assert look(held)["b-7"] == ("unknown", "eased")
        land.report("b-1", **GOOD)
        assert look(held)["b-1"] == ("unknown", "eased"), "it failed at the start, by values that are no longer asked"
        assert sealing.changed_rules(held) == [Part.objects.get(code="B").pk]
        unit.update(tailoring=STRICTER)
        assert look(held)["b-7"] == ("unknown", "eased"), "its report was judged by the looser ones"
        land.report("b-7", **GOOD)
        assert look(held)["b-7"] == ("done", "")
        assert sealing.changed_rules(held) == []
    rollout = rollouts.start(land.units["B"], "x", tailoring="", percents=[100])
    assert rollout.percent == 100
    land.report("b-7", **GOOD)
    assert look(held)["b-7"] == ("unknown", "eased"), "removed for the machine, though not for its unit"


def test_a_campaign_that_did_not_write_down_stricter_values_takes_nobody_for_done(land: Land) -> None:
    for name in ("a-7", "b-7"):
        land.hosts[name] = land.host(name)
    Machine.objects.update(created_at=timezone.now() - DAY)
    Unit.objects.filter(pk=land.units["A"].pk).update(tailoring="name: [not to be read")
    held = land.started()
    Unit.objects.filter(pk=land.units["A"].pk).update(tailoring="")
    for name in ("a-7", "b-7", "b-1"):
        land.report(name, **GOOD)
    found = look(held)
    assert found["a-7"] == ("unknown", "start-not-known"), "they could not be read then"
    assert found["b-7"] == ("done", ""), "none then, none now"
    Part.objects.filter(code="B").update(tailoring=None)  # started before they were written down
    found = look(held)
    assert found["b-7"] == ("unknown", "start-not-known")
    assert found["b-1"] == ("unknown", "start-not-known"), "it failed, and may pass because less is asked"
    assert sealing.changed_rules(held) == [], "what is not known is not told as changed"


def test_an_agent_that_is_heard_of_is_no_contact_with_what_it_only_reaches(land: Land) -> None:
    held = land.started()
    look(held)
    before = Row.objects.get(name="c-1").contact_at
    Machine.objects.filter(name="c-1").update(own=False)
    Agent.objects.update(contact_at=timezone.now() + HOUR)
    look(held)
    assert Row.objects.get(name="c-1").contact_at == Machine.objects.get(name="c-1").latest.received_at <= before
    assert Row.objects.get(name="b-1").contact_at > before


def test_before_the_account_is_written_no_number_is_told(land: Land, capsys: pytest.CaptureFixture[str]) -> None:
    draft = leading.make(land.root, "patches", letter(number="1/X"), "x")
    starting = leading.make(land.root, "patches", letter(number="2/X"), "x")
    leading.start(starting, "x")  # and no worker runs
    admin = person("qt", "admin", land.root)
    client = on(admin)
    assert "0 %" not in body(client.get("/campaigns/"))
    page = body(client.get(f"/campaigns/{starting.pk}/"))
    assert "The account is being written" in page
    assert "Never reported" not in page
    part = Part.objects.filter(answers=True).first()
    assert "Never reported" not in body(client.get(f"/campaigns/parts/{part.pk}/"))
    text = Key.issue(admin, land.root, "k", ["campaigns"], timezone.now() + DAY)[1]
    read: Any = lambda path: Client().get(f"/api/v1/campaigns{path}", headers={"Authorization": f"Bearer {text}"})  # noqa: E731
    for one in read("").json()["items"]:
        assert {one[name] for name in ("scope", "done", "not_done", "excused", "unknown", "missing", "never")} == {None}
    for campaign in (draft, starting):
        for path in ("machines/", "report/", "machines.csv", "machines.xlsx", "report.xlsx"):
            assert client.get(f"/campaigns/{campaign.pk}/{path}").status_code == 404
        assert read(f"/{campaign.pk}/units").status_code == read(f"/{campaign.pk}/machines").status_code == 404
        shown = {"campaign": campaign.pk, "unit": None, "missing": False}
        assert console.show(Namespace(**shown, format="table")) == 1, "nothing left to do is not what is known"
        assert "Scope" not in capsys.readouterr().out
        assert console.show(Namespace(**shown, format="json")) == 1
        assert json.loads(capsys.readouterr().out)["scope"] is None
    console.listed(Namespace())
    assert "0/0" not in capsys.readouterr().out


def test_a_unit_that_takes_no_part_is_not_done(land: Land, capsys: pytest.CaptureFixture[str]) -> None:
    held = land.started(units=[land.units["A"].pk])
    assert console.show(Namespace(campaign=held.pk, unit="C", missing=False, format="table")) == 2
    assert "takes no part" in capsys.readouterr().err


def test_looking_at_a_page_changes_nothing(land: Land) -> None:
    held = land.started()
    look(held)
    land.report("a-1", **GOOD)
    land.host("b-9")
    kept = [list(model.objects.order_by("pk").values()) for model in (Campaign, Part, Row)]
    client = on(person("qt", "admin", land.root))
    part = Part.objects.filter(answers=True).first()
    for path in ("", f"{held.pk}/", f"{held.pk}/machines/", f"{held.pk}/report/", f"{held.pk}/machines.csv", f"parts/{part.pk}/"):
        assert client.get(f"/campaigns/{path}").status_code == 200
        assert client.head(f"/campaigns/{path}").status_code == 200
    assert [list(model.objects.order_by("pk").values()) for model in (Campaign, Part, Row)] == kept
    assert freezing.look(held, timezone.now())
    assert Row.objects.get(name="a-1").state == "done"


def test_a_list_named_by_number_stands_as_it_was_matched_and_adds_up_to_the_scope(land: Land) -> None:
    held = land.started(lists=["12/DS", "404/KHONG-CO"])
    centre, province = person("qt", "viewer", land.root), person("b", "viewer", land.units["B"])
    counts = lambda user: [one.counts for one in lists.states("12/DS", Account(held, user))]  # noqa: E731
    assert counts(None) == counts(centre) == []
    assert body(on(centre).get(f"/campaigns/{held.pk}/")).count("not available here") == 2
    more = {"dated": timezone.localdate(), "since": timezone.now()}
    warning = Letter.objects.create(feed="warnings/x", number="12/ds", title="Cảnh báo lỗ hổng", **more)
    Sheet.objects.create(feed="indicators/x", number="12/DS", title="Địa chỉ máy chủ điều khiển", kinds={"ip": 1}, **more)
    for name, state in (("a-1", "closed"), ("b-1", "open")):
        Concern.objects.create(
            machine=Machine.objects.get(name=name), letter=warning, state=codes.STATES[state], since=timezone.now(),
            open=1, untold=0, packed=packed([]),
        )  # fmt: skip
    every = {"open": 1, "cannot-tell": 5, "closed": 1, "not-affected": 0}, {"seen": 0, "not-seen": 0, "not-known": 7}
    assert counts(None) == counts(centre) == [*every], "whom nobody looked at is not known, never free of it"
    assert counts(province)[0] == {"open": 1, "cannot-tell": 2, "closed": 0, "not-affected": 0}
    page = body(on(centre).get(f"/campaigns/{held.pk}/"))
    assert page.count("not available here") == 1
    assert "Cảnh báo lỗ hổng – open <b>1</b>" in page
    Machine.objects.filter(name="b-1").update(unit=land.units["C"])
    assert counts(province)[0] == {"open": 0, "cannot-tell": 3, "closed": 0, "not-affected": 0}
    kept = closed(held).result["lists"]
    assert [one["counts"] for one in kept["12/DS"]] == [*every]
    assert kept["404/KHONG-CO"] == []
    warning.delete()
    assert "open <b>1</b>" in body(on(centre).get(f"/campaigns/{held.pk}/report/")), "of the day it was closed"
    for path in ("", "report/"):
        assert "open <b>" not in body(on(province).get(f"/campaigns/{held.pk}/{path}")), "the numbers kept are those of all"


def test_rules_that_changed_are_told_of_the_unit_and_not_of_one_of_the_same_name(land: Land) -> None:
    for name in "AB":
        office = Unit.objects.create(name="Phòng CNTT", code=f"{name}-P", parent=land.units[name])
        Machine.objects.filter(name=f"{name.lower()}-1").update(unit=office)
    held = land.started()
    Unit.objects.filter(code="A-P").update(level=1)
    told = "Held to another pack, other stricter values or another level"
    for phase in ("running", "closed"):
        for name, expected in (("A", True), ("B", False)):
            client = on(person(f"{name}-{phase}", "viewer", land.units[name]))
            assert (told in body(client.get(f"/campaigns/{held.pk}/report/"))) is expected, (phase, name)
        if phase == "running":
            closed(held)


def test_packs_are_counted_only_where_a_state_rests_on_them(land: Land) -> None:
    held = land.started()
    look(held)
    assert sealing.ground(held, Account(held, None))["packs"] == [], "reports of before the start prove nothing"
    land.report("a-1", **GOOD)
    look(held)
    assert [one["machines"] for one in sealing.ground(held, Account(held, None))["packs"]] == [1]
    noted = sealing.ground(held, Account(held, None))["packs"]
    StoredAssessment.objects.update(version="newer")
    assert sealing.ground(held, Account(held, None))["packs"] == noted, "the states are still those of the older one"
    held.packs = None  # as a campaign that ran when that was not noted yet
    assert [one["version"] for one in sealing.ground(held, Account(held, None))["packs"]] == ["newer"]


def test_the_deadline_of_a_running_campaign_is_held_to_the_same_bounds(land: Land) -> None:
    held = land.started(grace_days=0)
    client = on(person("qt", "admin", land.root))
    given = {"grace_days": 0, "remind_days": "2", "contacts": "", "roster": "", "note": "", "version": held.version}
    for day, said in ((held.date - DAY, "lies before the date"), (timezone.localdate() + 400 * DAY, "more than a year ahead")):
        page = client.post(f"/campaigns/{held.pk}/edit/", {**given, "deadline": day.isoformat()})
        assert page.status_code == 422
        assert said in body(page)
    later = held.deadline + DAY
    assert client.post(f"/campaigns/{held.pk}/edit/", {**given, "deadline": later.isoformat()}).status_code == 302
    held.refresh_from_db()
    assert held.deadline == later
