"""`rasoat server approval ...` and `rasoat server waiver list`. Whoever has the console is nobody in particular: a person who
decides here says who it is, with password and second factor as in the browser, and is held to the same rules."""

from __future__ import annotations

import argparse

from django.utils import timezone
from django.utils.translation import gettext as _

from server.approvals import deciding
from server.approvals.models import Request
from server.people.console import person_of
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named
from server.waivers.models import Waiver, in_force


def listed(options: argparse.Namespace) -> int:
    for one in Request.objects.filter(state=Request.WAITING).select_related("unit", "asked_by"):
        until = timezone.localtime(one.expires_at).strftime("%Y-%m-%d %H:%M")
        say(f"{one.pk}  {until}  {one.title}  {one.unit.name}  {one.asked_by.username}  {one.subject}")
    return OK


def show(options: argparse.Namespace) -> int:
    found = _of(options.request)
    if found is None:
        return USAGE
    say(f"{found.title}: {found.subject}  ({found.state_word})")
    for name, value in (*found.told, (_("Reason"), found.reason), (_("Asked by"), found.asked_by.username)):
        say(f"  {name}: {value}")
    say(f"  sha256 {found.digest}")
    return OK


def approve(options: argparse.Namespace) -> int:
    found, person = _of(options.request), person_of(options.by)
    if found is None or person is None:
        return USAGE
    return _decided(lambda: deciding.approve(found.pk, person, found.digest))


def refuse(options: argparse.Namespace) -> int:
    found, person = _of(options.request), person_of(options.by)
    if found is None or person is None:
        return USAGE
    return _decided(lambda: deciding.refuse(found.pk, person, options.why))


def _decided(act: object) -> int:
    assert callable(act)
    try:
        say(act().state_word)
    except (deciding.Impossible, PermissionError) as error:
        wrong(str(error))
        return FAILED
    return OK


def waivers(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    for one in Waiver.objects.filter(in_force(timezone.now()), unit__path__under=unit.path).select_related("unit"):
        where = one.unit.name if one.whole else one.system or ", ".join(one.covers.values_list("machine__name", flat=True)[:5])
        say(f"{one.pk}  {one.on} – {one.until}  {one}  {where}  {one.document}  {one.asked_by}, {one.approved_by}")
    return OK


def _of(pk: int) -> Request | None:
    found = Request.objects.filter(pk=pk).select_related("unit", "asked_by").first()
    if found is None:
        wrong(_("no request %d") % pk)
    return found
