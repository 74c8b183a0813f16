"""How old each feed is, for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from server.errors import ErrorOut
from server.feeds import status
from server.feeds.matching.api import router as vulnerabilities
from server.programs.access import reader

router = Router(tags=["programs"])
router.add_router("", vulnerabilities)


class FeedOut(Schema):
    name: str
    kind: str
    publisher: str
    licence: str
    data_date: date | None = Field(description="Of the data, as the publisher dates them; null: never imported")
    age_days: int | None
    limit_days: int = Field(description="0: does not age")
    old: bool = Field(description="Over its limit, or without data: what rests on it is unknown")
    imported_at: datetime | None
    bundle: int | None = Field(description="Version of the bundle it came in; 0: by itself; null, as the counts: never imported")
    digest: str = Field(description="SHA-256 of the file as published")
    records: int | None
    rows: int | None
    left_out: int | None = Field(description="Records of products rasoat does not look at")
    reread: bool = Field(description="An earlier version of its parser read it: import the file again")
    refused: str = Field(description="Why the newest import was refused; empty: it was not")
    refused_at: datetime | None


@router.get(
    "feeds",
    response={200: list[FeedOut], (401, 403, 429): ErrorOut},
    summary="Feeds, their dates, and which are too old to judge by",
)
def feeds(request: HttpRequest) -> Any:
    reader(request, "feeds")
    return [one._asdict() for one in status.standings()]
