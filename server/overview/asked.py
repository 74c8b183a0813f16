"""What a requirement asks at each level: its clause and its values, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baselines.model import LEVELS, Baseline, Param, Requirement
from server.assess import wording
from server.overview.words import Worded

UNITS = {
    "days": _("days"),
    "months": _("months"),
    "minutes": _("minutes"),
    "seconds": _("seconds"),
    "milliseconds": _("milliseconds"),
    "hours": _("hours"),
    "tries": _("tries"),
    "characters": _("characters"),
    "classes": _("classes of characters"),
    "passwords": _("passwords"),
    "kilometres": _("kilometres"),
    "percent": _("percent"),
    "copies": _("copies"),
    "media": _("media"),
    "links": _("lines"),
    "people": _("people"),
    "layers": _("layers"),
    "zones": _("zones"),
}
SIGNS = {"lower": "≤", "higher": "≥"}
NAMED = 3
"""Words of a list that are shown."""


@dataclass
class Level:
    """A requirement at one level."""

    number: int
    asked: bool
    clause: str = ""
    values: tuple[str, ...] = ()


def cells(pack: Baseline, requirement: Requirement) -> list[Level]:
    """Of each level. A level that does not ask is no level that asks for nothing: it says so."""
    found = []
    for level in LEVELS:
        if level not in requirement.levels:
            found.append(Level(level, False))
            continue
        told = (said(param, level) for param in requirement.params.values())
        found.append(Level(level, True, pack.clause(requirement.id, level), tuple(text for text in told if text)))
    return found


def levels(words: Worded) -> list[Level]:
    """The same of a rule; nothing of a pack that is no longer here."""
    if words.pack is None or words.requirement is None:
        return []
    only = words.requirement.only_at.get(words.rule.check_id, words.requirement.levels)
    return [cell if cell.number in only else Level(cell.number, False) for cell in cells(words.pack, words.requirement)]


def said(param: Param, level: int) -> str:
    """A value as people read it; empty where it is for the customer to say, and nobody has."""
    given: Any = param.levels.get(level)
    if given is None or given == []:
        return ""
    if isinstance(given, list):
        more = f" … (+{len(given) - NAMED})" if len(given) > NAMED else ""
        return ", ".join(wording.value(one) for one in given[:NAMED]) + more
    unit = str(UNITS.get(param.unit or "", ""))
    if isinstance(given, bool) or not isinstance(given, int | float):
        return wording.value(given)
    return " ".join(filter(None, (SIGNS.get(param.stricter or "", ""), wording.value(given), unit)))


def origin(pack: Baseline) -> str:
    """What the values are, for the head of the page."""
    return gettext("%(edition)s, pack %(version)s") % {"edition": pack.standard.edition, "version": pack.version}
