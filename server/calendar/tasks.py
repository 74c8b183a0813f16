"""Reminders of deadlines."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.calendar import certificates, reminding


@task("calendar.remind", _("Remind units of deadlines"), lock="calendar.remind")
def remind(work: Work) -> Outcome:
    told = reminding.remind(timezone.localdate())
    return {"rows": told} if told else None


@task("calendar.certificates", _("Read when certificates of machines end"), lock="calendar.certificates", gives_way=True)
def read_certificates(work: Work) -> Outcome:
    after, done = int(work.kept.get("after", 0)), 0
    while True:
        after, count = certificates.read(after)
        done += count
        if not after:
            break
        work.advance(count, after=after)
    return {"machines": done} if done else None
