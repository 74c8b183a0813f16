"""The clock of one part jumps: five days ahead, five days back, twenty days ahead, and right again; while reports travel.

By clock.c under real programs, PostgreSQL too. Only the time of day jumps; intervals are measured by the monotonic clock, as on a
machine whose clock somebody sets.
"""

from __future__ import annotations

import time

from bench.faults.account import told_and_there
from bench.faults.harm import Clock
from bench.faults.kill import judged_by
from bench.faults.programs import until
from bench.faults.site import Site

JUMPS = (5.0, -5.0, 20.0, 0.0)
JUMP = "jump"


def _rounds(site: Site, rounds: int, clock: Clock, days_of_agents: bool = False) -> None:
    for number in range(max(rounds, len(JUMPS))):
        days = JUMPS[number % len(JUMPS)]
        site.look(2, clock.days if days_of_agents else 0)
        running = site.deliver()
        site.arriving(running)
        clock.set(days)
        site.did(JUMP)
        site.ended(running)
        site.look(2, days if days_of_agents else 0)
        site.ended(site.deliver())
        told_and_there(site)
    clock.set(0)
    site.drain()


def agent(site: Site, rounds: int, clock: Clock) -> None:
    """Snapshots bear the time of that clock; questions are signed by it."""
    _rounds(site, rounds, clock, days_of_agents=True)


def relay(site: Site, rounds: int, clock: Clock) -> None:
    _rounds(site, rounds, clock)


def server(site: Site, rounds: int, clock: Clock) -> None:
    _rounds(site, rounds, clock)
    until(site.web.answers, "the collector is ready")


def worker(site: Site, rounds: int, clock: Clock) -> None:
    """While all machines are judged again; what is asked for again and again must go on when the clock is right."""
    _judging(site, rounds, clock)


def database(site: Site, rounds: int, clock: Clock) -> None:
    _judging(site, rounds, clock)


def _judging(site: Site, rounds: int, clock: Clock) -> None:
    level = 2
    site.worker.start()
    for number in range(max(rounds, len(JUMPS))):
        days = JUMPS[number % len(JUMPS)]
        level = 3 + number % 2
        site.collector.command("unit", "set", "Sở", "--level", str(level))
        site.look(2)
        running = site.deliver()
        time.sleep(site.chance.uniform(0, 1.5))
        clock.set(days)
        site.did(JUMP)
        site.ended(running)
        if number == 1:
            site.worker.kill()
            site.restart(site.worker)
        told_and_there(site)
        judged_by(site, level)
    clock.set(0)
    site.drain()
    routine_goes_on(site)


def routine_goes_on(site: Site) -> None:
    """What was put off by a clock that was ahead is done by the right one, not in weeks."""
    query = "SELECT count(*) FROM background_routine WHERE due_at > now() + interval '25 hours'"
    until(lambda: site.collector.rows(query)[0][0] == 0, "no periodic work is put off by days", every=1)


CELLS = {"agent": agent, "relay": relay, "server": server, "worker": worker, "database": database}
