"""The tables of a paper as a workbook: first what it is, then a sheet for each table, last what it rests on. No cell is a formula."""

from __future__ import annotations

import io
import re
from typing import Any

import xlsxwriter

from server.documents.exports import layout
from server.documents.report import Paragraph, Report, Style, Table
from server.documents.texts import Texts

_NAME = re.compile(r"[\[\]:*?/\\']")
CELL_MAX = 32_767
FONT = "Times New Roman"


def written(report: Report) -> bytes:
    """The file."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": False, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})  # fmt: skip
    book.set_properties({"title": layout.plain(report.title)[:250], "created": report.made_at.replace(tzinfo=None)})
    _Sheets(book, report).write()
    book.close()
    return out.getvalue()


class _Sheets:
    def __init__(self, book: Any, report: Report) -> None:
        self.book, self.report = book, report
        self.say = Texts("paper.yaml")
        self.unseen = str(self.say.at("unseen"))
        base = {"font_name": FONT, "font_size": 12, "valign": "top", "text_wrap": True}
        self.cell = book.add_format({**base, "border": 1})
        self.number = book.add_format({**base, "border": 1, "num_format": "#,##0"})
        self.strong = book.add_format({**base, "border": 1, "bold": True})
        self.head = book.add_format({**base, "border": 1, "bold": True, "align": "center", "valign": "vcenter"})
        self.plain = book.add_format(base)
        self.bold = book.add_format({**base, "bold": True})
        self.names: set[str] = set()

    def write(self) -> None:
        self._cover()
        appendices = layout.appendices(self.report, self.say)
        for one in self.report.body:
            if isinstance(one, Table):
                self._table(one, "")
        for appendix in appendices:
            for block in appendix.blocks:
                if isinstance(block, Table):
                    self._table(block, f"{appendix.heading}. {appendix.title}")
        self._grounds(appendices[-1])

    def _name(self, wanted: str) -> str:
        base = _NAME.sub(" ", layout.plain(wanted)).strip()[:31] or "rasoat"
        name, count = base, 1
        while name.casefold() in self.names:
            count += 1
            name = f"{base[:27]} {count}"
        self.names.add(name.casefold())
        return name

    def _page(self, sheet: Any) -> None:
        sheet.set_paper(9)
        sheet.set_margins(left=1.18, right=0.59, top=0.79, bottom=0.79)
        sheet.fit_to_pages(1, 0)

    def _cover(self) -> None:
        front = self.report.front
        words = layout.words(front, self.say)
        sheet = self.book.add_worksheet(self._name(self.report.title))
        self._page(sheet)
        sheet.set_column(0, 0, 110, self.plain)
        lines = [*((line.upper(), self.plain) for line in front.above), *((line.upper(), self.bold) for line in front.issuer)]
        lines += [(f"{words.number}{words.blank_number}{front.symbol}", self.plain), (words.place_and_day, self.plain)]
        lines += [(front.type, self.bold), (front.subject, self.bold), ("", self.plain)]
        lines += [(self._said(one), self.plain) for one in self.report.body if isinstance(one, Paragraph)]
        for row, (text, look) in enumerate(lines):
            self._put(sheet, row, 0, text, look)

    def _table(self, table: Table, over: str) -> None:
        sheet = self.book.add_worksheet(self._name(table.name or table.title))
        self._page(sheet)
        for at, column in enumerate(table.columns):
            sheet.set_column(at, at, max(6, round(column.share * 1.3)))
        self._put(sheet, 0, 0, ": ".join(filter(None, (over, table.title))) or table.name, self.bold, wide=True)
        for at, column in enumerate(table.columns):
            self._put(sheet, 1, at, column.title, self.head)
        sheet.freeze_panes(2, 0)
        sheet.repeat_rows(1)
        strong = set(table.strong)
        for place, row in enumerate(table.rows):
            for at, cell in enumerate(row):
                self._put(sheet, place + 2, at, cell, self.strong if place in strong else self.cell)
        if not table.rows:
            self._put(sheet, 2, 0, table.empty, self.plain)

    def _grounds(self, appendix: layout.Attached) -> None:
        sheet = self.book.add_worksheet(self._name(appendix.title.capitalize()))
        self._page(sheet)
        sheet.set_column(0, 0, 110, self.plain)
        texts = [self._said(one) for one in appendix.blocks if isinstance(one, Paragraph)]
        for row, text in enumerate([appendix.title, *texts]):
            self._put(sheet, row, 0, text, self.bold if row == 0 else self.plain)

    def _said(self, one: Paragraph) -> str:
        """A blank is no statement: it stands in brackets."""
        return self.say("to_fill", text=one.text) if one.style is Style.BLANK else one.text

    def _put(self, sheet: Any, row: int, column: int, value: int | str | None, look: Any, wide: bool = False) -> None:
        """Text stays text, whatever it begins with."""
        if isinstance(value, int) and not isinstance(value, bool):
            sheet.write_number(row, column, value, look if look is self.strong else self.number)
            return
        text = layout.plain(self.unseen if value is None else str(value))
        if len(text) > CELL_MAX:  # a sheet holds no more, and says so
            text = text[: CELL_MAX - 1] + "…"
        if wide:
            sheet.write_string(row, column, text)
        elif text:
            sheet.write_string(row, column, text, look)
        else:
            sheet.write_blank(row, column, None, look)
