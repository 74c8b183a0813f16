"""Samples of tests/, and the small things every reader of them needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bench.fuzz.engine import Parser, Sample
from collectors.centre import CentreKeys

TESTS = Path(__file__).parents[2] / "tests"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = bytes(range(32))
"""Of nobody."""
KEYS = CentreKeys(KEY, KEY[::-1])


def text(sample: Sample) -> str:
    return sample.raw.decode("utf-8", "replace")


def files(pattern: str) -> list[Sample]:
    found = [Sample(path.read_bytes(), path.name) for path in sorted(TESTS.glob(pattern)) if path.is_file()]
    assert found, pattern
    return found


def parser(
    name: str, eats: Callable[[Sample], object], *allowed: type[Exception], corpus: Callable[[], Sequence[Sample]]
) -> Parser:
    return Parser(name, eats, allowed, cache(corpus))


def document_of(sample: Sample) -> Any:
    """JSON as the agent's client reads it. What is none is refused there."""
    try:
        return json.loads(sample.raw)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
