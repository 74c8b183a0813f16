"""Debian and Ubuntu: by source package, epoch and all, against the data of the machine's own release and of nobody else's.

A package is assessed when the distribution itself published it. What comes from elsewhere (Docker, PGDG, backports, a file
somebody installed) has versions that the distribution's data do not know: it is listed as not assessed. Not seen here:
a package of another release of the same distribution (testing on stable), which the lists name by the same publisher.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Final

from server.feeds.matching import kernels, versions
from server.feeds.matching.host import Host, Package
from server.feeds.matching.outcome import Cache, Found, Left, Outcome
from server.feeds.matching.said import Book, follows
from server.feeds.matching.versions import NoRule

PUBLISHERS: Final = {
    "debian": frozenset({"Debian"}),
    "ubuntu": frozenset({"Ubuntu", "UbuntuESM", "UbuntuESMApps"}),
}
"""Origins whose packages the distribution's data speak of."""
_ELSEWHERE = ("~bpo", ".pgdg", "+pgdg")
"""In a version: built for this release by others, or from a later release."""


def match(host: Host, book: Book, cache: Cache) -> Outcome:
    outcome = Outcome(f"{host.os_id}:{host.os_version}")
    sources: dict[tuple[str, str], bool] = {}
    images: dict[str, set[str]] = defaultdict(set)
    kin = [package for package in host.packages or () if kernels.is_deb_kin(package)]
    kept_by = {kernels.deb_source(package) for package in kin}
    for package in host.packages or ():
        if kernels.deb_source(package) in kept_by and not kernels.is_deb_image(package):
            continue
        if (left := _elsewhere(package, PUBLISHERS[host.os_id])) is not None:
            outcome.left.append(left)
            if left.why != "publisher-not-seen":
                continue
        outcome.assessed += 1
        if kernels.is_deb_image(package):
            images[kernels.deb_source(package)].add(package.version)
        else:
            key = package.source, package.source_version
            sources[key] = sources.get(key, False) or package.origin is not None
    if not images:
        outcome.left += kernels.imageless(map(kernels.deb_source, kin), kin)
    for (source, version), publisher_seen in sources.items():
        known = outcome.ecosystem, source, version, publisher_seen, host.has
        if known not in cache:
            cache[known] = _source(host, book, outcome.ecosystem, source, version, publisher_seen)
        found, faults = cache[known]
        outcome.matches += found
        outcome.left += faults
    for name, running in _by_running(host, images).items():
        rows = book.said(outcome.ecosystem, name)
        judge = partial(follows, rows, rule=versions.deb, has=host.has)
        found, faults = kernels.matched(host, name, running, judge, versions.deb)
        outcome.matches += found
        outcome.left += faults
    return outcome


def _elsewhere(package: Package, publishers: frozenset[str]) -> Left | None:
    """Why the distribution's data do not cover it; None where they do."""
    if any(mark in package.version for mark in _ELSEWHERE):
        return Left(package.name, package.version, "third-party", package.origin or package.version)
    if package.origin in publishers:
        return None
    if package.origin is None:
        return Left(package.name, package.version, "publisher-not-seen")
    return Left(package.name, package.version, "third-party" if package.origin else "no-publisher", package.origin)


def _source(host: Host, book: Book, ecosystem: str, source: str, version: str, publisher_seen: bool) -> Found:
    rows = book.said(ecosystem, source)
    try:
        installed = versions.deb(version)
    except NoRule as error:
        return [], [Left(source, version, "no-rule", str(error))]
    notes = () if publisher_seen else ("publisher-not-seen",)
    found = follows(rows, installed, versions.deb, host.has)
    return [verdict.match(source, version, "source-package", *notes) for verdict in found], []


def _by_running(host: Host, images: dict[str, set[str]]) -> dict[str, set[str]]:
    """Where kernels of several sources are installed, only the running one's counts: the others do not run."""
    running = {name: versions_ for name, versions_ in images.items() if host.running_kernel in versions_}
    return running or images
