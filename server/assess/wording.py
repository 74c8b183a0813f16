"""Values, comparisons and names of facts in words a reader understands, in the language of the page."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from baselines.model import Text

VERDICTS = {
    "fail": _("Fail"),
    "unknown": _("Unknown"),
    "pass": _("Pass"),
    "manual": _("For a person"),
    "not_applicable": _("Not applicable"),
}
SEVERITIES = {"critical": _("critical"), "high": _("high"), "medium": _("medium"), "low": _("low")}
OUTCOMES = {
    "seen": _("seen"),
    "denied": _("access denied"),
    "unreachable": _("no answer"),
    "unsupported": _("this system cannot be asked"),
    "unparsable": _("the answer was not understood"),
    "bug": _("a bug in rasoat"),
}
COVERAGES = {
    "automated": _("decided by machine"),
    "partial": _("partly by machine, partly by a person"),
    "manual": _("decided by a person"),
    "not_yet": _("not yet covered by a check: a person decides until then"),
}
_REASONS = (
    gettext_noop("rows looked at"),
    gettext_noop("rows looked at, none fits"),
    gettext_noop("more rows like these"),
    gettext_noop("not seen"),
    gettext_noop("not collected"),
    gettext_noop("dated in the future"),
    gettext_noop("a pass counts only where this holds"),
    gettext_noop("answered at the centre, from data of publishers that only it has"),
)
_WANTED = {
    "ne": _("anything but %s"),
    "in": _("one of: %s"),
    "not_in": _("none of: %s"),
    "at_least": _("at least %s"),
    "at_most": _("at most %s"),
    "matches": _("text of the form %s"),
    "within_days": _("not older than %s days"),
    "older_than": _("older than %s days"),
    "days_ahead": _("at least %s days ahead"),
    "version_at_least": _("version %s or newer"),
    "contains": _("contains %s"),
    "cidr_in": _("inside %s"),
}
_ROWS = {
    "every": _("holds for every entry"),
    "some": _("at least one entry of this kind"),
    "none": _("no entry of this kind"),
}


def text(both: Text | None) -> str:
    """A pack's text in the language of the page."""
    if both is None:
        return ""
    return both.en if get_language() == "en" else both.vi


def value(given: Any) -> str:
    """A value as people read it."""
    if given is None:
        return gettext("not seen")
    if isinstance(given, bool):
        return gettext("yes") if given else gettext("no")
    if given == "unlimited":
        return gettext("no limit")
    if given == "never":
        return gettext("never")
    if isinstance(given, dict):
        return ", ".join(f"{label(str(key))}: {value(part)}" for key, part in given.items())
    if isinstance(given, (list, tuple)):
        return ", ".join(map(value, given)) if given else gettext("nothing")
    if isinstance(given, str):
        return moment(given) or given
    return json.dumps(given, ensure_ascii=False)


def moment(given: str) -> str | None:
    """A date or time in ISO form, as the page writes it; None when it is neither."""
    if not given[:4].isdigit() or given[4:5] != "-":
        return None
    try:
        if len(given) == 10:
            day = parse_date(given)
            return date_format(day) if day else None
        at = parse_datetime(given)
    except ValueError:
        return None
    return date_format(localtime(at), "DATETIME_FORMAT") if at and at.tzinfo else None


def wanted(op: str, expected: Any) -> str:
    """What the baseline asks."""
    if op.startswith("not "):
        return gettext("not: %s") % wanted(op[4:], expected)
    if op in _ROWS:
        return str(_ROWS[op])
    if op == "is_empty":
        return gettext("nothing") if expected in (True, None) else gettext("at least one")
    return str(_WANTED[op]) % value(expected) if op in _WANTED else value(expected)


def reason(words: str) -> str:
    """Why something is unknown. The outcome in front and fixed phrases are translated; what the machine said is not."""
    outcome, colon, rest = words.partition(": ")
    if colon and outcome in OUTCOMES:
        return f"{OUTCOMES[outcome]}: {rest}"
    return gettext(words) if words in _REASONS else words


def label(name: str, fact: str = "") -> str:
    """What people call a field; its own name when nobody has said."""
    names = labels()["fields"]
    pair = names.get(f"{fact}.{name}") or names.get(name)
    return str(pair[_index()]) if pair else name


def fact_title(fact: str) -> str:
    """What people call a fact."""
    pair = labels()["facts"].get(fact)
    return str(pair[_index()]) if pair else fact


def _index() -> int:
    return 1 if get_language() == "en" else 0


@cache
def labels() -> dict[str, dict[str, list[str]]]:
    """labels.yaml: `facts` and `fields`, each name -> [vi, en]; `fact.field` goes before `field`."""
    loaded: dict[str, dict[str, list[str]]] = yaml.safe_load(files("server.assess").joinpath("labels.yaml").read_text("utf-8"))
    return loaded
