"""Windows: by build and UBR; where updates are not numbered, by what Windows Update misses and by what holds an update.

Only Windows itself is covered. Programs on it have their own publishers, and no feed speaks of them: they are listed.
"""

from __future__ import annotations

from typing import Final

from server.feeds.codes import FIXED, UNDETERMINED
from server.feeds.matching import versions
from server.feeds.matching.host import Host
from server.feeds.matching.outcome import NO_FEED, NO_SYSTEM, Left, Outcome
from server.feeds.matching.said import FIX, UNCERTAIN, Book, Match, Said, follows
from server.feeds.matching.versions import NoRule

BUILD, SUPERSEDENCE, UPDATE = "build", "supersedence", "windows-update"
PACKAGE: Final = "windows"
SYSTEMS: Final = {"windows": "client", "windows-server": "server"}


def match(host: Host, book: Book) -> Outcome:
    build, _, ubr = (host.running_kernel or "").partition(".")
    outcome = Outcome(f"windows:{build}:{SYSTEMS[host.os_id]}")
    if not build:
        outcome.reason, outcome.detail = NO_SYSTEM, host.why("updates.running_kernel") or host.why("updates")
        return outcome
    if not book.knows(outcome.ecosystem):
        outcome.reason, outcome.detail = NO_FEED, outcome.ecosystem
        return outcome
    outcome.beside = (f"windows:0:{SYSTEMS[host.os_id]}",)
    own = book.said(outcome.ecosystem, PACKAGE)
    spoken_of = {row.identifier for row in own}
    # the second: of products whose build the publisher does not tell
    rows = own + tuple(row for row in book.said(outcome.beside[0], PACKAGE) if row.identifier not in spoken_of)
    numbered = tuple(row for row in rows if row.fixed)
    others = tuple(row for row in rows if not row.fixed and row.advisory)
    # neither a build nor an update mends it: the version decides nothing
    bare = tuple(
        row._replace(state=UNDETERMINED if row.state == FIXED else row.state) for row in rows if not (row.fixed or row.advisory)
    )
    outcome.assessed = 1
    try:
        installed = versions.windows(f"{build}.{ubr}")
    except NoRule as error:
        outcome.left.append(Left(PACKAGE, host.running_kernel or "", "no-rule", str(error)))
        installed = None
    judged = (*numbered, *bare) if installed is not None else bare
    for verdict in follows(judged, installed or (0, 0), versions.windows):
        outcome.matches.append(verdict.match(PACKAGE, f"{build}.{ubr}", BUILD))
    _by_update(host, book, others if installed is not None else (*numbered, *others), f"{build}.{ubr}".rstrip("."), outcome)
    outcome.left += [Left(one.name, one.version, "not-covered", one.origin or "") for one in host.packages or ()]
    if host.packages is None:
        outcome.left.append(Left("", "", "not-covered", host.why("software.packages") or host.why("software")))
    return outcome


def _by_update(host: Host, book: Book, rows: tuple[Said, ...], version: str, outcome: Outcome) -> None:
    """What no UBR tells: an update is missing when Windows Update misses it, or one that holds it."""
    if rows and host.pending is None:
        why = host.why("updates.pending") or host.why("updates")
        outcome.left.append(Left(PACKAGE, version, "updates-not-seen", why))
    for row in rows:
        if host.pending is None:
            answer, decided_by = UNCERTAIN, UPDATE
        elif row.advisory in host.pending:
            answer, decided_by = FIX, UPDATE
        elif book.superseding(row.advisory) & set(host.pending):
            answer, decided_by = FIX, SUPERSEDENCE
        else:
            continue
        outcome.matches.append(Match(row.identifier, PACKAGE, version, "", answer, decided_by, "", row.advisory))
