"""Taking a file over: it is read, its columns are matched, what would change is shown, and only then a person says so.

A large one goes the same way in the background: looking.py finds what would change, writing.py writes it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from server.background import queue
from server.background.models import Job
from server.ingest.access import address_of
from server.registers import applying, looking, tasks, writing
from server.registers.books import BOOKS, Book
from server.registers.columns import mapping_of
from server.registers.encodings import NAMES
from server.registers.forms import ImportForm
from server.registers.looking import SHOWN
from server.registers.models import Upload
from server.registers.reading import MAX_BYTES, ReadingError, read, unpacked
from server.registers.views import BOTH
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.web.requests import user_of

WAITING = 20
"""Files of one person that may wait at a time."""
AGAIN_SECONDS = 3
"""A page that shows progress is asked for anew after so long."""


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
            kept = keep(upload.read(), upload.name, book, form.cleaned_data["unit"], user)
        except ReadingError as error:
            form.add_error("file", str(error))
        else:
            return redirect("register-upload", pk=kept.pk)
    mine = Upload.objects.visible_to(user, HANDLE).filter(book=book).select_related("unit")
    context = {
        "book": BOOKS[book], "form": form, "taken": mine.exclude(applied_at=None)[:20], "nav": "registers", "tab": "import",
        "most": MAX_BYTES >> 20, "running": mine.filter(applied_at=None).exclude(started_at=None)[:20],
    }  # fmt: skip
    return render(request, "registers/import.html", context, status=422 if form.errors else 200)


def keep(raw: bytes, name: str, book: str, unit: Unit, user: User, console: bool = False) -> Upload:
    """The file, waiting: a small one is read at once, a large one in the background. Raises ReadingError."""
    waiting = Upload.objects.filter(by=user.username, applied_at=None, started_at=None).order_by("-pk")
    Upload.objects.filter(pk__in=list(waiting.values_list("pk", flat=True)[WAITING - 1 :])).delete()
    kept = Upload(
        unit=unit, book=book, file_name=name[:200], sha256=hashlib.sha256(raw).hexdigest(), by=user.username,
        language=get_language() or "vi",
    )  # fmt: skip
    if len(raw) > looking.SMALL_BYTES:
        kept.raw, kept.background = raw, True
    else:
        table = read(raw, name, book)
        kept.encoding, kept.mapping, kept.packed = table.encoding, mapping_of(book, table.heading), table.packed()
        kept.rows = len(table.rows)
        kept.background = kept.rows > looking.SMALL_ROWS
    with transaction.atomic():
        kept.save()
        if kept.background:
            tasks.ask_to_look(kept, console)
    return kept


@require_http_methods(BOTH)
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would change; change the meaning of its columns; take it over; how far that is."""
    user = user_of(request)
    kept = get_object_or_404(Upload.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    book = BOOKS[kept.book]
    context: dict[str, Any] = {
        "upload": kept,
        "book": book,
        "nav": "registers",
        "encoding": NAMES.get(kept.encoding, kept.encoding),
    }
    match kept.state:
        case Upload.DONE | Upload.USELESS:
            return render(request, "registers/upload.html", context | {"left": left_of(kept)})
        case Upload.WRITING:
            return _writing(request, kept, user, context)
        case Upload.READING:
            return _moving(request, context | {"job": tasks.job_of(kept)})
    return _ready(request, kept, user, book, context)


def left_of(kept: Upload) -> list[tuple[str, str, int]]:
    """(why, lines, how many) of what was promised and not written."""
    return [(why, _ranges(lines), len(lines)) for why, lines in kept.left.items()]


def _ranges(lines: list[int]) -> str:
    """3-7, 9"""
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in found)


def _moving(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Progress; asked for anew while the job is on its way."""
    answer = render(request, "registers/upload.html", context)
    job: Job | None = context["job"]
    if job is not None and not job.ended:
        answer["Refresh"] = str(AGAIN_SECONDS)
    return answer


def _writing(request: HttpRequest, kept: Upload, user: User, context: dict[str, Any]) -> HttpResponse:
    """How far it is; end it, go on with what a job left, or leave the rest."""
    job = tasks.job_of(kept)
    halted = job is None or job.ended
    if request.method == "POST":
        if "stop" in request.POST and job is not None:
            queue.cancel(job)
        elif "go-on" in request.POST and halted:
            tasks.ask_to_take(kept, user.username)
        elif "leave" in request.POST and halted:
            writing.give_up(kept, user.username)
        return redirect("register-upload", pk=kept.pk)
    of = sum(kept.preview["counts"][state] for state in ("new", "changed"))
    return _moving(request, context | {"job": job, "halted": halted, "of": of, "left": left_of(kept)})


def _ready(request: HttpRequest, kept: Upload, user: User, book: Book, context: dict[str, Any]) -> HttpResponse:
    table = unpacked(bytes(kept.packed))
    said, plan = "", None
    if request.method == "POST" and "map" in request.POST:
        kept.mapping, said = _mapped(request, len(table.heading), book)
        if not said:
            with transaction.atomic():
                kept.save(update_fields=["mapping"])
                if kept.background and any(kept.mapping):
                    tasks.ask_to_look(kept)
            return redirect("register-upload", pk=kept.pk)
    if not any(kept.mapping):
        said = said or _("No heading of the file means anything here: say below what each column is.")
    elif request.method == "POST" and "take" in request.POST:
        try:
            if _taken(request, kept, user):
                return redirect("register-upload", pk=kept.pk)
            said = _("Something else is shown by now than you saw: look again.")
        except applying.Stale as error:
            plan, said = error.plan, _("The register changed since you looked: this is what would change now.")
    if any(kept.mapping) and kept.background:
        shown = kept.preview
        context |= {"counts": shown["counts"], "parts": looking.kept_parts(kept), "digest": shown["digest"]}
    elif any(kept.mapping):
        plan = plan or applying.plan_of(kept, user)
        context |= {"counts": plan.counts, "parts": looking.parts_of(plan, book), "digest": plan.digest}
    first = table.rows[0][1]
    context |= {
        "said": said, "shown": SHOWN, "choices": list(book.columns.values()),
        "heading": [(at, cell, kept.mapping[at], first[at]) for at, cell in enumerate(table.heading)],
        "left_out": [cell for at, cell in enumerate(table.heading) if cell and not kept.mapping[at]],
    }  # fmt: skip
    return render(request, "registers/upload.html", context, status=409 if said else 200)


def _taken(request: HttpRequest, kept: Upload, user: User) -> bool:
    digest = request.POST.get("digest", "")
    if not kept.background:
        applying.take(kept, user, digest, address_of(request))
        return True
    with transaction.atomic():
        begun = writing.begin(kept, user, digest)
        if begun:
            tasks.ask_to_take(kept, user.username)
    return begun


def _mapped(request: HttpRequest, width: int, book: Book) -> tuple[list[str], str]:
    chosen = [request.POST.get(f"column-{at}", "") for at in range(width)]
    mapping = [name if name in book.columns else "" for name in chosen]
    named = [name for name in mapping if name]
    if len(named) != len(set(named)):
        return mapping, _("Two columns of the file cannot mean the same.")
    return mapping, ""
