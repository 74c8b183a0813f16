"""A working day of the whole fleet: 08:00, an outage of two hours in the middle of the wave, kills, stricter values for everybody.

    the day before   every host enrols by a token of its site and reports for the first time
    08:00            the workstations are switched on, and each waits its while (agent/schedule.py)
    08:20            kill -9 of one web process
    08:30 to 10:30   PostgreSQL is gone, and so are both web processes; the hosts keep what they have and try again
    10:40            stricter values for the whole country: everything is judged again in the background, and in the middle of it
                     the worker that does it and the other web process are killed with kill -9
    to 17:30         reports by schedule: servers every four hours, the workstations of a fifth of the provinces every six

Every tenth run of an agent asks the collector what to do (GET work), the others take what hosts of the same schedule were told;
quarter-hourly polls are left out (curve.py measures what one costs).
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from agent import schedule, upload
from agent.policy import WORK
from agent.signed import signed_get
from bench.fleet import account
from bench.fleet.clock import HERE, Stage
from bench.fleet.hosts import Held, Host, fleet, templates
from bench.fleet.lines import Front, Line
from bench.fleet.site import Site, command, sized
from collectors.timetable import Timetable

PROVINCES, SITES_EACH = 34, 20
PACK, LEVEL = "tcvn_14423_2026", 3
TRIES, RETRY_SECONDS = 5, 2.0
"""An agent's own (agent/config.py)."""
ASKS = 10
STRICTER = "name: Centre\nparams:\n  accounts.password_policy: {min_password_length: 12}\n"
PATIENCE = 1200.0
KILLS = 3
"""web-1 in the wave, worker-2 and web-2 while all is judged again."""
ENROLLING, CALM = 4, 9
"""Hosts at once while they enrol, and outside the wave: two web processes have room for ten uploads, so hardly anybody is told to wait."""


@dataclass
class Phase:
    """A part of the day, by the real clock."""

    name: str
    began: float
    cpu: dict[str, float]
    counts: Counter[str]
    figures: dict[str, Any] = field(default_factory=dict)


class Day:
    """The hosts, their time and what comes of it."""

    def __init__(self, site: Site, count: int, fastest: float, crowd: int, threads: int, seed: int = 11_930) -> None:
        self.site, self.chance = site, random.Random(seed)
        self.front = Front([program.url for program in site.webs])
        now = datetime.now(HERE)
        self.midnight = datetime(now.year, now.month, now.day, tzinfo=HERE) - timedelta(days=1)
        while self.midnight.weekday() > 4:
            self.midnight -= timedelta(days=1)
        self.stage = Stage(self.clock(-7), fastest, crowd, threads)
        self.end = self.clock(17.5)
        self.told: dict[tuple[str, str], tuple[Held, Timetable]] = {}
        self.due: dict[int, float] = {}
        self.phases: list[Phase] = []
        self.killed: list[str] = []
        self.tokens = self._organisation(count)
        self.hosts = fleet(count, sorted(self.tokens), templates())
        self.chance.shuffle(self.hosts)

    def clock(self, hour: float) -> float:
        """Seconds of the epoch at that hour of the day."""
        return (self.midnight + timedelta(hours=hour)).timestamp()

    def _organisation(self, count: int) -> dict[str, str]:
        """Provinces and sites, their schedules, and a token for each site."""
        from server.ingest.models import EnrolmentToken
        from server.schedules.models import Schedule
        from server.units.models import Unit

        root = Unit.objects.get(parent=None)
        Unit.objects.filter(pk=root.pk).update(baseline=PACK)
        Schedule.objects.create(unit=root, kind="workstation", interval_seconds=24 * 3600)
        Schedule.objects.create(unit=root, kind="server", interval_seconds=4 * 3600)
        tokens = {}
        for n in range(PROVINCES):
            province = Unit.objects.create(name=f"Province {n:02}", parent=root)
            if n % 5 == 0:
                Schedule.objects.create(unit=province, kind="workstation", interval_seconds=6 * 3600)
            for m in range(SITES_EACH):
                site = Unit.objects.create(name=f"Site {n:02}-{m:02}", parent=province)
                tokens[site.name] = EnrolmentToken.issue(site, count, 24, "bench")[1]
        return tokens

    # -- phases ------------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        self.finish()
        self.front.seconds.clear()
        self.phases.append(Phase(name, time.monotonic(), self.site.meter.look(), self.front.counts.copy()))
        print(f"{datetime.now(UTC):%H:%M:%S} {name}", flush=True)

    def finish(self) -> None:
        if not self.phases or self.phases[-1].figures:
            return
        phase = self.phases[-1]
        seconds = time.monotonic() - phase.began
        cpu = {name: used - phase.cpu.get(name, 0) for name, used in self.site.meter.look().items()}
        counts = self.front.counts - phase.counts
        taken = counts["snapshots 201"] + counts["snapshots 200"]
        done = taken or counts["enrol 201"]
        phase.figures = {
            "seconds": round(seconds, 1),
            "reports": taken,
            "per_second": round(done / seconds, 1),
            "cpu_s": {name: round(used, 1) for name, used in cpu.items()},
            "server_cpu_ms_each": round(1000 * (cpu["web"] + cpu["postgresql"]) / done, 1) if done else None,
            "answer_ms_median": round(1000 * statistics.median(self.front.seconds)) if self.front.seconds else None,
            "answers": dict(sorted(counts.items())),
        }

    def beat(self) -> None:
        phase = self.phases[-1]
        if int(time.monotonic() - phase.began) % 15 == 14:
            counts = self.front.counts - phase.counts
            print(
                f"    {self.stage.clock()}  {counts['snapshots 201']:,} taken, {counts['snapshots 429']:,} told to wait, "
                f"{sum(n for what, n in counts.items() if 'not reached' in what):,} not reached; {self.stage.told_to_wait} are waiting",
                flush=True,
            )

    # -- what a host does --------------------------------------------------------------------------------------------

    def enrol(self, host: Host) -> None:
        line = Line(self.front)
        try:
            reply = line.ask(
                "POST", "/api/v1/enrol", host.enrolment(self.tokens[host.unit]), {"Content-Type": "application/json"}
            )
        except upload.Offline:
            self.stage.after(upload.spread(line.asked_to_wait or 1), partial(self.enrol, host))
            return
        finally:
            line.close()
        assert reply.status == 201, reply
        host.agent = str(reply.document["agent_id"])

    def first(self, host: Host) -> None:
        """Workstations on the afternoon before, servers in the night."""
        begin, end = (1.0, 7.0) if host.kind == "server" else (-11.0, -7.0)
        at = self.clock(self.chance.uniform(begin, end))
        self.due[host.number] = float("inf")
        host.look(at, self.ask(host, always=False))
        self.deliver(host)

    def wake(self, host: Host) -> None:
        """Switched on, or there all the time: when it is due, by the agent's own rules."""
        table = self.told[self.group(host)][1]
        due = schedule.moment_of(table, host.agent, host.last, self.stage.now, host.woke)
        self.due[host.number] = due
        if due < self.end:
            self.stage.at(due, partial(self.run, host))

    def run(self, host: Host) -> None:
        """`rasoat agent once --if-due`."""
        now = self.stage.now
        if self.due[host.number] <= now and now < self.end:
            host.look(now, self.ask(host))
            table = self.told[self.group(host)][1]
            self.due[host.number] = schedule.moment_of(table, host.agent, host.last, now, host.woke)
        self.deliver(host)

    def deliver(self, host: Host) -> None:
        """One attempt; then, as the agent, again after a pause, or in a later run, or when the next scan is due."""
        line = Line(self.front)
        try:
            delivery = host.deliver(line)
        finally:
            line.close()
        due, now = self.due[host.number], self.stage.now
        if not delivery.left:
            host.failures = host.runs_in_vain = 0
            if due < self.end:
                self.stage.at(due, partial(self.run, host))
            return
        host.failures += 1
        if host.failures >= TRIES:
            host.failures, host.runs_in_vain = 0, host.runs_in_vain + 1
            outlook = schedule.Outlook(due, delivery.left)
            self.stage.at(now + schedule.rest(outlook, now, host.runs_in_vain), partial(self.run, host))
        elif line.asked_to_wait is not None:
            self.stage.after(upload.spread(line.asked_to_wait), partial(self.deliver, host))
        else:
            self.stage.at(now + upload.pause(host.failures, RETRY_SECONDS), partial(self.deliver, host))

    def ask(self, host: Host, always: bool = False) -> Held | None:
        """What the collector wants, asked by some for all of the same schedule."""
        known = self.told.get(self.group(host))
        if known is None or (host.number + host.reports) % ASKS == 0:
            line = Line(self.front)
            with suppress(upload.Offline):
                reply = signed_get(line, host.agent, host.key, WORK)
                assert reply.status == 200, reply
                work = reply.document
                tailoring = work["tailoring"]["text"] if work["tailoring"] else ""
                held = Held(work["baseline"]["id"], work["baseline"]["digest"], work["level"], tailoring)
                known = self.told[self.group(host)] = held, Timetable.read(work["schedule"])
            line.close()
        return known[0] if known else None

    @staticmethod
    def group(host: Host) -> tuple[str, str]:
        return host.unit[5:7], host.kind

    # -- the day -----------------------------------------------------------------------------------------------------

    def live(self) -> None:
        stage = self.stage
        self.begin("enrolment")
        crowd, stage.crowd = stage.crowd, ENROLLING
        for host in self.hosts:
            stage.at(stage.now, partial(self.enrol, host))
        stage.run(stage.now, self.beat, drain=True)
        self.begin("first contact")
        stage.crowd = CALM
        for host in self.hosts:
            stage.at(stage.now, partial(self.first, host))
        stage.run(stage.now, self.beat, drain=True)
        stage.now, stage.crowd = self.clock(7), crowd
        self.begin("07:00 to 08:30, the wave")
        for host in self.hosts:
            host.woke = 0 if host.kind == "server" else self.clock(8) + self.chance.uniform(-600, 1200)
            stage.at(host.woke, partial(self.wake, host))
        stage.run(self.clock(8 + 20 / 60), self.beat)
        self._kill(self.site.webs[0])
        stage.run(self.clock(8.5), self.beat)
        self.begin("08:30 to 10:30, nothing answers")
        for program in self.site.webs:
            program.held_down = True
            program.kill()
        self.site.cluster.stop()
        stage.run(self.clock(10.5), self.beat)
        self.begin("10:30 to 12:30, all come back, all is judged again")
        self._back()
        stage.run(self.clock(10 + 40 / 60), self.beat)
        self._judge_again()
        stage.run(self.clock(12.5), self.beat)
        self.begin("12:30 to 17:30, by schedule")
        stage.crowd = CALM
        stage.run(self.end, self.beat)
        stage.run(self.end, self.beat, drain=True)
        self.begin("until all is judged again")
        self._jobs_done()
        self.finish()
        stage.close()

    def _kill(self, program: Any) -> None:
        """kill -9, and started again as systemd would."""
        program.kill()
        self.killed.append(f"{program.name} at {self.stage.clock()}")
        self.stage.after(3, program.start)

    def _back(self) -> None:
        from django.db import connections

        connections.close_all()
        self.site.cluster.start()
        for program in self.site.webs:
            program.held_down = False
            program.start()
        for program in self.site.webs:
            program.await_ready()

    def _judge_again(self) -> None:
        """Stricter values for everybody; once the worker is in the middle of it, it is killed, and a web process with it."""
        from server.background.models import Job

        path = self.site.folder / "stricter.yaml"
        path.write_text(STRICTER)
        print("    " + command(self.site.data, "unit", "set", "Centre", "--tailoring", str(path)).strip(), flush=True)
        until = time.monotonic() + PATIENCE
        jobs = Job.objects.filter(name="assess.rejudge", unit__isnull=False)
        while True:
            self.stage.run(self.stage.now + 30, self.beat)
            job = jobs.order_by("-pk").first()
            assert time.monotonic() < until, "nobody judges again"
            if job is not None and job.state == Job.RUNNING and job.done >= max(1, min(len(self.hosts) // 20, 1000)):
                break
            if job is not None and job.ended:  # so few hosts that it is over already
                print("    judged again before the worker could be killed", flush=True)
                return
        pid = int(job.worker.rpartition(":")[2])
        victim = next(program for program in self.site.workers if program.process and program.process.pid == pid)
        print(f"    kill -9 of {victim.name} after {job.done:,} machines, and of {self.site.webs[-1].name}", flush=True)
        self._kill(victim)
        self._kill(self.site.webs[-1])

    def _jobs_done(self) -> None:
        from server.background.models import Job

        until = time.monotonic() + PATIENCE
        while Job.objects.filter(name="assess.rejudge", state__in=(Job.WAITING, Job.RUNNING)).exists():
            assert time.monotonic() < until, "judging again does not come to an end"
            time.sleep(1)

    def rejudged(self) -> dict[str, Any]:
        """What became of the job."""
        from server.background.models import Job
        from server.ingest.models import Machine

        jobs = Job.objects.filter(name="assess.rejudge").order_by("pk")
        job = jobs.filter(unit__isnull=False).reverse()[0]
        old = Machine.objects.filter(own=True).exclude(latest__assessment__tailoring=_tailoring()).count()
        return {
            "state": job.state,
            # a worker that starts looks by itself whether something is judged otherwise than holds, and may be faster
            "judged": sum(one.outcome.get("judged", 0) for one in jobs),
            "failed": sum(one.outcome.get("failed", 0) for one in jobs),
            "judged_by_old_values": old,
            "seconds": round((job.finished_at - job.asked_at).total_seconds()) if job.finished_at else None,
        }


def _tailoring() -> str:
    from baselines.tailoring import Tailoring

    return Tailoring.parse(STRICTER).digest


def run(site: Site, count: int, fastest: float, crowd: int, threads: int) -> tuple[dict[str, Any], bool]:
    """The figures, and whether nothing was lost and nothing came twice."""
    began = time.monotonic()
    day = Day(site, count, fastest, crowd, threads)
    site.start()
    try:
        day.live()
        again = day.rejudged()
        print(f"{datetime.now(UTC):%H:%M:%S} the account", flush=True)
        taken = account.take(day.hosts)
    except BaseException:
        for program in (*site.webs, *site.workers):
            with suppress(OSError):
                print(f"--- {program.name}\n{program.log()[-1500:]}")
        raise
    reports = sum(host.reports for host in day.hosts)
    figures: dict[str, Any] = {
        "hosts": count, "reports": reports, "seconds": round(time.monotonic() - began), "killed": day.killed, "account": taken.__dict__,
        "sound": taken.sound, "judged_again": again, "phases": {phase.name: phase.figures for phase in day.phases},
        "database_bytes_per_host": round(sized(site.url) / count), "peak_mib": {k: round(v) for k, v in site.meter.peak_mib.items()},
        "load_average": os.getloadavg(), "fastest": fastest, "crowd": crowd,
    }  # fmt: skip
    show(figures)
    killed = len(day.killed) == KILLS  # with few hosts all is judged again before the worker can be killed
    return figures, killed and taken.sound and again["state"] == "done" and not again["judged_by_old_values"]


def _told(value: float | None) -> str:
    """Nothing was answered in that time: not nought."""
    return f"{'-' if value is None else value:>9}"


def show(figures: dict[str, Any]) -> None:
    """The table."""
    print(f"\n{figures['hosts']:,} hosts, {figures['reports']:,} reports in {figures['seconds']:,} s")
    print(
        f"{'':52} {'s':>6} {'reports':>8} {'a second':>8} {'server ms':>9} {'hosts ms':>8} {'answer ms':>9}   told to wait / not reached"
    )
    for name, row in figures["phases"].items():
        done = row["reports"] or row["answers"].get("enrol 201", 0)
        hosts = f"{1000 * row['cpu_s']['hosts'] / done:8.1f}" if done else " " * 8
        waits = sum(n for what, n in row["answers"].items() if what.endswith("429"))
        missed = sum(n for what, n in row["answers"].items() if "not reached" in what or what.endswith("503"))
        print(
            f"{name:52} {row['seconds']:6.0f} {row['reports']:8,} {row['per_second']:8.1f} {_told(row['server_cpu_ms_each'])} {hosts} "
            f"{_told(row['answer_ms_median'])}   {waits:,} / {missed:,}"
        )
    print("kill -9: " + ", ".join(figures["killed"]))
    print("judged again: " + ", ".join(f"{name} {value}" for name, value in figures["judged_again"].items()))
    print("account: " + ", ".join(f"{name} {value:,}" for name, value in figures["account"].items() if name != "examples"))
    for example in figures["account"]["examples"]:
        print(f"    {example}")
    print("nothing lost, nothing double" if figures["sound"] else "THE ACCOUNT DOES NOT BALANCE")
