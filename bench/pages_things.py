"""What people of a country make in a year, for the bench of pages: registers, a campaign, a stock-take, requests, work, papers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

SYSTEMS, IN_A_SYSTEM = 22, 60
PROGRAMS = 400
REQUESTS, WORK = 60, 2000
UNLISTED = 10
"""Of so many machines one stands in no register."""


def things(real: Any) -> dict[str, int]:
    """Made through the collector's own doors where they are quick enough; which numbers stand in the addresses of pages.

    `real`: a machine with a report.
    """
    from django.utils import timezone

    from server.ingest.models import Machine
    from server.registers import seen
    from server.units.models import Membership, Unit, User
    from tests.server import waivers

    root = Unit.objects.get(parent=None)
    people = [User.objects.create_user(name, "x" * 20, must_change=False) for name in ("lead", "second")]
    for one in people:
        Membership.objects.create(user=one, unit=root, role=Membership.ADMIN)
    lead, second = people
    seen.note(real)
    numbers = _registers(real) | _stocktake(root) | _campaign(root)
    some = list(Machine.objects.exclude(pk=real.pk).order_by("pk")[:REQUESTS])
    asked = _asked()
    for place, machine in enumerate(some):
        if place % 3:
            waiver = waivers.granted(machine.unit, lead, second, [machine], **asked)
        else:
            request = waivers.asked(machine.unit, lead, [machine], **asked)
    numbers |= {"waiver": waiver.pk, "request": request.pk} | _work(lead, timezone.localdate())
    return numbers | _papers(root, numbers["system"], lead)


def _asked() -> dict[str, str]:
    from server.assess import packs
    from server.units.models import DEFAULT_BASELINE

    requirement = next(
        one for one in packs.get(DEFAULT_BASELINE).requirements.values() if one.checks and {2, 3} <= set(one.levels)
    )
    return {"requirement": requirement.id, "check": requirement.checks[0]}


def _registers(real: Any) -> dict[str, int]:
    from django.db import connection

    from server.ingest.models import Machine
    from server.registers.installed import Program
    from server.registers.models import Item, ItemChange
    from server.registers.systems import Member, System
    from server.units.models import Unit

    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO registers_seen SELECT (jsonb_populate_record(NULL::registers_seen, to_jsonb(s) || jsonb_build_object(
                'machine_id', m.id, 'snapshot', m.latest_id))).* FROM registers_seen s, ingest_machine m
            WHERE s.machine_id = %s AND m.id <> %s""",
            [real.pk, real.pk],
        )
    machines = Machine.objects.order_by("pk").values_list("pk", "unit_id", "name")
    items = Item.objects.bulk_create(
        (
            Item(
                unit_id=unit, machine_id=pk, name=name, device_class="desktop", serial=f"SN{pk:07}", serial_key=f"SN{pk:07}", tag=f"TS-{pk:06}",
                equipped=date(2024, 1, 1) + timedelta(days=pk % 700), supplier="Công ty TNHH Thiết bị Tin học", person=f"Nguyễn Văn {pk}",
                warranty_until=date(2026, 1, 1) + timedelta(days=pk % 700), warranty_place="on_site", created_by="bench",
            )
            for pk, unit, name in machines if pk % UNLISTED
        ),
        batch_size=1000,
    )  # fmt: skip
    ItemChange.objects.bulk_create(
        (
            ItemChange(item=one, by="bench", kind=kind, field="person", old="", new="x")
            for one in items
            for kind in ("created", "typed")
        ),
        batch_size=2000,
    )
    provinces = list(Unit.objects.filter(parent__parent=None, parent__isnull=False).order_by("pk"))
    Program.objects.bulk_create(
        Program(
            unit=provinces[n % len(provinces)], name=f"Phần mềm {n}", licence_count=100, licence_until=date(2027, 1, 1),
            rules=f"phan-mem-{n}*", created_by="bench",
        )
        for n in range(PROGRAMS)
    )  # fmt: skip
    systems = System.objects.bulk_create(
        System(unit=provinces[n % len(provinces)], name=f"Hệ thống {n}", level_proposed="3", created_by="bench")
        for n in range(SYSTEMS)
    )
    Member.objects.bulk_create(
        Member(system=system, machine_id=pk)
        for system in systems
        for pk in Machine.objects.filter(unit__path__under=system.unit.path)
        .order_by("pk")
        .values_list("pk", flat=True)[:IN_A_SYSTEM]
    )
    return {"item": items[0].pk, "program": Program.objects.order_by("pk")[0].pk, "system": systems[0].pk}


def _stocktake(root: Any) -> dict[str, int]:
    from django.utils import timezone

    from server.registers import stocktake, tasks

    held = stocktake.begin(root, "Kiểm kê cuối năm", timezone.localdate(), "lead")
    tasks.freeze.enqueue(by="lead", held=held.pk)
    work_off("registers.freeze")
    return {"stocktake": held.pk}


def _campaign(root: Any) -> dict[str, int]:
    from django.utils import timezone

    from server.assess import packs
    from server.campaigns import leading
    from server.units.models import DEFAULT_BASELINE
    from tests.server.campaigns import letter

    checks = [check for one in packs.get(DEFAULT_BASELINE).requirements.values() for check in one.checks]
    made = leading.make(root, "patches", letter(checks=sorted(set(checks))[:6]), "lead")
    leading.start(made, "lead")
    # most reported since
    type(made).objects.filter(pk=made.pk).update(started_at=timezone.now() - timedelta(days=10))
    work_off("campaigns.freeze")
    made.refresh_from_db()
    assert made.state == made.RUNNING, made.state
    return {"campaign": made.pk, "part": made.parts.order_by("pk")[0].pk}


def _work(lead: Any, today: date) -> dict[str, int]:
    from server.assignments import changing
    from server.assignments.models import Assignment
    from server.findings.codes import FAIL
    from server.findings.models import Rule, Standing
    from server.ingest.models import Machine

    for rule in Rule.objects.order_by("-severity", "pk")[:10]:
        failing = Standing.objects.filter(rule=rule, verdict=FAIL).order_by("machine_id").values_list("machine_id", flat=True)
        some = list(Machine.objects.filter(pk__in=failing[: WORK // 10]).select_related("unit"))
        if some:
            changing.take(some[0].unit, rule, some, changing.Wish(lead, today + timedelta(days=3)), lead)
    return {"work": Assignment.objects.order_by("pk")[0].pk}


def _papers(root: Any, system: int, lead: Any) -> dict[str, int]:
    from server.documents import making
    from server.documents.models import Document
    from server.registers.systems import System
    from server.units.models import Unit
    from tests.server.documents import paper, signed

    signed(root)
    issue = making.of_system(System.objects.get(pk=system), lead, "lead", blank_signer=True)
    for number, unit in enumerate(Unit.objects.filter(parent=root)):
        paper(unit, f"{number}")
    return {"document": Document.objects.get(pk=issue.document_id).pk}


def work_off(*names: str) -> None:
    """The jobs of these names that wait, by this process; others are left: the matching of a country takes an hour."""
    from server.background.models import Job
    from server.background.run import perform

    for job in Job.objects.filter(name__in=names, state=Job.WAITING).order_by("pk"):
        perform(job.delivery, job.pk)
        job.refresh_from_db()
        assert job.state == Job.DONE, f"{job.name}: {job.state}"
