"""What two spellings of a word have in common: no marks, no capitals, whatever form of Unicode they came in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler

LONGEST, MOST = 40, 24
"""Of a word, and of the words of one thing."""
_WORD = re.compile(r"[^\W_]+")
_LAST = "\U0010ffff"
Compiled = tuple[str, tuple[Any, ...]]


def fold(text: str) -> str:
    """`Đà Nẵng`, composed or decomposed, is `da nang`. The letter đ is one of its own and has no mark to take away."""
    parts = unicodedata.normalize("NFKD", text.replace("\x00", " ").casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter)).replace("đ", "d")


def words(text: str) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(fold(text))))


def told(texts: Iterable[str]) -> list[str]:
    """The words a thing is found by. What is written together by some and apart by others (`pc-12`, `pc12`) is found both ways."""
    found: dict[str, None] = {}
    for text in texts:
        parts = words(text)
        found.update(dict.fromkeys(parts))
        if 1 < len(parts) < 5 and " " not in text.strip():
            found["".join(parts)[:LONGEST]] = None
    return list(found)[:MOST]


@CharField.register_lookup
class Begins(Lookup):
    """`word__begins="da"`: a range of the column's own index on both databases, as `under` is of paths (server/units/paths.py)."""

    lookup_name = "begins"

    def get_prep_lookup(self) -> tuple[str, str]:
        return self.rhs, self.rhs + _LAST

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        return self._range(compiler, connection, ">=", "<")

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        return self._range(compiler, connection, "~>=~", "~<~")

    def _range(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, least: str, less: str) -> Compiled:
        column, params = self.process_lhs(compiler, connection)
        first, after = self.rhs
        return f"({column} {least} %s AND {column} {less} %s)", (*params, first, *params, after)
