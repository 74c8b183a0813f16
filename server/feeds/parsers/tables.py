"""Tables people make: CSV or a workbook, with headings in Vietnamese or English, or named one by one."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from server.feeds.parsers.source import DOCUMENT_MAX, Malformed, Source

HEADINGS = Path(__file__).with_name("headings.yaml")
HEAD_LINES = 20
"""A letter's table may begin below its title."""


def rows(source: Source, table: str, needs: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, column -> text) of each row that is not empty. `needs`: of these columns at least one must be there.

    `given["columns"]` may say it outright: "cve=Mã, product=Tên sản phẩm".
    """
    known = _headings()[table]
    own = {}
    for pair in filter(None, source.given.get("columns", "").split(",")):
        column, _sign, heading = pair.partition("=")
        if column.strip() not in known:
            raise source.malformed("columns", f"no column is called {column.strip()!r}; there are {', '.join(known)}")
        own[_folded(heading)] = column.strip()
    words = {_folded(word): column for column, words in known.items() for word in (column, *words)} | own
    headed = False
    for sheet, lines in _sheets(source):
        columns: dict[int, str] = {}
        for line, cells in lines:
            if columns:
                row = {column: cells[index].strip() if index < len(cells) else "" for index, column in columns.items()}
                if any(row.values()):
                    yield line, row
                continue
            found = {index: words[_folded(cell)] for index, cell in enumerate(cells) if _folded(cell) in words}
            if set(found.values()) & set(needs):
                if len(set(found.values())) != len(found):
                    raise source.malformed(f"line {line}", "two columns mean the same")
                columns = found
            elif line >= HEAD_LINES:
                break
        if sheet and not columns:
            raise source.malformed(
                f"sheet {sheet}", f"no heading names one of: {', '.join(needs)}; take out a sheet that is no table"
            )
        headed = headed or bool(columns)
    if not headed:
        raise source.malformed("line 1", f"no heading names one of: {', '.join(needs)}")


class Line(int):
    """Number of a line, of a workbook's further sheets with the sheet: what is wrong is looked for by it."""

    sheet: str = ""

    def __str__(self) -> str:
        return f"{int(self)}" + (f" of sheet {self.sheet}" if self.sheet else "")


Lines = Iterator[tuple[Line, list[str]]]


def _sheets(source: Source) -> Iterator[tuple[str, Lines]]:
    """(name, lines) of each sheet that is not empty; a CSV is one without a name."""
    if source.name.endswith(".xlsx"):
        yield from _workbook(source)
    else:
        yield "", _csv(source)


def _csv(source: Source) -> Lines:
    with source.text() as lines:
        # a semicolon where Excel speaks Vietnamese
        kept = iter(lines)
        first = next(kept, "")
        delimiter = max(",;\t", key=first.count)
        yield Line(1), next(csv.reader([first], delimiter=delimiter), [])
        reader = csv.reader(kept, delimiter=delimiter)
        try:
            for cells in reader:
                yield Line(reader.line_num + 1), cells
        except csv.Error as error:
            raise source.malformed(f"line {reader.line_num + 1}", error) from None


def _workbook(source: Source) -> Iterator[tuple[str, Lines]]:
    """All sheets, hidden ones too: a letter's appendix may go on in the second."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(source.path) as archive:
            if sum(info.file_size for info in archive.infolist()) > DOCUMENT_MAX:
                raise source.malformed("workbook", f"more than {DOCUMENT_MAX} bytes unpacked")
        book = load_workbook(source.path, read_only=True, data_only=True)
        for index, sheet in enumerate(book.worksheets):
            lines = []
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                line = Line(number)
                line.sheet = sheet.title if index else ""
                lines.append((line, [_text(cell) for cell in row]))
            if any(any(cells) for _line, cells in lines):
                yield sheet.title, iter(lines)
        book.close()
    except Malformed:
        raise
    except Exception as error:  # openpyxl raises whatever comes up in what somebody else wrote
        raise source.malformed("workbook", f"no workbook of Excel: {error}") from None


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return cell.date().isoformat() if hasattr(cell, "date") else str(cell)


def _folded(text: str) -> str:
    """Without accents, case and signs: headings are typed in many ways."""
    bare = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "d"))
    return " ".join(
        "".join(letter if letter.isalnum() else " " for letter in bare if not unicodedata.combining(letter)).casefold().split()
    )


@cache
def _headings() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(HEADINGS.read_text("utf-8"))
    return found
