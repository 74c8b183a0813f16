"""Vulnerabilities for programs: of a unit and of a machine, as JSON and CSV, kept to what the key's owner sees."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.feeds.codes import OPEN
from server.feeds.models import Affected, Exploited, Generation
from server.ingest.models import Machine
from server.programs.models import Key
from server.units.models import Membership, User
from tests.server.feeds_given import given, mended
from tests.server.test_matching_stored import match, reports

pytestmark = pytest.mark.django_db

ATTACKED, QUIET = "CVE-2024-1086", "CVE-2026-3"


@pytest.fixture
def fleet(client: Client, another: Any) -> dict[str, Machine]:
    given("debian", mended("a", "2-1", ATTACKED), Affected(ecosystem="debian:12", package="c", identifier=QUIET, state=OPEN))
    given("kev", Exploited(identifier=ATTACKED, added=timezone.localdate()), kind="kev", limit=30)
    found = {
        "north": reports(client, another("may-bac", "north"), ("a", "1-1"), ("c", "1-1")),
        "south": reports(client, another("may-nam", "south"), ("c", "1-1"), ("d", "1_0")),
    }
    match()
    return found


@pytest.fixture
def asked(person: Any, tree: Any) -> Any:
    """GET of an address with a key of somebody of that unit."""

    def ask(path: str, unit: str = "root", *scopes: str, kept_to: str = "") -> Any:
        owner = User.objects.filter(username=f"who-{unit}").first() or person(f"who-{unit}", unit, role=Membership.VIEWER)
        key = Key.issue(owner, tree[kept_to or unit], "k", list(scopes or ("feeds",)), timezone.now() + timedelta(days=1))[1]
        return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})

    return ask


def table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_unit_has_what_its_machines_have(fleet: dict[str, Machine], asked: Any) -> None:
    told = asked("vulnerabilities").json()
    assert {(one["identifier"], one["exploited"], one["machines"]) for one in told["items"]} == {
        (ATTACKED, True, 1),
        (QUIET, False, 2),
    }
    assert told["of"] == {"machines": 2, "blind": 0, "partly": 1, "old": 0, "exploited": 1}
    assert [one["identifier"] for one in asked("vulnerabilities?shown=exploited", "root", kept_to="root").json()["items"]] == [
        ATTACKED
    ]


def test_pages_go_on_where_they_ended(fleet: dict[str, Machine], asked: Any) -> None:
    for path in ("vulnerabilities", f"assets/{fleet['north'].pk}/vulnerabilities"):
        first = asked(f"{path}?limit=1", "root", kept_to="root").json()
        second = asked(f"{path}?limit=1&after={first['next']}", "north").json()
        assert (len(first["items"]), len(second["items"]), second["next"]) == (1, 1, None)
        assert first["items"][0]["identifier"] != second["items"][0]["identifier"]


def test_a_key_tells_no_more_than_its_owner_sees(fleet: dict[str, Machine], asked: Any) -> None:
    mine = asked("vulnerabilities", "south").json()
    assert [(one["identifier"], one["machines"]) for one in mine["items"]] == [(QUIET, 1)]
    assert mine["of"]["machines"] == 1
    # kept to a part of what the owner sees
    assert [one["machines"] for one in asked("vulnerabilities", "root", kept_to="south").json()["items"]] == [1]


def test_what_another_part_has_is_not_told(fleet: dict[str, Machine], asked: Any) -> None:
    assert asked(f"assets/{fleet['north'].pk}/vulnerabilities", "south").status_code == 404
    assert Client().get("/api/v1/vulnerabilities").status_code == 401
    assert Client().get(f"/api/v1/assets/{fleet['north'].pk}/vulnerabilities").status_code == 401


def test_another_scope_does_not_read_them(fleet: dict[str, Machine], asked: Any) -> None:
    assert asked("vulnerabilities", "root", "assets").status_code == 403
    assert asked(f"assets/{fleet['north'].pk}/vulnerabilities", "north", "assets").status_code == 403


def test_another_unit_is_not_asked_about(fleet: dict[str, Machine], asked: Any, tree: Any) -> None:
    assert asked(f"vulnerabilities?unit={tree['north'].pk}", "south").status_code == 404


def test_a_machine_tells_what_it_has_and_what_was_not_assessed(fleet: dict[str, Machine], asked: Any) -> None:
    told = asked(f"assets/{fleet['south'].pk}/vulnerabilities").json()
    assert [(one["identifier"], one["package"], one["answer"]) for one in told["items"]] == [(QUIET, "c", "not-yet")]
    stands = told["matched"]
    assert (stands["assessed"], stands["exploited"], stands["newest"], stands["old"]) == (2, 0, True, False)
    assert [(one["package"], one["why"]) for one in stands["left"]] == [("d", "no-rule")]
    assert stands["facts_at"]


def test_csv_says_what_was_not_assessed_too(fleet: dict[str, Machine], asked: Any) -> None:
    rows = table(asked(f"assets/{fleet['south'].pk}/vulnerabilities?format=csv"))
    assert [(row["identifier"], row["package"], row["answer"], row["note"]) for row in rows] == [
        (QUIET, "c", "not-yet", ""), ("", "d", "not-assessed", "no-rule"),
    ]  # fmt: skip


def test_csv_of_a_unit_says_of_how_many_machines_it_cannot_tell(fleet: dict[str, Machine], asked: Any) -> None:
    answer = asked("vulnerabilities?format=csv")
    assert answer["Rasoat-Not-Assessed"] == "1 of 2"
    assert {row["identifier"] for row in table(answer)} == {ATTACKED, QUIET}


def test_a_machine_of_which_nothing_is_known_has_no_empty_table(client: Client, another: Any, asked: Any) -> None:
    machine = reports(client, another("may-moi", "north"), ("a", "1-1"))
    assert asked(f"assets/{machine.pk}/vulnerabilities").json()["matched"] is None
    rows = table(asked(f"assets/{machine.pk}/vulnerabilities?format=csv", "north"))
    assert [(row["answer"], row["note"]) for row in rows] == [("not-assessed", "not-matched")]
    match()
    rows = table(asked(f"assets/{machine.pk}/vulnerabilities?format=csv", "root", kept_to="north"))
    assert [(row["answer"], row["note"]) for row in rows] == [("not-assessed", "no-feed")]


def test_that_it_is_not_exploited_is_told_no_longer_than_the_list_counts(fleet: dict[str, Machine], asked: Any) -> None:
    Generation.objects.filter(feed__name="kev").update(data_date=timezone.localdate() - timedelta(days=31))
    told = {one["identifier"]: one["exploited"] for one in asked("vulnerabilities").json()["items"]}
    assert told == {ATTACKED: True, QUIET: None}
