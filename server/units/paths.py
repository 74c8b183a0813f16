"""Paths of the tree in queries: the lookup `under`, a range of the path's own index on both databases.

LIKE would do on neither: SQLite's does not use an index (it heeds no case), and PostgreSQL's only for a pattern it knows when
it plans.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler

Compiled = tuple[str, tuple[Any, ...]]


class Range(Lookup):
    """From one text on and before another, compared byte by byte, whatever the language; a class below says which two."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        return self._range(compiler, connection, ">=", "<")

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        """The operators of varchar_pattern_ops, which Django's second index on the column was made with."""
        return self._range(compiler, connection, "~>=~", "~<~")

    def _range(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, least: str, less: str) -> Compiled:
        column, params = self.process_lhs(compiler, connection)
        first, after = self.rhs
        return f"({column} {least} %s AND {column} {less} %s)", (*params, first, *params, after)


@CharField.register_lookup
class Under(Range):
    """`path__under="/1/4/"`: that unit and every one below."""

    lookup_name = "under"

    def get_prep_lookup(self) -> tuple[str, str]:
        return span(self.rhs)


def span(path: str) -> tuple[str, str]:
    """The paths from `path` on and before the answer lie under it: `0` follows `/`."""
    if not path.endswith("/"):
        raise ValueError(f"{path} is no path of a unit")
    return path, path[:-1] + "0"


def outermost(paths: Iterable[str]) -> list[str]:
    """Without those that lie under another one."""
    found: list[str] = []
    for path in sorted(set(paths)):
        if not found or not path.startswith(found[-1]):
            found.append(path)
    return found
