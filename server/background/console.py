"""`rasoat server worker` and `rasoat server jobs`."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from server.background import keeper, queue, worker
from server.background.models import Job
from server.journal import models as journal
from server.storage import keys
from server.terminal import OK, USAGE, say, wrong


def work(options: argparse.Namespace) -> int:
    """Do jobs until told to stop."""
    from server.serve import pending

    if pending():
        sys.stderr.write(_("rasoat: the database is from another version; run: rasoat server init") + "\n")
        return USAGE
    if connection.vendor == "postgresql" and (different := keys.agree(settings.DATA)):
        return wrong(*different, keys.advice())
    if options.child:
        worker.follow_parent()
        worker.work()
        return OK
    if connection.vendor == "sqlite":
        if options.concurrency > 1:
            return wrong(_("with SQLite one worker is all there can be; --concurrency needs PostgreSQL"))
        if worker.lock() is None:
            return wrong(_("another process does the jobs of this data directory already (`rasoat server run` does)"))
    if options.concurrency > 1:
        worker.several(options.concurrency)
    else:
        worker.work()
    return OK


def listed(options: argparse.Namespace) -> int:
    jobs = Job.objects.all()
    if options.state:
        jobs = jobs.filter(state=options.state)
    for job in jobs[: options.limit]:
        say(
            f"{job.pk:>6}  {job.state_word}  {_progress(job)}  {_local(job.asked_at)}  {job.name}  {job.subject}  {job.error}".rstrip()
        )
    if keeper.unattended():
        wrong(_("no worker is running: jobs have been waiting for minutes; start `rasoat server worker`"))
    return OK


def show(options: argparse.Namespace) -> int:
    job = Job.objects.select_related("unit").filter(pk=options.job).first()
    if job is None:
        return wrong(_("no job %d") % options.job)
    rows = [
        (_("what"), f"{job.title} ({job.name})"), (_("for"), job.subject), (_("asked by"), job.asked_by),
        (_("asked"), _local(job.asked_at)), (_("state"), job.state_word), (_("progress"), _progress(job)),
        (_("not before"), _local(job.due_at)), (_("started"), _local(job.started_at)), (_("last sign of life"), _local(job.heartbeat_at)),
        (_("ended"), _local(job.finished_at)), (_("worker"), job.worker), (_("begun in a row"), str(job.attempts)),
        *((name, whole) for name, _value, whole in job.outcomes), (_("reason"), job.error),
    ]  # fmt: skip
    for name, value in rows:
        if value:
            say(f"{name}: {value}")
    return OK


def cancel(options: argparse.Namespace) -> int:
    job = Job.objects.select_related("unit").filter(pk=options.job).first()
    if job is None:
        return wrong(_("no job %d") % options.job)
    if not queue.cancel(job):
        return wrong(_("job %d has ended already") % job.pk)
    note("job.cancelled", "console", job)
    return OK


def retry(options: argparse.Namespace) -> int:
    job = Job.objects.select_related("unit").filter(pk=options.job).first()
    if job is None:
        return wrong(_("no job %d") % options.job)
    if not queue.again(job):
        return wrong(_("job %d has neither failed nor been cancelled") % job.pk)
    note("job.again", "console", job)
    return OK


def note(action: str, actor: str, job: Job, address: str = "") -> None:
    """Write down what a person did to a job."""
    path = job.unit.path if job.unit else ""
    journal.write(action, actor, unit_path=path, subject=str(job), address=address)


def _progress(job: Job) -> str:
    return f"{job.done}/{job.of}" if job.of is not None else str(job.done)


def _local(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""
