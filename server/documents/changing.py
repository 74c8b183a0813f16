"""Organisation data of a unit, written."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from server.documents.models import RELATIONS, Letterhead
from server.documents.templates import TemplateError
from server.documents.texts import wordings
from server.journal import models as journal
from server.units.models import Unit


class Unfit(ValueError):
    """What was given cannot be kept; a line for each mistake."""


class Overtaken(ValueError):
    """Somebody else saved meanwhile."""


def change(unit: Unit, given: dict[str, Any], by: str, version: int | None = None, address: str = "") -> Letterhead:
    """Over the one that had that version; None: over whatever is there. Raises Unfit, Overtaken."""
    try:
        known = wordings() if given.get("wording") else {}
    except TemplateError as error:
        raise Unfit(str(error)) from None
    if given.get("wording") and given["wording"] not in known:
        raise Unfit(_("wording: one of %s") % ", ".join(known))
    if given.get("relation") and given["relation"] not in dict(RELATIONS):
        raise Unfit(_("relation: one of %s") % ", ".join(dict(RELATIONS)))
    with transaction.atomic():
        held = Letterhead.objects.select_for_update(of=("self",)).filter(unit=unit).first() or Letterhead(unit=unit, version=0)
        if version is not None and held.version != version:
            raise Overtaken(_("%s saved this while you were writing. Nothing of yours was saved.") % held.changed_by)
        for name, value in given.items():
            setattr(held, name, value)
        held.version, held.changed_by, held.changed_at = held.version + 1, by, timezone.now()
        try:
            held.full_clean(exclude=["unit", "contacts", "internal"])
        except ValidationError as error:
            raise Unfit("\n".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())) from None
        held.save()
        journal.write(
            "letterhead.changed", by, unit_path=unit.path, subject=unit.name, address=address, changes=", ".join(sorted(given))
        )
    return held
