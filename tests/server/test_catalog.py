"""Every sentence a person may read is in the Vietnamese catalog (pytest --update adds the missing ones, untranslated)."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

import server
from collectors.facts import FACTS
from server.assess import wording

ROOT = Path(server.__file__).parent
PO = ROOT / "locale/vi/LC_MESSAGES/django.po"
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%(?:\([a-z_]+\))?[sd]")


def messages() -> set[str | tuple[str, ...]]:
    found: set[str | tuple[str, ...]] = set()
    for path in sorted(ROOT.rglob("*.py")):
        with path.open("rb") as source:
            found |= {message for _line, message, _comments, _context in extract("python", source, KEYWORDS)}
    for path in sorted(ROOT.rglob("*.html")):
        calls = re.findall(
            r"(?:_|gettext|ngettext)\((?:u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\"|[^()])*\)",
            templatize(path.read_text("utf-8")),
        )
        for call in calls:
            found |= {message for _line, message, _c, _x in extract("python", io.BytesIO(call.encode()), KEYWORDS)}
    return {message for message in found if message}


def test_every_sentence_is_translated(request: pytest.FixtureRequest) -> None:
    with PO.open("rb") as source:
        catalog = read_po(source, locale="vi")
    known = {message.id: message for message in catalog if message.id}
    wanted = messages()
    missing = [message for message in wanted if message not in known]
    if missing and request.config.getoption("--update"):
        for message in sorted(missing, key=str):
            catalog.add(message, ("",) if isinstance(message, tuple) else "")
        with PO.open("wb") as out:
            write_po(out, catalog, width=130, sort_output=True, no_location=True)
    assert not missing
    assert [
        message.id
        for message in known.values()
        if not all([message.string] if isinstance(message.string, str) else message.string)
    ] == []
    assert not any(message.fuzzy for message in known.values())
    obsolete = set(known) - wanted
    assert not obsolete, "in the catalog, but nowhere in the program"


def test_no_sentence_is_translated_twice() -> None:
    said = re.findall(r'^msgid (".+(?:\n".*)*)', PO.read_text("utf-8"), re.MULTILINE)
    assert [one for one, times in Counter(said).items() if times > 1] == []


def test_placeholders_survive_translation() -> None:
    with PO.open("rb") as source:
        for message in read_po(source, locale="vi"):
            if not message.id:
                continue
            original = message.id if isinstance(message.id, str) else message.id[1]
            translated = message.string if isinstance(message.string, str) else message.string[0]
            assert sorted(PLACEHOLDER.findall(original)) == sorted(PLACEHOLDER.findall(translated)), original


def columns() -> list[tuple[str, str]]:
    found = []
    for fact, cls in FACTS.items():
        for name, info in cls.model_fields.items():
            found += [(fact, name)] if name != "unseen" else []
            for row in re.findall(r"collectors\.facts\.\w+\.(\w+)", str(info.annotation)):
                model = getattr(__import__(cls.__module__, fromlist=[row]), row, None)
                found += [(fact, column) for column in getattr(model, "model_fields", {})] if name != "unseen" else []
    return found


def test_every_field_of_every_fact_has_a_name_in_both_languages() -> None:
    """A new field: add it to server/assess/labels.yaml."""
    names = wording.labels()
    assert set(names["facts"]) == set(FACTS)
    missing = sorted(
        {f"{fact}.{name}" for fact, name in columns() if name not in names["fields"] and f"{fact}.{name}" not in names["fields"]}
    )
    assert missing == []
    assert all(len(pair) == 2 and all(pair) for part in names.values() for pair in part.values())
