"""Which assignments a list is asked for, and what its rows show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.assess import wording
from server.assignments.looking import Seen
from server.assignments.models import CHOSEN, ENDED, PASSED, STATES, Assignment, overdue
from server.findings.codes import SEVERITIES, SEVERITY_WORDS, WORDS
from server.units.models import Unit, User
from server.waivers.asking import titles

WHOSE = {"mine": _("mine"), "nobody": _("nobody's"), "": _("everybody's")}
OVERDUE, SHUT = "overdue", "closed"
SHOWN = {
    "": _("all open ones"),
    OVERDUE: _("overdue"),
    **{word: title for word, title in STATES if word in CHOSEN},
    SHUT: _("closed or ended"),
}
DUE_SOON = 7


@dataclass(frozen=True)
class Asked:
    """What a page, a file or a saved filter asks for; words nobody knows are left out."""

    whose: str = ""
    state: str = ""
    severity: str = ""
    unit: int = 0
    owner: int = 0
    q: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        whose, state, severity = given.get("whose", ""), given.get("state", ""), given.get("severity", "")
        return cls(
            whose if whose in WHOSE else "", state if state in SHOWN else "", severity if severity in SEVERITIES else "",
            _number(given.get("unit", "")), _number(given.get("owner", "")), given.get("q", "").strip()[:200],
        )  # fmt: skip


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def rows(user: User, asked: Asked, unit: Unit | None, today: date) -> QuerySet[Assignment]:
    """Of this person's part of the tree, what is due first before what has no day, and the graver first."""
    found = Assignment.objects.visible_to(user)
    if unit is not None:
        found = found.filter(unit__path__under=unit.path)
    if asked.whose == "mine":
        found = found.filter(owner=user)
    elif asked.whose == "nobody":
        found = found.filter(owner=None)
    if asked.owner:
        found = found.filter(owner=asked.owner)
    found = found.filter(_state(asked.state, today))
    if asked.severity:
        found = found.filter(rule__severity__gte=SEVERITIES[asked.severity])
    if asked.q:
        words = Q(machine__name__icontains=asked.q) | Q(rule__check_id__icontains=asked.q) | Q(unit__name__icontains=asked.q)
        found = found.filter(words | Q(rule__requirement__icontains=asked.q))
    found = found.select_related("unit", "machine", "rule", "owner")
    if asked.state == SHUT:
        return found.order_by("-closed_at", "-pk")
    return found.order_by(F("due").asc(nulls_last=True), "-rule__severity", "pk")


def _state(word: str, today: date) -> Q:
    if word == OVERDUE:
        return overdue(today)
    if word == SHUT:
        return Q(state__in=(PASSED, ENDED))
    return Q(state=word) if word else Q(closed_at=None)


def counts(user: User, unit: Unit | None) -> dict[str, int]:
    """For the headings of the list: in one statement."""
    today = timezone.localdate()
    found = Assignment.objects.visible_to(user)
    if unit is not None:
        found = found.filter(unit__path__under=unit.path)
    here = _state("", today)
    asked = {
        "mine": here & Q(owner=user), "all": here, "overdue": _state(OVERDUE, today), "nobody": here & Q(owner=None),
        "closed": _state(SHUT, today),
    }  # fmt: skip
    return found.order_by().aggregate(**{name: Count("pk", filter=one) for name, one in asked.items()})


def due(user: User) -> tuple[int, int]:
    """Of this person's own: (overdue, due within a week). Every page asks it: one statement, by the index of owner and due day."""
    today = timezone.localdate()
    mine = Assignment.objects.visible_to(user).filter(owner=user, closed_at=None, due__lte=today + timedelta(days=DUE_SOON))
    over = Count("pk", filter=Q(due__lt=today))
    found = mine.aggregate(over=over, all=Count("pk"))
    return found["over"], found["all"] - found["over"]


def told(one: Assignment, seen: Seen | None = None) -> dict[str, Any]:
    """A row in words, for pages and files."""
    requirement, check = titles(one.rule.baseline, one.rule.requirement, one.rule.check_id)
    found: dict[str, Any] = {
        "one": one, "requirement": requirement, "check": check, "severity": SEVERITY_WORDS.get(one.rule.severity, ""),
        "severity_word": str(wording.SEVERITIES.get(SEVERITY_WORDS.get(one.rule.severity, ""), "")),
    }  # fmt: skip
    if seen is not None:
        found |= {"seen": seen, "verdict": WORDS[seen.verdict]}
    return found
