"""One run of the agent: look, judge, seal, spool, send; where it is a scan station, then its targets (station.py).

The order is what makes a crash harmless: verdicts and the sealed snapshot are on disk before the network is touched, and
nothing leaves the spool before the collector has said that it has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agent import errors, files, here, judging, limits, polling, schedule, station
from agent.config import Config
from agent.custody import to_send
from agent.delivery import deliver, deliver_and_note, raise_if_left, send_directly
from agent.errors import Refusal, Undelivered
from agent.language import _, plural
from agent.run import Run, own_due
from agent.spool import Spool, SpoolFull
from agent.state import State
from agent.terminal import Progress, complain

if TYPE_CHECKING:
    from agent.policy import Policy
    from agent.report.digest import Digest
    from agent.upload import Collector
    from collectors.model import Snapshot

WORST = 20


def outlook(config: Config) -> schedule.Outlook:
    """When the next scan is due, of this machine or of a station's target, and how much waits. Cheap: asked every few minutes."""
    state = State(config.state_dir)
    now = time.time()
    due = min(own_due(config, state, now), station.next_due(config, state, now) or float("inf"))
    return schedule.Outlook(due, len(to_send(state, Spool(config.state_dir, config.spool_bytes))), polling.interval(state))


def once(
    config: Config,
    progress: Progress,
    if_due: bool = False,
    retry_refused: bool = False,
    retry_log_ons: bool = False,
    verbose: bool = False,
) -> int:
    """One run. Raises Undelivered (exit 4) when something could not be sent; otherwise the verdicts decide."""
    state = State(config.state_dir)
    identity = state.identity()
    state.prepare()
    with _alone(state):
        spool = Spool(config.state_dir, config.spool_bytes)
        spool.prepare()
        run = Run(config, state, spool, identity, progress, state.read("contact.json") or {})
        if retry_refused:
            count = spool.retry_refused()
            progress.say(plural("%d refused snapshot is tried again.", "%d refused snapshots are tried again.", count) % count)
        if retry_log_ons:
            from agent.station_log_ons import FILE

            state.forget(FILE)
        now = time.time()
        state.try_keep("awake.json", schedule.woken(state.read("awake.json"), now))
        due = own_due(config, state, now) <= now
        station_here = config.station_targets is not None
        # one that scans anyway looks first: memory that looking needs is free again when the network needs its own
        asked = polling.ask(run, busy=due and not station_here) if if_due or station_here else polling.Jobs()
        run.asked = asked.own
        targets_due = station.next_due(config, state, now)
        own = not if_due or bool(asked.own) or due
        jobs = station.asked(run, asked.targets)
        targets = targets_due is not None and (not if_due or targets_due <= now or bool(jobs))
        if not own and not targets:
            return _send_only(run) if spool.waiting() else 0
        return limits.guarded(
            limits.Limits.of(config), state, lambda: progress.at, (*asked.own, *jobs),
            lambda: _both(run, own, targets, jobs, everything=not if_due, verbose=verbose),
        )  # fmt: skip


def _both(run: Run, own: bool, targets: bool, jobs: dict[int, str], everything: bool, verbose: bool) -> int:
    """This machine, then the station's targets; what becomes of the one costs the other nothing."""
    codes: list[int] = []
    trouble: list[Exception] = []
    parts: list[Callable[[], int]] = []
    if own:
        parts.append(lambda: _scan(run, verbose))
    if targets:
        parts.append(lambda: station.look(run, everything, jobs))
    for part in parts:
        try:
            codes.append(part())
        except Exception as error:  # raised below, once the other part has had its turn
            trouble.append(error)
    if trouble:
        raise max(trouble, key=_weight)
    return errors.FAILED if errors.FAILED in codes else max(codes)


def _weight(error: Exception) -> int:
    """A bug says more than a mistake, a mistake more than a line that is down."""
    return 0 if isinstance(error, Undelivered) else 1 if isinstance(error, Refusal) else 2


@contextmanager
def _alone(state: State) -> Iterator[None]:
    """One run at a time on this state; the lock goes with its process, however that ends."""
    with (state.folder / "lock").open("w") as lock:
        here.lock(lock)
        yield


def _send_only(run: Run) -> int:
    raise_if_left(run, deliver_and_note(run))
    return 0


def _scan(run: Run, verbose: bool) -> int:
    # what judges is loaded before looking leaves memory in pieces: 3 MB less at the peak
    import agent.report.digest  # noqa: F401
    import baselines.evaluate
    import baselines.loader  # noqa: F401
    from agent.looking import look, of_kind
    from collectors.model import Kind
    from collectors.seal import seal

    key = run.state.key()
    # look first: what looking needs in memory is free again before the network and the baseline need theirs
    snapshot = look(None, None, run.progress, name=run.identity.get("name"))
    collector = run.connect()
    policy = _policy(run, collector)
    if policy and policy.kind:
        snapshot = of_kind(snapshot, Kind(policy.kind))
    run.contact["last_scan"] = time.time()
    report, bug = _judge(run, snapshot, policy)
    blob = seal(snapshot.to_bytes(), run.identity["agent_id"], key, _judged(report, policy))
    stored = _spool(run, snapshot, blob)
    polling.done(run.state, run.asked)
    run.keep_contact()
    delivery = deliver(run, collector)
    if not stored:
        send_directly(run, collector, snapshot, blob, delivery)
    if snapshot.id in delivery.agrees:
        run.contact["verdicts_agree"] = delivery.agrees[snapshot.id]
        if delivery.agrees[snapshot.id] is False:
            complain(_("the collector judged the same facts differently and has raised an alarm; its verdicts count."))
    run.keep_contact()
    if report is not None:
        judging.show([report], "table", None) if verbose else run.progress.say(_in_short(report))
    if bug is not None:
        raise bug
    raise_if_left(run, delivery)
    return judging.exit_code([report.assessment] if report else [])


def _policy(run: Run, collector: Collector) -> Policy | None:
    """What to judge by: asked for now, or as kept. None, with the reason said, when what is kept cannot be used."""
    from agent.policy import PolicyError, in_force, pull
    from agent.upload import Offline

    try:
        policy = pull(collector, run.identity["agent_id"], run.state.key(), run.state)
        run.heard()
        return policy
    except Offline as offline:
        run.failed(str(offline))
        run.progress.say(_("The collector cannot be asked (%s); judging by what it said last.") % offline)
    except PolicyError as error:
        run.heard()
        run.failed(str(error))
        complain(_("the collector's instructions are not followed: %s") % error)
    except OSError as error:
        complain(_("the collector's instructions cannot be kept: %s") % error.strerror)
    try:
        return in_force(run.state)
    except PolicyError as error:
        complain(_("this machine cannot judge for itself now: %s") % error)
        return None


def _judge(run: Run, snapshot: Snapshot, policy: Policy | None) -> tuple[Digest | None, Exception | None]:
    """(our own verdicts, a bug to raise once the facts are safe). The facts are sent whatever becomes of the judging."""
    if policy is None:
        return None, None
    from baselines.loader import BaselineError

    try:
        report = judging.judge(snapshot, policy.baseline, policy.level, policy.tailoring)
    except (BaselineError, ValueError) as error:
        complain(_("this machine cannot judge for itself now: %s") % str(error).splitlines()[0])
        return None, None
    except Exception as bug:  # the facts must not be lost for it
        return None, bug
    from pydantic_core import to_json

    from agent.report.json import document, worst

    kept = document(report, with_snapshot=False) | {
        "snapshot_id": snapshot.id,
        "tailoring": policy.tailoring.digest if policy.tailoring else None,
        "worst": worst(report, WORST),
    }
    try:
        # a megabyte: spelt in one go, without the pieces that json.dumps makes of it
        files.write(run.state.folder / "last.json", to_json(kept))
    except OSError as error:
        complain(_("the verdicts cannot be kept in %(folder)s: %(why)s") % {"folder": run.state.folder, "why": error.strerror})
    return report, None


def _judged(report: Digest | None, policy: Policy | None) -> dict[str, Any] | None:
    if report is None or policy is None:
        return None
    assessment = report.assessment
    return {
        "baseline": assessment.baseline,
        "digest": assessment.digest,
        "tailoring": policy.tailoring.digest if policy.tailoring else None,
        "level": assessment.level,
        "verdicts": assessment.verdicts_digest(),
    }


def _spool(run: Run, snapshot: Snapshot, blob: bytes) -> bool:
    try:
        run.spool.put(snapshot.id, snapshot.target.name, blob)
    except SpoolFull as full:
        complain(_("there is no room to keep this snapshot (%s); it is sent from memory. Make room on that disk.") % full)
        return False
    return True


def _in_short(report: Digest) -> str:
    counts = report.summary
    return _("%(fail)d fail, %(unknown)d unknown, %(pass)d pass. `rasoat agent status` shows the worst.") % counts
