"""RHEL, Rocky and AlmaLinux: by package, epoch and all, in the machine's own stream; modules by the stream that is in use.

A package is assessed when its VENDOR is the distribution. EPEL, Remi, Docker and what names nobody are listed as not assessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from server.feeds.matching import kernels, versions
from server.feeds.matching.host import Host, Package
from server.feeds.matching.outcome import Cache, Found, Left, Outcome
from server.feeds.matching.said import UNCERTAIN, Book, Said, follows
from server.feeds.matching.versions import NoRule

PUBLISHERS: Final = {
    "rhel": frozenset({"Red Hat, Inc."}),
    "rocky": frozenset({"Rocky Enterprise Software Foundation", "Rocky"}),
    "almalinux": frozenset({"AlmaLinux"}),
}
"""VENDORs whose packages the distribution's data speak of."""
BY_SOURCE: Final = frozenset({"rocky"})
"""Whose data name the source package where the others name what is installed."""
_MODULAR = re.compile(r"\.module[+_]?el?\d")
_ANOTHER_BUILD = ".ksplice"


def ecosystem_of(host: Host) -> str:
    """rhel:9, rhel:9.4-eus: a machine that gets its packages from a stream of extended support has that stream's fixes."""
    major = host.os_version.partition(".")[0]
    return f"{host.os_id}:{host.os_version}-{host.stream}" if host.stream else f"{host.os_id}:{major}"


def match(host: Host, book: Book, cache: Cache) -> Outcome:
    outcome = Outcome(ecosystem_of(host))
    publishers = PUBLISHERS[host.os_id]
    images: set[str] = set()
    epochs = _epochs(host.packages or ())
    for package in host.packages or ():
        kin = kernels.is_rpm_kin(package)
        if kin and not kernels.is_rpm_image(package):
            continue
        if (left := _elsewhere(package, publishers)) is not None:
            outcome.left.append(left)
            continue
        outcome.assessed += 1
        if kin:
            images.add(package.version)
            continue
        modules = host.modules if _MODULAR.search(package.version) else ()
        known = outcome.ecosystem, package, modules, epochs.get((package.source, _plain(package.source_version))), host.has
        if known not in cache:
            cache[known] = _package(host, book, outcome.ecosystem, package, epochs)
        found, faults = cache[known]
        outcome.matches += found
        outcome.left += faults
    if images:
        rows = {row for name in ("kernel", "kernel-core") for row in book.said(outcome.ecosystem, name)}
        found, faults = kernels.matched(host, "kernel", images, tuple(sorted(rows)), versions.rpm)
        outcome.matches += found
        outcome.left += faults
    outcome.matches = list(dict.fromkeys(outcome.matches))
    return outcome


def _elsewhere(package: Package, publishers: frozenset[str]) -> Left | None:
    if package.origin in publishers and _ANOTHER_BUILD not in package.version:
        return None
    if package.origin is None:
        return Left(package.name, package.version, "publisher-not-seen")
    return Left(package.name, package.version, "third-party" if package.origin else "no-publisher", package.origin)


def _package(host: Host, book: Book, ecosystem: str, package: Package, epochs: dict[tuple[str, str], str | None]) -> Found:
    rows = book.said(ecosystem, package.name)
    name, version = package.name, package.version
    if not rows and host.os_id in BY_SOURCE and package.source != package.name:
        rows = book.said(ecosystem, package.source)
        name = package.source
        if rows:
            epoch = epochs.get((package.source, _plain(package.source_version)))
            if epoch is None:
                return [], [Left(package.name, package.version, "epoch-not-known", package.source)]
            version = _with(epoch, package.source_version)
    try:
        installed = versions.rpm(version)
    except NoRule as error:
        return [], [Left(name, version, "no-rule", str(error))]
    rows, untold, faults = _of_stream(rows, package, host.modules)
    found = [verdict.match(name, version, "rpm-package") for verdict in follows(rows, installed, versions.rpm, host.has)]
    for verdict in follows(untold, installed, versions.rpm, host.has):
        found.append(verdict._replace(answer=UNCERTAIN).match(name, version, "rpm-package", "stream-not-told"))
    return found, faults


def _of_stream(
    rows: tuple[Said, ...], package: Package, modules: tuple[tuple[str, str], ...] | None
) -> tuple[tuple[Said, ...], tuple[Said, ...], list[Left]]:
    """Those of the package's own stream; those of modules of which the publisher names no stream; what cannot be told."""
    if not _MODULAR.search(package.version):
        return tuple(row for row in rows if not row.module and not _MODULAR.search(row.fixed)), (), []
    told = tuple(row for row in rows if row.module)
    untold = tuple(row for row in rows if not row.module)
    faults = [Left(package.name, package.version, "stream-not-told")] if untold else []
    if modules is None:
        # installed it is, but of which stream was not seen: any of them may be meant
        faults = [Left(package.name, package.version, "stream-not-seen")] if rows else faults
        return (), (*told, *untold), faults
    used = {f"{name}:{stream}" for name, stream in modules}
    return tuple(row for row in told if row.module in used), untold, faults


def _epochs(packages: Iterable[Package]) -> dict[tuple[str, str], str | None]:
    """(source, its version-release) -> epoch, as its packages of that very version have it; None where they differ.

    rpm names the source of a package without the epoch.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for package in packages:
        epoch, colon, plain = package.version.partition(":")
        epoch, plain = (epoch, plain) if colon else ("0", package.version)
        if plain == _plain(package.source_version):
            found[package.source, plain].add(epoch)
    return {source: next(iter(seen)) if len(seen) == 1 else None for source, seen in found.items()}


def _with(epoch: str, version: str) -> str:
    return _plain(version) if epoch == "0" else f"{epoch}:{_plain(version)}"


def _plain(version: str) -> str:
    return version.rpartition(":")[2]
