"""Rows of lists and letters: for pages, tables and programs alike, so that all of them say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from server.sweeps.codes import CANNOT_TELL, LOOKED_IN, NEVER, OPEN, STATE_TITLES, VERDICTS
from server.sweeps.models import Concern, Item, Looked, Missing, Sheet

BLIND: Final = {kind: source for kind, sources in LOOKED_IN.items() for source in sources if source in NEVER}
"""Kinds of indicators of which nothing is ever seen."""


def of_list(machine: Any, sheet: Sheet, stamp: str) -> tuple[Looked | None, list[str], list[Missing]]:
    """(how far it was looked at, the sources that were, those that were not), of what this list needs. None: its newest report
    was not held against the lists of now."""
    looked: Looked | None = getattr(machine, "looked", None)
    if looked is None or (looked.snapshot, looked.book) != (machine.latest_id, stamp):
        return None, [], []
    kinds = [kind for kind, count in sheet.kinds.items() if count]
    return looked, looked.looked_for(kinds), looked.missing_for(kinds)


def list_heading() -> list[str]:
    return [
        _("Unit"), _("Machine"), _("Kind"), _("List"), _("Date of the list"), _("Issuer"), _("Verdict"), _("Report of"),
        _("Looked at"), _("Could not be looked at"),
    ]  # fmt: skip


def list_row(machine: Any, sheet: Sheet, stamp: str) -> dict[str, Any]:
    looked, sources, missing = of_list(machine, sheet, stamp)
    cells = (
        machine.unit.name, machine.name, machine.get_kind_display(), sheet.number, sheet.dated, sheet.issuer,
        str(VERDICTS[machine.verdict]),
        looked.reported_at if looked else _("not held against this list yet"), "; ".join(sources),
        "; ".join(f"{one.title}: {one.why}" for one in missing),
    )  # fmt: skip
    return dict(zip(list_heading(), cells, strict=True))


def letter_heading() -> list[str]:
    return [
        _("Unit"), _("Machine"), _("Kind"), _("State"), _("Since"), _("Closed by report"), _("Time of that report"), _("Open items"),
        _("Items that cannot be told"), _("What remains"),
    ]  # fmt: skip


def letter_row(machine: Any, items: Mapping[str, Item]) -> dict[str, Any]:
    """Of a machine that state.with_concern gave."""
    concern: Concern | None = next(iter(machine.held), None)
    words: tuple[Any, ...]
    if concern is None:
        words = (str(STATE_TITLES[CANNOT_TELL]), None, "", None, None, None, _("not held against this letter yet"))
    else:
        words = (
            concern.state_title, concern.since, concern.closed_by, concern.closed_at, concern.open, concern.untold, remains(concern, items),
        )  # fmt: skip
    return dict(zip(letter_heading(), (machine.unit.name, machine.name, machine.get_kind_display(), *words), strict=True))


def remains(concern: Concern, items: Mapping[str, Item]) -> str:
    """What is open or cannot be told, and why."""
    found = []
    for one in concern.standings:
        item = items.get(one.key)
        if item is not None and one.state in (OPEN, CANNOT_TELL):
            named = item.cve or item.kb or item.product
            found.append(f"{named}: {one.title}, {one.ground_title}" + (f" ({one.detail})" if one.detail else ""))
    return "; ".join(found)
