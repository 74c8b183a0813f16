"""A register: its entries, one entry with its history, writing and changing one, and the register as a file."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.ingest.models import Machine
from server.registers import belonging, changing, files, history, linking
from server.registers.books import BOOKS, Book
from server.registers.columns import text_of
from server.registers.forms import EntryForm, NoteForm
from server.registers.installed import UNCOUNTED, Program, copies_of
from server.registers.models import Item
from server.registers.record import Change
from server.registers.systems import System
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.web.paging import AtOnce, Keyed
from server.web.requests import user_of

PAGE = 50
HISTORY = 200
BOTH = ["GET", "HEAD", "POST"]
FILTERS = ("device_class", "state", "kind", "level_approved", "approval")
"""Choices by which a list can be narrowed."""


def unit_of(user: User, text: str) -> Unit | None:
    """The unit a page is asked for; None: everything this person sees."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Http404
    return get_object_or_404(Unit.objects.visible_to(user), pk=int(text))


def chosen(book: Book, user: User, asked: Any) -> tuple[QuerySet[Any], Unit | None]:
    """The entries that the filters of a page mean."""
    unit = unit_of(user, asked.get("unit", ""))
    rows = book.rows(user)
    if unit is not None:
        rows = rows.filter(unit__path__under=unit.path)
    return narrowed(book, rows, asked), unit


def narrowed(book: Book, rows: QuerySet[Any], asked: Any) -> QuerySet[Any]:
    """Those that hold the words of `q`, and that are what is asked of each choice."""
    if words := asked.get("q", "").strip()[:200]:
        wanted = Q(name__icontains=words)
        if book.model is Item:
            read = Q(machine__name__icontains=words) | Q(machine__serial__icontains=words)
            read &= Q(machine__unit__path__startswith=F("unit__path"))  # Item.reads: else it is another unit's
            wanted |= Q(serial__icontains=words) | Q(tag__icontains=words) | Q(person__icontains=words) | read
        if book.model is System:
            for field in ("code", "owner", "operator", "decision_number", "zones"):
                wanted |= Q(**{f"{field}__icontains": words})
        rows = rows.filter(wanted)
    for name, codes in book.choices.items():
        if asked.get(name, "") in codes:
            rows = rows.filter(**{name: asked[name]})
    return rows


@require_safe
def entries(request: HttpRequest, book: str) -> HttpResponse:
    user, kept = user_of(request), BOOKS[book]
    rows, unit = chosen(kept, user, request.GET)
    context: dict[str, Any] = {
        "book": kept, "page": _page(kept, rows, request.GET), "unit": unit,
        "units": Unit.objects.visible_to(user).filter(valid_until=None), "asked": request.GET,
        "filters": [(name, kept.columns[name].title, list(words.items()), request.GET.get(name, "")) for name, words in kept.choices.items() if name in FILTERS],
        "may_edit": user.does(HANDLE), "nav": "registers", "tab": "entries", "query": request.GET.urlencode(),
    }  # fmt: skip
    if kept.model is Program:
        machines = Machine.objects.visible_to(user).filter(retired_at=None, kind__in=("server", "workstation"))
        context["unseen"] = machines.filter(UNCOUNTED).count()
        shown = list(context["page"])
        copies = copies_of(shown)
        context["rows"] = [(one, copies[one.pk], one.beyond(copies[one.pk]["all"])) for one in shown]
    if kept.model is System:
        belonging.count(context["page"])
    return render(request, f"registers/{book}.html", context)


def _page(book: Book, rows: QuerySet[Any], asked: Any) -> Page[Any]:
    """Devices are found by their keys, as a country has tens of thousands; words are looked for in all of them once, not twice."""
    if book.model is not Item:
        return Paginator(rows, PAGE).get_page(asked.get("page"))
    if not asked.get("q", "").strip():
        return Keyed(rows, rows, PAGE).get_page(asked.get("page"))
    page = AtOnce(rows.select_related(None).only("pk"), PAGE).get_page(asked.get("page"))
    held = rows.in_bulk([one.pk for one in page])
    page.object_list = [held[one.pk] for one in page if one.pk in held]
    return page


@require_safe
def export(request: HttpRequest, book: str, form: str) -> StreamingHttpResponse:
    rows, _unit = chosen(BOOKS[book], user_of(request), request.GET)
    return (files.workbook if form == "xlsx" else files.table)(BOOKS[book], rows)


@require_safe
def entry(request: HttpRequest, book: str, pk: int) -> HttpResponse:
    user, kept = user_of(request), BOOKS[book]
    record = get_object_or_404(kept.rows(user), pk=pk)
    choices = kept.choices
    shown = []
    for column in (column for column in kept.fields if column.kind != "zones"):
        one = record.shown(column.id)
        shown.append((column, text_of(column, one.value, choices) if column.kind == "choice" else one.value, one.read))
    changes = kept.change.objects.visible_to(user).filter(**{kept.owner: record})[:HISTORY]
    context: dict[str, Any] = {
        "book": kept, "record": record, "shown": shown, "history": [history.told(kept, change) for change in changes],
        "may_edit": user.may(HANDLE, record.unit), "note_form": NoteForm(), "nav": "registers", "said": request.GET.get("said", ""),
    }  # fmt: skip
    if kept.model is System:
        context |= belonging.told(record, request.GET.get("page"))
    return render(request, f"registers/{book}_entry.html", context)


@require_http_methods(BOTH)
def create(request: HttpRequest, book: str) -> HttpResponse:
    user, kept = user_of(request), BOOKS[book]
    if not user.does(HANDLE):
        raise Http404
    machine = _free(user, request.GET.get("machine", "")) if kept.model is Item else None
    initial: dict[str, Any] = {"unit": request.GET.get("unit", "")}
    if machine is not None:
        initial = {"unit": machine.unit_id, "name": machine.hostname or machine.name, "device_class": _class_of(machine.kind)}
    form = EntryForm(kept, user, None, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            more = {"machine": machine} if machine is not None else {}
            record = changing.create(kept, form.cleaned_data["unit"], form.given, user, **more)
        except changing.Refused as error:
            form.add_error(None, str(error))
        else:
            if kept.model is Item and machine is None:
                linking.join([record], user.username)
            return redirect(f"{kept.name}-entry", pk=record.pk)
    return render(request, "registers/edit.html", {"book": kept, "form": form, "machine": machine, "nav": "registers"})


def _free(user: User, text: str) -> Any:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Http404
    return get_object_or_404(linking.free().filter(user.reach_of("unit__path", HANDLE)), pk=int(text))


def _class_of(kind: str) -> str:
    return {"server": "server", "workstation": "desktop", "other": "other"}.get(kind, "network")


@require_http_methods(BOTH)
def edit(request: HttpRequest, book: str, pk: int) -> HttpResponse:
    """By the version the person has seen. Who comes second sees both values, and nothing is overwritten."""
    user, kept = user_of(request), BOOKS[book]
    record = get_object_or_404(kept.rows(user, HANDLE), pk=pk)
    form = EntryForm(kept, user, record, request.POST or None)
    both: list[tuple[str, str, str]] = []
    version = request.POST.get("version", "")
    if request.method == "POST" and form.is_valid():
        try:
            seen = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
            changing.edit(kept, record, seen, form.cleaned_data["unit"], form.given, user)
        except changing.Refused as error:
            form.add_error(None, str(error))
        except changing.Overtaken as error:
            both = _both(kept, error.now, form)
            form.add_error(None, _("Somebody else changed this entry meanwhile. Nothing of yours was written: compare, then save again or leave it."))  # fmt: skip
            record = error.now
        else:
            return redirect(f"{kept.name}-entry", pk=pk)
    context: dict[str, Any] = {
        "book": kept, "form": form, "record": record, "both": both, "nav": "registers",
        "version": record.version if both or request.method != "POST" else version,
    }  # fmt: skip
    return render(request, "registers/edit.html", context, status=409 if both else 200)


def _both(book: Book, now: Any, form: EntryForm) -> list[tuple[str, str, str]]:
    """(field, as it stands now, as this person wrote it) where the two differ."""
    turned = changing.differences(book, now, form.cleaned_data["unit"], form.given)
    words = book.choices
    found = []
    for field, old, new in turned:
        said = words.get(field, {})
        found.append((book.columns[field].title, str(said.get(old, old)) or "–", str(said.get(new, new)) or "–"))
    return found


@require_POST
def note(request: HttpRequest, book: str, pk: int) -> HttpResponse:
    """A line of the history that a person writes: a repair, a hand-over."""
    user, kept = user_of(request), BOOKS[book]
    record = get_object_or_404(kept.rows(user, HANDLE), pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        kept.turned(record, user.username, Change.NOTED, new=form.cleaned_data["text"]).save()
    return redirect(f"{kept.name}-entry", pk=pk)
