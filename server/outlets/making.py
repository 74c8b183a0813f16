"""Making outlets, and what may be done to them: the same for console and pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from server.journal import models as journal
from server.outlets import messages, reach, sealed
from server.outlets.models import MAIL, SYSLOG, WEBHOOK, Outlet
from server.outlets.syslog import EXAMPLES
from server.units.models import Unit

SCHEMES = {SYSLOG: ("tls", "tcp", "udp"), WEBHOOK: ("https",), MAIL: ("starttls", "smtps", "smtp")}
PORTS = {"tls": 6514, "tcp": 514, "udp": 514, "https": 443, "starttls": 587, "smtps": 465, "smtp": 25}
TELLS = ("alarms", "verdicts", "journal")


class Wrong(ValueError):
    """What was given cannot be an outlet. The message is for people, in their language."""


@dataclass
class Wish:
    """What a person gave."""

    kind: str
    name: str
    address: str
    tells: tuple[str, ...] = ("alarms",)
    severity: int = 3
    direction: str = "worse"
    rule_changes: bool = False
    language: str = "vi"
    ca: str = ""
    secret: str = field(default="", repr=False)
    options: dict[str, Any] = field(default_factory=dict)


def make(unit: Unit, wish: Wish, by: str, address: str = "") -> Outlet:
    """An outlet that tells what is from now on. Raises Wrong."""
    checked(wish)
    with transaction.atomic():
        entry, number = messages.ends()
        outlet = Outlet.objects.create(
            unit=unit, name=wish.name, kind=wish.kind, address=wish.address, options=wish.options, ca=wish.ca, language=wish.language,
            **{name: name in wish.tells for name in TELLS}, severity=wish.severity, direction=wish.direction,
            rule_changes=wish.rule_changes, made_by=by, entry=entry, number=number,
        )  # fmt: skip
        if wish.secret:
            outlet.sealed = sealed.seal(wish.secret, outlet.pk)
            outlet.save(update_fields=["sealed"])
        note("outlet.new", outlet, by, address, target=outlet.address, changes=" ".join(wish.tells))
    return outlet


def pause(outlet: Outlet, by: str, address: str = "") -> None:
    """What there is to tell waits, as long as anything may wait."""
    if outlet.paused_at is None:
        Outlet.objects.filter(pk=outlet.pk).update(paused_at=timezone.now())
        note("outlet.paused", outlet, by, address)


def resume(outlet: Outlet, by: str, address: str = "") -> None:
    """At once, and from now on that person answers for it."""
    Outlet.objects.filter(pk=outlet.pk).update(paused_at=None, next_at=None, made_by=by)
    note("outlet.resumed", outlet, by, address)


def remove(outlet: Outlet, by: str, address: str = "") -> None:
    note("outlet.removed", outlet, by, address, target=outlet.address)
    outlet.delete()


def note(action: str, outlet: Outlet, by: str, address: str = "", **detail: Any) -> None:
    journal.write(action, by, unit_path=outlet.unit.path, subject=outlet.name, address=address, kind=outlet.kind, **detail)


def checked(wish: Wish) -> None:
    """Puts in what follows by itself. Raises Wrong."""
    wish.name = wish.name.strip()
    if not wish.name or not wish.name.isprintable() or len(wish.name) > 100:
        raise Wrong(_("an outlet needs a name"))
    if not wish.tells or not set(wish.tells) <= set(TELLS):
        raise Wrong(_("say what it tells: alarms, verdicts, journal"))
    if wish.kind == MAIL and "journal" in wish.tells:
        raise Wrong(_("the journal does not go by e-mail: use syslog or a webhook"))
    wish.address = _address(wish.kind, wish.address.strip())
    if wish.ca:
        try:
            reach.context(wish.ca)
        except reach.Failed:
            raise Wrong(_("the authorities given for it are no certificates in PEM")) from None
    {SYSLOG: _syslog, WEBHOOK: _webhook, MAIL: _mail}[wish.kind](wish)


def _address(kind: str, text: str) -> str:
    try:
        where = urlsplit(text)
        port = where.port or PORTS.get(where.scheme, 0)
    except ValueError:
        raise Wrong(_("the address is not understood")) from None
    if where.scheme not in SCHEMES[kind]:
        raise Wrong(_("the address begins with one of: %s") % ", ".join(f"{scheme}://" for scheme in SCHEMES[kind]))
    if where.username or where.password or where.query or where.fragment:
        raise Wrong(_("an address is stored and shown: nothing secret in it, no name, no password, no ?"))
    if not where.hostname or not text.isprintable() or " " in text or len(text) > 480:
        raise Wrong(_("the address is not understood"))
    if kind == WEBHOOK:
        return text
    if where.path not in ("", "/"):
        raise Wrong(_("the address is not understood"))
    host = f"[{where.hostname}]" if ":" in where.hostname else where.hostname
    return f"{where.scheme}://{host}:{port}"


def _syslog(wish: Wish) -> None:
    if wish.options.get("format", "json") not in ("json", "cef"):
        raise Wrong(_("the form is json or cef"))
    if not 0 <= _number(wish.options.get("facility", 16)) <= 23:
        raise Wrong(_("a facility is a number from 0 to 23"))
    enterprise = _number(wish.options.get("enterprise") or 0)
    if enterprise == EXAMPLES or enterprise < 0:
        raise Wrong(_("your organisation's own private enterprise number; 32473 is for examples only"))
    if wish.secret and not wish.address.startswith("tls:"):
        raise Wrong(_("a client certificate needs tls://"))


def _webhook(wish: Wish) -> None:
    if len(wish.secret) < 16:
        raise Wrong(_("a webhook needs a signing key of at least 16 characters"))


def _mail(wish: Wish) -> None:
    recipients = wish.options.get("recipients") or []
    try:
        for one in (wish.options.get("sender", ""), *recipients):
            validate_email(one)
            one.encode("ascii")
    except (ValidationError, UnicodeEncodeError, AttributeError):
        raise Wrong(_("a sender and recipients are needed, as plain addresses")) from None
    if not recipients or len(recipients) > 50 or len(set(recipients)) != len(recipients):
        raise Wrong(_("one to fifty recipients, each once"))
    if bool(wish.secret) != bool(wish.options.get("user")):
        raise Wrong(_("a user name needs its password, and the other way round"))
    if not (wish.secret + str(wish.options.get("user") or "")).isascii():
        raise Wrong(_("user name and password of a mail server: only letters without diacritics can be sent"))
    if wish.secret and wish.address.startswith("smtp:"):
        raise Wrong(_("no password over a line that is not encrypted: starttls:// or smtps://"))
    if not 1 <= _number(wish.options.get("hours", 24)) <= 744 or not 1 <= _number(wish.options.get("per_hour", 10)) <= 1000:
        raise Wrong(_("hours: 1 to 744; mails an hour: 1 to 1000"))


def _number(given: Any) -> int:
    try:
        return int(given)
    except (TypeError, ValueError):
        return -1
