"""What a publisher says of one package and one vulnerability, and what follows from it for one version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from server.feeds.codes import END_OF_LIFE, FIXED, NOT_AFFECTED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.matching.versions import Key, NoRule, Rule

FIX, WILL_NOT, NOT_YET, UNCERTAIN = "fix", "will-not-fix", "not-yet", "undetermined"
"""A fix exists · the publisher will not mend it · known and not mended yet · the publisher, or the version, leaves it open."""
NOT_ASSESSED: Final = "not-assessed"
"""Of packages, never of a match: nobody's data covers them."""


class Said(NamedTuple):
    """A row of server.feeds.models.Affected, without the package it is of."""

    identifier: str
    state: int
    fixed: str = ""
    introduced: str = ""
    module: str = ""
    urgency: str = ""
    needs: str = ""
    note: str = ""
    advisory: str = ""


class Book(Protocol):
    """The data that one piece of work rests on."""

    def knows(self, ecosystem: str) -> bool:
        """Some publisher speaks of this release at all."""
        ...

    def said(self, ecosystem: str, package: str) -> tuple[Said, ...]:
        """What is said of this package in this release."""
        ...

    def superseding(self, kb: str) -> frozenset[str]:
        """Updates of Windows that hold all of this one, through any number of steps."""
        ...

    def trains(self, os: str) -> tuple[object, ...]:
        """Rows of collectors.devices.releases for this network system."""
        ...


class Match(NamedTuple):
    """One vulnerability that a machine has, or that cannot be ruled out (`undetermined`)."""

    identifier: str
    package: str
    installed: str
    fixed: str
    """First version without it; empty: none."""
    answer: str
    decided_by: str
    """source-package · rpm-package · running-kernel · newest-kernel · build · supersedence · windows-update · release-train."""
    note: str = ""
    """Words of NOTES, by spaces."""
    advisory: str = ""


NOTES: Final = (
    "restart", "livepatched", "publisher-not-seen", "needs-esm", "postponed", "ignored", "end-of-life", "no-rule",
    "stream-not-told", "condition", "main-stream",
)  # fmt: skip
"""A fixed kernel is installed and does not run yet · a live patch is in the running kernel; which holes it closes is not told ·
it was not seen who published the package · the fix comes with Ubuntu Pro, which was not seen here ·
the publisher mends it with a later release · decided not to · looks after the package no longer · a version in the data has no
place in the order · the publisher does not say for which stream of the module · matters only where something is set up ·
said of the main stream; of the machine's own stream of extended support nothing is said."""


class Verdict(NamedTuple):
    """What follows for one version."""

    said: Said
    answer: str
    notes: tuple[str, ...] = ()

    def match(self, package: str, installed: str, decided_by: str, *notes: str) -> Match:
        said = self.said
        fixed = said.fixed if said.state == FIXED else ""
        words = " ".join(dict.fromkeys((*self.notes, *notes)))
        return Match(said.identifier, package, installed, fixed, self.answer, decided_by, words, said.advisory)


UNIMPORTANT: Final = "unimportant"
"""Debian's word for what is no vulnerability in its view."""


def follows(rows: Iterable[Said], installed: Key, rule: Rule, has: frozenset[str] = frozenset()) -> Iterator[Verdict]:
    """One verdict for each vulnerability that this version has. `has`: what the machine has of what fixes need.

    Ranges are judged each alone and the worst holds. That a fix is named, from the first version on and in reach of the
    machine, outweighs that elsewhere the publisher says of the same package, from its first version on, that there is none:
    the fix that needs a contract stands beside the one that is not for everybody.
    """
    by_identifier: dict[str, list[Said]] = defaultdict(list)
    for row in rows:
        if row.urgency != UNIMPORTANT and row.state != NOT_AFFECTED:
            by_identifier[row.identifier].append(row)
    for told in by_identifier.values():
        found = _within_reach(told, installed, rule, has)
        free = _free(told)
        mended = any(row.state == FIXED and _from_first(row) and _in_reach(row, has, free) for row in told)
        verdicts = (_one(row, installed, rule, has) for row in found if not (mended and row.state != FIXED and _from_first(row)))
        held = [verdict for verdict in verdicts if verdict is not None]
        if held:
            worst = max(_WEIGHT[verdict.answer] for verdict in held)
            level = [verdict for verdict in held if _WEIGHT[verdict.answer] == worst]
            # mended in two steps: the second one counts
            yield level[0] if len(level) == 1 or worst != _WEIGHT[FIX] else max(level, key=lambda one: rule(one.said.fixed))


def _within_reach(told: list[Said], installed: Key, rule: Rule, has: frozenset[str]) -> list[Said]:
    """Without the fixes that are of another line of versions than this machine's.

    FIPS and the like are lines for those who have them. ESM is the line of everybody for whom there is no other fix. Where
    two lines remain, being mended in one is enough: 1-1ubuntu0.1~esm1 is below the 1-1ubuntu0.1 that came later for all.
    """
    free = _free(told)
    found = [row for row in told if _in_reach(row, has, free)]
    lines = {row.needs for row in found if row.state == FIXED}
    if len(lines) > 1:
        for line in lines:
            mine = (row for row in found if row.state == FIXED and row.needs == line)
            if all(_one(row, installed, rule, has) is None for row in mine):
                return [row for row in found if row.state != FIXED]
    return found


def _free(told: Iterable[Said]) -> bool:
    """There is a fix for everybody."""
    return any(row.state == FIXED and not row.needs for row in told)


def _in_reach(row: Said, has: frozenset[str], free: bool) -> bool:
    return not row.needs or row.needs in has or (row.needs.startswith("esm") and not free)


_WEIGHT: Final = {UNCERTAIN: 0, NOT_YET: 1, WILL_NOT: 2, FIX: 3}


def _from_first(row: Said) -> bool:
    return row.introduced in ("", "0")


def _one(row: Said, installed: Key, rule: Rule, has: frozenset[str]) -> Verdict | None:
    """None: not affected by this row."""
    try:
        if not _from_first(row) and installed < rule(row.introduced):
            return None
        if row.state == FIXED:
            # "0": mended before there was a version to have it
            if row.fixed == "0" or installed >= rule(row.fixed):
                return None
            return Verdict(row, FIX, _needed(row, has))
    except NoRule:
        return Verdict(row, UNCERTAIN, ("no-rule",))
    if row.state == OPEN:
        return Verdict(row, WILL_NOT if "ignored" in _said_so(row) else NOT_YET, _said_so(row))
    if row.state == WONT_FIX:
        return Verdict(row, WILL_NOT, _said_so(row))
    if row.state == END_OF_LIFE:
        return Verdict(row, WILL_NOT, ("end-of-life",))
    assert row.state == UNDETERMINED, row.state
    return Verdict(row, UNCERTAIN)


def _needed(row: Said, has: frozenset[str]) -> tuple[str, ...]:
    return () if not row.needs or row.needs in has else ("needs-esm",)


def _said_so(row: Said) -> tuple[str, ...]:
    """Of the publisher's words, those before its explanation: `no_dsa postponed: minor issue`."""
    words = row.note.partition(":")[0].replace("_", "-").split()
    return tuple(word for word in ("postponed", "ignored", "end-of-life") if word in words)
