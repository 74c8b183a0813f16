"""What judging a system yields: each requirement with its state, each state with the machines and people it rests on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from baselines.model import Baseline, Finding, Requirement, Result, Verdict
from baselines.systems.register import Asset, Attestation, System, Waiver
from baselines.tailoring import NotApplicable, Tailoring
from collectors.model import Kind, Snapshot


class State(StrEnum):
    """How a requirement stands for the whole system, worst first. Words of the law: words.yaml."""

    NOT_MET = "not_met"
    UNDETERMINED = "undetermined"
    PARTLY = "partly"
    MET = "met"
    NOT_APPLICABLE = "not_applicable"


class Standing(StrEnum):
    """How one asset stands under one requirement. Too old and not reached are kinds of not knowing, and never anything better."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    STALE = "stale"
    NOT_REACHED = "not_reached"
    PASS = "pass"  # noqa: S105
    EXCUSED = "excused"


Reach = Literal["fresh", "stale", "later", "silent", "missing"]
"""fresh: its snapshot counts · stale: older than the system allows · later: dated after the day of judgement · silent: a snapshot
says that nothing was seen · missing: there is no snapshot."""

Why = Literal["expired", "not_yet", "lower_level", "not_asked", "unneeded", "other_pack"]
"""Why a person's word counts as nothing: its last day has passed · it begins later · it was given for a lower level · nothing of the
kind is asked at this level · there is no fail to bear · it was given for another pack."""


@dataclass(slots=True)
class Judged:
    """One check of one asset, and the snapshot it rests on; None where there is none."""

    result: Result
    snapshot: Snapshot | None


@dataclass(slots=True)
class AssetLine:
    """One asset under one requirement."""

    asset: str
    kind: Kind
    zone: str
    standing: Standing
    """What counts."""
    verdict: Verdict
    """What the machine part came to by itself, stale or excused or not."""
    checks: list[Judged]
    stale: bool = False
    """What the machine said of itself is too old."""
    waivers: tuple[Waiver, ...] = ()
    """Those in force that bear some fail of it."""
    borne: bool = False
    """Every fail of it is borne by a waiver, and nothing of it is unknown."""
    excuse: NotApplicable | None = None


@dataclass(slots=True)
class RequirementLine:
    """One requirement for the whole system."""

    requirement: Requirement
    clause: str
    state: State
    """By machines, registers and attestations; as if there were no waiver."""
    with_waivers: State
    """The same with fails borne by waivers taken as borne: at best partly met."""
    assets: list[AssetLine]
    """Assets of which a check decides, and those excused. The system itself stands among them under its own name."""
    by_person: tuple[str, ...] = ()
    """Assets it speaks of and no check looks at."""
    person: bool = False
    """A person decides it, or the rest of it."""
    attestation: Attestation | None = None
    """The word that counts for that."""
    nobody: bool = False
    """The register names no asset of the kinds it speaks of; that is no reason to call it not applicable."""

    @property
    def counts(self) -> dict[str, int]:
        """applicable = pass + fail + unknown + not_reached; stale are some of unknown, waived some of fail."""
        standings = Counter(line.standing for line in self.assets)
        counted = {
            "pass": standings[Standing.PASS],
            "fail": standings[Standing.FAIL],
            "unknown": standings[Standing.UNKNOWN] + standings[Standing.STALE],
            "not_reached": standings[Standing.NOT_REACHED],
        }
        return {
            "applicable": sum(counted.values()),
            **counted,
            "stale": standings[Standing.STALE],
            "waived": sum(line.borne for line in self.assets),
            "excused": standings[Standing.EXCUSED],
        }

    @property
    def accepted(self) -> bool:
        """Not met by itself, and nothing but waivers stands between it and met."""
        return self.state is State.NOT_MET and self.with_waivers is State.PARTLY and self._only_waived

    @property
    def _only_waived(self) -> bool:
        return not self.attestation or self.attestation.state == "met"

    @property
    def excuses(self) -> list[NotApplicable]:
        """Whose word it is that it does not apply, to some or all of its assets."""
        found: list[NotApplicable] = []
        for line in self.assets:
            if line.excuse is not None and line.excuse not in found:
                found.append(line.excuse)
        return found

    @property
    def waits_for_person(self) -> bool:
        """A person decides it, or the rest of it, and none has said anything that counts."""
        return self.person and self.attestation is None


@dataclass(slots=True)
class AssetState:
    """One asset of the register, and what there is of it."""

    asset: Asset
    reach: Reach
    snapshot: Snapshot | None
    outside: Snapshot | None = None
    """As seen from outside, by discovery."""
    outside_stale: bool = False
    age_days: float | None = None
    reason: str = ""


@dataclass(slots=True)
class Idle:
    """A person's word that counts as nothing, and why."""

    word: Attestation | Waiver
    why: Why


@dataclass(slots=True)
class SystemAssessment:
    """One information system at one level on one day."""

    system: System
    baseline: Baseline
    tailoring: Tailoring | None
    level: int
    at: datetime
    design: Snapshot
    """The system as a target of its own, with what it was put together from."""
    assets: list[AssetState]
    lines: list[RequirementLine]
    idle: list[Idle] = field(default_factory=list)
    unregistered: list[str] = field(default_factory=list)
    """Targets of snapshots that are no asset of the register."""

    def summary(self, with_waivers: bool = False) -> dict[str, int]:
        """State -> number of requirements, every state present."""
        counts = dict.fromkeys(map(str, State), 0)
        for line in self.lines:
            counts[line.with_waivers if with_waivers else line.state] += 1
        return counts

    @property
    def score(self) -> dict[str, int]:
        """met of asked, and the same with those that only waivers keep from it; asked leaves out what does not apply."""
        met = sum(line.state is State.MET for line in self.lines)
        asked = sum(line.state is not State.NOT_APPLICABLE for line in self.lines)
        return {"met": met, "met_or_borne": met + sum(line.accepted for line in self.lines), "asked": asked}

    @property
    def reaches(self) -> dict[str, int]:
        """Reach -> number of assets."""
        counts: dict[str, int] = dict.fromkeys(("fresh", "stale", "later", "silent", "missing"), 0)
        for state in self.assets:
            counts[state.reach] += 1
        return counts

    @property
    def waiting(self) -> list[RequirementLine]:
        """Requirements of which a person has to say something."""
        return [line for line in self.lines if line.waits_for_person]

    def findings(self) -> Iterator[tuple[RequirementLine, AssetLine, Judged, Finding]]:
        """Every line down to what decided it: requirement, asset, check and snapshot, finding."""
        for line in self.lines:
            for asset in line.assets:
                for judged in asset.checks:
                    for finding in judged.result.findings:
                        yield line, asset, judged, finding

    @property
    def digest(self) -> str:
        """sha256 over what was said of each requirement and asset: two judges that agree have the same."""
        rows = [f"{line.requirement.id}|{line.state}|{line.with_waivers}" for line in self.lines]
        rows += [f"{line.requirement.id}|{one.asset}|{one.standing}|{one.borne}" for line in self.lines for one in line.assets]
        return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()
