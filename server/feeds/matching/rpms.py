"""RHEL, Rocky and AlmaLinux: by package, epoch and all; modules by the stream that is in use.

A package is assessed when its VENDOR is the distribution. EPEL, Remi, Docker and what names nobody are listed as not assessed.

Two things are called a stream. Of RHEL's streams of extended support (eus, e4s ...) a machine has those its repositories are of;
what the publisher says of those counts first. Where it says nothing there, its words on the main stream are told, marked as such:
a fix that came while this minor release, or one before it, was the main one lies in the machine's reach; of a later one it is not
known whether this stream gets it. Of a module's streams the one in use counts.
What is not mended Red Hat names by the source package, not by what is installed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from server.feeds.codes import FIXED
from server.feeds.matching import kernels, versions
from server.feeds.matching.host import Host, Package
from server.feeds.matching.outcome import Cache, Found, Left, Outcome
from server.feeds.matching.said import UNCERTAIN, Book, Match, Said, Verdict, follows
from server.feeds.matching.versions import Key, NoRule

PUBLISHERS: Final = {
    "rhel": frozenset({"Red Hat, Inc."}),
    "rocky": frozenset({"Rocky Enterprise Software Foundation", "Rocky"}),
    "almalinux": frozenset({"AlmaLinux"}),
}
"""VENDORs whose packages the distribution's data speak of."""
BY_SOURCE: Final = frozenset({"rocky"})
"""Whose data name the source package where the others name what is installed."""
COMPONENTS: Final = frozenset({"rhel"})
"""Whose data name what is installed where it is mended, and the source package where it is not."""
_MODULAR = re.compile(r"\.module[+_]?el?\d")
_MINOR = re.compile(r"\.el\d+_(\d+)")
_ANOTHER_BUILD = ".ksplice"


class Told(NamedTuple):
    """What is said of one package in one line of releases."""

    named: tuple[Said, ...]
    """By the package's own name."""
    sourced: tuple[Said, ...]
    """By its source's, on vulnerabilities of which nothing is said by its name."""
    untold: tuple[Said, ...]
    """Of modules, and the publisher names no stream."""
    faults: tuple[Left, ...]
    main: bool
    """Of the main stream, and the machine has one of its own, of which nothing is said on these."""


def ecosystems_of(host: Host) -> tuple[str, ...]:
    """(rhel:9.4-eus, rhel:9): its own streams, the main one last. ELS, like the main one, is of a whole major release."""
    major = host.os_version.partition(".")[0]
    own = (f"{host.os_id}:{major if one == 'els' else host.os_version}-{one}" for one in host.stream.split())
    return (*own, f"{host.os_id}:{major}")


def match(host: Host, book: Book, cache: Cache) -> Outcome:
    ecosystems = ecosystems_of(host)
    outcome = Outcome(ecosystems[0], beside=ecosystems[1:])
    if host.stream and not any(map(book.knows, ecosystems[:-1])):
        outcome.left.append(Left(host.os_id, host.os_version, "support-not-covered", outcome.ecosystem))
    images: dict[str, set[Package]] = defaultdict(set)
    kindred = [package for package in host.packages or () if kernels.is_rpm_kin(package)]
    if not any(map(kernels.is_rpm_image, kindred)):
        outcome.left += kernels.imageless((package.source for package in kindred), kindred)
    epochs = _epochs(host.packages or ())
    for package in host.packages or ():
        kin = kernels.is_rpm_kin(package)
        if kin and not kernels.is_rpm_image(package):
            continue
        if (left := _elsewhere(package, PUBLISHERS[host.os_id])) is not None:
            outcome.left.append(left)
            continue
        outcome.assessed += 1
        if kin:
            images[package.name.removesuffix("-core")].add(package)
            continue
        modules = host.modules if _MODULAR.search(package.version) else ()
        epoch = epochs.get((package.source, _plain(package.source_version)))
        known = ecosystems, host.os_version, package, modules, epoch, host.has
        if known not in cache:
            cache[known] = _package(host, book, package, epoch)
        found, faults = cache[known]
        outcome.matches += found
        outcome.left += faults
    for name, packages in _by_running(host, images).items():
        found, faults = _kernel(host, book, name, packages)
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


def _by_running(host: Host, images: dict[str, set[Package]]) -> dict[str, set[Package]]:
    """Where kernels of several kinds are installed (kernel-rt beside kernel), only the running one's counts."""
    running = {name: found for name, found in images.items() if any(one.version == host.running_kernel for one in found)}
    return running or images


def _kernel(host: Host, book: Book, name: str, packages: set[Package]) -> Found:
    names, sources = {name, f"{name}-core"}, {package.source for package in packages}
    if host.os_id in BY_SOURCE:
        names |= sources
    told = [*_told(host, book, names, sources)]

    def judge(installed: Key) -> Iterator[Verdict]:
        return (verdict for each in told for verdict in _follows(host, each, (*each.named, *each.sourced), installed))

    return kernels.matched(host, name, {package.version for package in packages}, judge, versions.rpm)


def _package(host: Host, book: Book, package: Package, epoch: str | None) -> Found:
    """By its name, and on what is not mended by its source's; by that alone where the data are kept so."""
    name, version = package.name, package.version
    if (
        host.os_id in BY_SOURCE
        and package.source != name
        and not _speaks(host, book, name)
        and _speaks(host, book, package.source)
    ):
        if epoch is None:
            return [], [Left(name, version, "epoch-not-known", package.source)]
        name, version = package.source, _with(epoch, package.source_version)
    try:
        installed = versions.rpm(version)
    except NoRule as error:
        return [], [Left(name, version, "no-rule", str(error))]
    found: list[Match] = []
    faults: list[Left] = []
    for told in _told(host, book, {name}, {package.source} - {name}, package):
        faults += told.faults
        found += [verdict.match(name, version, "rpm-package") for verdict in _follows(host, told, told.named, installed)]
        # not mended: the version decides nothing
        found += [
            verdict.match(package.source, _plain(package.source_version), "rpm-package")
            for verdict in _follows(host, told, told.sourced, installed)
        ]
        for verdict in follows(told.untold, installed, versions.rpm, host.has):
            found.append(verdict._replace(answer=UNCERTAIN).match(name, version, "rpm-package", "stream-not-told"))
    return found, list(dict.fromkeys(faults))


def _speaks(host: Host, book: Book, name: str) -> bool:
    return any(book.said(ecosystem, name) for ecosystem in ecosystems_of(host))


def _told(host: Host, book: Book, names: set[str], sources: set[str], package: Package | None = None) -> Iterator[Told]:
    """Of the machine's own streams, then of the main one what those are silent on. `package`: one that may be of a module."""
    *own, main = ecosystems_of(host)
    spoken_of: set[str] = set()
    for ecosystems in filter(None, (own, [main])):
        named, unnamed, faults = _of_stream(_rows(book, ecosystems, names), package, host.modules)
        sourced: tuple[Said, ...] = ()
        if host.os_id in COMPONENTS:
            unmended = tuple(row for row in _rows(book, ecosystems, sources) if row.state != FIXED)
            sourced, more, doubts = _of_stream(unmended, package, host.modules)
            unnamed, faults = unnamed + more, faults + doubts
        named = tuple(row for row in named if row.identifier not in spoken_of)
        spoken_of |= {row.identifier for row in named}
        sourced = tuple(row for row in sourced if row.identifier not in spoken_of)
        spoken_of |= {row.identifier for row in sourced}
        yield Told(named, sourced, unnamed, tuple(faults), bool(own) and ecosystems == [main])


def _rows(book: Book, ecosystems: Iterable[str], names: set[str]) -> tuple[Said, ...]:
    return tuple(dict.fromkeys(row for one in ecosystems for name in sorted(names) for row in book.said(one, name)))


def _follows(host: Host, told: Told, rows: Iterable[Said], installed: Key) -> Iterator[Verdict]:
    for verdict in follows(rows, installed, versions.rpm, host.has):
        if not told.main or (verdict.said.state == FIXED and _within(verdict.said.fixed, host.os_version)):
            yield verdict
            continue
        answer = UNCERTAIN if verdict.said.state == FIXED else verdict.answer
        yield verdict._replace(answer=answer, notes=(*verdict.notes, "main-stream"))


def _within(fixed: str, os_version: str) -> bool:
    """The fix came in the main stream no later than with this minor release, which its streams of support begin with."""
    minor, came = os_version.partition(".")[2], _MINOR.search(fixed)
    return came is not None and minor.isdecimal() and int(came[1]) <= int(minor)


def _of_stream(
    rows: tuple[Said, ...], package: Package | None, modules: tuple[tuple[str, str], ...] | None
) -> tuple[tuple[Said, ...], tuple[Said, ...], list[Left]]:
    """Those of the package's own stream; those of modules of which the publisher names no stream; what cannot be told."""
    if package is None or not _MODULAR.search(package.version):
        return tuple(row for row in rows if not row.module and not _MODULAR.search(row.fixed)), (), []
    told = tuple(row for row in rows if row.module)
    untold = tuple(row for row in rows if not row.module)
    faults = [Left(package.name, package.version, "stream-not-told")] if untold else []
    if modules is None:
        # installed it is, but of which stream was not seen: any of them may be meant
        faults = [Left(package.name, package.version, "stream-not-seen")] if rows else faults
        return (), (*told, *untold), faults
    used = {f"{name}:{stream}" for name, stream in modules}
    if told and not {row.module.partition(":")[0] for row in told} & {name for name, _stream in modules}:
        # its module was reset or disabled after it was installed: of which stream it is, nobody keeps
        return (), (*told, *untold), [Left(package.name, package.version, "stream-not-seen")]
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
