"""How the machines of a part of the tree stand: each counts in one state, and what is not known is a state of its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.assess.freshness import FAILING, JUDGED, PASSED, UNCLEAR
from server.coverage.models import Expected
from server.coverage.numbers import Branch, Numbers, reported_of_late, seen_by, summed
from server.ingest.models import Machine
from server.units.models import Unit, User, everything
from server.units.rights import SEE

STATES = {
    "fail": _("with failures"),
    "unknown": _("nothing fails, something is unknown"),
    "stale": _("passed in its last report, none of late"),
    "pass": _("everything passes"),
    "unjudged": _("reported, not judged"),
    "unreached": _("not reached"),
}
"""Every expected machine is in one of them."""


class State(NamedTuple):
    """So many of the expected machines are in a state."""

    code: str
    title: str
    number: int
    share: float
    """Percent of the expected."""
    start: float
    """Where its piece of the bar begins."""


@dataclass
class Standing(Numbers):
    """The four numbers, and what came out of the judged ones."""

    failing: int = 0
    unclear: int = 0
    """Judged, nothing fails, and something is unknown, or no check spoke of it at all."""
    passing: int = 0
    """Judged, everything passes, and that is of late: what passed a month ago says nothing of today."""
    listed: int = 0
    """Of the expected: lines of lists, of which no agent speaks."""

    def count(self, code: str) -> int:
        counts = {
            "fail": self.failing,
            "unknown": self.unclear,
            "stale": self.judged - self.failing - self.unclear - self.passing,
            "pass": self.passing,
            "unjudged": self.seen - self.judged,
            "unreached": self.expected - self.seen,
        }
        return counts[code]

    @property
    def stale(self) -> int:
        return self.count("stale")

    @property
    def unjudged(self) -> int:
        return self.count("unjudged")

    @property
    def unreached(self) -> int:
        return self.count("unreached")

    @property
    def unreached_gap(self) -> str:
        """The gap of server/coverage that lists them; empty where two together do."""
        return {0: "never", self.unreached: "absent"}.get(self.listed, "")

    @property
    def enrolled(self) -> int:
        """The expected that have an agent, or are reached by one."""
        return self.expected - self.listed

    @property
    def silent(self) -> int:
        """Reported once, and not of late."""
        return self.seen - self.fresh

    @property
    def states(self) -> list[State]:
        found, start = [], 0.0
        for code, title in STATES.items():
            share = 100 * self.count(code) / self.expected if self.expected else 0.0
            found.append(State(code, str(title), self.count(code), share, start))
            start += share
        return found


def below(
    user: User | None, unit: Unit | None, now: datetime, units: dict[int, Unit] | None = None
) -> tuple[Standing, list[Branch[Standing]]]:
    """What this person (for nobody: the console) sees of a part of the tree, and of each unit right below. `units`: all of them,
    if they are at hand."""
    every = everything() if units is None else units
    seen = every if user is None else user.part_of(every, SEE)
    return summed(_by_unit(user, now, unit, every, seen), Standing, user, unit, seen)


def _by_unit(
    user: User | None, now: datetime, unit: Unit | None, every: dict[int, Unit], seen: dict[int, Unit]
) -> dict[int, Standing]:
    """Of each unit by itself: server/coverage counts the four numbers in the same way."""
    under = Q(unit__path__under=unit.path) if unit else Q()
    fresh = reported_of_late(now, every)
    if len(seen) == len(every) and (unit is None or all(one.path.startswith(unit.path) for one in every.values())):
        user, under = None, Q()  # all there is: no machine needs to be held against the tree
    machines = seen_by(Machine, user).filter(under).order_by().values("unit_id").annotate(
        all=Count("pk"), seen=Count("latest"), fresh=Count("pk", filter=fresh), judged=Count("pk", filter=JUDGED),
        failing=Count("pk", filter=FAILING), unclear=Count("pk", filter=UNCLEAR), passing=Count("pk", filter=PASSED & fresh),
    )  # fmt: skip
    found: dict[int, Standing] = defaultdict(Standing)
    for row in machines:
        found[row["unit_id"]] = Standing(
            row["all"], row["seen"], row["fresh"], row["judged"], 0, row["failing"], row["unclear"], row["passing"]
        )
    excused = Expected.excused(timezone.localdate(now))
    listed = seen_by(Expected, user).filter(under, listed=True, machine=None).order_by().values("unit_id")
    for one in listed.annotate(let_off=Count("pk", filter=excused), all=Count("pk")):
        lines = one["all"] - one["let_off"]
        found[one["unit_id"]].add(Standing(expected=lines, listed=lines, excused=one["let_off"]))
    return found
