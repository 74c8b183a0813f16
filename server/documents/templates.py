"""Files a paper is made from: those that ship with rasoat, each replaced by one of the same name in the data directory."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

HERE = Path(__file__).parent
FONTS = HERE / "fonts"
FOLDER = "documents"
"""Of the data directory: what lies there goes before what ships."""


class TemplateError(ValueError):
    """A template, or a file of texts, that no paper can be made from. Says the file and the place in it."""


def find(name: str) -> Path:
    """The file in force."""
    own: Path = settings.DATA.root / FOLDER / name
    return own if own.is_file() else HERE / ("texts" if name.endswith(".yaml") else "templates") / name


def shipped(name: str) -> Path:
    return HERE / ("texts" if name.endswith(".yaml") else "templates") / name
