"""What a baseline is made of, and what judging yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from collectors.facts.base import Model
from collectors.model import Kind

LEVELS = (1, 2, 3, 4, 5)


class Verdict(StrEnum):
    """How a check or a requirement ended. Unknown is never pass and never not_applicable."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"
    MANUAL = "manual"
    NOT_APPLICABLE = "not_applicable"


Severity = Literal["critical", "high", "medium", "low"]
Coverage = Literal["automated", "partial", "manual", "not_yet"]
"""automated: checks decide it · partial: checks decide some of it, a person the rest · manual: a person decides ·
not_yet: a machine could see it, and rasoat has no check for it yet; until then a person decides."""

Origin = Literal["standard", "regulation", "house", "customer"]
Confidence = Literal["quoted", "derived", "memory"]
"""How sure the wording is: seen in a source that quotes the standard · reconstructed · from knowledge, to be checked."""


class Text(Model):
    """What people read, in both languages."""

    vi: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Param(Model):
    """A threshold, per level, and whose it is."""

    levels: dict[int, JsonValue] = Field(description="Value at each level of the requirement")
    origin: Origin
    stricter: Literal["lower", "higher"] | None = Field(default=None, description="Which way is stricter; None: not a number, cannot be tailored")
    unit: str | None = Field(default=None, description="days, minutes, characters, tries ...")
    source: str | None = Field(default=None, description="Instrument and article the number comes from")


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
    severity: Severity
    assert_: dict[str, Any] = Field(alias="assert")
    provided: dict[str, Any] | None = Field(
        default=None, description="Without this a pass is worth nothing and becomes unknown; a fail stays a fail (stale lists that already name a hole)"
    )
    examples: Annotated[tuple[Example, ...], Field(min_length=3)]
    why: Text | None = None
    remedy: Text
    verify: str | None = Field(default=None, description="Command by which a person sees the same thing by hand")


class Requirement(Model):
    """One requirement of the standard. The text is ours; only group title and clause are citation."""

    id: str
    reference_id: str = Field(description="Id in the catalogue of requirements the pack was written from")
    levels: tuple[int, ...]
    title: Text = Field(description="What is asked, in our own words")
    confidence: Confidence
    origin: str = Field(default="TCVN 11930:2017", description="Instrument; the circular's own items say so")
    kinds: tuple[Kind, ...] = Field(description="Asset kinds it speaks of; () when it speaks of the organisation or the whole system")
    coverage: Coverage
    params: dict[str, Param] = {}
    checks: tuple[str, ...] = ()
    guidance: Text | None = Field(default=None, description="What a person shows, who signs, how often; required unless automated")
    note: Text | None = None


class Group(Model):
    """A heading of the standard: what is cited."""

    id: str
    reference_id: str
    title: Text
    part: Literal["technical", "management"]
    clauses: dict[int, str] = Field(description="Clause number at each level that has the heading; {} for the circular's own groups")
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

    def summary(self) -> dict[str, int]:
        """Verdict -> count. A check counts once however many requirements name it; a requirement that a person
        decides counts once."""
        raise NotImplementedError
