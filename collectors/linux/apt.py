"""Which installed Debian packages have something newer in apt's lists? apt's own choice, worked out without running apt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux import versions
from collectors.linux.apt_lists import LISTS, Lists, Release
from collectors.linux.dpkg import Package
from collectors.transports.base import Shell

FIELDS = ("Package", "Version", "Architecture", "Phased-Update-Percentage")
SUCCESS = "/var/lib/apt/periodic/update-success-stamp"
_INSTALLED = 100
"""apt's priority of what is installed: a list of lower priority never replaces it."""


class Newer(NamedTuple):
    """One installed package with something newer; the fields of updates.PendingUpdate."""

    name: str
    arch: str
    installed: str
    candidate: str
    security: bool
    held: bool
    phased: bool


class Offer(NamedTuple):
    """One version of one package in one list."""

    version: str
    priority: int
    security: bool
    phased: bool


def newer(shell: Shell, packages: tuple[Package, ...], lists: Lists, native: str) -> tuple[Newer, ...]:
    """Every installed package for which apt's candidate, or any version in a security pocket, is above what is installed.

    Not by the candidate alone: Ubuntu's newest is often only in -updates, while an older one that is still above the
    installed version stands in -security. Pins are not evaluated; `updates.pins` names them.
    """
    offers = _offers(shell, frozenset(package.name for package in packages), lists)
    if not offers:
        raise Unparsable("apt's lists do not know a single one of the installed packages: they are damaged or of another system")
    # `all` belongs to the system's own architecture; a foreign package is replaced by its own kind only
    found = (
        _newer(package, [offer for arch in _arches(package.arch, native) for offer in offers.get((package.name, arch), ())])
        for package in packages
    )
    return tuple(row for row in found if row)


def _arches(arch: str, native: str) -> tuple[str, ...]:
    return ("all", native) if arch in ("all", native) else (arch,)


def _offers(shell: Shell, names: frozenset[str], lists: Lists) -> Mapping[tuple[str, str], list[Offer]]:
    found: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    for path, stanza in shell.stanzas(f"{LISTS}*_Packages*", names, FIELDS):
        release = lists.of.get(path)
        if release is None:
            continue  # named in lists.faults
        if "Version" not in stanza or "Architecture" not in stanza:
            raise Unparsable(f"{path}: {stanza.get('Package', 'a package')} has no version or architecture; the list is damaged")
        phased = stanza.get("Phased-Update-Percentage", "100")
        offer = Offer(stanza["Version"], release.priority, release.security, phased.isdecimal() and int(phased) < 100)
        found[stanza["Package"], stanza["Architecture"]].append(offer)
    return found


def _newer(package: Package, offers: list[Offer]) -> Newer | None:
    have = versions.debian(package.version)
    above = [offer for offer in offers if versions.debian(offer.version) > have]
    security = any(offer.security for offer in above)
    held_up = max([_INSTALLED, *(offer.priority for offer in offers if versions.debian(offer.version) == have)])
    # highest priority first, then highest version, as apt chooses; of two equal priorities the newer version wins
    best = max(above, key=lambda offer: (offer.priority, versions.debian(offer.version)), default=None)
    if best is None or (best.priority < held_up and not security):
        return None
    phased = not security and all(offer.phased for offer in above if offer.version == best.version)
    return Newer(package.name, package.arch, package.version, best.version, security, package.held, phased)


def security_pockets(lists: Lists, release: Mapping[str, str]) -> tuple[Release, ...]:
    """The security pockets of the installed release; those of another release (forgotten in the sources) protect nobody."""
    names = {release[key] for key in ("VERSION_CODENAME", "UBUNTU_CODENAME", "DEBIAN_CODENAME") if release.get(key)}
    return tuple(pocket for pocket in lists.releases if pocket.security and pocket.belongs_to(names))


def dated(lists: Lists, pockets: tuple[Release, ...], free: date | None = None) -> Release:
    """The list whose date counts: the newest security pocket, else the newest list.

    Ubuntu's ESM counts only after the free fixes ended (`free`): before, it is rarely published; after, the free pocket
    stands still for ever.
    """
    counting = [pocket for pocket in pockets if not pocket.esm or (pocket.date and free and pocket.date.date() > free)]
    found = [release for release in counting or pockets or lists.releases if release.date]
    if not found:
        raise Unparsable("no Release file says its date")
    return max(found, key=lambda release: release.date or datetime.min.replace(tzinfo=UTC))


def receives_esm(lists: Lists, pockets: tuple[Release, ...]) -> bool:
    """apt itself has the lists of Ubuntu Pro's infrastructure pocket: only an attached machine is let in to fetch them."""
    owned = {release.prefix for release in lists.of.values()}
    return any(pocket.origin == "UbuntuESM" and pocket.prefix in owned for pocket in pockets)


def refreshed_at(shell: Shell, _lists: Lists) -> datetime:
    """When apt last fetched something: Ubuntu's stamp of success, or the last change in the directory of lists.

    Not the lists' own times (the server's), nor those of lists/partial (a failed attempt moves them too). A fetch that
    finds nothing new changes nothing, so the truth may be later than this, hardly earlier. Lists are asked for because
    removing them moves the directory's time as well.
    """
    times = [found.mtime for found in (shell.stat(SUCCESS), shell.stat(LISTS.rstrip("/"))) if found]
    if not times:
        raise Unsupported(f"{LISTS} does not exist: apt never fetched anything here")
    return datetime.fromtimestamp(int(max(times)), UTC)


def point_release_behind(shell: Shell, lists: Lists, release: Mapping[str, str]) -> bool:
    """Fixes also arrive through point releases (12.14 to 12.15), which stand in the main list, not in the security pocket."""
    if release.get("ID") != "debian":
        raise Unsupported("only Debian has point releases of this kind")
    have = _numbers((shell.read("/etc/debian_version") or "").strip())
    mains = [
        _numbers(found.version) for found in lists.releases
        if (found.origin, found.label) == ("Debian", "Debian") and found.codename == release.get("VERSION_CODENAME")
    ]  # fmt: skip
    if not have:
        raise Unsupported("/etc/debian_version is absent or holds no number, such as 12.15")
    known = [version for version in mains if version[:1] == have[:1]]
    if not known:
        raise Unsupported("there is no list of Debian's main pocket of this release to compare with")
    return max(known) > have


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
