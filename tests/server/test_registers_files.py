"""Registers as files: looked at before they are taken over, refused by row and column, unchanged on the way out and in."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from server.journal.models import Entry
from server.registers import applying, files
from server.registers.books import BOOKS
from server.registers.models import Item, ItemChange, Upload
from tests.server.registers import HEAD, bring, given, hardware, on, refused, reports, sheet, take

pytestmark = pytest.mark.on_both

BOOK = BOOKS["equipment"]


@pytest.fixture
def operator(person):
    return person("vận-hành", role="operator")


@pytest.fixture
def page(operator) -> Client:
    return on(operator)


def test_a_workbook_is_looked_at_and_then_taken_over(page, tree) -> None:
    raw = sheet(
        ("SỔ THEO DÕI THIẾT BỊ CNTT",),
        (),
        (*HEAD, "Cột lạ"),
        ("Máy in", "Phòng Bắc", "P1", date(2024, 5, 2), "31/12/2026", "tại chỗ", "Máy in", "?"),
        ("Máy quét", "", 12345, "2024-05-02", None, "Tại trung tâm sửa chữa", "thiết bị chuyên dụng (máy quét, đầu đọc thẻ)", ""),
    )
    shown = bring(page, tree["root"], raw)
    assert shown.context["counts"] == {"new": 2, "changed": 0, "same": 0, "refused": 0}
    assert shown.context["left_out"] == ["Cột lạ"]
    assert not Item.objects.exists(), "looking writes nothing"
    take(page, shown)
    one, two = Item.objects.order_by("pk")
    assert (one.unit, one.equipped, one.warranty_until, one.warranty_place) == (
        tree["north"],
        date(2024, 5, 2),
        date(2026, 12, 31),
        "on_site",
    )
    assert (two.unit, two.serial, two.device_class) == (tree["root"], "12345", "special")
    assert Entry.objects.get(action="register.import").detail["new"] == 2
    assert bytes(Upload.objects.get().packed) == b"", "what was taken over is not kept twice"


def test_what_cannot_be_kept_is_refused_by_row_and_column(page, tree) -> None:
    raw = sheet(
        HEAD,
        ("tốt", "Phòng Bắc", "S1", None, None, None, None),
        ("", "Phòng Bắc", "S2", None, None, None, None),
        ("ngày", "", "", "31/31/2024", None, None, None),
        ("công thức", "", "=1+1", None, None, None, None),
        ("loại", "", "", None, None, None, "máy bay"),
        ("đơn vị", "Phòng Tây", "", None, None, None, None),
        ("trùng", "", "s 1", None, None, None, None),
        ("số lớn", "", 123456789012345678, None, None, None, None),
        ("mất ch?ữ", "", "", None, None, None, None),
        ("nơi", "", "", None, None, "đâu đó", None),
    )
    shown = bring(page, tree["root"], raw)
    assert refused(shown) == [
        (3, "Tên thiết bị"), (4, "Ngày trang bị"), (5, "Số seri"), (6, "Loại thiết bị"), (7, "Đơn vị sử dụng"), (8, "Số seri"),
        (9, "Số seri"), (10, "Tên thiết bị"), (11, "Nơi bảo hành"),
    ]  # fmt: skip
    take(page, shown)
    assert [item.name for item in Item.objects.all()] == ["tốt"]


def test_a_register_goes_out_and_comes_in_unchanged_and_one_cell_changes_one_field(client, another, page, tree) -> None:
    machine = reports(client, another("srv-1", "north"), hardware(), serial="S1")
    Item.objects.create(unit=tree["north"], name="máy chủ", machine=machine, created_by="x", warranty_until=date(2027, 1, 1))
    Item.objects.create(
        unit=tree["south"], name="=HYPERLINK(1)", note="'=x", configuration="hai\ndòng", tag="001", created_by="x"
    )
    for form in ("xlsx", "csv"):
        raw = b"".join(page.get(f"/registers/equipment/export.{form}"))
        assert bring(page, tree["root"], raw, f"so.{form}").context["counts"] == {"new": 0, "changed": 0, "same": 2, "refused": 0}
    book = load_workbook(io.BytesIO(b"".join(page.get("/registers/equipment/export.xlsx"))))
    heading = [cell.value for cell in book.active[1]]
    assert heading[:3] == ["Số trong sổ", "Lần ghi", "Tên thiết bị"]
    assert book.active.cell(3, 3).data_type == "s", "no cell is a formula"
    book.active.cell(3, heading.index("Cán bộ sử dụng") + 1).value = "Nguyễn Văn Hà"
    out = io.BytesIO()
    book.save(out)
    shown = bring(page, tree["root"], out.getvalue())
    assert shown.context["counts"] == {"new": 0, "changed": 1, "same": 1, "refused": 0}
    take(page, shown)
    assert list(ItemChange.objects.filter(kind="imported").values_list("field", "old", "new")) == [
        ("person", "", "Nguyễn Văn Hà")
    ]
    assert list(Item.objects.values_list("version", flat=True).order_by("pk")) == [1, 2]


def test_in_english_too(page, tree) -> None:
    Item.objects.create(unit=tree["south"], name="UPS", device_class="power", warranty_place="on_site", created_by="x")
    page.cookies["rasoat_language"] = "en"
    raw = b"".join(page.get("/registers/equipment/export.csv"))
    assert "Device name" in raw.decode()
    assert "on site" in raw.decode()
    page.cookies["rasoat_language"] = "vi"
    assert bring(page, tree["root"], raw, "a.csv").context["counts"]["same"] == 1


def test_a_file_does_not_overwrite_what_was_changed_since(page, tree) -> None:
    item = Item.objects.create(unit=tree["south"], name="UPS", created_by="x")
    raw = b"".join(page.get("/registers/equipment/export.csv"))
    page.post(f"/registers/equipment/{item.pk}/edit/", given(unit=tree["south"].pk, name="UPS 2", version=1))
    shown = bring(page, tree["root"], raw, "a.csv")
    assert refused(shown) == [(2, "Lần ghi")]


def test_what_is_taken_over_is_what_was_shown(page, tree) -> None:
    shown = bring(page, tree["root"], sheet(HEAD, ("UPS", "", "S1", None, None, None, None)))
    Item.objects.create(unit=tree["root"], name="khác", serial="S1", created_by="x")
    answer = page.post(f"/registers/uploads/{shown.context['upload'].pk}/", {"take": "", "digest": shown.context["digest"]})
    assert answer.status_code == 409
    assert Item.objects.count() == 1


def test_what_the_machine_tells_is_not_typed_over_by_a_file(client, another, page, tree) -> None:
    machine = reports(client, another("srv-1", "north"), hardware(), serial="S1")
    item = Item.objects.create(unit=tree["north"], name="a", machine=machine, created_by="x")
    shown = bring(page, tree["root"], f"Số trong sổ;Cấu hình cơ bản;Cán bộ sử dụng\n{item.pk};tự gõ;Hà\n".encode(), "a.csv")
    assert shown.context["counts"]["changed"] == 1
    assert shown.context["parts"]["notes"][0][0].notes[0][0] == "Cấu hình cơ bản"
    take(page, shown)
    item.refresh_from_db()
    assert (item.configuration, item.person) == ("", "Hà")


def test_a_file_reaches_no_other_unit(person, tree) -> None:
    theirs = Item.objects.create(unit=tree["south"], name="của Nam", created_by="x")
    client = on(person("người bắc", "north", "operator"))
    raw = f"Số trong sổ;Tên thiết bị;Đơn vị\n{theirs.pk};lấy;\n;mới;Phòng Nam\n".encode()
    shown = bring(client, tree["north"], raw, "a.csv")
    assert refused(shown) == [(2, "Số trong sổ"), (3, "Đơn vị sử dụng")]
    assert "của Nam" not in shown.content.decode()
    answer = client.post("/registers/equipment/import/", {"unit": tree["south"].pk, "file": SimpleUploadedFile("a.csv", raw)})
    assert answer.status_code == 422, "no unit where one may not edit"


def test_columns_of_a_strange_heading_are_named_by_hand(page, tree) -> None:
    shown = bring(page, tree["root"], b"A;B\nMay in;P1\n", "a.csv")
    pk = shown.context["upload"].pk
    page.post(f"/registers/uploads/{pk}/", {"map": "", "column-0": "name", "column-1": "serial"})
    take(page, page.get(f"/registers/uploads/{pk}/"))
    assert Item.objects.get().serial == "P1"
    again = bring(page, tree["root"], b"A;B\nMay in;P1\n", "a.csv").context["upload"].pk
    assert page.post(f"/registers/uploads/{again}/", {"map": "", "column-0": "name", "column-1": "name"}).status_code == 409


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04garbage",
        b"\xd0\xcf\x11\xe0xls",
        b"\x00\x01\x02",
        b'Ten;"x\n1;2',
        "Tên thiết bị\n".encode(),
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_is_none_is_refused_in_words(page, tree, raw) -> None:
    answer = bring(page, tree["root"], raw, "a.csv")
    assert answer.status_code == 422
    assert not Upload.objects.exists()


def test_a_file_too_large_is_refused(page, tree, monkeypatch) -> None:
    monkeypatch.setattr("server.registers.importing.MAX_BYTES", 10)
    assert bring(page, tree["root"], b"Ten thiet bi\nxxxxxxxxxxxxx\n", "a.csv").status_code == 422


@pytest.mark.parametrize("role", ["viewer", "auditor", "approver"])
def test_whoever_only_reads_edits_nothing(person, tree, role) -> None:
    item = Item.objects.create(unit=tree["north"], name="UPS", created_by="x")
    client = on(person("một người", role=role))
    assert client.get(f"/registers/equipment/{item.pk}/").status_code == 200
    assert client.get("/registers/equipment/").status_code == 200
    for path in ("new/", "import/", f"{item.pk}/edit/", f"{item.pk}/note/", f"{item.pk}/link/", f"{item.pk}/unlink/"):
        assert client.post(f"/registers/equipment/{path}", given(name="x", unit=tree["north"].pk)).status_code == 404, path


def test_a_file_of_many_rows_is_written_a_part_at_a_time(tree, operator, django_assert_max_num_queries) -> None:
    Item.objects.bulk_create([Item(unit=tree["north"], name=f"máy {number}", created_by="x") for number in range(1200)])
    with django_assert_max_num_queries(10):
        parts = list(files.workbook(BOOK, BOOK.rows(operator)))
    assert len(list(load_workbook(io.BytesIO(b"".join(parts)), read_only=True).active.iter_rows())) == 1201


def test_a_serial_number_that_another_unit_took_meanwhile_is_told_and_nothing_is_written(page, tree, monkeypatch) -> None:
    shown = bring(page, tree["south"], sheet(HEAD, ("UPS", "", "S1", None, None, None, None)))
    honest = applying.plan_of

    def late(upload: Upload, user: object) -> object:
        found = honest(upload, user)
        if not Item.objects.filter(serial="S1").exists():
            Item.objects.create(unit=tree["north"], name="khác", serial="S1", created_by="x")
        return found

    monkeypatch.setattr(applying, "plan_of", late)
    answer = page.post(f"/registers/uploads/{shown.context['upload'].pk}/", {"take": "", "digest": shown.context["digest"]})
    assert answer.status_code == 409
    assert not Item.objects.filter(name="UPS").exists()
    assert Upload.objects.get().applied_at is None


@pytest.mark.parametrize("book", ["equipment", "software"])
def test_what_a_file_changes_stays_as_the_plan_found_it(page, tree, book: str) -> None:
    """Where the database can: else somebody who saves between the plan and the writing is overwritten in silence."""
    shown = bring(page, tree["root"], "Tên phần mềm;Tên thiết bị\nOffice;Office\n".encode(), "a.csv", book)
    with CaptureQueriesContext(connection) as asked:
        page.post(f"/registers/uploads/{shown.context['upload'].pk}/", {"take": "", "digest": shown.context["digest"]})
    table = BOOKS[book].model._meta.db_table
    held = [one["sql"] for one in asked if table in one["sql"] and "FOR UPDATE" in one["sql"]]
    assert bool(held) is connection.features.has_select_for_update
    assert BOOKS[book].model.objects.get().name == "Office"
