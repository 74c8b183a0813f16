"""A line that is cut: refused, cut in mid-body, cut when the answer comes (what was asked is done by then), or silent."""

from __future__ import annotations

import time

from bench.faults.account import told_and_there
from bench.faults.kill import judged_by
from bench.faults.line import MID_BODY, NO_ANSWER, REFUSE, SILENT, Line
from bench.faults.programs import until
from bench.faults.site import Site

MODES = (NO_ANSWER, MID_BODY, SILENT, REFUSE)
SILENT_SECONDS = 4.0


def _rounds(site: Site, rounds: int, lines: list[Line]) -> None:
    for number in range(max(rounds, len(MODES))):
        mode = MODES[number % len(MODES)]
        site.look()
        if number % 2:  # some are on their way when it happens
            running = site.deliver()
            site.arriving(running)
            for line in lines:
                line.cut()
                line.strike(mode)
        else:
            for line in lines:
                line.strike(mode)
            running = site.deliver()
        _harmed(site, lines, mode, running)
        if mode == SILENT:
            time.sleep(SILENT_SECONDS)
        for line in lines:
            line.mend()
        site.ended(running)
        told_and_there(site)
    for line in lines:
        for what, times in line.struck.items():
            site.did(what, times)
    site.drain()


def _harmed(site: Site, lines: list[Line], mode: str, running: list) -> None:  # type: ignore[type-arg]
    """Until it has struck on each line, or nobody is left to be struck."""
    before = {line: line.struck[mode] for line in lines}

    def struck() -> bool:
        return all(line.struck[mode] > before[line] for line in lines) or all(one.poll() is not None for one in running)

    until(struck, mode, 30, 0.02)


def agent(site: Site, rounds: int) -> None:
    _rounds(site, rounds, [site.front, site.behind])


def relay(site: Site, rounds: int) -> None:
    _rounds(site, rounds, [site.upstream])


def server(site: Site, rounds: int) -> None:
    """Its own cable: hosts and relay at once."""
    _rounds(site, rounds, [site.front, site.upstream])


def worker(site: Site, rounds: int) -> None:
    """Between it and the database, while all machines are judged again."""
    assert site.worker_line
    level = 2
    site.worker.start()
    for number in range(max(rounds, len(MODES))):
        level = 3 + number % 2
        site.collector.command("unit", "set", "Sở", "--level", str(level))
        site.look(2)
        running = site.deliver()
        time.sleep(site.chance.uniform(0, 1.5))
        site.worker_line.strike(MODES[number % len(MODES)])
        site.worker_line.cut()
        time.sleep(SILENT_SECONDS / 2)
        site.worker_line.mend()
        site.ended(running)
        told_and_there(site)
    for what, times in site.worker_line.struck.items():
        site.did(what, times)
    site.drain()
    judged_by(site, level)


def database(site: Site, rounds: int) -> None:
    """Between it and everybody: the answer to COMMIT is lost among others."""
    assert site.db_line
    assert site.worker_line
    site.worker.start()
    _rounds(site, rounds, [site.db_line, site.worker_line])
    until(site.web.answers, "the collector is ready again")


CELLS = {"agent": agent, "relay": relay, "server": server, "worker": worker, "database": database}
