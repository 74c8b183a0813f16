"""Verdicts, kinds and severities as the small numbers that rows hold. Numbers are in databases: add, never change."""

from __future__ import annotations

from datetime import datetime

from baselines.model import Verdict
from collectors.model import Kind

NOT_ASKED, FAIL, UNKNOWN, PASS = 0, 1, 2, 3
"""A check ends in one of the last three. What no check decides (for a person, not applicable to that kind) follows from the
pack, is the same for every machine and has no row."""
VERDICTS = {Verdict.FAIL: FAIL, Verdict.UNKNOWN: UNKNOWN, Verdict.PASS: PASS}
WORDS = {NOT_ASKED: "not_asked", FAIL: "fail", UNKNOWN: "unknown", PASS: "pass"}

MACHINE, RULES, DATA = 0, 1, 2
"""Why a verdict turned: the same rules found another state of the machine · pack, tailoring, level or kind were others than
before, and whether the machine changed as well is not told · rules and machine are the same, and what publishers say is not,
or is over its age limit (server/feeds)."""
CAUSES = {MACHINE: "machine", RULES: "rules", DATA: "data"}

KINDS = {
    Kind.SERVER: 1,
    Kind.WORKSTATION: 2,
    Kind.ROUTER: 3,
    Kind.SWITCH: 4,
    Kind.FIREWALL: 5,
    Kind.OTHER: 6,
    Kind.SYSTEM: 7,
}
KIND_WORDS = {code: kind.value for kind, code in KINDS.items()}

SEVERITIES = {"critical": 4, "high": 3, "medium": 2, "low": 1}
SEVERITY_WORDS = {code: word for word, code in SEVERITIES.items()}


def failing(start: datetime | None, verdict: int, at: datetime) -> datetime | None:
    """Since when a rule has been failing, after `verdict` came at `at`.

    Not knowing ends nothing: a machine that could not be looked at for a week has not been repaired. A pass does, and so does
    not being asked any more.
    """
    if verdict == FAIL:
        return start or at
    return start if verdict == UNKNOWN else None
