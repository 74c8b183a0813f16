"""Which installed rpm packages have something newer, by what dnf (or yum, on RHEL 7) has fetched? The network is never used.

Plugins stay off (subscription-manager would go to the network) and excludes are lifted, so that what is held back is
seen and marked, not hidden. `--with-cve` is not asked for: it leaves out advisories that name no CVE.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from collectors.errors import Denied, Unparsable, Unsupported
from collectors.linux import dnf_repos
from collectors.linux.dnf_repos import Fetched
from collectors.linux.rpm import Nevra, Rpm, nevra
from collectors.transports.base import Shell

TIMEOUT = 120.0
"""dnf builds an index of all repositories when it is asked first after a fetch."""

_ADVISORY = re.compile(r"(?P<id>\S+)\s+(?P<severity>[A-Za-z]+)/Sec\.\s+(?P<package>\S+)")
_ADVISORY_DNF5 = re.compile(r"(?P<id>\S+)\s+security\s+(?P<severity>\S+)\s+(?P<package>\S+)\s+\d{4}-\d\d-\d\d.*")
_SEVERITIES = ("none", "unknown", "low", "moderate", "important", "critical")
_CHATTER = re.compile(r"Last metadata expiration check.*|updateinfo list done|Name\s+Type\s+Severity\s+Package\s+Issued.*")

Place = tuple[str, str]
"""Name and architecture: what one update replaces."""


class Advisory(NamedTuple):
    """One advisory and one of the packages it mends."""

    id: str
    severity: str
    package: Nevra


class Newer(NamedTuple):
    """One installed package with something newer; the fields of updates.PendingUpdate."""

    name: str
    arch: str
    installed: str
    candidate: str
    security: bool
    held: bool
    advisory: str | None
    severity: str | None


def upgrades(shell: Shell, manager: str, repos: tuple[Fetched, ...]) -> tuple[Nevra, ...]:
    """Newest version of each installed package in the fetched repositories, where that is above the installed one.

    `repos` is asked for because only with data (see dnf_repos.fetched) the answer means anything.
    """
    _rooted(shell, repos)
    if manager == "yum":
        return _yum_upgrades(shell)
    answer = shell.run(
        "dnf", "-q", "-C", "--noplugins", "--setopt=skip_if_unavailable=False", "--setopt=disable_excludes=all,*",
        "repoquery", "--upgrades", "--qf", r"%{name}|%{epoch}|%{version}|%{release}|%{arch}\n", root=True, timeout=TIMEOUT,
    )  # fmt: skip
    # dnf 4 ends each line by itself, dnf 5 does not: with \n asked for, dnf 4 leaves empty lines between
    return tuple(_row(line) for line in answer.require().splitlines() if line.strip() and not _CHATTER.fullmatch(line))


def _row(line: str) -> Nevra:
    words = line.strip().split("|")
    if len(words) != 5 or not words[1].isdecimal() or not all(words):
        raise Unparsable(f"dnf repoquery: cannot place {line[:80]!r}")
    return Nevra(*words)


def _yum_upgrades(shell: Shell) -> tuple[Nevra, ...]:
    answer = shell.run("yum", "-q", "-C", "--noplugins", "--disableexcludes=all", "list", "updates", root=True, timeout=TIMEOUT)
    if answer.status == 1 and "No matching Packages to list" in answer.err:
        return ()
    heading, _, rest = answer.require().partition("\n")
    if heading.strip() not in ("", "Updated Packages"):
        raise Unparsable(f"yum list updates: cannot place {heading[:80]!r}")
    # name.arch, version and repository; long names push the rest to the next line, so lines mean nothing here
    words = rest.split()
    if len(words) % 3:
        raise Unparsable("yum list updates: the columns do not come in threes")
    return tuple(_yum_row(name, version) for name, version in zip(words[::3], words[1::3], strict=True))


def _yum_row(name: str, version: str) -> Nevra:
    stem, dot, arch = name.rpartition(".")
    epoch, colon, rest = version.partition(":")
    found, hyphen, release = (rest if colon else version).rpartition("-")
    if not dot or not hyphen:
        raise Unparsable(f"yum list updates: cannot place {name[:60]} {version[:40]}")
    return Nevra(stem, epoch if colon else "0", found, release, arch)


def advisories(shell: Shell, manager: str, repos: tuple[Fetched, ...]) -> tuple[Advisory, ...]:
    """Security advisories above what is installed. Raises Unsupported where the repositories come without advisories."""
    if not dnf_repos.advising(repos):
        lacking = dnf_repos.without_advisories(repos)
        raise Unsupported(f"the repositories {lacking} come without advisories: which updates mend security holes cannot be told")
    _rooted(shell, repos)
    if manager == "yum":
        answer = shell.run(
            "yum",
            "-q",
            "-C",
            "--noplugins",
            "--disableexcludes=all",
            "updateinfo",
            "list",
            "security",
            root=True,
            timeout=TIMEOUT,
        )
        return tuple(_advisories(answer.require()))
    answer = shell.run(
        "dnf", "-q", "-C", "--noplugins", "--setopt=skip_if_unavailable=False", "--setopt=disable_excludes=all,*",
        "updateinfo", "list", "--security", root=True, timeout=TIMEOUT,
    )  # fmt: skip
    return tuple(_advisories(answer.require()))


def _advisories(text: str) -> Iterator[Advisory]:
    for line in text.splitlines():
        if not line.strip() or _CHATTER.fullmatch(line.strip()):
            continue
        found = _ADVISORY.fullmatch(line.strip()) or _ADVISORY_DNF5.fullmatch(line.strip())
        if not found:
            raise Unparsable(f"updateinfo list: cannot place {line[:80]!r}")
        yield Advisory(found["id"], found["severity"], nevra(found["package"]))


def _rooted(shell: Shell, repos: tuple[Fetched, ...]) -> None:
    if not repos:
        raise Unsupported("no repository was fetched")
    if not shell.privileged:
        raise Denied("dnf keeps what it fetched per user, and another user's answer is empty: run as root to see it")


def newer(
    packages: Iterable[Rpm], found: Iterable[Nevra], advice: Iterable[Advisory], patterns: tuple[str, ...]
) -> tuple[Newer, ...]:
    """The upgrades, and what an advisory mends besides (dnf hides parts of modules from the upgrades).

    An advisory whose version is installed already is left out: dnf goes on naming it until that kernel runs.
    """
    have: dict[Place, Nevra] = {}
    for package in packages:
        _keep_newest(have, package.nevra)
    best: dict[Place, Nevra] = {}
    for candidate in found:
        _keep_newest(best, candidate)
    mended: dict[Place, list[Advisory]] = defaultdict(list)
    for item in advice:
        place = _place(item.package, have)
        if item.package.key > have[place].key:
            mended[place].append(item)
            if place not in best:
                best[place] = item.package
    return tuple(_newer(place, have, candidate, mended.get(place, []), patterns) for place, candidate in sorted(best.items()))


def _keep_newest(table: dict[Place, Nevra], package: Nevra) -> None:
    place = package.name, package.arch
    if place not in table or package.key > table[place].key:
        table[place] = package


def _place(package: Nevra, have: Mapping[Place, Nevra]) -> Place:
    if (package.name, package.arch) in have:
        return package.name, package.arch
    for place in have:
        if place[0] == package.name:
            return place
    raise Unparsable(f"an advisory names {package.name}, of which rpm says that it is not installed")


def _newer(
    place: Place, have: Mapping[Place, Nevra], candidate: Nevra, advice: list[Advisory], patterns: tuple[str, ...]
) -> Newer:
    worst = max(advice, key=lambda item: rank(item.severity), default=None)
    installed = have.get(place) or have[_place(candidate, have)]
    return Newer(
        name=place[0],
        arch=place[1],
        installed=installed.evr,
        candidate=max((candidate, *(item.package for item in advice)), key=lambda package: package.key).evr,
        security=bool(advice),
        held=dnf_repos.matching(patterns, (*installed.spellings, *candidate.spellings)),
        advisory=worst and worst.id,
        severity=worst and worst.severity,
    )


def rank(severity: str) -> int:
    """Place of a vendor's word among the severities; a word not known counts as `unknown`."""
    word = severity.lower()
    return _SEVERITIES.index(word) if word in _SEVERITIES else 1
