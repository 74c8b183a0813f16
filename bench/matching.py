"""How long matching takes: one host of 2,000 packages once the data are loaded, and 25,000 machines after a swap, on one core:
opening their snapshots and writing what they carry included. Measured on some hundred machines, once all different from one
another and once alike in groups, as machines installed from one image are. A swap turns one in ten of what they carry; the median of three is told."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import arguments, write
from rejudging import _collector as collector

from collectors.model import new_id

FLEET, MANY, GROUPS = 25_000, 100, 10
PACKAGES, SOURCES, TOLD, PER_SOURCE = 2_000, 1_400, 10_000, 6
"""Packages and sources of a host; sources the publisher speaks of, and vulnerabilities of each."""


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--machines", type=int, default=MANY, metavar="N")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        collector(Path(folder))
        _data(0)
        figures = {**_one_host(), **_fleet(options.machines)}
    print(json.dumps(figures, indent=1))
    write("matching", figures, ("Django", "sqlite"), keep=not options.no_result)
    return 0


def _data(turned: int) -> None:
    """A publisher's word on TOLD sources; one vulnerability of each second one is open on every host. In a new
    import each `turned`-th source has another fix than before (0: none)."""
    from django.db import connection, transaction
    from django.utils import timezone

    from server.feeds.codes import FIXED
    from server.feeds.models import Affected, Feed, Generation

    feed, _new = Feed.objects.get_or_create(name="debian", defaults={"kind": "debian", "limit_days": 14})
    made = Generation.objects.create(feed=feed, data_date=timezone.localdate(), complete=True, digest=os.urandom(32).hex())
    columns = (
        "generation_id, ecosystem, package, module, identifier, state, fixed_version, introduced, urgency, needs, note, advisory"
    )
    marks = ", ".join(["%s"] * 12)
    said = (
        (made.pk, "debian:12", f"src{source}", "", f"CVE-2025-{source * 10 + number}", FIXED, fix, "", "", "", "", "")
        for source in range(TOLD)
        for number in range(PER_SOURCE)
        for fix in [("1.3-1" if turned and source % turned == 1 else "1.2-1") if number == 0 and source % 2 else f"1.0-{number}"]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {Affected._meta.db_table} ({columns}) VALUES ({marks})", said)
    feed.generation = made
    feed.save()


def _records(mark: int) -> list[dict[str, Any]]:
    packages = [
        {
            "name": f"bin{number}", "version": f"1.1-{mark if number == 7 else 1}", "arch": "amd64", "source": f"src{number % SOURCES}",
            "source_version": "", "origin": "Debian", "installed": None,
        }
        for number in range(PACKAGES)
    ]  # fmt: skip
    software = {"manager": "dpkg", "packages": packages, "others": [], "recognised": [], "unseen": []}
    identity = {"os_id": "debian", "os_version": "12", "os_family": "debian"}
    return [
        {"fact": name, "version": 1, "outcome": "seen", "data": data, "reason": "", "sources": []}
        for name, data in (("identity", identity), ("software", software))
    ]


def _one_host() -> dict[str, Any]:
    from server.feeds.matching import host
    from server.feeds.matching.match import match
    from server.feeds.matching.tables import Tables

    book = Tables()
    started = time.process_time()
    book.said("debian:12", "src0")
    loaded = time.process_time()
    seen = host.read(_records(1))
    cache: dict[Any, Any] = {}
    begin = time.process_time()
    found = match(seen, book, cache)
    cold = time.process_time()
    match(host.read(_records(2)), book, cache)
    warm = time.process_time()
    return {
        "rows_of_the_release": TOLD * PER_SOURCE,
        "load_seconds": round(loaded - started, 2),
        "host_seconds": round(cold - begin, 4),
        "next_host_seconds": round(warm - cold, 4),
        "matches_of_a_host": len(found.matches),
    }


def _fleet(many: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, groups in (("different", many), ("alike", GROUPS)):
        _store(many, groups)
        for what, turns in (("first", (0,)), ("after_a_swap", (20, 0, 20))):
            taken = []
            for turned in turns:
                _data(turned)
                taken.append(_rematched(many))
            seconds = statistics.median(taken)
            minutes = round(FLEET * seconds / many / 60, 1)
            figures.setdefault(name, {})[what] = {"per_second": round(many / seconds), "fleet_minutes": minutes}
    return figures


def _rematched(many: int) -> float:
    from server.background.declare import Work
    from server.background.models import Job
    from server.feeds.matching import tasks

    class Calm:
        def stopping(self) -> bool:
            return False

        cancelled = lost = others_wait = stopping

    job = tasks.rematch.enqueue(by="bench")
    Job.objects.filter(pk=job.pk).update(state=Job.RUNNING)
    started = time.process_time()
    told = tasks.rematch.function(Work(Job.objects.get(pk=job.pk), Calm()))
    seconds = time.process_time() - started
    assert told is not None
    assert told["matched"] == many, told
    Job.objects.filter(pk=job.pk).update(state=Job.DONE)
    return seconds


def _store(many: int, groups: int) -> None:
    """Machines as if they had come in, of so many kinds."""
    from django.utils import timezone

    from collectors.model import facts_digest
    from collectors.seal import seal
    from server.ingest.models import Agent, Machine, StoredSnapshot
    from server.units.models import Unit

    StoredSnapshot.objects.all().delete()
    Machine.objects.all().delete()
    unit, _new = Unit.objects.get_or_create(name="bench", parent=None, defaults={"level": 3})
    agent, _new = Agent.objects.get_or_create(name="bench", unit=unit, public_key=bytes(32))
    now = timezone.now()
    machines = Machine.objects.bulk_create(
        Machine(unit=unit, agent=agent, own=False, name=f"m{number}", kind="server") for number in range(many)
    )
    for number, machine in enumerate(machines):
        document = {"id": new_id(), "records": _records(number % groups + 1)}
        blob = seal(json.dumps(document).encode(), agent.pk, bytes(32))
        machine.latest = StoredSnapshot.objects.create(
            id=document["id"], machine=machine, agent=agent, received_at=now, collected_at=now, orders_at=now, privileged=True,
            seconds=1, collector="bench", digest=f"{number % groups}", sealed_sha256="", sound_for=facts_digest(), sealed=blob,
        )  # fmt: skip
    Machine.objects.bulk_update(machines, ["latest"], 500)


if __name__ == "__main__":
    sys.exit(main())
