"""How often the main pages ask the database: no more often with many machines, units, findings and systems than with few."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from server.assess.models import StoredAssessment
from server.assignments.models import Assignment
from server.findings import changes, tally
from server.findings.codes import FAIL, KINDS, PASS, UNKNOWN
from server.findings.models import Head, Standing
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.registers.models import Item
from server.registers.stocks import Line, Stocktake
from server.registers.systems import Member, System
from server.search import keep
from server.units.models import Unit, User
from tests.server.findings import Fleet
from tests.server.newest import repeat
from tests.server.waivers import on

pytestmark = pytest.mark.django_db
MOST = {
    "/": 30, "/units/{unit}/overview/": 30, "/matrix/": 19, "/rules/{rule}/": 19, "/machines/": 15, "/work/": 22, "/work/findings/": 17,
    "/work/findings/{rule}/": 17, "/calendar/": 28, "/search/?q=may": 15, "/differences": 21, "/registers/systems/": 11,
    "/registers/systems/{system}/": 18, "/registers/stocktakes/": 12, "/registers/stocktakes/{stocktake}/": 11, "/units/": 9,
}  # fmt: skip
"""Of each page the bound: two more than were counted when this was written."""


def grow(root: Unit, user: User, units: int, machines: int) -> None:
    """So many more of everything, spread over new units; written in bulk, as only the reading is looked at."""
    fleet, now, today = Fleet.of(), timezone.now(), timezone.localdate()
    where = [Unit.objects.create(name=f"Phòng {number}", parent=root) for number in range(units)]
    lie = [where[number % units] for number in range(machines)]
    agents = Agent.objects.bulk_create(Agent(unit=unit, name="x", public_key=uuid.uuid4().bytes * 2) for unit in lie)
    made = Machine.objects.bulk_create(
        Machine(unit=unit, agent=agent, own=True, name=f"may-{units}-{number}", kind="server")
        for number, (unit, agent) in enumerate(zip(lie, agents, strict=True))
    )
    stored = StoredSnapshot.objects.bulk_create(
        StoredSnapshot(
            id=str(uuid.uuid4()), machine=one, agent=one.agent, received_at=now, collected_at=now, orders_at=now, privileged=True,
            seconds=1, collector="1", digest="", sealed_sha256="", sealed=b"",
        )
        for one in made
    )  # fmt: skip
    StoredAssessment.objects.bulk_create(
        StoredAssessment(
            snapshot=one, machine=one.machine, baseline="mini", version="1", digest="1", tailoring="", level=2, kind="server", verdicts="",
            agent="not-judged", fail=2, unknown=1, passed=1, manual=0, not_applicable=0, weight=1,
        )
        for one in stored
    )  # fmt: skip
    for one, report in zip(made, stored, strict=True):
        one.latest = report
    Machine.objects.bulk_update(made, ["latest"])
    repeat()
    Head.objects.bulk_create(
        Head(
            machine=one, unit_id=one.unit_id, kind=KINDS["server"], snapshot=one.latest_id, at=now, first_snapshot=one.latest_id,
            first_at=now, rules="", verdicts="",
        )
        for one in made
    )  # fmt: skip
    verdicts = dict(zip(fleet.rules, (FAIL, UNKNOWN, PASS, FAIL), strict=True))
    Standing.objects.bulk_create(
        Standing(machine=one, rule_id=rule, verdict=verdict, since=now) for one in made for rule, verdict in verdicts.items()
    )
    for one in made:
        tally.count(one.unit_id, KINDS["server"], changes.come(verdicts))
    tally.fold_all()
    system = System.objects.create(
        unit=root, name=f"hệ thống {units}", level_proposed="2", approval_expected=today, created_by="x"
    )
    Member.objects.bulk_create(Member(system=system, machine=one) for one in made)
    Item.objects.bulk_create(
        Item(unit=unit, name="thiết bị", warranty_until=today + timedelta(days=number % 30), created_by="x")
        for number, unit in enumerate(lie)
    )
    common = {"owner": user, "made_by": "x", "changed_by": "x", "failed_at": now}
    for number, unit in enumerate(where):
        Assignment.objects.create(unit=unit, rule_id=fleet.rules[0], due=today + timedelta(days=number % 9), **common)
        Assignment.objects.create(unit=unit, machine=made[number], rule_id=fleet.rules[3], due=today, **common)
        held = Stocktake.objects.create(unit=unit, unit_name=unit.name, name="x", on=today, created_by="x", state=Stocktake.OPEN)
        Line.objects.create(stocktake=held, number=number, name="x", machine=made[number])
    sum(keep.catch_up())


def asked(client: Client, root: Unit) -> dict[str, int]:
    """Of each page how many statements; the second time, when packs and catalogs are in memory."""
    names = {
        "unit": root.pk, "rule": Fleet.of().rules[0], "system": System.objects.order_by("-pk")[0].pk,
        "stocktake": Stocktake.objects.order_by("-pk")[0].pk,
    }  # fmt: skip
    found = {}
    for page in MOST:
        address = f"/units/{root.pk}/differences/" if page == "/differences" else page.format(**names)
        assert client.get(address).status_code == 200, address
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        found[page] = len(captured)
    return found


def test_pages_ask_no_more_often_when_there_is_more(person, tree) -> None:
    user = person("quản-trị", role="admin")
    client, root = on(user), tree["root"]
    grow(root, user, 3, 10)
    few = asked(client, root)
    grow(root, user, 57, 190)
    many = asked(client, root)
    assert {page: (few[page], many[page]) for page in MOST if many[page] > few[page]} == {}
    assert {page: many[page] for page in MOST if many[page] > MOST[page]} == {}
