"""Log on, log off, choose a password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy

from server.ingest.access import address_of
from server.journal import models as journal


class LogOn(LoginView):
    template_name = "units/log_on.html"
    redirect_authenticated_user = True
    authentication_form = AuthenticationForm


class LogOff(LogoutView):
    http_method_names = ["post", "options"]


class Password(PasswordChangeView):
    """Also the page that a person with a given password cannot go around."""

    template_name = "units/password.html"
    success_url = reverse_lazy("machines")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        form.user.must_change = False  # saved together with the password
        journal.write("user.password", form.user.get_username(), address=address_of(self.request))
        return super().form_valid(form)


def locked_out(request: HttpRequest, credentials: dict[str, Any] | None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Shown instead of the log-on after too many failures."""
    return render(request, "units/locked_out.html", status=429)
