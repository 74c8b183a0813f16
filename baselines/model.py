"""What a baseline is made of, and what judging yields."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from collectors.facts.base import Model
from collectors.model import Kind, Platform

LEVELS = (1, 2, 3, 4, 5)


class Verdict(StrEnum):
    """How a check or a requirement ended. Unknown is never pass and never not_applicable."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"  # noqa: S105  (a verdict, not a word to log on with)
    MANUAL = "manual"
    NOT_APPLICABLE = "not_applicable"


Severity = Literal["critical", "high", "medium", "low"]
Coverage = Literal["automated", "partial", "manual", "not_yet"]
"""automated: checks decide it · partial: checks decide some of it, a person the rest · manual: a person decides ·
not_yet: a machine could see it, and rasoat has no check for it yet; until then a person decides."""

Origin = Literal["standard", "regulation", "house", "customer"]
Stricter = Literal["lower", "higher", "subset", "superset", "replace"]
"""Numbers: lower, higher. Lists: subset, what may be (fewer is stricter) · superset, what may not be (a tailored list is
added to the pack's) · replace, what only the customer can say, empty in the pack: neither list is stricter than another."""

Reason = Literal["elsewhere", "person", "not_collected"]
"""Why a machine does not decide: the answer lies on another system · it takes a person's knowledge or decision · rasoat
does not collect it (yet)."""

Ground = Literal["absent", "provider", "exempted"]
"""Why a requirement does not apply: what it speaks of does not exist here · a provider answers for it by contract ·
a named instrument exempts it."""
Confidence = Literal["quoted", "paraphrased", "derived", "memory"]
"""How sure the wording is: seen in a source that quotes the standard · seen in a source that retells it · reconstructed ·
from knowledge, to be checked."""

Fit = Literal["close", "loose"]
"""How near a requirement is to one of the edition before: asks the same · touches the same matter. Never equivalence."""


class Text(Model):
    """What people read, in both languages."""

    vi: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Param(Model):
    """A threshold or a list, per level, and whose it is."""

    levels: dict[int, JsonValue] = Field(
        description="Value at each level of the requirement; an empty list: the customer names what is asked, nothing is until then"
    )
    origin: Origin
    stricter: Stricter | None = Field(default=None, description="Which way is stricter; None: a word, cannot be tailored")
    unit: str | None = Field(default=None, description="days, minutes, characters, tries, names ...")
    source: str | None = Field(default=None, description="Instrument and article the number comes from")
    origins: dict[int, Origin] = Field(default={}, description="Levels whose value has another origin than `origin`")


class Example(Model):
    """A case the check must decide as said; run by the tests and by `rasoat baseline check`."""

    verdict: Literal["pass", "fail", "unknown"]
    params: dict[str, JsonValue] = {}
    seen: dict[str, dict[str, JsonValue]] = Field(description="fact -> the fields that matter; the others count as not seen")
    at: datetime | None = Field(default=None, description="When it was collected; default 2026-11-22T00:00:00Z")


class Check(Model):
    """One thing a machine can decide. `assert` and `provided` are written in the closed vocabulary (operators.py)."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")]
    title: Text
    kinds: tuple[Kind, ...]
    platforms: tuple[Platform, ...] = Field(
        default=(),
        description="Systems it can be asked of; () when all. An asset of another platform is not asked at all: neither pass nor unknown",
    )
    severity: Severity
    assert_: dict[str, Any] = Field(alias="assert")
    provided: dict[str, Any] | None = Field(
        default=None,
        description="Without this a pass is worth nothing and becomes unknown; a fail stays a fail (stale lists that already name a hole)",
    )
    examples: Annotated[tuple[Example, ...], Field(min_length=3)]
    why: Text | None = None
    remedy: Text
    verify: str | None = Field(default=None, description="Command by which a person sees the same thing by hand")


class Excepted(Model):
    """Assets of which a machine does not decide a requirement, or not all of it, and why."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)]
    platforms: tuple[Platform, ...] = Field(default=(), description="Systems it speaks of; () when all")
    type: Reason
    reason: Text

    def covers(self, kind: Kind, platform: Platform) -> bool:
        """It speaks of an asset of this kind and system."""
        return kind in self.kinds and (not self.platforms or platform in self.platforms)


class Predecessor(Model):
    """The nearest requirement of the edition before."""

    id: str = Field(description="Requirement of the pack that the standard succeeds")
    fit: Fit


class Requirement(Model):
    """One requirement of the standard. The text is ours; only group title and clause are citation."""

    id: str
    reference_id: str = Field(description="Id in the catalogue of requirements the pack was written from")
    levels: tuple[int, ...]
    title: Text = Field(description="What is asked, in our own words")
    confidence: Confidence
    origin: str = Field(default="TCVN 11930:2017", description="Instrument; the circular's own items say so")
    kinds: tuple[Kind, ...] = Field(
        description="Asset kinds it speaks of; () when it speaks of the organisation or the whole system"
    )
    coverage: Coverage
    params: dict[str, Param] = {}
    checks: tuple[str, ...] = ()
    only_at: dict[str, tuple[int, ...]] = Field(
        default={},
        description="Check -> the levels that ask for it; a check not named here is asked at each level of the requirement",
    )
    clauses: dict[int, str] = Field(
        default={},
        description="Its own clause at each level, where the edition numbers requirements; {}: the group's clause is cited",
    )
    succeeds: tuple[Predecessor, ...] = ()
    exceptions: tuple[Excepted, ...] = Field(
        default=(),
        description="Asset kinds no check decides, or decides only in part: each with its reason; where it speaks of the organisation, `system`",
    )
    guidance: Text | None = Field(
        default=None, description="What a person shows, who signs, how often; required unless automated"
    )
    note: Text | None = None


class Group(Model):
    """A heading of the standard: what is cited."""

    id: str
    reference_id: str
    title: Text
    part: Literal["technical", "management"]
    clauses: dict[int, str] = Field(
        description="Clause number at each level that has the heading; {} for the circular's own groups"
    )
    note: Text | None = None
    requirements: tuple[Requirement, ...]


@dataclass(slots=True)
class Finding:
    """What decided a verdict: one comparison, or one row of many."""

    fact: str
    field: str
    op: str
    expected: Any
    observed: Any
    reason: str = ""
    """Why it is unknown, or which row failed; empty when `observed` says it all."""


@dataclass(slots=True)
class Result:
    """One check under one requirement (check is None where a person decides)."""

    requirement: str
    clause: str
    check: str | None
    verdict: Verdict
    severity: Severity | None
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Assessment:
    """One snapshot judged against one baseline at one level."""

    snapshot: str
    baseline: str
    version: str
    digest: str
    """sha256 of the pack as loaded (with the checks it names) and of the tailoring."""
    level: int
    kind: Kind
    collected_at: datetime
    results: list[Result]

    coverage: dict[str, int]
    """Coverage -> number of requirements that apply to this kind of asset or to the organisation at this level."""
    at_centre: frozenset[str] = frozenset()
    """Checks that read a fact which only the collector makes."""
    left_to_centre: frozenset[str] = frozenset()
    """Those of them that were judged without it: unknown here, and nobody's fault here."""

    def summary(self) -> dict[str, int]:
        """Verdict -> count, every verdict present. A check counts once, with its worst verdict, however many requirements
        name it; a requirement (or the rest of a partial one) that a person decides counts once as manual. What is left to
        the centre is not counted."""
        worst: dict[str, Verdict] = {}
        counts = dict.fromkeys((str(verdict) for verdict in Verdict), 0)
        for result in self.results:
            if result.check is None:
                counts[result.verdict] += 1
            elif result.check in self.left_to_centre:
                continue
            elif result.check not in worst or RANK[result.verdict] < RANK[worst[result.check]]:
                worst[result.check] = result.verdict
        for verdict in worst.values():
            counts[verdict] += 1
        return counts

    def verdicts_digest(self) -> str:
        """sha256 over requirement, check and verdict of each result that a machine can come to by itself: the machine and the
        collector, where they agree, have the same. What reads a fact that only the collector makes is left out."""
        return _digest(result for result in self.results if result.check not in self.at_centre)

    def whole_digest(self) -> str:
        """The same over all results: while it stays the same, nothing turned."""
        return _digest(self.results)


def _digest(results: Iterable[Result]) -> str:
    lines = sorted(f"{r.requirement}|{r.check or ''}|{r.verdict}" for r in results)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
"""Worst first, in the order Verdict is written in."""


class Level(Model):
    """A level of the standard, as people call it."""

    title: Text


class Standard(Model):
    """The head of a pack: standard.yaml."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: Text
    version: str = Field(description="Version of the pack, not of the standard")
    edition: str = Field(description="Number and year as cited, such as TCVN 11930:2017")
    status: Text = Field(description="Standing of the edition, and what of its wording was seen")
    levels: dict[int, Level]
    chapters: dict[int, str] = Field(
        default={}, description="Level -> the number its clauses begin with, such as 7; {} when the edition is not built so"
    )
    sources: dict[str, str] = Field(default={}, description="Short name -> what it is")
    succeeds: str | None = Field(default=None, description="Pack of the edition before, whose requirements `succeeds` name")


@dataclass(eq=False)
class Baseline:
    """A loaded pack. Made by `loader`; two loads of the same text are equal by `digest`."""

    standard: Standard
    groups: tuple[Group, ...]
    checks: dict[str, Check]
    """The checks its requirements name."""
    files: dict[str, str]
    """Texts it was loaded from, by name relative to the packs' root, such as tcvn_11930_2017/servers.yaml."""
    digest: str
    rulesets: dict[Any, Any] = field(default_factory=dict, repr=False)
    """Compiled rules per level and tailoring; filled by `evaluate`."""

    @property
    def id(self) -> str:
        return self.standard.id

    @property
    def version(self) -> str:
        return self.standard.version

    @property
    def title(self) -> Text:
        return self.standard.title

    @cached_property
    def requirements(self) -> dict[str, Requirement]:
        """Every requirement by id, in the order of the pack."""
        return {requirement.id: requirement for group in self.groups for requirement in group.requirements}

    @cached_property
    def group_of(self) -> dict[str, Group]:
        """Requirement id -> its group: the heading and the clauses that are cited."""
        return {requirement.id: group for group in self.groups for requirement in group.requirements}

    def clause(self, requirement: str, level: int) -> str:
        """Clause number at a level, its own or its group's; empty for the circular's own groups, which have none in the standard."""
        return self.requirements[requirement].clauses.get(level) or self.group_of[requirement].clauses.get(level, "")
