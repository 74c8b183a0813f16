"""The states of a machine in a campaign, as words of the database. Which one holds follows from proof alone (proof.py)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

DONE, NOT_DONE, EXCUSED, UNKNOWN, MISSING, NEVER = "done", "not-done", "excused", "unknown", "missing", "never"
STATES = {
    DONE: _("Done"),
    NOT_DONE: _("Not done"),
    EXCUSED: _("Exempted"),
    UNKNOWN: _("Could not be determined"),
    MISSING: _("No report since the start"),
    NEVER: _("Never reported"),
}
"""In the order in which pages show them; each machine of the scope is in one of them."""
OPEN = (NOT_DONE, UNKNOWN, MISSING, NEVER)
"""Somebody still has to do something."""
TONES = {DONE: "good", NOT_DONE: "bad", EXCUSED: "", UNKNOWN: "warn", MISSING: "bad", NEVER: "bad"}

WHYS = {
    "": "",
    "fails": _("does not meet:"),
    "borne": _("fails, borne by a waiver in force:"),
    "excused": _("exempted by two people"),
    "unknown": _("could not be looked at:"),
    "not-judged": _("its newest report could not be judged"),
    "clock": _("its clock runs ahead, so it is not certain that the report is of after the start"),
    "nothing-asked": _("none of the campaign's checks is asked of it at its level"),
    "asked-no-more": _("asked at the start and no longer asked:"),
    "eased": _(
        "what did not pass at the start passes now, but its unit or it has come to be held to another pack, other stricter values or a lower level since"
    ),
    "start-not-known": _(
        "what did not pass at the start passes now, but to which stricter values its unit was held then is not known"
    ),
    "not-known-by-what": _("what did not pass at the start passes now, but by what its newest report was judged is not known"),
    "before": _("what came last was collected before the start"),
    "silent": _("no report since the start"),
    "never": _("enrolled, and never reported"),
    "listed": _("on a list, and no machine of that name has enrolled"),
    "ambiguous": _("on a list, and fits several machines"),
    "removed": _("its registration was removed"),
}
BECAME = {"retired": _("taken out of service"), "moved": _("moved to another unit"), "removed": _("registration removed")}

PASS, FAIL, UNSURE, UNSEEN = "pass", "fail", "unknown", "unseen"
BEFORE = {PASS: _("passed all"), FAIL: _("failed some"), UNSURE: _("not certain"), UNSEEN: _("not seen")}
"""How a machine stood at the start."""
