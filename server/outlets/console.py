"""`rasoat server outlet ...`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from server.findings.codes import SEVERITIES
from server.outlets import deliver, making, sealed
from server.outlets.making import Wish, Wrong
from server.outlets.models import MAIL, SYSLOG, Outlet
from server.outlets.reach import Failed
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named

SECRET_MAX = 64 * 1024
STDIN = "-"


def add(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    try:
        secret = _secret(options)
        ca = Path(options.ca).read_text("ascii") if options.ca else ""
    except (OSError, UnicodeDecodeError) as error:
        return wrong(f"{getattr(error, 'filename', None) or '-'}: {getattr(error, 'strerror', None) or 'not text'}")
    wish = Wish(
        options.kind, options.name, options.address, tuple(options.tells.split(",")), SEVERITIES[options.severity],
        "both" if options.both else "worse", options.rule_changes, options.language, ca, secret, _options(options),
    )  # fmt: skip
    try:
        outlet = making.make(unit, wish, "console")
    except Wrong as error:
        return wrong(error)
    say(_("Outlet %(id)d tells of %(unit)s; try it: rasoat server outlet test %(id)d") % {"id": outlet.pk, "unit": unit.name})
    return OK


def _secret(options: argparse.Namespace) -> str:
    if not options.secret_file:
        return ""
    given: str = options.secret_file
    text = sys.stdin.read(SECRET_MAX) if given == STDIN else Path(given).read_text("utf-8")
    return text if options.kind == SYSLOG else text.rstrip("\r\n")


def _options(options: argparse.Namespace) -> dict[str, object]:
    if options.kind == SYSLOG:
        return {"format": options.format, "facility": options.facility, "enterprise": options.enterprise}
    if options.kind == MAIL:
        return {
            "sender": options.sender, "recipients": options.to, "user": options.user, "hours": options.hours, "per_hour": options.per_hour,
        }  # fmt: skip
    return {}


def listed(options: argparse.Namespace) -> int:
    """Exit code 1 while one does not get through: a monitoring system needs no more."""
    worst = OK
    for outlet in Outlet.objects.select_related("unit"):
        sent = timezone.localtime(outlet.sent_at).strftime("%Y-%m-%d %H:%M") if outlet.sent_at else "-"
        state = _("in order")
        if outlet.paused_at is not None:
            state = _("paused")
        elif outlet.failing_since is not None or outlet.error:
            since = timezone.localtime(outlet.failing_since).strftime("%Y-%m-%d %H:%M") if outlet.failing_since else ""
            state, worst = " ".join((_("does not get through"), since, outlet.error)), FAILED
        say(
            f"{outlet.pk}  {outlet.name}  {outlet.kind}  {outlet.unit.name}  {outlet.address}  {', '.join(outlet.tells)}  {sent}  {outlet.sent}  {state}"
        )
    return worst


def test(options: argparse.Namespace) -> int:
    def act(outlet: Outlet) -> int:
        try:
            deliver.test(outlet, timezone.now())
        except (Failed, sealed.Lost) as error:
            wrong(error)
            return FAILED
        say(_("The receiver has taken it"))
        return OK

    return _with(options, act)


def pause(options: argparse.Namespace) -> int:
    return _with(options, lambda outlet: _done(making.pause, outlet))


def resume(options: argparse.Namespace) -> int:
    return _with(options, lambda outlet: _done(making.resume, outlet))


def remove(options: argparse.Namespace) -> int:
    return _with(options, lambda outlet: _done(making.remove, outlet))


def _done(act: Callable[[Outlet, str], None], outlet: Outlet) -> int:
    act(outlet, "console")
    return OK


def _with(options: argparse.Namespace, act: Callable[[Outlet], int]) -> int:
    outlet = Outlet.objects.select_related("unit").filter(pk=options.outlet).first()
    return wrong(_("no outlet %d") % options.outlet) if outlet is None else act(outlet)
