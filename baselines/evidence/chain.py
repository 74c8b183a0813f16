"""The journal's chain: each row's digest is sha256 over the digest of the row before it and the row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

ROW = ("at", "action", "actor", "unit_path", "subject", "detail", "address")
"""What a digest is over, in this order."""


def digest(previous: str, row: Iterable[Any]) -> str:
    """Of a row after the row of that digest: the values of ROW, in order."""
    return hashlib.sha256(json.dumps([previous, *row], sort_keys=True).encode()).hexdigest()
