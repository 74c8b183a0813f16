"""Backups that start on a Windows machine: scheduled tasks, Windows Server Backup, File History, and agents of central products."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

import yaml

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.backup import OTHERS, OTHERS_COLUMNS, Backup, BackupAgent, BackupJob
from collectors.facts.base import Gaps, Model, once
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.services import WindowsService, matching, services

_ENABLED_STATES: Final = (2, 3, 4)
"""Queued, ready, running; 1 is disabled."""
_NO_RESULT: Final = frozenset({0x41300, 0x41301, 0x41302, 0x41303, 0x41304, 0x41306, 0x41325})
"""LastTaskResult that speaks of the task, not of how a run ended: ready, running, disabled, has not run, no more runs, stopped, queued."""
_NEVER_RAN: Final = 0x41303
_FIRST_YEAR: Final = 2000
"""30 November 1999 is how the scheduler writes "never"."""
_SPAN: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_DATABASE_SCHEDULERS: Final = ("sqlserveragent", "sqlagent$*")


class Tool(Model):
    """An entry of tools; the head of backup.yaml explains the fields."""

    word: str
    id: str
    kind: Literal["files", "database", "image", "sync", "snapshot", "other"]
    fails_from: int = 1


class Agent(Model):
    """An entry of agents."""

    id: str
    name: str
    services: tuple[str, ...]


class Known(Model):
    """backup.yaml."""

    tools: tuple[Tool, ...]
    agents: tuple[Agent, ...]


@cache
def known() -> Known:
    """Tools and agents as data."""
    text = Path(__file__).with_name("backup.yaml").read_text("utf-8")
    return Known.model_validate(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), strict=False)  # noqa: S506  (safe)


def backup(shell: Shell) -> Backup:
    """Places that could not be looked at leave a line that keeps verdicts open."""
    answers = document(shell)
    gaps = Gaps()
    listed = once(lambda: services(answers))
    jobs: list[BackupJob] = []
    blind: list[CollectError] = []
    places: tuple[Callable[[], list[BackupJob]], ...] = (
        lambda: _tasks(answers, gaps), lambda: _history(listed()), lambda: _no_database_schedules(listed()),
    )  # fmt: skip
    for ask in places:
        try:
            jobs += ask()
        except CollectError as error:
            blind.append(error)
    if blind:
        jobs.append(OTHERS)
        for column in OTHERS_COLUMNS:
            gaps.note(f"jobs[].{column}", blind[0].outcome, f"there may be other jobs: {blind[0]}")
    _note_gaps(gaps, jobs)
    agents = gaps.attempt("agents", lambda: _agents(listed()))
    if agents:
        gaps.note(
            ("agents[].every_days", "agents[].last_success", "agents[].system"),
            "unsupported",
            "only the server of the backup product knows schedule, scope and successes; see its report",
        )
    return Backup(jobs=tuple(sorted(jobs, key=lambda one: (one.where, one.tool or "~"))), agents=agents, unseen=gaps.unseen)


def _note_gaps(gaps: Gaps, jobs: list[BackupJob]) -> None:
    named = {entry.field for entry in gaps.unseen}
    why = {
        "every_days": "the trigger of a task is not one that can be worked out",
        "target": "where a task's copies go stands in its arguments, which are not carried: they may hold passwords",
        "remote": "where the copy goes is not told",
        "system": "what a task copies stands in its arguments, which are not carried",
        "last_run": "it has not run yet, or keeps no record of it",
        "last_success": "it has not run yet, its last run did not end well, or it keeps no record of it",
        "failed": "it has not run yet, or keeps no record of how it ended",
    }
    for column, reason in why.items():
        if f"jobs[].{column}" not in named and any(getattr(job, column) is None for job in jobs):
            gaps.note(f"jobs[].{column}", "unsupported", reason)


# --- scheduled tasks ------------------------------------------------------------------------------------------------------


def _tasks(answers: Document, gaps: Gaps) -> list[BackupJob]:
    tools = {tool.word: tool for tool in known().tools}
    jobs = []
    for row in answers.section("backup_tasks").rows():
        words = row.texts("tools")
        if strange := set(words) - set(tools):
            raise Unparsable(f"backup_tasks: {min(strange)[:40]!r} is no tool that is known here")
        # a script named like a backup says less than the tool beside it
        named = {tools[word].id: tools[word] for word in words if word != "script"} or {"script": tools["script"]}
        jobs += [_job(row, tool, answers, gaps) for tool in named.values()]
    return jobs


def _job(row: Section, tool: Tool, answers: Document, gaps: Gaps) -> BackupJob:
    name, enabled, state, result = row.text("name"), row.yes("enabled"), row.number("state"), row.number("last_result")
    if name is None or enabled is None or state is None:
        raise Unparsable("backup_tasks: a task does not tell its name or whether it is enabled")
    triggers = [trigger for trigger in row.rows("triggers") if trigger.yes("enabled")]
    days = [found for trigger in triggers if (found := _every(trigger)) is not None]
    ran = row.date("last_run")
    if result == _NEVER_RAN or (ran is not None and ran.year < _FIRST_YEAR):
        ran = None
    failed = None if result is None or result in _NO_RESULT or ran is None else not 0 <= result < tool.fails_from
    success = ran if failed is False else None
    if tool.id == "wbadmin":
        success, failed = _server_backup(answers, gaps, success, failed)
    return BackupJob(
        tool=tool.id,
        kind=tool.kind,
        where=name,
        schedule=" ".join(
            sorted({(trigger.text("kind") or "").removeprefix("MSFT_Task").removesuffix("Trigger") for trigger in triggers})
        ),
        every_days=min(days) if days else None,
        active=enabled and state in _ENABLED_STATES and bool(triggers),
        target=None,
        remote=False if tool.kind == "snapshot" else None,
        system=None,
        last_run=ran,
        last_success=success,
        failed=failed,
    )


def _server_backup(
    answers: Document, gaps: Gaps, success: datetime | None, failed: bool | None
) -> tuple[datetime | None, bool | None]:
    """The log of Windows Server Backup is the better witness: wbadmin may end well with a volume left out."""
    events = gaps.attempt("jobs[].last_success", lambda: answers.section("backup_events"))
    if events is None:
        return success, failed
    good, bad = events.date("succeeded"), events.date("failed")
    if bad is not None and (good is None or bad > good):
        return good, True
    return (good, False) if good is not None else (None, failed)


def _every(trigger: Section) -> int | None:
    """Days between two starts at most. None: at log-on, once, monthly (which comes without its days), or not told."""
    kind = trigger.text("kind")
    days, weeks = trigger.number("days"), trigger.number("weeks")
    if kind == "MSFT_TaskDailyTrigger" and days:
        return days
    if kind == "MSFT_TaskWeeklyTrigger" and weeks:
        return _gap(trigger.number("weekdays") or 0) if weeks == 1 else 7 * weeks
    again = _seconds(trigger.text("again") or "")
    if kind == "MSFT_TaskTimeTrigger" and again and not trigger.text("during"):
        return -(-again // 86400)
    return None


def _gap(mask: int) -> int:
    """Longest way from one of the chosen weekdays (bits) to the next."""
    chosen = [day for day in range(7) if mask >> day & 1]
    if not chosen:
        return 7
    return max((following - day - 1) % 7 + 1 for day, following in zip(chosen, chosen[1:] + chosen[:1], strict=True))


def _seconds(text: str) -> int | None:
    found = _SPAN.fullmatch(text)
    if not text or found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


# --- what keeps schedules of its own -----------------------------------------------------------------------------------------


def _history(listed: Mapping[str, WindowsService]) -> list[BackupJob]:
    """File History, on clients: its service runs only where somebody has switched it on."""
    service = listed.get("fhsvc")
    if service is None or not service.running:
        return []
    return [
        BackupJob(
            tool="file-history", kind="files", where="fhsvc", schedule="", every_days=None, active=True, target=None, remote=None, system=False,
        )
    ]  # fmt: skip


def _no_database_schedules(listed: Mapping[str, WindowsService]) -> list[BackupJob]:
    found = [service for service in matching(dict(listed), _DATABASE_SCHEDULERS) if service.running]
    if found:
        raise Unsupported(f"{found[0].name}: SQL Server keeps jobs of its own, which only the database tells")
    return []


def _agents(listed: Mapping[str, WindowsService]) -> tuple[BackupAgent, ...]:
    rows = []
    for agent in known().agents:
        found = matching(dict(listed), agent.services)
        if found:
            rows.append(BackupAgent(id=agent.id, name=agent.name, running=any(service.running for service in found)))
    return tuple(rows)
