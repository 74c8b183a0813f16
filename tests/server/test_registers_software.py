"""The software register: copies are counted from reports, what no entry names is listed, and what was not seen is said."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from collectors.facts.software import Package, Software
from collectors.model import Kind, Record
from server.ingest.models import Machine
from server.registers import counting, seen
from server.registers.installed import Listing, Outside, Program, Use
from server.registers.models import Seen
from server.units.models import Unit
from tests.server.people import made, send
from tests.server.registers import bring, on, take

pytestmark = pytest.mark.on_both


@pytest.fixture
def page(person) -> Client:
    return on(person("vận-hành", role="operator"))


def programs(*told: tuple[str, str, str], unseen: bool = False) -> Record:
    packages = tuple(made(Package, name=name, version=version, arch="x64", origin=maker) for name, version, maker in told)
    fact = made(Software, manager="windows", packages=None if unseen else packages, others=(), recognised=())
    return Record(fact="software", version=Software.VERSION, outcome="seen", data=fact.model_dump(mode="json"))


OFFICE = ("Microsoft Office 2019", "16.0.1", "Microsoft Corporation")
GAME = ("Trò chơi", "1", "")


def reports(client: Client, host, record: Record, **ago) -> None:
    assert send(client, host.seal(host.snapshot(timedelta(**ago), (record,)))).status_code == 201
    for machine in seen.stale():
        seen.note(machine)


def counted() -> None:
    for pk in counting.dirty():
        counting.count(Unit.objects.get(pk=pk))
    assert counting.dirty() == [], "what was counted is not counted again"


def entry(unit: Unit, rules: str, **more) -> Program:
    return Program.objects.create(unit=unit, name=more.pop("name", "Office"), rules=rules, created_by="x", **more)


@pytest.fixture
def fleet(client, another):
    """Two workstations and a server that have Office, one of them a game; and one whose programs nobody saw."""
    reports(client, another("pc-1", "north", kind=Kind.WORKSTATION), programs(OFFICE, GAME))
    reports(
        client,
        another("pc-2", "south", kind=Kind.WORKSTATION),
        programs(("microsoft  office 2019", "16.0.2", "Microsoft Corporation")),
    )
    reports(client, another("srv", "north"), programs(OFFICE))
    reports(client, another("pc-3", "north", kind=Kind.WORKSTATION), programs(unseen=True))


@pytest.mark.parametrize("rules", ["Microsoft Office 2019", "microsoft office*", "@Microsoft Corporation"])
def test_copies_are_counted_from_reports(fleet, tree, rules) -> None:
    office = entry(tree["root"], rules, licence_count=2)
    counted()
    assert office.copies == {"servers": 1, "stations": 2, "all": 3}
    assert office.servers == ["srv"]
    assert (office.over, office.unseen) == (1, 1)
    if not rules.startswith("@"):
        assert office.versions == [("16.0.1", 2), ("16.0.2", 1)]


def test_an_entry_speaks_for_its_unit_and_below_only(fleet, tree) -> None:
    office = entry(tree["north"], OFFICE[0])
    counted()
    assert office.copies == {"servers": 1, "stations": 1, "all": 2}
    assert set(Outside.objects.values_list("unit__name", "name", "machines")) == {
        ("Phòng Bắc", "Trò chơi", 1), ("Phòng Nam", "microsoft  office 2019", 1),
    }  # fmt: skip


def test_what_is_in_no_register_is_listed_for_those_who_may_see_it(fleet, person, tree) -> None:
    entry(tree["root"], OFFICE[0])
    counted()
    client = on(person("bắc", "north"))
    answer = client.get("/registers/software/outside/")
    assert [(row["name"], row["many"]) for row in answer.context["page"].object_list] == [("Trò chơi", 1)]
    assert answer.context["unseen"] == 1, "one machine may have anything"
    assert not on(person("nam", "south")).get("/registers/software/outside/").context["page"].object_list


def test_counts_follow_reports_rules_moves_and_retirement(client, another, tree) -> None:
    host = another("pc", "north", kind=Kind.WORKSTATION)
    reports(client, host, programs(OFFICE, GAME), hours=2)
    office = entry(tree["root"], OFFICE[0])
    counted()
    assert Outside.objects.get().name == "Trò chơi"
    reports(client, host, programs(OFFICE), hours=1)
    counted()
    assert not Outside.objects.exists()
    Program.objects.update(rules="khác")
    counted()
    assert (office.copies["all"], Outside.objects.get().unit) == (0, tree["north"])
    Machine.objects.update(unit=tree["south"])
    counted()
    assert Outside.objects.get().unit == tree["south"]
    Machine.objects.update(retired_at="2026-01-01T00:00Z")
    counted()
    assert not Outside.objects.exists()
    assert not Use.objects.exists()


def test_what_was_not_seen_is_not_none(client, another, tree) -> None:
    reports(client, another("pc"), programs(unseen=True))
    assert Seen.objects.get().programs is None
    assert not Listing.objects.exists()


def test_machines_that_are_alike_share_a_list(client, another, tree) -> None:
    for name in ("a", "b"):
        reports(client, another(name), programs(OFFICE))
    assert Listing.objects.count() == 1


def test_the_register_goes_out_and_comes_in_unchanged(fleet, page, tree) -> None:
    entry(tree["root"], f"{OFFICE[0]}\n@Microsoft Corporation", licence_count=5, kind="system", function="Soạn thảo\nvăn bản")
    entry(tree["north"], "", name="TST", kind="sector", state="trial")
    counted()
    for form in ("xlsx", "csv"):
        raw = b"".join(page.get(f"/registers/software/export.{form}"))
        shown = bring(page, tree["root"], raw, f"a.{form}", "software")
        assert shown.context["counts"] == {"new": 0, "changed": 0, "same": 2, "refused": 0}
    book = load_workbook(io.BytesIO(b"".join(page.get("/registers/software/export.xlsx"))))
    heading = [cell.value for cell in book.active[1]]
    row = {name: cell.value for name, cell in zip(heading, book.active[2], strict=True)}
    assert (row["Máy chủ cài đặt"], row["Số bản trên máy trạm"], row["Số lượng bản quyền"]) == ("srv", "≥ 2", 5)
    book.active.cell(2, heading.index("Số hiệu bản quyền") + 1).value = "BQ-01"
    out = io.BytesIO()
    book.save(out)
    take(page, bring(page, tree["root"], out.getvalue(), "a.xlsx", "software"))
    program = Program.objects.get(licence_number="BQ-01")
    assert list(program.changes.values_list("field", "new")) == [("licence_number", "BQ-01")]


def test_the_same_name_in_another_unit_is_another_entry(page, tree) -> None:
    entry(tree["north"], "", name="TST")
    raw = "Tên phần mềm;Đơn vị\nTST;Phòng Nam\nTST;Phòng Bắc\n".encode()
    shown = bring(page, tree["root"], raw, "a.csv", "software")
    assert shown.context["counts"] == {"new": 1, "changed": 0, "same": 1, "refused": 0}


def test_a_page_of_each_kind(fleet, page, tree) -> None:
    office = entry(tree["root"], OFFICE[0], licence_count=1)
    counted()
    assert "vượt 2" in page.get("/registers/software/").content.decode()
    text = page.get(f"/registers/software/{office.pk}/").content.decode()
    assert "16.0.2 (1)" in text
    assert "Chưa biết các máy chưa thấy" in text
    answer = page.post(
        "/registers/software/new/", {"unit": tree["root"].pk, "name": "Office", "kind": "system", "state": "in_use"}
    )
    assert f"mục số {office.pk}" in answer.content.decode()
    page.post(
        "/registers/software/new/",
        {"unit": tree["north"].pk, "name": "TST", "kind": "sector", "state": "in_use", "licence_count": "0"},
    )
    assert Program.objects.get(name="TST").licence_count == 0


def test_where_machines_were_not_seen_a_file_and_a_page_say_that_the_copies_are_the_least(fleet, page, tree) -> None:
    office, row = entry(tree["root"], "Microsoft Office*"), "Số bản trên máy trạm"

    def copies() -> str:
        lines = list(csv.reader(io.StringIO(b"".join(page.get("/registers/software/export.csv")).decode("utf-8-sig"))))
        return dict(zip(lines[0], lines[1], strict=True))[row]

    assert copies() == "≥ 0", "nobody has counted yet"
    counted()
    assert copies() == "≥ 2"
    assert page.get("/registers/software/").context["unseen"] == 1
    Machine.objects.filter(name="pc-3").update(retired_at=Machine.objects.get(name="pc-3").created_at)
    assert copies() == "2"
    assert office.unseen == page.get("/registers/software/").context["unseen"] == 0


def test_more_programs_are_asked_for_no_more_often(fleet, page, tree) -> None:
    entry(tree["root"], "Microsoft Office*", licence_count=2)
    counted()

    def asked(path: str) -> int:
        page.get(path)  # whatever is read once in a while is in memory then
        with CaptureQueriesContext(connection) as captured:
            assert b"".join(page.get(path))
        return len(captured)

    paths = [f"/registers/software/{name}" for name in ("", "export.csv", "export.xlsx")]
    few = list(map(asked, paths))
    for number in range(30):
        entry(tree["north" if number % 2 else "south"], "Microsoft Office*", name=f"Office {number}", licence_count=0)
    counted()
    assert list(map(asked, paths)) == few
    rows = {one.name: (copies["all"], over) for one, copies, over in page.get("/registers/software/").context["rows"]}
    assert (rows["Office"], rows["Office 0"], rows["Office 1"]) == ((3, 1), (1, 1), (2, 2)), "each speaks for its unit and below"
