"""What others put to a bundle: a time stamp on its seal, where settings.toml names an authority; a signature on PDFs."""

from __future__ import annotations

from collections.abc import Iterator


class NoStamp(ValueError):
    """The authority that settings.toml names gave no time stamp. A bundle without one would say less than was asked for."""


def stamp(signature: bytes) -> Iterator[tuple[str, bytes]]:
    """Members to add: (name, content)."""
    yield from ()


def signed_pdf(name: str, content: bytes) -> tuple[bytes, bool]:
    """The report, and whether it was signed."""
    return content, False
