"""What two snapshots of one machine tell differently. Pure. What one of them did not see is said, and never drawn as equal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext

from collectors.facts import FACTS
from collectors.model import Record, Snapshot
from server.assess import wording

IN, OUT, CHANGED, UNKNOWN = "in", "out", "changed", "unknown"
KEYS = (("name", "arch"), ("id",), ("name",), ("path",), ("protocol", "address", "port"), ("address",))
"""Columns by which a row is known again, the first that tell all rows of both sides apart."""
Row = dict[str, Any]


class Change(NamedTuple):
    """One thing that is told differently."""

    fact: str
    field: str
    what: str
    """The row, where the field is a list; else empty."""
    kind: str
    """in · out · changed · unknown: one of both did not see it"""
    before: str
    after: str

    @property
    def fact_title(self) -> str:
        return wording.fact_title(self.fact)

    @property
    def label(self) -> str:
        return wording.label(self.field, self.fact) if self.field else ""


class Compared(NamedTuple):
    """The changes, and what nothing can be said of."""

    changes: list[Change]
    seen_by_neither: list[str]
    """Facts that neither of both saw: nothing is known of them, not that they are equal."""
    equal: int
    """Facts both saw whole, without any change."""
    partly: int
    """Facts without any change in what both saw; of the rest neither saw a part."""
    unseen: list[str]
    """Those parts, as fact.field."""


def between(before: Snapshot, after: Snapshot) -> Compared:
    """What is of the moment alone is left out."""
    first, second = ({one.fact: one for one in snapshot.records} for snapshot in (before, after))
    changes, neither, equal, partly, unseen = list[Change](), list[str](), 0, 0, list[str]()
    for fact in sorted({*first, *second}, key=_order):
        if fact in FACTS and FACTS[fact].MOMENT:
            continue
        old, new = _seen(first.get(fact)), _seen(second.get(fact))
        if old is None and new is None:
            neither.append(fact)
            continue
        found = [*_fact(fact, first.get(fact), second.get(fact), old, new)]
        changes += found
        blind = _blind(first.get(fact)) & _blind(second.get(fact)) if old is not None and new is not None else set()
        unseen += [f"{fact}.{name}" for name in sorted(blind)]
        equal += not found and not blind
        partly += not found and bool(blind)
    return Compared(changes, neither, equal, partly, unseen)


def _order(fact: str) -> tuple[int, str]:
    order = list(FACTS)
    return (order.index(fact) if fact in order else len(order)), fact


def _seen(record: Record | None) -> Row | None:
    if record is None or record.outcome != "seen" or record.data is None:
        return None
    return {name: value for name, value in record.data.items() if name != "unseen"}


def _blind(record: Record | None) -> set[str]:
    """Fields it did not see; one inside a row is written rows[].field, a list that was cut rows[]."""
    data = record.data if record is not None and record.data else {}
    return {str(one["field"]) for one in data.get("unseen") or ()} | {name for name, value in data.items() if value is None}


def _fact(fact: str, first: Record | None, second: Record | None, old: Row | None, new: Row | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(fact, "", "", UNKNOWN, _outcome(first), _outcome(second))
        return
    before, after = _blind(first), _blind(second)
    for name in dict.fromkeys([*old, *new]):
        rows = f"{name}[]"
        for one in _field(fact, name, old.get(name), new.get(name)):
            # what a list that was cut does not hold may have been there
            hidden = (one.kind == IN and rows in before) or (one.kind == OUT and rows in after)
            yield one._replace(kind=UNKNOWN) if hidden else one


def _outcome(record: Record | None) -> str:
    return str(wording.OUTCOMES.get(record.outcome, record.outcome)) if record else gettext("not asked")


def _field(fact: str, name: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if old is None or new is None:
        yield Change(fact, name, "", UNKNOWN, _short(old), _short(new))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _rows(fact, name, old, new) if _tables(old, new) else _words(fact, name, old, new)
    else:
        yield Change(fact, name, "", CHANGED, wording.value(old), wording.value(new))


def _short(value: Any) -> str:
    """Of a list its length: what the other side did not see is not compared row by row."""
    return f"[{len(value)}]" if isinstance(value, list) else wording.value(value)


def _tables(old: list[Any], new: list[Any]) -> bool:
    return all(isinstance(row, dict) for row in [*old, *new])


def _words(fact: str, name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    """In a list without names for its rows an order tells nothing."""
    first, second = ({json.dumps(one, sort_keys=True, default=str): one for one in some} for some in (old, new))
    for text, one in first.items():
        if text not in second:
            yield Change(fact, name, wording.value(one), OUT, "", "")
    for text, one in second.items():
        if text not in first:
            yield Change(fact, name, wording.value(one), IN, "", "")


def _rows(fact: str, name: str, old: list[Row], new: list[Row]) -> Iterator[Change]:
    key = next((columns for columns in KEYS if _tells_apart(columns, old) and _tells_apart(columns, new)), None)
    if key is None:
        yield from _words(fact, name, old, new)
        return
    first, second = ({_key(row, key): row for row in some} for some in (old, new))
    for at, row in first.items():
        if at not in second:
            yield Change(fact, name, _named(row, key), OUT, _rest(row, key), "")
        elif (other := second[at]) != row:
            turned = [column for column in dict.fromkeys([*row, *other]) if row.get(column) != other.get(column)]
            # a column that one side did not see did not change: nothing is known of it
            sure = [column for column in turned if row.get(column) is not None and other.get(column) is not None]
            for kind, columns in ((CHANGED, sure), (UNKNOWN, [column for column in turned if column not in sure])):
                if columns:
                    yield Change(fact, name, _named(row, key), kind, _part(fact, row, columns), _part(fact, other, columns))
    for at, row in second.items():
        if at not in first:
            yield Change(fact, name, _named(row, key), IN, "", _rest(row, key))


def _tells_apart(columns: Sequence[str], rows: list[Row]) -> bool:
    known = [_key(row, columns) for row in rows if all(row.get(column) is not None for column in columns)]
    return len(known) == len(rows) == len(set(known))


def _key(row: Row, columns: Sequence[str]) -> str:
    return json.dumps([row.get(column) for column in columns], sort_keys=True, default=str)


def _named(row: Row, key: Sequence[str]) -> str:
    return " ".join(wording.value(row[column]) for column in key)


def _rest(row: Row, key: Sequence[str]) -> str:
    """What a row that came or went tells besides its name, as far as a person compares by it."""
    told = row.get("version") or row.get("state") or row.get("kind")
    return wording.value(told) if told is not None and "version" not in key else ""


def _part(fact: str, row: Row, columns: list[str]) -> str:
    if columns == ["version"]:
        return wording.value(row.get("version"))
    return "; ".join(f"{wording.label(column, fact)}: {wording.value(row.get(column))}" for column in columns)
