"""`rasoat feed import`, `import-list` and `status`: at the centre."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from django.db import OperationalError, connection
from django.utils.translation import gettext as _

from server.background import run
from server.background.models import Job
from server.feeds import incoming
from server.feeds import status as standing
from server.feeds.models import Trusted
from server.feeds.store import File, Refused
from server.terminal import FAILED, OK, say, wrong

OLD = FAILED
"""Exit code of `status` when a feed is over its limit, has no data, or there is no feed."""


def take(options: argparse.Namespace) -> int:
    """Exit code 1: refused. The reason's word comes first, for programs."""
    path = Path(options.path)
    return _brought(lambda: incoming.bring(path, options.fingerprint or _asked(), "console"), options.now)


def take_list(options: argparse.Namespace) -> int:
    path = Path(options.file)
    given = {
        "number": options.number,
        "dated": str(options.date),
        "issuer": options.issuer,
        "title": options.title,
        "columns": options.columns,
    }
    file = File(
        feed=f"{options.kind}/{options.number}"[:100], kind=options.kind, path=path, name=path.name, data_date=options.date, digest="",
        publisher=options.issuer, given={key: value for key, value in given.items() if value},
    )  # fmt: skip
    return _brought(lambda: incoming.bring_list(path, file, "console"), options.now)


def _brought(bring: Callable[[], Job], now: bool) -> int:
    try:
        job = bring()
    except Refused as error:
        sys.stderr.write(f"rasoat: {error.reason}: {error}\n")
        return FAILED
    except OSError as error:
        return wrong(f"{error.filename or ''}: {error.strerror}")
    except OperationalError as error:
        return wrong(f"{connection.settings_dict['NAME']}: {error}")
    if not now:
        say(_("Checked and copied. Job %(job)d; `rasoat server jobs show %(job)d` says how far it is.") % {"job": job.pk})
        return OK
    if job.delivery is not None:
        run.perform(job.delivery, job.pk)
    job.refresh_from_db()
    if job.state != Job.DONE:
        return wrong(job.error or _("Job %d is with another worker, or waits for another import.") % job.pk)
    refused = 0
    for feed, told in job.outcome.items():
        words = {"=": _("was in force already")}
        taken = told.isdecimal()
        refused += not taken and told not in words
        say(f"{feed}: " + (_("%s rows in force") % told if taken else words.get(told, told)))
    return FAILED if refused else OK


def _asked() -> str:
    """The fingerprint from the person, when nothing is trusted yet and somebody is there to type."""
    from django.conf import settings

    if settings.CONFIG.feed_root or not sys.stdin.isatty() or Trusted.objects.filter(role="root").exists():
        return ""
    try:
        return input(_("Fingerprint of whoever makes the bundles: "))
    except EOFError:
        return ""


def status(options: argparse.Namespace) -> int:
    found = standing.standings()
    if options.format == "json":
        sys.stdout.write(json.dumps([one._asdict() for one in found], default=_iso, ensure_ascii=False, indent=1) + "\n")
    else:
        for one in found:
            word = _("OVER ITS LIMIT") if one.old else _("in force")
            age = (
                _("no data")
                if one.age_days is None
                else _("of %(date)s, %(age)d days old") % {"date": one.data_date, "age": one.age_days}
            )
            limit = _("limit %d days") % one.limit_days if one.limit_days else _("does not age")
            say(f"{one.name}  {word}  {age}  ({limit})  {one.licence}")
            if one.reread:
                say("  " + _("read by an earlier version of its parser: import it again"))
            if one.refused:
                say("  " + _("newest import refused: %s") % one.refused)
        if not found:
            say(_("No feed was ever imported."))
    return OLD if not found or any(one.old for one in found) else OK


def _iso(value: object) -> str:
    assert isinstance(value, date | datetime)
    return value.isoformat()
