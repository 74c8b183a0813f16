"""What each paper says: one module (or folder) for each kind of kinds.py.

A paper of a unit is a function `write(of: Wanted) -> Report`. It reads only rows that `of.rows(Model)`
gives, says its sentences out of texts/<kind>.yaml, and asks people by `of.blanks` what no machine knows.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from server.documents import kinds
from server.documents.report import Report
from server.documents.wanted import Wanted

_WRITERS = {kind: f"server.documents.papers.{kind}" for kind in kinds.SPANS}


def writer(kind: str) -> Callable[[Wanted], Report]:
    """Raises KeyError."""
    found: Callable[[Wanted], Report] = import_module(_WRITERS[kind]).write
    return found
