"""`rasoat server user link` and `unlink`: which identity elsewhere is which account here, said by an administrator."""

from __future__ import annotations

import argparse
import uuid

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from server.journal import models as journal
from server.signon import people
from server.signon.errors import Refused
from server.signon.models import LDAP, OIDC
from server.terminal import OK, wrong
from server.units.models import Membership, User


def link(options: argparse.Namespace) -> int:
    user = User.objects.filter(username=options.username).first()
    if user is None:
        return wrong(_("no user %s") % options.username)
    kind, _colon, subject = options.identity.partition(":")
    if kind == LDAP:
        try:
            issuer, subject = LDAP, str(uuid.UUID(subject))
        except ValueError:
            return wrong(_("%s is no identity of a directory; the journal names it") % options.identity)
    elif kind == OIDC and subject and settings.CONFIG.oidc is not None:
        issuer = settings.CONFIG.oidc.issuer
    else:
        return wrong(_("an identity is oidc:… (with a section [oidc] in settings.toml) or ldap:…"))
    if last_key(user):
        return wrong(_("the last administrator of the root who has a password here: make another one first"))
    try:
        people.link(user, kind, issuer, subject)
    except Refused:
        return wrong(_("the account or the identity is linked already"))
    journal.write("user.linked", "console", subject=user.username, identity=f"{kind}:{subject}")
    return OK


def unlink(options: argparse.Namespace) -> int:
    user = User.objects.filter(username=options.username).first()
    if user is None:
        return wrong(_("no user %s") % options.username)
    if not people.unlink(user):
        return wrong(_("%s is not linked") % options.username)
    journal.write("user.unlinked", "console", subject=user.username)
    return OK


def last_key(user: User) -> bool:
    """Whether nobody but this person could get in and administer while directory and provider are away."""
    today = Q(until=None) | Q(until__gte=timezone.localdate())
    chiefs = Membership.objects.filter(today, role=Membership.ADMIN, unit__parent=None, origin="", user__is_active=True)
    keys = {m.user_id for m in chiefs.select_related("user") if m.user.has_usable_password()}
    return keys == {user.pk}
