"""A campaign for spreadsheets: the list of machines as CSV and XLSX, and the report as a workbook of several sheets."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from server.campaigns.account import Account, Branch, check_titles
from server.campaigns.asking import asked_rows, part_of
from server.campaigns.models import PLACES, SCOPE, Campaign, Row
from server.campaigns.states import STATES
from server.web.requests import user_of
from server.web.spreadsheet import FORMULA, as_csv

CHUNK = 500
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UNPRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
HEADING = (
    gettext_lazy("Unit code"), gettext_lazy("Unit"), gettext_lazy("Machine"), gettext_lazy("Kind"), gettext_lazy("State"),
    gettext_lazy("Reason"), gettext_lazy("At the start"), gettext_lazy("Last report"), gettext_lazy("Last contact"),
    gettext_lazy("Since the start"), gettext_lazy("Counted"),
)  # fmt: skip


@require_safe
def machines_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The list as it is filtered on the page, written while it is read."""
    user = user_of(request)
    found = get_object_or_404(Campaign.objects.visible_to(user).exclude(frozen_at=None), pk=pk)
    account = Account(found, user)
    rows = asked_rows(account, part_of(account, request), request)
    lines = (dict(zip(map(str, HEADING), cells, strict=True)) for cells in _machines(account, rows))
    return as_csv(lines, dict, f"campaign-{found.pk}-machines", heading=[str(name) for name in HEADING])


@require_safe
def machines_xlsx(request: HttpRequest, pk: int) -> FileResponse:
    """The same as a workbook."""
    user = user_of(request)
    found = get_object_or_404(Campaign.objects.visible_to(user).exclude(frozen_at=None), pk=pk)
    account = Account(found, user)
    rows = asked_rows(account, part_of(account, request), request)
    book = Workbook(write_only=True)
    _sheet(book, _("Machines"), HEADING, _machines(account, rows))
    return _file(book, f"campaign-{found.pk}-machines")


@require_safe
def workbook(request: HttpRequest, pk: int) -> FileResponse:
    """Units, checks and machines, each on a sheet; before it what it is, and of which moment."""
    user = user_of(request)
    found = get_object_or_404(Campaign.objects.visible_to(user).exclude(frozen_at=None), pk=pk)
    account = Account(found, user)
    part = part_of(account, request)
    book = Workbook(write_only=True)
    _sheet(book, _("Letter"), (_("Subject matter"), _("Value")), _letter(account, part))
    _sheet(book, _("By unit"), (_("Unit code"), _("Unit"), *_number_heading()), _units(account, part))
    heading = (_("Check"), _("Code"), *(f"{word} ({when})" for when in (_("at the start"), _("now")) for word in (
        _("Fail"), _("Unknown"), _("Pass"), _("Not seen"),
    )))  # fmt: skip
    _sheet(book, _("By check"), heading, _checks(account, part))
    rows = [place for place, _word in PLACES]
    every = (row for place in rows for row in account.under(part, place).order_by("part__path", "name", "pk"))
    _sheet(book, _("Machines"), HEADING, _machines(account, every))
    return _file(book, f"campaign-{found.pk}")


def _file(book: Workbook, name: str) -> FileResponse:
    out = tempfile.TemporaryFile()  # noqa: SIM115  (the answer closes it)
    book.save(out)
    out.seek(0)
    return FileResponse(out, as_attachment=True, filename=f"{name}.xlsx", content_type=TYPE)


def _sheet(book: Workbook, title: str, heading: Sequence[Any], rows: Iterable[Sequence[Any]]) -> None:
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31])
    sheet.freeze_panes = "A2"
    for at in range(1, len(heading) + 1):
        sheet.column_dimensions[chr(64 + at)].width = 30 if at <= 3 else 18
    bold = []
    for name in heading:
        cell = _cell(sheet, str(name))
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Any) -> Any:
    """Text stays text, whatever it begins with."""
    if isinstance(value, datetime):
        value = timezone.localtime(value).replace(tzinfo=None)
    if value is None or isinstance(value, int | date):
        return WriteOnlyCell(sheet, value)
    text = _UNPRINTED.sub("\ufffd", str(value))[:32_000]
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    if text.startswith(FORMULA):
        cell.quotePrefix = True
    return cell


def _letter(account: Account, part: Any) -> Iterator[tuple[Any, Any]]:
    held = account.campaign
    yield _("Number of the letter"), held.number
    yield _("Date of the letter"), held.date
    yield _("Subject"), held.subject
    yield _("Issued by"), held.issuer
    yield _("Deadline (last day)"), held.deadline
    yield _("Seen from"), part.name if part else ", ".join(one.name for one in account.tops())
    yield _("Started"), held.started_at
    yield _("States as of"), held.looked_at
    yield _("State of the campaign"), held.get_state_display()
    numbers = account.sum(part)
    yield _("Machines in the scope"), numbers.scope
    for _state, word, count, _tone in numbers.told:
        yield word, count


def _number_heading() -> list[str]:
    return [
        _("Machines in the scope"),
        _("passed all at the start"),
        *map(str, STATES.values()),
        _("Letter received"),
        _("Handed in"),
    ]


def _units(account: Account, part: Any) -> Iterator[tuple[Any, ...]]:
    """Each unit with everything below it, as deep as there are units; its own machines follow from the others."""
    for one in account.parts.values():
        if part is None or one.path.startswith(part.path):
            branch = Branch(one, account.sum(one))
            numbers = branch.numbers
            yield (
                one.code, one.name, numbers.scope, numbers.passed_before, *numbers.states.values(), one.received_at, one.handed_at
            )  # fmt: skip


def _checks(account: Account, part: Any) -> Iterator[tuple[Any, ...]]:
    for line in account.checks(part):
        yield (
            line.title, line.check, line.failed_before, line.unknown_before, line.passed_before, line.unseen_before,
            line.failed, line.unknown, line.passed, line.unseen,
        )  # fmt: skip


def _machines(account: Account, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    titles = check_titles(account.campaign.checks)
    places = dict(PLACES)
    if hasattr(rows, "iterator"):
        rows = rows.iterator(chunk_size=CHUNK)
    for row in rows:
        row.cut()
        part = account.by_pk[row.part_id]
        became = f"{row.became_word} {row.became_where}".strip()
        yield (
            part.code, part.name, row.name, row.get_kind_display(), row.word if row.place == SCOPE else "", reason(row, titles),
            row.before_word, row.seen_at, row.contact_at, became, str(places[row.place]),
        )  # fmt: skip


def reason(row: Row, titles: dict[str, str]) -> str:
    """Why it stands so, in one line."""
    about = "; ".join(titles.get(check, check) for check in row.about)
    return " ".join(filter(None, (row.why_word, about, row.note)))
