"""What a list was narrowed down to, under a name. A filter is an address: whoever opens it sees what that person may see."""

from __future__ import annotations

import re
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.units.models import Unit, User
from server.units.rights import SEE
from server.units.scope import Scoped

PAGES = {"machines": _("Machines"), "work-findings": _("What fails"), "work": _("Findings to work through")}
"""Lists that filters are kept of, by the names of their addresses."""
KEY, MOST_KEYS, MOST = re.compile(r"[a-z_]{1,30}"), 20, 1000
PLACE = ("page", "since", "machine")
"""Where in a list somebody was is no part of a filter."""


class SavedFilters(Scoped["SavedFilter"]):
    """One's own, and those shared with a unit one sees, or that lies above."""

    def condition(self, user: User, action: str) -> Q:
        above = {int(part) for path in user.parts(action) for part in path.strip("/").split("/")}
        return Q(owner=user.pk) | super().condition(user, action) | Q(unit__in=above)


class SavedFilter(models.Model):
    """Belongs to the person who saved it. Shared with a unit it is offered to everybody there and below."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    name = models.CharField(max_length=100)
    page = models.CharField(max_length=30, choices=list(PAGES.items()))
    query = models.CharField(max_length=MOST, blank=True)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="filters")
    unit = models.ForeignKey(
        Unit, null=True, on_delete=models.CASCADE, related_name="+", help_text="Shared with it; null: with nobody"
    )
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[SavedFilters] = SavedFilters()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="filter_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        return reverse(self.page) + (f"?{self.query}" if self.query else "")


def kept(query: str) -> str:
    """Of an address's query what narrows the list down, always in the same order."""
    given = QueryDict(query[: 4 * MOST], mutable=True)
    wanted = sorted(name for name in given if KEY.fullmatch(name) and name not in PLACE and given[name])[:MOST_KEYS]
    found = QueryDict(mutable=True)
    for name in wanted:
        found.setlist(name, [value[:200] for value in given.getlist(name)[:MOST_KEYS]])
    text = found.urlencode()
    return text if len(text) <= MOST else ""


def may_share(user: User, action: str = SEE) -> list[Unit]:
    """The topmost units where this person may do that."""
    return list(Unit.objects.filter(path__in=user.parts(action), valid_until=None))
