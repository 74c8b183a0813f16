"""`rasoat server relay ...`: invite, list, take out of service."""

from __future__ import annotations

import argparse

from django.utils import timezone
from django.utils.translation import gettext as _

from server.journal import models as journal
from server.relays.keys import fingerprint
from server.relays.models import Relay
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named


def new(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    if not fingerprint():
        return wrong(_("this collector has no keys of its own; run: rasoat server init"))
    relay, text = Relay.invite(unit, options.name[:100], "console")
    journal.write("relay.invited", "console", unit_path=relay.unit.path, subject=relay.name, relay=relay.pk)
    if not options.quiet:
        say(_("Invitation for the relay %(name)s of %(unit)s; it is shown once:") % {"name": relay.name, "unit": relay.unit.name})
    say(text)
    return OK


def listed(options: argparse.Namespace) -> int:
    """Exit code 1 while a relay is in trouble: a monitoring system needs no more."""
    now, worst = timezone.now(), OK
    for relay in Relay.objects.select_related("unit"):
        trouble = relay.trouble(now)
        state = (
            _("out of service") if relay.revoked_at else "; ".join(str(Relay.TROUBLE[name]) for name in trouble) or _("in order")
        )
        heard = timezone.localtime(relay.contact_at).strftime("%Y-%m-%d %H:%M") if relay.contact_at else "-"
        say(f"{relay.pk}  {relay.name}  {relay.unit.name}  {heard}  {'-' if relay.waiting is None else relay.waiting}  {state}")
        worst = FAILED if trouble else worst
    return worst


def revoke(options: argparse.Namespace) -> int:
    relay = Relay.objects.select_related("unit").filter(pk=options.relay).first()
    if relay is None:
        return wrong(_("no relay %s") % options.relay)
    relay.revoke("console", "")
    return OK
