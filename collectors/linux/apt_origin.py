"""Who publishes the installed Debian packages? The Origin of the list that offers them, as their Release files name it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from collectors.linux import versions
from collectors.linux.apt import FIELDS
from collectors.linux.apt_lists import LISTS, Lists
from collectors.linux.dpkg import Package
from collectors.transports.base import Shell

Key = tuple[str, str]
"""Name and architecture."""


class Offer(NamedTuple):
    """One version of a package in one list, and who published that list."""

    version: str
    origin: str


def origins(shell: Shell, packages: tuple[Package, ...], lists: Lists) -> Mapping[Key, str | None]:
    """(name, architecture) -> Origin, such as Debian or Docker; "" when no list offers it; None when lists are missing.

    A version that is below what is offered was published and has been replaced since; one that is above everything offered
    came from elsewhere. A package that no list knows (an old kernel) counts as published by whoever publishes another
    package of the same source. The question is worded exactly as that of `updates`, so that the witness answers it from
    memory.
    """
    offered: dict[Key, list[Offer]] = defaultdict(list)
    for path, stanza in shell.stanzas(f"{LISTS}*_Packages*", frozenset(package.name for package in packages), FIELDS):
        release = lists.of.get(path)
        if release is not None and "Version" in stanza and "Architecture" in stanza:
            # a publisher that names no Origin is still one: its label or suite speaks for it
            name = release.origin or release.label or release.suite or "?"
            offered[stanza["Package"], stanza["Architecture"]].append(Offer(stanza["Version"], name))
    native = next((package.arch for package in packages if package.name == "dpkg"), "")
    direct = {(package.name, package.arch): _direct(offered, package, native) for package in packages}
    kin: dict[str, str] = {}
    for package in packages:
        if found := direct[package.name, package.arch]:
            kin.setdefault(source_of(package), found)
    unknown = None if lists.faults else ""
    return {
        key: _settled(direct[key], kin.get(source_of(package), ""), unknown)
        for package in packages
        for key in [(package.name, package.arch)]
    }


def _settled(direct: str | None, kin: str, unknown: str | None) -> str | None:
    return direct or (kin if direct is None else "") or unknown


def source_of(package: Package) -> str:
    """Name of the source package."""
    return package.source.partition(" ")[0] or package.name


def _direct(offered: Mapping[Key, list[Offer]], package: Package, native: str) -> str | None:
    """Origin of the list it is from; "" when it is above everything offered; None when no list knows its name."""
    # a package may change between `all` and the system's own architecture from one version to the next
    arches = ("all", native) if package.arch in ("all", native) else (package.arch,)
    offers = [offer for arch in arches for offer in offered.get((package.name, arch), ())]
    if not offers:
        return None
    same = next((offer for offer in offers if offer.version == package.version), None)
    if same is not None:
        return same.origin
    have = versions.debian(package.version)
    later = [offer for offer in offers if versions.debian(offer.version) > have]
    return min(later, key=lambda offer: versions.debian(offer.version)).origin if later else ""
