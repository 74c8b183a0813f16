"""What a page of a campaign is asked for: a part of the tree, a state, a name."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from server.campaigns.account import Account
from server.campaigns.models import PLACES, SCOPE, Part, Row
from server.campaigns.states import STATES


def part_of(account: Account, request: HttpRequest) -> Part | None:
    """The part named by `part`; without one the only one there is to begin with, or None for several. Raises Http404."""
    word = request.GET.get("part", "")
    if not word:
        tops = account.tops()
        return tops[0] if len(tops) == 1 else None
    found = account.by_pk.get(int(word)) if word.isascii() and word.isdecimal() and len(word) < 19 else None
    if found is None:
        raise Http404
    return found


def asked(request: HttpRequest) -> tuple[str, str, str]:
    """(place, state, part of a name) by `place`, `state` and `q`; a word nobody knows is as none."""
    place = request.GET.get("place", "")
    place = place if place in dict(PLACES) else SCOPE
    state = request.GET.get("state", "")
    return place, state if state in STATES and place == SCOPE else "", request.GET.get("q", "").strip()[:200]


def asked_rows(account: Account, part: Part | None, request: HttpRequest) -> QuerySet[Row]:
    """In the order of pages."""
    place, state, name = asked(request)
    rows = account.under(part, place)
    if state:
        rows = rows.filter(state=state)
    if name:
        rows = rows.filter(name__icontains=name)
    return rows.order_by("part__path", "name", "pk")
