"""Who is calling: addresses, an agent's signed request, and the limit on wrong tries."""

from __future__ import annotations

import base64
import binascii
import re
import time
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from collectors.seal import check_request
from server.errors import Refused
from server.ingest.models import Agent, Refusal
from server.statements import Select

SKEW_SECONDS = 600
TRIES, WINDOW = 20, timedelta(minutes=10)
KEPT_PER_ADDRESS = 1000
REFUSALS_KEPT = timedelta(days=1)
AGENT_ID = re.compile(r"[0-9a-f-]{36}")
_HEADER = re.compile(r"Rasoat ([0-9a-f-]{36}):([0-9]{1,12}):([A-Za-z0-9+/=]{86,90})")


def address_of(request: HttpRequest) -> str:
    """Address of the peer."""
    return str(request.META.get("REMOTE_ADDR") or "")[:45]


def limit_tries(request: HttpRequest, *codes: str) -> None:
    """Raises Refused(429) for an address that was refused too often of late."""
    since = timezone.now() - WINDOW
    if Refusal.objects.filter(address=address_of(request), code__in=codes, at__gt=since).count() >= TRIES:
        raise Refused(429, "too-many-tries", "too many refused tries from this address; wait some minutes")


def note_refusal(request: HttpRequest, code: str) -> None:
    """Count a refusal. One address fills no more than its share; those of before yesterday are forgotten (tasks.py)."""
    if Refusal.objects.filter(address=address_of(request)).count() < KEPT_PER_ADDRESS:
        Refusal.objects.create(address=address_of(request), code=code)


_agent = Select(lambda pk: Agent.objects.select_related("unit").filter(pk=pk))


def agent_of(agent_id: str) -> Agent:
    """The agent of that id. Raises Refused: 401 when it is unknown or was revoked, 503 while it waits to be let in."""
    agent = _agent.first(agent_id) if AGENT_ID.fullmatch(agent_id) else None
    if agent is None:
        raise Refused(401, "unknown-agent", "no such agent is enrolled here")
    if agent.revoked_at:
        raise Refused(401, "revoked", "this agent was revoked; enrol the machine again")
    if agent.waiting:  # not a 4xx: what it has keeps until somebody agreed
        raise Refused(503, "awaiting-approval", "this machine waits until a person lets it in; nothing is lost, it tries again")
    return agent


def caller(request: HttpRequest) -> Agent:
    """The agent that signed this request without a body. Raises Refused(401)."""
    match = _HEADER.fullmatch(request.headers.get("Authorization", ""))
    if match is None:
        raise Refused(401, "unsigned", "the request carries no agent's signature")
    agent_id, at = match[1], int(match[2])
    agent = agent_of(agent_id)
    try:
        signature = base64.b64decode(match[3], validate=True)
    except binascii.Error:
        raise Refused(401, "forged", "the signature is not base64") from None
    if not check_request(bytes(agent.public_key), agent_id, request.method or "", request.get_full_path(), at, signature):
        raise Refused(401, "forged", "the signature does not belong to this agent's key")
    if abs(time.time() - at) > SKEW_SECONDS:
        raise Refused(401, "clock", f"the request is signed for another time; the collector's clock says {int(time.time())}")
    touch(agent)
    return agent


def touch(agent: Agent) -> None:
    """Note the contact, at most once a minute: polling must not cost a write each time."""
    now = timezone.now()
    if agent.contact_at is None or now - agent.contact_at > timedelta(minutes=1):
        Agent.objects.filter(pk=agent.pk).update(contact_at=now)
