"""What was sealed for the centre is opened here, and what the centre answers to it is signed here.

Everything behind sees the request as if its agent had come by itself: the same body, the same media type. So enrolment,
ingest and work know nothing of relays, and a snapshot that came through one is judged by the same rules, the host's own
signature above all. What a relay says is believed in one thing: the address its peer had, for the limit on wrong tries.
"""

from __future__ import annotations

import base64
import json
import re
import time
from io import BytesIO

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError

from collectors.centre import (
    FOR_CENTRE,
    MAX_EXTRA,
    SIGNED,
    Answer,
    CentreError,
    CentreKeys,
    Envelope,
    check_relayed,
    open_envelope,
    read_envelope,
    sent_by,
    sign_answer,
)  # fmt: skip
from collectors.seal import MAX_SEALED
from server.errors import error_response
from server.ingest.access import AGENT_ID, SKEW_SECONDS
from server.ingest.models import Agent, Machine
from server.relays import keys as own
from server.relays.models import Relay, passed
from server.web.middleware import Handler

SIGNS = "/api/v1/agents/me/"
"""What is asked below is answered under the centre's signature. Nothing else is: a signature must never fit a question nobody asked."""
OPENED = ("/api/v1/enrol", "/api/v1/snapshots", "/api/v1/relays/enrol")
RELAY = "rasoat.relay"
"""Key in request.META of the relay whose signature was found right; no sender can set it."""
_ABOUT = re.compile(r"[0-9a-f-]{1,64}")
_QUESTION = re.compile(r"Rasoat ([0-9a-f-]{36}):([0-9]{1,12}):")
_RELAYED = re.compile(r"([0-9a-f-]{36}) ([0-9]{1,12}) ([0-9A-Fa-f.:]{2,45}|-) ([A-Za-z0-9+/=]{86,90})")


class Sealed:
    """Opens what is for the centre, signs what is from the centre, and knows relays by their signature."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sealed = request.content_type == FOR_CENTRE
        asked = SIGNED in request.headers.get("Accept", "") and request.path.startswith(SIGNS)
        marked = "Rasoat-Relay" in request.headers
        if not (sealed or asked or marked) or not request.path.startswith("/api/"):
            return self.get_response(request)
        keys = own.keys()
        if keys is None:
            return error_response(415, "no-centre-key", "this collector has no keys of its own; run: rasoat server init")
        if (sealed or marked) and (problem := _read(request)):
            return problem
        if marked and (problem := _relay(request)):
            return problem
        if sealed:
            return self._opened(request, keys)
        response = self.get_response(request)
        return _signed(request, response, keys) if asked else response

    def _opened(self, request: HttpRequest, keys: CentreKeys) -> HttpResponse:
        if request.path not in OPENED:
            return error_response(415, "media-type", "nothing that is sealed for the centre is taken here")
        try:
            envelope = read_envelope(request.body)
            if not _ABOUT.fullmatch(envelope.about):
                raise CentreError("damaged", "it does not say what it is about")
        except CentreError as error:
            return error_response(400, error.code, str(error))
        agent = _agent(envelope.agent)
        try:
            inside = open_envelope(envelope, keys, keys.public)
            if agent is not None and not sent_by(envelope, bytes(agent.public_key)):
                raise CentreError("altered", "its outside does not bear the signature of the agent it names")
        except CentreError as error:
            _alarm(agent, request, error.code)
            return _answer(keys, request, envelope.about, 400, {"error": error.code, "message": str(error)}, envelope.agent)
        response = self.get_response(_inner(request, inside, envelope.type))
        if agent is not None and response.status_code < 300:
            _note(request, agent)
        return _as_answer(response, keys, request, envelope)


def _read(request: HttpRequest) -> HttpResponse | None:
    length = request.headers.get("Content-Length", "") or "0"
    if not length.isdecimal() or int(length) > MAX_SEALED + MAX_EXTRA:
        return error_response(413, "too-large", f"{length} bytes, at most {MAX_SEALED + MAX_EXTRA} are accepted")
    try:
        whole = len(request.body) == int(length)
    except UnreadablePostError:
        whole = False
    return None if whole else error_response(503, "incomplete", f"not all of {length} bytes arrived")


def _relay(request: HttpRequest) -> HttpResponse | None:
    """Note whose word it is in request.META; an answer instead, when it is nobody's."""
    found = _RELAYED.fullmatch(request.headers["Rasoat-Relay"])
    relay = Relay.objects.select_related("unit").filter(pk=found[1], revoked_at=None).first() if found else None
    if found is None or relay is None or relay.public_key is None:
        return error_response(401, "unknown-relay", "no such relay is enrolled here, or it was taken out of service")
    at, address = int(found[2]), "" if found[3] == "-" else found[3]
    signature = base64.b64decode(found[4])
    named = request.method or "", request.get_full_path()
    if not check_relayed(bytes(relay.public_key), relay.pk, *named, at, address, request.body, signature):
        return error_response(401, "relay-forged", "the relay's signature does not belong to its key")
    if abs(time.time() - at) > SKEW_SECONDS:
        return error_response(401, "relay-clock", f"the relay's clock is wrong; the collector's says {int(time.time())}")
    request.META[RELAY] = relay
    if address:
        request.META["REMOTE_ADDR"] = address
    return None


def _inner(request: HttpRequest, body: bytes, media_type: str) -> HttpRequest:
    """The same request with what was inside."""
    environ = dict(request.META)
    for name in ("HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING"):
        environ.pop(name, None)
    environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": media_type}
    return WSGIRequest(environ)


def _agent(pk: str) -> Agent | None:
    return Agent.objects.filter(pk=pk).first() if AGENT_ID.fullmatch(pk) else None


def _note(request: HttpRequest, agent: Agent) -> None:
    relay = request.META.get(RELAY)
    if relay is not None:
        passed(agent, relay)


def _alarm(agent: Agent | None, request: HttpRequest, code: str) -> None:
    """Somebody on the way altered it, or sent it in this agent's name. No more than an alarm can follow: who it was is not proven."""
    from server.assess import judge

    machine = Machine.objects.select_related("unit").filter(agent=agent, own=True).first() if agent else None
    if machine is not None:
        relay = request.META.get(RELAY)
        judge.raise_alarm(machine, "altered", code=code, relay=relay.name if relay else "", address=request.META["REMOTE_ADDR"])


def _as_answer(response: HttpResponse, keys: CentreKeys, request: HttpRequest, envelope: Envelope) -> HttpResponse:
    """Signed, unless it says only that now is not the time."""
    body = _document(response)
    if body is None:
        return response
    agent = envelope.agent or str(body.get("agent_id", ""))
    return _answer(keys, request, envelope.about, response.status_code, body, agent)


def _signed(request: HttpRequest, response: HttpResponse, keys: CentreKeys) -> HttpResponse:
    body, found = _document(response), _QUESTION.match(request.headers.get("Authorization", ""))
    if body is None or found is None:
        return response
    if response.status_code == 200 and (agent := _agent(found[1])):
        _note(request, agent)
    about = f"{request.method} {request.get_full_path()}"
    return _answer(keys, request, about, response.status_code, body, found[1], int(found[2]))


def _document(response: HttpResponse) -> dict[str, object] | None:
    if response.status_code >= 500 or response.status_code == 429 or getattr(response, "streaming", False):
        return None
    try:
        found = json.loads(response.content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _answer(
    keys: CentreKeys, request: HttpRequest, about: str, status: int, body: dict[str, object], agent_id: str, asked: int = 0
) -> HttpResponse:
    agent, relay = _agent(agent_id), request.META.get(RELAY)
    key = base64.b64encode(bytes(agent.public_key)).decode() if agent and not agent.revoked_at else ""
    answer = Answer(agent_id, about, status, int(time.time()), asked, relay.name if relay else "", key, body)
    return JsonResponse(sign_answer(keys, answer), status=status, content_type=SIGNED)
