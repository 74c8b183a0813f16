"""The second step of a log-on, and the page where a person sets it up."""

from __future__ import annotations

import time
from typing import Any

import segno
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from server.ingest.access import address_of
from server.journal import models as journal
from server.people.models import SecondFactor
from server.people.sessions import asked_of, has_factor
from server.signon import pages
from server.signon.errors import SignonError
from server.units.models import User
from server.units.views import LogOn as PasswordOnly
from server.web.requests import user_of

HALF, HALF_SECONDS = "half", 300
BACKEND = "django.contrib.auth.backends.ModelBackend"


class LogOn(PasswordOnly):
    """A right password is half a log-on for whoever has a second factor."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().post(request, *args, **kwargs)
        except SignonError as error:
            return pages.page(request, error)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if has_factor(user):
            return half_way(self.request, user, self.get_redirect_url())
        login(self.request, user, backend=BACKEND)  # whoever vouched for the person: from here on the account counts
        return redirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        config = settings.CONFIG
        return super().get_context_data(**kwargs) | {"oidc": config.oidc, "ldap": config.ldap}


def half_way(request: HttpRequest, user: User, wanted: str) -> HttpResponse:
    """Not logged on: a new session that knows no more than who is at the door, and for how long."""
    request.session.flush()
    request.session[HALF] = {"user": user.pk, "at": int(time.time()), "next": wanted}
    return redirect("second-step")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    half = request.session.get(HALF)
    if not half or time.time() - half["at"] > HALF_SECONDS:
        request.session.pop(HALF, None)
        return redirect("log-on")
    factor = (
        SecondFactor.objects.select_related("user").exclude(confirmed_at=None).filter(user=half["user"], user__is_active=True)
    )
    found = factor.first()
    if found is None:
        return redirect("log-on")
    wrong = False
    if request.method == "POST":
        if found.accepts(request.POST.get("code", "")[:40]):
            del request.session[HALF]
            login(request, found.user, backend=BACKEND)
            left = found.recovery.filter(used_at=None).count()
            journal.write("user.second-factor", found.user.username, address=address_of(request), left=left)
            return redirect(safe(request, half.get("next", "")))
        wrong = True
        journal.write_sparingly("user.refused", found.user.username, address=address_of(request))
    status = 429 if found.shut() else 200
    return render(request, "people/second_step.html", {"wrong": wrong, "shut": found.shut()}, status=status)


def safe(request: HttpRequest, wanted: str) -> str:
    """Where the person wanted to go, if that is here."""
    fine = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and fine else reverse("overview")


@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set one up, get new recovery codes, or give it up: each asks for a code of it, or for the password."""
    user = user_of(request)
    factor = SecondFactor.objects.filter(user=user).first()
    context: dict[str, object] = {"nav": "second-factor", "asked": asked_of(user)}
    if factor is None or factor.confirmed_at is None:
        return _set_up(request, user, factor, context)
    context["factor"] = factor
    if request.method == "POST":
        if not factor.accepts(request.POST.get("code", "")[:40]):
            context["wrong"] = True
        elif "remove" in request.POST and not context["asked"]:
            factor.delete()
            journal.write("user.second-factor-off", user.username, address=address_of(request))
            return redirect("second-factor")
        else:
            context["codes"] = factor.new_recovery()
            journal.write("user.recovery", user.username, address=address_of(request))
    context["left"] = factor.recovery.filter(used_at=None).count()
    return render(request, "people/second_factor.html", context)


def _set_up(request: HttpRequest, user: User, factor: SecondFactor | None, context: dict[str, object]) -> HttpResponse:
    if request.method == "POST" and factor is not None:
        if factor.accepts(request.POST.get("code", "")[:40]):
            factor.confirmed_at = timezone.now()
            factor.save(update_fields=["confirmed_at"])
            journal.write("user.second-factor-on", user.username, address=address_of(request))
            return render(
                request, "people/second_factor.html", {**context, "factor": factor, "codes": factor.new_recovery(), "left": 10}
            )
        context["wrong"] = True
    else:
        factor = SecondFactor.begin(user)
    address = factor.address()
    picture = segno.make(address, error="m").svg_data_uri(scale=5, border=2)
    return render(request, "people/set_up.html", {**context, "picture": picture, "secret": factor.secret})
