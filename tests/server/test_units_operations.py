"""Rename, move, merge, split, close: assets keep their history, people follow, and nothing contradicts itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal.models import Entry, broken_at
from server.units import operations
from server.units.models import MachinePlacement, Membership, Unit, UnitSuccession, User, by_code, unit_on
from server.units.operations import By, Inconsistent
from server.units.rights import ADMINISTER, JOURNAL, SEE
from tests.server.people import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]

BY = By("người-thử", "10.0.0.1", "Nghị quyết 202/2025/QH15")
FOUNDED, MERGED = date(2020, 1, 1), date(2025, 7, 1)
BEFORE = MERGED - timedelta(days=1)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def machine_in(unit: Unit, name: str, came: date = FOUNDED) -> Machine:
    agent = Agent.objects.create(unit=unit, name=name, public_key=name.encode().ljust(32)[:32])
    at = datetime(came.year, came.month, came.day, 9, tzinfo=timezone.get_current_timezone())
    return Machine.objects.create(unit=unit, agent=agent, own=True, name=name, kind="server", created_at=at)


def person_in(unit: Unit, name: str, role: str = Membership.VIEWER, until: date | None = None) -> User:
    user = User.objects.create_user(name, PASSWORD, must_change=False)
    Membership.objects.create(user=user, unit=unit, role=role, until=until)
    return user


def again(unit: Unit) -> Unit:
    return Unit.objects.get(pk=unit.pk)


@pytest.fixture
def centre(db) -> Unit:
    return operations.create("BHXH Việt Nam", None, BY, code="00", kind="centre", valid_from=FOUNDED)


@pytest.fixture
def tuyen_quang(centre: Unit) -> Unit:
    return operations.create("BHXH tỉnh Tuyên Quang", centre, BY, code="08", kind="province", valid_from=FOUNDED)


@pytest.fixture
def ha_giang(centre: Unit) -> Unit:
    return operations.create("BHXH tỉnh Hà Giang", centre, BY, code="02", kind="province", valid_from=FOUNDED)


@pytest.fixture
def quan_ba(ha_giang: Unit) -> Unit:
    return operations.create("BHXH huyện Quản Bạ", ha_giang, BY, code="0204", kind="district", valid_from=FOUNDED)


def test_after_a_merge_the_past_stays_what_it_was(ha_giang: Unit, tuyen_quang: Unit, quan_ba: Unit) -> None:
    in_province, in_district = machine_in(ha_giang, "hg-01"), machine_in(quan_ba, "qb-01")
    operations.merge([ha_giang], tuyen_quang, BY, MERGED)
    in_province.refresh_from_db()
    in_district.refresh_from_db()
    assert in_province.unit == in_province.agent.unit == tuyen_quang
    assert in_district.unit == quan_ba
    for machine in (in_province, in_district):
        before, after = unit_on(machine, BEFORE), unit_on(machine, MERGED)
        assert before
        assert after
        assert before.line_on(BEFORE)[1].name_on(BEFORE) == "BHXH tỉnh Hà Giang"
        assert after.line_on(MERGED)[1].name_on(MERGED) == "BHXH tỉnh Tuyên Quang"
        assert unit_on(machine, FOUNDED - timedelta(days=1)) is None
    old = again(ha_giang)
    assert (old.valid_until, old.open, old.heirs()) == (BEFORE, False, [tuyen_quang])
    assert old.valid_on(BEFORE)
    assert not old.valid_on(MERGED)
    assert UnitSuccession.objects.get().decision == "Nghị quyết 202/2025/QH15"


def test_merging_into_a_new_unit_and_then_again(centre: Unit, ha_giang: Unit, tuyen_quang: Unit) -> None:
    machine = machine_in(ha_giang, "hg-01")
    region = operations.create("BHXH khu vực", centre, BY, code="K1", kind="region", valid_from=date(2025, 3, 1))
    operations.merge([ha_giang, tuyen_quang], region, BY, date(2025, 3, 1))
    new = operations.create("BHXH tỉnh Tuyên Quang", centre, BY, code="08", valid_from=MERGED)
    operations.merge([region], new, BY, MERGED)
    told = [unit_on(machine_again(machine), day) for day in (date(2025, 2, 28), date(2025, 3, 1), BEFORE, MERGED)]
    assert told == [ha_giang, region, region, new]
    assert again(ha_giang).heirs() == [new]
    assert [unit.pk for unit in by_code("08")] == [new.pk, tuyen_quang.pk], "the one in being first"


def machine_again(machine: Machine) -> Machine:
    return Machine.objects.get(pk=machine.pk)


def test_a_machine_that_came_after_the_day_was_never_in_the_old_unit(ha_giang: Unit, tuyen_quang: Unit) -> None:
    late = machine_in(ha_giang, "hg-02", came=MERGED + timedelta(days=3))
    operations.merge([ha_giang], tuyen_quang, BY, MERGED)
    assert not MachinePlacement.objects.exists()
    assert unit_on(machine_again(late), MERGED + timedelta(days=3)) == tuyen_quang


def test_people_tokens_and_rights_follow_a_merge(ha_giang: Unit, tuyen_quang: Unit, quan_ba: Unit) -> None:
    token = EnrolmentToken.issue(ha_giang, 1, 1, "x")[0]
    machine = machine_in(tuyen_quang, "tq-01")
    chief = person_in(ha_giang, "hg", Membership.ADMIN)
    stranger = person_in(quan_ba, "qb")
    assert not Machine.objects.visible_to(chief).exists()
    operations.merge([ha_giang], tuyen_quang, BY, MERGED)
    token.refresh_from_db()
    assert token.unit == tuyen_quang
    chief, stranger = User.objects.get(pk=chief.pk), User.objects.get(pk=stranger.pk)
    assert list(Machine.objects.visible_to(chief, ADMINISTER)) == [machine]
    assert chief.may(ADMINISTER, again(quan_ba)), "what lay below came along"
    assert not Machine.objects.visible_to(stranger).exists()
    assert Entry.objects.get(action="unit.merged").detail["people"] == "hg"


def test_whoever_had_a_role_in_both_keeps_the_longer_one(ha_giang: Unit, tuyen_quang: Unit) -> None:
    user = person_in(ha_giang, "a", until=date(2099, 1, 1))
    Membership.objects.create(user=user, unit=tuyen_quang, role=Membership.VIEWER, until=date(2050, 1, 1))
    Membership.objects.create(user=user, unit=ha_giang, role=Membership.APPROVER)
    operations.merge([ha_giang], tuyen_quang, BY, MERGED)
    held = set(Membership.objects.values_list("unit", "role", "until"))
    assert held == {(tuyen_quang.pk, "viewer", date(2099, 1, 1)), (tuyen_quang.pk, "approver", None)}


def test_the_journal_of_before_is_read_by_those_who_have_the_unit_now(ha_giang: Unit, tuyen_quang: Unit, quan_ba: Unit) -> None:
    from server.journal import models as journal

    journal.write("unit.changed", "x", unit_path=quan_ba.path, subject="chuyện Quản Bạ")
    journal.write("unit.changed", "x", unit_path=tuyen_quang.path, subject="chuyện Tuyên Quang")
    reader = person_in(tuyen_quang, "tq", Membership.AUDITOR)
    district = person_in(quan_ba, "qb", Membership.AUDITOR)
    operations.move(quan_ba, tuyen_quang, BY, MERGED)
    journal.write("unit.changed", "x", unit_path=ha_giang.path, subject="chuyện Hà Giang")

    def read(user: User) -> set[str]:
        told = Entry.objects.visible_to(User.objects.get(pk=user.pk), JOURNAL).filter(action="unit.changed")
        return set(told.values_list("subject", flat=True))

    assert read(reader) == {"chuyện Quản Bạ", "chuyện Tuyên Quang"}
    assert read(district) == {"chuyện Quản Bạ"}
    assert broken_at() is None


def test_a_move_changes_the_paths_of_all_below(centre: Unit, ha_giang: Unit, tuyen_quang: Unit, quan_ba: Unit) -> None:
    team = operations.create("Tổ công nghệ", quan_ba, BY, valid_from=FOUNDED)
    operations.move(quan_ba, tuyen_quang, BY, MERGED)
    assert again(quan_ba).path == f"{tuyen_quang.path}{quan_ba.pk}/"
    assert again(team).path == f"{tuyen_quang.path}{quan_ba.pk}/{team.pk}/"
    assert [unit.name for unit in again(team).line_on(BEFORE)][1] == "BHXH tỉnh Hà Giang"
    assert [unit.name for unit in again(team).line_on(MERGED)][1] == "BHXH tỉnh Tuyên Quang"
    assert again(ha_giang).path == ha_giang.path


def test_names_and_codes_have_their_days(ha_giang: Unit) -> None:
    operations.rename(ha_giang, BY, date(2022, 1, 1), name="Tên  thứ hai", code="2B")
    operations.rename(ha_giang, BY, date(2024, 1, 1), name="Te\u0302n thứ ba")
    unit = again(ha_giang)
    days = [date(2019, 1, 1), date(2021, 12, 31), date(2022, 1, 1), date(2023, 12, 31), date(2024, 1, 1)]
    assert [unit.name_on(day) for day in days] == [
        "BHXH tỉnh Hà Giang", "BHXH tỉnh Hà Giang", "Tên thứ hai", "Tên thứ hai", "Tên thứ ba",
    ]  # fmt: skip
    assert [unit.code_on(day) for day in days] == ["02", "02", "2B", "2B", "2B"]
    assert by_code("02") == by_code("2B") == [unit]
    operations.rename(unit, BY, date(2024, 1, 1), name="Tên sửa trong ngày")
    assert again(unit).names.count() == 2, "a name of no whole day was never one"


def test_a_split_gives_each_machine_its_successor(ha_giang: Unit, tuyen_quang: Unit, quan_ba: Unit) -> None:
    one, two = machine_in(quan_ba, "a"), machine_in(quan_ba, "b")
    watcher = person_in(quan_ba, "qb")
    with pytest.raises(Inconsistent, match="1 machines are given to no successor"):
        operations.split(quan_ba, {ha_giang: [one], tuyen_quang: []}, BY, MERGED)
    operations.split(quan_ba, {ha_giang: [one], tuyen_quang: [two]}, BY, MERGED)
    assert [unit_on(machine_again(m), day) for m in (one, two) for day in (BEFORE, MERGED)] == [
        quan_ba, ha_giang, quan_ba, tuyen_quang,
    ]  # fmt: skip
    assert again(quan_ba).heirs() == [ha_giang, tuyen_quang]
    assert not Machine.objects.visible_to(watcher).exists(), "nobody sees more by a split"


def test_a_unit_is_closed_only_when_nothing_depends_on_it(ha_giang: Unit, quan_ba: Unit, tuyen_quang: Unit) -> None:
    machine = machine_in(quan_ba, "qb-01")
    with pytest.raises(Inconsistent, match="1 units in being below"):
        operations.close(ha_giang, BY, BEFORE)
    with pytest.raises(Inconsistent, match="1 machines and 1 agents"):
        operations.close(quan_ba, BY, BEFORE)
    operations.move_machines([machine], ha_giang, BY, MERGED)
    token = EnrolmentToken.issue(quan_ba, 1, 1, "x")[0]
    operations.close(quan_ba, BY, BEFORE)
    token.refresh_from_db()
    assert token.state == "revoked"
    assert again(quan_ba).heirs() == []
    for refused in (
        lambda: operations.rename(quan_ba, BY, MERGED, name="x"),
        lambda: operations.move(quan_ba, tuyen_quang, BY, MERGED),
        lambda: operations.create("x", quan_ba, BY),
        lambda: operations.merge([quan_ba], tuyen_quang, BY, MERGED),
        lambda: operations.merge([tuyen_quang], quan_ba, BY, MERGED),
        lambda: operations.move_machines([machine], quan_ba, BY, MERGED),
    ):
        with pytest.raises(Inconsistent, match="ended on 2025-06-30"):
            refused()


def test_what_contradicts_itself_is_refused_and_leaves_nothing(
    centre: Unit, ha_giang: Unit, quan_ba: Unit, tuyen_quang: Unit
) -> None:
    ahead = timezone.localdate() + timedelta(days=1)
    operations.rename(tuyen_quang, BY, date(2024, 1, 1), name="BHXH Tuyên Quang")
    before = list(Unit.objects.order_by("pk").values()), Entry.objects.count()
    for words, refused in {
        "circle": lambda: operations.move(ha_giang, quan_ba, BY, MERGED),
        "root": lambda: operations.move(centre, ha_giang, BY, MERGED),
        "already": lambda: operations.move(quan_ba, ha_giang, BY, MERGED),
        "still to come": lambda: operations.merge([ha_giang], tuyen_quang, BY, ahead),
        "when it began": lambda: operations.rename(quan_ba, BY, FOUNDED - timedelta(days=9), name="x"),
        "last changed": lambda: operations.rename(tuyen_quang, BY, date(2023, 1, 1), name="x"),
        "its own successor": lambda: operations.merge([ha_giang, tuyen_quang], tuyen_quang, BY, MERGED),
        "move it out first": lambda: operations.merge([ha_giang], quan_ba, BY, MERGED),
        "cannot have ended": lambda: operations.merge([tuyen_quang], ha_giang, BY, date(2023, 1, 1)),
        "code 02": lambda: operations.create("x", centre, BY, code="02", valid_from=MERGED),
        "code is letters": lambda: operations.create("x", centre, BY, code="mã", valid_from=MERGED),
        "no kind of unit": lambda: operations.create("x", centre, BY, kind="tinh", valid_from=MERGED),
        "began on": lambda: operations.create("x", centre, BY, valid_from=date(2000, 1, 1)),
        "formula": lambda: operations.create("=1+1", centre, BY, valid_from=MERGED),
        "needs a name": lambda: operations.create(" \t", centre, BY, valid_from=MERGED),
    }.items():
        with pytest.raises(Inconsistent, match=words):
            refused()
        assert (list(Unit.objects.order_by("pk").values()), Entry.objects.count()) == before, words


def test_a_membership_holds_through_its_last_day(ha_giang: Unit) -> None:
    today = timezone.localdate()
    assert person_in(ha_giang, "hôm nay", until=today).may(SEE, ha_giang)
    assert not person_in(ha_giang, "hôm qua", until=today - timedelta(days=1)).may(SEE, ha_giang)


def test_other_rooms_are_told_inside_the_transaction(ha_giang: Unit, tuyen_quang: Unit) -> None:
    told = []

    def listen(sender: type, old: Unit, new: Unit, since: date, **rest: object) -> None:
        told.append((old.name, new.name, since))
        raise RuntimeError("cannot take it along")

    operations.succeeded.connect(listen)
    try:
        with pytest.raises(RuntimeError):
            operations.merge([ha_giang], tuyen_quang, BY, MERGED)
    finally:
        operations.succeeded.disconnect(listen)
    assert told == [("BHXH tỉnh Hà Giang", "BHXH tỉnh Tuyên Quang", MERGED)]
    assert again(ha_giang).open
    assert not UnitSuccession.objects.exists()


def test_machines_enrol_into_the_successor_with_the_old_token(client: Client, ha_giang: Unit, tuyen_quang: Unit) -> None:
    from tests.server.people import Host

    text = EnrolmentToken.issue(ha_giang, 1, 1, "x")[1]
    operations.merge([ha_giang], tuyen_quang, BY, MERGED)
    assert Host().enrol(client, text).json()["unit"] == "BHXH tỉnh Tuyên Quang"


def test_it_runs_on_the_database_it_says(database: str) -> None:
    assert connection.vendor == database
