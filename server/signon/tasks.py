"""Who is logged on by the directory is looked up again while they are: gone, disabled or out of the group ends it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.journal import models as journal
from server.people import sessions
from server.signon import people
from server.signon.models import LDAP, Identity, Tries

log = logging.getLogger(__name__)


@task("signon.recheck", _("Look up who is logged on by the directory"), lock="signon.recheck")
def recheck(work: Work) -> Outcome:
    """A directory that does not answer ends nobody's log-on: not seen is not gone. The job fails, and says so."""
    config = settings.CONFIG.ldap
    if config is None:
        return None
    from server.signon import directory

    now = timezone.now()
    Tries.objects.filter(failed_at__lt=now - timedelta(minutes=config.tries_minutes)).delete()
    recent = now - timedelta(minutes=config.recheck_minutes)
    open_keys = Session.objects.filter(expire_date__gt=now).values("session_key")
    logged_on = Identity.objects.filter(kind=LDAP, user__visits__key__in=open_keys).exclude(seen_at__gt=recent)
    ended = 0
    for identity in logged_on.select_related("user").distinct().order_by("pk"):
        work.check()
        who = directory.look(config, settings.DATA, identity.name)
        here = who is not None and who.subject == identity.subject
        people.settle(identity.user, LDAP, people.roles_of(directory.grants(config), who.groups) if here and who else set())
        if not here or not identity.user.parts():
            sessions.end_all(identity.user)
            why = "no-right" if here else "gone"
            journal.write("user.signon-refused", identity.user.username, code=why, identity=f"{LDAP}:{identity.subject}")
            ended += 1
        else:
            Identity.objects.filter(pk=identity.pk).update(seen_at=timezone.now())
    return {"ended": ended} if ended else None
