"""A paper of a unit that somebody asks for, and what every such paper has in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from collectors import VERSION
from server.documents.letterhead import Desk, desk
from server.documents.report import Front, Honesty
from server.documents.spans import Span
from server.documents.writing import Blanks
from server.units.models import Unit, User
from server.units.scope import Scoped

M = TypeVar("M", bound=models.Model)


@dataclass
class Wanted:
    """For nobody (`user` is None) everything of the unit and below: the console's, and what is prepared on its day."""

    unit: Unit
    span: Span
    user: User | None = None
    blanks: Blanks = field(default_factory=Blanks)
    blank_signer: bool = False

    @cached_property
    def desk(self) -> Desk:
        return desk(self.unit)

    def rows(self, model: type[M], reached_by: str = "unit__path") -> QuerySet[M]:
        """Rows of the unit and below that this person may see."""
        scoped: Scoped[M] = model.objects  # type: ignore[attr-defined]
        found = scoped.all() if self.user is None else scoped.visible_to(self.user)
        return found.filter(**{f"{reached_by}__under": self.unit.path})

    def front(self, subject: str, type: str, short: str, addressees: Iterable[str] | None = None) -> Front:
        """Head and foot. Raises NoSigner."""
        to = self.desk.lines("addressees") if addressees is None else tuple(addressees)
        return self.desk.front(subject, to, type, short, blank_signer=self.blank_signer)

    def honesty(self, **more: object) -> Honesty:
        """Who ran the scan, and what the caller adds (counts, since, until, unreached, feeds, packs ...)."""
        told = {
            "scanned_by": self.desk.values["scanned_by"], "relation": self.desk.values["relation"] or "not_said", "program": VERSION,
            "since": None, "until": None,
        }  # fmt: skip
        return Honesty.model_validate(told | more)

    @property
    def provisional(self) -> bool:
        """The time it speaks of is not over."""
        return not self.span.over(timezone.localdate())
