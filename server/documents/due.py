"""When a paper that is prepared by itself falls due: on the first day after its figures are closed."""

from __future__ import annotations

from datetime import date, datetime, time

from django.utils import timezone

from server.documents.kinds import FIGURES_UNTIL, PREPARED, SPANS
from server.documents.spans import DAY, Span, recent


def closes(kind: str, span: Span) -> date:
    """The last day of which it speaks."""
    told = FIGURES_UNTIL.get(kind)
    return date(span.first.year, *told) if told else span.last


def falls(kind: str, span: Span) -> datetime:
    """The first moment at which it may be made."""
    return timezone.make_aware(datetime.combine(closes(kind, span) + DAY, time()))


def last_over(kind: str, today: date) -> Span:
    """The newest time of that kind whose figures are closed."""
    return next(span for span in recent(PREPARED[kind], today, 2) if today > closes(kind, span))


def written(kind: str, span: Span) -> str:
    """That time in Document.about: nothing for a paper of how things stand, which is one document through all its months."""
    return span.written if SPANS[kind] else ""
