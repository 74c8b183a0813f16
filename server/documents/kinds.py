"""The papers there are, by what they are about: nothing is imported here, so that models may name them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

REPLY, LEVEL = "reply", "level"
"""Of a campaign; of an information system."""
YEARLY, MONTHLY, EQUIPMENT, EFFECTIVENESS = "yearly", "monthly", "equipment", "effectiveness"
EXECUTIVE, BOOKS, MINUTES, MONITORING = "executive", "books", "minutes", "monitoring"

KINDS = [
    (REPLY, _("Reply to a letter, with its annexes")),
    (LEVEL, _("Level dossier of an information system")),
    (EXECUTIVE, _("Summary for the head of the unit, one page")),
    (MONTHLY, _("Monthly security report")),
    (EQUIPMENT, _("Quarterly report on equipment")),
    (YEARLY, _("Yearly level report (form 08)")),
    (EFFECTIVENESS, _("Yearly review of effectiveness")),
    (BOOKS, _("Register books of equipment and software")),
    (MINUTES, _("Minutes of an inspection")),
    (MONITORING, _("Sheet for the national monitoring system")),
]

SPANS = {MONTHLY: "month", EQUIPMENT: "quarter", YEARLY: "year", EFFECTIVENESS: "year", EXECUTIVE: "", BOOKS: "", MINUTES: "day", MONITORING: ""}  # fmt: skip
"""Papers of a unit -> the time that one of them speaks of; empty: how things stand when it is made."""
PREPARED = {EXECUTIVE: "month", MONTHLY: "month", EQUIPMENT: "quarter", YEARLY: "year", EFFECTIVENESS: "year"}
"""Those that may be prepared by themselves -> after each of which time."""
FIGURES_UNTIL = {YEARLY: (12, 14)}
"""Month and day of the year after which the figures of a paper are closed, where its form names them; else its time's own end."""
