"""Pages of stock-takes: begin one, go through its lines, close it, and the minutes as a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from server.approvals.forms import Sentence
from server.ingest.access import address_of
from server.registers import stocktake, tasks
from server.registers.books import BOOKS
from server.registers.columns import NEWEST, OLDEST
from server.registers.models import CLASSES, STATES
from server.registers.stocks import OUTCOMES, SURPLUS, Line, Stocktake
from server.registers.stocktake import DECISIONS, Closed, Decision
from server.registers.views import BOTH, PAGE
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.web.requests import user_of
from server.web.workbook import as_workbook

AGAIN_SECONDS = 3
SHOWN = ("all", "undecided", "found", "missing", "elsewhere", "surplus", "differs")
WIDTHS = (8, 34, 24, 22, 16, 26, 24, 20, 22, 30, 30, 18, 20)


class StocktakeForm(forms.Form):
    unit = UnitChoice()
    name = Sentence(label=gettext_lazy("Name of the stock-take"), max_length=200)
    on = forms.DateField(label=gettext_lazy("Date"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    decision = Sentence(label=gettext_lazy("Paper that asks for it (number, date)"), max_length=200, required=False)
    people = Sentence(label=gettext_lazy("Who takes part, a line for each"), max_length=2000, required=False, lines=True)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = Unit.objects.visible_to(user, HANDLE).filter(valid_until=None)  # type: ignore[attr-defined]
        self.fields["on"].initial = timezone.localdate()

    def clean_on(self) -> Any:
        day = self.cleaned_data["on"]
        if not OLDEST <= day <= NEWEST:
            raise forms.ValidationError(_("%s is no date; write 2025-07-01 or 01/07/2025") % day)
        return day


class DecisionForm(forms.Form):
    outcome = forms.ChoiceField(
        choices=[(code, word) for code, word in OUTCOMES if code in DECISIONS] + [("", gettext_lazy("not decided"))], required=False
    )  # fmt: skip
    place = Sentence(max_length=300, required=False)
    note = Sentence(max_length=500, required=False)


class SurplusForm(forms.Form):
    name = Sentence(label=gettext_lazy("Device"), max_length=253)
    serial = Sentence(label=gettext_lazy("Serial number"), max_length=128, required=False)
    tag = Sentence(label=gettext_lazy("Asset tag"), max_length=60, required=False)
    place = Sentence(label=gettext_lazy("Where it was found"), max_length=300, required=False)
    note = Sentence(label=gettext_lazy("Note"), max_length=500, required=False)


class ClosingForm(forms.Form):
    words = Sentence(label=gettext_lazy("Conclusion for the minutes"), max_length=2000, required=False, lines=True)


@require_http_methods(BOTH)
def stocktakes(request: HttpRequest) -> HttpResponse:
    """Those there are, and beginning one."""
    user = user_of(request)
    form = StocktakeForm(user, request.POST or None)
    if request.method == "POST":
        if not user.does(HANDLE):
            raise Http404
        if form.is_valid():
            given = form.cleaned_data
            made = stocktake.begin(given["unit"], given["name"], given["on"], user.username, given["decision"], given["people"])
            tasks.ask_to_freeze(made, user.username)
            return redirect("stocktake", pk=made.pk)
    rows = Stocktake.objects.visible_to(user).select_related("unit")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    here = list(page.object_list)
    sums = stocktake.counts_of(here)
    context = {
        "book": BOOKS["equipment"], "form": form, "page": page, "nav": "registers", "tab": "stocktakes", "may_edit": user.does(HANDLE),
        "rows": [(one, sums[one.pk]) for one in here],
    }  # fmt: skip
    return render(request, "registers/stocktakes.html", context, status=422 if form.errors else 200)


@require_http_methods(BOTH)
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Its lines, and what a person says of those ticked."""
    user = user_of(request)
    held = get_object_or_404(Stocktake.objects.visible_to(user).select_related("unit"), pk=pk)
    late: list[Line] = []
    said, form, surplus = "", DecisionForm(), SurplusForm()
    if request.method == "POST":
        get_object_or_404(Stocktake.objects.visible_to(user, HANDLE), pk=pk)
        try:
            if "close" in request.POST:
                closing = ClosingForm(request.POST)
                stocktake.close(
                    held, user.username, closing.cleaned_data["words"] if closing.is_valid() else "", address_of(request)
                )
            elif "drop" in request.POST:
                stocktake.drop(held, _number(request.POST["drop"]))
            elif "add" in request.POST:
                surplus = SurplusForm(request.POST)
                if surplus.is_valid():
                    stocktake.add(held, by=user.username, **surplus.cleaned_data)
                    surplus = SurplusForm()
            else:
                form = DecisionForm(request.POST)
                said, late = _decided(request, held, form, user)
        except Closed as error:
            said = str(error)
        if not (said or late or form.errors or surplus.errors):
            return redirect(request.get_full_path())
    answer = _shown(request, held, user, {"said": said, "late": late, "form": form, "surplus": surplus})
    if held.state == Stocktake.PREPARING:
        answer["Refresh"] = str(AGAIN_SECONDS)
    return answer


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _decided(request: HttpRequest, held: Stocktake, form: DecisionForm, user: User) -> tuple[str, list[Line]]:
    """(what is wrong, lines somebody else turned meanwhile)"""
    ticked = [_number(text) for text in request.POST.getlist("line")]
    if not form.is_valid():
        return _("Say what was found."), []
    if not ticked:
        return _("Tick the lines first."), []
    seen = {pk: _number(request.POST.get(f"version-{pk}", "")) for pk in ticked}
    given = form.cleaned_data
    return "", stocktake.decide(held, seen, Decision(given["outcome"], given["place"], given["note"]), user.username)


def _shown(request: HttpRequest, held: Stocktake, user: User, more: dict[str, Any]) -> HttpResponse:
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in SHOWN else "all"
    words = request.GET.get("q", "").strip()[:200]
    page = Paginator(stocktake.lines_of(held, outcome, words), PAGE).get_page(request.GET.get("page"))
    context = {
        "book": BOOKS["equipment"], "held": held, "counts": stocktake.counts(held), "page": page, "outcome": outcome, "words": words,
        "lines": [(line, dict(CLASSES).get(line.device_class, "")) for line in stocktake.whole(page.object_list, held)], "nav": "registers", "tab": "stocktakes", "closing": ClosingForm(),
        "may_edit": user.may(HANDLE, held.unit) and held.state == Stocktake.OPEN, "job": tasks.freezing(held), **more,
    }  # fmt: skip
    return render(request, "registers/stocktake.html", context, status=409 if more["said"] or more["late"] else 200)


@require_safe
def minutes(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    held = get_object_or_404(Stocktake.objects.visible_to(user_of(request)).select_related("unit"), pk=pk)
    return workbook(held)


def workbook(held: Stocktake) -> StreamingHttpResponse:
    """The minutes (biên bản): what it was, the sums, every line with what was found, and room for names."""
    title = _("Minutes of the stock-take") if held.state == Stocktake.CLOSED else _("Stock-take, not closed yet")
    return as_workbook(rows_of(held), [title], f"rasoat-stocktake-{held.pk}", _("Stock-take"), WIDTHS)


def rows_of(held: Stocktake) -> Iterator[list[Any]]:
    language = get_language() or "vi"
    with override(language):
        sums = stocktake.counts(held)
        classes, states, outcomes = ({code: str(word) for code, word in words} for words in (CLASSES, STATES, OUTCOMES))
        yield from _head(held, sums)
        yield [
            _("No."), _("Device"), _("Class"), _("Serial number"), _("Asset tag"), _("Using unit"), _("Responsible user"),
            _("State in the register"), _("Last report of its machine"), _("What was found"), _("Where it was found"), _("By"), _("Note"),
        ]  # fmt: skip
        for line in stocktake.whole(stocktake.lines_of(held).iterator(500), held):
            yield [
                line.number or "", line.name, classes.get(line.device_class, ""), line.serial, line.tag, line.unit_name, line.person,
                states.get(line.item_state, ""), _evidence(line), outcomes.get(line.outcome) or _("not decided"), line.place,
                f"{line.by} {date_format(timezone.localtime(line.at), 'SHORT_DATETIME_FORMAT')}" if line.at else "", line.note,
            ]  # fmt: skip
        yield []
        yield ["", _("Those who took part (signature, full name)"), "", "", "", _("Head of the unit (signature, full name)")]


def _head(held: Stocktake, sums: dict[str, int]) -> Iterator[list[Any]]:
    yield ["", held.name]
    yield ["", _("Unit"), held.unit_name]
    yield ["", _("Date"), held.on]
    if held.decision:
        yield ["", _("Paper that asks for it (number, date)"), held.decision]
    for number, person in enumerate(held.people.splitlines()):
        yield ["", "" if number else _("Who takes part"), person]
    yield ["", _("Lines of the register as of"), held.frozen_at or _("being written down")]
    yield ["", _("Closed"), held.closed_at or _("not closed yet"), held.closed_by]
    yield ["", _("Lines"), sums["all"] - sums[SURPLUS]]
    for code, word in [*OUTCOMES, ("undecided", _("not decided: nobody said whether it was found"))]:
        yield ["", str(word), sums[code]]
    if held.words:
        yield ["", _("Conclusion for the minutes"), held.words]
    yield []


def _evidence(line: Line) -> Any:
    if line.number is None:
        return ""
    if not line.machine_name:
        return _("no machine")
    if line.evidence is None and not line.told_at:
        return _("its machine lies in another unit by now")
    return line.told_at or _("never reported")
