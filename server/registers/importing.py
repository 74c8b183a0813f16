"""Taking a file over: it is read, its columns are matched, what would change is shown, and only then a person says so."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from server.ingest.access import address_of
from server.registers import applying
from server.registers.books import BOOKS
from server.registers.columns import mapping_of
from server.registers.encodings import NAMES
from server.registers.forms import ImportForm
from server.registers.models import Upload
from server.registers.planning import CHANGED, NEW, REFUSED, Plan, Row
from server.registers.reading import MAX_BYTES, ReadingError, read, unpacked
from server.registers.views import BOTH
from server.units.rights import HANDLE
from server.web.requests import user_of

SHOWN = 100
WAITING = 20
"""Files of one person that may wait at a time."""


@require_http_methods(BOTH)
def begin(request: HttpRequest, book: str) -> HttpResponse:
    """Give a file."""
    user = user_of(request)
    if not user.does(HANDLE):
        raise Http404
    form = ImportForm(user, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload.size > MAX_BYTES:
                raise ReadingError(_("The file is larger than %d MiB.") % (MAX_BYTES >> 20))
            raw = upload.read()
            table = read(raw, upload.name, book)
        except ReadingError as error:
            form.add_error("file", str(error))
        else:
            waiting = Upload.objects.filter(by=user.username, applied_at=None).order_by("-pk")
            Upload.objects.filter(pk__in=list(waiting.values_list("pk", flat=True)[WAITING - 1 :])).delete()
            kept = Upload.objects.create(
                unit=form.cleaned_data["unit"], book=book, file_name=upload.name[:200], sha256=hashlib.sha256(raw).hexdigest(),
                encoding=table.encoding, by=user.username, mapping=mapping_of(book, table.heading), packed=table.packed(),
            )  # fmt: skip
            return redirect("register-upload", pk=kept.pk)
    taken = Upload.objects.visible_to(user, HANDLE).filter(book=book).exclude(applied_at=None).select_related("unit")[:20]
    context = {"book": BOOKS[book], "form": form, "taken": taken, "nav": "registers", "tab": "import", "most": MAX_BYTES >> 20}
    return render(request, "registers/import.html", context, status=422 if form.errors else 200)


@require_http_methods(BOTH)
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would change; change the meaning of its columns; take it over."""
    user = user_of(request)
    kept = get_object_or_404(Upload.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    book = BOOKS[kept.book]
    context: dict[str, Any] = {
        "upload": kept,
        "book": book,
        "nav": "registers",
        "encoding": NAMES.get(kept.encoding, kept.encoding),
    }
    if kept.applied_at is not None:
        return render(request, "registers/upload.html", context)
    table = unpacked(bytes(kept.packed))
    said = ""
    if request.method == "POST" and "map" in request.POST:
        kept.mapping, said = _mapped(request, len(table.heading), book)
        if not said:
            kept.save(update_fields=["mapping"])
            return redirect("register-upload", pk=pk)
    plan = None
    if not any(kept.mapping):
        said = said or _("No heading of the file means anything here: say below what each column is.")
    elif request.method == "POST" and "take" in request.POST:
        try:
            applying.take(kept, user, request.POST.get("digest", ""), address_of(request))
            return redirect("register-upload", pk=pk)
        except applying.Stale as error:
            plan, said = error.plan, _("The register changed since you looked: this is what would change now.")
    if any(kept.mapping):
        plan = plan or applying.plan_of(kept, user)
        context |= {"plan": plan, "counts": plan.counts, "parts": _parts(plan, book), "digest": plan.digest}
    first = table.rows[0][1]
    context |= {
        "said": said, "shown": SHOWN, "choices": list(book.columns.values()),
        "heading": [(at, cell, kept.mapping[at], first[at]) for at, cell in enumerate(table.heading)],
        "left_out": [cell for at, cell in enumerate(table.heading) if cell and not kept.mapping[at]],
    }  # fmt: skip
    return render(request, "registers/upload.html", context, status=409 if said else 200)


def _mapped(request: HttpRequest, width: int, book: Any) -> tuple[list[str], str]:
    chosen = [request.POST.get(f"column-{at}", "") for at in range(width)]
    mapping = [name if name in book.columns else "" for name in chosen]
    named = [name for name in mapping if name]
    if len(named) != len(set(named)):
        return mapping, _("Two columns of the file cannot mean the same.")
    return mapping, ""


def _parts(plan: Plan, book: Any) -> dict[str, list[tuple[Row, list[tuple[str, str, str]]]]]:
    """The first rows of each state, with what turns in words."""
    words = book.choices
    found: dict[str, list[tuple[Row, list[tuple[str, str, str]]]]] = {}
    for state in (REFUSED, CHANGED, NEW):
        found[state] = [(row, [_said(one, book, words) for one in row.turned]) for row in plan.of(state)[:SHOWN]]
    found["notes"] = [(row, list[tuple[str, str, str]]()) for row in plan.rows if row.notes][:SHOWN]
    return found


def _said(turned: tuple[str, str, str], book: Any, words: Any) -> tuple[str, str, str]:
    field, old, new = turned
    chosen = words.get(field, {})
    return book.columns[field].title, str(chosen.get(old, old)), str(chosen.get(new, new))
