"""What rasoat rests on: pinned in constraints.txt, asked of what is installed here. Nothing is downloaded."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LICENCES = Path(__file__).with_name("licences.yaml")
SERVER = ("all", "ldap")
"""Extras of a collector with everything; a scan station's are among them."""


class Part(NamedTuple):
    """A package from elsewhere."""

    name: str
    """As package indexes write it."""
    version: str
    licence: str
    """SPDX expression."""
    requires: tuple[str, ...]
    """Names of those it needs itself."""


class Unknown(Exception):
    """Something could not be looked at; `str(error)` says what. It is never taken for nothing."""


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def pinned() -> dict[str, str]:
    """Name -> the one version. Raises ValueError for a line that pins nothing."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            pin = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;=]+)", text)
            if pin is None:
                raise ValueError(f"constraints.txt: {line}: name==version, and nothing else")
            found[canonicalize_name(pin[1])] = pin[2]
    return found


def asked_for(extras: Iterable[str] = ()) -> list[Requirement]:
    """What pyproject.toml names itself, with these extras."""
    told = project()["project"]
    lines = [*told["dependencies"]]
    for extra in extras:
        for line in told["optional-dependencies"][extra]:
            own = Requirement(line)
            lines += map(str, asked_for(sorted(own.extras))[len(told["dependencies"]) :]) if own.name == "rasoat" else [line]
    return [Requirement(line) for line in dict.fromkeys(lines)]


def of_group(name: str) -> list[Requirement]:
    """What a dependency group of pyproject.toml names, with those it includes."""
    found: list[Requirement] = []
    for line in project()["dependency-groups"][name]:
        found += [Requirement(line)] if isinstance(line, str) else of_group(line["include-group"])
    return found


def closure(wanted: Iterable[Requirement]) -> dict[str, Part]:
    """All that comes along, on a machine like this one. Raises Unknown for what is not installed here."""
    found: dict[str, Part] = {}
    todo = [(one.name, one.extras) for one in wanted if _holds(one)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, extras = todo.pop()
        key = canonicalize_name(name), frozenset(extras)
        if key in seen:
            continue
        seen.add(key)
        there = _installed(name)
        needs = [one for one in map(Requirement, there.requires or ()) if _holds(one, extras)]
        before = found[key[0]].requires if key[0] in found else ()
        names = tuple(sorted({*before, *(canonicalize_name(one.name) for one in needs)}))
        found[key[0]] = Part(key[0], there.version, licence(there), names)
        todo += [(one.name, one.extras) for one in needs]
    return dict(sorted(found.items()))


def _holds(one: Requirement, extras: Iterable[str] = ()) -> bool:
    if one.marker is None:
        return True
    here: dict[str, Any] = dict(default_environment())
    return any(one.marker.evaluate(here | {"extra": extra}) for extra in (*extras, ""))


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise Unknown(f"{name} is not installed here, so what it needs and its licence are not known") from None


@cache
def known() -> dict[str, Any]:
    """licences.yaml."""
    found: dict[str, Any] = yaml.safe_load(LICENCES.read_text("utf-8"))
    return found


def licence(there: Distribution) -> str:
    """Its SPDX expression: as it says itself, or as licences.yaml says where it does so in other words. Raises Unknown."""
    name = canonicalize_name(there.metadata["Name"])
    told = known()["packages"].get(name)
    if told:
        return _expression(told["licence"], name)
    said = there.metadata.get("License-Expression") or (there.metadata.get("License") or "").strip()
    return _expression(known()["words"].get(said, said), name)


def _expression(text: str, name: str) -> str:
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        raise Unknown(
            f"{name}: its licence is said as {text[:60]!r}: look at its text and write it into {LICENCES.name}"
        ) from None


def refused(expression: str) -> list[str]:
    """Licences of an expression that are not on our list. Of A OR B one is enough, of A AND B all are needed."""
    allowed = known()["allowed"]
    for choice in re.split(r"\s+OR\s+", expression.strip("()")):
        missing = [one for one in re.split(r"\s+AND\s+", choice.strip("()")) if one not in allowed]
        if not missing:
            return []
    return missing


def imports(folders: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """(file, top-level module) of every import in the code below these folders of the repository."""
    import ast

    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path, node.module.partition(".")[0]
