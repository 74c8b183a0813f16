"""The register of information systems: who decides, what belongs to it, and at which level its machines are judged."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from server.ingest.models import Machine
from server.registers import belonging
from server.registers.models import Item, Member, System, SystemChange
from server.registers.zones import Unfit, clean, networks_of, zones_of
from tests.server.people import send
from tests.server.registers import bring, on, refused, sheet, take

pytestmark = pytest.mark.on_both

ZONES = "DMZ | 10.1.2.0/24, 10.1.3.5 | 203.0.113.0/28\nCơ sở dữ liệu | 10.1.9.1-10.1.9.20"


def said(**changes):
    """A form that says nothing but these."""
    return {"state": "in_use"} | changes


@pytest.fixture
def page(person) -> Client:
    return on(person("vận-hành", role="operator"))


@pytest.fixture
def portal(tree) -> System:
    return System.objects.create(unit=tree["root"], name="Cổng dịch vụ công", code="HT01", level_approved="3", created_by="x")


def test_a_system_is_written_down_with_its_history(page, tree) -> None:
    told = {"unit": tree["root"].pk, "name": "Cổng <b>", "code": "HT01", "zones": ZONES, "level_proposed": "3"}
    assert page.post("/registers/systems/new/", said(**told)).status_code == 302
    system = System.objects.get()
    assert [(zone.name, len(zone.networks)) for zone in system.zones_told] == [("DMZ", 3), ("Cơ sở dữ liệu", 6)]
    changed = told | {"level_approved": "2", "decision_number": "12/QĐ", "decision_date": "2026-03-01", "version": 1}
    page.post(f"/registers/systems/{system.pk}/edit/", said(**changed))
    assert set(SystemChange.objects.filter(kind="typed").values_list("field", "old", "new")) == {
        ("level_approved", "", "2"), ("decision_number", "", "12/QĐ"), ("decision_date", "", "2026-03-01"),
    }  # fmt: skip
    shown = page.get(f"/registers/systems/{system.pk}/").content.decode()
    assert "203.0.113.0/28" in shown
    assert "<b>" not in shown.replace("<b>0", "")
    assert "HT01" in page.get("/registers/systems/", {"q": "12/QĐ"}).content.decode()


def test_who_comes_second_is_refused_and_sees_both(page, person, portal, tree) -> None:
    other = on(person("người hai", role="operator"))
    address = f"/registers/systems/{portal.pk}/edit/"
    told = said(unit=tree["root"].pk, name=portal.name, code="HT01", level_approved="3", version=1)
    assert page.post(address, told | {"operator": "Phòng A"}).status_code == 302
    answer = other.post(address, told | {"operator": "Phòng B"})
    assert answer.status_code == 409
    assert {"Phòng A", "Phòng B"} <= set(answer.context["both"][0])
    portal.refresh_from_db()
    assert portal.operator == "Phòng A"


def test_whoever_operates_and_judges_is_named(page, portal) -> None:
    address = f"/registers/systems/{portal.pk}/"
    quiet = page.get(address).content.decode()
    System.objects.update(operator="Trung tâm CNTT", appraiser="trung tâm  cntt", approver="BHXH Việt Nam")
    assert len(System.objects.get().warnings) == 1
    warned = page.get(address).content.decode()
    assert "đồng thời là đơn vị thẩm định" in warned
    assert "đồng thời là đơn vị thẩm định" not in quiet
    assert "đồng thời là đơn vị thẩm định" in page.get("/registers/systems/").content.decode()
    System.objects.update(appraiser="", approver="Trung tâm CNTT", approval="approved")
    told = System.objects.get().warnings
    assert len(told) == 2, "the approver, and a decision nobody wrote down"


def test_a_code_belongs_to_one_system(page, portal, tree) -> None:
    answer = page.post("/registers/systems/new/", said(unit=tree["north"].pk, name="khác", code="HT01"))
    assert portal.name in answer.content.decode()
    assert System.objects.count() == 1


# --- zones ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["| 10.0.0.1", "a | b", "a | 10.0.0.1 | | 1", "a\na", "a | 10.0.0.9-10.0.0.1", "a | 10.0.0.1-::2"]
)
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        clean(text)


def test_zones_come_back_as_they_went() -> None:
    assert clean(ZONES) == ZONES
    assert clean(" DMZ|10.1.2.0/24 ;10.1.3.5| \n\n") == "DMZ | 10.1.2.0/24, 10.1.3.5"
    assert clean("chỉ tên | | 2001:db8::/32") == "chỉ tên |  | 2001:db8::/32"
    assert [clean(zone.line()) for zone in zones_of(ZONES)] == ZONES.splitlines()
    assert len(networks_of("10.1.9.1-10.1.9.20")) == 6


# --- files ---------------------------------------------------------------------------------------------------------------


def test_the_register_goes_out_and_comes_in_unchanged(page, portal, tree) -> None:
    System.objects.update(zones=ZONES, decision_date=date(2026, 1, 2), kind="public", checked="both", note="'=x", operator="=1+1")
    System.objects.create(unit=tree["north"], name="=HYPERLINK(1)", created_by="x")
    for form in ("xlsx", "csv"):
        raw = b"".join(page.get(f"/registers/systems/export.{form}"))
        counts = bring(page, tree["root"], raw, f"so.{form}", "systems").context["counts"]
        assert counts == {"new": 0, "changed": 0, "same": 2, "refused": 0}


def test_a_file_is_taken_over_and_what_cannot_be_kept_is_refused_by_row(page, portal, tree) -> None:
    raw = sheet(
        ("Tên hệ thống", "Mã", "Cấp độ đề xuất", "Vùng mạng", "Tình trạng phê duyệt", "Đơn vị giữ sổ"),
        ("Quản lý văn bản", "HT02", "2", "DMZ | 10.0.0.0/8", "Đang dự thảo", "Phòng Bắc"),
        ("Đổi tên", "HT01", "Cấp độ 4", "", "", ""),
        ("sai vùng", "", "1", "DMZ | mười", "", ""),
        ("sai cấp", "", "6", "", "", ""),
        ("trùng mã", "HT02", "1", "", "", ""),
        ("hai lần", "", "1", "", "", ""),
        ("Hai  lần", "", "1", "", "", ""),
    )
    shown = bring(page, tree["root"], raw, book="systems")
    assert refused(shown) == [
        (4, "Vùng mạng và địa chỉ"),
        (5, "Cấp độ đề xuất"),
        (6, "Mã hệ thống"),
        (8, "Tên hệ thống thông tin"),
    ]
    take(page, shown)
    portal.refresh_from_db()
    assert (portal.name, portal.level_proposed, portal.level_approved) == ("Đổi tên", "4", "3")
    made = System.objects.get(code="HT02")
    assert (made.unit, made.approval, made.level) == (tree["north"], "draft", 2)


def test_more_systems_with_members_are_asked_for_no_more_often(client, another, page, portal, tree) -> None:
    for number in range(3):
        another(f"may-{number}", "north")
    machines = list(Machine.objects.order_by("name"))
    item = Item.objects.create(unit=tree["north"], name="Máy in", created_by="x")
    belonging.add(portal, [machines[0], item], "x")

    def asked() -> tuple[int, str]:
        page.get("/registers/systems/")  # whatever is read once in a while is in memory then
        with CaptureQueriesContext(connection) as captured:
            text = b"".join(page.get("/registers/systems/export.csv")).decode()
        return len(captured), text

    few, text = asked()
    assert "may-0,Máy in" in text
    for number in range(10):
        made = System.objects.create(unit=tree["north"], name=f"Hệ thống {number}", created_by="x")
        belonging.add(made, [*machines[::-1], item], "x")
    many, text = asked()
    assert many == few
    assert text.count('"may-0, may-1, may-2",Máy in') == 10


# --- what belongs to it --------------------------------------------------------------------------------------------------


def test_its_machines_stand_there_with_their_verdicts_and_other_levels_are_named(client, another, page, portal, tree) -> None:
    host, silent = another("web-1", "north"), another("db-1", "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    page.post(f"/registers/systems/{portal.pk}/members/", {"names": "web-1\ndb-1\nkhông-có"})
    assert set(Member.objects.values_list("machine__name", flat=True)) == {"web-1", "db-1"}
    answer = page.get(f"/registers/systems/{portal.pk}/")
    machine = Member.objects.get(machine__name="web-1").machine
    assessment = machine.latest.assessment
    sums = answer.context["sums"]
    assert (sums["all"], sums["silent"], sums["judged"], sums["unjudged"]) == (2, 1, 1, 0)
    assert (sums["fail"], sums["unknown"], sums["passed"]) == (assessment.fail, assessment.unknown, assessment.passed)
    assert answer.context["other"] == {"lower": 1, "higher": 0}, "the unit is judged at level 2, the system's is 3"
    assert "thấp hơn cấp độ của hệ thống" in answer.content.decode()
    System.objects.update(level_approved="2")
    assert page.get(f"/registers/systems/{portal.pk}/").context["other"] == {"lower": 0, "higher": 0}
    System.objects.update(level_approved="")
    assert page.get(f"/registers/systems/{portal.pk}/").context["other"] == {}, "no level is known, so none differs"
    assert silent.name in answer.content.decode()


def test_names_that_mean_nothing_are_told_and_the_others_are_in(another, page, portal, tree) -> None:
    another("web-1", "north")
    Item.objects.create(unit=tree["north"], name="Máy in", serial="sn 9", tag="T9", created_by="x")
    answer = page.post(f"/registers/systems/{portal.pk}/members/", {"names": "web-1\nSN9\nai đó"})
    assert answer.status_code == 409
    assert answer.context["unknown"] == ["ai đó"]
    assert portal.members.count() == 2
    assert SystemChange.objects.get().new == "web-1, Máy in"


def test_a_machine_is_in_several_systems_and_once_in_each(another, page, portal, tree) -> None:
    another("web-1", "north")
    other = System.objects.create(unit=tree["north"], name="Một cửa", level_proposed="2", created_by="x")
    for system in (portal, other, portal):
        page.post(f"/registers/systems/{system.pk}/members/", {"names": "web-1"})
    assert sorted(Member.objects.values_list("system__name", flat=True)) == ["Cổng dịch vụ công", "Một cửa"]
    assert "Một cửa" in page.get(f"/registers/systems/{portal.pk}/").content.decode()


def test_only_what_lies_there_can_belong(another, person, tree) -> None:
    another("của-nam", "south")
    system = System.objects.create(unit=tree["north"], name="Bắc", created_by="x")
    client = on(person("bắc", "north", "operator"))
    theirs = Item.objects.create(unit=tree["south"], name="của nam", created_by="x")
    client.post(f"/registers/systems/{system.pk}/members/", {"names": "của-nam", "item": theirs.pk, "machine": "1"})
    assert not system.members.exists()


def test_what_moved_away_is_said_and_not_shown(another, person, tree) -> None:
    system = System.objects.create(unit=tree["north"], name="Bắc", created_by="x")
    another("web-1", "north")
    client = on(person("bắc", "north", "operator"))
    client.post(f"/registers/systems/{system.pk}/members/", {"names": "web-1"})
    machine = Member.objects.get().machine
    type(machine).objects.filter(pk=machine.pk).update(unit=tree["south"], name="tên mới")
    answer = client.get(f"/registers/systems/{system.pk}/")
    assert answer.context["elsewhere"] == 1
    assert "tên mới" not in answer.content.decode()
    assert "tên mới" not in b"".join(client.get("/registers/systems/export.csv")).decode()
    members, member = f"/registers/systems/{system.pk}/members/", Member.objects.get()
    page = client.get(members).content.decode()
    assert ("tên mới" in page, tree["south"].name in page) == (False, False)
    assert "thuộc đơn vị khác" in page
    client.post(members, {"main": member.pk})
    assert not Member.objects.get().main
    client.post(members, {"remove": member.pk})
    assert not Member.objects.exists()
    assert "tên mới" not in client.get(f"/registers/systems/{system.pk}/").content.decode(), "nor in its history"


def test_members_are_taken_out_and_marked(page, another, portal) -> None:
    another("sw-1", "north")
    address = f"/registers/systems/{portal.pk}/members/"
    page.post(address, {"names": "sw-1"})
    member = Member.objects.get()
    page.post(address, {"main": member.pk})
    assert belonging.told(portal)["main"] == {member.machine_id}
    assert "thiết bị mạng chính" in page.get(f"/registers/systems/{portal.pk}/").content.decode()
    page.post(address, {"remove": member.pk})
    assert not Member.objects.exists()
    assert SystemChange.objects.filter(field="members").count() == 3
