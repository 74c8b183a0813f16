"""Kinds of units and what people call them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from django.conf import settings
from django.utils.translation import get_language

_Words = dict[str, tuple[str, str]]


def kinds() -> _Words:
    """kind: (Vietnamese, English); those of the data directory beside ours. Raises ValueError for a file of another form."""
    own: Path = settings.DATA.root / "kinds.yaml"
    return _shipped() | (_read(own.read_text("utf-8"), str(own)) if own.exists() else {})


def word(kind: str) -> str:
    """The kind in the language of the page."""
    vietnamese, english = kinds().get(kind, (kind, kind))
    return vietnamese if (get_language() or "vi").startswith("vi") else english


@cache
def _shipped() -> _Words:
    return _read(files("server.units").joinpath("kinds.yaml").read_text("utf-8"), "kinds.yaml")


def _read(text: str, name: str) -> _Words:
    found = yaml.safe_load(text)
    if not isinstance(found, dict) or not all(isinstance(words, list) and len(words) == 2 for words in found.values()):
        raise ValueError(f"{name}: not of the form kind: [Vietnamese, English]")
    return {str(kind): (str(words[0]), str(words[1])) for kind, words in found.items()}
