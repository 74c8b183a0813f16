"""A country's worth of verdicts, written straight into the tables: units, machines, rules, what stands, what turned."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

PROVINCES, SITES_EACH = 34, 20
HERE = timezone(timedelta(hours=7))
NOW = datetime.combine(datetime.now(HERE), time.min, HERE).astimezone(UTC)
"""Midnight in Việt Nam: what pages show of the last week is then of the last week, on whatever day this runs."""
DAILY = 0.01
"""Share of a machine's verdicts that turn in a day."""
SERVERS = 0.04
FAIL, UNKNOWN, PASS = 1, 2, 3
BATCH, MODELS = 500, 400


class Shape:
    """How large, and what came of it."""

    def __init__(self, hosts: int, rules: int, days: int) -> None:
        self.hosts, self.rules, self.days = hosts, rules, days
        self.standing = self.transitions = 0
        self.chance = random.Random(11930)
        share = self.chance.random
        self.failing = [share() ** 3 for _ in range(rules)]
        """Of each rule, the share of machines that fail it: a few rules nearly all, most nearly none."""


def fill(shape: Shape) -> None:
    """Tallies are left to `findings.verify`, days to `rollup`: what counts there is measured, not made."""
    from django.db import connection, transaction

    from server.findings.models import Head, Rule, Standing, Transition
    from server.findings.record import STANDING
    from server.findings.turning import TRANSITION
    from server.ingest.models import Agent, Machine
    from server.units.models import Membership, Unit, User

    root = Unit.objects.filter(parent=None).first() or Unit.objects.create(name="Centre")
    sites = []
    for number in range(PROVINCES):
        province = Unit.objects.create(name=f"Province {number}", parent=root)
        sites += [Unit.objects.create(name=f"Site {number}-{n}", parent=province) for n in range(SITES_EACH)]
    for name, unit in (("centre", root), ("province", sites[0].parent), ("site", sites[0])):
        Membership.objects.create(user=User.objects.create_user(name, "x" * 20), unit=unit, role=Membership.VIEWER)
    Rule.objects.bulk_create(
        Rule(baseline="bench", requirement=f"servers.group.requirement_{n}", check_id=f"subject.check_{n}", severity=n % 4 + 1)
        for n in range(shape.rules)
    )
    rules = list(Rule.objects.order_by("pk").values_list("pk", flat=True))
    agent = Agent.objects.create(unit=root, name="bench", public_key=bytes(32))
    Machine.objects.bulk_create(
        (
            Machine(
                unit=sites[n % len(sites)],
                agent=agent,
                own=False,
                name=f"pc-{n}",
                kind="server" if n % 25 == 0 else "workstation",
            )
            for n in range(shape.hosts)
        ),
        batch_size=1000,
    )
    machines = list(Machine.objects.order_by("pk").values_list("pk", "unit_id", "kind"))
    indexes = [(model, index) for model in (Standing, Transition) for index in model._meta.indexes]
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    models = [_model(rules, shape) for _ in range(MODELS)]
    _texts.clear()  # of lists that are no more: another may have their place, and with it their id
    with connection.cursor() as cursor:
        for start in range(0, len(machines), BATCH):
            part = machines[start : start + BATCH]
            with transaction.atomic():
                Head.objects.bulk_create([Head(**_head(*machine, shape)) for machine in part])
                for model, columns, place in ((Standing, STANDING, 0), (Transition, TRANSITION, 1)):
                    rows = ((pk, models[pk % MODELS][place]) for pk, *_rest in part)
                    _write(cursor, model._meta.db_table, columns, rows)
    shape.standing = len(rules) * len(machines)
    shape.transitions = sum(len(models[pk % MODELS][1]) for pk, *_rest in machines)
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.add_index(model, index)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _head(pk: int, unit: int, kind: str, shape: Shape) -> dict[str, Any]:
    first = NOW - timedelta(days=shape.days)
    return {
        "machine_id": pk, "unit_id": unit, "kind": 1 if kind == "server" else 2, "snapshot": UUID(int=pk), "at": NOW - timedelta(hours=2),
        "first_snapshot": UUID(int=1), "first_at": first, "rules": "0" * 64, "verdicts": "0" * 64,
    }  # fmt: skip


def _write(cursor: Any, table: str, columns: tuple[str, ...], machines: Iterator[tuple[int, list[tuple[Any, ...]]]]) -> None:
    """The rows of each machine: its model's, with its own number before."""
    from django.db import connection

    from server.findings.rows import _plain

    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for pk, rows in machines:
                if id(rows) not in _texts:
                    _texts[id(rows)] = copied(rows).splitlines(keepends=True)
                copy.write("".join(f"{pk}\t{line}" for line in _texts[id(rows)]))
        return
    marks = ", ".join(["%s"] * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    for pk, rows in machines:
        cursor.executemany(sql, [(pk, *map(_plain, row)) for row in rows])


_texts: dict[int, list[str]] = {}


def copied(rows: list[tuple[Any, ...]]) -> str:
    """In the text format of COPY. Rows share their times, so each is written out once."""
    times: dict[datetime, str] = {}

    def text(value: Any) -> str:
        if value is None:
            return r"\N"
        if isinstance(value, datetime):
            return times.get(value) or times.setdefault(value, value.isoformat())
        return str(value)

    return "".join("\t".join(map(text, row)) + "\n" for row in rows)


def _model(rules: list[int], shape: Shape) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What stands and what turned of one machine, without its number. Many machines are alike, as they are in offices."""
    chance = shape.chance
    first = NOW - timedelta(days=shape.days)
    moments: dict[int, list[datetime]] = {}
    for _ in range(round(shape.days * len(rules) * DAILY)):
        at = first + timedelta(seconds=chance.randrange(6 * 3600, (shape.days * 24 - 3) * 3600))
        moments.setdefault(chance.randrange(len(rules)), []).append(at)
    standing, turned = [], []
    for place, rule in enumerate(rules):
        verdict = FAIL if chance.random() < shape.failing[place] else UNKNOWN if chance.random() < 0.05 else PASS
        since, failing = first, first if verdict == FAIL else None
        for at in sorted(set(moments.get(place, ()))):
            now = PASS if verdict != PASS else FAIL if chance.random() < 0.8 else UNKNOWN
            turned.append((rule, verdict, now, 0, 0, at, at, UUID(int=chance.getrandbits(128))))
            failing = (failing or at) if now == FAIL else failing if now == UNKNOWN else None
            verdict, since = now, at
        standing.append((rule, verdict, since, failing))
    return standing, turned
