"""What taking a file over would change, row by row. Nothing is written here: people look first.

A row is known again by its number in the register, else by its asset tag (a system: its code), else by its serial number; else
(what is no device) by its name in its unit; else it is new. A column that
the file lacks is left as it is; an empty cell of one it has empties the field. What a machine tells itself is not typed over.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from server.registers.books import Book
from server.registers.changing import called, differences
from server.registers.columns import TYPED, Column, clean, columns, folded, value_of
from server.registers.models import DISPOSED, Item, key_of
from server.registers.reading import WHY, Table
from server.registers.systems import System
from server.registers.zones import Unfit
from server.units.models import Unit, User
from server.units.rights import HANDLE

NEW, CHANGED, SAME, REFUSED = "new", "changed", "same", "refused"
CHUNK = 500


class Row(NamedTuple):
    """A row of the file, understood."""

    line: int
    state: str
    name: str
    record: Any
    """The entry it is about; None: it is new."""
    unit: Unit
    given: Mapping[str, Any]
    turned: Sequence[tuple[str, str, str]]
    """(field, old, new)"""
    problems: Sequence[tuple[str, str]]
    """(column of the file, why)"""
    notes: Sequence[tuple[str, str]] = ()

    @property
    def digest(self) -> str:
        """Equal for rows that would write the same over the same."""
        version, pk = (self.record.version, self.record.pk) if self.record else (0, 0)
        told = (self.line, self.state, pk, version, self.unit.pk, sorted(self.given.items(), key=str))
        return hashlib.sha256(repr(told).encode()).hexdigest()


class Plan(NamedTuple):
    """All rows of a file."""

    rows: Sequence[Row]

    def of(self, state: str) -> list[Row]:
        return [row for row in self.rows if row.state == state]

    @property
    def counts(self) -> dict[str, int]:
        counted = Counter(row.state for row in self.rows)
        return {state: counted[state] for state in (NEW, CHANGED, SAME, REFUSED)}

    @property
    def digest(self) -> str:
        """Equal for plans that would write the same over the same."""
        told = hashlib.sha256()
        for row in self.rows:
            told.update(row.digest.encode())
        return told.hexdigest()


class _Known:
    """What is there already, in memory, for one file."""

    def __init__(self, book: Book, unit: Unit, user: User) -> None:
        self.records = {one.pk: one for one in book.rows(user, HANDLE).filter(unit__path__under=unit.path)}
        self.units = list(Unit.objects.visible_to(user, HANDLE).filter(path__under=unit.path, valid_until=None))
        self.by_code = {one.code.casefold(): one for one in self.units if one.code}
        self.by_name: dict[str, list[Unit]] = defaultdict(list)
        for one in self.units:
            self.by_name[folded(one.name)].append(one)
        self.by_tag: dict[str, list[Any]] = defaultdict(list)
        self.by_serial: dict[str, list[Any]] = defaultdict(list)
        self.by_title: dict[str, list[Any]] = defaultdict(list)
        self.by_mark: dict[str, list[Any]] = defaultdict(list)
        for record in self.records.values():
            if isinstance(record, Item):
                if record.tag:
                    self.by_tag[record.tag].append(record)
                if key := key_of(record.shown("serial").value):
                    self.by_serial[key].append(record)
            else:
                self.by_title[folded(record.name)].append(record)
                if isinstance(record, System) and record.code:
                    self.by_mark[record.code].append(record)


def plan(book: Book, table: Table, mapping: Sequence[str], unit: Unit, user: User) -> Plan:
    """Understand every row. `unit`: where rows that name none belong; no row reaches out of it."""
    known, meant, choices = _Known(book, unit, user), book.columns, book.choices
    at = {name: index for index, name in enumerate(mapping) if name and meant[name].kind != "shown"}
    rows, used = [], dict[int, int]()
    for line, cells in table.rows:
        row = _row(book, line, cells, at, table, known, unit, choices)
        if row.record is not None:
            first = used.setdefault(row.record.pk, line)
            if first != line:
                why = _("the same entry stands in line %d already") % first
                row = row._replace(state=REFUSED, problems=[*row.problems, ("", why)])
        rows.append(row)
    return Plan(without_doubles(rows, user) if book.model is Item else without_twins(book, rows, user))


def _row(book: Book, line: int, cells: Sequence[str], at: Mapping[str, int], table: Table, known: _Known, unit: Unit, choices: Any) -> Row:  # fmt: skip
    problems: list[tuple[str, str]] = []
    given: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for name, index in at.items():
        column = book.columns[name]
        if bad := table.bad.get((line, index)):
            problems.append((column.title, str(WHY[bad])))
            continue
        try:
            texts[name] = clean(cells[index])
            if column.kind in TYPED:
                given[name] = value_of(column, cells[index], choices)
        except Unfit as error:
            problems.append((column.title, str(error)))
    record, why = _found(book, texts, known)
    if why:
        problems.append(why)
    notes = _read_already(book, record, given) if record is not None else []
    where, why = _unit(texts, record, known, unit, book.columns)
    if why:
        problems.append(why)
    if record is None:
        for column in book.fields:
            if column.need and column.id not in given and not any(title == column.title for title, _why in problems):
                problems.append((column.title, _("must not be empty")))
        _defaults(book, given)
    turned = differences(book, record, where, given) if record is not None else []
    turned = [one for one in turned if one[0] == "unit" or one[0] in given]
    if record is not None and turned and texts.get("version", "") not in ("", str(record.version)):
        why_not = _("somebody changed the entry since the file was written: it is at %(now)d, the file at %(file)s")
        problems.append((book.columns["version"].title, why_not % {"now": record.version, "file": texts["version"]}))
    state = REFUSED if problems else NEW if record is None else CHANGED if turned else SAME
    name = str(given.get("name") or texts.get("name") or (record.name if record else ""))
    return Row(line, state, name, record, where, given, turned, problems, notes)


def _defaults(book: Book, given: dict[str, Any]) -> None:
    """A new entry without a state or class has that of a form nobody touched."""
    for column in book.fields:
        if column.kind == "choice" and not given.get(column.id):
            given[column.id] = book.model._meta.get_field(column.id).get_default() or ""


def _found(book: Book, texts: Mapping[str, str], known: _Known) -> tuple[Any, tuple[str, str] | None]:
    """The entry that the row is about, or why that cannot be said."""
    if number := texts.get("id", ""):
        record = known.records.get(int(number)) if number.isascii() and number.isdecimal() and len(number) < 19 else None
        title = book.columns["id"].title
        return record, None if record else (title, _("no entry here has the number %s") % number[:20])
    for name, index, key in (
        ("tag", known.by_tag, texts.get("tag", "")),
        ("code", known.by_mark, texts.get("code", "")),
        ("serial", known.by_serial, key_of(texts.get("serial", ""))),
    ):
        found = index.get(key, []) if key else []
        if len(found) > 1:
            return None, (book.columns[name].title, _("fits several entries: write the number in the register"))
        if found:
            return found[0], None
    if book.model is not Item and (found := _titled(texts, known)):
        if len(found) > 1:
            return None, (book.columns["name"].title, _("fits several entries: write the number in the register"))
        return found[0], None
    return None, None


def _titled(texts: Mapping[str, str], known: _Known) -> list[Any]:
    """Entries of that name, in the unit that the row names."""
    found = known.by_title.get(folded(texts.get("name", "")), [])
    name, code = texts.get("unit", ""), texts.get("unit_code", "")
    return [one for one in found if name in ("", clean(one.unit.name)) and code in ("", one.unit.code)]


def _read_already(book: Book, record: Any, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Drop from the row what the machine tells itself. Where the cell says something else, that is noted."""
    notes = []
    for name in list(given):
        shown = record.shown(name)
        if not shown.read:
            continue
        if given[name] != clean(shown.value):
            notes.append(
                (book.columns[name].title, _("the machine itself says %s; what the file says is left out") % shown.value)
            )
        del given[name]
    # a choice left empty where the entry has one is no choice that may be empty
    for column in book.fields:
        if column.kind == "choice" and given.get(column.id) == "" and not book.model._meta.get_field(column.id).blank:
            del given[column.id]
    return notes


def _unit(texts: Mapping[str, str], record: Any, known: _Known, unit: Unit, titled: Mapping[str, Column]) -> tuple[Unit, tuple[str, str] | None]:  # fmt: skip
    """Where the entry belongs. Of name and code the one that was changed decides; both changed must agree."""
    name, code = texts.get("unit", ""), texts.get("unit_code", "")
    now: Unit | None = record.unit if record is not None else None
    if now is not None:
        name = "" if clean(now.name) == name else name
        code = "" if now.code == code else code
    if not (name or code):
        return now or unit, None
    found = None
    if code:
        found = known.by_code.get(code.casefold())
        if found is None:
            return now or unit, (titled["unit_code"].title, _("no unit %s here in which you may edit") % code[:40])
    if name:
        named = known.by_name.get(folded(name), [])
        if found is None and len(named) == 1:
            found = named[0]
        elif found is None or found not in named:
            why = (
                _("no unit %s here in which you may edit") if not named else _("more than one unit is called %s: write its code")
            )
            if found is not None:
                why = _("%s is not the unit of that code")
            return now or unit, (titled["unit"].title, why % name[:80])
    assert found is not None
    if isinstance(record, Item) and record.machine and not record.machine.unit.path.startswith(found.path):
        return found, (titled["unit"].title, _("its machine lies in another unit: move the machine, or take the link away"))
    return found, None


def without_doubles(rows: list[Row], user: User) -> list[Row]:
    """Refuse what would give a serial number, or the tag of a unit, to two entries: in the file or beside it."""
    serials: dict[str, list[Row]] = defaultdict(list)
    tags: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.state in (NEW, CHANGED):
            if (key := key_of(_final(row, "serial"))) and _final(row, "state") != DISPOSED:
                serials[key].append(row)
            if tag := _final(row, "tag"):
                tags[row.unit.pk, tag].append(row)
    holders: dict[str, Item] = {}
    for keys in _chunks(list(serials)):
        held = Item.objects.filter(serial_key__in=keys).exclude(state=DISPOSED).select_related("unit")
        holders |= {item.serial_key: item for item in held}
    tagged: dict[tuple[int, str], list[Item]] = defaultdict(list)
    for words in _chunks(sorted({tag for _unit, tag in tags})):
        for item in Item.objects.filter(tag__in=words).select_related("unit"):
            tagged[item.unit_id, item.tag].append(item)
    bad: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for key, same in serials.items():
        for row in same:
            other = holders.get(key)
            if other is not None and not _is(row, other):
                bad[row.line].append(("serial", _("is the serial number of %s") % called(other, user)))
            elif row is not same[0]:
                bad[row.line].append(("serial", _("stands in line %d already") % same[0].line))
    for place, same in tags.items():
        for row in same:
            others = [item for item in tagged.get(place, ()) if not _is(row, item)]
            if others:
                bad[row.line].append(("tag", _("is the asset tag of %s") % called(others[0], user)))
            elif row is not same[0]:
                bad[row.line].append(("tag", _("stands in line %d already") % same[0].line))
    titles = {name: column.title for name, column in columns("equipment").items()}
    return [
        row._replace(state=REFUSED, problems=[*row.problems, *((titles[name], why) for name, why in bad[row.line])])
        if row.line in bad
        else row
        for row in rows
    ]


def without_twins(book: Book, rows: list[Row], user: User) -> list[Row]:
    """The same for what is no device: one name in a unit, one code of a system."""
    names: dict[tuple[int, str], int] = {}
    codes: dict[str, int] = {}
    held: dict[str, Any] = {}
    if book.model is System:
        wanted = sorted({_final(row, "code") for row in rows if row.state in (NEW, CHANGED)} - {""})
        for words in _chunks(wanted):
            held |= {one.code: one for one in System.objects.filter(code__in=words).select_related("unit")}
    found = []
    for row in rows:
        problems = []
        if row.state in (NEW, CHANGED):
            code, place = _final(row, "code") if book.model is System else "", (row.unit.pk, folded(_final(row, "name")))
            if code and (other := held.get(code)) and not _is(row, other):
                problems.append((book.columns["code"].title, _("is the code of %s") % called(other, user)))
            elif code and (first := codes.setdefault(code, row.line)) != row.line:
                problems.append((book.columns["code"].title, _("stands in line %d already") % first))
            if (first := names.setdefault(place, row.line)) != row.line and not problems:
                problems.append((book.columns["name"].title, _("stands in line %d already") % first))
        found.append(row._replace(state=REFUSED, problems=[*row.problems, *problems]) if problems else row)
    return found


def _final(row: Row, field: str) -> str:
    return str(row.given.get(field, getattr(row.record, field) if row.record is not None else "") or "")


def _is(row: Row, item: Any) -> bool:
    return row.record is not None and row.record.pk == item.pk


def _chunks(words: list[str]) -> Iterable[list[str]]:
    return (words[start : start + CHUNK] for start in range(0, len(words), CHUNK))
