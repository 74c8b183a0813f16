"""/metrics, for Prometheus: text format 0.0.4."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from server.errors import Refused, error_response
from server.programs.access import reader
from server.programs.figures import Family, families
from server.programs.models import PREFIX
from server.units.rights import SEE

SCOPE = "metrics"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For this machine itself, whoever knows the token of settings.toml, or a key for it that reaches the whole tree."""
    try:
        _let_in(request)
    except Refused as refused:
        return error_response(refused.status, refused.code, refused.message, refused.wait)
    text = "\n".join(line for family in families() for line in lines(family)) + "\n"
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _let_in(request: HttpRequest) -> None:
    said = request.headers.get("Authorization", "")
    token = settings.CONFIG.metrics_token
    if token and hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
        return
    if said.partition(" ")[2].strip().startswith(f"{PREFIX}."):
        who = reader(request, SCOPE)
        if who.unit is None or who.unit.parent_id is not None or not who.user.may(SEE, who.unit):
            raise Refused(403, "forbidden", "these numbers are of the whole collector: the key must be for the root of the tree")
        return
    # a proxy on this machine makes strangers look local
    if request.META.get("REMOTE_ADDR") not in ("127.0.0.1", "::1") or "X-Forwarded-For" in request.headers:
        raise Refused(403, "forbidden", "from another machine /metrics needs a key, or the metrics_token of settings.toml")


def lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        inside = ",".join(f'{name}="{_quoted(text)}"' for name, text in labels.items())
        yield f"{family.name}{{{inside}}} {_number(value)}" if inside else f"{family.name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
