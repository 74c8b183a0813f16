"""A unit's or a system's own thresholds and lists. Tightening is free; loosening needs a waiver and is refused here.

    name: Bảo hiểm xã hội tỉnh A
    params:
      servers.authentication.lockout: {max_failed_logins: 3}
      design.antimalware_central: {expected_antivirus_on_servers: [trend-deep-security]}
    not_applicable:
      - {requirement: servers.access.admin_vpn, type: absent, reason: Không có đường ra Internet, by: Nguyễn Văn A}

A value stricter than the pack's holds at every level; where the pack is stricter at a level, the pack holds. So a tailoring
written for one level can never loosen another, and one that is looser at each level is refused with its line.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, JsonValue

from baselines.compiler import Compiler
from baselines.model import Baseline, Ground, Param, Requirement
from baselines.reading import BaselineError, Loc, Mistake, Reading
from collectors.facts.base import Model
from collectors.model import Kind

_WAIVER = "loosening needs a waiver, which is given at the collector for named machines and until a day"


class NotApplicable(Model):
    """A person's word that a requirement does not apply here, and why. It takes the checks away; it never makes a pass."""

    requirement: str
    kinds: tuple[Kind, ...] = Field(default=(), description="Asset kinds it speaks of; () when all")
    type: Ground
    reason: Annotated[str, Field(min_length=10)]
    by: Annotated[str, Field(min_length=1, description="Name of the person who answers for it")]


class _Document(Model):
    name: str = Field(description="Who tailors: a unit, a system")
    params: dict[str, dict[str, JsonValue]] = Field(
        default={}, description="Requirement id -> parameter -> stricter value, at every level"
    )
    not_applicable: tuple[NotApplicable, ...] = ()


@dataclass(frozen=True)
class Tailoring:
    """Parsed, not yet held against a pack: `problems` does that."""

    name: str
    params: dict[str, dict[str, Any]]
    text: str
    not_applicable: tuple[NotApplicable, ...] = ()
    file: str = "tailoring.yaml"
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode()).hexdigest())

    @classmethod
    def parse(cls, text: str, file: str = "tailoring.yaml") -> Tailoring:
        """Raises BaselineError with file:line."""
        reading = Reading({file: text})
        parsed = reading.parsed(file, text)
        document = None if reading.mistakes else reading.valid(_Document, file, parsed, ())
        if document is None:
            raise BaselineError(reading.mistakes)
        return cls(document.name, document.params, text, document.not_applicable, file)

    def problems(self, baseline: Baseline, level: int | None = None) -> list[Mistake]:
        """Why it may not be taken for this pack, each with file:line and the way out: what `unusable` says, and values looser
        than the pack's at `level`, or, without `level`, at every level. [] when it may."""
        found = Reading({self.file: self.text})
        for requirement_id, values in self.params.items():
            requirement = baseline.requirements.get(requirement_id)
            for name, value in values.items():
                spec = requirement.params.get(name) if requirement else None
                if requirement and spec and not _unfit(spec, value):
                    self._looser(requirement, name, value, level, found)
        return sorted(self.unusable(baseline) + found.mistakes)

    def unusable(self, baseline: Baseline) -> list[Mistake]:
        """What makes it unusable even where it is in force already: unknown names, and values that do not fit. One that has
        become looser than a newer pack is not: the pack holds there."""
        found = Reading({self.file: self.text})
        for requirement_id, values in self.params.items():
            requirement = baseline.requirements.get(requirement_id)
            if requirement is None:
                found.add(self.file, ("params", requirement_id), _no_requirement(baseline, requirement_id))
                continue
            for name, value in values.items():
                self._param(requirement, name, value, baseline, found)
        for index, word in enumerate(self.not_applicable):
            self._word(word, baseline, found, ("not_applicable", index))
        return sorted(found.mistakes)

    def _param(self, requirement: Requirement, name: str, value: Any, baseline: Baseline, found: Reading) -> None:
        at: Loc = ("params", requirement.id, name)
        spec = requirement.params.get(name)
        if spec is None:
            has = ", ".join(requirement.params) or "none"
            found.add(self.file, at, f"{requirement.id} has no parameter {name!r}; it has: {has}")
            return
        if problem := _unfit(spec, value):
            found.add(self.file, at, f"{requirement.id}.{name} cannot be tailored to {value!r}: {problem}")
            return
        for check_id in requirement.checks:
            for problem in _misuse(requirement, baseline, check_id, name, value):
                found.add(self.file, at, f"{requirement.id}.{name}: {problem}")

    def _looser(self, requirement: Requirement, name: str, value: Any, level: int | None, found: Reading) -> None:
        spec = requirement.params[name]
        levels = [one for one in requirement.levels if level is None or one == level]
        looser = [one for one in levels if not is_stricter(spec, spec.levels[one], value)]
        if looser and len(looser) == len(levels):
            given = _shown(spec.levels[looser[0]])
            message = f"{requirement.id}.{name}: {_shown(value)} is looser than {given} of level {looser[0]}; {_WAIVER}"
            found.add(self.file, ("params", requirement.id, name), message)

    def _word(self, word: NotApplicable, baseline: Baseline, found: Reading, at: Loc) -> None:
        requirement = baseline.requirements.get(word.requirement)
        if requirement is None:
            found.add(self.file, (*at, "requirement"), _no_requirement(baseline, word.requirement))
            return
        for kind in word.kinds:
            if requirement.kinds and kind not in requirement.kinds:
                found.add(self.file, (*at, "kinds"), f"{word.requirement} does not speak of the kind {kind}: leave it out")

    def value(self, requirement: str, name: str, spec: Param, level: int) -> Any:
        """The stricter of the tailored value and the pack's at this level: a tailoring written for one level can never
        loosen another."""
        given = spec.levels[level]
        return stricter_of(spec, given, self.params.get(requirement, {}).get(name, given))

    def excuse(self, requirement: str, kind: Kind) -> NotApplicable | None:
        """Whose word it is that the requirement does not apply to assets of this kind; None when nobody's."""
        for word in self.not_applicable:
            if word.requirement == requirement and (not word.kinds or kind in word.kinds):
                return word
        return None


def stricter_of(spec: Param, given: Any, tailored: Any) -> Any:
    """The stricter of two values of a parameter. Never an empty list where the pack's is not: that would ask nothing."""
    if spec.stricter is None:
        return given
    if spec.stricter in ("lower", "higher"):
        return min(given, tailored) if spec.stricter == "lower" else max(given, tailored)
    if not given or not tailored:
        return given or tailored
    if spec.stricter == "superset":
        return given + [item for item in tailored if item not in given]
    if spec.stricter == "subset":
        return [item for item in given if item in tailored] or given
    return given


def is_stricter(spec: Param, given: Any, tailored: Any) -> bool:
    """The tailored value asks at least what the pack's does."""
    if not isinstance(given, list):
        return bool(stricter_of(spec, given, tailored) == tailored)
    if not given or spec.stricter == "superset":
        return True  # a list of what may not be is added to the pack's
    return bool(tailored) and set(stricter_of(spec, given, tailored)) == set(tailored)


def _unfit(spec: Param, value: Any) -> str | None:
    """Why it is no value for this parameter, whichever way is stricter."""
    if spec.stricter is None:
        return "it is a word of the pack's, neither a number nor a list"
    if spec.stricter in ("lower", "higher"):
        return None if isinstance(value, int) and not isinstance(value, bool) else f"give a whole number of {spec.unit}"
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        return f"give a list of {spec.unit}, such as [first, second]"
    return None if value else "an empty list would ask nothing: leave the parameter out"


def _misuse(requirement: Requirement, baseline: Baseline, check_id: str, name: str, value: Any) -> list[str]:
    """What the check that is asked with the value says against it."""
    check = baseline.checks[check_id]
    for level in requirement.levels:
        given = {param: spec.levels[level] for param, spec in requirement.params.items()} | {name: value}
        compiler = Compiler(params=given)
        compiler.rule(check.assert_)
        if check.provided is not None:
            compiler.rule(check.provided)
        if name in compiler.used and compiler.mistakes and not any(given[used] == [] for used in compiler.used if used in given):
            return [str(mistake) for mistake in compiler.mistakes]
    return []


def _no_requirement(baseline: Baseline, requirement: str) -> str:
    return f"{baseline.id} has no requirement {requirement!r}; `rasoat baseline show {baseline.id}` lists those it has"


def _shown(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
