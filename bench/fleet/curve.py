"""What one host costs while 1,000, 5,000, 25,000 and 50,000 others are in the tables: is it the same?

The others are written straight into the tables (collector_fill.py: 200 rules, their transitions; and a stored snapshot with its
assessment each); then some dozens of real hosts enrol, report for the first time, report again with 1 % changed, and poll.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from agent.policy import WORK
from agent.signed import signed_get
from bench.fleet import rates
from bench.fleet.hosts import Host
from bench.fleet.lines import Front, Line
from bench.fleet.site import Site

SIZES = (1_000, 5_000, 25_000, 50_000)
RULES, DAYS = 200, 30
SAMPLE, ROUNDS = 60, 3


def at(site: Site, size: int) -> dict[str, Any]:
    """Of a collector that knows so many hosts already."""
    import collector_storage
    from collector_fill import Shape, fill
    from django.db import connection

    from server.findings import tally, verify

    shape = Shape(size, RULES, DAYS)
    began = time.monotonic()
    fill(shape)
    _snapshots(site)
    tally.fold_all()
    for _off in verify.verify(repair=True):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    filled = time.monotonic() - began
    rates._prepare(site)
    hosts, by, send = rates.enrolled(site, SAMPLE), rates.held(), rates.Sender(site.webs[0].url)
    now = time.time() - 86_400

    def cost(what: list[Any], do: Any) -> float:
        before = rates._cpu(site)
        rates._each(what, do)
        return 1000 * (rates._cpu(site) - before) / len(what)

    first = cost(rates._look(hosts, now, by), send)
    before = _size()
    later = [cost(rates._look(hosts, now + 3600 * (turn + 1), by), send) for turn in range(ROUNDS + 1)]
    grown = (_size() - before) / (len(later) * SAMPLE)
    front = Front([site.webs[0].url])

    def poll(host: Host) -> None:
        line = Line(front)
        reply = signed_get(line, host.agent, host.key, WORK)
        assert reply.status == 200
        assert signed_get(line, host.agent, host.key, WORK, reply.tag).status == 304
        line.close()

    polls = cost(hosts, poll) / 2
    queries = {name: max(row.values()) for name, row in collector_storage.asked("postgresql").items()}
    site.stop()
    found = {
        "first_contact_ms": round(first, 1), "report_ms": round(statistics.median(later[1:]), 1), "poll_ms": round(polls, 2),
        "bytes_per_report": round(grown), "bytes_per_host": _bytes(size + SAMPLE), "slowest_query_ms": max(queries.values()), "queries_ms": queries, "filled_s": round(filled),
    }  # fmt: skip
    print(f"{size:,} hosts: " + ", ".join(f"{name} {value}" for name, value in found.items() if name != "queries_ms"), flush=True)
    return found


def _snapshots(site: Site) -> None:
    """A stored snapshot and its assessment for each machine: copies of a real one, made by the database itself."""
    from django.db import connection
    from django.utils import timezone

    from collectors.model import facts_digest
    from server.ingest.models import Agent, Machine

    host = Host(10**6, rates.templates()["workstation"], "Site")
    agent = Agent.objects.get(name="bench")
    host.agent = agent.pk
    blob = host.look(time.time() - 2 * 86_400, None).blob
    assert Machine.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ingest_storedsnapshot (id, machine_id, agent_id, received_at, collected_at, orders_at, clock_ahead, privileged,
                seconds, collector, digest, sealed_sha256, sound_for, deciding, base_id, sealed)
            SELECT '00000000-0000-7000-8000-' || lpad(id::text, 12, '0'), id, %s, %s, %s, %s, false, true, 1, 'bench', '', '', %s, '', NULL, %s
            FROM ingest_machine""",
            [agent.pk, *[timezone.now()] * 3, facts_digest(), blob],
        )
        cursor.execute(
            "UPDATE ingest_machine SET latest_id = '00000000-0000-7000-8000-' || lpad(id::text, 12, '0'), reported_at = now(), fails = 1,"
            " unknowns = 1, passes = 1, weight = mod(id, 5000)"
        )
        cursor.execute(
            """
            INSERT INTO assess_storedassessment (snapshot_id, machine_id, judged_at, baseline, version, digest, tailoring, centre, level, kind, fail,
                unknown, passed, manual, not_applicable, weight, verdicts, agent, agent_judged, packed)
            SELECT latest_id, id, now(), 'bench', '1', repeat('0', 64), '', '', 3, kind, 1, 1, 1, 1, 1, mod(id, 5000), repeat('0', 64), 'agrees', NULL, NULL
            FROM ingest_machine""",
        )


def _size() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return int(cursor.fetchone()[0])


def _bytes(hosts: int) -> dict[str, int]:
    """Of each large table with its indexes and what lies beside it, divided by hosts."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        sizes = {name: round(size / hosts) for name, size in cursor.fetchall()}
    return {"all": sum(sizes.values())} | dict(sorted(sizes.items(), key=lambda one: -one[1])[:6])


def curve(open_site: Any, sizes: tuple[int, ...]) -> dict[str, Any]:
    """At each size, in a database of its own."""
    found: dict[str, Any] = {}
    for size in sizes:
        with open_site(webs=1, workers=0) as site:
            found[f"{size}"] = at(site, size)
    first, last = found[f"{sizes[0]}"], found[f"{sizes[-1]}"]
    found["last_over_first"] = {
        name: round(last[name] / first[name], 2) for name in ("first_contact_ms", "report_ms", "poll_ms")
    } | {"bytes": round(last["bytes_per_host"]["all"] / first["bytes_per_host"]["all"], 2)}  # fmt: skip
    print(f"{sizes[-1]:,} hosts over {sizes[0]:,}, each: " + ", ".join(f"{k} {v}" for k, v in found["last_over_first"].items()))
    return found
