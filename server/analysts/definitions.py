"""What the views are: views.yaml, put into the SQL of either database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from server.findings.codes import CAUSES, KIND_WORDS, SEVERITY_WORDS, WORDS

SCHEMA, PREFIX = "rasoat_views", "rasoat_"
"""Where they are: a schema on PostgreSQL; SQLite has none, so the name begins with it."""


@dataclass(frozen=True)
class View:
    """One of them. SQL in it may hold {verdict:column}, {severity:...}, {kind:...}, {cause:...} and {day_ago}, {week_ago}."""

    name: str
    about: str
    rows: str
    columns: dict[str, tuple[str, str]]
    """Name -> (SQL, what it says)."""

    def select(self, vendor: str) -> str:
        asked = ",\n  ".join(f"{sql} AS {name}" for name, (sql, _about) in self.columns.items())
        return f"SELECT\n  {asked}\n{self.rows.strip()}".format_map(_spoken(vendor))

    def full_name(self, vendor: str) -> str:
        return f"{SCHEMA}.{self.name}" if vendor == "postgresql" else f"{PREFIX}{self.name}"


class _Words:
    """{verdict:s.verdict} becomes a CASE that gives the word for the number."""

    def __init__(self, words: Mapping[int, str]) -> None:
        self._words = words

    def __format__(self, column: str) -> str:
        cases = " ".join(f"WHEN {number} THEN '{word}'" for number, word in self._words.items())
        return f"CASE {column} {cases} END"


def _spoken(vendor: str) -> dict[str, Any]:
    if vendor == "postgresql":
        ago = {f"{word}_ago": f"now() - interval '1 {word}'" for word in ("day", "week")}
    else:  # as Django writes times there: text, UTC, which sorts as they do
        ago = {f"{word}_ago": f"datetime('now', '-{days} days')" for word, days in (("day", 1), ("week", 7))}
    words = {"verdict": WORDS, "severity": SEVERITY_WORDS, "kind": KIND_WORDS, "cause": CAUSES}
    return {**ago, **{name: _Words(found) for name, found in words.items()}}


@cache
def views() -> tuple[View, ...]:
    """In the order in which they are made."""
    found = yaml.safe_load(files("server.analysts").joinpath("views.yaml").read_text("utf-8"))
    return tuple(
        View(name, " ".join(said["about"].split()), said["rows"], {column: (str(sql), str(about)) for column, (sql, about) in said["columns"].items()})
        for name, said in found.items()
    )  # fmt: skip


def digest(vendor: str) -> str:
    """Another one: the views in the database are not those of this program."""
    text = "\0".join(f"{view.full_name(vendor)}\0{view.about}\0{view.select(vendor)}\0{view.columns}" for view in views())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def page() -> Iterator[str]:
    """docs/views.md (scripts/generate_pages.py)."""
    yield files("server.analysts").joinpath("page.md").read_text("utf-8").rstrip()
    for view in views():
        yield f"\n## {view.name}\n\n{view.about}\n\n| column | says |\n|---|---|"
        yield from (f"| `{name}` | {about.replace('|', '·')} |" for name, (_sql, about) in view.columns.items())
