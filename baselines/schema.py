"""JSON Schema of the YAML files a pack is made of, for editors that complete and check while one types.

The schema knows the words, not what fits together: that a field belongs to its fact, or that a level has a value, is
what `rasoat baseline check` finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from baselines.comparisons import OPERATORS
from baselines.compiler import QUANTIFIERS
from baselines.model import Check, Group, Standard
from baselines.systems.register import Register
from baselines.tailoring import _Document as Tailored
from collectors.facts import FACTS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def _checks() -> Schema:
    found = TypeAdapter(list[Check]).json_schema()
    found["title"] = "Checks of one fact"
    defs = found["$defs"]
    defs |= {"Assertion": _assertion("Assertion", _about_a_fact()), "RowAssertion": _assertion("RowAssertion", [_comparison({})])}
    defs["Check"]["properties"] |= {
        "assert": {"$ref": "#/$defs/Assertion", "description": "What must hold, in the closed vocabulary"},
        "provided": {"$ref": "#/$defs/Assertion", "description": defs["Check"]["properties"]["provided"]["description"]},
    }
    defs["Example"]["properties"]["seen"]["propertyNames"] = {"enum": list(FACTS)}
    return found


def _requirements() -> Schema:
    inner = TypeAdapter(list[Group]).json_schema()
    return {
        "title": "Groups of requirements",
        "type": "object",
        "additionalProperties": False,
        "required": ["groups"],
        "properties": {"groups": {key: value for key, value in inner.items() if key != "$defs"}},
        "$defs": inner["$defs"],
    }


def _whole(model: type[BaseModel]) -> Callable[[], Schema]:
    return lambda: model.model_json_schema()


FILES: dict[str, Callable[[], Schema]] = {
    "check": _checks,
    "requirements": _requirements,
    "standard": _whole(Standard),
    "tailoring": _whole(Tailored),
    "system": _whole(Register),
}
"""Kind of file -> what makes its schema: checks/*.yaml, <pack>/*.yaml, <pack>/standard.yaml, a tailoring, an information system."""


def schema(kind: str) -> Schema:
    """The schema of a whole file of that kind, one of FILES."""
    return {"$schema": DRAFT} | FILES[kind]()


def _assertion(name: str, leaves: list[Schema]) -> Schema:
    """all, any and not over assertions of the same kind, or one of `leaves`."""
    again = {"$ref": f"#/$defs/{name}"}
    joined = [_only({word: {"type": "array", "minItems": 1, "items": again}}) for word in ("all", "any")]
    return {"anyOf": [*leaves, *joined, _only({"not": again})]}


def _about_a_fact() -> list[Schema]:
    fact: Schema = {"fact": {"enum": list(FACTS), "description": "A fact of docs/facts.md"}}
    row = {"$ref": "#/$defs/RowAssertion"}
    found = [_comparison(fact, needed=("fact", "field"))]
    for word in QUANTIFIERS:
        body = fact | {"rows": {"type": "string", "description": "A field of the fact that is a list"}, "where": row}
        needed = ["fact", "rows", "where"]
        if word == "every":
            body["must"] = row
            needed[2] = "must"
        found.append(_only({word: _only(body, needed)}))
    return found


def _comparison(more: Schema, needed: tuple[str, ...] = ()) -> Schema:
    parts: Schema = more | {
        "field": {"type": "string", "description": "A field as docs/facts.md names it"},
        "op": {"enum": list(OPERATORS)},
        "value": {"description": "A constant, or {param: NAME}: the requirement then gives the value at each level"},
    }
    return _only(parts, [*needed, "op"])


def _only(properties: Schema, required: list[str] | None = None) -> Schema:
    """A mapping with these keys and no other; all of them are needed unless `required` says less."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties) if required is None else required,
        "properties": properties,
    }
