"""To the provider and back; and log-off, which can end the provider's log-on too."""

from __future__ import annotations

import importlib
import logging
from types import ModuleType

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from server.ingest.access import address_of
from server.journal import models as journal
from server.people.sessions import PROVIDED, has_factor
from server.people.views import BACKEND, half_way, safe
from server.signon.errors import Refused, SignonError, Unavailable
from server.signon.models import OIDC
from server.signon.pages import page
from server.signon.people import admit
from server.signon.sections import Oidc
from server.signon.sessions import MARK

log = logging.getLogger(__name__)


def _section() -> tuple[Oidc, ModuleType]:
    """The section, and what speaks with the provider: read only where there is one, for it needs an extra of the package."""
    found: Oidc | None = settings.CONFIG.oidc
    if found is None:
        raise Http404
    return found, importlib.import_module("server.signon.oidc")


@login_not_required
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    config, oidc = _section()
    if request.user.is_authenticated:
        return redirect("overview")
    try:
        return HttpResponseRedirect(oidc.begin(request, config, settings.DATA, request.GET.get("next", "")[:500]))
    except SignonError as error:
        return page(request, error)


@login_not_required
@require_GET
def answer(request: HttpRequest) -> HttpResponse:
    config, oidc = _section()
    if request.user.is_authenticated:
        return redirect("overview")
    try:
        proven = oidc.finish(request, config, settings.DATA)
    except Refused as error:
        log.warning("answer of the provider refused: %s", error)
        journal.write_sparingly("user.signon-refused", "stranger", address=address_of(request), code=error.reason, identity=OIDC)
        return page(request, error)
    except Unavailable as error:
        return page(request, error)
    try:
        user = admit(proven.who, config.grants, address_of(request))
    except Refused as error:
        return page(request, error)
    request.session.flush()  # nothing a stranger put into this browser's session outlives the log-on
    if not proven.strong and has_factor(user):
        return half_way(request, user, proven.next)
    login(request, user, backend=BACKEND)
    if proven.strong:
        request.session[PROVIDED] = True
    return redirect(safe(request, proven.next))


@login_not_required
@require_POST
def log_off(request: HttpRequest) -> HttpResponse:
    """Only a link leads on to the provider: a form that ended elsewhere would need a wider content policy."""
    mark = request.session.get(MARK) or {}
    logout(request)
    if mark.get("kind") == OIDC and settings.CONFIG.oidc is not None:
        config, oidc = _section()
        try:
            where = oidc.farewell(request, config, settings.DATA)
        except Unavailable as error:
            log.error("%s", error)
            where = ""
        if where:
            return render(request, "signon/logged_off.html", {"where": where})
    return redirect("log-on")
