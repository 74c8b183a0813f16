"""How fast reports are taken in, as ratios within one run, by one web process with its PostgreSQL.

    first-contact   reports of hosts nobody knows yet, against raw COPY of the very rows they leave (at least 40 % wanted)
    steady          later reports, 1 % changed, against an endpoint that only decompresses and validates (at least 25 % wanted)
    memory          a simulated week of reports: memory of the web process, day by day

Bodies are made before the clock runs. In turns, so that a slow minute of the machine falls on all of them; medians of rounds.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import urllib3

from agent import upload
from baselines.loader import load
from bench.fleet.day import LEVEL, PACK
from bench.fleet.hosts import Held, Host, templates
from bench.fleet.lines import Front, Line
from bench.fleet.site import ROOT, Site, environment

ROUNDS, EACH, SENDERS = 5, 60, 4
DAYS, A_DAY = 7, 2
WANTED = {"first_contact": 0.40, "steady": 0.25}
TABLES = (
    "ingest_storedsnapshot", "assess_storedassessment", "findings_standing", "findings_head", "findings_change", "coverage_card",
)  # fmt: skip
"""What a first contact leaves behind."""


def held() -> Held:
    return Held(PACK, load(PACK).digest, LEVEL)


def enrolled(site: Site, count: int) -> list[Host]:
    """So many workstations of one site, known to the collector."""
    from server.ingest.models import EnrolmentToken
    from server.units.models import Unit

    unit, _new = Unit.objects.get_or_create(name="Site", parent=Unit.objects.get(parent=None))
    token = EnrolmentToken.issue(unit, count, 24, "bench")[1]
    made = templates()
    hosts = [Host(n, made["workstation"], "Site") for n in range(count)]
    front = Front([site.webs[0].url])

    def enrol(host: Host) -> None:
        while not host.agent:
            line = Line(front)
            with suppress(upload.Offline):
                reply = line.ask("POST", "/api/v1/enrol", host.enrolment(token), {"Content-Type": "application/json"})
                assert reply.status == 201, reply
                host.agent = reply.document["agent_id"]
            line.close()

    _each(hosts, enrol, senders=2)
    return hosts


def _each(hosts: list[Any], do: Callable[[Any], object], senders: int = SENDERS) -> float:
    """Seconds until that was done for each of them, by a few threads."""
    todo, trouble = iter(hosts), []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                one = next(todo, None)
            if one is None:
                return
            try:
                do(one)
            except BaseException as error:
                trouble.append(error)
                return

    threads = [threading.Thread(target=work, daemon=True) for _ in range(senders)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if trouble:
        raise trouble[0]
    return time.perf_counter() - began


class Sender:
    """Bodies to one address over connections that stay open; told to wait, it tries again at once."""

    def __init__(self, url: str) -> None:
        self.url, self.waits = url, 0
        self._pool = urllib3.PoolManager(maxsize=SENDERS, retries=False, timeout=60)

    def __call__(self, what: tuple[bytes, str]) -> None:
        while True:
            answer = self._pool.request("POST", self.url + "/api/v1/snapshots", body=what[0], headers={"Content-Type": what[1]})
            if answer.status != 429:
                assert answer.status in (200, 201), (answer.status, answer.data[:300])
                return
            self.waits += 1
            time.sleep(0.02)


def _look(hosts: list[Host], at: float, by: Held) -> list[tuple[bytes, str]]:
    """The next report of each as it travels; taken as acknowledged, as it is about to be."""
    bodies = []
    for host in hosts:
        report = host.look(at, by)
        difference = host.difference(report, report.blob)
        bodies.append((report.blob, upload.MEDIA_TYPE) if difference is None else (difference, upload.DIFFERENCE))
        host.keep(report)
        host.sent(report)
    return bodies


def _cpu(site: Site) -> float:
    used = site.meter.look()
    return used["web"] + used["postgresql"]


def first_contact(site: Site) -> dict[str, Any]:
    """Whole reports of new hosts over HTTP, in turns with COPY of as many reports' rows, each report in a transaction of its own."""
    from django.db import connection, transaction

    _prepare(site)
    hosts, by, send = enrolled(site, ROUNDS * EACH + 20), held(), Sender(site.webs[0].url)
    bodies = _look(hosts, time.time() - 3600, by)
    _each(bodies[:20], send)
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
    rows = _rows()
    counts = {table: text.count(b"\n") for table, text in rows.items()}

    def copy(_number: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, text in rows.items():
                with cursor.copy(f"COPY bench_{table} FROM STDIN") as out:
                    out.write(text)

    def raw() -> float:
        # each row once: the keys are the same again, so what the last turn wrote is taken away outside the time
        seconds = 0.0
        for number in range(EACH):
            began = time.perf_counter()
            copy(number)
            seconds += time.perf_counter() - began
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE " + ", ".join(f"bench_{table}" for table in rows))
        return seconds

    times: dict[str, list[float]] = {"raw_copy": [], "first_contact": []}
    cpu = []
    for turn in range(ROUNDS):
        times["raw_copy"].append(raw())
        before = _cpu(site)
        part = bodies[20 + turn * EACH : 20 + (turn + 1) * EACH]
        times["first_contact"].append(_each(part, send))
        cpu.append((_cpu(site) - before) / EACH)
    return _told("first_contact", "raw_copy", times) | {
        "rows_each": counts,
        "server_cpu_ms": round(1000 * statistics.median(cpu), 1),
        "told_to_wait": send.waits,
    }


def _rows() -> dict[str, bytes]:
    """Of one report that is there, as COPY writes them."""
    from django.db import connection

    from server.ingest.models import StoredSnapshot

    one = StoredSnapshot.objects.order_by("pk")[0]
    where = {"ingest_storedsnapshot": f"id = '{one.pk}'", "assess_storedassessment": f"snapshot_id = '{one.pk}'"}
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            condition = (
                where.get(table, f"machine_id = {one.machine_id}")
                if table != "findings_change"
                else "id = (SELECT min(id) FROM findings_change)"
            )
            with cursor.copy(f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT") as out:
                found[table] = b"".join(bytes(part) for part in out)
    return {table: text for table, text in found.items() if text}


def steady(site: Site) -> dict[str, Any]:
    """Later reports with 1 % changed, as differences, in turns with whole ones to an endpoint that only opens and validates them."""
    _prepare(site)
    hosts, by, send = enrolled(site, EACH), held(), Sender(site.webs[0].url)
    now = time.time() - 86_400
    _each(_look(hosts, now, by), send)
    with _bare(site) as url:
        bare = Sender(url)
        whole = [(report.blob, upload.MEDIA_TYPE) for report in (host.look(now + 60, by) for host in hosts)]
        for host in hosts:  # they go nowhere else
            host.waits.clear()
        times: dict[str, list[float]] = {"validate_only": [], "steady": []}
        cpu, sizes = [], []
        for turn in range(ROUNDS + 1):
            bodies = _look(hosts, now + 3600 * (turn + 1), by)
            sizes += [len(body) for body, _form in bodies]
            validated = _each(whole, bare)
            before = _cpu(site)
            taken = _each(bodies, send)
            if turn:  # the first warms up
                times["validate_only"].append(validated)
                times["steady"].append(taken)
                cpu.append((_cpu(site) - before) / EACH)
    return _told("steady", "validate_only", times) | {
        "server_cpu_ms": round(1000 * statistics.median(cpu), 1), "body_bytes": round(statistics.median(sizes)), "told_to_wait": send.waits,
    }  # fmt: skip


def _told(ours: str, theirs: str, times: dict[str, list[float]]) -> dict[str, Any]:
    rates = {name: EACH / statistics.median(seconds) for name, seconds in times.items()}
    ratio = rates[ours] / rates[theirs]
    each = [b / a for a, b in zip(times[ours], times[theirs], strict=True)]
    print(
        f"{ours}: {rates[ours]:.0f} a second against {rates[theirs]:.0f} of {theirs}: {ratio:.0%} "
        f"({', '.join(f'{one:.0%}' for one in each)} in turns); at least {WANTED[ours]:.0%} wanted{'' if ratio >= WANTED[ours] else ': MISSED'}"
    )
    return {"ratio": round(ratio, 3), "wanted": WANTED[ours], "turns": [round(one, 3) for one in each]}


def memory(site: Site, count: int) -> dict[str, Any]:
    """Resident MiB of the one web process at the end of each of seven days."""
    _prepare(site)
    hosts, by, send = enrolled(site, count), held(), Sender(site.webs[0].url)
    now, found = time.time() - (DAYS + 1) * 86_400, []
    for day in range(DAYS):
        for turn in range(A_DAY):
            _each(_look(hosts, now + day * 86_400 + turn * 21_600, by), send)
        found.append(round(_rss(site), 1))
        print(f"  day {day + 1}: {found[-1]} MiB after {(day + 1) * A_DAY * count:,} reports", flush=True)
    print(f"last day over first: {found[-1] / found[0]:.2f}")
    return {"hosts": count, "reports": DAYS * A_DAY * count, "mib": found, "last_over_first": round(found[-1] / found[0], 3)}


def _rss(site: Site) -> float:
    assert site.webs[0].process
    root = psutil.Process(site.webs[0].process.pid)
    return max(child.memory_info().rss for child in root.children()) / 2**20


def _prepare(site: Site) -> None:
    from server.units.models import Unit

    Unit.objects.filter(parent=None).update(baseline=PACK)
    site.start()


@contextmanager
def _bare(site: Site) -> Any:
    """bare.py under the same gunicorn with the same threads."""
    from server.serve import THREADS

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        "-m",
        "gunicorn",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--worker-class",
        "gthread",
        "--threads",
        str(THREADS),
        "--log-level",
        "error",
    ]
    process = subprocess.Popen([sys.executable, *words, "bench.fleet.bare:application"], cwd=ROOT, env=environment(site.data), start_new_session=True)  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
