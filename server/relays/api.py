"""What relays call, and what agents ask because of them."""

from __future__ import annotations

import time
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from collectors.centre import Answer, sign_answer
from server.errors import ErrorOut, Refused
from server.ingest.access import address_of, caller, limit_tries, note_refusal
from server.ingest.api import _public_key
from server.ingest.models import StoredSnapshot
from server.journal import models as journal
from server.relays import keys as own
from server.relays.middleware import RELAY
from server.relays.models import Relay, heard

router = Router(tags=["relays"])
MOST = 50
"""Receipts asked for at a time."""
Count = Annotated[int, Field(ge=0, le=2**53)]


class CentreOut(Schema):
    sign: str = Field(description="base64 of the Ed25519 key that signs what the centre says")
    seal: str = Field(description="base64 of the X25519 key to which what is for the centre is sealed")


class RelayIn(Schema):
    """A relay that was invited."""

    token: Annotated[str, StringConstraints(max_length=200)]
    public_key: str


class RelayOut(Schema):
    relay_id: str
    name: str
    unit: str


class ReportIn(Schema):
    """What a relay says of itself."""

    waiting: Count
    bytes: Count
    cap: Count
    dropped: Count
    dropped_at: float | None = Field(default=None, description="Unix time when something was dropped last")
    oldest: float | None = Field(default=None, description="Unix time since when the oldest waits")
    agents: Count
    free: Count
    version: Annotated[str, StringConstraints(max_length=40)] = ""


class ReportOut(Schema):
    server_time: float


class ReceiptsOut(Schema):
    receipts: dict[str, dict[str, str]] = Field(description="By snapshot id: the centre's signed word that it has it")


@router.get("centre", response={200: CentreOut, 404: ErrorOut}, summary="The centre's public keys")
def centre(request: HttpRequest) -> CentreOut:
    """Nobody believes them for having come from here: the fingerprint in the enrolment token decides."""
    found = own.public()
    if found is None:
        raise Refused(404, "no-centre-key", "this collector has no keys of its own; run: rasoat server init")
    return CentreOut(**found.document())


@router.post(
    "relays/enrol", response={201: RelayOut, (400, 403, 422, 429): ErrorOut}, summary="A relay enrols with its invitation"
)
def enrol(request: HttpRequest, payload: RelayIn) -> Status[RelayOut]:
    limit_tries(request, "token")
    key = _public_key(payload.public_key)
    relay = Relay.of_invitation(payload.token, key)
    if relay is None or Relay.objects.filter(public_key=key).exclude(pk=relay.pk).exists():
        note_refusal(request, "token")
        journal.write_sparingly("relay.refused", "stranger", address=address_of(request))
        raise Refused(403, "token", "this invitation is unknown, used or expired; ask your administrator for a new one")
    # compared again where it is written: of two who come at once with one invitation, one gets in
    first = Relay.objects.filter(pk=relay.pk, public_key=None).update(public_key=key, enrolled_at=timezone.now())
    if not first and bytes(Relay.objects.get(pk=relay.pk).public_key or b"") != key:
        raise Refused(403, "token", "this invitation is unknown, used or expired; ask your administrator for a new one")
    if first:
        journal.write(
            "relay.enrolled", relay.pk, unit_path=relay.unit.path, subject=relay.name, address=address_of(request), relay=relay.pk
        )
    return Status(201, RelayOut(relay_id=relay.pk, name=relay.name, unit=relay.unit.name))


@router.post("relays/me/report", response={200: ReportOut, 401: ErrorOut}, summary="A relay says how it is")
def report(request: HttpRequest, payload: ReportIn) -> ReportOut:
    """Signed in the Rasoat-Relay header."""
    heard(_relay(request), payload.model_dump())
    return ReportOut(server_time=time.time())


def _relay(request: HttpRequest) -> Relay:
    relay = request.META.get(RELAY)
    if not isinstance(relay, Relay):
        raise Refused(401, "unsigned", "the request carries no relay's signature")
    return relay


@router.get("agents/me/receipts", response={200: ReceiptsOut, (401, 404): ErrorOut}, summary="Which snapshots the centre has")
def receipts(request: HttpRequest, ids: str) -> ReceiptsOut:
    """Of the agent's own. For what is not named the centre vouches for nothing: it may still be on its way."""
    agent, keys = caller(request), own.keys()
    if keys is None:
        raise Refused(404, "no-centre-key", "this collector has no keys of its own")
    found = StoredSnapshot.objects.filter(pk__in=ids.split(",")[:MOST], agent=agent).values_list("pk", "assessment__agent")
    return ReceiptsOut(receipts={pk: _receipt(pk, said, agent.pk) for pk, said in found}) if keys else ReceiptsOut(receipts={})


def _receipt(pk: str, said: str | None, agent: str) -> dict[str, str]:
    from server.ingest.intake import _agree

    keys = own.keys()
    assert keys is not None
    body: dict[str, Any] = {"id": pk, "verdicts_agree": _agree(said)}
    return sign_answer(keys, Answer(agent, pk, 200, int(time.time()), 0, "", "", body))
