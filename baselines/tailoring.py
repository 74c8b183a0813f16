"""A unit's or a system's own thresholds. Tightening is free; loosening needs a waiver and is refused here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import Field, JsonValue, ValidationError

from baselines.loader import BaselineError, Mistake, _Yaml
from baselines.model import Baseline, Param
from collectors.facts.base import Model


class _Document(Model):
    name: str = Field(description="Who tailors: a unit, a system")
    params: dict[str, dict[str, JsonValue]] = Field(
        default={}, description="Requirement id -> parameter -> stricter value, at every level"
    )


@dataclass(frozen=True)
class Tailoring:
    """Parsed, not yet held against a pack: `problems` does that."""

    name: str
    params: dict[str, dict[str, Any]]
    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode()).hexdigest())

    @classmethod
    def parse(cls, text: str, file: str = "tailoring.yaml") -> Tailoring:
        """Raises BaselineError with file:line."""
        try:
            document = _Document.model_validate(yaml.load(text, Loader=_Yaml))  # noqa: S506  (a SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise BaselineError([Mistake(file, mark.line + 1 if mark else 1, f"not YAML: {error}")]) from None
        except ValidationError as error:
            raise BaselineError(
                Mistake(file, 1, f"{'.'.join(map(str, problem['loc'])) or 'document'}: {problem['msg']}")
                for problem in error.errors()
            ) from None
        return cls(document.name, document.params, text)

    def problems(self, baseline: Baseline, level: int | None = None) -> list[Mistake]:
        """Why it may not be used with this pack: unknown names, values that cannot be tailored, and, when `level` is
        given, values looser than the pack's at that level. [] when it may."""
        found = []
        for requirement_id, values in self.params.items():
            requirement = baseline.requirements.get(requirement_id)
            if requirement is None:
                found.append(Mistake(self.name, 1, f"{baseline.id} has no requirement {requirement_id!r}"))
                continue
            for name, value in values.items():
                spec = requirement.params.get(name)
                if spec is None:
                    found.append(Mistake(self.name, 1, f"{requirement_id} has no parameter {name!r}"))
                elif spec.stricter is None or not isinstance(value, int) or isinstance(value, bool):
                    found.append(Mistake(self.name, 1, f"{requirement_id}.{name} cannot be tailored to {value!r}"))
                elif level is not None and level in spec.levels and stricter_of(spec, spec.levels[level], value) != value:
                    given = spec.levels[level]
                    message = (
                        f"{requirement_id}.{name}: {value} is looser than {given} of level {level}; loosening needs a waiver"
                    )
                    found.append(Mistake(self.name, 1, message))
        return found

    def value(self, requirement: str, name: str, spec: Param, level: int) -> Any:
        """The stricter of the tailored value and the pack's at this level: a tailoring written for one level can never
        loosen another."""
        given = spec.levels[level]
        return stricter_of(spec, given, self.params.get(requirement, {}).get(name, given))


def stricter_of(spec: Param, given: Any, tailored: Any) -> Any:
    """The stricter of two values of a parameter."""
    return {"lower": min, "higher": max}[spec.stricter](given, tailored) if spec.stricter else given
