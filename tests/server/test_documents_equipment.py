"""The quarterly report on equipment: it says what the register and its history say, and nothing of a time that was not written down."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import docx
import pypdf
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from server.documents import making
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.papers.register import HISTORY
from server.documents.report import Paragraph, Report, Table, blocks
from server.documents.spans import Span, containing
from server.documents.texts import Texts
from server.findings.codes import FAIL, PASS, UNKNOWN
from server.findings.models import Rule, Standing
from server.registers.books import BOOKS
from server.registers.columns import columns
from server.registers.equipment import UNSEEN_DAYS
from server.registers.installed import Program
from server.registers.models import Item, ItemChange
from server.registers.stocks import Line, Stocktake
from tests.server.documents import of_unit, signed
from tests.server.findings import Fleet
from tests.server.test_rights import on, person

pytestmark = pytest.mark.django_db
HOSTILE = "<b>&\"'" + "Thiết bị " * 40


def last() -> Span:
    """The quarter that is over."""
    return containing("quarter", timezone.localdate()).before


def item(unit: Any, name: str, **more: Any) -> Item:
    return Item.objects.create(unit=unit, name=name[:253], created_by="x", **more)


def turned(one: Item, at: Any, field: str = "", old: str = "", new: str = "", kind: str = "typed") -> None:
    ItemChange.objects.create(item=one, at=at, by="van-hanh-01", kind=kind, field=field, old=old, new=new)


def table(report: Report, name: str) -> Table:
    return next(one for one in blocks(report) if isinstance(one, Table) and one.name.startswith(name))


def said(report: Report) -> str:
    return " ".join(one.text for one in blocks(report) if isinstance(one, Paragraph))


def numbers(report: Report) -> dict[str, int | None]:
    return {one.text: one.number for one in report.honesty.counts}


@pytest.fixture
def kept(tree) -> Any:
    """Registers of two units, kept since before the last quarter."""
    signed(tree["north"])
    signed(tree["root"])
    inside = last().begins + timedelta(days=20)
    server = item(tree["north"], "may-chu-A", device_class="server", person="Nguyễn Văn Mẫu", equipped=last().first)
    printer = item(tree["north"], "may-in-B", device_class="printer", state="in_repair", equipped=last().before.last)
    gone = item(tree["north"], "may-cu-C", device_class="desktop", state="disposed")
    theirs = item(tree["south"], "cua-phong-nam", device_class="server")
    for one in (server, printer, gone, theirs):
        turned(one, last().begins - timedelta(days=200), kind="created", new=one.name)
    turned(server, inside, "person", "", "Nguyễn Văn Mẫu")
    turned(server, last().ends + timedelta(seconds=1), "person", "Nguyễn Văn Mẫu", "Lê Sau Kỳ")
    turned(printer, inside, "state", "in_use", "in_repair", kind="imported")
    turned(printer, inside, "state", "in_repair", "in_use")
    turned(printer, inside, "state", "in_use", "in_repair")
    turned(gone, inside, "state", "in_use", "disposed")
    turned(theirs, inside, "person", "", "Người Phòng Nam")
    return tree


def test_numbers_of_today_and_turns_of_the_quarter_are_told_apart(kept) -> None:
    made = of_unit("equipment", kept["north"], last().written, person("bắc", "operator", kept["north"]))
    assert made.landscape
    assert not made.provisional
    held = table(made, "Số lượng thiết bị")
    by_class = {row[1]: row[2:] for row in held.rows}
    assert by_class["Máy chủ"] == (1, 0, 0, 0, 1, 1)
    assert by_class["Máy in"] == (0, 0, 1, 0, 1, 1)
    assert by_class["Máy tính để bàn"] == (0, 0, 0, 1, 0, 1)
    assert by_class["Cộng"] == (1, 0, 1, 1, 2, 3)
    turns = {row[1]: row[2:] for row in table(made, "Biến động").rows}
    words = Texts("equipment.yaml").at("turns")
    assert turns[words["created"]] == (0, 0), "they were entered before"
    assert turns[words["handed"]] == (1, 1), "what came a second after the quarter is not of it"
    assert turns[words["repair"]] == (1, 2), "one device, twice"
    assert turns[words["repaired"]] == (1, 1)
    assert turns[words["retired"]] == (1, 1)
    assert turns[words["moved"]] == (0, 0)
    assert "01 thiết bị được trang bị trong" in said(made)
    assert "01 thiết bị chưa ghi ngày trang bị" in said(made)
    lines = table(made, "Chi tiết").rows
    assert [row[2] for row in lines].count("may-in-B") == 3
    assert "Tình trạng: đang sử dụng → đang sửa chữa" in {row[5] for row in lines}
    annex = table(made, "Danh sách thiết bị")
    assert [row[1] for row in annex.rows] == ["may-chu-A", "may-in-B"], "what was disposed of is held no longer"
    assert "Nguyễn Văn Mẫu" in str(annex.rows[0][13])
    assert "Lê Sau Kỳ" not in str(annex.rows[0][13])
    assert any("Mẫu báo cáo quý" in one for one in made.honesty.remarks), "the form of the centre was not there"


def test_a_time_of_which_nothing_was_written_has_no_numbers(kept) -> None:
    before = containing("quarter", (last().begins - timedelta(days=500)).date())
    made = of_unit("equipment", kept["north"], before.written)
    assert {row[2:] for row in table(made, "Biến động").rows} == {(None, None)}
    assert "chưa xác định được" in said(made)
    assert {row[13] for row in table(made, "Danh sách thiết bị").rows} == {None}
    coming = containing("quarter", timezone.localdate()).after
    later = of_unit("equipment", kept["north"], coming.written)
    assert {row[2:] for row in table(later, "Biến động").rows} == {(None, None)}, "nor of one that is still to come"
    assert later.provisional


def test_a_history_that_begins_within_the_quarter_says_so(tree) -> None:
    signed(tree["north"])
    one = item(tree["north"], "a")
    turned(one, last().begins + timedelta(days=10), kind="created", new="a")
    made = of_unit("equipment", tree["north"], last().written)
    assert "sau ngày đầu của" in said(made)
    assert table(made, "Biến động").rows[0][2:] == (1, 1)


def test_another_unit_is_seen_by_the_console_and_not_by_a_stranger(kept) -> None:
    mine = of_unit("equipment", kept["root"], last().written, person("bắc", "operator", kept["north"]))
    assert "cua-phong-nam" not in mine.model_dump_json()
    assert "Người Phòng Nam" not in mine.model_dump_json()
    whole = of_unit("equipment", kept["root"], last().written)
    assert "cua-phong-nam" in whole.model_dump_json()
    assert "Người Phòng Nam" in whole.model_dump_json()
    assert "van-hanh-01" not in whole.model_dump_json(), "who typed it stands in the register, not on paper"


def test_what_ends_in_the_next_quarter(tree) -> None:
    signed(tree["north"])
    after = last().after
    item(tree["north"], "đầu", warranty_until=after.first, support_until=after.after.first)
    item(tree["north"], "cuối", warranty_until=after.last)
    item(tree["north"], "trước", warranty_until=after.first - timedelta(days=1))
    item(tree["north"], "thanh lý", warranty_until=after.first, state="disposed")
    Program.objects.create(unit=tree["north"], name="Office", licence_until=after.first, created_by="x")
    Program.objects.create(unit=tree["north"], name="Ngừng", licence_until=after.first, state="stopped", created_by="x")
    Program.objects.create(unit=tree["south"], name="Phần mềm phòng Nam", licence_until=after.first, created_by="x")
    made = of_unit("equipment", tree["north"], last().written)
    counted = {row[0]: row[1:] for row in table(made, "Thiết bị, phần mềm").rows}
    assert counted["Bảo hành thiết bị"] == (2, 1, 0, 3)
    assert counted["Hỗ trợ của hãng đối với thiết bị"] == (0, 0, 2, 3), "no day written down is no day that is far"
    assert counted["Bản quyền phần mềm"] == (1, 0, 0, 1)
    assert [row[2] for row in table(made, "Danh sách hết hạn").rows] == ["đầu", "cuối", "Office"]


def test_gaps_and_systems_are_those_of_the_pages(tree, admin) -> None:
    signed(tree["root"])
    fleet = Fleet.of(1)
    rules = [Rule.objects.create(baseline="mini", requirement="r", check_id=id, severity=4) for id in ("updates.supported", "firmware.supported")]  # fmt: skip
    machines = [fleet.machine(tree["north"], f"may-{number}") for number in range(5)]
    for machine, verdicts in zip(machines, ((FAIL, PASS), (PASS, UNKNOWN), (PASS,), (), (FAIL,)), strict=True):
        for rule, verdict in zip(rules, verdicts, strict=False):
            Standing.objects.create(machine=machine, rule=rule, verdict=verdict, since=timezone.now())
    type(machines[4]).objects.filter(pk=machines[4].pk).update(retired_at=timezone.now())
    item(tree["north"], "ghép", device_class="server", machine=machines[0])
    item(tree["north"], "im lặng", device_class="server", machine=machines[1])
    machines[1].follow(fleet.snapshot(machines[1], timedelta(days=-3 * UNSEEN_DAYS)), None)
    machines[1].save()
    item(tree["north"], "không máy", device_class="laptop")
    item(tree["north"], "máy in", device_class="printer")
    made = of_unit("equipment", tree["root"], last().written, admin)
    told, words = numbers(made), Texts("equipment.yaml").at("counts")
    assert told[words["machines"]] == 4
    page = on(admin).get("/registers/equipment/gaps/", {"gap": "unlisted"})
    assert told[words["unlisted"]] == page.context["page"].paginator.count == 2
    page = on(admin).get("/registers/equipment/gaps/", {"gap": "alone"})
    assert told[words["alone"]] == page.context["page"].paginator.count == 1
    assert told[words["never"]] == 1
    page = on(admin).get("/registers/equipment/gaps/", {"gap": "unseen", "days": UNSEEN_DAYS})
    assert page.context["page"].paginator.count == 2, "the silent one, and the one that never reported"
    assert told[f"Thiết bị đã ghép, báo cáo gần nhất quá {UNSEEN_DAYS} ngày"] == 1
    assert [row[1] for row in table(made, "Thiết bị có trong sổ").rows] == ["may-0", "không máy"]
    assert [row[1] for row in table(made, "Máy có báo cáo").rows] == ["may-2", "may-3"]
    assert (told[words["unsupported"]], told[words["supported"]], told[words["unknown"]]) == (1, 1, 2), "half known is not known"
    assert [row[1] for row in table(made, "Máy có hệ điều hành").rows] == ["may-0"]


def test_stocktakes_of_the_quarter(tree) -> None:
    signed(tree["north"])
    told = {"unit_name": "Phòng Bắc", "created_by": "x"}
    held = Stocktake.objects.create(unit=tree["north"], name="Kiểm kê", on=last().last, state="closed", **told)
    for number, outcome in enumerate(("found", "missing", "surplus", "")):
        Line.objects.create(stocktake=held, number=number, name=f"dong-{number}", outcome=outcome)
    Stocktake.objects.create(unit=tree["north"], name="Đang ghi", on=last().last, **told)
    Stocktake.objects.create(unit=tree["north"], name="Quý sau", on=last().last + timedelta(days=1), state="open", **told)
    Stocktake.objects.create(unit=tree["south"], name="Phòng khác", on=last().last, state="open", **told)
    made = of_unit("equipment", tree["north"], last().written)
    rows = table(made, "Các đợt kiểm kê").rows
    assert [(row[1], *row[5:]) for row in rows] == [("Kiểm kê", 4, 1, 1, 0, 1, 1), ("Đang ghi", *[None] * 6)]
    assert [row[2] for row in table(made, "Chênh lệch").rows] == ["dong-1", "dong-2"], "nobody looked at the last one"
    assert "không ghi nhận đợt kiểm kê" in said(of_unit("equipment", tree["north"], last().before.written))


def test_an_empty_unit_yields_an_honest_paper(tree) -> None:
    signed(tree["north"])
    made = of_unit("equipment", tree["north"], last().written)
    assert "chưa ghi thiết bị nào" in said(made)
    assert "được trang bị trong" not in said(made)
    assert {row[2:] for row in table(made, "Biến động").rows} == {(None, None)}
    assert made.honesty.since is None
    assert len(made.blanks) == 2
    filled = of_unit(
        "equipment", tree["north"], last().written, answers={"maintenance": "Đã bảo dưỡng 12 máy", "wishes": "Không"}
    )
    assert filled.blanks == []
    assert "Đã bảo dưỡng 12 máy" in said(filled)


def test_hostile_names_come_through_and_the_list_is_read_back(tree) -> None:
    signed(tree["north"])
    one = item(tree["north"], HOSTILE, serial="=1+1", supplier="<i>&", person="Nguyễn Văn Mẫu")
    for turn in range(HISTORY + 5):
        turned(one, last().begins + timedelta(days=1, minutes=turn), "person", str(turn), f"<người {turn}>&")
    issue = making.of_unit("equipment", tree["north"], last(), None, "console")
    made = issue.report
    cell = str(table(made, "Danh sách thiết bị").rows[0][13])
    assert f"<người {HISTORY + 4}>&" in cell
    assert cell.startswith("(+5)"), "what was cut off is counted"
    book = load_workbook(io.BytesIO(xlsx.written(made)))
    sheet = next(sheet for sheet in book if sheet.title.startswith("Danh sách thiết bị"))
    assert [cell.value for cell in sheet[2]][1:] == list(Texts("equipment.yaml").at("annex_columns"))[1:]
    row = [cell.value for cell in sheet[3]]
    assert row[1] == one.name
    assert (row[4], sheet[3][4].data_type) == ("=1+1", "s")
    text = "".join(node.text or "" for node in docx.Document(io.BytesIO(to_docx.written(made))).element.iter() if node.tag.endswith("}t"))  # fmt: skip
    assert one.name in text
    assert len(pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages) > 2


def test_the_list_has_the_columns_of_the_register() -> None:
    register, shown = columns("equipment"), Texts("equipment.yaml").at("annex_columns")
    fields = ("name", "device_class", "unit", "serial", "configuration", "equipped", "supplier", "warranty_until")
    assert shown[1:9] == [register[name].vi for name in fields]
    assert shown[9] == register["warranty_terms"].vi
    assert shown[10:13] == [register[name].vi for name in ("person", "tag", "state")]
    assert shown[13].startswith(BOOKS["equipment"].columns["history"].vi)
