"""Attestations run out as waivers do; the register of systems says whose machines a word speaks of; units above are named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from server.ingest.models import Machine
from server.journal.models import Entry
from server.outlets.messages import RAISED
from server.registers.systems import Member, System
from server.waivers import attesting, ending
from server.waivers.models import Attestation
from tests.server.people import send
from tests.server.waivers import granted, on

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def machine(client, another) -> Machine:
    host = another("bac-1", "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    return Machine.objects.get()


def said(unit, days: int, **changes) -> Attestation:
    today = timezone.localdate()
    given = {
        "unit": unit, "baseline": "mini", "requirement": "care.rules", "level": 2, "document": "45/QĐ", "state": "met", "by": "a",
        "role": "Trưởng phòng", "on": today, "until": today + (days - 1) * DAY,
    }  # fmt: skip
    return Attestation.objects.create(**given | changes)


def test_people_are_told_before_an_attestation_ends_once_a_step(tree, person) -> None:
    one = said(tree["north"], 30)
    said(tree["north"], 31)
    assert ending.check() == (1, 0)
    assert ending.check() == (0, 0)
    told = Entry.objects.get(action="attestation.ends-soon")
    assert (told.detail["days"], told.unit_path) == (30, tree["north"].path)
    assert {"attestation.ends-soon", "waiver.ends-soon"} <= set(RAISED), "outlets carry it further"
    page = on(person("xem", "north")).get("/waivers/").content.decode()
    assert "1 miễn trừ hoặc xác nhận hết hạn trong 30 ngày tới" in page
    Attestation.objects.filter(pk=one.pk).update(until=timezone.localdate() - DAY)
    assert ending.check() == (0, 1)
    assert ending.check() == (0, 0)
    assert Entry.objects.filter(action="attestation.ended").count() == 1


def test_the_register_says_whose_machines_a_word_on_a_system_speaks_of(machine, tree) -> None:
    word = said(tree["north"], 90, system="Một  cửa")
    assert attesting.of(machine, "mini", 2).uncertain == {"care.rules": [word]}, "no such system is in the register"
    system = System.objects.create(unit=tree["root"], name="một cửa", created_by="x")
    assert attesting.of(machine, "mini", 2).uncertain == {"care.rules": [word]}, "an entry without members says nothing"
    other = Machine.objects.create(unit=tree["north"], agent=machine.agent, own=False, name="khác", kind="server")
    Member.objects.create(system=system, machine=other)
    assert attesting.of(machine, "mini", 2) == ({}, {}), "it is no member"
    Member.objects.create(system=system, machine=machine)
    assert attesting.of(machine, "mini", 2) == ({"care.rules": word}, {})
    System.objects.update(name="mót cửa")
    assert attesting.of(machine, "mini", 2).uncertain == {"care.rules": [word]}, "an accent makes another system"


def test_a_system_of_another_part_of_the_tree_says_nothing_here(machine, tree) -> None:
    said(tree["north"], 90, system="Một cửa")
    system = System.objects.create(unit=tree["south"], name="Một cửa", created_by="x")
    other = Machine.objects.create(unit=tree["south"], agent=machine.agent, own=False, name="khác", kind="server")
    Member.objects.create(system=system, machine=other)
    assert list(attesting.of(machine, "mini", 2).uncertain) == ["care.rules"]


def test_waivers_of_units_above_are_named_with_their_measure(machine, tree, person) -> None:
    asker, second = person("xin", role="operator"), person("duyệt", role="approver")
    granted(tree["root"], asker, second)
    page = on(person("bắc", "north", "operator")).get("/waivers/").content.decode()
    above = page.partition("Từ đơn vị cấp trên")[2] or page.partition("cấp trên")[2]
    assert tree["root"].name in above
    assert "Chỉ máy quản trị được phép kết nối SSH." in above
