"""Mutants of a check: one word of its rule made wrong. Whoever writes a rule believes that its examples would notice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from baselines.model import Check

FLIPPED = {
    "eq": "ne",
    "ne": "eq",
    "in": "not_in",
    "not_in": "in",
    "at_least": "at_most",
    "at_most": "at_least",
    "within_days": "older_than",
    "older_than": "within_days",
}
THRESHOLDS = ("at_least", "at_most", "within_days", "older_than", "days_ahead")
QUANTIFIED = {"every": "some", "some": "every", "none": "some"}

Change = tuple[str, Check, dict[str, int]]
"""(what was done, the mutant, parameter -> how far it is moved)"""


def mutants(check: Check) -> Iterator[Change]:
    """Every mutant that differs from the check in one place."""
    for part in ("assert_", "provided"):
        rule = getattr(check, part)
        if rule is None:
            continue
        if part == "provided":
            yield "provided is dropped", check.model_copy(update={part: None}), {}
        for what, changed, moved in _of(rule, part.rstrip("_")):
            yield what, check.model_copy(update={part: changed}), moved


def _of(node: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any], dict[str, int]]]:
    for word in ("all", "any"):
        if word in node:
            for index, inner in enumerate(node[word]):
                rest = node[word][:index] + node[word][index + 1 :]
                if rest:
                    yield f"{at}.{word}[{index}] is dropped", {word: rest}, {}
                for what, changed, moved in _of(inner, f"{at}.{word}[{index}]"):
                    yield what, {word: [*node[word][:index], changed, *node[word][index + 1 :]]}, moved
            yield f"{at}.{word} becomes the other", {"any" if word == "all" else "all": node[word]}, {}
            return
    if "not" in node:
        yield f"{at}.not is dropped", node["not"], {}
        for what, changed, moved in _of(node["not"], f"{at}.not"):
            yield what, {"not": changed}, moved
        return
    for word in QUANTIFIED:
        if word in node:
            yield from _rows(word, node[word], at)
            return
    yield from _leaf(node, at)


def _rows(word: str, body: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any], dict[str, int]]]:
    for part in ("where", "must"):
        if part not in body:
            continue
        yield f"{at}.{word}.{part} is negated", {word: body | {part: {"not": body[part]}}}, {}
        for what, changed, moved in _of(body[part], f"{at}.{word}.{part}"):
            yield what, {word: body | {part: changed}}, moved
    if word == "every" and "where" in body:
        yield f"{at}.{word}.where is dropped", {word: {key: body[key] for key in body if key != "where"}}, {}
    if word != "every":
        yield f"{at}.{word} becomes the other", {"none" if word == "some" else "some": body}, {}


def _leaf(node: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any], dict[str, int]]]:
    op, value = node["op"], node.get("value")
    if op in FLIPPED and not (op in ("in", "not_in") and isinstance(value, dict)):
        yield f"{at}: {op} becomes {FLIPPED[op]}", node | {"op": FLIPPED[op]}, {}
    if op == "is_empty":
        yield f"{at}: is_empty is turned round", node | {"value": value is False}, {}
    if op not in THRESHOLDS:
        return
    for step in (-1, 1):
        if isinstance(value, dict):
            yield f"{at}: {op} by {step:+}", copy.deepcopy(node), {value["param"]: step}
        elif isinstance(value, int) and value + step >= 0:
            yield f"{at}: {op} by {step:+}", node | {"value": value + step}, {}
