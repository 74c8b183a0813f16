"""What people see of lists and letters: where indicators were seen, what was not looked at, and what a letter leaves open."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeVar

from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from server.ingest.models import IN_SERVICE, Machine
from server.sweeps import book, rows, state
from server.sweeps.codes import CANNOT_TELL, KINDS, NEVER, STATE_TITLES, STATES, VERDICTS
from server.sweeps.models import Blocked, Concern, Item, Letter, Looked, Missing, Sheet, Sighting, Standing
from server.units.models import Unit, User
from server.web.requests import user_of
from server.web.spreadsheet import as_csv

PAGE: Final = 50
UNITS_SHOWN: Final = 200
M = TypeVar("M", bound=models.Model)


def machines_of(user: User) -> QuerySet[Machine]:
    """Machines in service that this person sees."""
    return Machine.objects.visible_to(user).filter(IN_SERVICE)


def _one(user: User, model: type[M], number: str) -> M:
    """A list or a letter: the same for everybody who sees a part of the tree at all, and for nobody else."""
    if not (number.isascii() and number.isdecimal() and len(number) < 19) or not Unit.objects.visible_to(user).exists():
        raise Http404
    return get_object_or_404(model, pk=int(number))


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Lists and letters, the newest first, with the numbers of this person's part of the tree."""
    user = user_of(request)
    mine = machines_of(user)
    anybody = Unit.objects.visible_to(user).exists()
    lists = list(Sheet.objects.all()[:PAGE]) if anybody else []
    letters = list(Letter.objects.all()[:PAGE]) if anybody else []
    counted, stands = state.numbers(mine, lists), state.letter_numbers(mine, letters)
    context = {
        "lists": [(one, counted[one.pk]) for one in lists], "letters": [(one, stands[one.pk]) for one in letters], "nav": "sweeps",
    }  # fmt: skip
    return render(request, "sweeps/overview.html", context)


@require_safe
def sheet(request: HttpRequest, sheet: str) -> HttpResponse:
    """One list: where it was seen, which machines do not show it, and of which it is not known."""
    user = user_of(request)
    found = _one(user, Sheet, sheet)
    verdict = request.GET.get("verdict", "")
    mine = machines_of(user)
    judged = state.judged(mine, found)
    context: dict[str, Any] = {
        "sheet": found, "numbers": state.numbers(mine, [found])[found.pk], "verdict": verdict, "verdicts": VERDICTS, "nav": "sweeps",
        "blocked": Blocked.objects.visible_to(user).filter(sheet=found, machine__retired_at=None).select_related("machine__unit"),
        "never": [(KINDS[kind], NEVER[source]) for kind, source in rows.BLIND.items() if found.kinds.get(kind)],
        "units": state.by_unit(judged, "verdict", VERDICTS)[:UNITS_SHOWN],
    }  # fmt: skip
    if verdict in VERDICTS:
        chosen = judged.filter(verdict=verdict).select_related("unit", "looked").order_by("unit__path", "name", "pk")
        page = Paginator(chosen, PAGE).get_page(request.GET.get("page"))
        stamp = book.stamp()
        context |= {"page": page, "rows": [(one, *rows.of_list(one, found, stamp)) for one in page]}
    else:
        sightings = Sighting.objects.visible_to(user).filter(sheet=found, machine__retired_at=None)
        ordered = sightings.select_related("machine__unit").order_by("-listed", "-exact", "-current", "-last", "pk")
        context |= {"page": Paginator(ordered, PAGE).get_page(request.GET.get("page"))}
    return render(request, "sweeps/list.html", context)


@require_safe
def sheet_table(request: HttpRequest, sheet: str) -> StreamingHttpResponse:
    """Every machine of this person's part, with its verdict and what that rests on, as CSV."""
    user = user_of(request)
    found = _one(user, Sheet, sheet)
    judged = state.judged(machines_of(user), found).select_related("unit", "looked").order_by("unit__path", "name", "pk")
    stamp = book.stamp()
    return as_csv(
        judged.iterator(chunk_size=500), lambda one: rows.list_row(one, found, stamp), f"list-{found.pk}", rows.list_heading()
    )


@require_safe
def letter(request: HttpRequest, letter: str) -> HttpResponse:
    """One letter: how it stands, by unit and by machine, and what remains."""
    user = user_of(request)
    found = _one(user, Letter, letter)
    shown = request.GET.get("state", "open")
    mine = machines_of(user)
    concerned = state.concerned(mine, found)
    chosen = concerned.filter(state=shown) if shown in STATES else concerned
    page = Paginator(chosen.select_related("unit", "latest").order_by("unit__path", "name", "pk"), PAGE).get_page(
        request.GET.get("page")
    )
    held = {one.machine_id: one for one in Concern.objects.filter(letter=found, machine__in=[one.pk for one in page])}
    items = {item.key: item for item in found.items.all()}
    numbers = state.letter_numbers(mine, [found])[found.pk]
    context = {
        "letter": found, "items": items.values(), "numbers": numbers, "state": shown if shown in STATES else "", "states": STATE_TITLES,
        "remains": numbers["open"] + numbers[CANNOT_TELL], "units": state.by_unit(concerned, "state", STATES)[:UNITS_SHOWN],
        "page": page, "rows": [(one, held.get(one.pk), _standings(held.get(one.pk), items)) for one in page], "nav": "sweeps",
    }  # fmt: skip
    return render(request, "sweeps/letter.html", context)


@require_safe
def letter_table(request: HttpRequest, letter: str) -> StreamingHttpResponse:
    """Every machine of this person's part, and how the letter stands on it, as CSV."""
    user = user_of(request)
    found = _one(user, Letter, letter)
    every = state.with_concern(machines_of(user).select_related("unit"), found).order_by("unit__path", "name", "pk")
    items = {item.key: item for item in found.items.all()}
    told = every.iterator(chunk_size=500)
    return as_csv(told, lambda one: rows.letter_row(one, items), f"letter-{found.pk}", rows.letter_heading())


class Shown(NamedTuple):
    """An item of a letter and how it stands."""

    item: Item
    standing: Standing


def _standings(concern: Concern | None, items: dict[str, Item]) -> list[Shown]:
    """The worst first."""
    if concern is None:
        return []
    found = [Shown(items[one.key], one) for one in concern.standings if one.key in items]
    return sorted(found, key=lambda one: (STATES[one.standing.state], one.item.line))


@require_safe
def machine(request: HttpRequest, pk: int) -> HttpResponse:
    """One machine: each list and each letter, what was seen, and what its report does not tell."""
    user = user_of(request)
    found = get_object_or_404(Machine.objects.visible_to(user).select_related("unit", "looked"), pk=pk)
    looked: Looked | None = getattr(found, "looked", None)
    stamp = book.stamp()
    lists = []
    for one in Sheet.objects.all()[:PAGE]:
        verdict = state.judged(Machine.objects.filter(pk=pk), one).get()
        lists.append((one, VERDICTS[verdict.verdict], *rows.of_list(verdict, one, stamp)))
    concerns = list(Concern.objects.filter(machine=found).select_related("letter").order_by("state", "-letter__dated")[:PAGE])
    items = {item.key: item for item in Item.objects.filter(letter__in=[one.letter_id for one in concerns])}
    weighed = {one.letter_id for one in concerns}
    context = {
        "machine": found, "looked": looked, "lists": lists,
        "missing": [Missing(*row) for row in looked.missing] if looked else [],
        "sightings": Sighting.objects.filter(machine=found).select_related("sheet").order_by("-listed", "-exact", "-last", "pk")[:200],
        "concerns": [(one, _standings(one, items)) for one in concerns],
        "waiting": Letter.objects.exclude(pk__in=weighed)[:PAGE], "nav": "machines",
    }  # fmt: skip
    return render(request, "sweeps/machine.html", context)
