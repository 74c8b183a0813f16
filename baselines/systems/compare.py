"""What another level would ask of a system: which requirements turn, on which assets, what is to be done, what people must say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from baselines.model import Requirement, Verdict
from baselines.systems.result import AssetLine, RequirementLine, Standing, State, SystemAssessment

_BAD = (Verdict.FAIL, Verdict.UNKNOWN)


@dataclass(slots=True)
class AssetTurn:
    """One asset that stands otherwise under a requirement. None: not asked."""

    asset: str
    before: Standing | None
    after: Standing | None
    checks: tuple[str, ...] = ()
    """Checks that fail, or cannot tell, afterwards and did not before: what there is to do."""


@dataclass(slots=True)
class Turn:
    """One requirement that stands otherwise. None: not asked at that level."""

    requirement: Requirement
    clause: str
    before: State | None
    after: State | None
    assets: list[AssetTurn] = field(default_factory=list)
    person: bool = False
    """Afterwards a person has to say something, and nothing that counts has been said."""

    @property
    def new(self) -> bool:
        return self.before is None

    @property
    def checks(self) -> tuple[str, ...]:
        """What there is to do on some asset, most assets first."""
        counted = Counter(check for turn in self.assets for check in turn.checks)
        return tuple(name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])))


@dataclass(slots=True)
class Comparison:
    """A system at two levels, on one day, by the same snapshots."""

    before: SystemAssessment
    after: SystemAssessment
    turns: list[Turn]
    """Those that get worse first, then in the order of the pack."""

    @property
    def summary(self) -> dict[str, int]:
        """Counts for the head of a report."""
        assets = {turn.asset for one in self.turns for turn in one.assets if turn.checks}
        return {
            "turned": len(self.turns),
            "new": sum(turn.before is None for turn in self.turns),
            "gone": sum(turn.after is None for turn in self.turns),
            "no_longer_met": sum(turn.before is State.MET and turn.after is not None for turn in self.turns),
            "with_work_on_assets": sum(bool(turn.checks) for turn in self.turns),
            "assets_with_work": len(assets),
            "for_a_person": sum(turn.person for turn in self.turns),
            "new_for_a_person": sum(turn.person and turn.before is None for turn in self.turns),
        }


def compare(before: SystemAssessment, after: SystemAssessment) -> Comparison:
    """Line by line. Both are of the same system, day and snapshots."""
    old = {line.requirement.id: line for line in before.lines}
    new = {line.requirement.id: line for line in after.lines}
    turns = [turn for name, line in new.items() if (turn := _turn(old.get(name), line))]
    turns += [
        Turn(line.requirement, line.clause, line.state, None, [AssetTurn(one.asset, one.standing, None) for one in line.assets])
        for name, line in old.items()
        if name not in new
    ]
    place = {name: index for index, name in enumerate(after.baseline.requirements)}
    turns.sort(key=lambda turn: (_RANKS[_weight(turn)], place[turn.requirement.id]))
    return Comparison(before, after, turns)


_RANKS = {"work": 0, "person": 1, "other": 2, "gone": 3}


def _weight(turn: Turn) -> str:
    if turn.after is None:
        return "gone"
    return "work" if turn.checks else "person" if turn.person else "other"


def _turn(old: RequirementLine | None, new: RequirementLine) -> Turn | None:
    before = {line.asset: line for line in old.assets} if old else {}
    assets = [turn for line in new.assets if (turn := _asset(before.get(line.asset), line))]
    kept = {line.asset for line in new.assets}
    assets += [AssetTurn(name, line.standing, None) for name, line in before.items() if name not in kept]
    person = new.waits_for_person and not (old is not None and old.waits_for_person)
    if old is not None and old.state is new.state and not assets and not person:
        return None
    return Turn(new.requirement, new.clause, old.state if old else None, new.state, assets, person)


def _asset(old: AssetLine | None, new: AssetLine) -> AssetTurn | None:
    known = {one.result.check: one.result.verdict for one in old.checks} if old else {}
    worse = tuple(
        str(one.result.check)
        for one in new.checks
        if new.standing is not Standing.EXCUSED
        and one.result.verdict in _BAD
        and known.get(one.result.check) != one.result.verdict
    )
    if old is not None and old.standing is new.standing and not worse:
        return None
    return AssetTurn(new.asset, old.standing if old else None, new.standing, worse)
