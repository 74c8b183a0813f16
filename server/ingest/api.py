"""What agents call: enrol, upload, ask for work."""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import AfterValidator, Field, StringConstraints

from collectors import seal_delta
from collectors.model import MACHINES, Kind
from collectors.seal import MAX_SEALED
from server.assess import judge, packs
from server.enrolment import lifecycle
from server.errors import ErrorOut, Refused
from server.ingest import intake, stopped
from server.ingest.access import address_of, agent_of, caller, limit_tries, note_refusal
from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal import models as journal
from server.schedules import told

router = Router(tags=["agents"])

MEDIA_TYPE = "application/vnd.rasoat.snapshot"
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=253, pattern=r"^[^\x00-\x1f\x7f]*$")]


class IdentityIn(Schema):
    hostname: Line = ""
    machine_id: Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9a-f]*$")] | None = None
    os_name: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


def _machine(kind: Kind) -> Kind:
    # of a system almost nothing is asked: a machine that called itself one would look faultless
    if kind not in MACHINES:
        raise ValueError(f"{kind} is no machine; one of {', '.join(MACHINES)}")
    return kind


class EnrolIn(Schema):
    """A machine that wants in."""

    token: Annotated[str, StringConstraints(max_length=200)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=253, pattern=r"^[^\x00-\x1f\x7f]+$")]
    kind: Annotated[Kind, AfterValidator(_machine)] = Kind.SERVER
    public_key: str = Field(description="base64 of the 32 raw bytes of an Ed25519 public key")
    identity: IdentityIn = IdentityIn()


class EnrolOut(Schema):
    agent_id: str
    unit: str
    server_time: datetime
    waiting: bool = Field(default=False, description="A person has to let it in first; what it sends meanwhile is answered 503")


class SnapshotOut(Schema):
    id: str
    verdicts_agree: bool | None = Field(
        description="Whether the machine's own verdicts are the same; null: not comparable, or it did not judge"
    )


class BaselineOut(Schema):
    id: str
    digest: str


class TailoringOut(Schema):
    digest: str
    text: str


class WorkOut(Schema):
    server_time: datetime
    level: int
    kind: Kind
    baseline: BaselineOut
    tailoring: TailoringOut | None
    interval_seconds: int = Field(description="For an agent that knows no schedule")
    schedule: dict[str, Any] | None = Field(default=None, description="When this machine is looked at: collectors/timetable.py")
    station_schedule: dict[str, Any] | None = Field(default=None, description="When a scan station looks at its targets")
    poll_seconds: int = Field(default=5400, description="How often to ask whether somebody wants a scan now")
    bytes_per_second: int | None = Field(default=None, description="Most that is to be sent")
    recommended_version: str | None = Field(default=None, description="Of the agent; for people, it never replaces itself")
    jobs: list[dict[str, Any]]


@router.post("enrol", response={201: EnrolOut, (400, 403, 422, 429): ErrorOut}, summary="A machine enrols with a token")
def enrol(request: HttpRequest, payload: EnrolIn) -> Status[EnrolOut]:
    """The same key with a valid token gets the same agent: an answer lost on the way costs nothing."""
    limit_tries(request, "token")
    key = _public_key(payload.public_key)
    token = EnrolmentToken.find(payload.token)
    now = timezone.now()
    if token is None or token.revoked_at or token.expires_at <= now:
        return _refuse_token(request, payload.name, token)
    with transaction.atomic():
        agent = Agent.objects.select_related("unit").filter(public_key=key).first()
        if agent is not None and agent.revoked_at:
            raise Refused(403, "revoked", "this machine's key was revoked; make a new key and enrol again")
        if agent is not None and (token.uses_left or agent.token_id == token.pk):
            journal.write(
                "agent.again",
                agent.pk,
                unit_path=agent.unit.path,
                subject=agent.name,
                address=address_of(request),
                token=token.public,
            )
        elif agent is None and token.consume(now):
            agent = lifecycle.admit(token, key, payload.name, payload.kind.value, payload.identity.dict(), address_of(request))
        else:
            agent = None
    if agent is None:
        return _refuse_token(request, payload.name, token)
    return Status(201, EnrolOut(agent_id=agent.pk, unit=agent.unit.name, server_time=now, waiting=agent.waiting))


def _public_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "invalid", "public_key: not base64") from None
    if len(key) != 32:
        raise Refused(422, "invalid", f"public_key: {len(key)} bytes, an Ed25519 key has 32")
    return key


def _refuse_token(request: HttpRequest, name: str, token: EnrolmentToken | None) -> Status[EnrolOut]:
    note_refusal(request, "token")
    journal.write_sparingly(
        "agent.refused",
        "stranger",
        address=address_of(request),
        unit_path=token.unit.path if token else "",
        subject=name,
        token=token.public if token else None,
    )
    # one answer for all: whoever guesses must not learn which tokens exist
    raise Refused(403, "token", "this token is unknown, used up, expired or revoked; ask your administrator for a new one")


_BODY = {
    "requestBody": {
        "required": True,
        "description": "A sealed snapshot: gzip of one header line and the snapshot's JSON, signed by the agent; or the same as a difference to one that is here (collectors/seal_delta.py)",
        "content": {
            form: {"schema": {"type": "string", "format": "binary", "maxLength": MAX_SEALED}}
            for form in (MEDIA_TYPE, seal_delta.MEDIA_TYPE)
        },
    }
}


@router.post(
    "snapshots",
    response={(200, 201): SnapshotOut, (400, 401, 409, 411, 412, 413, 415, 422, 429, 503): ErrorOut},
    openapi_extra=_BODY,
    summary="An agent uploads a sealed snapshot",
)
def upload(request: HttpRequest) -> Status[SnapshotOut]:
    """Idempotent: 201 when it was stored, 200 when it was here already. 412: send it whole. 429, 5xx: keep it and come again when
    Retry-After says. Any other 4xx: do not send it again.
    """
    try:
        taken = intake.take(_body(request), _is_difference(request))
    except Refused as refusal:
        _note(request, refusal)
        raise
    return Status(201 if taken.new else 200, SnapshotOut(id=taken.id, verdicts_agree=taken.verdicts_agree))


def _is_difference(request: HttpRequest) -> bool:
    return request.content_type == seal_delta.MEDIA_TYPE


def _body(request: HttpRequest) -> bytes:
    if request.content_type not in (MEDIA_TYPE, seal_delta.MEDIA_TYPE):
        raise Refused(415, "media-type", f"send it as {MEDIA_TYPE}")
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise Refused(411, "length-required", "say how long it is (Content-Length); chunked uploads are not taken")
    if int(length) > MAX_SEALED:
        raise Refused(413, "too-large", f"{length} bytes, at most {MAX_SEALED} are accepted")
    try:
        body = request.body
    except UnreadablePostError:
        raise Refused(503, "incomplete", "the connection broke in mid-upload") from None
    if len(body) != int(length):
        # cut on its way here, perhaps by a proxy: not the sender's fault, so not a 4xx
        raise Refused(503, "incomplete", f"only {len(body)} of {length} bytes arrived")
    return body


def _note(request: HttpRequest, refusal: Refused) -> None:
    """Count it; write to the journal what looks like an attempt; raise an alarm where a known machine is concerned."""
    if refusal.status in (412, 429):
        return  # nobody did anything wrong
    note_refusal(request, refusal.code)
    if refusal.code not in ("unknown-agent", "revoked", "unsigned", "forged", "id-reused", "too-large"):
        return
    address = address_of(request)
    agent = None
    if refusal.code in ("unsigned", "forged", "id-reused"):
        with suppress(Refused):
            agent = agent_of(intake.claimed_agent(request.body, _is_difference(request)))
    journal.write_sparingly(
        "snapshot.refused",
        agent.pk if agent else "stranger",
        address=address,
        unit_path=agent.unit.path if agent else "",
        subject=agent.name if agent else "",
        code=refusal.code,
    )
    machine = Machine.objects.select_related("unit").filter(agent=agent, own=True).first() if agent else None
    if machine:
        judge.raise_alarm(machine, "id-reused" if refusal.code == "id-reused" else "forged", address=address, code=refusal.code)


@router.get("agents/me/work", response={200: WorkOut, 304: None, (401, 503): ErrorOut}, summary="What an agent is to do")
def work(request: HttpRequest, response: HttpResponse) -> WorkOut | HttpResponse:
    """Signed with the agent's key in the Authorization header: `Rasoat AGENT:UNIXTIME:BASE64`.

    With the ETag of the last answer in If-None-Match an agent that has all this is answered 304, with nothing.
    `?stopped=LIMIT&at=&allowed=&taken=&doing=`: its last look went beyond its own limits, and it ended it; becomes an alarm.
    """
    agent = caller(request)
    if "stopped" in request.GET:
        stopped.note(agent, request.GET)
    told_to = told.to(agent)
    pack, tailoring = packs.get(told_to.policy.baseline), packs.tailoring(told_to.policy.tailoring)
    answer = WorkOut(
        server_time=timezone.now(),
        level=told_to.policy.level,
        kind=Kind(told_to.kind),
        baseline=BaselineOut(id=pack.id, digest=pack.digest),
        tailoring=TailoringOut(digest=tailoring.digest, text=tailoring.text) if tailoring else None,
        interval_seconds=told_to.interval_seconds,
        schedule=told_to.schedule,
        station_schedule=told_to.station_schedule,
        poll_seconds=told_to.poll_seconds,
        bytes_per_second=told_to.bytes_per_second,
        recommended_version=told_to.recommended_version,
        jobs=told_to.jobs,
    )
    tag = f'"{hashlib.sha256(answer.model_dump_json(exclude={"server_time"}).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    response["ETag"] = tag
    return answer
