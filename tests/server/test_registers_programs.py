"""What programs read of the registers: what the page shows, with history, and of no other unit."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from server.ingest.models import Machine
from server.programs import listing
from server.registers import belonging, changing
from server.registers.books import BOOKS
from server.registers.installed import Program, Use
from server.registers.models import Item, System
from server.registers.systems import Member
from tests.server.people import send
from tests.server.registers import hardware, reports
from tests.server.test_programs import get, key_of

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


@pytest.fixture
def key(admin, tree) -> str:
    return key_of(admin, tree["root"], ["registers"])


def test_a_device_is_told_with_what_its_machine_says_and_its_history(client, another, admin, key, tree) -> None:
    machine = reports(client, another("srv-1", "north"), hardware(), serial="S1")
    item = Item.objects.create(
        unit=tree["north"], name="gõ tay", machine=machine, warranty_until=date(2027, 1, 1), created_by="x"
    )
    alone = Item.objects.create(unit=tree["south"], name="máy in", device_class="printer", created_by="x")
    changing.edit(BOOKS["equipment"], item, 1, tree["north"], {"person": "Hà"}, admin)
    rows = get("registers/equipment", key).json()["items"]
    assert [(row["id"], row["name"], row["serial"], row["machine"]) for row in rows] == [
        (item.pk, "srv-1", "S1", machine.pk), (alone.pk, "máy in", "", None),
    ]  # fmt: skip
    assert (rows[0]["read"], rows[0]["warranty_until"], rows[1]["read"]) == ("name,serial,configuration", "2027-01-01", "")
    assert rows[1]["seen_at"] is None
    changes = get(f"registers/equipment/{item.pk}", key).json()["changes"]
    assert [(one["field"], one["old"], one["new"], one["by"]) for one in changes] == [("person", "", "Hà", admin.username)]
    assert [row["id"] for row in get("registers/equipment?device_class=printer", key).json()["items"]] == [alone.pk]
    assert [row["id"] for row in get("registers/equipment?q=srv-1", key).json()["items"]] == [item.pk]
    assert get("registers/equipment?state=gone", key).status_code == 422
    first = get("registers/equipment?limit=1", key).json()
    assert [row["id"] for row in get(f"registers/equipment?after={first['next']}", key).json()["items"]] == [alone.pk]


def test_what_nobody_counted_is_null_and_not_none(key, tree) -> None:
    Program.objects.create(unit=tree["root"], name="Office", created_by="x")
    counted = Program.objects.create(unit=tree["root"], name="Word", rules="word", licence_count=3, created_by="x")
    one, two = get("registers/software", key).json()["items"]
    assert (one["servers"], one["workstations"], one["unseen"]) == (None, None, None)
    assert (two["servers"], two["workstations"], two["unseen"]) == (0, 0, 0)
    assert get(f"registers/software/{counted.pk}", key).json()["licence_count"] == 3


def test_a_system_is_told_with_its_machines_and_where_their_level_differs(client, another, key, admin, tree) -> None:
    host = another("web-1", "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    another("im-lang", "north")
    told = {"zones": "DMZ | 10.0.0.0/24 | 203.0.113.1", "level_approved": "3", "operator": "A", "appraiser": "a"}
    system = System.objects.create(unit=tree["north"], name="Cổng", created_by="x", **told)
    machines = belonging._machines(system)
    assert belonging.add(system, machines, "x") == 2
    row = get("registers/systems?level_approved=3", key).json()["items"][0]
    assert row["zones"] == [{"name": "DMZ", "inside": ["10.0.0.0/24"], "public": ["203.0.113.1"]}]
    assert (row["level_approved"], row["level_proposed"], row["machines"], row["other_level"]) == (3, None, 2, 1)
    assert len(row["warnings"]) == 1
    whole = get(f"registers/systems/{system.pk}", key).json()
    assert {one["name"]: one["level"] for one in whole["standing"]} == {"web-1": 2, "im-lang": None}
    assert {one["name"]: one["fail"] for one in whole["standing"]}["im-lang"] is None
    assert [one["field"] for one in whole["changes"]] == ["members"]
    System.objects.update(level_approved="")
    assert get("registers/systems", key).json()["items"][0]["other_level"] is None


def questions(key: str, path: str) -> int:
    """How many statements a list takes."""
    with CaptureQueriesContext(connection) as found:
        assert get(path, key).status_code == 200
    return len(found)


def test_a_list_says_of_many_what_is_said_of_each_and_asks_once(key, another, tree, monkeypatch) -> None:
    monkeypatch.setattr(listing, "MOST", 3)  # slices of a csv
    for unit in ("north", "south"):
        for n in range(3):
            another(f"m-{unit}-{n}", unit)
    hosts = list(Machine.objects.order_by("name"))
    Machine.objects.filter(pk__in=[one.pk for one in hosts[::2]]).update(kind="workstation")
    programs = [
        Program.objects.create(unit=unit, name=f"p{n}", rules="x" if n % 4 else "", created_by="x")
        for n, unit in enumerate([tree["root"], tree["north"], tree["south"]] * 3)
    ]  # fmt: skip
    Use.objects.bulk_create(
        Use(program=program, machine=host, version=str(n)) for n, program in enumerate(programs) for host in hosts[n % 3 :]
    )
    systems = [
        System.objects.create(unit=unit, name=f"s{n}", level_approved=str(n % 4 or ""), created_by="x")
        for n, unit in enumerate([tree["root"], tree["north"], tree["south"]] * 3)
    ]  # fmt: skip
    items = [Item.objects.create(unit=host.unit, name=f"i-{host.name}", machine=host, created_by="x") for host in hosts]
    for n, system in enumerate(systems):
        Member.objects.bulk_create(Member(system=system, machine=host) for host in hosts[n % 2 :: 2])
        Member.objects.bulk_create(Member(system=system, item=item) for item in items[n % 3 :: 2])
    Machine.objects.filter(pk=hosts[1].pk).update(retired_at=timezone.now())
    Item.objects.filter(pk=items[2].pk).update(unit=tree["south"])  # its machine stays where it was
    for name, rows in (("software", programs), ("systems", systems)):
        told = get(f"registers/{name}", key).json()["items"]
        assert [one["id"] for one in told] == [one.pk for one in rows]
        alone = [get(f"registers/{name}/{one.pk}", key).json() for one in rows]
        assert [{field: each[field] for field in row} for row, each in zip(told, alone, strict=True)] == told
        written = list(csv.DictReader(io.StringIO(get(f"registers/{name}?format=csv&bom=false", key).getvalue().decode())))
        assert [row["id"] for row in written] == [str(one.pk) for one in rows]
        assert questions(key, f"registers/{name}?limit=9") == questions(key, f"registers/{name}?limit=3"), name
    told = get("registers/software", key).json()["items"]
    for one, row in zip(programs, told, strict=True):
        there = Machine.objects.filter(retired_at=None, unit__path__startswith=one.unit.path)  # none has told its programs
        mine = [
            there.filter(kind=kind, pk__in=Use.objects.filter(program=one).values("machine"))
            for kind in ("server", "workstation")
        ]
        wanted = (*(found.count() for found in mine), there.count()) if one.rules else (None, None, None)
        assert (row["servers"], row["workstations"], row["unseen"]) == wanted
    assert len({(row["servers"], row["workstations"]) for row in told}) > 3
    for system, row in zip(systems, get("registers/systems", key).json()["items"], strict=True):
        here = system.machines
        other = here.exclude(latest__assessment=None).exclude(latest__assessment__level=system.level)
        assert (row["machines"], row["other_level"]) == (here.count(), other.count() if system.level else None)


def test_a_key_reads_no_other_unit_and_nothing_without_its_scope(admin, person, tree) -> None:
    theirs = [kind.objects.create(unit=tree["south"], name="của Nam", created_by="x") for kind in (Item, Program, System)]
    north = key_of(person("bắc", unit="north"), tree["north"], ["registers"])
    kept = key_of(admin, tree["north"], ["registers"])
    other = key_of(admin, tree["root"], ["assets"])
    for name, one in zip(BOOKS, theirs, strict=True):
        for key in (north, kept):
            assert get(f"registers/{name}", key).json()["items"] == []
            assert get(f"registers/{name}/{one.pk}", key).status_code == 404
        assert get(f"registers/{name}", other).status_code == 403
