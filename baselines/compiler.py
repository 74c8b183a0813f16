"""Compile an assertion to a closure, with its parameters bound, noting every mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from baselines import operators
from baselines.comparisons import OPERATORS, Patterns, Test
from baselines.fields import FieldType, field_type, row_type
from baselines.operators import Answer, RowRule, Rule
from collectors.facts import FACTS

Path = tuple[str | int, ...]


QUANTIFIERS: dict[str, Callable[..., Rule]] = {"every": operators.every, "some": operators.some, "none": operators.none}


class _Joins(NamedTuple):
    """How parts become one: for rules about a snapshot, and for rules about a row."""

    all_of: Callable[..., Any]
    any_of: Callable[..., Any]
    negate: Callable[..., Any]
    mistake: Any
    """Stands where a mistake was noted."""


def _nothing(*_: Any) -> Answer:
    return None, []


_NO_ROW_RULE = RowRule(lambda *_: None, _nothing)
_RULES = _Joins(operators.all_of, operators.any_of, operators.negate, _nothing)
_ROWS = _Joins(operators.all_rows, operators.any_row, operators.negate_row, _NO_ROW_RULE)


class VocabularyError(ValueError):
    """An assertion that cannot be compiled. `path` leads to the place: ("all", 0, "op")."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(slots=True)
class Compiler:
    """Compiles assertions with their parameters bound, and notes every mistake instead of stopping at the first."""

    params: Mapping[str, Any] | None
    """None: no values are known (a check by itself); parameters are then accepted by name."""
    mistakes: list[VocabularyError] = field(default_factory=list)
    reads: set[tuple[str, str]] = field(default_factory=set)
    """(fact, field) read."""
    used: set[str] = field(default_factory=set)
    """Parameters used."""

    def rule(self, node: Any, path: Path = ()) -> Rule:
        """The closure of an assertion. After a mistake the closure is of no use; look at `mistakes`."""
        if not isinstance(node, dict) or not node:
            return self._mistake(path, "an assertion is a mapping such as {fact, field, op, value} or {all: [...]}")
        for word, quantifier in QUANTIFIERS.items():
            if word in node:
                return self._rows(word, quantifier, node, path)
        if logic := self._logic(node, path, self.rule, _RULES):
            return logic  # type: ignore[no-any-return]
        return self._leaf(node, path)

    def _logic(self, node: dict[str, Any], path: Path, compile_one: Callable[..., Any], joins: _Joins) -> Any:
        """The closure when the node is all, any or not; None when it is something else."""
        for word, join in (("all", joins.all_of), ("any", joins.any_of)):
            if word in node:
                if len(node) > 1 or not isinstance(node[word], list) or not node[word]:
                    self._mistake((*path, word), f"{word} holds a list of assertions and stands alone")
                    return joins.mistake
                return join([compile_one(part, (*path, word, index)) for index, part in enumerate(node[word])])
        if "not" in node:
            if len(node) > 1:
                self._mistake((*path, "not"), "not stands alone")
                return joins.mistake
            return joins.negate(compile_one(node["not"], (*path, "not")))
        return None

    def _leaf(self, node: dict[str, Any], path: Path) -> Rule:
        self._only(node, {"fact", "field", "op", "value"}, path)
        fact, place, op = node.get("fact"), node.get("field"), node.get("op")
        cls = FACTS.get(str(fact))
        if cls is None:
            return self._mistake((*path, "fact"), f"unknown fact {fact!r}; known: {', '.join(FACTS)}")
        kind = field_type(cls, str(place))
        if kind is None:
            return self._mistake((*path, "field"), f"{fact} has no field {place!r}; it has: {', '.join(_names(cls))}")
        test, wanted, shown = self._test(node, kind, path)
        self.reads.add((cls.NAME, str(place)))
        return operators.leaf(cls.NAME, str(place), str(op), test, wanted, shown)

    def _rows(self, word: str, quantifier: Callable[..., Rule], node: dict[str, Any], path: Path) -> Rule:
        body = node[word]
        here = (*path, word)
        allowed = {"fact", "rows", "where", "must"} if word == "every" else {"fact", "rows", "where"}
        if len(node) > 1 or not isinstance(body, dict):
            return self._mistake(here, f"{word} holds a mapping {{fact, rows, ...}} and stands alone")
        self._only(body, allowed, here)
        needed = "must" if word == "every" else "where"
        if needed not in body:
            return self._mistake(here, f"{word} needs `{needed}`")
        cls = FACTS.get(str(body.get("fact")))
        if cls is None:
            return self._mistake((*here, "fact"), f"unknown fact {body.get('fact')!r}; known: {', '.join(FACTS)}")
        place = str(body.get("rows"))
        rows = row_type(cls, place)
        if rows is None:
            return self._mistake(
                (*here, "rows"), f"{cls.NAME}.{place} is not a list; lists are: {', '.join(_names(cls, lists=True))}"
            )
        self.reads.add((cls.NAME, place))
        shown: list[str] = []

        def row_rule(part: Any, at: Path) -> RowRule:
            if not isinstance(part, dict) or not part:
                self._mistake(at, "an assertion about a row is a mapping such as {field, op, value}")
                return _NO_ROW_RULE
            if logic := self._logic(part, at, row_rule, _ROWS):
                return logic  # type: ignore[no-any-return]
            return self._row_leaf(part, rows, cls.NAME, place, shown, at)

        where = row_rule(body["where"], (*here, "where")) if "where" in body else None
        must = row_rule(body["must"], (*here, "must")) if "must" in body else None
        return quantifier(cls.NAME, place, where, must, shown)

    def _row_leaf(
        self, node: dict[str, Any], rows: FieldType | dict[str, FieldType], fact: str, place: str, shown: list[str], path: Path
    ) -> RowRule:
        self._only(node, {"field", "op", "value"}, path)
        op = str(node.get("op"))
        if isinstance(rows, FieldType):
            if "field" in node:
                self._mistake((*path, "field"), f"the rows of {fact}.{place} are plain values; leave `field` out")
                return _NO_ROW_RULE
            test, wanted, display = self._test(node, rows, path)
            return operators.item_leaf(fact, place, op, test, wanted, display)
        column = str(node.get("field"))
        if column not in rows:
            self._mistake((*path, "field"), f"rows of {fact}.{place} have no field {column!r}; they have: {', '.join(rows)}")
            return _NO_ROW_RULE
        test, wanted, display = self._test(node, rows[column], path)
        if column not in shown:
            shown.append(column)
        self.reads.add((fact, f"{place}[].{column}"))
        return operators.row_leaf(fact, place, column, op, test, wanted, display)

    def _test(self, node: dict[str, Any], kind: FieldType, path: Path) -> tuple[Test, Any, Any]:
        """(test, wanted as the test needs it, wanted as people read it)."""
        op = str(node.get("op"))
        if op not in OPERATORS:
            self._mistake((*path, "op"), f"unknown operator {op!r}; known: {', '.join(OPERATORS)}")
            return _no_test, None, None
        value: Any = node.get("value", True if op == "is_empty" else None)
        if isinstance(value, dict):
            name = value.get("param")
            if set(value) != {"param"} or not isinstance(name, str):
                self._mistake((*path, "value"), "a value is a constant or {param: NAME}")
                return _no_test, None, None
            self.used.add(name)
            if self.params is None:
                if problem := kind.refuses_operator(op):
                    self._mistake((*path, "op"), problem)
                return OPERATORS[op], None, None
            if name not in self.params:
                self._mistake((*path, "value"), f"parameter {name!r} has no value")
                return _no_test, None, None
            value = self.params[name]
        if "value" not in node and op != "is_empty":
            self._mistake(path, f"{op} needs a value")
            return _no_test, None, None
        if problem := kind.refuses(op, value):
            self._mistake((*path, "value"), problem)
            return _no_test, None, None
        return OPERATORS[op], _PREPARED.get(op, _as_it_is)(value), value

    def _only(self, node: dict[str, Any], allowed: set[str], path: Path) -> None:
        for key in node:
            if key not in allowed:
                self._mistake((*path, key), f"unknown word {key!r}; here belong: {', '.join(sorted(allowed))}")

    def _mistake(self, path: Path, message: str) -> Rule:
        self.mistakes.append(VocabularyError(path, message))
        return _nothing


def _no_test(*_: Any) -> None:
    """Stands where a mistake was noted."""


def _as_it_is(value: Any) -> Any:
    return value


_PREPARED: dict[str, Callable[[Any], Any]] = {
    "matches": re.compile,
    "like": Patterns,
    "in": frozenset,
    "not_in": frozenset,
}


def _names(cls: Any, lists: bool = False) -> list[str]:
    return [name for name in cls.model_fields if name != "unseen" and (not lists or row_type(cls, name) is not None)]
