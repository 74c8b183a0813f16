"""Which installed packages have something newer, by what zypper has fetched? Nothing is refreshed.

SUSE calls nothing a security update but patches, and a patch names packages only by what it conflicts with: the
versions below the mended ones. So three answers are put together: the updates, the patches, and their conflicts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from collectors.errors import Unparsable, Unreachable, Unsupported
from collectors.linux import versions, zypper_repos
from collectors.linux.dnf import Newer, Place, rank
from collectors.linux.dnf_repos import Fetched
from collectors.linux.rpm import Nevra, Rpm
from collectors.transports.base import Answer, Shell

if TYPE_CHECKING:
    from xml.etree import ElementTree

TIMEOUT = 120.0
"""zypper builds an index of all repositories when it is asked first after a fetch."""

_LOCKED = 7
_NOTHING_FOUND = 104
_STATUSES = {"needed", "unwanted", "optional", "applied", "not-needed", "not needed", "undetermined"}
_ROW = re.compile(r"(?P<sign>[!ivl.+ ]{0,3}?)\s*\| (?P<name>\S+)\s+\| patch\s+\| .*")
_HEADING = re.compile(r"S\s+\| Name\s+\| Type\s+\| .*")
_CONFLICT = re.compile(r"\s+conflicts: (?P<package>\S+) (?P<below><=?) (?P<edition>\S+)")


class Update(NamedTuple):
    """One row of list-updates, or one version that a search found."""

    name: str
    arch: str
    edition: str


class Patch(NamedTuple):
    """One patch that zypper calls needed; `unwanted` ones are needed and locked."""

    name: str
    severity: str


class Mended(NamedTuple):
    """Below which version of which package (`name.arch`) a patch applies."""

    patch: str
    package: str
    edition: str


def updates(shell: Shell, repos: tuple[Fetched, ...]) -> tuple[Update, ...]:
    """What `zypper update` would install. Locked packages are not among them, not even with --all.

    `repos` is asked for because only with data (see zypper_repos.fetched) the answer means anything.
    """
    _data(repos)
    answer = shell.run("zypper", "--xmlout", "--non-interactive", "--no-refresh", "list-updates", timeout=TIMEOUT)
    return tuple(Update(*_words(row, "name", "arch", "edition")) for row in _document(answer, "update-status").iter("update"))


def locked(shell: Shell, repos: tuple[Fetched, ...], locks: tuple[zypper_repos.Lock, ...]) -> tuple[Update, ...]:
    """Every version in the repositories of the packages a lock names: what list-updates keeps silent about."""
    if not any("package" in lock.kind for lock in locks):
        return ()
    _data(repos)
    answer = shell.run(
        "zypper", "--xmlout", "--non-interactive", "--no-refresh", "search", "-s", "-u", "-t", "package", "", timeout=TIMEOUT
    )
    if answer.status == _NOTHING_FOUND and 'type="error"' not in answer.out:
        return ()
    rows = (Update(*_words(row, "name", "arch", "edition")) for row in _document(answer, "search-result").iter("solvable"))
    return tuple(row for row in rows if any(lock.holds(row.name) for lock in locks))


def patches(shell: Shell, advising: tuple[Fetched, ...]) -> tuple[Patch, ...]:
    """Security patches that the system needs, locked ones too.

    A pending patch of zypper itself moves all others from the list into a list of blocked ones: both are read.
    """
    _data(advising)
    answer = shell.run("zypper", "--xmlout", "--non-interactive", "--no-refresh", "list-patches", timeout=TIMEOUT)
    found = []
    for row in _document(answer, "update-status").iter("update"):
        name, status, category = _words(row, "name", "status", "category")
        if status not in _STATUSES:
            raise Unparsable(f"zypper list-patches: {name} has a status not known: {status[:40]!r}")
        if category == "security" and status in ("needed", "unwanted", "optional"):
            found.append(Patch(name, row.get("severity") or "unknown"))
    return tuple(found)


def mended(shell: Shell, wanted: tuple[Patch, ...]) -> tuple[Mended, ...]:
    """Packages of the patches. The one place where zypper tells them for all patches at once is a table."""
    if not wanted:
        return ()
    answer = shell.run(
        "zypper", "--no-abbrev", "--non-interactive", "--no-refresh", "search", "-t", "patch", "--conflicts", "--verbose", "<",
        timeout=TIMEOUT,
    )  # fmt: skip
    if answer.status == _LOCKED:
        raise _busy()
    names = {patch.name for patch in wanted}
    return tuple(row for row in _conflicts(answer.require()) if row.patch in names)


def _conflicts(text: str) -> Iterator[Mended]:
    lines = iter(text.splitlines())
    for line in lines:
        if "Skipping repository" in line:
            raise Unparsable(f"zypper search: {line.strip()[:160]}")
        if _HEADING.fullmatch(line):
            break
    else:
        raise Unparsable("zypper search: no table of patches in the answer")
    patch = ""
    for line in lines:
        row = _ROW.fullmatch(line)
        if row:
            patch = row["name"]
        elif found := _CONFLICT.fullmatch(line):
            # `<=` is written where any rebuild of that version is to go
            yield Mended(patch, found["package"], found["edition"])
        elif line.strip() and not line.startswith(("--", "    ")):
            raise Unparsable(f"zypper search: cannot place {line[:80]!r}")


def newer(
    packages: Iterable[Rpm],
    found: tuple[Update, ...],
    held: tuple[Update, ...],
    wanted: tuple[Patch, ...],
    parts: tuple[Mended, ...],
) -> tuple[Newer, ...]:
    """The updates, what a lock hides of them, and what a patch mends besides.

    Raises Unparsable when a needed patch names nothing installed: its packages were not understood, and a count without
    them would look better than the truth.
    """
    have: dict[Place, Nevra] = {}
    oldest: dict[Place, Nevra] = {}
    for package in packages:
        place = package.nevra.name, package.nevra.arch
        have[place] = max(have.get(place, package.nevra), package.nevra, key=lambda nevra: nevra.key)
        oldest[place] = min(oldest.get(place, package.nevra), package.nevra, key=lambda nevra: nevra.key)
    best: dict[Place, str] = {}
    offered = set()
    for row in found:
        offered.add(_raise(best, _installed(row, have), row.edition))
    for row in held:
        if (row.name, row.arch) in have and _key(row.edition) > have[row.name, row.arch].key:
            _raise(best, (row.name, row.arch), row.edition)
    advice = _advice(have, oldest, wanted, parts)
    for place, rows in advice.items():
        for _, edition in rows:
            _raise(best, place, edition)
    hidden = {(row.name, row.arch) for row in held} - offered
    return tuple(
        _newer(place, have[place], edition, place in hidden, [patch for patch, _ in advice.get(place, ())])
        for place, edition in sorted(best.items())
    )


def _advice(
    have: Mapping[Place, Nevra], oldest: Mapping[Place, Nevra], wanted: tuple[Patch, ...], parts: tuple[Mended, ...]
) -> Mapping[Place, list[tuple[Patch, str]]]:
    places = {f"{name}.{arch}": (name, arch) for name, arch in have}
    by_name = {patch.name: patch for patch in wanted}
    placed: set[str] = set()
    found: dict[Place, list[tuple[Patch, str]]] = defaultdict(list)
    for row in parts:
        place = places.get(row.package)
        if place is None or _key(row.edition) <= oldest[place].key:
            continue
        placed.add(row.patch)
        # of a kernel several versions stand side by side: the patch is in when the newest has it
        if _key(row.edition) > have[place].key:
            found[place].append((by_name[row.patch], row.edition))
    if lost := by_name.keys() - placed:
        raise Unparsable(f"zypper calls the patch {min(lost)} needed and names no installed package that it mends")
    return found


def _newer(place: Place, installed: Nevra, edition: str, held: bool, advice: list[Patch]) -> Newer:
    worst = max(advice, key=lambda patch: rank(patch.severity), default=None)
    return Newer(
        name=place[0],
        arch=place[1],
        installed=installed.evr,
        candidate=edition.removeprefix("0:"),
        security=bool(advice),
        held=held,
        advisory=worst and worst.name,
        severity=worst and worst.severity,
    )


def _installed(row: Update, have: Mapping[Place, Nevra]) -> Place:
    if (row.name, row.arch) in have:
        return row.name, row.arch
    for place in have:
        if place[0] == row.name:  # the architecture changes with the update (to or from noarch)
            return place
    raise Unparsable(f"zypper offers an update of {row.name}, of which rpm says that it is not installed")


def _raise(best: dict[Place, str], place: Place, edition: str) -> Place:
    if place not in best or _key(edition) > _key(best[place]):
        best[place] = edition
    return place


def _key(edition: str) -> versions.RpmKey:
    epoch, colon, rest = edition.partition(":")
    version, _, release = (rest if colon else edition).rpartition("-")
    return versions.rpm(version or release, release if version else "", epoch if colon else "0")


def _data(repos: tuple[Fetched, ...]) -> None:
    if not repos:
        raise Unsupported("no repository was fetched")


def _document(answer: Answer, part: str) -> ElementTree.Element:
    """The named part of zypper's answer. Messages are translated, the rest is not.

    An answer with an error in it is none: zypper leaves a repository out that it cannot read, and ends with status 0.
    """
    from xml.etree import ElementTree  # only hosts with zypper need it

    if answer.missing:
        raise Unsupported("zypper is not installed")
    if answer.status == _LOCKED:
        raise _busy()
    if "<!DOCTYPE" in answer.out or "<!ENTITY" in answer.out:
        raise Unparsable("zypper: the answer declares entities, which zypper never does")
    try:
        root = ElementTree.fromstring(answer.out)  # noqa: S314  (entities are refused above)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        if answer.status != 0:
            answer.require()
        raise Unparsable(f"zypper: the answer is not whole: {str(error)[:80]}") from None
    for message in root.iter("message"):
        if message.get("type") == "error" or "Skipping repository" in (message.text or ""):
            raise Unparsable(f"zypper: {' '.join((message.text or '').split())[:200]}")
    found = root.find(part)
    if answer.status != 0 or found is None:
        answer.require()
        raise Unparsable(f"zypper: no {part} in the answer")
    if any(note.get("status") == "no-update-repositories" for note in root.iter("appletinfo")):
        raise Unsupported("zypper has no repository to take updates from")
    return found


def _busy() -> Unreachable:
    return Unreachable("zypper is in use by another program (zypper, YaST or PackageKit): ask again later")


def _words(row: ElementTree.Element, *names: str) -> tuple[str, ...]:
    values = tuple(row.get(name, "") for name in names)
    if not all(values):
        raise Unparsable(f"zypper: a {row.tag} without {names[values.index('')]}")
    return values
