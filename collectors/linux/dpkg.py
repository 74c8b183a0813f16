"""Which Debian packages are installed? Read from dpkg's own status file, without running anything."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

STATUS = "/var/lib/dpkg/status"
FILE_LISTS = "/var/lib/dpkg/info/*.list"
_NAME = re.compile(r"^Package: *(\S+)", re.M)
_NOT_INSTALLED = ("not-installed", "config-files")
_FIELDS = ("Package", "Status", "Architecture", "Version", "Source")
_FIELD = re.compile(r"^(Package|Status|Architecture|Version|Source): *(\S.*)$", re.M)
_SETTLED = re.compile(r"^(\d{4}-\d\d-\d\d) \S+ status installed (\S+) (\S+)$", re.M)
_UPGRADE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) upgrade ", re.M)
_ZONE = re.compile(r"/zoneinfo/(?:posix/|right/)?(.+)$")


class Package(NamedTuple):
    """One installed package."""

    name: str
    arch: str
    version: str
    held: bool
    source: str = ""
    """`name` or `name (version)` of the source package; empty when both are those of the package."""


def installed(shell: Shell) -> tuple[Package, ...]:
    """Every package whose files are on the disk, half-configured ones too.

    Raises Unsupported where dpkg keeps no status, Unparsable when the file is damaged: half a list of packages would
    look like half the updates.
    """
    try:
        text = shell.read(STATUS)
    except Unparsable as error:
        return _streamed(shell, error)  # more than 16 MiB: some 15,000 packages
    if text is None:
        raise Unsupported(f"{STATUS} does not exist: dpkg has installed nothing here")
    if not text.endswith("\n\n"):
        raise Unparsable(f"{STATUS} ends in the middle of a paragraph: it is not whole")
    found = tuple(package for package in map(_package, text.split("\n\n")) if package)
    if not any(package.name == "dpkg" for package in found):
        raise Unparsable(f"{STATUS} does not hold the package dpkg itself: it is not whole")
    _same_packages(_listed(shell), set(_NAME.findall(text)))
    return found


def _streamed(shell: Shell, error: Unparsable) -> tuple[Package, ...]:
    """The same of a status too large to be held, by the packages of which there are lists of files: every one must be in it."""
    listed = _listed(shell)
    if "dpkg" not in listed:
        raise error
    words = [stanza for _, stanza in shell.stanzas(STATUS, listed, _FIELDS)]
    _same_packages(listed, {stanza.get("Package", "") for stanza in words})
    return tuple(package for package in map(_row, words) if package)


def _listed(shell: Shell) -> frozenset[str]:
    return frozenset(path.rpartition("/")[2].removesuffix(".list").partition(":")[0] for path in shell.names(FILE_LISTS))


def _same_packages(listed: frozenset[str], names: set[str]) -> None:
    """dpkg keeps a list of files per package beside its status: a status cut off between two paragraphs is found out by it."""
    if lost := listed - names:
        raise Unparsable(
            f"{STATUS} does not hold {min(lost)}, of which there is a list of files ({len(lost)} such packages): it is not whole"
        )


def _package(stanza: str) -> Package | None:
    if not stanza.strip():
        return None
    words = dict(_FIELD.findall(stanza))
    if "Package" not in words:
        raise Unparsable(f"{STATUS}: cannot place the paragraph that begins {stanza.strip()[:60]!r}")
    return _row(words)


def _row(words: Mapping[str, str]) -> Package | None:
    status = words.get("Status", "").split()
    if len(status) != 3:
        raise Unparsable(f"{STATUS}: {words['Package']} has no status of three words")
    if status[2] in _NOT_INSTALLED:
        return None
    if "Version" not in words or "Architecture" not in words:
        raise Unparsable(f"{STATUS}: {words['Package']} is installed and has no version or architecture")
    return Package(
        words["Package"], words["Architecture"], words["Version"], status[0] == "hold", words.get("Source", "").strip()
    )


def architectures(packages: tuple[Package, ...]) -> tuple[str, ...]:
    """The system's own architecture first (that of dpkg itself), then the foreign ones of which something is installed."""
    native = next(package.arch for package in packages if package.name == "dpkg")
    return (native, *sorted({package.arch for package in packages} - {native, "all"}))


def last_upgrade(shell: Shell) -> datetime:
    """When dpkg last replaced a package by another version; dpkg.log counts `dpkg -i` too, which apt's history does not.

    The log is written in the machine's own time zone and does not name it.
    """
    logs = shell.read_all("/var/log/dpkg.log", "/var/log/dpkg.log.1")
    times = [stamp for text in logs.values() for stamp in _UPGRADE.findall(text)]
    if not times:
        raise Unsupported("dpkg.log and dpkg.log.1 tell of no upgrade: none for months, or the logs were removed")
    # the log goes on during a change from summer time: a text sorts the same way to within that hour
    try:
        return datetime.strptime(max(times), "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone(shell)).astimezone(UTC)
    except ValueError:
        raise Unparsable(f"dpkg.log: {max(times)!r} is no time") from None


def installed_days(shell: Shell) -> Mapping[tuple[str, str, str], date]:
    """(name, architecture, version) -> the day, by the machine's own calendar, on which dpkg last finished installing it.

    Only as far as dpkg.log and its predecessor reach back; the times of the lists of files would tell more, at one question
    per package.
    """
    logs = shell.read_all("/var/log/dpkg.log", "/var/log/dpkg.log.1")
    found: dict[tuple[str, str, str], date] = {}
    for day, package, version in (event for path in reversed(tuple(logs)) for event in _SETTLED.findall(logs[path])):
        name, _, arch = package.partition(":")
        with contextlib.suppress(ValueError):  # 2026-02-31: a damaged line tells no day
            found[name, arch, version] = date.fromisoformat(day)
    return found


def zone(shell: Shell) -> tzinfo:
    """The machine's time zone; UTC where none is set, as the C library has it."""
    target = shell.link("/etc/localtime")
    if target is None:
        if shell.stat("/etc/localtime") is None:
            return UTC
        name = (shell.read("/etc/timezone") or "").strip()
        if not name:
            raise Unsupported("/etc/localtime is a copy, and nothing names the time zone it is a copy of")
    else:
        found = _ZONE.search(target)
        if not found:
            raise Unparsable(f"/etc/localtime points to {target[:80]!r}, which names no time zone")
        name = found[1]
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unsupported(f"the time zone {name[:40]!r} is unknown to this program") from None
