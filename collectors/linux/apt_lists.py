"""What does apt know about newer versions? Its lists under /var/lib/apt/lists, and what is missing among them.

An absent list looks like "nothing newer". So each list is held against the two files that say which lists there must
be: the sources apt is told to use, and the Release file that counts the bytes of each of its package lists.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux.apt_sources import Entry
from collectors.transports.base import Shell

LISTS = "/var/lib/apt/lists/"
_READABLE = ("", ".gz", ".xz", ".lz4", ".zst")
_HEAD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$", re.M)
_INDEX = re.compile(r"^ [0-9a-f]{32,128}[ \t]+(\d+)[ \t]+((?:\S*/)?Packages)[ \t]*$", re.M)
_PACKAGES = re.compile(r"_Packages(\.[a-z0-9]+)?$")


class Release(NamedTuple):
    """The head of one InRelease (or Release) file: who published which pocket when."""

    prefix: str
    """Path up to and with the last underscore; the pocket's package lists begin with it."""
    origin: str
    label: str
    suite: str
    codename: str
    version: str
    date: datetime | None
    valid_until: datetime | None
    priority: int
    """apt's: 500; 100 for NotAutomatic with ButAutomaticUpgrades (backports); 1 for NotAutomatic alone (experimental)."""
    sizes: Mapping[str, int]
    """Bytes of each uncompressed package list, such as main/binary-amd64/Packages; empty when the file does not count them."""

    @property
    def security(self) -> bool:
        """A pocket of security fixes.

        Debian is told by its Label: Suite changes with every Debian release. Ubuntu is told by its Suite: Label and
        Codename are the same in all its pockets. ESM writes Origin UbuntuESM or UbuntuESMApps.
        """
        if self.origin.startswith("Ubuntu"):
            return self.suite.endswith("-security")
        return self.label == "Debian-Security" or self.codename.endswith("-security")

    @property
    def esm(self) -> bool:
        """One of Ubuntu Pro's pockets (infrastructure and applications)."""
        return self.origin.startswith("UbuntuESM")

    def belongs_to(self, codenames: Collection[str]) -> bool:
        """A security pocket of this release, not one forgotten in the sources after an upgrade."""
        own = {self.codename.removesuffix("-security"), self.suite.removesuffix("-security"), self.codename.partition("/")[0]}
        return not codenames or not own.isdisjoint(codenames)


class Lists(NamedTuple):
    """Everything apt has fetched, and what it should have and has not."""

    releases: tuple[Release, ...]
    of: Mapping[str, Release]
    """Package list -> its Release."""
    faults: tuple[str, ...]
    """Sentences: lists that are missing or damaged, so that "nothing newer" proves nothing."""
    security_faults: tuple[str, ...]
    """Those of faults that may concern security pockets."""


def lists(shell: Shell, entries: tuple[Entry, ...], system: tuple[str, ...]) -> Lists:
    """`system` is the machine's architectures, its own first.

    Raises Unsupported when apt has fetched nothing at all, Unparsable for a Release file that is none."""
    texts = shell.read_all(f"{LISTS}*_InRelease", f"{LISTS}*_Release")
    releases = {release.prefix: release for release in (_release(path, text) for path, text in texts.items())}
    if not releases:
        raise Unsupported("apt has no package lists: `apt update` never ran here, or the lists were removed")
    present = [path for path in shell.names(f"{LISTS}*_Packages*") if _PACKAGES.search(path)]
    of = {path: release for path in present if (release := _owner(path, releases)) is not None}
    faults = [
        *_unreadable(present),
        *((f"{path} has no Release file beside it", True) for path in present if path not in of),
        *_not_fetched(releases, entries, system),
        *_missing(releases.values(), of, entries, system),
        *_damaged(shell, of),
    ]
    return Lists(
        tuple(releases.values()), of, tuple(text for text, _ in faults), tuple(text for text, security in faults if security)
    )


Fault = tuple[str, bool]
"""A sentence, and whether it may concern a security pocket."""


def _release(path: str, text: str) -> Release:
    head = dict(reversed(_HEAD.findall(text)))  # the first of two wins
    if not any(head.get(word) for word in ("Origin", "Suite", "Codename", "Date")):
        raise Unparsable(f"{path}: not a Release file")
    yes = {word for word in ("NotAutomatic", "ButAutomaticUpgrades") if head.get(word, "").lower() == "yes"}
    return Release(
        prefix=path.removesuffix("InRelease").removesuffix("Release"),
        origin=head.get("Origin", ""),
        label=head.get("Label", ""),
        suite=head.get("Suite", ""),
        codename=head.get("Codename", ""),
        version=head.get("Version", ""),
        date=_date(path, head.get("Date")),
        valid_until=_date(path, head.get("Valid-Until")),
        priority=(100 if "ButAutomaticUpgrades" in yes else 1) if "NotAutomatic" in yes else 500,
        sizes={name.removeprefix("./"): int(size) for size, name in _INDEX.findall(text)},
    )


def _date(path: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        raise Unparsable(f"{path}: {text[:60]!r} is no date") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _owner(path: str, releases: Mapping[str, Release]) -> Release | None:
    return max(
        (release for prefix, release in releases.items() if path.startswith(prefix)), key=lambda r: len(r.prefix), default=None
    )


def _unreadable(present: Iterable[str]) -> Iterator[Fault]:
    for path in present:
        found = _PACKAGES.search(path)
        if found and (found[1] or "") not in _READABLE:
            yield f"{path}: compressed in a way that is not understood", True


def _not_fetched(releases: Mapping[str, Release], entries: tuple[Entry, ...], system: tuple[str, ...]) -> Iterator[Fault]:
    for entry in entries:
        prefix = entry.prefix(system[0])
        if prefix is not None and LISTS + prefix not in releases:
            yield f"{entry.shown} stands in apt's sources and was never fetched", entry.security


def _missing(
    releases: Iterable[Release], of: Mapping[str, Release], entries: tuple[Entry, ...], system: tuple[str, ...]
) -> Iterator[Fault]:
    owned = {release.prefix for release in of.values()}
    plain = {_PACKAGES.sub("_Packages", path) for path in of}
    for release in releases:
        asked = [
            entry for entry in entries if (prefix := entry.prefix(system[0])) is not None and LISTS + prefix == release.prefix
        ]
        expected = {
            name for entry in asked for name in entry.indexes(system)
            if release.sizes.get(name, 0) > 0 and release.prefix + name.replace("/", "_") not in plain
        }  # fmt: skip
        for name in sorted(expected):
            yield f"{release.prefix}{name.replace('/', '_')} is missing", release.security
        # a source of source packages only (deb-src) has a Release file and rightly no package list
        unlisted = release.prefix not in owned and (asked or not entries)
        if unlisted and not expected and not (asked and release.sizes):
            yield f"{release.prefix}*_Packages: all package lists are missing", release.security


def _damaged(shell: Shell, of: Mapping[str, Release]) -> Iterator[Fault]:
    """Lists that apt keeps uncompressed must have the size their Release file says; compressed ones check themselves."""
    for path, release in of.items():
        sizes = {release.prefix + name.replace("/", "_"): size for name, size in release.sizes.items()}
        if path not in sizes:
            continue
        found = shell.stat(path)
        if found is not None and found.size != sizes[path]:
            yield f"{path} has {found.size} bytes instead of {sizes[path]}: cut off, or of another day", release.security
