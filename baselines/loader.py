"""Load a pack and the checks it names; report every mistake at once, each as file:line.

A pack is a folder under this package with standard.yaml and files of `groups:`; checks/*.yaml are shared by all packs.
`python -m baselines.loader [PACK...]` validates from the shell.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from baselines.compiler import Compiler
from baselines.model import Baseline, Check, Group, Param, Requirement, Standard

MAX_BYTES = 2 * 1024 * 1024
CHECKS = "checks/"
Loc = tuple[str | int, ...]


class Mistake(NamedTuple):
    """What is wrong, and where."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BaselineError(ValueError):
    """A pack that cannot be used. `mistakes` holds all of them."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


class _Yaml(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without its traps: only true/false, null and plain decimal integers are not text (`no`, `1.10`, `08` stay text)."""


_Yaml.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^(?:0|-?[1-9][0-9]*)$", "-0123456789"),
):
    _Yaml.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def builtin() -> tuple[str, ...]:
    """Ids of the packs that ship with rasoat."""
    here = package_files("baselines")
    return tuple(sorted(entry.name for entry in here.iterdir() if entry.is_dir() and (entry / "standard.yaml").is_file()))


def load(pack: str | Path) -> Baseline:
    """A pack by id, or from a directory that holds <pack>/standard.yaml and checks/ (as `Baseline.files` names them).

    Raises BaselineError; FileNotFoundError, with the ids that exist, when there is no such pack.
    """
    if isinstance(pack, str) and pack in builtin():
        return load_texts(_texts(Path(str(package_files("baselines"))), pack))
    folder = Path(pack)
    if (folder / "standard.yaml").is_file():
        return load_texts(_texts(folder.resolve().parent, folder.resolve().name))
    heads = sorted(folder.glob("*/standard.yaml")) if folder.is_dir() else []
    if len(heads) == 1:
        return load_texts(_texts(folder, heads[0].parent.name))
    raise FileNotFoundError(f"no baseline {str(pack)!r}; there are: {', '.join(builtin())}, or give the folder of a pack")


def _texts(root: Path, pack: str) -> dict[str, str]:
    checks = root / "checks"
    if not checks.is_dir():
        checks = Path(str(package_files("baselines"))) / "checks"
    found = {f"{pack}/{path.name}": path for path in sorted((root / pack).glob("*.yaml"))}
    found |= {f"{CHECKS}{path.name}": path for path in sorted(checks.glob("*.yaml"))}
    mistakes, texts = [], {}
    for name, path in found.items():
        try:
            texts[name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(name, 1, f"cannot be read: {error}"))
    if mistakes:
        raise BaselineError(mistakes)
    return texts


def load_texts(texts: Mapping[str, str]) -> Baseline:
    """A pack from its texts by name: <pack>/<file>.yaml and checks/<fact>.yaml. Raises BaselineError."""
    return _Loading(texts).baseline()


def digest_of(texts: Mapping[str, str]) -> str:
    """sha256 over names and texts."""
    total = hashlib.sha256()
    for name in sorted(texts):
        total.update(f"{name}\n{len(texts[name].encode())}\n".encode())
        total.update(texts[name].encode())
    return total.hexdigest()


def check_examples(baseline: Baseline) -> list[Mistake]:
    """Examples that do not come out as they say; [] for a pack whose rules are what their authors believe."""
    from baselines.evaluate import try_example

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


@dataclass
class _Loading:
    """One load: gathers mistakes with their places."""

    texts: Mapping[str, str]

    def __post_init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._nodes: dict[str, Any] = {}

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

    # reading -------------------------------------------------------------------------------------------------------

    def parsed(self, name: str, text: str) -> Any:
        """The document, or None after a mistake."""
        if len(text) > MAX_BYTES:
            self._add(name, (), f"larger than {MAX_BYTES >> 20} MiB")
            return None
        try:
            if ("&" in text or "*" in text) and any(
                isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Yaml)
            ):
                self._add(name, (), "aliases (*name) are not used in packs: write the value out")
                return None
            loader = _Yaml(text)
            try:
                node = loader.get_single_node()
                if node is None:
                    return None
                if not self._plain(name, node):
                    return None
                return loader.construct_document(node)
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.mistakes.append(Mistake(name, mark.line + 1 if mark else 1, f"not YAML: {getattr(error, 'problem', error)}"))
        except RecursionError:
            self._add(name, (), "nested too deeply")
        return None

    def _plain(self, name: str, node: Any) -> bool:
        """False, and noted, when a node stands in two places (an alias: that is how YAML bombs multiply)."""
        todo, met = [node], {id(node)}
        while todo:
            here = todo.pop()
            if isinstance(here, yaml.MappingNode):
                keys = set()
                for key, _ in here.value:
                    if key.value in keys:
                        self.mistakes.append(Mistake(name, key.start_mark.line + 1, f"{key.value!r} stands twice in one mapping"))
                    keys.add(key.value)
                inside = [value for _, value in here.value]
            else:
                inside = here.value if isinstance(here, yaml.SequenceNode) else []
            for part in inside:
                if id(part) in met:
                    self.mistakes.append(
                        Mistake(name, part.start_mark.line + 1, "aliases (*name) are not used in packs: write the value out")
                    )
                    return False
                met.add(id(part))
                todo.append(part)
        return True

    def _checks(self) -> dict[str, tuple[Check, str, int]]:
        found: dict[str, tuple[Check, str, int]] = {}
        for name, text in self.texts.items():
            if not name.startswith(CHECKS):
                continue
            for index, item in enumerate(self._list(name, self.parsed(name, text))):
                check = self._valid(Check, name, item, (index,))
                if check is None:
                    continue
                if check.id in found:
                    self._add(name, (index, "id"), f"check {check.id!r} exists already in {found[check.id][1]}")
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
                standard = self._valid(Standard, name, parsed, ())
                continue
            if not isinstance(parsed, dict) or set(parsed) != {"groups"}:
                self._add(name, (), "a file of a pack holds `groups:` and nothing else")
                continue
            for index, item in enumerate(self._list(name, parsed["groups"])):
                group = self._valid(Group, name, item, ("groups", index))
                if group is not None:
                    groups.append((group, name, index))
        return standard, groups

    def _list(self, name: str, parsed: Any) -> list[Any]:
        if isinstance(parsed, list):
            return parsed
        if parsed is not None:
            self._add(name, (), "expected a list")
        return []

    def _valid(self, cls: Any, name: str, item: Any, at: Loc) -> Any:
        try:
            return cls.model_validate(item)
        except ValidationError as error:
            for problem in error.errors():
                loc = tuple("assert" if part == "assert_" else part for part in problem["loc"])
                where = ".".join(map(str, loc))
                self._add(name, (*at, *loc), f"{where}: {problem['msg']}" if where else problem["msg"])
            return None

    # relations -----------------------------------------------------------------------------------------------------

    def _compiles(self, check: Check, name: str, index: int) -> None:
        for part, node in (("assert", check.assert_), ("provided", check.provided)):
            if node is not None:
                compiler = Compiler(params=None)
                compiler.rule(node)
                for mistake in compiler.mistakes:
                    self._add(name, (index, part, *mistake.path), f"{check.id}: {mistake}")

    def _examples(self, check: Check, name: str, index: int) -> None:
        verdicts = {example.verdict for example in check.examples}
        for wanted in ("pass", "fail", "unknown"):
            if wanted not in verdicts:
                self._add(name, (index, "examples"), f"{check.id}: no example of {wanted}")

    def _relate(
        self, standard: Standard, groups: list[tuple[Group, str, int]], checks: dict[str, tuple[Check, str, int]]
    ) -> None:
        seen: set[str] = set()
        for group, name, index in groups:
            at: Loc = ("groups", index)
            if group.id in seen:
                self._add(name, (*at, "id"), f"id {group.id!r} stands twice")
            seen.add(group.id)
            for number, requirement in enumerate(group.requirements):
                here = (*at, "requirements", number)
                if requirement.id in seen:
                    self._add(name, (*here, "id"), f"id {requirement.id!r} stands twice")
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
                self._add(name, (*at, "levels"), f"{requirement.id}: level {level} is not one of the standard's")
            if group.clauses and level not in group.clauses:
                self._add(name, (*at, "levels"), f"{requirement.id}: the group has no clause at level {level}")
        if requirement.coverage in ("automated", "partial") and not requirement.checks:
            self._add(name, (*at, "coverage"), f"{requirement.id}: {requirement.coverage}, but names no check")
        if requirement.coverage in ("manual", "not_yet") and requirement.checks:
            self._add(name, (*at, "coverage"), f"{requirement.id}: names checks, so its coverage is automated or partial")
        if requirement.coverage != "automated" and requirement.guidance is None:
            self._add(name, at, f"{requirement.id}: guidance is needed for what no machine decides")
        for param, spec in requirement.params.items():
            self._param(requirement, param, spec, name, (*at, "params", param))
        for check_id in requirement.checks:
            if check_id not in checks:
                self._add(name, (*at, "checks"), f"{requirement.id}: unknown check {check_id!r}")
                continue
            self._bound(requirement, checks[check_id][0], name, (*at, "checks"))

    def _param(self, requirement: Requirement, param: str, spec: Param, name: str, at: Loc) -> None:
        for level in requirement.levels:
            if level not in spec.levels:
                self._add(name, at, f"{requirement.id}: parameter {param} has no value for level {level}")
        if spec.stricter is None:
            return
        values = [spec.levels[level] for level in sorted(requirement.levels) if level in spec.levels]
        if any(not isinstance(value, int) or isinstance(value, bool) for value in values):
            self._add(name, at, f"{requirement.id}: parameter {param} has a stricter direction, so its values are whole numbers")
            return
        if values != sorted(values, reverse=spec.stricter == "lower"):  # type: ignore[type-var]
            self._add(name, at, f"{requirement.id}: parameter {param} becomes looser at a higher level")

    def _bound(self, requirement: Requirement, check: Check, name: str, at: Loc) -> None:
        if requirement.kinds and not set(check.kinds) & set(requirement.kinds):
            self._add(name, at, f"{requirement.id}: {check.id} looks at no kind of asset the requirement speaks of")
        for level in requirement.levels:
            compiler = Compiler(
                params={param: spec.levels[level] for param, spec in requirement.params.items() if level in spec.levels}
            )
            compiler.rule(check.assert_)
            if check.provided is not None:
                compiler.rule(check.provided)
            for mistake in compiler.mistakes:
                self._add(name, at, f"{requirement.id} at level {level}: {check.id}: {mistake}")

    # places --------------------------------------------------------------------------------------------------------

    def _add(self, name: str, loc: Loc, message: str) -> None:
        self.mistakes.append(Mistake(name, self.line(name, loc), message))

    def line(self, name: str, loc: Loc) -> int:
        """Line of the deepest part of `loc` that exists.

        The text is read once more for it: a sound pack, which is what every scan loads, need not carry its places.
        """
        if name not in self._nodes:
            try:
                self._nodes[name] = yaml.compose(self.texts.get(name, ""), Loader=_Yaml)
            except (yaml.YAMLError, RecursionError):
                self._nodes[name] = None
        node = self._nodes[name]
        line = 1
        for part in (None, *loc):
            if part is not None:
                node, mark = _step(node, part)
                if node is None:
                    break
                line = mark
            elif node is not None:
                line = node.start_mark.line + 1
        return line


def _step(node: Any, part: str | int) -> tuple[Any, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None, 0


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
