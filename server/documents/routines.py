"""Papers prepared on their day: which are wanted for a unit, and the drafts themselves.

A paper falls due on the first day after its figures are closed. Whenever the collector looks after that, it makes the one last
due, never an older one: what was missed for longer than a whole time speaks of figures that nobody stands for any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from server.documents import due, making
from server.documents.kinds import KINDS, PREPARED
from server.documents.models import Due, Issue, Routine
from server.documents.report import Report
from server.journal import models as journal
from server.units.models import Unit, User
from server.units.rights import SEE

log = logging.getLogger(__name__)

COLLECTOR = "collector"


class Unfit(ValueError):
    """No such routine can be. The message says why."""


def add(unit: Unit, kind: str, by: str, address: str = "") -> bool:
    """False: it was there already. Raises Unfit."""
    if kind not in PREPARED:
        raise Unfit(_("%(kind)s is not prepared by itself; one of: %(kinds)s") % {"kind": kind, "kinds": ", ".join(PREPARED)})
    if not unit.open:
        raise Unfit(_("%s has ended: no more papers are made for it.") % unit.name)
    with transaction.atomic():
        _held, new = Routine.objects.get_or_create(unit=unit, kind=kind, defaults={"made_by": by})
        if new:
            _note("document.routine", unit, kind, by, address)
    return new


def remove(unit: Unit, kind: str, by: str, address: str = "") -> bool:
    """False: there was none. What was prepared stays."""
    with transaction.atomic():
        gone, _by_model = Routine.objects.filter(unit=unit, kind=kind).delete()
        if gone:
            Due.objects.filter(unit=unit, kind=kind, made_at=None).delete()
            _note("document.routine-removed", unit, kind, by, address)
    return bool(gone)


def _note(action: str, unit: Unit, kind: str, by: str, address: str) -> None:
    journal.write(action, by, unit_path=unit.path, subject=f"{unit.name}: {dict(KINDS)[kind]}"[:200], address=address, kind=kind)


def unmade(user: User, action: str = SEE) -> QuerySet[Due]:
    """Of what this person may do that with."""
    return missing(Due.objects.visible_to(user, action))


def missing(rows: QuerySet[Due]) -> QuerySet[Due]:
    """What could not be prepared, and nobody has made by hand since."""
    since = Issue.objects.filter(
        document__unit=OuterRef("unit"), document__kind=OuterRef("kind"), document__about=OuterRef("about"),
        made_at__gte=OuterRef("falls_at"),
    )  # fmt: skip
    found = rows.filter(made_at=None, tried_on__isnull=False).filter(~Exists(since))
    return found.select_related("unit").order_by("-falls_at", "unit__path")


def prepare(today: date, check: Callable[[], None] = lambda: None) -> tuple[int, int]:
    """Make what is due: (drafts made, papers that could not be made). `check` is called before each, and may end it."""
    wanted = [(one, due.last_over(one.kind, today)) for one in _routines()]
    here = Due.objects.filter(span__in={span.written for _one, span in wanted})
    settled = set(here.filter(Q(made_at__isnull=False) | Q(tried_on__gte=today)).values_list("unit_id", "kind", "span"))
    made = failed = 0
    for one, span in wanted:
        if (one.unit_id, one.kind, span.written) in settled:
            continue
        check()
        about = f"unit:{one.unit_id}:{due.written(one.kind, span)}"
        falls = due.falls(one.kind, span)
        held, _new = Due.objects.get_or_create(
            unit=one.unit, kind=one.kind, span=span.written, defaults={"about": about, "falls_at": falls}
        )
        problem = ""
        try:
            made += _draft(held)
        except making.Refused as error:
            problem = str(error)
        except (OperationalError, InterfaceError):
            raise  # the database is away: that is no paper's fault, and the job is begun again
        except Exception as error:  # one paper's bad luck stops no other
            log.exception("paper %s of %s", one.kind, one.unit)
            problem = _("It could not be made, by a fault of this program: %s") % type(error).__name__
        if problem:
            failed += _failed(held, today, problem)
    return made, failed


def _routines() -> list[Routine]:
    rows = Routine.objects.filter(unit__valid_until=None, kind__in=list(PREPARED))
    return list(rows.select_related("unit").order_by("unit__path", "pk"))


def _draft(held: Due) -> bool:
    """The paper is written outside the transaction, which others would wait for; who keeps it first has made it."""
    if _by_hand(held):
        return _keep(held, None)
    return _keep(held, making.draft(held.kind, held.unit, held.about))


def _by_hand(held: Due) -> bool:
    """Somebody was faster: over what a person has made since it fell due no draft is laid."""
    since = {"document__about": held.about, "made_at__gte": held.falls_at}
    return Issue.objects.filter(document__unit=held.unit_id, document__kind=held.kind, **since).exists()


def _keep(held: Due, report: Report | None) -> bool:
    """Whether it is ours: another worker, or a person, may have been faster."""
    with transaction.atomic():
        row = Due.objects.select_for_update(of=("self",)).select_related("unit").filter(pk=held.pk, made_at=None).first()
        if row is None:
            return False
        row.made_at, row.problem = timezone.now(), ""
        row.save(update_fields=["made_at", "problem"])
        if report is None or _by_hand(row):
            return False
        making.keep(row.unit, row.kind, row.about, report, COLLECTOR, prepared=True)
    return True


def _failed(held: Due, today: date, problem: str) -> bool:
    """Said once a day."""
    with transaction.atomic():
        mine = Due.objects.filter(pk=held.pk, made_at=None).filter(Q(tried_on=None) | Q(tried_on__lt=today))
        if not mine.update(tried_on=today, problem=problem):
            return False
        title = f"{held.unit.name}: {held.get_kind_display()} {held.span}"
        journal.write("document.not-prepared", COLLECTOR, unit_path=held.unit.path, subject=title[:200], said=problem[:500])
    return True


def review(issue: Issue, by: str, address: str = "") -> datetime | None:
    """A person has read it through. When; None: somebody had said so before."""
    now = timezone.now()
    with transaction.atomic():
        if not Issue.objects.filter(pk=issue.pk, reviewed_at=None).update(reviewed_at=now, reviewed_by=by):
            return None
        document = issue.document
        journal.write(
            "document.reviewed", by, unit_path=document.unit.path, subject=f"{document.title} ({issue.number})"[:200],
            address=address, digest=issue.sha256,
        )  # fmt: skip
    return now
