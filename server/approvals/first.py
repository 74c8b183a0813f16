"""The first of two people, at the console."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from server.approvals import packs
from server.people.console import person_of
from server.terminal import OK, USAGE, say, wrong
from server.units.models import Unit
from server.units.rights import ADMINISTER


def ask_for_pack(unit: Unit, by: str | None, why: str, **change: Any) -> int:
    """What the page of a unit asks for, as packs.ask takes it. Raises CannotRoll."""
    if not by:
        return wrong(_("a pack takes two people: say who asks by --by; a second person approves it on the page of requests"))
    person = person_of(by)
    if person is None:
        return USAGE
    if not person.may(ADMINISTER, unit):
        return wrong(_("%(person)s does not administer %(unit)s") % {"person": person.username, "unit": unit})
    asked = packs.ask(unit, person, why or _("asked for at the console"), **change)
    say(_("Request %d waits for a second person.") % asked.pk)
    return OK
