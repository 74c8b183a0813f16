"""Words of feeds as the small numbers that rows hold. Numbers are in databases: add, never change."""

from __future__ import annotations

from server.findings.codes import SEVERITIES, SEVERITY_WORDS

NOT_SAID = 0
"""A severity the publisher does not tell. Never the lowest: it is unknown."""

UNDETERMINED, FIXED, OPEN, WONT_FIX, NOT_AFFECTED, END_OF_LIFE = 0, 1, 2, 3, 4, 5
"""What the publisher says of a package and a vulnerability:
nothing certain (also: a word this program does not know) · mended from `fixed_version` on · known, not mended ·
known, and no fix is to come · looked at, never affected · known, and the product is no longer looked after."""
STATES = {
    UNDETERMINED: "undetermined",
    FIXED: "fixed",
    OPEN: "open",
    WONT_FIX: "wont_fix",
    NOT_AFFECTED: "not_affected",
    END_OF_LIFE: "end_of_life",
}

__all__ = ["SEVERITIES", "SEVERITY_WORDS", "STATES"]


def severity(word: object) -> int:
    """The code of a vendor's word; 0 where it is none we know."""
    return _SEVERITIES.get(str(word).strip().casefold(), NOT_SAID)


_SEVERITIES = {
    **SEVERITIES,
    "important": SEVERITIES["high"],
    "moderate": SEVERITIES["medium"],
    "negligible": SEVERITIES["low"],
    "unimportant": SEVERITIES["low"],
}
