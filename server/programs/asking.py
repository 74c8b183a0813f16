"""How programs say what they want to know: a unit, a moment, a kind. And where their questions are joined to the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.db.models import Q, QuerySet
from ninja import Field
from pydantic import AwareDatetime, BeforeValidator

from collectors.model import MACHINES
from server.errors import ErrorOut, Refused
from server.programs.access import Reader
from server.units.models import Unit, by_code

NO = {(401, 403, 404, 422, 429): ErrorOut}
Code = Annotated[str, Field(max_length=200, description="Code or number of a unit: it and all below")]
KIND = "^(" + "|".join(["", *MACHINES]) + ")$"


def _no_number(told: Any) -> Any:
    """A time is written as such; a bare number would be taken for seconds since 1970."""
    if isinstance(told, str) and "T" not in told.upper():
        raise ValueError("write it as 2026-11-29T08:00:00+07:00")
    return told


def _no_seconds(told: Any) -> Any:
    if isinstance(told, str) and "-" not in told:
        raise ValueError("write it as 2026-11-29")
    return told


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
Day = Annotated[date, BeforeValidator(_no_seconds)]


def unit_of(who: Reader, word: str) -> Unit:
    """The unit of that code or number; without one the highest the caller sees. Raises Refused(404)."""
    mine = who.rows(Unit)
    if not word:
        found = mine.order_by("path").first()
    else:
        by_number = Q(pk=int(word)) if word.isascii() and word.isdecimal() and len(word) < 10 else Q(pk__in=[])
        found = mine.filter(by_number | Q(pk__in=[unit.pk for unit in by_code(word)])).first()
    if found is None:
        raise Refused(404, "not-found", "no such unit here")
    return found


def under(who: Reader, rows: QuerySet[Any], word: str, path: str) -> QuerySet[Any]:
    """Those of that unit and below; `path` leads to the path of a row's unit."""
    return rows.filter(**{f"{path}__under": unit_of(who, word).path}) if word else rows


def fits(number: int) -> int:
    """An id the database can hold."""
    return number if 0 <= number < 2**63 else 0
