"""What a field of a fact can be compared with, read from the fact's own type."""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from collectors.facts.base import Fact

_NUMBERS = {"eq", "ne", "in", "not_in", "at_least", "at_most"}
_TEXTS = {"eq", "ne", "in", "not_in", "matches", "like", "contains", "is_empty", "version_at_least", "cidr_in"}
_OPERATORS_OF = {
    "bool": {"eq", "ne"},
    "int": _NUMBERS,
    "float": _NUMBERS,
    "limit": _NUMBERS,
    "text": _TEXTS,
    "choice": {"eq", "ne", "in", "not_in", "matches"},
    "date": {"within_days", "older_than", "days_ahead", "eq", "ne"},
    "list": {"is_empty", "contains", "cidr_in"},
    "map": {"is_empty", "contains"},
}
MAX_PATTERN, MAX_REPEATS, MAX_OPTIONAL, MAX_STARS = 500, 3, 4, 4


@dataclass(frozen=True, slots=True)
class FieldType:
    """`kind`: bool int float limit text choice date list map. `choices`: the words a choice (or a list of choices) may be."""

    kind: str
    choices: tuple[Any, ...] = ()

    def refuses(self, op: str, value: Any) -> str | None:
        """Why this comparison makes no sense; None when it does."""
        if problem := self.refuses_operator(op):
            return problem
        if op in ("in", "not_in"):
            if not isinstance(value, list) or not value:
                return f"{op} needs a list of values"
            return next((problem for item in value if (problem := self.refuses("eq", item))), None)
        if op in ("within_days", "older_than", "days_ahead"):
            return None if _is_int(value) and value >= 0 else f"{op} needs a number of days, not {value!r}"
        if op == "matches":
            return _regex_problem(value)
        if op == "like":
            return _patterns_problem(value)
        if op == "is_empty":
            return None if isinstance(value, bool) else f"is_empty is true or false, not {value!r}"
        if op in ("contains", "cidr_in") and value == []:
            return f"{op} nothing holds of everything"
        if op == "cidr_in":
            return _cidr_problem(value)
        if op == "contains" and self.kind == "list":
            return next((problem for item in _each(value) if (problem := self._not_a_choice(item))), None)
        return self._misfit(value)

    def refuses_operator(self, op: str) -> str | None:
        """Why this operator does not fit, whatever the value."""
        if op in _OPERATORS_OF[self.kind]:
            return None
        return f"{op} does not fit a field of type {self.kind}; use one of {', '.join(sorted(_OPERATORS_OF[self.kind]))}"

    def _misfit(self, value: Any) -> str | None:
        fits = {
            "bool": isinstance(value, bool),
            "int": _is_int(value),
            "float": _is_int(value) or isinstance(value, float),
            "limit": _is_int(value) or value == "unlimited",
            "text": isinstance(value, str),
            "date": isinstance(value, str),
            "choice": True,
            "map": isinstance(value, str),
            "list": True,
        }[self.kind]
        if not fits:
            return f"{value!r} does not fit a field of type {self.kind}"
        return self._not_a_choice(value)

    def _not_a_choice(self, value: Any) -> str | None:
        if self.choices and value not in self.choices:
            return f"{value!r} is never seen here; possible: {', '.join(map(str, self.choices))}"
        return None


@cache
def field_type(fact: type[Fact], name: str) -> FieldType | None:
    """None when the fact has no such field."""
    info = fact.model_fields.get(name)
    return None if info is None or name == "unseen" else _of(info.annotation)


@cache
def row_type(fact: type[Fact], name: str) -> FieldType | dict[str, FieldType] | None:
    """The type of one row of a list field: its columns, or the plain value's type. None when the field is no list."""
    info = fact.model_fields.get(name)
    if info is None or name == "unseen":
        return None
    for option in _options(info.annotation):
        if get_origin(option) is tuple:
            item = get_args(option)[0]
            if isinstance(item, type) and issubclass(item, BaseModel):
                return {column: _of(found.annotation) for column, found in item.model_fields.items()}
            return _of(item)
    return None


def _options(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _options(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [option for part in get_args(annotation) for option in _options(part)]
    return [] if annotation is type(None) else [annotation]


def _of(annotation: Any) -> FieldType:
    options = _options(annotation)
    words = tuple(word for option in options if get_origin(option) is Literal for word in get_args(option))
    plain = [option for option in options if get_origin(option) is not Literal]
    if not plain:
        return FieldType("choice", words)
    first = plain[0]
    if get_origin(first) is tuple:
        item = _of(get_args(first)[0]) if get_origin(get_args(first)[0]) is Literal else None
        return FieldType("list", item.choices if item else ())
    if get_origin(first) is dict or first is dict:
        return FieldType("map")
    if first is int and words == ("unlimited",):
        return FieldType("limit")
    simple = {bool: "bool", int: "int", float: "float", str: "text", date: "date", datetime: "date"}
    if first in simple:
        return FieldType(simple[first])
    if isinstance(first, type) and issubclass(first, str):
        return FieldType("text")
    raise TypeError(f"no comparison is known for {annotation!r}")


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _regex_problem(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"matches needs a regular expression, not {value!r}"
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}"
    repeats, optional, repeated_group = _effort(value)
    if len(value) > MAX_PATTERN or repeated_group or repeats > MAX_REPEATS or optional > MAX_OPTIONAL:
        return (
            "this regular expression may run for ever: it is at most "
            f"{MAX_PATTERN} characters long, repeats no group and refers back to none, and has on any way through it at most "
            f"{MAX_REPEATS} repetitions (* + {{}}) and {MAX_OPTIONAL} optional parts (?)"
        )
    return None


def _effort(pattern: str) -> tuple[int, int, bool]:
    """(repetitions, optional parts, whether a group is repeated or referred back to), at most on any way through it.

    Matching then costs no more than length ** repetitions * 2 ** optional parts, and `operators` bounds the length.
    """
    pattern = re.sub(r"\\[1-9]|\(\?P=\w+\)", "()*", pattern)  # a reference back counts as a repeated group
    pattern = re.sub(r"\\.", "x", pattern)
    pattern = re.sub(r"\[\^?\]?[^\]]*\]", "x", pattern)
    pattern = re.sub(r"\(\?[a-zA-Z-]*:|\(\?(?:P<\w+>|<?[=!]|>)", "(", re.sub(r"\(\?[a-zA-Z]+\)", "", pattern))
    pattern = re.sub(r"([*+?}])[?+]", r"\1", pattern)  # lazy or possessive: no further repetition
    done: list[tuple[int, int]] = []  # of the groups around here: what they came to before this one
    best: list[tuple[int, int]] = []  # ... and the worst of their finished alternatives
    here, worst = (0, 0), (0, 0)
    for letter in pattern:
        if letter == "(":
            done.append(here)
            best.append(worst)
            here, worst = (0, 0), (0, 0)
        elif letter == "|":
            here, worst = (0, 0), _worse(here, worst)
        elif letter == ")":
            if not done:
                return 0, 0, True  # brackets this reading does not understand
            inside, worst = _worse(here, worst), best.pop()
            before = done.pop()
            here = (before[0] + inside[0], before[1] + inside[1])
        elif letter in "*+{":
            here = (here[0] + 1, here[1])
        elif letter == "?":
            here = (here[0], here[1] + 1)
    return *_worse(here, worst), re.search(r"\)[*+{]", pattern) is not None


def _worse(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), max(one[1], other[1])


def _patterns_problem(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return "like needs a list of names, in which * stands for anything and ? for one character"
    for item in value:
        if not isinstance(item, str) or not item.strip("*? "):
            return f"{item!r} is no name or pattern of names (a pattern of * alone would name everything)"
        if len(item) > MAX_PATTERN or item.count("*") > MAX_STARS:
            return f"{item!r} is too long or holds more than {MAX_STARS} *"
    return None


def _cidr_problem(value: Any) -> str | None:
    for item in _each(value):
        try:
            ip_network(item)
        except (ValueError, TypeError) as error:
            return f"not a network: {error}"
    return None
