"""Load a pack and the checks it names; report every mistake at once, each as file:line.

A pack is a folder under this package with standard.yaml and files of `groups:`; checks/*.yaml are shared by all packs.
`python -m baselines.loader [PACK...]` validates from the shell.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from baselines import retired
from baselines.compiler import Compiler
from baselines.evaluate import try_example
from baselines.made_ready import made_ready
from baselines.model import Baseline, Check, Group, Param, Requirement, Standard
from baselines.reading import BaselineError, Loc, Mistake, Reading
from baselines.texts import CHECKS, builtin, digest_of, texts_in, texts_of
from collectors.model import Kind

__all__ = ["BaselineError", "Mistake", "builtin", "check_examples", "digest_of", "load", "load_texts", "texts_of"]


def load(pack: str | Path) -> Baseline:
    """A pack by id, or from a directory that holds <pack>/standard.yaml and checks/ (as `Baseline.files` names them).

    Raises BaselineError; FileNotFoundError, with the ids that exist, when there is no such pack.
    """
    if isinstance(pack, str) and pack in builtin():
        texts = texts_of(pack)
        return made_ready(pack, texts) or load_texts(texts)
    folder = Path(pack)
    if (folder / "standard.yaml").is_file():
        return load_texts(texts_in(folder.resolve().parent, folder.resolve().name))
    heads = sorted(folder.glob("*/standard.yaml")) if folder.is_dir() else []
    if len(heads) == 1:
        return load_texts(texts_in(folder, heads[0].parent.name))
    raise FileNotFoundError(f"no baseline {str(pack)!r}; there are: {', '.join(builtin())}, or give the folder of a pack")


def load_texts(texts: Mapping[str, str]) -> Baseline:
    """A pack from its texts by name: <pack>/<file>.yaml and checks/<fact>.yaml. Raises BaselineError."""
    return _Loading(texts).baseline()


def check_examples(baseline: Baseline) -> list[Mistake]:
    """Examples that do not come out as they say; [] for a pack whose rules are what their authors believe."""
    loading = _Loading(baseline.files)
    found = []
    for name, text in baseline.files.items():
        if not name.startswith(CHECKS):
            continue
        for index, item in enumerate(loading.parsed(name, text) or []):
            check = baseline.checks.get(item["id"]) or Check.model_validate(item)
            for number, example in enumerate(check.examples):
                verdict, why = try_example(check, example)
                if verdict != example.verdict:
                    line = loading.line(name, (index, "examples", number))
                    found.append(
                        Mistake(name, line, f"{check.id}: example {number + 1} should be {example.verdict}, is {verdict} ({why})")
                    )
    return found


class _Loading(Reading):
    """One load of one pack."""

    def baseline(self) -> Baseline:
        checks = self._checks()
        standard, groups = self._pack()
        if standard is None and not self.mistakes:
            self.mistakes.append(Mistake("standard.yaml", 1, "the pack has no standard.yaml"))
        if standard is not None:
            self._relate(standard, groups, checks)
        if self.mistakes or standard is None:
            raise BaselineError(self.mistakes)
        plain = tuple(group for group, _, _ in groups)
        used = {name for group in plain for requirement in group.requirements for name in requirement.checks}
        return Baseline(
            standard,
            plain,
            {name: check for name, (check, _, _) in checks.items() if name in used},
            dict(self.texts),
            digest_of(self.texts),
        )

    def _checks(self) -> dict[str, tuple[Check, str, int]]:
        found: dict[str, tuple[Check, str, int]] = {}
        for name, text in self.texts.items():
            if not name.startswith(CHECKS):
                continue
            for index, item in enumerate(self._list(name, self.parsed(name, text))):
                check = self.valid(Check, name, item, (index,))
                if check is None:
                    continue
                if check.id in found:
                    self.add(name, (index, "id"), f"check {check.id!r} exists already in {found[check.id][1]}")
                self._compiles(check, name, index)
                self._examples(check, name, index)
                found[check.id] = (check, name, index)
        return found

    def _pack(self) -> tuple[Standard | None, list[tuple[Group, str, int]]]:
        standard, groups = None, []
        for name, text in self.texts.items():
            if name.startswith(CHECKS):
                continue
            parsed = self.parsed(name, text)
            if name.endswith("/standard.yaml"):
                standard = self.valid(Standard, name, parsed, ())
                continue
            if not isinstance(parsed, dict) or set(parsed) != {"groups"}:
                self.add(name, (), "a file of a pack holds `groups:` and nothing else")
                continue
            for index, item in enumerate(self._list(name, parsed["groups"])):
                group = self.valid(Group, name, item, ("groups", index))
                if group is not None:
                    groups.append((group, name, index))
        return standard, groups

    def _list(self, name: str, parsed: Any) -> list[Any]:
        if isinstance(parsed, list):
            return parsed
        if parsed is not None:
            self.add(name, (), "expected a list")
        return []

    # relations -----------------------------------------------------------------------------------------------------

    def _compiles(self, check: Check, name: str, index: int) -> None:
        for part, node in (("assert", check.assert_), ("provided", check.provided)):
            if node is not None:
                compiler = Compiler(params=None)
                compiler.rule(node)
                for mistake in compiler.mistakes:
                    self.add(name, (index, part, *mistake.path), f"{check.id}: {mistake}")

    def _examples(self, check: Check, name: str, index: int) -> None:
        verdicts = {example.verdict for example in check.examples}
        for wanted in ("pass", "fail", "unknown"):
            if wanted not in verdicts:
                self.add(name, (index, "examples"), f"{check.id}: no example of {wanted}")

    def _relate(
        self, standard: Standard, groups: list[tuple[Group, str, int]], checks: dict[str, tuple[Check, str, int]]
    ) -> None:
        seen: set[str] = set()
        for group, name, index in groups:
            at: Loc = ("groups", index)
            if group.id in seen:
                self.add(name, (*at, "id"), f"id {group.id!r} stands twice")
            seen.add(group.id)
            self._clauses(standard, group, name, at)
            for number, requirement in enumerate(group.requirements):
                here = (*at, "requirements", number)
                if requirement.id in seen:
                    self.add(name, (*here, "id"), f"id {requirement.id!r} stands twice")
                seen.add(requirement.id)
                self._requirement(standard, group, requirement, checks, name, here)

    def _requirement(
        self,
        standard: Standard,
        group: Group,
        requirement: Requirement,
        checks: dict[str, tuple[Check, str, int]],
        name: str,
        at: Loc,
    ) -> None:
        for level in requirement.levels:
            if level not in standard.levels:
                self.add(name, (*at, "levels"), f"{requirement.id}: level {level} is not one of the standard's")
            if group.clauses and level not in group.clauses:
                self.add(name, (*at, "levels"), f"{requirement.id}: the group has no clause at level {level}")
        if requirement.coverage in ("automated", "partial") and not requirement.checks:
            self.add(name, (*at, "coverage"), f"{requirement.id}: {requirement.coverage}, but names no check")
        if requirement.coverage in ("manual", "not_yet") and requirement.checks:
            self.add(name, (*at, "coverage"), f"{requirement.id}: names checks, so its coverage is automated or partial")
        if requirement.coverage != "automated" and requirement.guidance is None:
            self.add(name, at, f"{requirement.id}: guidance is needed for what no machine decides")
        if requirement.clauses and set(requirement.clauses) != set(requirement.levels):
            self.add(
                name, (*at, "clauses"), f"{requirement.id}: clauses of its own are given for each of its levels, and no other"
            )
        for check_id, levels in requirement.only_at.items():
            if check_id not in requirement.checks or not set(levels) < set(requirement.levels):
                message = f"{requirement.id}: {check_id} is one of its checks, asked at some of its levels"
                self.add(name, (*at, "only_at", check_id), message)
        self._clauses(standard, requirement, name, at)
        self._exceptions(requirement, name, (*at, "exceptions"))
        for param, spec in requirement.params.items():
            self._param(requirement, param, spec, name, (*at, "params", param))
        for check_id in requirement.checks:
            if check_id not in checks:
                self.add(name, (*at, "checks"), f"{requirement.id}: unknown check {check_id!r}{retired.way_out(check_id)}")
                continue
            self._bound(requirement, checks[check_id][0], name, (*at, "checks"))

    def _param(self, requirement: Requirement, param: str, spec: Param, name: str, at: Loc) -> None:
        for level in requirement.levels:
            if level not in spec.levels:
                self.add(name, at, f"{requirement.id}: parameter {param} has no value for level {level}")
        values = [spec.levels[level] for level in sorted(requirement.levels) if level in spec.levels]
        if problem := _misfit(spec, values):
            self.add(name, at, f"{requirement.id}: parameter {param} {problem}")

    def _clauses(self, standard: Standard, cited: Group | Requirement, name: str, at: Loc) -> None:
        for level, clause in cited.clauses.items():
            chapter = standard.chapters.get(level)
            if chapter is not None and clause and clause != chapter and not clause.startswith(f"{chapter}."):
                message = f"{cited.id}: the standard has no clause {clause!r} at level {level}: there they begin with {chapter}."
                self.add(name, (*at, "clauses", level), message)

    def _exceptions(self, requirement: Requirement, name: str, at: Loc) -> None:
        met: set[tuple[str, str]] = set()
        spoken_of = requirement.kinds or (Kind.SYSTEM,)  # one of the organisation is excepted for the system as a whole
        for index, excepted in enumerate(requirement.exceptions):
            for kind in excepted.kinds:
                if kind not in spoken_of:
                    self.add(
                        name, (*at, index, "kinds"), f"{requirement.id} does not speak of the kind {kind}: nothing to except"
                    )
            pairs = {(str(kind), str(platform)) for kind in excepted.kinds for platform in excepted.platforms or ("",)}
            if met & pairs:
                self.add(name, (*at, index), f"{requirement.id}: the same assets are excepted twice")
            met |= pairs
            if requirement.coverage == "automated" and not excepted.platforms:
                message = f"{requirement.id}: automated, yet an exception speaks of every platform; name them, or call it partial"
                self.add(name, (*at, index), message)

    def _bound(self, requirement: Requirement, check: Check, name: str, at: Loc) -> None:
        if requirement.kinds and not set(check.kinds) & set(requirement.kinds):
            self.add(name, at, f"{requirement.id}: {check.id} looks at no kind of asset the requirement speaks of")
        for level in requirement.only_at.get(check.id, requirement.levels):
            compiler = Compiler(
                params={param: spec.levels[level] for param, spec in requirement.params.items() if level in spec.levels}
            )
            compiler.rule(check.assert_)
            if check.provided is not None:
                compiler.rule(check.provided)
            if any(compiler.params[used] == [] for used in compiler.used if used in compiler.params):  # type: ignore[index,operator]
                continue  # asked only once the customer names something
            for mistake in compiler.mistakes:
                self.add(name, at, f"{requirement.id} at level {level}: {check.id}: {mistake}")


def _misfit(spec: Param, values: list[Any]) -> str | None:
    """Why these values, from the lowest level to the highest, do not fit what the parameter says of itself; None when they do."""
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    lists = [value for value in values if isinstance(value, list)]
    if spec.stricter is None:
        return "is a number or a list, so it says which way is stricter" if numbers or lists else None
    if spec.unit is None:
        return "has a stricter direction, so it names its unit"
    if spec.stricter in ("lower", "higher"):
        if len(numbers) < len(values):
            return "has a stricter direction, so its values are whole numbers"
        return "becomes looser at a higher level" if numbers != sorted(numbers, reverse=spec.stricter == "lower") else None
    if len(lists) < len(values) or any(not isinstance(item, str) for value in lists for item in value):
        return f"is stricter by {spec.stricter}, so its values are lists of words"
    if any(not value for value in lists) and spec.origin != "customer":
        return "is empty at a level, so only the customer can say it: its origin is customer"
    if spec.stricter == "replace":
        return "is replaced by the customer's list, so it is empty and its origin is customer" if any(lists) else None
    for lower, higher in pairwise(lists):
        if lower and not (set(higher) <= set(lower) if spec.stricter == "subset" else set(lower) <= set(higher)):
            return "becomes looser at a higher level"
    return None


def main(packs: list[str]) -> int:
    """Validate packs (all built-in ones by default), examples included; 0 when they are sound."""
    status = 0
    for pack in packs or builtin():
        try:
            baseline = load(pack)
            mistakes = check_examples(baseline)
        except BaselineError as error:
            mistakes = list(error.mistakes)
        for mistake in mistakes:
            print(mistake)  # noqa: T201
        status |= bool(mistakes)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
