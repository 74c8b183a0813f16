"""docs/api-reference.md: every address of the HTTP API with its fields, out of the OpenAPI document that the collector serves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from scripts.commands_page import cell

HEAD = """\
# Các địa chỉ của API · Addresses of the API

Mọi địa chỉ dưới `/api/v1/`, tham số và trường, lập từ chính tài liệu OpenAPI mà máy chủ thu thập cung cấp tại `/api/openapi.json` (đọc trên trình duyệt: `/api/docs`). Khóa, trang,
CSV và lỗi: [API cho chương trình](api.md).

Every address under `/api/v1/` with its parameters and fields, made of the OpenAPI document that the collector itself serves at `/api/openapi.json` (for reading: `/api/docs`).
Keys, pages, CSV and errors: [The API for programs](api.md). Where a list is asked with `format=csv` it answers in text/csv with the same fields.
"""
PARTS = {
    "agents": "Agents: the signature of the machine's own key",
    "packs": "Packs: the signature of the machine's own key",
    "relays": "Relays: an invitation, then the relay's own signature",
    "programs": "Programs: a key of `/keys/`, or the session of a browser",
}


def document() -> dict[str, Any]:
    """Of a collector without data or settings of its own: what this machine keeps must not get into the page."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    before = os.environ.get("RASOAT_DATA")
    os.environ["RASOAT_DATA"] = os.devnull
    try:
        import django

        django.setup()
    finally:
        del os.environ["RASOAT_DATA"]
        os.environ |= {"RASOAT_DATA": before} if before is not None else {}
    from server.api import api

    found: dict[str, Any] = api.get_openapi_schema()
    return found


def page() -> str:
    told = document()
    lines = [HEAD]
    calls = [(method, path, call) for path, methods in told["paths"].items() for method, call in methods.items()]
    for part in dict.fromkeys([*PARTS, *(call["tags"][0] for _method, _path, call in calls)]):
        lines.append(f"\n## {PARTS.get(part, part)}\n")
        for method, path, call in calls:
            if call["tags"][0] == part:
                lines += _call(method, path, call)
    lines.append("\n## Forms\n")
    forms = told["components"]["schemas"]
    for name in sorted(_reached(forms, list(told["paths"].values()))):
        lines += _form(name, forms[name])
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _reached(forms: dict[str, Any], todo: list[Any]) -> set[str]:
    """Names of the forms that calls take or answer, and of those inside them; parameters stand with their call."""
    found: set[str] = set()
    while todo:
        part = todo.pop()
        name = str(part["$ref"]).rpartition("/")[2] if isinstance(part, dict) and "$ref" in part else ""
        if name and name not in found:
            found.add(name)
            todo.append(forms[name])
        todo += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return found


def _call(method: str, path: str, call: dict[str, Any]) -> Iterator[str]:
    yield f"\n### {method.upper()} {path}\n"
    yield f"{call['summary']}. {' '.join(call.get('description', '').split())}".rstrip() + "\n"
    if call.get("parameters"):
        yield "| parameter | in | type | meaning |\n|---|---|---|---|"
    for one in call.get("parameters", []):
        form = one["schema"]
        meaning = one.get("description") or form.get("description", "")
        must = " (must be given)" if one.get("required") else ""
        yield f"| `{one['name']}` | {one['in']} | {_type(form)}{_limits(form)} | {cell(meaning)}{must} |"
    if call.get("parameters"):
        yield ""
    body = call.get("requestBody", {}).get("content", {})
    if body:
        taken = (f"`{kind}`: {_type(what.get('schema', {}))}" for kind, what in body.items())
        yield f"Takes {'; '.join(taken)}.\n"
    for status, answer in sorted(call["responses"].items(), key=lambda item: str(item[0])):
        contents = answer.get("content", {})
        what = "; ".join(f"`{kind}` {_type(told.get('schema', {}))}".rstrip() for kind, told in contents.items())
        yield f"- {status} {answer.get('description', '')}{': ' + what if what else ''}"


def _form(name: str, form: dict[str, Any]) -> Iterator[str]:
    yield f"\n### {name}\n"
    if form.get("description"):
        yield " ".join(form["description"].split()) + "\n"
    if "properties" not in form:
        yield f"{_type(form)}\n"
        return
    yield "| field | type | meaning |\n|---|---|---|"
    for field, told in form["properties"].items():
        yield f"| `{field}` | {_type(told)}{_limits(told)} | {cell(told.get('description', ''))} |"


def _type(form: dict[str, Any]) -> str:
    """In a word; the forms that have a heading of their own are linked."""
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    options = form.get("anyOf") or form.get("oneOf") or form.get("allOf")
    if options:
        return " or ".join(dict.fromkeys(_type(one) for one in options))
    if "const" in form:
        return f"`{form['const']}`"
    if "enum" in form:
        return ", ".join(f"`{one}`" for one in form["enum"])
    if form.get("type") == "array":
        return f"list of {_type(form.get('items', {}))}"
    if isinstance(form.get("additionalProperties"), dict):
        return f"object of {_type(form['additionalProperties'])}"
    kind = form.get("type", "any")
    return f"{kind} ({form['format']})" if form.get("format") else str(kind)


def _limits(form: dict[str, Any]) -> str:
    words = {"minimum": "at least", "maximum": "at most", "maxLength": "letters at most"}
    said = [f"{text} {form[key]}" for key, text in words.items() if key in form]
    if "pattern" in form:
        said.append(f"of the form `{cell(form['pattern'])}`")
    if form.get("default") not in (None, ""):
        said.append(f"default {form['default']}")
    return f", {', '.join(said)}" if said else ""
