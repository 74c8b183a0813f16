"""The sheet for the national monitoring system: what register and reports know, marked blanks for the rest, and no account at all."""

from __future__ import annotations

import io
from typing import Any

import docx
import pypdf
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from collectors.facts.identity import Identity
from collectors.facts.listening import Listening, Socket
from collectors.model import Kind, Record
from server.documents import making
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.papers.monitoring import _inside
from server.documents.report import Report, Table, blocks
from server.documents.spans import containing
from server.documents.texts import Texts
from server.ingest.models import Machine
from server.registers.models import Item
from server.registers.systems import Member, System
from tests.server.documents import of_unit, signed
from tests.server.people import facts
from tests.server.sweeping import record, reports
from tests.server.test_rights import person

pytestmark = pytest.mark.django_db
BLANK = "[bổ sung]"
ZONES = "DMZ | 10.0.0.0/24 | 203.0.113.0/28\nNội bộ | 10.1.0.0/16"
ACCOUNT = "tai-khoan-dich-vu"
HOSTILE = "<b>&" + "Cổng thông tin " * 16
CONTACT = {"name": "Nguyễn Văn Mẫu", "email": "mau@tinh-a.example", "phones": "024 000 000"}


def listening(*sockets: tuple[str, str, int, bool]) -> Record:
    """(program, protocol, port, others reach it)"""
    told = tuple(
        Socket(protocol=protocol, address="0.0.0.0" if exposed else "127.0.0.1", port=port, exposed=exposed, process=process or None, account=ACCOUNT)  # type: ignore[arg-type]
        for process, protocol, port, exposed in sockets
    )  # fmt: skip
    return record(Listening(sockets=told, exposed_tcp_ports=(), exposed_udp_ports=()))


def addressed(name: str, *addresses: str) -> Record:
    found = next(one for one in facts(name) if one.fact == Identity.NAME)
    assert found.data is not None
    return found.model_copy(update={"data": found.data | {"addresses": list(addresses)}})


def of_system(unit: Any, name: str, *machines: Machine, **more: Any) -> System:
    made = System.objects.create(unit=unit, name=name[:253], created_by="x", **more)
    for machine in machines:
        Member.objects.create(system=made, machine=machine)
    return made


def sheet(report: Report) -> dict[str, tuple[Any, ...]]:
    table = next(one for one in report.body if isinstance(one, Table))
    return {str(row[3]): row for row in table.rows}


def numbers(report: Report) -> dict[str, int | None]:
    return {one.text: one.number for one in report.honesty.counts}


def words(name: str) -> str:
    return str(Texts("monitoring.yaml").at("counts", name))


@pytest.fixture
def watched(client, another, tree) -> System:
    """A system with a web server that is seen, one that listens unseen, a workstation, a switch of paper, and a silent machine."""
    signed(tree["north"], contacts=[CONTACT])
    web = reports(
        client, another("web-01", "north"), addressed("web-01", "10.0.0.5", "203.0.113.7"),
        listening(("nginx", "tcp", 443, True), ("nginx", "tcp", 80, True), ("postgres", "tcp", 5432, False), ("", "udp", 123, True)),
    )  # fmt: skip
    blind = reports(client, another("app-01", "north"), addressed("app-01", "10.1.0.9"))
    desk = reports(client, another("ws-01", "north", kind=Kind.WORKSTATION))
    another("cam-01", "north")
    silent = Machine.objects.get(name="cam-01")
    system = of_system(
        tree["north"], "Một cửa", web, blind, desk, silent, zones=ZONES, level_proposed="3", operator="Trung tâm B"
    )
    Member.objects.create(system=system, item=Item.objects.create(unit=tree["north"], name="sw-giay", device_class="network", created_by="x"))  # fmt: skip
    Member.objects.create(system=system, item=Item.objects.create(unit=tree["north"], name="may-in", device_class="printer", created_by="x"))  # fmt: skip
    return system


def test_a_row_for_each_address_and_machine(watched, tree) -> None:
    made = of_unit("monitoring", tree["north"])
    rows = sheet(made)
    assert list(rows) == ["Vùng mạng: DMZ", "web-01 (DMZ)", "app-01 (Nội bộ)", "cam-01", "sw-giay"]
    reach = "Trung tâm B: Nguyễn Văn Mẫu, 024 000 000"
    zone, web = rows["Vùng mạng: DMZ"], rows["web-01 (DMZ)"]
    assert zone == (1, "Một cửa", "3", "Vùng mạng: DMZ", "203.0.113.0/28", "10.0.0.0/24", BLANK, BLANK, BLANK, BLANK, reach)
    assert web[4:8] == ("203.0.113.7", "10.0.0.5", BLANK, "chưa rõ chương trình (udp/123); nginx (tcp/443, tcp/80)")
    assert web[8:10] == ("Debian GNU/Linux 12 (bookworm)", "12")
    assert "5432" not in str(web), "nobody else reaches that"
    assert rows["app-01 (Nội bộ)"][4:8] == (BLANK, "10.1.0.9", BLANK, BLANK), "services that nobody saw are not none"
    assert rows["cam-01"][4:8] == (BLANK,) * 4
    assert rows["sw-giay"][4:10] == (BLANK,) * 6
    told = numbers(made)
    assert (told[words("rows")], told[words("machines")], told[words("workstations")], told[words("level")]) == (5, 3, 1, 1)
    assert told[words("silent")] == 2
    assert {one.name for one in made.honesty.unreached} == {"cam-01", "sw-giay"}
    assert made.honesty.since is not None


def test_no_account_is_in_it(watched, tree) -> None:
    made = of_unit("monitoring", tree["north"])
    everything = made.model_dump_json()
    assert ACCOUNT not in everything
    assert "vận-hành" not in everything, "nor those of the machine itself"
    assert "không có dịch vụ mở ra mạng" not in everything


def test_a_machine_without_open_services_says_so(client, another, tree) -> None:
    signed(tree["north"])
    quiet = reports(client, another("db-01", "north"), listening(("postgres", "tcp", 5432, False)))
    of_system(tree["north"], "A", quiet)
    row = sheet(of_unit("monitoring", tree["north"]))["db-01"]
    assert row[7] == "không có dịch vụ mở ra mạng"
    assert row[2] == BLANK, "no level written down"
    assert row[10] == f"Phòng Bắc: {BLANK}"


def test_blanks_are_asked_and_filled(watched, tree) -> None:
    made = of_unit("monitoring", tree["north"])
    domain = f"domain.{watched.pk}"
    assert {one.id for one in made.asked} == {"sensor", "link", "data", domain}, "who to call is known"
    filled = of_unit("monitoring", tree["north"], answers={domain: "motcua.tinh-a.example", "sensor": "Sau tường lửa biên", "link": "1 Gb/s", "data": "Syslog"})  # fmt: skip
    assert filled.blanks == []
    assert {row[6] for row in sheet(filled).values()} == {"motcua.tinh-a.example"}
    signed(tree["north"], contacts=[])
    asked = of_unit("monitoring", tree["north"], answers={"contact": "Tổ trực\n024 111 111"})
    assert {row[10] for row in sheet(asked).values()} == {"Trung tâm B: Tổ trực 024 111 111"}


def test_systems_of_others_and_those_that_ended_are_not_in_it(watched, tree) -> None:
    signed(tree["root"])
    of_system(tree["south"], "cua-phong-nam", zones="A | 10.9.0.0/24 | 198.51.100.1")
    of_system(tree["north"], "Đã dừng", state="stopped", zones=ZONES)
    mine = of_unit("monitoring", tree["root"], user=person("bắc", "operator", tree["north"]))
    assert "cua-phong-nam" not in mine.model_dump_json()
    assert numbers(mine)[words("stopped")] == 1
    assert len(sheet(mine)) == 5
    whole = of_unit("monitoring", tree["root"])
    assert sheet(whole)["Vùng mạng: A"][1] == "cua-phong-nam"


def test_what_is_in_no_system_is_counted(client, another, watched, tree) -> None:
    reports(client, another("le-01", "north"))
    of_system(tree["north"], "Trống")
    made = of_unit("monitoring", tree["north"])
    told = numbers(made)
    assert (told[words("outside")], told[words("unwatched")], told[words("unlevelled")]) == (1, 1, 1)
    assert any("Trống" in one for one in made.honesty.remarks)
    retired = Machine.objects.get(name="web-01")
    Machine.objects.filter(pk=retired.pk).update(retired_at=retired.created_at)
    assert "web-01 (DMZ)" not in sheet(of_unit("monitoring", tree["north"])), "out of service"


def test_an_empty_register_yields_an_honest_sheet(tree) -> None:
    signed(tree["north"])
    made = of_unit("monitoring", tree["north"])
    assert sheet(made) == {}
    assert next(one for one in blocks(made) if isinstance(one, Table)).empty
    assert numbers(made)[words("systems")] == 0
    assert made.honesty.since is None


def test_the_workbook_is_read_back_as_people_send_it(client, another, tree) -> None:
    signed(tree["north"], contacts=[CONTACT | {"name": "=cmd"}])
    web = reports(client, another("web-01", "north"), addressed("web-01", "10.0.0.5"), listening(("nginx", "tcp", 443, True)))
    system = of_system(tree["north"], HOSTILE, web, zones=ZONES, operator="=1+1", level_approved="3")
    made = making.of_unit("monitoring", tree["north"], containing("", timezone.localdate()), None, "console").report
    book = load_workbook(io.BytesIO(xlsx.written(made)))
    page = book["Đối tượng giám sát"]
    assert [cell.value for cell in page[2]] == list(Texts("monitoring.yaml").at("columns"))
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=3)]
    assert [row[3] for row in rows] == ["Vùng mạng: DMZ", "web-01 (DMZ)"]
    assert rows[1][:3] == [2, system.name, "3"]
    assert rows[1][4:10] == [BLANK, "10.0.0.5", BLANK, "nginx (tcp/443)", "Debian GNU/Linux 12 (bookworm)", "12"]
    assert (rows[1][10], page.cell(4, 11).data_type) == ("=1+1: =cmd, 024 000 000", "s")
    word = docx.Document(io.BytesIO(to_docx.written(made)))
    assert system.name in "".join(node.text or "" for node in word.element.iter() if node.tag.endswith("}t"))
    text = "".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages)
    assert "<b>&" in text.replace("\u200b", "")


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.1.2.3", True), ("172.31.0.1", True), ("172.32.0.1", False), ("100.64.0.1", True), ("203.0.113.7", False), ("fd00::1", True),
     ("fe80::1%eth0", True), ("2001:db8::1", False), ("192.168.1.1/24", True), ("không phải địa chỉ", True)],
)  # fmt: skip
def test_which_addresses_the_internet_does_not_know(address: str, inside: bool) -> None:
    assert _inside(address) is inside
