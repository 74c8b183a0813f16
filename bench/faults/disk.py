"""A disk without a byte left, while reports travel; then there is room again. Each part's folder on a small file system of its own."""

from __future__ import annotations

import time

from bench.faults.account import told_and_there
from bench.faults.harm import Disk
from bench.faults.kill import judged_by
from bench.faults.line import REFUSE
from bench.faults.programs import until
from bench.faults.site import Site

MIB = {"agent": 4.0, "relay": 4.0, "server": 64.0, "worker": 8.0, "database": 320.0}
FULL = "disk full"


def agent(site: Site, rounds: int) -> None:
    """What is in the spool is delivered; a scan that finds no room is sent from memory, or its run says that it was not."""
    disk = site.disks["agent"]
    for number in range(rounds):
        site.look(2)
        disk.fill()
        site.did(FULL)
        site.look(1)  # no room: told
        running = site.deliver()
        site.ended(running)
        told_and_there(site)
        _from_memory(site, number)
        disk.free()
    site.beyond["told_no_room"] = sum(len(agent.told_full) for agent in site.agents)
    site.drain()


def _from_memory(site: Site, number: int) -> None:
    """A real scan on a full disk: one more in the database where the run says so, none where it says the contrary."""
    agent = site.agents[number % 2]  # directly, or sealed for the centre
    query = f"SELECT id FROM ingest_storedsnapshot WHERE agent_id = '{agent.host.agent}'"
    before = {pk for (pk,) in site.collector.rows(query)}
    code = agent.ended(agent.run("once", "--quiet"))
    new = {pk for (pk,) in site.collector.rows(query)} - before - agent.signed.keys()
    assert len(new) == (code in (0, 1, 3)), (code, new, agent.said[-1:])
    for pk in new:
        agent.signed[pk] = site.digest_of(pk)
    site.beyond["sent_from_memory"] = site.beyond.get("sent_from_memory", 0) + len(new)


def relay(site: Site, rounds: int) -> None:
    """Full with a line to the centre, when passing on makes room; and full without one, when it takes nothing more."""
    disk = site.disks["relay"]
    for number in range(rounds):
        if number % 2:
            site.upstream.strike(REFUSE)
        _full(site, disk, after=2)
        site.upstream.mend()
        if not site.relay.alive:
            site.did("ended by it")
            site.restart(site.relay)
        told_and_there(site)
        if number % 2 == 0:  # the line is there: what it holds must go on, although it can write nothing down
            until(lambda: site.relay_waits() == 0, f"a full relay passes on: {site.relay.log()[-1500:]}")
        disk.free()
    site.drain()


def _full(site: Site, disk: Disk, after: int = 3) -> None:
    """Filled while reports travel; others come after."""
    site.look(3)
    running = site.deliver()
    site.arriving(running)
    disk.fill()
    site.did(FULL)
    site.ended(running)
    site.look(after)
    site.ended(site.deliver())


def server(site: Site, rounds: int) -> None:
    """Its data directory, with the SQLite database in it."""
    disk = site.disks["server"]
    for _ in range(rounds):
        _full(site, disk)
        assert site.web.alive
        disk.free()
        told_and_there(site)
    site.drain()


def worker(site: Site, rounds: int) -> None:
    """Its data directory and its folder for temporary files, while all machines are judged again."""
    disk, level = site.disks["worker"], 2
    site.worker.environment["TMPDIR"] = str(site.worker.folder)
    site.worker.start()
    for number in range(rounds):
        level = 3 + number % 2
        disk.fill()
        site.did(FULL)
        site.collector.command("unit", "set", "Sở", "--level", str(level))
        site.look(2)
        site.ended(site.deliver())
        if not site.worker.alive:
            site.did("ended by it")
            site.restart(site.worker)
        told_and_there(site)
        if number % 2:
            disk.free()
    disk.free()
    site.drain()
    judged_by(site, level)


def database(site: Site, rounds: int) -> None:
    """PostgreSQL's whole folder, its log included: without room for that it ends itself."""
    assert site.database
    disk = site.disks["database"]
    site.worker.start()
    for _ in range(rounds):
        _full(site, disk)
        time.sleep(1)
        disk.free()
        if not site.database.alive:
            site.did("ended by it")
            site.restart(site.database)
        until(site.database.answers, "PostgreSQL is back")
        until(site.web.answers, "the collector is ready again")
        told_and_there(site)
    site.drain()


CELLS = {"agent": agent, "relay": relay, "server": server, "worker": worker, "database": database}
