"""The calendar for calendar programs: an address with a key that reads nothing else."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_POST, require_safe

from server.calendar import ical, reminding, views
from server.errors import Refused
from server.ingest.access import address_of, limit_tries, note_refusal
from server.journal import models as journal
from server.programs.models import LONGEST, Key
from server.units.rights import SEE
from server.web.requests import user_of

SCOPE = "calendar"
BACK, AHEAD = timedelta(days=31), timedelta(days=400)
"""What a calendar program is told of."""


@require_POST
def address(request: HttpRequest) -> HttpResponse:
    """A new address for one unit and all below; it is shown this once, and ended under the keys."""
    user = user_of(request)
    unit = views.unit_asked(user, request.POST.get("unit", ""))
    if unit is None:
        raise Http404
    until = timezone.now() + LONGEST
    key, text = Key.issue(user, unit, _("Calendar of %s") % unit.name, [SCOPE], until)
    journal.write(
        "key.new", user.username, unit_path=unit.path, subject=key.name, address=address_of(request), key=key.public,
        scopes=SCOPE, until=until.isoformat(),
    )  # fmt: skip
    return views.page(request, unit, made=request.build_absolute_uri(f"/calendar/feed/{text}.ics"))


@require_safe
def feed(request: HttpRequest, key: str) -> HttpResponse:
    """The key stands in the address, because calendar programs send no headers; so it must be one that opens nothing else."""
    try:
        limit_tries(request, "key")
    except Refused as error:
        return HttpResponse(f"{error.message}\n", status=error.status, content_type="text/plain; charset=utf-8")
    found = Key.find(key)
    # whoever left, or was moved elsewhere, reads nothing more: not what the unit is called either
    if found is None or found.scopes != [SCOPE] or not found.user.may(SEE, found.unit):
        note_refusal(request, "key")
        return HttpResponse("unknown, ended or revoked\n", status=404, content_type="text/plain; charset=utf-8")
    found.touch(address_of(request))
    today = timezone.localdate()
    asked = request.GET.get("lang", "vi")
    with override(asked if asked in ("vi", "en") else "vi"):
        told = reminding.gathered(found.user, found.unit, today - BACK, today + AHEAD)
        text = ical.document(_("Deadlines: %s") % found.unit.name, told, request.get_host().partition(":")[0], timezone.now())
    answer = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="rasoat.ics"'
    answer["Cache-Control"] = "private, max-age=3600"
    return answer
