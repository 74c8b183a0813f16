"""What verdicts cost the collector: 25,000 hosts x 200 rules x 90 days of transitions in PostgreSQL, 1,000 hosts in SQLite.
Prints the median of each question people ask, bytes per host, and how fast first contacts are written beside raw COPY.

    collector_storage.py [--hosts N] [--only postgresql|sqlite]
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from collector_fill import NOW, Shape, fill
from measure import arguments, write

HOSTS, SMALL, RULES, DAYS = 25_000, 1_000, 200, 90
TARGET_MS = {"postgresql": 50, "sqlite": 150}
TIMES = 15
VERDICTS = 150
REPORTS, ROUNDS, WRITERS = 100, 5, 4
MOST = 0.40
"""Of raw COPY's rate, at least."""


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--hosts", type=int, default=HOSTS)
    parser.add_argument("--only", choices=("postgresql", "sqlite"))
    options = parser.parse_args(argv)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rasoat-bench-") as folder:
        os.environ |= {"RASOAT_DATA": folder, "DJANGO_SETTINGS_MODULE": "server.settings"}
        import django

        django.setup()
        if options.only != "postgresql":
            from server.database import migrate

            migrate()
            figures["sqlite"] = measured("sqlite", Shape(min(SMALL, options.hosts), RULES, DAYS))
        if options.only != "sqlite":
            with postgresql():
                figures["postgresql"] = measured("postgresql", Shape(options.hosts, RULES, DAYS))
    peers = ("Django", *figures)
    write("collector_storage", figures, peers, keep=not options.no_result)
    return 0


@contextmanager
def postgresql() -> Iterator[None]:
    """A cluster of its own, as safe as one in service: a commit is on the disk. Gone afterwards."""
    from tests.postgres import Cluster, using

    safe = {
        "fsync": "on",
        "full_page_writes": "on",
        "shared_buffers": "1GB",
        "max_wal_size": "4GB",
        "maintenance_work_mem": "512MB",
    }
    with Cluster.started(**safe) as cluster, using(cluster.migrated()):
        from server.database import unhurried

        unhurried()
        yield


def measured(name: str, shape: Shape) -> dict[str, Any]:
    started = time.perf_counter()
    fill(shape)
    print(f"\n{name}: {shape.hosts:,} hosts, {shape.standing:,} verdicts stand, {shape.transitions:,} turned in {shape.days} days"
          f" (filled in {time.perf_counter() - started:.0f} s)")  # fmt: skip
    figures: dict[str, Any] = {"hosts": shape.hosts, "standing": shape.standing, "transitions": shape.transitions}
    figures |= counted(shape)
    figures["bytes_per_host"] = sizes(shape.hosts)
    figures["queries_ms"] = asked(name)
    figures["writes"] = written(name)
    return figures


def counted(shape: Shape) -> dict[str, float]:
    """Counting everything again, and keeping days."""
    from django.db import connection

    from server.findings import rollup, verify
    from server.findings.models import Daily

    repaired = timed(lambda: sum(1 for _ in verify.verify(repair=True)))
    again = timed(lambda: sum(1 for _ in verify.verify()))
    last = NOW.date() - timedelta(days=1)
    rolled = timed(lambda: rollup.roll_up(last))
    missed = timed(lambda: rollup.roll_up(last - timedelta(days=30)))
    rows = list(Daily.objects.filter(date=last).values())
    for number in range(1, shape.days):
        Daily.objects.filter(date=last - timedelta(days=number)).delete()
        for row in rows:
            row["date"] = last - timedelta(days=number)
        Daily.objects.bulk_create([Daily(**row) for row in rows], batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    print(
        f"  all tallies made in {repaired:.0f} s, counted again in {again:.0f} s; yesterday kept in {rolled:.1f} s, a day missed a month ago in {missed:.1f} s"
    )
    return {"verify_s": round(again, 1), "roll_up_s": round(rolled, 1), "roll_up_missed_s": round(missed, 1)}


def sizes(hosts: int) -> dict[str, int]:
    """Bytes per host of each table with its indexes."""
    from django.apps import apps
    from django.db import connection

    tables = [model._meta.db_table for model in apps.get_app_config("findings").get_models()]
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
            else:
                cursor.execute(
                    "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = %s)", [table]
                )
            found[table.removeprefix("findings_")] = round((cursor.fetchone()[0] or 0) / hosts)
    print(f"  {sum(found.values()):,} bytes per host: " + ", ".join(f"{name} {size:,}" for name, size in found.items()))
    return found


def asked(name: str) -> dict[str, dict[str, float]]:
    """Median of each question, for the centre, a province and a site."""
    found: dict[str, dict[str, float]] = {}
    for who in ("centre", "province", "site"):
        for question, ask in questions(who).items():
            ask(0)
            times = [timed(partial(ask, number)) for number in range(1, TIMES + 1)]
            found.setdefault(question, {})[who] = round(1000 * statistics.median(times), 1)
    target = TARGET_MS[name]
    for question, row in found.items():
        over = "" if max(row.values()) <= target else f"  OVER {target} ms"
        print(f"  {question:32} " + "  ".join(f"{who} {ms:6.1f} ms" for who, ms in row.items()) + over)
    return found


def questions(who: str) -> dict[str, Callable[[int], Any]]:
    """Each with another rule or machine every time it is asked, by a person just logged on."""
    from server.findings import queries
    from server.findings.models import Rule
    from server.ingest.models import Machine
    from server.units.models import Membership, Unit, User

    rules = list(Rule.objects.order_by("pk").values_list("pk", flat=True))
    unit = Unit.objects.get(pk=Membership.objects.get(user__username=who).unit_id)
    machines = list(Machine.objects.filter(unit__path__under=unit.path).order_by("pk").values_list("pk", flat=True)[:TIMES])
    day, moment = NOW.date() - timedelta(days=1), NOW - timedelta(days=1)

    def user() -> User:
        return User.objects.get(username=who)

    return {
        "worst rules of the unit": lambda n: queries.worst_rules(user(), unit),
        "machines failing a rule": lambda n: queries.failing(user(), unit, rules[n * 13 % len(rules)]),
        "what changed since yesterday": lambda n: queries.changed_since(user(), unit, moment),
        "what changed in a week": lambda n: queries.changed_since(user(), unit, moment - timedelta(days=6)),
        "a machine's history of a rule": lambda n: queries.history(
            user(), machines[n % len(machines)], rules[n * 7 % len(rules)]
        ),
        "trend of 30 days": lambda n: queries.trend(user(), unit, day, 30),
        "trend of 90 days": lambda n: queries.trend(user(), unit, day, 90),
        "trend of 90 days of a rule": lambda n: queries.trend(user(), unit, day, 90, rule=rules[n * 13 % len(rules)]),
    }


def written(name: str) -> dict[str, float]:
    """First contacts of machines with 150 verdicts, in turns with raw COPY of the same rows (SQLite: executemany)."""
    from django.db import connection, transaction

    from server.findings import tally
    from server.findings.models import Rule
    from server.findings.record import STANDING, record
    from server.findings.rows import insert
    from server.findings.rules import Judgement
    from server.units.models import Unit

    class Plain:  # the same columns and indexes, nothing else
        _meta = type("Meta", (), {"db_table": "bench_plain"})

    with connection.cursor() as cursor:
        if name == "postgresql":
            cursor.execute("CREATE TABLE bench_plain (LIKE findings_standing INCLUDING ALL)")
        else:
            for sql in ("table", "index"):
                cursor.execute(
                    "SELECT sql FROM sqlite_master WHERE tbl_name = 'findings_standing' AND type = %s AND sql <> ''", [sql]
                )
                for (made,) in cursor.fetchall():
                    cursor.execute(made.replace("findings_standing", "bench_plain").replace("standing_not_passed", "bench_index"))
    rules = list(Rule.objects.order_by("pk").values_list("pk", flat=True))[:VERDICTS]
    verdicts = {rule: 1 + n % 7 % 3 for n, rule in enumerate(rules)}
    site = Unit.objects.filter(name__startswith="Site").order_by("pk").first()
    judged = Judgement(verdicts, 2, "1" * 64, "1" * 64)
    nobody = 10**9

    def rows(number: int) -> list[tuple[Any, ...]]:
        return [(nobody + number, rule, verdict, NOW, NOW if verdict == 1 else None) for rule, verdict in verdicts.items()]

    def raw(given: list[tuple[Any, ...]]) -> None:
        if name != "postgresql":
            insert(Plain, STANDING, given)  # type: ignore[arg-type]
            return
        with connection.cursor() as cursor, cursor.copy(f"COPY bench_plain ({', '.join(STANDING)}) FROM STDIN") as copy:
            for row in given:
                copy.write_row(row)

    def raw_each(first: int) -> None:
        for number in range(REPORTS):
            with transaction.atomic():
                raw(rows(first + number))

    def raw_all(first: int) -> None:
        with transaction.atomic():
            raw([row for number in range(REPORTS) for row in rows(first + number)])

    def ours(_first: int) -> None:
        for stored in made.pop():
            with transaction.atomic():
                record(stored, judged)

    tally.fold_all()
    times: dict[str, list[float]] = {
        "raw_copy_batched": [],
        "raw_copy_each": [],
        "findings": [],
        "fold": [],
        "unchanged": [],
        "one_percent": [],
    }
    for turn in range(ROUNDS):
        made = [snapshots(site, REPORTS)]
        again = made[0]
        times["raw_copy_batched"].append(timed(lambda turn=turn: raw_all(turn * 2 * REPORTS)))
        times["raw_copy_each"].append(timed(lambda turn=turn: raw_each((turn * 2 + 1) * REPORTS)))
        times["findings"].append(timed(lambda: ours(0)))
        times["fold"].append(timed(tally.fold_all))
        for stored in again:
            stored.pk, stored.orders_at = str(uuid4()), stored.orders_at + timedelta(hours=6)
        made = [again]
        times["unchanged"].append(timed(lambda: ours(0)))
        for stored in again:
            stored.pk, stored.orders_at = str(uuid4()), stored.orders_at + timedelta(hours=6)
        other = dict(verdicts) | {
            rules[turn]: 4 - verdicts[rules[turn]] if verdicts[rules[turn]] != 2 else 1,
            rules[-turn - 1]: 1,
        }
        judged = Judgement(other, 2, "1" * 64, f"{turn:064}")
        made = [again]
        times["one_percent"].append(timed(lambda: ours(0)))
        judged = Judgement(verdicts, 2, "1" * 64, "1" * 64)
    rates = {what: round(REPORTS / statistics.median(seconds), 1) for what, seconds in times.items()}
    rates["findings_and_fold"] = round(1 / (1 / rates["findings"] + 1 / rates["fold"]), 1)
    print(f"  reports a second, {VERDICTS} verdicts: " + ", ".join(f"{what} {rate:,}" for what, rate in rates.items()))
    for raw in ("raw_copy_batched", "raw_copy_each"):
        for what in ("findings", "findings_and_fold"):
            print(f"  {what} / {raw}: {rates[what] / rates[raw]:.0%} (at least {MOST:.0%} wanted)")
    if name == "postgresql":
        rates["several_over_one"] = several(site.pk)  # type: ignore[union-attr]
    return rates


def snapshots(site: Any, count: int) -> list[Any]:
    """Of machines that never reported; only what `record` reads of them."""
    from types import SimpleNamespace

    from server.ingest.models import Agent, Machine

    agent = Agent.objects.get(name="bench")
    machines = Machine.objects.bulk_create(
        [Machine(unit=site, agent=agent, own=False, name=uuid4().hex, kind="workstation") for _ in range(count)]
    )
    return [SimpleNamespace(pk=str(uuid4()), machine_id=one.pk, machine=one, orders_at=NOW) for one in machines]


def several(site: int) -> float:
    """Four processes writing first contacts of one unit, against one: who wait for each other gain nothing."""
    from django.db import connections

    connections["default"].close()
    fork = multiprocessing.get_context("fork")
    rates = []
    for writers in (1, WRITERS):
        begin, done = fork.Barrier(writers + 1), fork.Barrier(writers + 1)
        running = [fork.Process(target=_writer, args=(site, begin, done)) for _ in range(writers)]
        for process in running:
            process.start()
        begin.wait()
        seconds = timed(done.wait)
        for process in running:
            process.join()
        rates.append(writers * REPORTS / seconds)
    print(
        f"  {WRITERS} processes write {rates[1]:.0f} first contacts a second into one unit, one writes {rates[0]:.0f}: {rates[1] / rates[0]:.2f} times"
    )
    return round(rates[1] / rates[0], 2)


def _writer(site: int, begin: Any, done: Any) -> None:
    from django.db import transaction

    from server.findings.models import Rule
    from server.findings.record import record
    from server.findings.rules import Judgement
    from server.units.models import Unit

    verdicts = dict.fromkeys(list(Rule.objects.order_by("pk").values_list("pk", flat=True))[:VERDICTS], 1)
    made = snapshots(Unit.objects.get(pk=site), REPORTS)
    begin.wait()
    for stored in made:
        with transaction.atomic():
            record(stored, Judgement(verdicts, 2, "1" * 64, "1" * 64))
    done.wait()


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
