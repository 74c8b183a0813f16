"""Tables that people bring: a workbook of Excel, or CSV in any encoding. Read whole, with the place of every cell that is no text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.registers import encodings
from server.registers.columns import mapping_of
from server.web.spreadsheet import FORMULA
from server.web.workbook import unescaped

MAX_BYTES: Final = 16 * 1024 * 1024
UNPACKED_MAX: Final = 256 * 1024 * 1024
MAX_ROWS: Final = 50_000
MAX_COLUMNS: Final = 60
CELL_MAX: Final = 32_767
HEAD_LINES: Final = 20
"""A table may begin below its title."""
EXACT: Final = 10**15
"""Numbers beyond were rounded by Excel."""
FORMULA_CELL, ROUNDED, BROKEN, LEGACY, LOST = "formula", "rounded", "error", "legacy", "lost"
WHY: Final = {
    FORMULA_CELL: gettext_lazy("is a formula: put its value there"),
    ROUNDED: gettext_lazy("is a number that Excel has rounded: format the column as text and type it again"),
    BROKEN: gettext_lazy("is an error of Excel"),
    LEGACY: gettext_lazy(
        "looks like TCVN3 (ABC) or VNI among Unicode: convert it to Unicode, for example with UniKey, and try again"
    ),
    LOST: gettext_lazy("has question marks inside a word: its letters were lost when the file was saved; save it as UTF-8"),
}


class ReadingError(ValueError):
    """The file cannot be used. The message is for people."""


class Table(NamedTuple):
    """A file as it was read."""

    heading: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    """Its line in the file, and the cells."""
    bad: dict[tuple[int, int], str]
    """(line, column) -> key of WHY."""
    encoding: str

    def packed(self) -> bytes:
        """For `Upload.packed`."""
        bad = [[line, at, why] for (line, at), why in self.bad.items()]
        return zlib.compress(json.dumps([self.heading, self.rows, bad, self.encoding], ensure_ascii=False).encode(), 3)


def unpacked(raw: bytes) -> Table:
    heading, rows, bad, encoding = json.loads(zlib.decompress(raw))
    return Table(
        tuple(heading), tuple((line, tuple(cells)) for line, cells in rows), {(line, at): why for line, at, why in bad}, encoding
    )


def read(raw: bytes, name: str, book: str) -> Table:
    """The table in that file. Raises ReadingError."""
    if len(raw) > MAX_BYTES:
        raise ReadingError(_("The file is larger than %d MiB.") % (MAX_BYTES >> 20))
    if not raw.strip():
        raise ReadingError(_("The file is empty."))
    bad: dict[tuple[int, int], str] = {}
    if raw.startswith(b"PK\x03\x04"):
        lines = list(_bounded(_workbook(raw, bad)))
        encoding = _mend(lines)
    elif raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise ReadingError(_("This is an old workbook (.xls) or one with a password: save it as .xlsx without one."))
    else:
        try:
            text, encoding = encodings.decode(raw)
        except encodings.Unreadable as error:
            raise ReadingError(str(error)) from None
        lines = list(_bounded(_csv(text)))
    if encoding == encodings.UNICODE:
        for line, cells in lines:
            for at, cell in enumerate(cells):
                if why := encodings.suspicion(cell):
                    bad.setdefault((line, at), why)
    return _under_heading(lines, bad, encoding, book)


def _bounded(lines: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold something, as many as are taken."""
    count = 0
    for line, cells in lines:
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            continue
        count += 1
        if count > MAX_ROWS + HEAD_LINES:
            raise ReadingError(_("More than %d rows; take the file apart.") % MAX_ROWS)
        if len(cells) > MAX_COLUMNS:
            raise ReadingError(_("Line %(line)d has %(count)d columns; at most %(most)d are read.") % {"line": line, "count": len(cells), "most": MAX_COLUMNS})  # fmt: skip
        yield line, cells


def _under_heading(lines: list[tuple[int, list[str]]], bad: dict[tuple[int, int], str], encoding: str, book: str) -> Table:
    """The heading is the line, among the first, that means most; the first one where none means anything."""
    if not lines:
        raise ReadingError(_("The file is empty."))
    known = [sum(map(bool, mapping_of(book, cells))) for _line, cells in lines[:HEAD_LINES]]
    at = known.index(max(known))
    line, heading = lines[at]
    width = max(len(heading), *(len(cells) for _line, cells in lines[at:]))
    heading += [""] * (width - len(heading))
    rows = tuple((number, (*cells, *[""] * (width - len(cells)))) for number, cells in lines[at + 1 :])
    if not rows:
        raise ReadingError(_("There is no row under the heading."))
    inside = {place: why for place, why in bad.items() if place[0] > line}
    return Table(tuple(unicodedata.normalize("NFC", cell).strip() for cell in heading), rows, inside, encoding)


# --- CSV -----------------------------------------------------------------------------------------------------------------


def _csv(text: str) -> Iterator[tuple[int, list[str]]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = first.lower().startswith("sep=") and len(first) > 4  # what Excel writes to itself
    mark = first[4] if told else max(",;\t", key=first.count)
    if not told and not first.count(mark):  # a title stands above the table
        mark = max(",;\t", key=text[:4000].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for cells in reader:
            if not (told and reader.line_num == 1):
                yield reader.line_num, [_meant(cell) for cell in cells]
    except csv.Error as error:
        raise ReadingError(_("Line %(line)d: %(why)s") % {"line": reader.line_num, "why": error}) from None


def guarded(text: str) -> str:
    """As CSV writes it: what a spreadsheet would compute gets an apostrophe, and what has one before such a sign a further one."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def _meant(cell: str) -> str:
    """`guarded`, undone."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


# --- workbooks -----------------------------------------------------------------------------------------------------------


def _workbook(raw: bytes, bad: dict[tuple[int, int], str]) -> Iterator[tuple[int, list[str]]]:
    """The first sheet."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(info.file_size for info in archive.infolist()) > UNPACKED_MAX:
                raise ReadingError(_("The workbook unpacks to more than %d MiB.") % (UNPACKED_MAX >> 20))
        book = load_workbook(io.BytesIO(raw), read_only=True)
        for number, row in enumerate(book.worksheets[0].iter_rows(max_col=MAX_COLUMNS + 1), 1):
            yield number, [_cell(cell, number, at, bad) if cell.value is not None else "" for at, cell in enumerate(row)]
        book.close()
    except ReadingError:
        raise
    except Exception as error:  # openpyxl raises whatever comes up in what somebody else wrote
        raise ReadingError(_("This is no workbook of Excel that can be read: %s") % str(error)[:200]) from None


def _cell(cell: Any, line: int, at: int, bad: dict[tuple[int, int], str]) -> str:
    value = cell.value
    kind = cell.data_type
    if kind in ("f", "e"):
        bad[line, at] = FORMULA_CELL if kind == "f" else BROKEN
        return str(value)[:CELL_MAX]
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == value.min.time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        if abs(value) >= EXACT:
            bad[line, at] = ROUNDED
        return str(int(value)) if value == int(value) else str(value)
    return unescaped(str(value))[:CELL_MAX]


def _mend(lines: list[tuple[int, list[str]]]) -> str:
    """A workbook is Unicode, and its letters may still be those of an older encoding, all over."""
    try:
        found = encodings.encoding_of(cell for _line, cells in lines for cell in cells)
    except encodings.Unreadable as error:
        raise ReadingError(str(error)) from None
    if found != encodings.UNICODE:
        for _line, cells in lines:
            cells[:] = [encodings.converted(cell, found) for cell in cells]
    return found
