"""Who is let in by the directory, or reads with a key, is looked up again: gone, disabled or out of the group ends it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.journal import models as journal
from server.people import sessions
from server.signon import people
from server.signon.errors import Unavailable
from server.signon.models import LDAP, Identity, Tries
from server.signon.sections import Ldap

AT_MOST = 5
"""So many in a row of whom nothing can be known: it is the directory, and the others are not asked for any more."""


@task("signon.recheck", _("Look up who is logged on by the directory"), lock="signon.recheck")
def recheck(work: Work) -> Outcome:
    """A directory that does not answer ends nobody's log-on: not seen is not gone. The job fails, and says so.

    One entry that cannot be read hides nobody behind it: the others are looked up, and the job fails at its end.
    """
    config = settings.CONFIG.ldap
    if config is None:
        return None
    now = timezone.now()
    Tries.objects.filter(failed_at__lt=now - timedelta(minutes=config.tries_minutes)).delete()
    ended, row = 0, 0
    problems: list[str] = []
    for identity in _due(config, now).order_by("?"):  # or the same ones would be behind those that cannot be read each time
        work.check()
        try:
            ended += _look(config, identity)
            row = 0
        except Unavailable as error:
            problems.append(f"{LDAP}:{identity.subject}: {error}")
            row += 1
            if row == AT_MOST:
                break
    if problems:
        raise Unavailable("; ".join(problems[:AT_MOST]) + (f"; +{len(problems) - AT_MOST}" if len(problems) > AT_MOST else ""))
    return {"ended": ended} if ended else None


def _due(config: Ldap, now: datetime) -> QuerySet[Identity]:
    """Those with a log-on that is open or a key that counts, and not looked up of late."""
    open_keys = Session.objects.filter(expire_date__gt=now).values("session_key")
    logged_on = Q(user__visits__key__in=open_keys)
    reads = Q(user__is_active=True, user__keys__revoked_at=None, user__keys__expires_at__gt=now)
    wanted = Identity.objects.filter(logged_on | reads, kind=LDAP).values("pk")
    recent = now - timedelta(minutes=config.recheck_minutes)
    return Identity.objects.filter(pk__in=wanted).exclude(seen_at__gt=recent).select_related("user")


def _look(config: Ldap, identity: Identity) -> bool:
    """Bring one person to what the directory says now; whether a log-on or a role ended by it. Raises Unavailable."""
    from server.signon import directory

    user = identity.user
    who = directory.look(config, settings.DATA, identity.name)
    here = who is not None and who.subject == identity.subject
    taken = people.settle(user, LDAP, people.roles_of(directory.grants(config), who.groups) if here and who else set())
    if here:
        Identity.objects.filter(pk=identity.pk).update(seen_at=timezone.now())
        if user.parts():
            return False
    logged_on = Session.objects.filter(session_key__in=user.visits.values("key")).exists()
    sessions.end_all(user)
    if not (taken or logged_on):
        return False  # it was said when it ended; a key is looked after as long as it lasts
    why = "no-right" if here else "gone"
    journal.write("user.signon-refused", user.username, code=why, identity=f"{LDAP}:{identity.subject}")
    return True
