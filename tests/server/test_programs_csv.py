"""Every list as CSV: whole, filtered as its pages are, for spreadsheets, and nothing of other people's units in it."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from server.api import api
from server.assess import judge
from server.assignments.models import Assignment
from server.campaigns.models import Campaign
from server.coverage.models import Expected
from server.evidence.models import Bundle
from server.findings import rollup, tally
from server.findings.codes import FAIL
from server.findings.models import Standing
from server.ingest.models import Machine
from server.journal import models as journal
from server.programs.listing import walk
from server.registers.installed import Program
from server.registers.models import Item, System
from server.relays.models import Relay
from server.schedules.models import Schedule
from server.sweeps.models import Letter, Sheet
from server.web.spreadsheet import plain
from tests.server.assignments import failing
from tests.server.campaigns import running
from tests.server.documents import paper
from tests.server.feeds_given import given, mended
from tests.server.people import Host, send
from tests.server.sweeping import warned
from tests.server.test_matching_stored import match, reports
from tests.server.test_programs import key_of

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]

LISTS = sorted(path for path, said in api.get_openapi_schema()["paths"].items() if "text/csv" in str(said.get("get", "")))


def address(path: str) -> str:
    machine = Machine.objects.get(name="nam-1")
    rule = Standing.objects.filter(verdict=FAIL)[0].rule_id
    lists = {"sheet": Sheet.objects.values_list("pk", flat=True)[0], "letter": Letter.objects.values_list("pk", flat=True)[0]}
    pk = Campaign.objects.get().pk if "/campaigns/" in path else Assignment.objects.get().pk if "/work/" in path else machine.pk
    return path.format(pk=pk, rule=rule, gap="absent", **lists)


def asked(path: str, key: str, accept: str = "*/*"):
    return Client().get(path, headers={"Authorization": f"Bearer {key}", "Accept": accept})


def rows(path: str, key: str) -> list[list[str]]:
    answer = asked(path, key)
    assert answer.status_code == 200, (path, answer.content)
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"), newline="")))


@pytest.fixture
def south(client, another, tree) -> Host:
    """Something of every kind in the south, nothing in the north."""
    host = another("nam-1", unit="south")
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=3)))).status_code == 201
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=2), permit_root_login="no"))).status_code == 201
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=1)))).status_code == 201
    machine = Machine.objects.get()
    judge.raise_alarm(machine, "forged", target="x")
    warned(machine, "nam-1")
    Expected.objects.create(unit=tree["south"], name="phải-có")
    Relay.invite(tree["south"], "trạm", "x")
    Schedule.objects.create(unit=tree["south"], kind="server", interval_seconds=3600)
    journal.write("unit.changed", "x", unit_path=tree["south"].path, subject="=1+1")
    running(tree["south"], tree["south"], machine, "nam-1")
    Bundle.objects.create(unit=tree["south"], kind="unit", of=1, name="gói nam-1", asked_by="x")
    paper(tree["south"], "nam-1")
    for kind in (Item, Program, System):
        kind.objects.create(unit=tree["south"], name="nam-1", created_by="x")
    failing(machine, tree["south"], None, "nam-1")
    given("debian", mended("a", "2-1"))
    reports(client, host, ("a", "1-1"), age=timedelta(minutes=30))
    match()
    tally.fold_all()
    rollup.roll_up(timezone.localdate())
    return host


def test_the_lists_there_are() -> None:
    assert {path.rpartition("/api/v1/")[2] for path in LISTS} >= {
        "units", "assets", "assets/{pk}/verdicts", "findings", "findings/{rule}/machines", "changes", "trend", "coverage",
        "coverage/{gap}", "alarms", "journal", "jobs", "relays", "schedules",
    }  # fmt: skip


def test_whoever_has_it_gets_it_and_nobody_else(south, admin, person, tree) -> None:
    everybody, north = key_of(admin, tree["root"]), key_of(person("bắc", unit="north", role="admin"), tree["north"])
    for path in LISTS:
        url = f"{address(path)}?format=csv&limit=1&until={timezone.localdate()}"
        mine = rows(url, everybody)
        if not path.endswith(("jobs", "waivers")):  # neither is asked for in this test
            assert len(mine) > 1, path
        if asked(url, north).status_code == 404:
            assert "{pk}" in path
            continue
        theirs = rows(url, north)
        assert theirs[0] == mine[0], "the heading stands there without rows"
        assert not any(mark in str(theirs) for mark in ("nam-1", "Phòng Nam", "phải-có", "trạm", "1+1")), path
        if not path.endswith(("units", "coverage", "sweeps", "letters")):  # the last two are the same lists for everybody
            assert theirs[1:] == [], path


def test_all_rows_and_not_a_page(south, admin, tree, another) -> None:
    agent = Machine.objects.get().agent
    Machine.objects.bulk_create(
        Machine(unit=tree["south"], agent=agent, own=False, name=f"m-{n}", kind="server") for n in range(1200)
    )
    key = key_of(admin, tree["root"])
    assert len(rows("/api/v1/assets?format=csv&limit=1", key)) == 1202
    assert len(rows("/api/v1/assets?format=csv&q=m-1", key)) == 1 + len([n for n in range(1200) if str(n).startswith("1")]) + 1
    assert len(rows("/api/v1/coverage/never?format=csv", key)) == 1201


def test_every_change_comes_once_also_over_the_border_of_a_slice(south, admin, tree, monkeypatch) -> None:
    from server.programs import api_findings

    key = key_of(admin, tree["root"])
    whole = rows("/api/v1/changes?format=csv", key)
    monkeypatch.setattr(api_findings, "MOST", 1)
    assert len(whole) == 3
    assert rows("/api/v1/changes?format=csv", key) == whole
    assert list(walk(lambda after: [n for n in (1, 2, 3) if n > (after or 0)][:2], lambda last: last)) == [1, 2, 3]


def test_counts_say_how_many_reports_are_not_in_them_yet(south, admin, tree, monkeypatch) -> None:
    monkeypatch.setattr(tally, "WAITING_MAX", 0)
    key = key_of(admin, tree["root"])
    assert asked("/api/v1/findings?format=csv", key)["Rasoat-Waiting"] == "0"
    assert send(Client(), south.seal(south.snapshot(permit_root_login="no"))).status_code == 201
    waiting = asked("/api/v1/findings", key).json()["waiting"]
    assert waiting > 0
    assert asked("/api/v1/findings?format=csv", key)["Rasoat-Waiting"] == str(waiting)


def test_the_header_asks_for_it_as_well_and_the_address_counts_more(south, admin, tree) -> None:
    key = key_of(admin, tree["root"])
    assert asked("/api/v1/assets", key, "text/csv")["Content-Type"].startswith("text/csv")
    assert asked("/api/v1/assets", key, "text/html,*/*;q=0.8")["Content-Type"].startswith("application/json")
    assert asked("/api/v1/assets", key, "text/csv;q=0.5, application/json")["Content-Type"].startswith("application/json")
    assert asked("/api/v1/assets?format=json", key, "text/csv")["Content-Type"].startswith("application/json")


def test_the_form_is_that_of_the_rfc_and_the_mark_can_be_left_out(south, admin, tree) -> None:
    Machine.objects.update(hostname='có "dấu", phẩy\nvà dòng')
    key = key_of(admin, tree["root"])
    text = b"".join(asked("/api/v1/assets?format=csv", key).streaming_content)
    bare = b"".join(asked("/api/v1/assets?format=csv&bom=false", key).streaming_content)
    assert text == "\ufeff".encode() + bare
    assert bare.endswith(b"\r\n")
    assert '"có ""dấu"", phẩy\nvà dòng"' in bare.decode()
    assert rows("/api/v1/assets?format=csv", key)[1][5] == 'có "dấu", phẩy\nvà dòng'


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert plain(text) == f"'{text}"


def test_what_is_no_text_stays_what_it_is() -> None:
    assert [plain(value) for value in (-1, None, True, date(2026, 1, 2))] == ["-1", "", "true", "2026-01-02"]
    assert plain({"vì": ["=1"]}) == '{"vì": ["=1"]}', "begins with a brace"
