"""targets.yaml read, and each target held against the result of its script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

HERE = Path(__file__).resolve().parent
FILE = HERE / "targets.yaml"
RESULTS = HERE / "results"
UNITS = {
    ("MiB", "MB"): 1.048576, ("bytes", "KB"): 0.001, ("ratio", "%"): 100.0, ("ms", "s"): 0.001,
}  # fmt: skip
"""(unit of the result, unit of the target): factor. Megabytes are a million bytes: the stricter reading."""
SIGNS = {"at_least": "≥", "at_most": "≤", "under": "<", "exactly": "="}
Path_ = tuple[str, ...]
State = Literal["met", "MISSED", "not measured", "not measured again", "script failed", "small sizes"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Model):
    vi: str
    en: str


class Script(_Model):
    command: tuple[str, ...]
    """After the interpreter; words in capitals are for a person to fill in."""
    minutes: int
    """About, on two cores."""
    quick: tuple[str, ...] | None = None
    """What makes it small; None: it has no small form."""
    packages: tuple[str, ...] = ()
    note: str = ""
    by_hand: str = ""
    """Why `python -m bench` leaves it out."""
    without_target: str = ""


class Target(_Model):
    id: str
    issues: tuple[int, ...]
    what: Words
    at_least: float | None = None
    at_most: float | None = None
    under: float | None = None
    exactly: float | None = None
    unit: str
    stored: str = ""
    script: str | None
    path: Path_ = ()
    over: Path_ = ()
    plus: Path_ = ()
    pick: Literal["max", "min"] | None = None
    cpu: Path_ = ()
    peer: str = ""
    reading: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Target:
        if len(self._limits) != 1:
            raise ValueError(f"{self.id}: one of {', '.join(SIGNS)}")
        if bool(self.script) != bool(self.path):
            raise ValueError(f"{self.id}: a script and a path, or neither")
        if self.stored and (self.stored, self.unit) not in UNITS:
            raise ValueError(f"{self.id}: nothing turns {self.stored} into {self.unit}")
        if ("*" in self.path) != bool(self.pick):
            raise ValueError(f"{self.id}: `pick` says which of several counts")
        return self

    @property
    def _limits(self) -> dict[str, float]:
        return {name: value for name in SIGNS if (value := getattr(self, name)) is not None}

    @property
    def limit(self) -> tuple[str, float]:
        return next(iter(self._limits.items()))

    @property
    def wanted(self) -> str:
        name, value = self.limit
        return f"{SIGNS[name]} {shown(value, self.unit)}"

    def met(self, value: float) -> bool:
        name, limit = self.limit
        return {"at_least": value >= limit, "at_most": value <= limit, "under": value < limit, "exactly": value == limit}[name]

    def measured(self, result: Mapping[str, Any]) -> float | None:
        """In the target's unit; None: the result does not have it."""
        found = self._one(result, self.path)
        if self.over:
            other = self._one(result, self.over)
            found = None if found is None or not other else found / other
        if self.plus:
            other = self._one(result, self.plus)
            found = None if found is None or other is None else found + other
        return None if found is None else found * UNITS.get((self.stored, self.unit), 1.0)

    def _one(self, result: Mapping[str, Any], path: Path_) -> float | None:
        """One of several unknown makes the whole unknown: the missing one could be the worst."""
        found = list(values(result, path))
        if not found or any(isinstance(value, bool) or not isinstance(value, int | float) for value in found):
            return None
        return float(min(found) if self.pick == "min" else max(found))


class Targets(_Model):
    issues: dict[int, Words]
    scripts: dict[str, Script]
    parts: dict[str, str]
    """Files of bench/ that are no benches of their own, and what they are."""
    targets: tuple[Target, ...]

    @model_validator(mode="after")
    def _sound(self) -> Targets:
        ids = [target.id for target in self.targets]
        if twice := {one for one in ids if ids.count(one) > 1}:
            raise ValueError(f"twice: {', '.join(sorted(twice))}")
        for target in self.targets:
            if target.script and target.script not in self.scripts:
                raise ValueError(f"{target.id}: no script {target.script}")
            if unknown := set(target.issues) - set(self.issues):
                raise ValueError(f"{target.id}: no issue {unknown}")
        for name, script in self.scripts.items():
            if bool(script.without_target) == any(target.script == name for target in self.targets):
                raise ValueError(f"{name}: has a target, or says why it has none")
        return self


class Standing(NamedTuple):
    """A target and what is known of it."""

    target: Target
    state: State
    value: float | None = None
    cpu: float | None = None
    result: Mapping[str, Any] | None = None

    @property
    def shown(self) -> str:
        if self.value is None:
            return "–"
        text, limit = shown(self.value, self.target.unit), self.target.limit[1]
        if self.value != limit and text == shown(limit, self.target.unit):  # which side it lies on is to be seen
            text = shown(self.value, self.target.unit, 5)
        return text + (f" ({shown(self.cpu, 's')} of a core)" if self.cpu is not None else "")

    @property
    def of_target(self) -> str:
        """Measured over wanted."""
        limit = self.target.limit[1]
        return "–" if self.value is None or not limit else f"{self.value / limit:.2f}"

    @property
    def peer(self) -> str:
        """With its version, where the result has kept it."""
        version = ((self.result or {}).get("versions") or {}).get(self.target.peer, "")
        return f"{self.target.peer} {version}".strip()


def values(result: Any, path: Path_) -> Iterator[Any]:
    """What stands there; "*" is each of them."""
    if not path:
        yield result
    elif isinstance(result, Mapping):
        for key in result if path[0] == "*" else [path[0]]:
            if key in result:
                yield from values(result[key], path[1:])


def shown(value: float, unit: str, digits: int = 3) -> str:
    """So many figures that count, and all of a large number."""
    text = f"{value:,.0f}" if value == round(value) or (value >= 100 and digits == 3) else f"{value:.{digits}g}"
    return f"{text}{'' if unit in ('×', '%') else ' '}{unit}"


def read(path: Path = FILE) -> Targets:
    return Targets.model_validate(yaml.safe_load(path.read_text("utf-8")))


def results(targets: Targets, folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """What each script left, by its name."""
    paths = {name: folder / f"{name}.json" for name in targets.scripts}
    return {name: json.loads(path.read_text("utf-8")) for name, path in paths.items() if path.exists()}


def of_today(result: Mapping[str, Any]) -> bool:
    """Written with day and versions; what was kept before that may lack figures that scripts print now."""
    return "day" in result and "versions" in result


def standing(target: Target, found: Mapping[str, Mapping[str, Any]], failed: frozenset[str] = frozenset()) -> Standing:
    if target.script in failed:
        return Standing(target, "script failed")
    result = found.get(target.script or "")
    if result is None:
        return Standing(target, "not measured")
    value = target.measured(result)
    if value is None:
        return Standing(target, "not measured" if of_today(result) else "not measured again", result=result)
    cpu = next((one for one in values(result, target.cpu) if isinstance(one, int | float)), None) if target.cpu else None
    return Standing(target, "met" if target.met(value) else "MISSED", value, cpu, result)
