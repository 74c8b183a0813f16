"""Asked, then approved, refused, withdrawn, or run out. Each is one transaction with its row of the journal.

Who approves is another person than the one who asked, with the right to approve in that unit or above, whatever way they come
by. A key of a program decides nothing: it only reads, and it is its owner. An account whose password was given and not yet
changed, or that was made after the request was asked, decides nothing either: the asker may have made it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from server.approvals.files import Kept
from server.approvals.kinds import KINDS, CannotCarryOut
from server.approvals.models import Request
from server.journal import models as journal
from server.units.models import Unit, User
from server.units.rights import APPROVE

log = logging.getLogger(__name__)


class Impossible(Exception):
    """It cannot be decided so. `str(error)` is for people."""


def ask(
    kind: str,
    unit: Unit,
    by: User,
    subject: str,
    payload: dict[str, Any],
    reason: str,
    file: Kept | None = None,
    address: str = "",
) -> Request:
    """Write down what is asked for. Whether this person may ask is seen to by the caller."""
    with transaction.atomic():
        request = Request(
            unit=unit, kind=KINDS[kind].name, subject=subject[:300], payload=payload, reason=reason, asked_by=by,
            attachment=file.stored() if file else None, file_name=file.name if file else "",
            expires_at=timezone.now() + timedelta(days=settings.CONFIG.request_days),
        )  # fmt: skip
        request.digest = request.seal()
        request.save()
        _note("request.asked", request, by.username, address)
    return request


def hindrance(request: Request, person: User) -> str:
    """Why this person may not approve it; empty: may. One sentence for people."""
    if not person.is_active or person.must_change:
        return _("An account with a given password that nobody changed approves nothing.")
    if not person.may(APPROVE, request.unit):
        return _("You have no right to approve in this unit.")
    if person.pk == request.asked_by_id:
        return "" if alone(request.kind) else _("Whoever asked cannot approve: a second person has to.")
    if person.created_at >= request.asked_at:
        return _("This account is younger than the request and cannot approve it.")
    return ""


def alone(kind: str) -> bool:
    """settings.toml lets whoever asks for it approve it."""
    return kind in settings.CONFIG.one_person_for


def approve(pk: int, person: User, digest: str, address: str = "") -> Request:
    """Agree to what has that digest, and carry it out: both or neither. Raises Impossible, PermissionError.

    `digest`: of what the person had before their eyes.
    """
    try:
        with transaction.atomic():
            request = _held(pk)
            person.refresh_from_db()
            if why := hindrance(request, person):
                raise PermissionError(why)
            if not request.digest == request.seal() == digest:
                raise CannotCarryOut(_("It is no longer what was asked for. Look at it once more, or ask anew."))
            if request.kind not in KINDS:
                raise CannotCarryOut(_("This version does not know what was asked for."))
            request.state, request.decided_by, request.decided_at = Request.APPROVED, person, timezone.now()
            request.alone = person.pk == request.asked_by_id
            request.save(update_fields=["state", "decided_by", "decided_at", "alone"])
            _note("request.alone" if request.alone else "request.approved", request, person.username, address)
            KINDS[request.kind].carry_out(request, person)
    except CannotCarryOut as error:
        stuck = Request.objects.select_related("unit").get(pk=pk)
        _note("request.impossible", stuck, person.username, address, code=str(error)[:300])
        raise Impossible(str(error)) from None
    return request


def refuse(pk: int, person: User, why: str, address: str = "") -> Request:
    """Say no. Who asked does not refuse, but withdraws. Raises Impossible, PermissionError."""
    with transaction.atomic():
        request = _held(pk)
        if not person.may(APPROVE, request.unit):
            raise PermissionError(_("You have no right to approve in this unit."))
        if person.pk == request.asked_by_id:
            raise PermissionError(_("Whoever asked can withdraw it."))
        return _ended(request, Request.REFUSED, "request.refused", person, why, address)


def withdraw(pk: int, person: User, why: str = "", address: str = "") -> Request:
    """Take one's own request back. Raises Impossible, PermissionError."""
    with transaction.atomic():
        request = _held(pk)
        if person.pk != request.asked_by_id:
            raise PermissionError(_("Only whoever asked can withdraw it."))
        return _ended(request, Request.WITHDRAWN, "request.withdrawn", person, why, address)


def expire() -> int:
    """Note what ran out unanswered; how many. It could not be approved any more since the second it ran out."""
    gone = list(Request.objects.filter(state=Request.WAITING, expires_at__lte=timezone.now()).values_list("pk", flat=True))
    count = 0
    for pk in gone:
        with transaction.atomic():
            request = Request.objects.select_for_update(of=("self",)).select_related("unit", "asked_by").get(pk=pk)
            if request.state == Request.WAITING:
                request.state, request.decided_at = Request.EXPIRED, request.expires_at
                request.save(update_fields=["state", "decided_at"])
                _note("request.expired", request, "collector", "")
                count += 1
    return count


def _held(pk: int) -> Request:
    """The row, ours until the end of the transaction: of two who decide at once, the second finds it decided."""
    request = Request.objects.select_for_update(of=("self",)).select_related("unit", "asked_by").get(pk=pk)
    if not request.open:
        raise Impossible(_("It is decided already, or has run out: %s.") % request.state_word)
    return request


def _ended(request: Request, state: str, action: str, person: User, why: str, address: str) -> Request:
    request.state, request.decided_by, request.decided_at, request.answer = state, person, timezone.now(), why[:2000]
    request.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _note(action, request, person.username, address, code=request.answer[:300] or None)
    return request


def _note(action: str, request: Request, actor: str, address: str, **detail: Any) -> None:
    journal.write(
        action, actor, unit_path=request.unit.path, subject=request.subject, address=address, request=request.pk,
        kind=request.kind, asked=request.asked_by.username, digest=request.digest, **detail,
    )  # fmt: skip
