"""Who reads: a program with a key, or a person logged on in the browser. Both see what that person sees, a key perhaps less."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from django.db import models
from django.http import HttpRequest

from server.errors import Refused
from server.ingest.access import address_of, limit_tries, note_refusal
from server.people.sessions import asked_of, proven
from server.programs.models import PREFIX, Key
from server.units.models import Unit, User
from server.units.rights import SEE

M = TypeVar("M", bound=models.Model)


class Reader(NamedTuple):
    """Whoever calls."""

    user: User
    unit: Unit | None
    """The part of the tree a key is kept to."""

    def rows(self, model: type[M], action: str = SEE) -> models.QuerySet[M]:
        """What of a model this caller may read; every answer begins here."""
        found: models.QuerySet[M] = model.objects.visible_to(self.user, action)  # type: ignore[attr-defined]
        if self.unit is None:
            return found
        return found.filter(**{f"{model.REACHED_BY}__under": self.unit.path})  # type: ignore[attr-defined]


def reader(request: HttpRequest, scope: str) -> Reader:
    """Raises Refused: 401 without a key that counts, 403 for a key without that scope, 429 after too many wrong ones."""
    given = request.headers.get("Authorization", "")
    if given:
        return _by_key(request, given, scope)
    user: Any = request.user
    if not user.is_authenticated or user.must_change or (asked_of(user) and not proven(request)):
        raise Refused(401, "key", "send a key: Authorization: Bearer rsk1....; people make one under /keys/")
    return Reader(user, None)


def _by_key(request: HttpRequest, given: str, scope: str) -> Reader:
    limit_tries(request, "key")
    word, _blank, text = given.partition(" ")
    key = Key.find(text) if word.lower() == "bearer" and text.strip().startswith(PREFIX) else None
    if key is None:
        note_refusal(request, "key")
        raise Refused(401, "key", "this key is unknown, ended or revoked")
    if scope not in key.scopes:
        raise Refused(403, "scope", f"this key may not read {scope}; it may: {', '.join(key.scopes)}")
    key.touch(address_of(request))
    return Reader(key.user, key.unit)
