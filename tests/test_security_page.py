"""docs/security.md speaks of tests, files and protections that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from agent.service import CAPABILITIES, units

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/security.md").read_text("utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"[`( ]((?:agent|baselines|bench|collectors|deploy|docs|server|tests)/[\w/.-]+\.[a-z]+)\b", PAGE)))
PEOPLE = PAGE[PAGE.index("## Stolen from the edge") : PAGE.index("## Headers, cookies, forms")]


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def rows(text: str) -> list[list[str]]:
    """Cells of its tables, without headings."""
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|---") and not after.startswith("|---"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_it_names_is_there(file: str, name: str) -> None:
    assert name in named_in(file), f"{file} has no {name}"


@pytest.mark.parametrize("file", FILES)
def test_a_file_it_names_is_there(file: str) -> None:
    assert (ROOT / file).is_file()


def test_every_row_says_what_shows_it() -> None:
    found = rows(PEOPLE)
    assert len(found) > 50
    for cells in found:
        assert len(cells) == 4, cells
        assert "`tests/" in cells[3] or cells[3].startswith("not covered"), cells


def test_nobody_asked_for_is_left_out() -> None:
    first = " ".join(cells[0] for cells in rows(PEOPLE))
    for word in (
        "host's key", "relay", "scan station", "database", "backup", "feed stick", "enrolment token", "program's key", "session", "evidence key",
        "viewer", "operator", "administrator of a unit", "between agent and collector", "device", "CSV or XLSX", "letter", "template", "bundle handed",
    ):  # fmt: skip
        assert word in first, word


def test_the_tables_of_the_unit_are_the_unit() -> None:
    service = units("/usr/bin/rasoat", Path("/var/lib/rasoat"))["rasoat.service"].partition("[Service]")[2]
    written = {line for line in service.splitlines() if "=" in line and not line.startswith(("#", "ExecStart="))}
    table = PAGE[PAGE.index("## What the agent's service may do") :]
    told = {cells[0].strip("`") for cells in rows(table)}
    capabilities = {word for word in told if word.startswith("CAP_")}
    assert capabilities == set(CAPABILITIES.split())
    for line in written:
        name = line.partition("=")[0]
        assert line in told or (name in ("CapabilityBoundingSet", "ReadWritePaths") and name in told), line
    assert {word.partition("=")[0] for word in told - capabilities} == {line.partition("=")[0] for line in written}
