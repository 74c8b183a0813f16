"""From a person somebody else vouches for to an account here: which one it is, and which roles the groups give it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from server.database import clean
from server.journal import models as journal
from server.people import sessions
from server.signon.errors import Refused
from server.signon.models import Identity
from server.signon.sections import Grant
from server.units.models import Membership, Unit, User, by_code


class Outsider(NamedTuple):
    """A person as the provider or the directory knows them, proven a moment ago."""

    kind: str
    issuer: str
    subject: str
    name: str
    full_name: str
    groups: frozenset[str]

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.subject}"


Role = tuple[Unit, str]


def admit(who: Outsider, grants: Iterable[Grant], address: str) -> User:
    """The account of this person, with the roles of today's groups. Raises Refused.

    Found by kind, issuer and subject and nothing else. Whoever has none gets a new one if a group gives a role; a name that
    is taken already is somebody else's.
    """
    wanted = roles_of(grants, who.groups)
    identity = _identity(who)
    try:
        if identity is None and not wanted:
            raise Refused("no-right", identity=who.label)
        user = identity.user if identity else _new(who)
        if not user.is_active:
            raise Refused("disabled", identity=who.label)
        settle(user, who.kind, wanted)
        if not user.parts():
            sessions.end_all(user)
            raise Refused("no-right", identity=who.label)
    except Refused as no:
        actor = identity.user.username if identity else "stranger"
        journal.write("user.signon-refused", actor, address=address, code=no.reason, identity=who.label)
        raise
    user.full_name = _line(who.full_name, 200) or user.full_name
    user.save(update_fields=["full_name"])
    Identity.objects.filter(user=user).update(name=_line(who.name, 300), seen_at=timezone.now())
    return user


def roles_of(grants: Iterable[Grant], groups: frozenset[str]) -> set[Role]:
    """What these groups give. A code that no unit in being has gives nothing; `server check` names it."""
    found: set[Role] = set()
    for grant in grants:
        if grant.group in groups:
            unit = unit_of(grant)
            if unit is not None:
                found.add((unit, grant.role))
    return found


def unit_of(grant: Grant) -> Unit | None:
    """The unit in being that has this code now: a right does not follow a code into another unit."""
    return next((unit for unit in by_code(grant.unit) if unit.open and unit.code == grant.unit), None)


def settle(user: User, kind: str, wanted: set[Role]) -> bool:
    """Give what the groups give and take what they no longer give; roles given by hand stay as they are. Whether something was taken."""
    taken = False
    keys = {(unit.pk, role): unit for unit, role in wanted}
    with transaction.atomic():
        held = set()
        for membership in Membership.objects.filter(user=user).exclude(origin="").select_related("unit"):
            key = (membership.unit_id, membership.role)
            if membership.origin == kind and key in keys:
                held.add(key)
            else:
                membership.delete()
                taken = True
                _note("user.group-role-lost", user, kind, membership.unit, membership.role)
        for key in sorted(set(keys) - held):
            Membership.objects.create(user=user, unit=keys[key], role=key[1], origin=kind)
            _note("user.group-role", user, kind, keys[key], key[1])
    user.refresh_from_db()
    return taken


def link(user: User, kind: str, issuer: str, subject: str) -> None:
    """From now on this account is entered by that identity and no longer by a password. Raises Refused when either is taken."""
    if Identity.objects.filter(user=user).exists() or Identity.objects.filter(kind=kind, issuer=issuer, subject=subject).exists():
        raise Refused("linked")
    with transaction.atomic():
        Identity.objects.create(user=user, kind=kind, issuer=issuer, subject=subject, name=user.username)
        user.set_unusable_password()
        user.must_change = False
        user.save(update_fields=["password", "must_change"])
        sessions.end_all(user)


def unlink(user: User) -> bool:
    """The account loses its way in and what groups gave it; `user reset` gives it a password."""
    with transaction.atomic():
        gone, _by_model = Identity.objects.filter(user=user).delete()
        settle(user, "console", set())
        sessions.end_all(user)
    return bool(gone)


def external(user: User) -> bool:
    return Identity.objects.filter(user=user).exists()


def _identity(who: Outsider) -> Identity | None:
    found = Identity.objects.select_related("user").filter(kind=who.kind, issuer=who.issuer, subject=who.subject)
    return found.first()


def _new(who: Outsider) -> User:
    name = User.normalize_username(unicodedata.normalize("NFC", who.name).strip()).lower()
    if not name or len(name) > 150 or not name.isprintable():
        raise Refused("no-name", identity=who.label)
    if any(taken.casefold() == name.casefold() for taken in User.objects.values_list("username", flat=True)):
        raise Refused("name-taken", identity=who.label)
    user = User(username=name, must_change=False)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
            Identity.objects.create(user=user, kind=who.kind, issuer=who.issuer, subject=who.subject, name=name)
    except IntegrityError:  # the same person, or the same name, twice at this moment
        raise Refused("name-taken", identity=who.label) from None
    journal.write("user.new", who.kind, subject=name, identity=who.label)
    return user


def _note(action: str, user: User, kind: str, unit: Unit, role: str) -> None:
    journal.write(action, kind, unit_path=unit.path, subject=user.username, unit=unit.name, role=role)


def _line(text: str, length: int) -> str:
    """One line in NFC without what cannot be shown."""
    told = unicodedata.normalize("NFC", clean(text))
    return "".join(letter if letter.isprintable() else " " for letter in told).strip()[:length]
