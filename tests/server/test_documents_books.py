"""The register books: every row of the registers with the fields of the regulation, and what a machine told is told apart."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import docx
import pypdf
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from collectors.model import Kind
from server.documents import making
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.numerals import in_words
from server.documents.report import Report, Style, Table
from server.documents.spans import Span
from server.documents.texts import Texts
from server.registers.columns import columns
from server.registers.installed import Program
from server.registers.models import Item, ItemChange
from server.units.models import Unit
from tests.server.documents import of_unit, signed
from tests.server.registers import hardware, reports
from tests.server.test_registers_software import OFFICE, counted, programs
from tests.server.test_registers_software import reports as tells
from tests.server.test_rights import person

pytestmark = pytest.mark.django_db
ROWS = 2000


def item(unit: Any, name: str, **more: Any) -> Item:
    return Item.objects.create(unit=unit, name=name[:253], created_by="x", **more)


def books(report: Report) -> tuple[Table, Table]:
    first, second = (next(one for one in annex.blocks if isinstance(one, Table)) for annex in report.appendices)
    return first, second


def opening(report: Report) -> str:
    return " ".join(one.text for one in report.body)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "không"), (4, "bốn"), (10, "mười"), (15, "mười lăm"), (21, "hai mươi mốt"), (105, "một trăm linh năm"), (111, "một trăm mười một"),
     (2000, "hai nghìn"), (2005, "hai nghìn không trăm linh năm"), (10_050, "mười nghìn không trăm năm mươi"),
     (1_000_001, "một triệu không trăm linh một"), (2_000_355_000, "hai tỷ ba trăm năm mươi lăm nghìn")],
)  # fmt: skip
def test_numbers_in_words(number: int, words: str) -> None:
    assert in_words(number) == words


def test_the_books_have_the_fields_of_the_registers() -> None:
    devices, programs = columns("equipment"), columns("software")
    told = Texts("books.yaml").at("books")
    fields = ("name", "unit", "serial", "configuration", "equipped", "supplier", "warranty_until", "warranty_terms", "person", "history", "tag")  # fmt: skip
    assert told["equipment"]["columns"][1:-1] == [devices[name].vi for name in fields]
    fields = ("name", "function", "kind", "maker", "supplier", "used_since", "servers", "copies", "installer", "state", "history", "licence_number")  # fmt: skip
    assert told["software"]["columns"][1:-1] == [programs[name].vi for name in fields]


def test_what_a_machine_told_is_marked_with_its_day(client, another, tree) -> None:
    signed(tree["north"])
    machine = reports(client, another("may-chu-01", "north"), hardware(), serial="SR-1", days=3)
    told = {
        "equipped": date(2026, 1, 2),
        "warranty_until": date(2029, 1, 2),
        "warranty_place": "on_site",
        "warranty_terms": "thay trong ngày",
    }
    linked = item(tree["north"], "tên gõ tay", machine=machine, configuration="cấu hình gõ tay", tag="TS-01", **told)
    item(tree["north"], "zz-may-in", serial="P-9")
    ItemChange.objects.create(item=linked, by="van-hanh-01", kind="typed", field="person", old="", new="Nguyễn Văn Mẫu")
    made = of_unit("books", tree["north"])
    assert made.landscape
    first, second = books(made)[0].rows
    day = timezone.localtime(timezone.now() - timedelta(days=3)).strftime("%d/%m/%Y")
    assert first[1] == "may-chu-01"
    assert first[3] == "SR-1"
    assert "gõ tay" not in str(first[4])
    assert first[5:9] == ("02/01/2026", "", "02/01/2029", "tại chỗ; thay trong ngày")
    assert first[12] == f"Tên thiết bị, Số seri, Cấu hình cơ bản: {day}"
    assert "Cán bộ sử dụng: – → Nguyễn Văn Mẫu" in str(first[10])
    assert second[1:4] == ("zz-may-in", "Phòng Bắc", "P-9")
    assert second[12] == "", "people wrote all of it"
    assert "van-hanh-01" not in made.model_dump_json(), "accounts stand on no paper"
    page = next(row for row in books(made)[0].rows if row[1] == linked.shown("name").value)
    assert page[3] == linked.shown("serial").value


def test_copies_are_those_of_the_register_and_what_nobody_counted_is_not_none(client, another, tree) -> None:
    signed(tree["root"])
    tells(client, another("pc-1", "north", kind=Kind.WORKSTATION), programs(OFFICE))
    tells(client, another("pc-2", "south", kind=Kind.WORKSTATION), programs(OFFICE))
    tells(client, another("srv-1", "north"), programs(OFFICE))
    office = Program.objects.create(unit=tree["root"], name="A", rules=OFFICE[0], created_by="x", licence_number="BQ-1")
    north = Program.objects.create(unit=tree["north"], name="B", rules=OFFICE[0], created_by="x")
    Program.objects.create(unit=tree["root"], name="C", created_by="x")
    counted()
    rows = {row[1]: row for row in books(of_unit("books", tree["root"]))[1].rows}
    assert (rows["A"][8], rows["B"][8], rows["C"][8]) == (office.copies["stations"], north.copies["stations"], None) == (2, 1, None)  # fmt: skip
    assert (rows["A"][7], rows["C"][7]) == (", ".join(office.servers), None) == ("srv-1", None)
    assert rows["A"][13] == f"Máy chủ cài đặt, số bản: {timezone.localdate():%d/%m/%Y}"
    assert rows["A"][12] == "BQ-1"
    tells(client, another("pc-3", "north", kind=Kind.WORKSTATION), programs(unseen=True))
    rows = {row[1]: row for row in books(of_unit("books", tree["root"]))[1].rows}
    assert rows["A"][8] == office.told_texts([office])[office.pk]["copies"] == "≥ 2", "one more may have it"
    assert rows["B"][8] == north.told_texts([north])[north.pk]["copies"] == "≥ 1"


def test_a_strangers_rows_are_not_in_it(tree) -> None:
    signed(tree["root"])
    item(tree["south"], "cua-phong-nam")
    Program.objects.create(unit=tree["south"], name="phan-mem-nam", created_by="x")
    mine = of_unit("books", tree["root"], user=person("bắc", "operator", tree["north"])).model_dump_json()
    assert "cua-phong-nam" not in mine
    assert "phan-mem-nam" not in mine
    whole = of_unit("books", tree["root"]).model_dump_json()
    assert "cua-phong-nam" in whole
    assert "phan-mem-nam" in whole


def test_an_empty_book_says_that_nothing_is_written_in_it(tree) -> None:
    signed(tree["north"])
    made = of_unit("books", tree["north"])
    assert "sổ chưa ghi dòng nào" in opening(made)
    assert "0 dòng (bằng chữ: không dòng)" in opening(made)
    assert [one.rows for one in books(made)] == [(), ()]
    assert all(one.empty for one in books(made))
    assert [one.style for one in made.body].count(Style.BLANK) == 1  # type: ignore[union-attr]
    assert made.honesty.since is None
    filled = of_unit("books", tree["north"], answers={"responsible": "Nguyễn Văn Mẫu, Chuyên viên"})
    assert filled.blanks == []
    assert "Nguyễn Văn Mẫu, Chuyên viên" in opening(filled)


def test_a_large_book_is_whole_in_every_form(tree, django_assert_max_num_queries) -> None:
    signed(tree["north"])
    below = Unit.objects.create(name="Tổ", parent=tree["north"])
    hostile = "<b>&" + "Thiết bị " * 33
    begun = datetime(2026, 3, 1, 3, tzinfo=UTC)
    Item.objects.bulk_create(
        [Item(unit=below if at % 2 else tree["north"], name=f"{hostile if at == 7 else 'may'}-{at:05}"[:253], serial=f"S{at}", created_by="x", created_at=begun) for at in range(ROWS)]
    )  # fmt: skip
    Program.objects.bulk_create([Program(unit=tree["north"], name=f"pm-{at:05}", rules="x", created_by="x") for at in range(200)])
    with django_assert_max_num_queries(60):
        made = of_unit("books", tree["north"])
    assert "2.000 dòng (bằng chữ: hai nghìn dòng)" in opening(made)
    assert "Ngày ghi dòng đầu tiên trong sổ: 01/3/2026" in opening(made)
    sheets = {sheet.title: sheet for sheet in load_workbook(io.BytesIO(xlsx.written(made)), read_only=True)}
    names = [str(row[1].value) for row in sheets["Sổ theo dõi thiết bị"].iter_rows(min_row=3)]
    assert len(set(names)) == ROWS
    assert sheets["Sổ theo dõi phần mềm"].max_row == 202
    odd = next(name for name in names if name.startswith("<b>&"))
    word = docx.Document(io.BytesIO(to_docx.written(made)))
    said = {node.text for node in word.element.iter() if node.tag.endswith("}t")}
    assert odd.strip() in {str(one).strip() for one in said}
    pages = pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages
    assert len(pages) > 50
    assert f"S{ROWS - 1}" in "".join(page.extract_text() for page in pages)


def test_a_book_is_kept_as_an_issue(tree) -> None:
    signed(tree["north"])
    today = timezone.localdate()
    issue = making.of_unit("books", tree["north"], Span("", today, today), None, "console")
    assert issue.report.digest == issue.sha256
    assert issue.blanks == 1
    assert not issue.provisional
