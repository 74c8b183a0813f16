"""Which backups are made, by what, how often and to where; and what is known of their success?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from collectors.errors import CollectError, Unsupported
from collectors.facts.base import Fact, Gaps, Model, once
from collectors.linux import backup_tools, cron, dpkg
from collectors.linux.backup_tools import Agent, known
from collectors.linux.presence import COMM, Running, processes
from collectors.linux.timers import Timer, timers
from collectors.redact import redact
from collectors.transports.base import Shell

T = TypeVar("T")


class BackupJob(Model):
    """One scheduled backup, or the line that says that others cannot be ruled out (tool is None there)."""

    tool: str | None = Field(
        description="Program that copies: restic, rsync, pg_dump ...; script: named like a backup, contents not understood"
    )
    kind: Literal["files", "database", "image", "sync", "snapshot", "other"] | None = Field(
        description=(
            "files, database, image of a system; sync: a copy of the present without history; snapshot: earlier states kept on the volume "
            "itself (shadow copies of Windows), lost with it; other: not understood"
        )
    )
    where: str = Field(description="Table of cron, folder of cron, timer or scheduled task that starts it")
    schedule: str = Field(description="As written there: 0 2 * * *, daily; Windows: kinds of the task's triggers")
    every_days: int | None = Field(
        description="Days between two runs at most; None where the schedule is not one we can work out"
    )
    active: bool | None = Field(description="Will be started: cron runs, the timer is active, the task is enabled")
    target: str | None = Field(description="Where the copy goes, without passwords; None where the command does not tell")
    remote: bool | None = Field(description="The copy leaves this machine; None where the target is not told")
    system: bool | None = Field(description="Names the whole system or /etc, or makes an image")
    last_run: datetime | None = Field(default=None, description="Last start, UTC; a start is no success")
    last_success: datetime | None = Field(
        default=None,
        description=(
            "End of the last run when that ended well, UTC; cron keeps no such record, and systemd forgets it at a restart; Windows: its start"
        ),
    )
    failed: bool | None = Field(default=None, description="The last run ended badly; None when not known")


class BackupAgent(Model):
    """Agent of a central backup product. Its schedule and its successes are known to the product's server alone."""

    id: str = Field(description="Stable id, such as veeam")
    name: str = Field(description="Name people use")
    running: bool | None = Field(description="Its service or process runs now")
    every_days: int | None = Field(default=None, description="Never seen here: the server of the product knows")
    last_success: datetime | None = Field(default=None, description="Never seen here: the server of the product knows")
    system: bool | None = Field(default=None, description="Never seen here: whether the whole system is backed up")


class Backup(Fact):
    """Backups that start on this machine. What a hypervisor or a storage system copies from outside is not seen here."""

    NAME: ClassVar[str] = "backup"

    jobs: tuple[BackupJob, ...] = Field(
        description="Scheduled backups in tables of cron, folders of cron, timers of systemd, tasks of Windows"
    )
    agents: tuple[BackupAgent, ...] | None = Field(description="Agents of central backup products")


_SCRIPT = re.compile(r"(?<![\w/.-])/(?:usr/local|opt|root|home|srv|etc|data|backup|var)/[\w./+@-]+", re.A)
_NAMED = re.compile(r"backup|bak\b|sao-?luu|saoluu|\bdump", re.I)
_IGNORED = re.compile(r"\.(?:dpkg-\w+|rpm\w+|bak|old|swp)$|~$|/\.placeholder$")


def linux(shell: Shell) -> Backup:
    """Look wherever a job may be started from. Places that could not be looked at leave a line that keeps verdicts open."""
    gaps = Gaps()
    sight = _Sight(shell, gaps)
    jobs = [*sight.cron_jobs(), *sight.folder_jobs(), *sight.timer_jobs()]
    if sight.blind is not None:
        jobs.append(OTHERS)
        for column in OTHERS_COLUMNS:
            gaps.note(f"jobs[].{column}", sight.blind.outcome, f"there may be other jobs: {sight.blind}")
    _note_gaps(gaps, jobs)
    agents = gaps.attempt("agents", lambda: _agents(shell, gaps))
    return Backup(
        jobs=tuple(sorted(jobs, key=lambda one: (one.where, one.schedule, one.tool or "~"))), agents=agents, unseen=gaps.unseen
    )


OTHERS_COLUMNS = ("tool", "kind", "every_days", "active", "target", "remote", "system")
OTHERS = BackupJob(
    tool=None, kind=None, where="not every place could be looked at", schedule="", every_days=None, active=None, target=None, remote=None, system=None
)  # fmt: skip


def _note_gaps(gaps: Gaps, jobs: list[BackupJob]) -> None:
    named = {entry.field for entry in gaps.unseen}
    why = {
        "every_days": "the schedule is not one that can be worked out",
        "target": "the command does not name where the copy goes, or names it through a variable or a configuration of its own",
        "remote": "where the copy goes is not told",
        "system": "what the script copies is not understood",
        "active": "whether cron runs could not be seen",
        "last_run": "cron keeps no record of it, and a timer has not run yet",
        "last_success": "cron keeps no record of it, and systemd only of the last run since the machine started",
        "failed": "cron keeps no record of it, and systemd only of the last run since the machine started",
    }
    for column, reason in why.items():
        if f"jobs[].{column}" not in named and any(getattr(job, column) is None for job in jobs):
            gaps.note(f"jobs[].{column}", "unsupported", reason)


class _Sight:
    """Where jobs are looked for. The first place that could not be seen is kept in `blind`."""

    def __init__(self, shell: Shell, gaps: Gaps) -> None:
        self._shell = shell
        self._gaps = gaps
        self.blind: CollectError | None = None
        self._mounts = once(self._read_mounts)
        self._cron = once(lambda: not processes(shell).isdisjoint({"cron", "crond", "fcron", "anacron", "bcron-sched"}))

    def cron_jobs(self) -> Iterator[BackupJob]:
        texts = [(path, text, True) for path, text in self._texts("/etc/crontab", "/etc/cron.d/*").items()]
        # Debian, SUSE, RHEL: each keeps the tables of its users in another of the three
        users = self._texts("/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*", "/var/spool/cron/*")
        texts += [(path, text, False) for path, text in users.items()]
        none: tuple[cron.Entry, ...] = ()
        for path, text, with_user in texts:
            if not _IGNORED.search(path):
                for entry in self._look(partial(_entries, text, path, with_user), none):
                    yield from self._jobs(entry.command, path, entry.schedule, entry.every_days, self._cron_runs())

    def folder_jobs(self) -> Iterator[BackupJob]:
        """Scripts that run-parts starts."""
        found = self._texts("/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*")
        for path, text in found.items():
            if not _IGNORED.search(path):
                folder = path.rpartition("/")[0]
                yield from self._found(text, path, folder.rpartition(".")[2], cron.FOLDERS[folder], self._cron_runs(), path)

    def timer_jobs(self) -> Iterator[BackupJob]:
        nothing: tuple[Timer, ...] = ()
        for timer in self._look(lambda: timers(self._shell, dpkg.zone(self._shell)), nothing):
            yield from (
                job.model_copy(update={"last_run": timer.last_run, "last_success": timer.last_success, "failed": timer.failed})
                for job in self._jobs(timer.command, timer.name, timer.schedule, timer.every_days, timer.active)
            )

    def _jobs(self, command: str, where: str, schedule: str, days: int | None, active: bool | None) -> Iterator[BackupJob]:
        """The backups of a command line; those of the script it starts when the line itself is none."""
        named = list(self._found(command, where, schedule, days, active, ""))
        if not named:
            for path in dict.fromkeys(_SCRIPT.findall(command)):
                text = self._look(partial(self._script, path), None)
                if text is not None:
                    named += self._found(text, where, schedule, days, active, path)
        yield from named

    def _found(
        self, text: str, where: str, schedule: str, days: int | None, active: bool | None, path: str
    ) -> Iterator[BackupJob]:
        found = backup_tools.backups(text)
        for one in found:
            yield BackupJob(
                tool=one.tool, kind=one.kind, where=where, schedule=schedule, every_days=days, active=active,
                target=None if one.target is None else redact(one.target),
                remote=backup_tools.remote(one.target, self._mounts()), system=one.system,
            )  # fmt: skip
        if not found and _NAMED.search(path.rpartition("/")[2]):
            yield BackupJob(
                tool="script", kind="other", where=where, schedule=schedule, every_days=days, active=active, target=None, remote=None, system=None
            )  # fmt: skip

    def _script(self, path: str) -> str | None:
        """The text of a script; None for a program, a folder, what is not there."""
        found = self._shell.stat(path, root=True)
        if found is None or found.directory or found.size > 64 * 1024:
            return None
        text = self._shell.read(path, root=True)
        return text if text is not None and text.startswith("#!") else None

    def _texts(self, *patterns: str) -> Mapping[str, str]:
        nothing: Mapping[str, str] = {}
        return self._look(lambda: self._shell.read_all(*patterns, root=True), nothing)

    def _cron_runs(self) -> bool | None:
        try:
            return self._cron()
        except CollectError:
            return None

    def _read_mounts(self) -> dict[str, str]:
        text = self._shell.read("/proc/self/mounts") or ""
        rows = [line.split() for line in text.splitlines()]
        return {row[1].replace("\\040", " "): row[2] for row in rows if len(row) >= 3}

    def _look(self, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except CollectError as error:
            self.blind = self.blind or error
            return otherwise


def _entries(text: str, path: str, with_user: bool) -> tuple[cron.Entry, ...]:
    return tuple(cron.entries(text, path, with_user))


# --- agents -----------------------------------------------------------------------------------------------------------


def _agents(shell: Shell, gaps: Gaps) -> tuple[BackupAgent, ...]:
    """By their folders, and by their processes: an agent that runs from an odd place is still an agent.

    Raises what could not be looked at when none was found: "no agent" needs both places seen.
    """
    blind: CollectError | None = None
    running: frozenset[str] = frozenset()
    try:
        running = processes(shell)
    except CollectError as error:
        blind = error
    folders = _folders(shell)
    found = [agent for agent in known().agents if not folders.isdisjoint(agent.paths) or _process(agent, running)]
    if not found and blind is not None:
        raise Unsupported(str(blind)) if isinstance(blind, Unsupported) else blind
    state = Running(shell, *[unit for agent in found for unit in agent.units]) if found else None
    rows = tuple(_agent(agent, state, gaps) for agent in found if state is not None)
    if rows:
        gaps.note(
            ("agents[].every_days", "agents[].last_success", "agents[].system"),
            "unsupported",
            "only the server of the backup product knows schedule, scope and successes; see its report",
        )
    return rows


def _folders(shell: Shell) -> frozenset[str]:
    """Those paths of agents that exist. Five lists of names spare fifty questions: deeper ones are asked for only below a known one."""
    listed: set[str] = set()
    for pattern in ("/opt/*", "/etc/*", "/usr/*", "/usr/local/*", "/var/*"):
        listed.update(shell.names(pattern))
    wanted = dict.fromkeys(path for agent in known().agents for path in agent.paths)
    return frozenset(path for path in wanted if path in listed or (_parent(path) in listed and shell.stat(path) is not None))


def _parent(path: str) -> str:
    """The part of a path that one of the lists would hold; itself for a path that stands nowhere near them."""
    parts = path.split("/")
    deep = 4 if path.startswith("/usr/local/") else 3
    return "/".join(parts[:deep])


def _process(agent: Agent, running: frozenset[str]) -> bool:
    # short names of three letters or so belong to many: they count only beside a folder of the product
    return any(len(name) > 5 and name[:COMM] in running for name in agent.processes)


def _agent(agent: Agent, state: Running, gaps: Gaps) -> BackupAgent:
    runs = gaps.attempt("agents[].running", lambda: state.runs(agent.units, agent.processes))
    return BackupAgent(id=agent.id, name=agent.name, running=runs)
