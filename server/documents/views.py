"""Documents: those there are, one with its issues and blanks, two issues side by side; organisation data of a unit."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.campaigns.models import Campaign
from server.documents import changing, making, routines
from server.documents.forms import AnswersForm, LetterheadForm
from server.documents.kinds import KINDS, SPANS
from server.documents.letterhead import desk
from server.documents.models import Document, Issue, Letterhead
from server.documents.papers import reply
from server.documents.report import Asked, Report
from server.documents.spans import Span, parse, recent
from server.ingest.access import address_of
from server.registers.systems import System
from server.units.models import Unit, User
from server.units.rights import ADMINISTER, HANDLE, JOURNAL
from server.web.requests import user_of

PAGE, NAMED = 50, 20
RECENT = {"month": 4, "quarter": 3, "year": 2, "day": 1, "": 1}
"""So many times are offered: the one that today is in, and those before it."""
BOTH = ["GET", "HEAD", "POST"]
LONG = ("approach:", "plan:")
"""Cells of a dossier: hundreds, so they are written by a file (`rasoat dossier asks`, `--answers`)."""


@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    return _list(request)


def _list(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    user = user_of(request)
    drafts = request.GET.get("drafts") == "1"
    rows = Document.objects.waiting(user) if drafts else Document.objects.visible_to(user)
    rows = rows.select_related("unit").prefetch_related(Prefetch("issues", Issue.objects.defer("packed")))
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")), "replies": _replies(user), "systems": _systems(user),
        "units": list(Unit.objects.visible_to(user, HANDLE).filter(valid_until=None).order_by("path")[:200]),
        "papers": _papers(), "problem": problem, "nav": "documents", "only_drafts": drafts, "may_schedule": user.does(ADMINISTER),
        "drafts": Document.objects.waiting(user, HANDLE).count(), "unmade": routines.unmade(user, HANDLE)[:NAMED],
    }  # fmt: skip
    return render(request, "documents/documents.html", context, status=status)


def _replies(user: User) -> list[tuple[str, str]]:
    """(campaign-unit, words) of each reply this person may make."""
    found = []
    for campaign in Campaign.objects.visible_to(user).exclude(frozen_at=None).order_by("-pk")[:20]:
        for part in reply.parts(campaign, user):
            if user.may(HANDLE, part.unit):
                found.append((f"{campaign.pk}-{part.unit_id}", f"{campaign.number} – {part.name}"))
    return found[:200]


def _papers() -> list[tuple[str, list[tuple[str, str]]]]:
    """[(kind of paper of a unit, [(kind/time, words)])]: the newest times of each."""
    today = timezone.localdate()
    return [
        (str(dict(KINDS)[kind]), [(f"{kind}/{one.written}", one.said if one.kind else _("as of today")) for one in recent(span, today, RECENT[span])])
        for kind, span in SPANS.items()
    ]  # fmt: skip


def _systems(user: User) -> list[System]:
    return list(System.objects.visible_to(user, HANDLE).order_by("name")[:200])


@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """A paper, from what the form names."""
    user = user_of(request)
    if not user.does(HANDLE):
        raise Http404
    blank = bool(request.POST.get("blank_signer"))
    try:
        if (wanted := request.POST.get("reply", "")) and wanted in dict(_replies(user)):
            campaign, of = (int(word) for word in wanted.split("-"))
            issue = making.of_campaign(
                Campaign.objects.visible_to(user).get(pk=campaign), Unit.objects.get(pk=of), user, user.username,
                blank_signer=blank, address=address_of(request),
            )  # fmt: skip
        elif paper := request.POST.get("paper", ""):
            kind, _sign, written = paper.partition("/")
            unit = get_object_or_404(Unit.objects.visible_to(user, HANDLE), pk=_number(request.POST.get("unit", "")))
            span = _span(kind, written)
            issue = making.of_unit(kind, unit, span, user, user.username, blank_signer=blank, address=address_of(request))
        else:
            word = request.POST.get("system", "")
            if not (word.isascii() and word.isdecimal() and len(word) < 19):
                return redirect("documents")
            system = get_object_or_404(System.objects.visible_to(user, HANDLE).select_related("unit"), pk=int(word))
            issue = making.of_system(system, user, user.username, blank_signer=blank, address=address_of(request))
    except making.Refused as error:
        return _list(request, str(error), status=409)
    return redirect("document", pk=issue.document_id)


def _span(kind: str, written: str) -> Span:
    """Raises Http404: the page offers no such time."""
    try:
        return parse(SPANS[kind], written, timezone.localdate())
    except (KeyError, ValueError):
        raise Http404 from None


@require_safe
def document(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _visible(request, pk))


def _visible(request: HttpRequest, pk: int, action: str = "see") -> Document:
    return get_object_or_404(Document.objects.visible_to(user_of(request), action).select_related("unit"), pk=pk)


def _page(
    request: HttpRequest, held: Document, problem: str = "", form: AnswersForm | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    issues = list(held.issues.defer("packed"))
    newest = held.issues.first()
    report = newest.report if newest else None
    asked = _asked(held, report)
    context: dict[str, Any] = {
        "document": held, "issues": issues, "newest": newest, "report": report, "problem": problem, "nav": "documents",
        "may": user.may(HANDLE, held.unit), "bundle": ":".join(held.about.split(":")[:2]) if user.may(JOURNAL, held.unit) else "", "form": form or AnswersForm(asked), "formats": list(making.FORMATS),
        "long": len([one for one in report.asked if one.id.startswith(LONG) and not one.answer]) if report else 0,
    }  # fmt: skip
    return render(request, "documents/document.html", context, status=status)


def _asked(held: Document, report: Report | None) -> list[Asked]:
    """With what people have written since the newest issue."""
    told = [one for one in (report.asked if report else ()) if not one.id.startswith(LONG)]
    return [one.model_copy(update={"answer": held.answers.get(one.id, one.answer)}) for one in told]


@require_POST
def answers(request: HttpRequest, pk: int) -> HttpResponse:
    """What people write into the blanks; the next issue has it."""
    held = _visible(request, pk, HANDLE)
    with transaction.atomic():
        held = Document.objects.select_for_update(of=("self",)).select_related("unit").get(pk=held.pk)
        newest = held.issues.first()
        form = AnswersForm(_asked(held, newest.report if newest else None), request.POST)
        if not form.is_valid():
            return _page(request, held, form=form, status=422)
        if form.overtaken():
            problem = _(
                "Somebody filled blanks of this paper while you were writing. Nothing of yours is saved yet: compare, and save again."
            )
            return _page(request, held, problem, form, status=409)
        held.answers = {**held.answers, **form.answers}
        held.save(update_fields=["answers"])
    return again(request, pk)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """A new issue."""
    held = _visible(request, pk, HANDLE)
    user = user_of(request)
    try:
        making.again(held, user, user.username, bool(request.POST.get("blank_signer")), address_of(request))
    except making.Refused as error:
        return _page(request, held, str(error), status=409)
    return redirect("document", pk=pk)


@require_safe
def download(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    issue = get_object_or_404(Issue.objects.visible_to(user_of(request)).select_related("document__unit"), pk=pk)
    if form not in making.FORMATS:
        raise Http404
    return answer(issue, form) or _page(request, issue.document, making.problem(issue.report, form), status=409)


def answer(issue: Issue, form: str) -> HttpResponse | None:
    """The file as an answer; None where its template cannot be used."""
    try:
        data, media = making.file(issue.report, form)
    except making.Refused:
        return None
    response = HttpResponse(data, content_type=media)
    response["Content-Disposition"] = f'attachment; filename="{issue.document.kind}-{issue.document_id}-{issue.number}.{form}"'
    return response


@require_safe
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """What the newer of two issues says otherwise."""
    held = _visible(request, pk)
    issues = {issue.number: issue for issue in held.issues.all()}
    wanted = sorted(_number(request.GET.get(name, "")) for name in ("old", "new"))
    if not all(number in issues for number in wanted):
        raise Http404
    older, newer = (issues[number] for number in wanted)
    turned = making.turned(older.report, newer.report)
    context = {"document": held, "older": older, "newer": newer, "turned": turned, "most": making.MOST, "nav": "documents"}
    return render(request, "documents/compare.html", context)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


@require_http_methods(BOTH)
def letterhead(request: HttpRequest, pk: int) -> HttpResponse:
    """Organisation data of a unit: who heads and signs its papers."""
    user = user_of(request)
    unit = get_object_or_404(Unit.objects.visible_to(user, ADMINISTER), pk=pk)
    held = Letterhead.objects.filter(unit=unit).first() or Letterhead(unit=unit, version=0)
    form = LetterheadForm(request.POST or None, instance=held)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                changing.change(unit, form.given, user.username, form.cleaned_data["version"] or 0, address_of(request))
            except (changing.Unfit, changing.Overtaken) as error:
                form.add_error(None, str(error))
                status = 409
            else:
                return redirect("letterhead", pk=pk)
    context = {"unit": unit, "form": form, "desk": desk(unit), "nav": "units"}
    return render(request, "documents/letterhead.html", context, status=status)
