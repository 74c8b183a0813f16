"""The one place where what a person asks for is cut down to the person's part of the tree.

A model that belongs to a unit says by which path (`REACHED_BY`) and has `objects = Scoped()`; every view begins with
`Model.objects.visible_to(user)`. tests/server/test_rights.py walks all pages, and all models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import models
from django.db.models import Q

from server.units.rights import SEE

if TYPE_CHECKING:
    from server.units.models import User

M = TypeVar("M", bound=models.Model, covariant=True)


class Scoped(models.Manager[M]):
    """The manager of a model whose rows belong to a unit."""

    def visible_to(self, user: User, action: str = SEE) -> models.QuerySet[M]:
        """The rows in those parts of the tree where this person may do that. Nobody's rows for a person without any."""
        return self.get_queryset().filter(self.condition(user, action))

    def condition(self, user: User, action: str) -> Q:
        return user.reach_of(self.model.REACHED_BY, action)  # type: ignore[attr-defined]
