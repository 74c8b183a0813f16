"""The organisation tree as a file: one row per unit, as CSV or YAML, with the line of whatever is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import yaml
from django.utils.translation import gettext as _

from baselines.reading import Mistake, Reading
from server.units.kinds import kinds
from server.units.models import Unit
from server.units.operations import Inconsistent, clean_code, clean_name

MAX_BYTES = 2 * 1024 * 1024
DATES = ("%Y-%m-%d", "%d/%m/%Y")


@dataclass(frozen=True)
class Row:
    """What the file says of one unit."""

    code: str
    name: str
    kind: str = ""
    parent_code: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    successor_code: str = ""
    level: int | None = None
    line: int = 0

    @property
    def successors(self) -> list[str]:
        """One when it was merged, several (`a|b`) when it was split."""
        return [code for code in self.successor_code.split("|") if code]


COLUMNS = tuple(field.name for field in fields(Row) if field.name != "line")


def read(file: str, text: str) -> tuple[list[Row], list[Mistake]]:
    """The rows of a file whose name ends in .csv, .yaml or .yml, and every mistake that shows without the database."""
    mistakes: list[Mistake] = []
    if len(text.encode()) > MAX_BYTES:
        return [], [Mistake(file, 1, _("larger than %d MiB") % (MAX_BYTES >> 20))]
    given = _yaml(file, text, mistakes) if file.lower().endswith((".yaml", ".yml")) else _csv(file, text, mistakes)
    rows = [row for line, cells in given if (row := _row(file, line, cells, mistakes))]
    return rows, mistakes + _together(file, rows)


def _csv(file: str, text: str, mistakes: list[Mistake]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their lines. Lines that begin with # are left out; `,` or `;` parts the cells, as the first line shows."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        mistakes.append(Mistake(file, 1, _("there is no row in it")))
        return
    reader = csv.reader(lines[first:], delimiter=";" if lines[first].count(";") > lines[first].count(",") else ",", strict=True)
    try:
        head = [cell.strip().lower() for cell in next(reader)]
        if _wrong_columns(file, first + 1, head, mistakes):
            return
        for cells in reader:
            line = first + reader.line_num
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            if len(cells) != len(head):
                mistakes.append(
                    Mistake(file, line, _("%(cells)d cells, the head has %(head)d") % {"cells": len(cells), "head": len(head)})
                )
                continue
            yield line, dict(zip(head, cells, strict=True))
    except csv.Error as error:
        mistakes.append(Mistake(file, first + reader.line_num, f"CSV: {error}"))


def _yaml(file: str, text: str, mistakes: list[Mistake]) -> Iterator[tuple[int, dict[str, str]]]:
    reading = Reading({file: text})
    document = reading.parsed(file, text)
    mistakes += reading.mistakes
    if reading.mistakes:
        return
    units = document.get("units") if isinstance(document, dict) else None
    if not isinstance(units, list) or not all(isinstance(item, dict) for item in units):
        mistakes.append(Mistake(file, 1, _("not of the form `units:` with a list of units")))
        return
    for index, item in enumerate(units):
        line = reading.line(file, ("units", index))
        if not _wrong_columns(file, line, list(item), mistakes, ("code", "name")):
            yield line, {key: "" if value is None else str(value) for key, value in item.items()}


def _wrong_columns(
    file: str, line: int, head: list[str], mistakes: list[Mistake], needed: Iterable[str] = ("code", "name", "parent_code")
) -> bool:
    unknown, missing = [name for name in head if name not in COLUMNS], [name for name in needed if name not in head]
    twice = sorted({name for name in head if head.count(name) > 1})
    if unknown or missing or twice:
        words = _("columns: unknown %(unknown)s; missing %(missing)s; twice %(twice)s; there are %(all)s")
        said = {"unknown": unknown or "–", "missing": missing or "–", "twice": twice or "–", "all": ", ".join(COLUMNS)}
        mistakes.append(Mistake(file, line, words % said))
    return bool(unknown or missing or twice)


def _row(file: str, line: int, cells: dict[str, str], mistakes: list[Mistake]) -> Row | None:
    values: dict[str, Any] = {}
    before = len(mistakes)
    for column, understand in _UNDERSTAND.items():
        try:
            values[column] = understand(cells.get(column, "").strip())
        except ValueError as error:
            mistakes.append(Mistake(file, line, f"{column}: {error}"))
    return Row(**values, line=line) if len(mistakes) == before else None


def _code(text: str) -> str:
    if not text:
        raise Inconsistent(_("a unit in a file needs a code"))
    return clean_code(text)


def _kind(text: str) -> str:
    if text and text not in kinds():
        raise Inconsistent(_("%(kind)s is no kind of unit; known: %(known)s") % {"kind": text, "known": ", ".join(kinds())})
    return text


def _date(text: str) -> date | None:
    for form in DATES if text else ():
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    if text:
        raise Inconsistent(_("%s is no date; write 2025-07-01 or 01/07/2025") % ascii(text))
    return None


def _level(text: str) -> int | None:
    if text and text not in ("1", "2", "3", "4", "5"):
        raise Inconsistent(_("a level is 1 to 5"))
    return int(text) if text else None


def _codes(text: str) -> str:
    return "|".join(clean_code(code) for code in text.split("|"))


_UNDERSTAND = {
    "code": _code, "name": clean_name, "kind": _kind, "parent_code": clean_code, "valid_from": _date, "valid_until": _date,
    "successor_code": _codes, "level": _level,
}  # fmt: skip


def _together(file: str, rows: list[Row]) -> list[Mistake]:
    """What contradicts itself within the file."""
    mistakes: list[Mistake] = []
    by_code: dict[str, Row] = {}
    for row in rows:
        if row.code in by_code:
            said = _("code %(code)s stands on line %(line)d already") % {"code": row.code, "line": by_code[row.code].line}
            mistakes.append(Mistake(file, row.line, said))
        by_code.setdefault(row.code, row)
    for row in rows:
        mistakes += [Mistake(file, row.line, words) for words in _against(row, by_code)]
    return mistakes


def _against(row: Row, rows: dict[str, Row]) -> Iterator[str]:
    if row.valid_from and row.valid_until and row.valid_until < row.valid_from:
        yield _("it ends before it begins")
    if row.successor_code and row.valid_until is None:
        yield _("it has a successor but no valid_until")
    parent = rows.get(row.parent_code)
    if parent and row.valid_until is None and parent.valid_until is not None:
        yield _("it lies under %(parent)s, which ends on %(day)s") % {"parent": parent.code, "day": parent.valid_until}
    if _comes_back(row, rows, lambda one: [one.parent_code]):
        yield _("its parents lead back to itself")
    if row.code in row.successors or _comes_back(row, rows, lambda one: one.successors):
        yield _("its successors lead back to itself")


def _comes_back(row: Row, rows: dict[str, Row], after: Any) -> bool:
    seen, todo = set(), [row]
    while todo:
        for code in after(todo.pop()):
            if code == row.code:
                return True
            if code in rows and code not in seen:
                seen.add(code)
                todo.append(rows[code])
    return False


def of_tree() -> Iterator[dict[str, str]]:
    """Every unit there is and was, as a row of text; one that ended stands under the parent it had then."""
    units = Unit.objects.prefetch_related("places__parent", "successions__new").select_related("parent")
    for unit in sorted(units, key=lambda unit: (not unit.open, unit.path)):
        parent = unit.parent if unit.valid_until is None else unit.parent_on(unit.valid_until)
        yield {
            "code": unit.code,
            "name": unit.name,
            "kind": unit.kind,
            "parent_code": parent.code if parent else "",
            "valid_from": unit.valid_from.isoformat() if unit.valid_from else "",
            "valid_until": unit.valid_until.isoformat() if unit.valid_until else "",
            "successor_code": "|".join(step.new.code for step in unit.successions.all()),
            "level": str(unit.level or ""),
        }


def write(style: str) -> str:
    """The tree as `csv` or `yaml`; what `read` reads again."""
    if style == "yaml":
        units = [{key: value for key, value in row.items() if value} for row in of_tree()]
        return yaml.safe_dump({"units": units}, allow_unicode=True, sort_keys=False, width=200)
    out = io.StringIO(newline="")
    out.write("\ufeff")  # or a spreadsheet takes the names for another encoding
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(of_tree())
    return out.getvalue()
