"""A scan station: this agent also looks at the machines and devices of its targets file, each when it is due.

Every target that was begun ends as one sealed snapshot in the spool, the silent one too: its snapshot says that nobody
answered. Verdicts are the collector's alone, because what a target is may have been corrected there. What the station looks at
and how stands in files of this machine; from the collector it takes one thing, the name of a target to look at now.

station.json     {"targets": {name: {at, snapshot, outcome, reason}}, "due": time, "file": stamp, "error": text, ...}
log_ons.json     log-ons that failed: see station_log_ons.py
copies/          full configurations, encrypted to the administrator's key: see full_copies.py. They stay here, because a
                 restore must not wait for a line to the centre, and the collector holds nothing a stolen key would open
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from agent import errors, limits, schedule, station_plan
from agent.config import Config
from agent.delivery import deliver_and_note, raise_if_left
from agent.errors import Refusal
from agent.language import _, plural
from agent.run import Run
from agent.spool import SpoolFull
from agent.state import State
from agent.terminal import complain
from agent.vault import Secrets
from collectors.timetable import MAX_OVERDUE, Timetable, is_open, next_moment

if TYPE_CHECKING:
    from agent.full_copies import FullCopies
    from agent.upload import Delivery
    from collectors.inventory import Inventory
    from collectors.model import Snapshot, Target

FILE = "station.json"
MINUTE, AGAIN = 60.0, 300.0
MAX_JOBS_KEPT = 500
TOLD = 10
"""Targets of which nothing new is known that a run names; `rasoat agent status` knows them all."""
LATEST = 600
"""Most seconds after a window's beginning at which a station begins."""
HERE = ("local", "root", "nmap")
"""Ways that lead to no other machine: their snapshots would pass for this machine's own."""


def next_due(config: Config, state: State, now: float) -> float | None:
    """When a target is due next; None when this agent is no station. Cheap: the targets file is not read."""
    if config.station_targets is None:
        return None
    known = state.read(FILE) or {}
    due = known.get("due")
    if not isinstance(due, (int, float)) or known.get("file") != _stamp(config, state):
        due = now
    due = max(due, limits.resting(state, now))
    return float(due) if due > now else _opens(config, _told(config, state), now)


def asked(run: Run, jobs: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Those scans of targets that people asked for at the collector and that were not done yet: number -> name."""
    if run.config.station_targets is None:
        return {}
    done = (run.state.read(FILE) or {}).get("jobs")
    return {number: name for number, name in jobs if not isinstance(done, list) or number not in done}


def look(run: Run, everything: bool, jobs: dict[int, str], sleep: Callable[[float], object] = time.sleep) -> int:
    """Look at every target that is due or asked for, or at all of them, and deliver; the exit code. Raises Refusal, Undelivered."""
    listed = _listed(run.config, run.state)
    kept = (run.state.read(FILE) or {}).get("targets")
    seen: dict[str, Any] = kept if isinstance(kept, dict) else {}
    copies, copies_error = _copies(run)
    listed = listed.opened_by(Secrets(run.config))._replace(full_text=copies)
    plan = _Plan(run, seen)
    now, wanted = time.time(), set(jobs.values())
    targets = [target for target in listed.targets if everything or target.name in wanted or plan.due(target, now) <= now]
    begun: set[str] = set()
    lost: set[str] = set()
    delivery: Delivery | None = None
    free = 0.0
    try:
        for wave in station_plan.waves(targets, run.config.station_per_minute):
            sleep(max(0.0, free - time.time()))
            if plan.closed(time.time()):
                break
            free = time.time() + MINUTE
            begun.update(target.name for target in wave)
            lost |= _wave(run, listed, wave, seen, len(begun), len(targets))
            delivery = deliver_and_note(run)
    finally:
        run.progress.clear()
        done = [
            number for number, name in jobs.items() if name in begun or name not in {target.name for target in listed.targets}
        ]
        _keep(run, listed, plan, seen, _copied(run, copies, copies_error), done)
    dark = sorted(name for name in begun if name in lost or seen.get(name, {}).get("outcome") != "seen")
    if begun:
        run.progress.say(_in_sum(len(begun), len(dark)))
    for name in dark[:TOLD]:
        run.progress.say(f"  {name}: {_('it could not be kept') if name in lost else seen.get(name, {}).get('reason', '')}")
    if len(dark) > TOLD:
        run.progress.say(_("  … `rasoat agent status` names all of them."))
    if len(begun) < len(targets):
        window = run.config.station_window or _("the collector's schedule")
        left = plural("%d target waits", "%d targets wait", len(targets) - len(begun)) % (len(targets) - len(begun))
        run.progress.say(_("%(left)s for the time of day %(window)s.") % {"left": left, "window": window})
    if delivery is not None:
        raise_if_left(run, delivery)
    whole = not copies_error and not (copies and copies.trouble)
    return errors.PASSED if whole and not dark else errors.UNKNOWN


def _in_sum(looked: int, dark: int) -> str:
    told = plural("%d target was looked at.", "%d targets were looked at.", looked) % looked
    return told + (" " + _("Of %d nothing new is known:") % dark if dark else "")


class _Plan:
    """When each target is due."""

    def __init__(self, run: Run, seen: dict[str, Any]) -> None:
        self._interval = _interval(run.config, run.state)
        self._name = f"{run.identity['agent_id']} station"
        self._offset = schedule.offset(self._name, self._interval, run.config.jitter_seconds)
        self._config, self._table = run.config, _told(run.config, run.state)
        self._seen = seen

    def due(self, target: Target, now: float) -> float:
        found = self._seen.get(target.name, {}).get("at")
        last = found if isinstance(found, (int, float)) else None
        if self._table is None or last is None:
            return station_plan.due(last, now, self._interval, self._offset)
        at = schedule.moment_of(self._table, self._name, last, now)
        return at if at <= now else min(at, station_plan.last_day(last))

    def next(self, targets: Iterable[Target], now: float) -> float:
        return min((self.due(target, now) for target in targets), default=now + self._interval)

    def closed(self, now: float) -> bool:
        return _opens(self._config, self._table, now) > now


def _told(config: Config, state: State) -> Timetable | None:
    """What the collector asks for the devices of this unit; what this machine's file says of them stands before it.

    A station begins with the window: its targets need the whole of it, and there are few stations.
    """
    kept = state.read("policy.json") or {}
    if config.station_window or config.station_interval_seconds or not kept.get("station_schedule"):
        return None
    table = schedule.timetable(kept, None, 0, "station_schedule")
    return table._replace(jitter=min(table.jitter, LATEST), overdue=MAX_OVERDUE)


def _opens(config: Config, table: Timetable | None, now: float) -> float:
    """Now, when a target may be begun; else about when."""
    if config.station_window:
        return config.station_window.opens(now)
    if table is None or is_open(table, now):
        return now
    return next_moment(table, "", now) or now + table.period


def _listed(config: Config, state: State) -> Inventory:
    """The targets file. Raises Refusal with every mistake in it."""
    from agent.sweeping import reachable_from_here
    from collectors import inventory

    assert config.station_targets is not None
    try:
        listed = inventory.load(config.station_targets)
        reachable_from_here(listed.targets)
        here = [f"{target.name} (via: {target.via})" for target in listed.targets if target.via in HERE]
        if here:
            raise Refusal(
                _("%(file)s: a station looks at other machines; take out: %(names)s")
                % {"file": config.station_targets, "names": ", ".join(here)}
            )
    except inventory.InventoryError as error:
        refusal = Refusal(_("the station's targets file has mistakes; repair them first:") + f"\n{error}")
        _note_error(config, state, str(refusal))
        raise refusal from None
    except Refusal as refused:
        _note_error(config, state, str(refused))
        raise
    return listed


def _copies(run: Run) -> tuple[FullCopies | None, str]:
    """Who keeps encrypted copies for restoring, if anybody; and why nobody does though it was asked for."""
    if run.config.copies_recipient is None:
        return None, ""
    from agent.full_copies import FullCopies, Seal, recipients_in

    try:
        seal = Seal(recipients_in(run.config.copies_recipient))
    except Refusal as refusal:
        complain(str(refusal))
        return None, str(refusal)
    return FullCopies(run.config.copies_folder, seal, run.state, run.state.key()), ""


def _copied(run: Run, copies: FullCopies | None, error: str) -> dict[str, Any] | None:
    """What status tells of the copies; old ones go."""
    if copies is None:
        return {"error": error} if error else None
    from datetime import UTC, datetime

    from agent import full_copies

    for name, why in sorted(copies.trouble.items()):
        complain(_("no encrypted copy of %(target)s could be kept: %(why)s") % {"target": name, "why": why})
    try:
        full_copies.prune(run.config.copies_folder, run.config.copies_keep_days, datetime.now(UTC))
        count = sum(1 for _copy in full_copies.copies(run.config.copies_folder))
    except OSError as problem:
        return {"error": problem.strerror, "trouble": copies.trouble}
    return {
        "error": "", "count": count, "trouble": copies.trouble, "lossy": sorted(copies.lossy), "masked": sorted(copies.masked),
    }  # fmt: skip


def _note_error(config: Config, state: State, why: str) -> None:
    """Status tells it; and the file is not read again before somebody changed it, or an interval has gone."""
    due = time.time() + _interval(config, state)
    state.try_keep(FILE, {**(state.read(FILE) or {}), "error": why, "due": due, "file": _stamp(config, state)})


def _wave(run: Run, listed: Inventory, wave: list[Target], seen: dict[str, Any], begun: int, total: int) -> set[str]:
    """Names of those that could not be kept; what `seen` says of them is of a run before."""
    from agent.looking import quieten
    from agent.station_log_ons import Remembered
    from collectors.run import sweep

    quieten(run.progress.verbose)
    key = run.state.key()
    log_ons = Remembered(run.state, listed, key)
    log_ons.settle()
    done = begun - len(wave)
    lost: set[str] = set()
    for snapshot in sweep(listed._replace(log_ons=log_ons), wave, run.config.station_parallel):
        done += 1
        run.progress.step(done, total, snapshot.target.name)
        if _spool(run, snapshot, key, try_sending=not lost):
            seen[snapshot.target.name] = _in_short(snapshot)
        else:
            lost.add(snapshot.target.name)
    return lost


def _spool(run: Run, snapshot: Snapshot, key: bytes, try_sending: bool) -> bool:
    """Sealed and kept; where the spool is full, after sending what waits. False: it is looked at again by the next run."""
    from collectors.seal import seal

    blob = seal(snapshot.to_bytes(), run.identity["agent_id"], key, None)
    # a target may bear the station's own name, and must not push its snapshots out of the spool
    machine = f"target {snapshot.target.name}"
    try:
        run.spool.put(snapshot.id, machine, blob)
        return True
    except SpoolFull:
        if try_sending:
            deliver_and_note(run)
    try:
        run.spool.put(snapshot.id, machine, blob)
        return True
    except SpoolFull as full:
        complain(
            _("there is no room to keep the snapshot of %(target)s (%(why)s); the next run looks again.")
            % {"target": snapshot.target.name, "why": full}
        )
        return False


def _in_short(snapshot: Snapshot) -> dict[str, Any]:
    """What status shows of it. Reasons have been through redaction when they were recorded."""
    seen = any(record.outcome == "seen" for record in snapshot.records)
    first = None if seen else next(iter(snapshot.records), None)
    return {
        "at": time.time(),
        "snapshot": snapshot.id,
        "outcome": "seen" if seen else first.outcome if first else "unsupported",
        "reason": first.reason[:500] if first else "",
    }


def _keep(run: Run, listed: Inventory, plan: _Plan, seen: dict[str, Any], copies: dict[str, Any] | None, done: list[int]) -> None:
    names = {target.name for target in listed.targets}
    for gone in set(seen) - names:
        del seen[gone]
    now = time.time()
    due = plan.next(listed.targets, now)
    if due <= now:
        due = now + AGAIN  # what could not be kept or begun now will not be a second later either
    stamp = _stamp(run.config, run.state)
    before = (run.state.read(FILE) or {}).get("jobs")
    jobs = [*(before if isinstance(before, list) else ()), *done][-MAX_JOBS_KEPT:]
    kept = {"targets": seen, "due": due, "file": stamp, "error": None, "listed": len(names), "copies": copies, "jobs": jobs}
    run.state.try_keep(FILE, kept)


def _interval(config: Config, state: State) -> int:
    """Seconds between two looks at a target: as set here, else as the collector asks for this unit."""
    asked = (state.read("policy.json") or {}).get("interval_seconds")
    if told := _told(config, state):
        return told.period
    return config.station_interval_seconds or (asked if isinstance(asked, int) and asked > 0 else schedule.DEFAULT_INTERVAL)


def _stamp(config: Config, state: State) -> str:
    """By which a changed targets file, or a change of how often, is known."""
    assert config.station_targets is not None
    try:
        found = config.station_targets.stat()
    except OSError as error:
        return str(error.errno)
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino} {_interval(config, state)}"


def gather(config: Config, state: State, now: float) -> dict[str, Any] | None:
    """What `rasoat agent status` tells of the station; None when this agent is none."""
    if config.station_targets is None:
        return None
    from agent import station_log_ons

    known = state.read(FILE) or {}
    kept = known.get("targets")
    seen: dict[str, Any] = kept if isinstance(kept, dict) else {}
    refused = station_log_ons.kept(state)
    return {
        "targets_file": str(config.station_targets),
        "listed": known.get("listed"),
        "looked_at": len(seen),
        "not_reached": [
            {"name": name, "at": entry.get("at"), "outcome": entry.get("outcome"), "reason": entry.get("reason")}
            for name, entry in sorted(seen.items())
            if entry.get("outcome") != "seen"
        ],
        "window": str(config.station_window) if config.station_window else None,
        "next": next_due(config, state, now),
        "error": known.get("error"),
        "copies": known.get("copies"),
        "refused_log_ons": [{name: entry[name] for name in ("host", "port", "user")} for entry in refused],
        "stopped_sites": [site for site, failures in station_log_ons.stopped(refused) if failures >= _limit()],
    }


def _limit() -> int:
    from collectors.log_ons import FAILURES

    return FAILURES
