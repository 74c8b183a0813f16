"""Columns of the registers as columns.yaml names them: what a heading means, and what a cell says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from server.registers import zones
from server.registers.zones import Unfit

FILE = Path(__file__).with_name("columns.yaml")
LANGUAGES = ("vi", "en")
FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
OLDEST, NEWEST = date(1980, 1, 1), date(2100, 12, 31)
"""Days outside are slips of the finger."""
TYPED = ("text", "day", "choice", "whole", "zones")
Kind = Literal["key", "version", "text", "day", "choice", "unit", "unit_code", "whole", "zones", "shown"]


class Column(NamedTuple):
    """A column of a register."""

    id: str
    kind: Kind
    vi: str
    en: str
    most: int = 0
    need: bool = False
    long: bool = False
    also: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """In the language of whoever reads."""
        return self.en if get_language() == "en" else self.vi


@cache
def columns(book: str) -> Mapping[str, Column]:
    """Of that register, in the order in which they are written."""
    told = yaml.safe_load(FILE.read_text("utf-8"))[book]
    return {name: Column(id=name, **{**said, "also": tuple(said.get("also", ()))}) for name, said in told.items()}


def folded(text: str) -> str:
    """Without accents, case and signs: headings are typed in many ways, and in NFC or NFD."""
    bare = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "d"))
    kept = "".join(letter if letter.isalnum() else " " for letter in bare if not unicodedata.combining(letter))
    return " ".join(kept.casefold().split())


@cache
def meanings(book: str) -> Mapping[str, str]:
    """Folded heading -> column. The names that are written go before those that are understood as well."""
    found: dict[str, str] = {}
    for column in columns(book).values():
        for word in (column.vi, column.en, column.id):
            found[folded(word)] = column.id
    for column in columns(book).values():
        for word in column.also:
            found.setdefault(folded(word), column.id)
    return found


def mapping_of(book: str, heading: Iterable[str]) -> list[str]:
    """The column that each heading means; empty where it means none, or one that came before."""
    known, used, found = meanings(book), set[str](), []
    for cell in heading:
        column = known.get(folded(cell), "")
        found.append("" if column in used else column)
        used.add(column)
    return found


def clean(text: str) -> str:
    """As it is kept: one form of Unicode, no blanks around, newlines of one kind. Raises Unfit for control characters."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if found := re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", text):
        raise Unfit(_("holds the control character U+%04X") % ord(found[0]))
    return text.replace("\t", " ")


def value_of(column: Column, text: str, choices: Mapping[str, Mapping[str, Any]]) -> Any:
    """What the cell says, as the field keeps it. `choices`: of each field the words by their code. Raises Unfit."""
    text = clean(text)
    if column.need and not text:
        raise Unfit(_("must not be empty"))
    match column.kind:
        case "day":
            return day_of(text)
        case "choice":
            return choice_of(text, choices[column.id])
        case "whole":
            if text and not (text.isascii() and text.isdecimal() and len(text) < 9):
                raise Unfit(_("%s is no whole number") % text[:40])
            return int(text) if text else None
        case "zones":
            return zones.clean(text)
        case _:
            if len(text) > column.most:
                raise Unfit(_("%(length)d characters, at most %(most)d are kept") % {"length": len(text), "most": column.most})
            return text


def day_of(text: str) -> date | None:
    """A day as people and Excel write it; never month before day, which would be taken for another day."""
    text = text.removesuffix(" 00:00:00").removesuffix("T00:00:00")
    for form in FORMS if text else ():
        try:
            found = datetime.strptime(text, form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
        if OLDEST <= found <= NEWEST:
            return found
        break
    if text:
        raise Unfit(_("%s is no date; write 2025-07-01 or 01/07/2025") % text[:40])
    return None


def choice_of(text: str, choices: Mapping[str, Any]) -> str:
    """The code of a word, in either language or the code itself."""
    if not text:
        return ""
    wanted = folded(text)
    for language in LANGUAGES:
        with override(language):
            for code, word in choices.items():
                if wanted in (folded(str(word)), folded(code)):
                    return code
    words = ", ".join(str(word) for word in choices.values())
    raise Unfit(_("%(text)s is none of: %(words)s") % {"text": text[:40], "words": words})


def text_of(column: Column, value: Any, choices: Mapping[str, Mapping[str, Any]]) -> str:
    """As a file writes it."""
    if value is None:
        return ""
    if column.kind == "choice":
        return str(choices[column.id].get(value, value))
    return value.isoformat() if isinstance(value, date) else str(value)
