"""Bring the tree to what a file says: all of it in one transaction, or nothing. What is so already is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from baselines.reading import Mistake
from server.assess.tasks import follow
from server.journal import models as journal
from server.units import operations
from server.units.models import Unit, by_code
from server.units.operations import By, Inconsistent
from server.units.rows import Row, read

DAY = timedelta(days=1)


class Step(NamedTuple):
    """One thing to do, for the line of the file that asks for it."""

    line: int
    words: str
    do: Callable[[], object]


class Wrong(ValueError):
    """The file cannot be taken. `mistakes` holds all of them, by line."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))


def take(file: str, text: str, by: By, since: date, dry_run: bool = False) -> list[str]:
    """Do what the file asks for; what was done, or, with `dry_run`, what would be. Raises Wrong.

    `since`: from when names and parents hold that differ from what is known; the file tells it of beginnings and ends only.
    The dry run does everything and takes it back: it meets what the real one would meet.
    """
    rows, mistakes = read(file, text)
    if mistakes:
        raise Wrong(mistakes)
    done: list[str] = []
    with transaction.atomic():
        for step in _Plan(rows, by, since).steps():
            try:
                with transaction.atomic():
                    step.do()
            except Inconsistent as error:
                mistakes.append(Mistake(file, step.line, str(error)))
            else:
                done.append(step.words)
        if done and not mistakes:
            journal.write("unit.imported", by.actor, subject=file, address=by.address, changes=len(done))
            follow(Unit.objects.get(parent=None), by.actor)
        if mistakes or dry_run:
            transaction.set_rollback(True)
    if mistakes:
        raise Wrong(mistakes)
    return done


class _Plan:
    """Steps in the order in which they can be done: new units from the top down, then changes, then ends by their days."""

    def __init__(self, rows: list[Row], by: By, since: date) -> None:
        self.rows, self.by, self.since = {row.code: row for row in rows}, by, since
        self.units: dict[str, Unit] = {}

    def steps(self) -> Iterator[Step]:
        """Made one by one, while they are done: what a step finds is what those before it left."""
        known = {code: unit for code, row in self.rows.items() if (unit := _known(row))}
        self.units = dict(known)
        ordered = sorted(self.rows.values(), key=lambda row: (self._depth(row), row.line))
        for row in ordered:
            if row.code not in self.units:
                yield self._create(row)
        for row in ordered:
            unit = known.get(row.code)
            if unit and unit.open:
                yield from self._change(row, unit)
            elif unit and row.valid_until is None:
                yield _refused(row, _("%(code)s ended on %(day)s already") % {"code": row.code, "day": unit.valid_until})
        ending = [row for row in ordered if row.valid_until]
        for row in sorted(ending, key=lambda row: (row.valid_until or date.max, -self._depth(row), row.line)):
            if row.code in self.units:
                yield from self._end(row, row.valid_until or date.max)

    def _depth(self, row: Row) -> int:
        depth = 0
        while row.parent_code in self.rows:
            row, depth = self.rows[row.parent_code], depth + 1
        return depth

    def _unit(self, code: str) -> Unit:
        known = self.units.get(code) or next(iter(by_code(code)), None)
        if known is None:
            raise Inconsistent(_("there is no unit with code %s, neither here nor in the file") % code)
        return Unit.objects.get(pk=known.pk)

    def _create(self, row: Row) -> Step:
        def do() -> None:
            if not row.parent_code and Unit.objects.filter(parent=None).exists():
                raise Inconsistent(_("there is a root already: it needs a parent_code"))
            parent = self._unit(row.parent_code) if row.parent_code else None
            made = operations.create(
                row.name, parent, self.by, code=row.code, kind=row.kind, valid_from=row.valid_from, level=row.level
            )
            self.units[row.code] = made

        return Step(row.line, _("+ %(code)s %(name)s, under %(parent)s") % _words(row), do)

    def _change(self, row: Row, unit: Unit) -> Iterator[Step]:
        if row.valid_from and unit.valid_from and row.valid_from != unit.valid_from:
            said = {"code": row.code, "day": unit.valid_from, "other": row.valid_from}
            yield _refused(row, _("%(code)s began on %(day)s, the file says %(other)s") % said)
            return
        said_now = (row.code, row.kind or unit.kind, row.level or unit.level, row.valid_from or unit.valid_from)
        if (unit.code, unit.kind, unit.level, unit.valid_from) != said_now:
            yield Step(
                row.line, _("~ %(code)s %(name)s: code, kind, level or first day") % _words(row), lambda: self._set(row, unit)
            )
        if unit.name != row.name:
            words = _("~ %(code)s %(before)s is called %(name)s from %(since)s")
            yield Step(
                row.line,
                words % (_words(row) | {"before": unit.name, "since": self.since}),
                lambda: operations.rename(unit, self.by, self.since, name=row.name),
            )
        ends_here = row.valid_until is not None
        if row.parent_code and not ends_here and (unit.parent is None or unit.parent.code != row.parent_code):
            words = _("> %(code)s %(name)s goes under %(parent)s from %(since)s")
            yield Step(
                row.line,
                words % (_words(row) | {"since": self.since}),
                lambda: operations.move(unit, self._unit(row.parent_code), self.by, self.since),
            )

    def _set(self, row: Row, unit: Unit) -> None:
        """What has no history: the kind, the level, and the code and the first day of a unit that had none."""
        if not unit.code and any(other.open and other.code == row.code for other in by_code(row.code)):
            raise Inconsistent(_("code %(code)s is %(unit)s's") % {"code": row.code, "unit": by_code(row.code)[0]})
        unit.code, unit.kind, unit.level = row.code, row.kind or unit.kind, row.level or unit.level
        unit.valid_from = row.valid_from or unit.valid_from
        unit.save(update_fields=["code", "kind", "level", "valid_from"])
        journal.write(
            "unit.changed", self.by.actor, unit_path=unit.path, subject=unit.name, address=self.by.address, level=unit.level
        )

    def _end(self, row: Row, last_day: date) -> Iterator[Step]:
        unit = self.units[row.code]
        if unit.open:
            words = _("= %(code)s %(name)s goes over into %(successor)s from %(since)s") if row.successors else None
            words = words or _("x %(code)s %(name)s ends on %(until)s")
            said = _words(row) | {"since": last_day + DAY, "until": last_day}
            yield Step(row.line, words % said, lambda: self._go_over(row, unit, last_day))
        elif unit.valid_until != last_day:
            yield _refused(row, _("%(code)s ended on %(day)s already") % {"code": row.code, "day": unit.valid_until})

    def _go_over(self, row: Row, unit: Unit, last_day: date) -> None:
        into = [self._unit(code) for code in row.successors]
        if not into:
            operations.close(unit, self.by, last_day)
        elif len(into) == 1:
            operations.merge([unit], into[0], self.by, last_day + DAY)
        else:
            operations.split(unit, {one: [] for one in into}, self.by, last_day + DAY)


def _known(row: Row) -> Unit | None:
    """The unit the row means. A code that another unit gave up before this one began is free; the root may have none yet."""
    for unit in by_code(row.code):
        over = unit.valid_until and row.valid_from and unit.valid_until < row.valid_from
        if unit.code == row.code and not over:
            return unit
    return None if row.parent_code else Unit.objects.filter(parent=None, code="").first()


def _words(row: Row) -> dict[str, object]:
    return {"code": row.code, "name": row.name, "parent": row.parent_code or "–", "successor": row.successor_code}


def _refused(row: Row, words: str) -> Step:
    def do() -> None:
        raise Inconsistent(words)

    return Step(row.line, "", do)
