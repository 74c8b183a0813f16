"""The pages of the tree: what was, what became of it, and the forms of those who may change it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from server.background.models import Job
from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal.models import Entry
from server.units import operations
from server.units.models import Membership, Unit, User
from server.units.operations import By
from tests.server.people import PASSWORD, Host, send

pytestmark = pytest.mark.django_db

BY = By("người-thử", decision="Nghị quyết 202/2025/QH15")


@pytest.fixture
def provinces(tree) -> dict[str, Unit]:
    made = {"root": tree["root"]}
    for code, name in (("02", "BHXH tỉnh Hà Giang"), ("08", "BHXH tỉnh Tuyên Quang")):
        made[code] = operations.create(name, tree["root"], BY, code=code, kind="province", valid_from=date(2020, 1, 1))
    made["0204"] = operations.create("BHXH huyện Quản Bạ", made["02"], BY, code="0204", valid_from=date(2020, 1, 1))
    agent = Agent.objects.create(unit=made["0204"], name="m", public_key=b"m" * 32)
    Machine.objects.create(unit=made["0204"], agent=agent, own=True, name="m", kind="server")
    return made


def on(unit: Unit, role: str) -> Client:
    user = User.objects.create_user(f"{role} {unit.pk}", PASSWORD, must_change=False)
    Membership.objects.create(user=user, unit=unit, role=role)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_list_shows_a_part_and_what_lies_right_below(provinces: dict[str, Unit]) -> None:
    page = on(provinces["root"], "viewer").get("/units/").content.decode()
    assert page.index("BHXH tỉnh Hà Giang") < page.index("BHXH tỉnh Tuyên Quang")
    assert "huyện Quản Bạ" not in page
    assert "Cơ quan tỉnh, thành phố" in page
    row = page.split("BHXH tỉnh Hà Giang")[1].split("</tr>")[0]
    assert "01/01/2020" in row
    assert '<td class="num">1</td>' in row, "machines below count"
    own = on(provinces["02"], "viewer").get("/units/").content.decode()
    assert "huyện Quản Bạ" in own
    assert "Tuyên Quang" not in own


def test_an_old_code_or_name_tells_what_became_of_the_unit(provinces: dict[str, Unit]) -> None:
    operations.rename(provinces["02"], BY, date(2021, 1, 1), name="BHXH Hà Giang")
    operations.merge([provinces["02"]], provinces["08"], BY, date(2025, 7, 1))
    client = on(provinces["08"], "viewer")
    assert "Hà Giang" not in client.get("/units/").content.decode()
    for asked in ("02", "tỉnh Hà Giang"):
        page = client.get("/units/", {"q": asked}).content.decode()
        assert "chấm dứt sau 30/06/2025" in page
        assert "→ BHXH tỉnh Tuyên Quang" in page
    page = client.get(f"/units/{provinces['02'].pk}/").content.decode()
    assert "Đơn vị kế thừa hiện nay:" in page
    assert "Đến hết 31/12/2020: BHXH tỉnh Hà Giang" in page
    assert "Nghị quyết 202/2025/QH15" in page
    successor = client.get(f"/units/{provinces['08'].pk}/").content.decode()
    assert "Từ 01/07/2025 tiếp nhận" in successor
    assert "huyện Quản Bạ" in successor


def test_a_machine_as_it_was_is_shown_in_the_unit_it_was_in(client: Client, provinces: dict[str, Unit]) -> None:
    host = Host("may-01")
    assert host.enrol(client, EnrolmentToken.issue(provinces["02"], 1, 1, "x")[1]).status_code == 201
    today = timezone.localdate()
    Machine.objects.filter(name="may-01").update(created_at=timezone.now() - timedelta(days=9))
    for age in (5, 0):
        assert send(client, host.seal(host.snapshot(age=timedelta(days=age)))).status_code == 201
    machine = Machine.objects.get(name="may-01")
    old = machine.snapshots.earliest("orders_at")
    operations.merge([provinces["02"]], provinces["08"], BY, today - timedelta(days=2))
    reader = on(provinces["08"], "viewer")
    assert (
        "Khi đó máy thuộc Sở › BHXH tỉnh Hà Giang." in reader.get(f"/machines/{machine.pk}/?snapshot={old.pk}").content.decode()
    )
    page = reader.get(f"/machines/{machine.pk}/").content.decode()
    assert "Hà Giang" not in page
    assert "BHXH tỉnh Tuyên Quang" in page


def test_the_forms_do_what_they_say(provinces: dict[str, Unit], as_admin: Client) -> None:
    def send(which: str, action: str, **fields: str):
        pk = provinces[which].pk
        return as_admin.post(f"/units/{pk}/{action}/", {f"{action}-{name}": value for name, value in fields.items()})

    assert send("02", "new", name="BHXH cơ sở Đồng Văn", code="C1", kind="base_office", since="2025-07-01").status_code == 302
    assert Unit.objects.get(code="C1").parent == provinces["02"]
    assert send("08", "rename", name="BHXH Tuyên Quang", since="2025-07-01", decision="QĐ 1").status_code == 302
    assert send("0204", "move", parent="08", since="2025-07-01").status_code == 302
    merged = send("02", "merge", into="08", since="2025-07-02", decision="QĐ 2")
    assert merged.headers["Location"] == f"/units/{provinces['08'].pk}/"
    assert Unit.objects.get(code="C1").parent == provinces["08"]
    assert send("root", "new", name="Tạm", code="T", since="2025-07-01").status_code == 302
    provinces["T"] = Unit.objects.get(code="T")
    assert send("T", "close", since="2025-08-01").status_code == 302
    assert not Unit.objects.get(code="T").open
    entries = Entry.objects.filter(actor="quản-trị", address="127.0.0.1").order_by("pk")
    assert [entry.action for entry in entries if entry.action.startswith("unit.")] == [
        "unit.new", "unit.renamed", "unit.moved", "unit.merged", "unit.new", "unit.closed",
    ]  # fmt: skip
    assert Job.objects.filter(unit=provinces["08"]).exists(), "what is stored is judged by what holds there"


def test_what_the_tree_refuses_stands_beside_the_form(provinces: dict[str, Unit], as_admin: Client) -> None:
    before = list(Unit.objects.values())
    for code, action, fields, said in (
        ("02", "close", {"since": "2025-07-01"}, "còn 1 đơn vị trực thuộc đang hoạt động"),
        ("0204", "close", {"since": "2025-07-01"}, "còn 1 máy và 1 tác tử"),
        ("02", "move", {"parent": "0204", "since": "2025-07-01"}, "vòng khép kín"),
        ("02", "merge", {"into": "khong-co", "since": "2025-07-01"}, "không có đơn vị khong-co"),
        ("02", "rename", {"name": "x", "since": "2999-07-01"}, "chưa đến ngày"),
        ("02", "rename", {"name": "x", "since": "ngày mai"}, "error"),
    ):
        url = f"/units/{provinces[code].pk}/{action}/"
        page = as_admin.post(url, {f"{action}-{name}": value for name, value in fields.items()})
        assert page.status_code == 200
        text = page.content.decode()
        assert said in text, (action, said)
        assert '<details class="card" open>' in text
        assert " style=" not in text
    assert list(Unit.objects.values()) == before


def test_a_unit_is_shaped_from_above_and_within_ones_own_part(provinces: dict[str, Unit]) -> None:
    province = on(provinces["02"], "admin")
    own, district = provinces["02"].pk, provinces["0204"].pk
    since = "2025-07-01"
    assert province.post(f"/units/{own}/rename/", {"rename-name": "x", "rename-since": since}).status_code == 404
    assert province.post(f"/units/{own}/merge/", {"merge-into": "08", "merge-since": since}).status_code == 404
    assert province.post(f"/units/{district}/rename/", {"rename-name": "x", "rename-since": since}).status_code == 302
    away = province.post(f"/units/{district}/move/", {"move-parent": "08", "move-since": "2025-07-02"})
    assert "không có đơn vị 08" in away.content.decode(), "a unit of others is not known"
    page = province.get(f"/units/{own}/").content.decode()
    assert f"/units/{own}/new/" in page
    assert f"/units/{own}/rename/" not in page
    for role in ("viewer", "operator", "approver", "auditor"):
        client = on(provinces["root"], role)
        assert "<form method" not in client.get(f"/units/{own}/").content.decode().split("<main")[1]
        assert client.post(f"/units/{own}/new/", {"new-name": "x", "new-since": since}).status_code == 404


def test_people_are_named_to_those_who_look_after_them(provinces: dict[str, Unit]) -> None:
    User.objects.filter(username="viewer 1").delete()
    reader = User.objects.create_user("lan", PASSWORD, full_name="Nguyễn Thị Lan", must_change=False)
    Membership.objects.create(user=reader, unit=provinces["02"], role="operator", until=date(2999, 12, 31))
    for role, told in (("viewer", False), ("auditor", True), ("admin", True)):
        page = on(provinces["root"], role).get(f"/units/{provinces['02'].pk}/").content.decode()
        assert ("Nguyễn Thị Lan" in page) is told
        assert ("người vận hành" in page) is told
