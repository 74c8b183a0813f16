"""The words of words.yaml: what states, standings and grounds are called, in both languages."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from baselines.model import Text
from baselines.reading import Yaml


@cache
def words() -> dict[str, dict[str, Text]]:
    """Group -> word -> what it is called."""
    text = (files("baselines.systems") / "words.yaml").read_text("utf-8")
    parsed: dict[str, dict[str, Any]] = yaml.load(text, Loader=Yaml)  # noqa: S506  (a safe loader, see reading.py)
    return {group: {name: Text.model_validate(both) for name, both in entries.items()} for group, entries in parsed.items()}


def word(group: str, name: str) -> Text:
    """What one word of a group is called."""
    return words()[group][str(name)]
