"""Who it is that sits at the console. Whoever has it is nobody in particular: a person who asks or decides there proves who it
is, with password and second factor as in the browser."""

from __future__ import annotations

import getpass
import sys

from django.utils.translation import gettext as _

from server.people.models import SecondFactor
from server.people.sessions import asked_of, has_factor
from server.terminal import wrong
from server.units.models import User


def person_of(name: str) -> User | None:
    """The person of that user name who knows the password, and has the second factor where one was set up or is demanded."""
    person = User.objects.filter(username=name, is_active=True).first()
    given = _secret(_("Password of %s: ") % name)
    if person is None or person.must_change or not person.check_password(given):
        wrong(_("this is not %s, or a given password was never changed") % name)
        return None
    if asked_of(person) and not has_factor(person):
        wrong(_("settings.toml demands a second factor of this role (second_factor_for): set it up in the browser first"))
        return None
    factor = SecondFactor.objects.filter(user=person, confirmed_at__isnull=False).first()
    if factor is not None and not factor.accepts(_secret(_("Code of the authenticator: "))):
        wrong(_("this code is not accepted"))
        return None
    return person


def _secret(prompt: str) -> str:
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
