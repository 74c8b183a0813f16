"""What another level, pack or tailoring would change over many assets: which requirements turn, on which assets, what to do.

Pure, and fed one asset at a time: it keeps verdicts and names, never facts, so that a whole country fits.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from baselines.evaluate import requirement_verdict
from baselines.model import RANK, Assessment, Baseline, Result, Verdict

_BY_MACHINE = {Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS}


class Turned(NamedTuple):
    """One requirement on one asset whose verdict would be another."""

    asset: str
    unit: str
    before: Verdict | None
    """None: not asked before."""
    after: Verdict | None
    """None: no longer asked."""
    checks: tuple[str, ...]
    """The checks that fail or cannot tell afterwards and did not before: what there is to do."""

    @property
    def worse(self) -> bool:
        """Afterwards it fails or is unknown, and was better, or not asked, before. Turning to a person is not worse."""
        if self.after not in (Verdict.FAIL, Verdict.UNKNOWN):
            return False
        return self.before is None or RANK[self.after] < RANK[self.before]


@dataclass(slots=True)
class Change:
    """One requirement that turns on at least one asset."""

    requirement: str
    moves: Counter[tuple[Verdict | None, Verdict | None]] = field(default_factory=Counter)
    """(before, after) -> assets."""
    to_do: Counter[str] = field(default_factory=Counter)
    """Check -> assets on which it fails or cannot tell afterwards and did not before."""
    turned: list[Turned] = field(default_factory=list)
    """By name, where a machine decides afterwards or did before; what turns to a person on every asset is only counted."""
    worse: int = 0
    """Assets on which it would fail or be unknown and was better before."""

    def add(self, turn: Turned) -> None:
        """One asset more."""
        self.moves[turn.before, turn.after] += 1
        self.to_do.update(turn.checks)
        self.worse += turn.worse
        if {turn.before, turn.after} & _BY_MACHINE:
            self.turned.append(turn)


@dataclass(slots=True)
class UnitChange:
    """One unit's share. Counts are of requirements on assets: a requirement on ten assets counts ten."""

    assets: int = 0
    assets_worse: int = 0
    """Assets on which at least one requirement gets worse."""
    before: Counter[Verdict] = field(default_factory=Counter)
    after: Counter[Verdict] = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)
    """Assets of which nothing was ever seen: nothing can be said of them."""


@dataclass(slots=True)
class WhatIf:
    """Filled by `add` and `add_silent`; the order of assets does not matter to what it says."""

    baseline: Baseline
    """The pack that would judge afterwards: it has the remedies."""
    changes: dict[str, Change] = field(default_factory=dict)
    units: dict[str, UnitChange] = field(default_factory=dict)
    for_person: set[str] = field(default_factory=set)
    """Requirements that a person has to answer for afterwards and nobody was asked before."""

    def add(self, asset: str, unit: str, before: Assessment, after: Assessment) -> None:
        """Two assessments of one snapshot."""
        share = self.units.setdefault(unit, UnitChange())
        old, new = _by_requirement(before), _by_requirement(after)
        worse = False
        for name in [*new, *(name for name in old if name not in new)]:
            was = requirement_verdict(old[name]) if name in old else None
            will = requirement_verdict(new[name]) if name in new else None
            if was is not None:
                share.before[was] += 1
            if will is not None:
                share.after[will] += 1
            if was is will:
                continue
            if was is None and any(result.verdict == Verdict.MANUAL for result in new[name]):
                self.for_person.add(name)
            turned = Turned(asset, unit, was, will, _to_do(old.get(name, []), new.get(name, [])))
            worse = worse or turned.worse
            self.changes.setdefault(name, Change(name)).add(turned)
        share.assets += 1
        share.assets_worse += worse

    def add_silent(self, asset: str, unit: str) -> None:
        """An asset of which nothing was ever seen."""
        self.units.setdefault(unit, UnitChange()).silent.append(asset)

    def worst_first(self) -> list[Change]:
        """Changes, those first that get worse on most assets; then in the order of the pack."""
        place = {name: index for index, name in enumerate(self.baseline.requirements)}
        return sorted(self.changes.values(), key=lambda change: (-change.worse, place.get(change.requirement, len(place))))


def _by_requirement(assessment: Assessment) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in assessment.results:
        found.setdefault(result.requirement, []).append(result)
    return found


def _to_do(old: list[Result], new: list[Result]) -> tuple[str, ...]:
    bad = (Verdict.FAIL, Verdict.UNKNOWN)
    known = {result.check: result.verdict for result in old}
    return tuple(
        result.check for result in new if result.check and result.verdict in bad and known.get(result.check) != result.verdict
    )
