"""The papers that are handed in on days of the law, where they were made: those of the time that was over last on that day."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from server.calendar.events import Event
from server.documents import due
from server.documents.models import Document
from server.units.models import Unit, User


def link(user: User, found: Iterable[Event]) -> None:
    """Write to each event the documents this person sees."""
    wanted: dict[tuple[str, str], list[Event]] = {}
    for event in found:
        if event.paper:
            span = due.last_over(event.paper, event.day)
            for unit in answering(event):
                wanted.setdefault((event.paper, f"unit:{unit.pk}:{due.written(event.paper, span)}"), []).append(event)
    if not wanted:
        return
    asked = Q()
    for kind in {kind for kind, _about in wanted}:
        asked |= Q(kind=kind, about__in=[about for one, about in wanted if one == kind])
    for document in Document.objects.told(user).filter(asked).select_related("unit").order_by("unit__path"):
        for event in wanted[document.kind, document.about]:
            event.papers.append(document)


def answering(event: Event) -> list[Unit]:
    return event.units or ([event.unit] if event.unit is not None else [])
