"""redact(text): secrets out, always on, for reasons, logs and recordings."""

from __future__ import annotations


def redact(text: str) -> str:
    raise NotImplementedError
