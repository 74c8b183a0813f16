"""judge_system(system, snapshots, baseline, level, at): requirement x assets, and what people answer for. Pure.

A requirement is as bad as its worst asset. A machine's fail stands whatever people say; what a machine could not see never
becomes met by a word, because a word speaks only for the part that people decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from baselines.evaluate import evaluate
from baselines.model import RANK, Baseline, Requirement, Result, Verdict
from baselines.systems.design import Sighted, snapshot_of
from baselines.systems.register import Asset, Attestation, Excuse, System, Waiver
from baselines.systems.result import (
    AssetLine,
    AssetState,
    Idle,
    Judged,
    Reach,
    RequirementLine,
    Standing,
    State,
    SystemAssessment,
    Why,
)
from baselines.tailoring import NotApplicable, Tailoring
from collectors.model import Kind, Platform, Snapshot, Target

SLACK = timedelta(days=1)
"""How far in the future a snapshot may lie: clocks differ."""
_NOTHING = "00000000-0000-7000-8000-000000000000"
_STANDINGS = {Verdict.FAIL: Standing.FAIL, Verdict.UNKNOWN: Standing.UNKNOWN, Verdict.PASS: Standing.PASS}
_SAID = {"met": State.MET, "partly": State.PARTLY, "not_met": State.NOT_MET}


def judge_system(
    system: System,
    snapshots: Iterable[Snapshot],
    baseline: Baseline,
    level: int,
    at: datetime,
    tailoring: Tailoring | None = None,
    sighted: Sighted | None = None,
) -> SystemAssessment:
    """Judge the system as its snapshots show it on the day `at`. The order of snapshots and assets does not matter.

    A person's word is in force from the beginning of its first day to the end of its last, where the clock of `at` stands.

    Raises ValueError for a level the standard does not have, BaselineError for a tailoring that does not fit the pack.
    """
    states, unregistered = _assign(system, snapshots, at)
    fresh = {one.asset.name: _as(one.snapshot, one.asset.kind) for one in states if one.reach == "fresh" and one.snapshot}
    design = snapshot_of(system, fresh, at, sighted)
    whole = Asset(name=system.register.name, kind=Kind.SYSTEM, zone="*")
    itself = AssetState(whole, "fresh", design, age_days=0.0)
    verdicts = {state.asset.name: _of_asset(state, baseline, level, tailoring) for state in (*states, itself)}
    attested, waivers, idle = _in_force(system, baseline, level, at)
    excuses = system.register.not_applicable if cites(system, baseline) else ()
    lines = []
    used: set[str] = set()
    for requirement in baseline.requirements.values():
        if level not in requirement.levels:
            continue
        line = _line(requirement, baseline.clause(requirement.id, level), [*states, itself], verdicts, excuses, tailoring)
        line.attestation = attested.get(requirement.id) if line.person else None
        _bear(line, waivers, used)
        _settle(line)
        lines.append(line)
    idle += [Idle(waiver, "unneeded") for waiver in waivers if waiver.id not in used]
    idle.sort(key=lambda one: (one.word.requirement, one.why, one.word.on))
    return SystemAssessment(system, baseline, tailoring, level, at, design, states, lines, idle, sorted(set(unregistered)))


# snapshots -------------------------------------------------------------------------------------------------------------


def _assign(system: System, snapshots: Iterable[Snapshot], at: datetime) -> tuple[list[AssetState], list[str]]:
    """Each asset with the newest snapshot of it, in the order of the register; and the targets that are no asset of it."""
    assets = {asset.name: asset for asset in system.register.assets}
    addresses = {address: asset.name for asset in system.register.assets for address in asset.addresses}
    inside: dict[str, list[Snapshot]] = {name: [] for name in assets}
    outside: dict[str, list[Snapshot]] = {name: [] for name in assets}
    unregistered = []
    for snapshot in snapshots:
        target = snapshot.target
        seen_from_outside = target.platform is Platform.OUTSIDE
        name = target.name
        if seen_from_outside:
            name = next((label for label in target.labels if label in assets), addresses.get(target.address or "", target.name))
        if name not in assets:
            unregistered.append(target.name)
            continue
        (outside if seen_from_outside else inside)[name].append(snapshot)
    limit = system.register.max_age_days
    states = [_state(asset, inside[name], outside[name], at, limit) for name, asset in assets.items()]
    return states, unregistered


def _state(asset: Asset, inside: list[Snapshot], outside: list[Snapshot], at: datetime, limit: int) -> AssetState:
    other = _newest(outside, at)
    old = other is not None and _age(other, at) > limit
    if not inside:
        return AssetState(asset, "missing", None, other, old)
    snapshot = _newest(inside, at)
    if snapshot is None:
        later = _newest(inside, None)
        return AssetState(asset, "later", later, other, old)
    age = _age(snapshot, at)
    reach: Reach = "stale" if age > limit else "fresh"
    reason = ""
    if all(record.outcome != "seen" for record in snapshot.records):
        reach = "silent"
        reason = next((f"{record.outcome}: {record.reason}" for record in snapshot.records), "")
    return AssetState(asset, reach, snapshot, other, old, age, reason)


def _newest(snapshots: list[Snapshot], at: datetime | None) -> Snapshot | None:
    past = [one for one in snapshots if at is None or one.collected_at <= at + SLACK]
    return max(past, key=lambda one: (one.collected_at, one.id), default=None)


def _age(snapshot: Snapshot, at: datetime) -> float:
    return max(0.0, (at - snapshot.collected_at) / timedelta(days=1))


def _of_asset(state: AssetState, baseline: Baseline, level: int, tailoring: Tailoring | None) -> dict[str, list[Judged]]:
    """Requirement -> what was said of the asset. The registered kind decides what is asked, not the snapshot's own."""
    asset = state.asset
    reached = state.snapshot is not None and state.reach != "silent"
    seen = state.snapshot if reached and state.snapshot else _blank(asset, state.snapshot)
    seen = _as(seen, asset.kind)
    found: dict[str, list[Judged]] = {}

    def note(result: Result, snapshot: Snapshot | None) -> None:
        found.setdefault(result.requirement, []).append(Judged(result, snapshot))

    for result in evaluate(seen, baseline, level, tailoring).results:
        if state.outside is None or not _from_outside(result, baseline):
            note(result, state.snapshot)
    if state.outside is not None:
        other = _as(state.outside, asset.kind)
        for result in evaluate(other, baseline, level, tailoring).results:
            if _from_outside(result, baseline):
                note(_too_old(result) if state.outside_stale else result, state.outside)
    return found


def _as(snapshot: Snapshot, kind: Kind) -> Snapshot:
    return snapshot.model_copy(update={"target": snapshot.target.model_copy(update={"kind": kind})})


def _too_old(result: Result) -> Result:
    findings = [replace(finding, reason="the snapshot is too old") for finding in result.findings]
    return replace(result, verdict=Verdict.UNKNOWN, findings=findings)


def _from_outside(result: Result, baseline: Baseline) -> bool:
    return result.check is not None and Platform.OUTSIDE in baseline.checks[result.check].platforms


def _blank(asset: Asset, silent: Snapshot | None) -> Snapshot:
    """What is judged where nothing was seen: the reasons of the snapshot that says so, or nothing at all."""
    platform = asset.platform or (silent.target.platform if silent else None)
    return Snapshot(
        id=silent.id if silent else _NOTHING,
        target=Target(name=asset.name, kind=asset.kind, platform=platform),
        collected_at=silent.collected_at if silent else datetime(1970, 1, 1, tzinfo=UTC),
        seconds=0.0,
        collector="",
        privileged=False,
        records=silent.records if silent else (),
        digest="",
    )


# people ----------------------------------------------------------------------------------------------------------------


def _in_force(
    system: System, baseline: Baseline, level: int, at: datetime
) -> tuple[dict[str, Attestation], list[Waiver], list[Idle]]:
    """The attestation that counts for each requirement, the waivers in force, and the words that count as nothing."""
    attested: dict[str, Attestation] = {}
    waivers: list[Waiver] = []
    idle: list[Idle] = []
    words: tuple[Attestation | Waiver, ...] = (*system.register.attestations, *system.register.waivers)
    for word in words:
        requirement = baseline.requirements.get(word.requirement)
        asked = requirement is not None and level in requirement.levels
        if not cites(system, baseline):
            idle.append(Idle(word, "other_pack"))
        elif why := why_idle(word, asked, level, system.register.level, at):
            idle.append(Idle(word, why))
        elif isinstance(word, Waiver):
            waivers.append(word)
        elif word.requirement not in attested or _newer(word, attested[word.requirement]):
            attested[word.requirement] = word
    return attested, sorted(waivers, key=lambda waiver: waiver.id), idle


def cites(system: System, baseline: Baseline) -> bool:
    """The register's words were given for this pack: an id that another pack has too is another requirement there."""
    return PurePath(system.register.baseline).name == baseline.id


def why_idle(word: Attestation | Waiver, asked: bool, level: int, own: int, at: datetime) -> Why | None:
    """Why a word counts as nothing at that level at that moment; None: it counts."""
    day = at.date()
    if word.until < day:
        return "expired"
    if word.on > day:
        return "not_yet"
    if not asked:
        return "not_asked"
    # "met at level 3" says nothing of level 4; "not met at level 3" does
    holds = isinstance(word, Attestation) and word.state == "not_met"
    return "lower_level" if level > (word.level or own) and not holds else None


def _newer(one: Attestation, other: Attestation) -> bool:
    """The later word counts; of two of one day the worse."""
    order = ("met", "partly", "not_met")
    return (one.on, order.index(one.state)) > (other.on, order.index(other.state))


def _excuse(requirement: str, asset: Asset, excuses: tuple[Excuse, ...], tailoring: Tailoring | None) -> NotApplicable | None:
    for word in excuses:
        if word.requirement == requirement and _speaks_of(word, asset):
            return word
    return tailoring.excuse(requirement, asset.kind) if tailoring else None


def _speaks_of(word: Excuse, asset: Asset) -> bool:
    # a word that names no asset speaks of the system as well; one that names kinds or assets speaks of those
    if word.assets:
        return asset.name in word.assets
    return not word.kinds or asset.kind in word.kinds


# a requirement ---------------------------------------------------------------------------------------------------------


def _line(
    requirement: Requirement,
    clause: str,
    states: list[AssetState],
    verdicts: dict[str, dict[str, list[Judged]]],
    excuses: tuple[Excuse, ...],
    tailoring: Tailoring | None,
) -> RequirementLine:
    line = RequirementLine(requirement, clause, State.UNDETERMINED, State.UNDETERMINED, [])
    by_person = []
    for state in states:
        asset = state.asset
        if requirement.kinds and asset.kind not in requirement.kinds:
            continue
        judged = verdicts[asset.name].get(requirement.id, [])
        if not requirement.kinds and asset.kind is not Kind.SYSTEM and not any(one.result.check for one in judged):
            continue  # it speaks of the system as a whole: said once, not once for each machine
        excuse = _excuse(requirement.id, asset, excuses, tailoring)
        checks = [one for one in judged if one.result.check is not None]
        if excuse is not None:
            line.assets.append(_asset_line(state, checks, Standing.EXCUSED, excuse))
            continue
        line.person |= any(one.result.verdict is Verdict.MANUAL for one in judged)
        if checks:
            line.assets.append(_asset_line(state, checks, None, None))
        else:
            by_person.append(asset.name)
    line.by_person = tuple(by_person)
    machines = [state for state in states if state.asset.kind is not Kind.SYSTEM and state.asset.kind in requirement.kinds]
    line.nobody = bool(requirement.kinds) and not machines and not line.assets
    line.person |= line.nobody and requirement.coverage != "automated"
    return line


def _asset_line(state: AssetState, checks: list[Judged], standing: Standing | None, excuse: NotApplicable | None) -> AssetLine:
    verdict = min((one.result.verdict for one in checks), key=RANK.__getitem__, default=Verdict.MANUAL)
    stale = state.reach in ("stale", "later")
    if standing is None:
        standing = _STANDINGS[verdict]
        if stale and not _fails_outside(state, checks):
            standing = Standing.STALE
        elif state.reach in ("silent", "missing") and verdict is Verdict.UNKNOWN:
            standing = Standing.NOT_REACHED
    zone = "" if state.asset.kind is Kind.SYSTEM else state.asset.zone
    return AssetLine(state.asset.name, state.asset.kind, zone, standing, verdict, checks, stale, excuse=excuse)


def _fails_outside(state: AssetState, checks: list[Judged]) -> bool:
    """What discovery saw lately counts, however old the machine's own word is."""
    seen = [one.result.verdict for one in checks if state.outside is not None and one.snapshot is state.outside]
    return Verdict.FAIL in seen


def bears(waiver: Waiver, result: Result) -> bool:
    """The waiver speaks of this and bears it: of a fail alone, because what nobody could see is nothing to be borne."""
    said = waiver.requirement == result.requirement and waiver.check in (None, result.check)
    return said and result.verdict is Verdict.FAIL


def _bear(line: RequirementLine, waivers: list[Waiver], used: set[str]) -> None:
    """Note which fails of which assets are borne by a waiver. Verdicts stay as they are."""
    for asset in line.assets:
        if asset.standing is not Standing.FAIL:
            continue
        mine = [one for one in waivers if asset.asset in one.assets]
        left, bearing = [], []
        for judged in asset.checks:
            result = judged.result
            over = [one for one in mine if bears(one, result)]
            bearing += [one for one in over if one not in bearing]
            if not over:
                left.append(result.verdict)
        asset.waivers = tuple(bearing)
        asset.borne = bool(bearing) and not asset.stale and all(verdict is Verdict.PASS for verdict in left)
        used |= {one.id for one in bearing}


def _settle(line: RequirementLine) -> None:
    """The state, without waivers and with them."""
    counted = [asset for asset in line.assets if asset.standing is not Standing.EXCUSED]
    if not counted and not line.by_person and line.assets:
        line.state = line.with_waivers = State.NOT_APPLICABLE
        line.person = False
        line.attestation = None
        return
    word = line.attestation.state if line.attestation else None
    line.state = _combine(_machine(line, counted, False), line.person, word)
    line.with_waivers = _combine(_machine(line, counted, True), line.person, word)
    if line.with_waivers is State.MET and any(asset.borne for asset in counted):
        line.with_waivers = State.PARTLY


def _machine(line: RequirementLine, counted: list[AssetLine], with_waivers: bool) -> Verdict | None:
    """The worst over its assets; None where no check looks at any."""
    if line.nobody and line.requirement.checks:
        return Verdict.UNKNOWN
    verdicts = {_counting(asset, with_waivers) for asset in counted}
    return min(verdicts, key=RANK.__getitem__, default=None)


def _counting(asset: AssetLine, with_waivers: bool) -> Verdict:
    if asset.standing is Standing.PASS or (with_waivers and asset.borne):
        return Verdict.PASS
    if asset.standing is Standing.FAIL:
        if with_waivers and asset.waivers and not _left(asset):
            return Verdict.UNKNOWN
        return Verdict.FAIL
    return Verdict.UNKNOWN


def _left(asset: AssetLine) -> bool:
    """Some fail of it is borne by no waiver."""
    return any(
        one.result.verdict is Verdict.FAIL and not any(waiver.check in (None, one.result.check) for waiver in asset.waivers)
        for one in asset.checks
    )


def _combine(machine: Verdict | None, person: bool, word: str | None) -> State:
    if machine is Verdict.FAIL or word == "not_met":
        return State.NOT_MET
    if machine is Verdict.UNKNOWN or (person and word is None) or (machine is None and not person):
        return State.UNDETERMINED
    return _SAID[word] if word else State.MET
