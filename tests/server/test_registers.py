"""The equipment register: what machines tell stands, what people type is kept by version, and what runs out is named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from server.background import delivery
from server.ingest.models import Machine
from server.registers import expiry, linking
from server.registers.books import BOOKS
from server.registers.installed import Program
from server.registers.models import Item, ItemChange, Seen, Upload
from server.registers.tasks import read
from server.units.models import User
from tests.server.people import send
from tests.server.registers import given, hardware, on, reports

pytestmark = pytest.mark.on_both

BOOK = BOOKS["equipment"]


@pytest.fixture
def operator(person):
    return person("vận-hành", role="operator")


@pytest.fixture
def page(operator) -> Client:
    return on(operator)


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


def test_a_machine_that_says_nothing_changed_is_not_believed(client, another) -> None:
    host = another("srv")
    for memory, age in ((8, 2), (16, 1)):
        reports(client, host, hardware(memory), digest="5" * 64, hours=age)
        assert Seen.objects.get().memory_gib == memory


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


def test_a_search_does_not_find_an_entry_by_what_another_units_machine_tells(client, another, person, tree) -> None:
    machine = reports(client, another("pc-moi", "south"), hardware(), serial="SN-MOI")
    item = Item.objects.create(unit=tree["south"], name="Máy bàn", machine=machine, created_by="x")
    south = on(person("nam", unit="south"))
    found = lambda words: f"/registers/equipment/{item.pk}/" in south.get("/registers/equipment/", {"q": words}).content.decode()  # noqa: E731
    assert found("pc-moi")
    Machine.objects.filter(pk=machine.pk).update(unit=tree["north"], name="pc-bac")
    assert not found("pc-bac"), "the entry has not followed yet"
    assert found("Máy bàn")
