"""The equipment register: what machines tell stands, what people type is kept by version, and files go out and come in unchanged."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from collectors.facts.hardware import Disk, Hardware
from collectors.facts.identity import Identity
from collectors.model import Record, digest_of
from server.background import delivery
from server.ingest.models import Machine
from server.journal.models import Entry
from server.registers import expiry, files, linking, seen
from server.registers.books import BOOKS
from server.registers.installed import Program
from server.registers.models import Item, ItemChange, Seen, Upload
from server.registers.tasks import read
from server.units.models import User
from tests.server.people import made, send

pytestmark = pytest.mark.on_both

BOOK = BOOKS["equipment"]


def on(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def hardware(memory: int | None = 8, disks: tuple[tuple[str, int], ...] | None = (("SSD A", 512),)) -> Record:
    listed = None if disks is None else tuple(
        made(Disk, name=f"sd{number}", size_gb=size, model=name, serial=None, rotational=False, removable=False)
        for number, (name, size) in enumerate(disks)
    )  # fmt: skip
    fact = made(Hardware, cpu_model="Xeon", memory_gib=memory, disks=listed)
    return Record(fact="hardware", version=Hardware.VERSION, outcome="seen", data=fact.model_dump(mode="json"))


def reports(client: Client, host, *extra: Record, serial: str | None = None, **ago) -> Machine:
    """It reports, and the registers read it."""
    snapshot = host.snapshot(timedelta(**ago), extra)
    identity = next(record for record in snapshot.records if record.fact == Identity.NAME)
    told = identity.model_copy(update={"data": identity.data | {"serial": serial, "vendor": "Dell Inc.", "model": "R740"}})
    records = tuple(told if record.fact == Identity.NAME else record for record in snapshot.records)
    snapshot = snapshot.model_copy(update={"records": records})
    snapshot = snapshot.model_copy(update={"digest": digest_of(records)})
    assert send(client, host.seal(snapshot)).status_code == 201
    for machine in seen.stale():
        seen.note(machine)
    return Machine.objects.get(name=host.name)


@pytest.fixture
def operator(person):
    return person("vận-hành", role="operator")


@pytest.fixture
def page(operator) -> Client:
    return on(operator)


def given(**changes):
    """A form that says nothing but these."""
    return {"device_class": "printer", "state": "in_use"} | changes


def test_a_device_is_written_down_and_changed_with_its_history(page, tree) -> None:
    answer = page.post(
        "/registers/equipment/new/", given(unit=tree["north"].pk, name="Máy in <b>HP</b>", serial="vn 12", person="Hà")
    )
    item = Item.objects.get()
    assert answer.status_code == 302
    assert (item.unit, item.serial_key, item.version) == (tree["north"], "VN12", 1)
    page.post(
        f"/registers/equipment/{item.pk}/edit/",
        given(unit=tree["south"].pk, name=item.name, serial="vn 12", person="Lan", version=1),
    )
    item.refresh_from_db()
    assert (item.unit, item.person, item.version) == (tree["south"], "Lan", 2)
    turned = set(ItemChange.objects.filter(kind="typed").values_list("field", "old", "new", "by"))
    assert turned == {("unit", "Phòng Bắc", "Phòng Nam", "vận-hành"), ("person", "Hà", "Lan", "vận-hành")}
    page.post(f"/registers/equipment/{item.pk}/note/", {"text": "Thay trục cuốn giấy"})
    shown = page.get(f"/registers/equipment/{item.pk}/").content.decode()
    assert "Thay trục cuốn giấy" in shown
    assert "Máy in &lt;b&gt;HP&lt;/b&gt;" in shown
    assert "<b>HP" not in shown


def test_who_comes_second_is_refused_and_sees_both(page, person, tree) -> None:
    item = Item.objects.create(unit=tree["north"], name="UPS", supplier="Công ty A", created_by="x")
    other = on(person("người hai", role="operator"))
    address = f"/registers/equipment/{item.pk}/edit/"
    assert page.post(address, given(unit=tree["north"].pk, name="UPS", supplier="Công ty B", version=1)).status_code == 302
    answer = other.post(address, given(unit=tree["north"].pk, name="UPS", supplier="Công ty C", version=1))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Công ty B" in text
    assert "Công ty C" in text
    assert Item.objects.get().supplier == "Công ty B"
    assert 'name="version" value="2"' in text, "saving again is now meant against what was shown"
    other.post(address, given(unit=tree["north"].pk, name="UPS", supplier="Công ty C", version=2))
    assert Item.objects.get().supplier == "Công ty C"


@pytest.mark.parametrize("twin", [{"serial": "AB-1"}, {"serial": " ab-1 "}])
def test_a_serial_number_belongs_to_one_device(page, tree, twin) -> None:
    Item.objects.create(unit=tree["north"], name="Máy một", serial="ab-1", created_by="x")
    answer = page.post("/registers/equipment/new/", given(unit=tree["south"].pk, name="Máy hai", **twin))
    assert "Máy một" in answer.content.decode()
    assert Item.objects.count() == 1
    Item.objects.update(state="disposed")
    assert page.post("/registers/equipment/new/", given(unit=tree["south"].pk, name="Máy hai", **twin)).status_code == 302


def test_of_a_twin_elsewhere_only_the_number_is_told(person, tree) -> None:
    there = Item.objects.create(unit=tree["south"], name="Máy mật", serial="S1", created_by="x")
    client = on(person("người bắc", "north", "operator"))
    text = client.post("/registers/equipment/new/", given(unit=tree["north"].pk, name="a", serial="S1")).content.decode()
    assert "Máy mật" not in text
    assert f" {there.pk} " in text


def test_filler_of_makers_is_nobodys_serial_number(page, tree) -> None:
    for name in ("a", "b"):
        page.post("/registers/equipment/new/", given(unit=tree["north"].pk, name=name, serial="To be filled by O.E.M."))
    assert Item.objects.count() == 2


# --- machines ------------------------------------------------------------------------------------------------------------


def test_what_a_machine_tells_stands_over_what_was_typed(client, another, page, tree) -> None:
    item = Item.objects.create(unit=tree["north"], name="Máy chủ cũ", serial="SN1", configuration="4 GB", created_by="x")
    machine = reports(client, another("srv-1", "north"), hardware(), serial="sn1")
    assert linking.join([item], "test") == 1
    item = BOOK.rows(page_user(page)).get()
    assert item.machine == machine
    assert item.shown("name") == ("srv-1", True)
    assert item.shown("configuration") == ("Dell Inc. R740; CPU Xeon; RAM 8 GiB; SSD A 512 GB", True)
    page.post(f"/registers/equipment/{item.pk}/edit/", given(unit=tree["north"].pk, name="khác", serial="X", configuration="y", person="Hà", version=1))  # fmt: skip
    item.refresh_from_db()
    assert (item.name, item.serial, item.configuration, item.person) == ("Máy chủ cũ", "SN1", "4 GB", "Hà")


def page_user(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def test_what_was_not_seen_is_not_empty(client, another, page, tree) -> None:
    machine = reports(client, another("srv-1"), hardware(memory=None, disks=None), serial=None)
    item = Item.objects.create(unit=tree["root"], name="a", machine=machine, created_by="x")
    assert "RAM ? GiB" in item.shown("configuration").value
    assert "HDD/SSD ?" in item.shown("configuration").value
    assert "chưa thấy" in page.get(f"/registers/equipment/{item.pk}/").content.decode()
    Item.objects.update(serial="gõ tay")
    item.refresh_from_db()
    assert item.shown("serial") == ("gõ tay", False), "what was typed is not taken away by what nobody saw"


def test_a_part_that_was_changed_is_in_the_history_and_one_not_seen_is_not(client, another, tree) -> None:
    host = another("srv-1")
    machine = reports(client, host, hardware(8), serial="S1", hours=3)
    item = Item.objects.create(unit=tree["root"], name="a", machine=machine, created_by="x")
    reports(client, host, hardware(None, None), serial="S1", hours=2)
    assert not item.changes.exists(), "nobody took out what was not looked at"
    assert Seen.objects.get().memory_gib is None
    reports(client, host, hardware(4, (("SSD A", 512), ("SSD B", 1000))), serial="S1", hours=1)
    assert set(item.changes.values_list("field", "old", "new")) == {
        ("memory_gib", "8", "4"),
        ("disks", "SSD A 512 GB", "SSD A 512 GB, SSD B 1000 GB"),
    }


def test_a_machine_elsewhere_is_neither_linked_nor_shown(client, another, person, tree) -> None:
    """Writing a stranger's serial number into one's own register tells nothing of that machine."""
    machine = reports(client, another("bí-mật", "south"), hardware(), serial="S9")
    item = Item.objects.create(unit=tree["north"], name="mồi", serial="S9", created_by="x")
    assert linking.join([item], "test") == 0
    Item.objects.update(machine=machine)  # as after a move
    client = on(person("người bắc", "north", "operator"))
    assert "bí-mật" not in client.get("/registers/equipment/").content.decode()
    assert b"b\xc3\xad-m" not in b"".join(client.get("/registers/equipment/export.csv"))


def test_two_machines_of_one_number_are_left_to_a_person(client, another, tree) -> None:
    for name in ("a", "b"):
        reports(client, another(name), serial="S1")
    item = Item.objects.create(unit=tree["root"], name="x", serial="S1", created_by="x")
    assert linking.join([item], "test") == 0


def test_a_tag_that_a_machine_bears_as_its_name_links_unless_the_numbers_differ(client, another, tree) -> None:
    reports(client, another("TS-0001"), serial="S1")
    other = Item.objects.create(unit=tree["root"], name="x", tag="ts-0001", serial="S2", created_by="x")
    assert linking.join([other], "test") == 0
    item = Item.objects.create(unit=tree["root"], name="y", tag="ts-0001", created_by="x")
    assert linking.join([item], "test") == 1


def test_a_machine_is_claimed_by_one_entry(client, another, page, tree) -> None:
    machine = reports(client, another("m"), serial="S1")
    Item.objects.create(unit=tree["root"], name="trước", machine=machine, created_by="x")
    late = Item.objects.create(unit=tree["root"], name="sau", created_by="x")
    answer = page.post(f"/registers/equipment/{late.pk}/link/", {"machine": machine.pk})
    assert answer.status_code == 409
    assert page.get(f"/registers/equipment/new/?machine={machine.pk}").status_code == 404
    page.post("/registers/equipment/1/unlink/".replace("1", str(Item.objects.get(name="trước").pk)))
    assert page.post(f"/registers/equipment/{late.pk}/link/", {"machine": machine.pk}).status_code == 302
    assert Item.objects.get(machine=machine) == late


def test_the_gaps_are_named(client, another, page, tree) -> None:
    old = reports(client, another("im-lặng"), serial="S1", days=40)
    reports(client, another("chưa-ghi"), serial="S2")
    Item.objects.create(unit=tree["root"], name="có máy", machine=old, created_by="x")
    Item.objects.create(unit=tree["root"], name="lẻ loi", device_class="laptop", created_by="x")
    Item.objects.create(unit=tree["root"], name="UPS trần", device_class="power", created_by="x")

    def names(gap: str, **more) -> list[str]:
        rows = page.get("/registers/equipment/gaps/", {"gap": gap} | more).context["page"].object_list
        return [row.name for row in rows]

    assert names("unlisted") == ["chưa-ghi"]
    assert names("unseen") == ["có máy"]
    assert names("unseen", days=90) == []
    assert names("alone") == ["lẻ loi"]


def test_an_entry_goes_along_with_its_machine(client, another, tree) -> None:
    machine = reports(client, another("m", "north"), serial="S1")
    item = Item.objects.create(unit=tree["north"], name="a", machine=machine, created_by="x")
    Machine.objects.update(unit=tree["south"])
    assert linking.follow("collector") == 1
    item.refresh_from_db()
    assert item.unit == tree["south"]
    assert item.changes.get().new == "Phòng Nam"


@pytest.mark.django_db(transaction=True)
def test_the_background_reads_links_and_forgets(client, another, tree) -> None:
    host = another("m")
    assert send(client, host.seal(host.snapshot(extra=(hardware(),)))).status_code == 201
    Machine.objects.update(serial="S1")
    Item.objects.create(unit=tree["root"], name="a", serial="S1", created_by="x")
    old = Upload.objects.create(
        unit=tree["root"], book="equipment", file_name="a", sha256="", encoding="", by="x", mapping=[], packed=b"",
        at=timezone.now() - timedelta(days=2),
    )  # fmt: skip
    read.enqueue(by="test")
    delivery.take("tests", 0.05, until_empty=True, signals=False)
    assert Item.objects.get().machine is not None
    assert Seen.objects.get().memory_gib == 8
    assert not Upload.objects.filter(pk=old.pk).exists()


# --- files ---------------------------------------------------------------------------------------------------------------


def sheet(*rows) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def bring(client: Client, unit, raw: bytes, name: str = "so.xlsx", book: str = "equipment"):
    """Give the file; what the page would then show."""
    answer = client.post(f"/registers/{book}/import/", {"unit": unit.pk, "file": SimpleUploadedFile(name, raw)})
    if answer.status_code != 302:
        return answer
    return client.get(answer.url)


def take(client: Client, shown) -> None:
    pk = shown.context["upload"].pk
    assert client.post(f"/registers/uploads/{pk}/", {"take": "", "digest": shown.context["digest"]}).status_code == 302


def refused(shown) -> list[tuple[int, str]]:
    return [(row.line, column) for row, _turned in shown.context["parts"]["refused"] for column, _why in row.problems]


HEAD = ("Tên thiết bị", "Đơn vị sử dụng", "Số seri", "Ngày trang bị", "Thời hạn bảo hành", "Nơi bảo hành", "Loại thiết bị")


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


# --- what runs out -------------------------------------------------------------------------------------------------------


def test_what_runs_out_is_counted_by_its_last_day(page, tree) -> None:
    today = timezone.localdate()
    for name, days in (("hôm nay", 0), ("29", 29), ("30", 30), ("89", 89), ("90", 90), ("hết", -1)):
        Item.objects.create(unit=tree["north"], name=name, warranty_until=today + timedelta(days=days), created_by="x")
    Item.objects.create(unit=tree["north"], name="thanh lý", state="disposed", warranty_until=today, created_by="x")
    Item.objects.create(unit=tree["south"], name="không rõ ngày", created_by="x")
    assert [(one.entry.name, one.left) for one in expiry.due(tree["root"], today)] == [
        ("hôm nay", 1), ("29", 30), ("30", 31), ("89", 90),
    ]  # fmt: skip
    assert [one.entry.name for one in expiry.due(tree["south"], today)] == []

    def names(within: str) -> list[str]:
        return [item.name for item in page.get("/registers/expiry/", {"within": within}).context["page"].object_list]

    Program.objects.create(unit=tree["north"], name="Office", licence_until=today + timedelta(days=59), created_by="x")
    Program.objects.create(unit=tree["north"], name="cũ", state="stopped", licence_until=today, created_by="x")
    assert [one.entry.name for one in expiry.due(tree["north"], today, 60) if one.sort == "licence"] == ["Office"]
    answer = page.get("/registers/expiry/", {"sort": "licence", "within": "60"})
    assert [row.name for row in answer.context["page"].object_list] == ["Office"]
    assert names("30") == ["hôm nay", "29"]
    assert names("60") == ["hôm nay", "29", "30"]
    assert names("over") == ["hết"]


def test_reminders_reach_nobody_beyond_their_part(person, tree) -> None:
    today = timezone.localdate()
    Item.objects.create(unit=tree["south"], name="của Nam", support_until=today, created_by="x")
    assert [one.sort for one in expiry.due(None, today, user=person("nam", "south"))] == ["support"]
    assert not list(expiry.due(None, today, user=person("bắc", "north")))
