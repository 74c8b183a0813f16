"""What a person is shown whose log-on by provider or directory did not end well."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from server.signon.errors import Refused, SignonError

log = logging.getLogger(__name__)
WAIT_SECONDS = 30

REASONS = {
    "no-right": _("You were recognised, but no group you are in gives you a role here, and nobody gave you one by hand."),
    "disabled": _("Your account here is disabled."),
    "name-taken": _("An account of this name is here already, and it is not linked with you."),
    "no-name": _("What you are called there cannot be the name of an account here."),
    "tries": _("There were too many wrong passwords for this person. The directory is not asked again for a while."),
    "answer": _("The answer of the log-on service does not hold. Begin again from the log-on page."),
    "declined": _("The log-on service did not let you in."),
}


def page(request: HttpRequest, error: SignonError) -> HttpResponse:
    """503 when nobody could be asked, 429 after too many tries, else 403. The local log-on is offered on each."""
    if isinstance(error, Refused):
        status = 429 if error.reason == "tries" else 403
        context = {"why": REASONS[error.reason], "identity": error.identity}
        response = render(request, "signon/refused.html", context, status=status)
        if error.wait:
            response["Retry-After"] = str(error.wait)
        return response
    log.error("log-on by provider or directory is not possible: %s", error)
    response = render(request, "signon/unavailable.html", status=503)
    response["Retry-After"] = str(WAIT_SECONDS)
    return response
