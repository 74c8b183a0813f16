"""Packs, for agents that judge by themselves."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Router, Schema

from server.assess import packs
from server.errors import ErrorOut, Refused
from server.ingest.access import caller

router = Router(tags=["packs"])


class PackOut(Schema):
    id: str
    digest: str
    files: dict[str, str]


@router.get("packs/{digest}", response={200: PackOut, (401, 404): ErrorOut}, summary="A pack, by its digest")
def pack(request: HttpRequest, digest: Path[str]) -> PackOut:
    """Signed like agents/me/work. What the agent loads must come to the same digest."""
    caller(request)
    found = packs.by_digest(digest)
    if found is None:
        raise Refused(404, "no-such-pack", "this collector has no pack of that digest; ask agents/me/work for the present one")
    return PackOut(id=found.id, digest=found.digest, files=found.files)
