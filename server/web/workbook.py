"""Workbooks of Excel, written while the rows are read: nothing waits in memory or on disk, and no cell is a formula.

Office Open XML with one sheet and strings in their cells, which Excel, LibreOffice and openpyxl read. Why not by a library: docs/decisions.md.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language

from server.web.spreadsheet import spoken

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CELL_MAX = 32_767
"""Letters Excel takes in a cell."""
_EPOCH = date(1899, 12, 30)
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile("[&<>\r_\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_PART = 256 * 1024
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TEXT, DAY, HEADING, WRAPPED = 1, 2, 3, 4
_FILES = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # number format 49 is text: what is typed into such a cell later stays as it was typed, leading noughts too
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="5"><xf/>'
    '<xf numFmtId="49" applyNumberFormat="1" quotePrefix="1"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1"/>'
    '<xf numFmtId="49" applyNumberFormat="1" quotePrefix="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}  # fmt: skip


def as_workbook(rows: Iterable[Sequence[Any]], heading: Sequence[str], name: str, sheet: str = "rasoat", widths: Sequence[int] = ()) -> StreamingHttpResponse:  # fmt: skip
    """The answer to a request. Cells are text, days, whole numbers or nothing."""
    parts = spoken(written(rows, heading, sheet, widths), get_language())
    answer = StreamingHttpResponse(parts, content_type=TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return answer


class _Pipe:
    """A file that only goes forward: what was written and not fetched yet."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.size = self.at = 0

    def write(self, data: bytes) -> int:
        self.held.append(bytes(data))
        self.size += len(data)
        self.at += len(data)
        return len(data)

    def tell(self) -> int:
        return self.at

    def flush(self) -> None: ...

    def take(self) -> bytes:
        held, self.held, self.size = b"".join(self.held), [], 0
        return held


def written(
    rows: Iterable[Sequence[Any]], heading: Sequence[str], sheet: str = "rasoat", widths: Sequence[int] = ()
) -> Iterator[bytes]:
    """The file, a part at a time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:  # type: ignore[call-overload]
        for path, text in _FILES.items():
            archive.writestr(path, _HEAD + text)
        called = f'<sheet name="{_text(sheet[:31], quoted=True)}" sheetId="1" r:id="rId1"/>'
        book = f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{called}</sheets></workbook>'
        archive.writestr("xl/workbook.xml", _HEAD + book)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as out:
            out.write((_HEAD + _begin(widths)).encode())
            out.write(_row(1, heading, HEADING).encode())
            for number, row in enumerate(rows, 2):
                out.write(_row(number, row, TEXT).encode())
                if pipe.size > _PART:
                    yield pipe.take()
            out.write(b"</sheetData></worksheet>")
    yield pipe.take()


def _begin(widths: Sequence[int]) -> str:
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    columns = "".join(f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>' for at, width in enumerate(widths, 1))
    shown = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'<worksheet xmlns="{_MAIN}">{shown}{f"<cols>{columns}</cols>" if columns else ""}<sheetData>'


def _row(number: int, cells: Sequence[Any], style: int) -> str:
    found = []
    for at, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        place = f"{_names()[at]}{number}"
        if isinstance(cell, datetime):
            cell = timezone.localtime(cell).isoformat(" ", "minutes")
        if isinstance(cell, date):
            found.append(f'<c r="{place}" s="{DAY}"><v>{(cell - _EPOCH).days}</v></c>')
        elif isinstance(cell, int) and not isinstance(cell, bool):
            found.append(f'<c r="{place}"><v>{cell}</v></c>')
        else:
            text = str(cell)
            look = WRAPPED if "\n" in text else style
            found.append(f'<c r="{place}" s="{look}" t="inlineStr"><is><t xml:space="preserve">{_text(text)}</t></is></c>')
    return f'<row r="{number}">{"".join(found)}</row>'


@cache
def _names() -> tuple[str, ...]:
    """A, B ... Z, AA ..., as many as any table of ours has."""
    letters = [chr(code) for code in range(65, 91)]
    return (*letters, *(first + second for first in letters for second in letters))


def _text(text: str, quoted: bool = False) -> str:
    """What XML cannot hold becomes a sign that says so; what Excel would take for an escape is escaped."""
    if len(text) <= CELL_MAX and not quoted and not _SPECIAL.search(text):
        return text
    safe = _ESCAPED.sub("_x005F_", _BAD.sub("\ufffd", text[:CELL_MAX]))
    return escape(safe, {'"': "&quot;"} if quoted else {"\r": "&#13;"})


def unescaped(text: str) -> str:
    """A cell as it was meant: the escapes of Excel undone."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
