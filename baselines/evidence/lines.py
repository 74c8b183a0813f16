"""What a check says: one line for each thing that was looked at, and the sentence for it in both languages (words.yaml)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from baselines.model import Text
from baselines.reading import Yaml

Outcome = Literal["holds", "fails", "unchecked", "note"]
"""holds · fails · unchecked: it could not be looked at, which is neither · note: nothing to hold or fail, said for the reader."""


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    outcome: Outcome
    code: str
    """A word of words.yaml."""
    about: str = ""
    """Member, machine, waiver ...: what does or does not hold."""
    detail: dict[str, Any] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The sentence."""
        whole = words("line", self.code)
        told = {name: _told(value, language) for name, value in self.detail.items()}
        template = whole.vi if language == "vi" else whole.en
        return template.format_map({"about": self.about, **told})


def holds(code: str, about: str = "", **detail: Any) -> Line:
    return Line("holds", code, about, detail)


def fails(code: str, about: str = "", **detail: Any) -> Line:
    return Line("fails", code, about, detail)


def unchecked(code: str, about: str = "", **detail: Any) -> Line:
    return Line("unchecked", code, about, detail)


def note(code: str, about: str = "", **detail: Any) -> Line:
    return Line("note", code, about, detail)


def exit_code(lines: Iterable[Line]) -> int:
    """0: all holds · 1: something does not · 3: nothing fails, but something could not be looked at."""
    outcomes = {line.outcome for line in lines}
    return 1 if "fails" in outcomes else 3 if "unchecked" in outcomes else 0


RESULTS = {0: "holds", 1: "fails", 3: "unchecked"}
"""Exit code -> what is said at the end."""


def tally(lines: Iterable[Line]) -> dict[str, int]:
    """Outcome -> how many lines."""
    counts = dict.fromkeys(("holds", "fails", "unchecked", "note"), 0)
    for line in lines:
        counts[line.outcome] += 1
    return counts


def sentence(group: str, word: str, language: str, **detail: Any) -> str:
    """A text of words.yaml that is not about a line."""
    both = words(group, word)
    template = both.vi if language == "vi" else both.en
    return template.format_map({name: _told(value, language) for name, value in detail.items()}) if detail else template


def one_line(error: Exception) -> str:
    """What it says, short."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def words(group: str, word: str) -> Text:
    """One text of words.yaml. Raises KeyError."""
    return _words()[group][word]


@cache
def _words() -> dict[str, dict[str, Text]]:
    text = (files("baselines.evidence") / "words.yaml").read_text("utf-8")
    parsed: dict[str, dict[str, Any]] = yaml.load(text, Loader=Yaml)  # noqa: S506  (a safe loader, see reading.py)
    return {group: {name: Text.model_validate(both) for name, both in entries.items()} for group, entries in parsed.items()}


def _told(value: Any, language: str) -> str:
    found = _words()["why"].get(str(value))
    return str(value) if found is None else found.vi if language == "vi" else found.en
