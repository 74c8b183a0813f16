"""Bundles of evidence for programs: which there are, and the file of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from server.errors import ErrorOut, Refused
from server.evidence.models import Bundle
from server.evidence.views import file_of
from server.ingest.access import address_of
from server.programs.access import reader
from server.programs.asking import NO
from server.programs.listing import CSV, PageIn, page
from server.units.rights import JOURNAL

router = Router(tags=["programs"])
FILE = {
    "responses": {
        200: {"description": "The bundle", "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
    }
}


class BundleOut(Schema):
    id: int
    identity: str = Field(description="Stands in the bundle")
    unit: int
    kind: str = Field(description="unit · campaign · system")
    of: int = Field(description="Number of the unit, the campaign or the system")
    name: str
    state: str = Field(description="waiting · made · failed · removed")
    problem: str = Field(description="Why it could not be made; empty: nothing is wrong")
    asked_by: str
    asked_at: datetime
    made_at: datetime | None
    machines: int = Field(description="Snapshots inside")
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the file")


class BundlePage(Schema):
    items: list[BundleOut]
    next: int | None


@router.get("evidence", openapi_extra=CSV, response={200: BundlePage, **NO}, summary="Evidence bundles, oldest first")
def bundles(request: HttpRequest, asked: Query[PageIn]) -> Any:
    return page(request, reader(request, "evidence").rows(Bundle, JOURNAL), asked, BundleOut, _told)


def _told(held: Bundle) -> dict[str, Any]:
    given = {name: getattr(held, name) for name in BundleOut.model_fields if name not in ("identity", "unit")}
    return {**given, "identity": str(held.identity), "unit": held.unit_id}


@router.get(
    "evidence/{int:bundle}/file", openapi_extra=FILE, response={**NO, 404: ErrorOut, 409: ErrorOut}, summary="The file of one"
)
def file(request: HttpRequest, bundle: int) -> Any:
    who = reader(request, "evidence")
    held = who.rows(Bundle, JOURNAL).select_related("unit").filter(pk=bundle).first()
    if held is None:
        raise Refused(404, "not-found", "there is no such bundle, or this key does not reach it")
    answer = file_of(held, who.user.username, address_of(request))
    if answer is None:
        raise Refused(409, "not-here", f"it is {held.state}; a file that was made lies on {held.place or 'no machine'}")
    return answer
