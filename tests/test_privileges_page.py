"""docs/privileges.md has a row for every fact of Linux, and a fact that asks anything as root says so there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from agent.service import CAPABILITIES
from collectors.catalog import CATALOG, LINUX
from scripts.commands_page import _asked
from tests.test_security_page import rows

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/privileges.md").read_text("utf-8")
SECURITY = (ROOT / "docs/security.md").read_text("utf-8")
ROWS = {cells[0].strip("`"): cells[1:] for cells in rows(PAGE) if len(cells) == 5}
FACTS = sorted({fact for fact, platforms, _ask in CATALOG if set(platforms) & set(LINUX)})


def asked_of(fact: str) -> set[str]:
    """What the code of a fact asks as root, in its own file and in those of linux/ that it uses."""
    todo, seen = [ROOT / f"collectors/facts/{fact}.py"], set[Path]()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("collectors.linux"):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                todo += [file for name in names if (file := ROOT / f"{name.replace('.', '/')}.py").is_file()]
    return {what for path in seen for _verb, what, root in _asked(path) if root}


def test_every_fact_of_linux_has_a_row_and_nothing_else() -> None:
    assert sorted(ROWS) == FACTS
    assert len(FACTS) > 20


@pytest.mark.parametrize("fact", FACTS)
def test_what_is_asked_as_root_is_said(fact: str) -> None:
    _sees, root, capability, without = ROWS[fact]
    assert (root == "no") == (not asked_of(fact)), sorted(asked_of(fact))
    assert (capability == "–") == (root == "no")
    assert without


def test_every_capability_of_the_unit_is_needed_by_a_fact_and_no_other_is_named() -> None:
    named = {word.strip("` ") for cells in ROWS.values() for word in cells[2].split(",")} - {"–"}
    assert named == set(CAPABILITIES.split())


def test_both_pages_give_a_capability_to_the_same_facts() -> None:
    table = {cells[0].strip("`"): cells[1] for cells in rows(SECURITY[SECURITY.index("| capability | needed for |") :])}
    for capability in CAPABILITIES.split():
        facts = {fact for fact, cells in ROWS.items() if capability in cells[2]}
        if "the same" not in table[capability]:
            told = {word for word in table[capability].split("`")[1::2] if word in FACTS}
            assert told <= facts, capability
