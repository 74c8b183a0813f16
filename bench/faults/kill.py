"""kill -9 while reports travel, again and again; started again as systemd would."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Any

import psutil

from bench.faults.account import told_and_there
from bench.faults.programs import until
from bench.faults.site import TIMER, Site

KILL = "kill -9"


def agent(site: Site, rounds: int) -> None:
    """All four, each at a moment of its own; in each round one more while it looks, judges, seals and keeps a scan of its own."""
    for number in range(rounds):
        site.look()
        running = site.deliver()
        site.arriving(running)
        for process in running:
            process.send_signal(signal.SIGKILL)
            site.did(KILL)
        site.ended(running)
        told_and_there(site)
        _a_scan(site, number)
    site.came_back(TIMER)
    site.drain()


def _a_scan(site: Site, number: int) -> None:
    """A real one, killed somewhere on its way; what it had kept by then counts as made."""
    agent = site.agents[number % len(site.agents)]
    process = agent.run("once", "--quiet")
    with suppress(Exception):
        process.wait(site.chance.uniform(0.5, 6))
    process.send_signal(signal.SIGKILL)
    agent.ended(process)
    site.did(KILL)
    told_and_there(site)


def relay(site: Site, rounds: int) -> None:
    for _ in range(rounds):
        site.look()
        running = site.deliver()
        site.arriving(running)
        site.relay.kill()
        site.did(KILL)
        site.ended(running)
        site.restart(site.relay)
        told_and_there(site)
    site.drain()


def server(site: Site, rounds: int) -> None:
    """By turns the master with all its processes, and one process whose master starts another."""
    for number in range(rounds):
        site.look()
        running = site.deliver()
        site.arriving(running)
        if number % 2:
            _one_of(site.web.process).kill()
        else:
            site.web.kill()
        site.did(KILL)
        site.ended(running)
        if number % 2 == 0:
            site.restart(site.web)
        told_and_there(site)
    site.drain()


def _one_of(process: Any) -> psutil.Process:
    return psutil.Process(process.pid).children()[0]


def worker(site: Site, rounds: int) -> None:
    """While all machines are judged again by another level, each time another."""
    level = 2
    site.worker.start()
    for number in range(rounds):
        level = 3 + number % 2
        site.collector.command("unit", "set", "Sở", "--level", str(level))
        site.look(2)
        running = site.deliver()
        with suppress(AssertionError):  # it may be over before it was seen
            until(lambda: _busy(site), "a job runs", 20, 0.005)
        site.worker.kill()
        site.did(KILL)
        site.ended(running)
        site.restart(site.worker)
    site.drain()
    judged_by(site, level)


def judged_by(site: Site, level: int) -> None:
    """Until background work is done: every machine's newest report is judged by that level."""
    query = f"""SELECT count(*) FROM ingest_machine m JOIN assess_storedassessment a ON a.snapshot_id = m.latest_id
        WHERE a.level <> {level}"""
    until(
        lambda: site.collector.rows(query)[0][0] == 0, f"all are judged by level {level}: {site.worker.log()[-2000:]}", every=0.5
    )
    until(lambda: not _busy(site), "the job ends", every=0.5)


def _busy(site: Site) -> bool:
    return bool(
        site.collector.rows("SELECT count(*) FROM background_job WHERE name = 'assess.rejudge' AND state = 'running'")[0][0]
    )


def database(site: Site, rounds: int) -> None:
    """By turns the whole of it, and one session's process, after which it begins anew by itself."""
    assert site.database
    site.worker.start()
    for number in range(rounds):
        site.look()
        running = site.deliver()
        site.arriving(running)
        if number % 2:
            site.database.kill_backend()
        else:
            site.database.kill()
        site.did(KILL)
        site.ended(running)
        if not site.database.alive:
            site.restart(site.database)
        until(site.database.answers, "PostgreSQL is back")
        told_and_there(site)
    site.drain()


CELLS = {"agent": agent, "relay": relay, "server": server, "worker": worker, "database": database}
