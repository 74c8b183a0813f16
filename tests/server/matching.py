"""A book for tests of matching: what publishers say, held in memory."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from collectors.devices.releases import Row
from server.feeds.codes import FIXED
from server.feeds.matching.host import Host, Package
from server.feeds.matching.outcome import Outcome
from server.feeds.matching.said import Said

CVE = "CVE-2026-1000"


class Told:
    """`told("debian:12", "zlib", Said(...), ...)` and so on."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[Said, ...]] = defaultdict(tuple)
        self.holders: dict[str, frozenset[str]] = {}
        self.releases: tuple[Row, ...] = ()

    def __call__(self, ecosystem: str, package: str, *rows: Said) -> Told:
        self.rows[ecosystem, package] += rows
        return self

    def knows(self, ecosystem: str) -> bool:
        return any(known == ecosystem for known, _ in self.rows)

    def said(self, ecosystem: str, package: str) -> tuple[Said, ...]:
        return self.rows.get((ecosystem, package), ())

    def superseding(self, kb: str) -> frozenset[str]:
        return self.holders.get(kb, frozenset())

    def trains(self, os: str) -> tuple[Row, ...]:
        return tuple(row for row in self.releases if row.platform.value == os)


def host(os_id: str = "debian", os_version: str = "12", *packages: Package, **changes: Any) -> Host:
    """A machine that was seen whole."""
    given: dict[str, Any] = {
        "running_kernel": None, "livepatched": False, "modules": (), "has": frozenset(), "stream": "", "pending": None, "firmware": None,
    }  # fmt: skip
    return Host(os_id, os_version, tuple(sorted(packages)), **{**given, **changes})


def deb(name: str, version: str, source: str = "", source_version: str = "", origin: str | None = "Debian") -> Package:
    return Package(name, version, source or name, source_version or version, origin)


def rpm(
    name: str, version: str, source: str = "", source_version: str = "", origin: str | None = "Rocky Enterprise Software Foundation"
) -> Package:  # fmt: skip
    return Package(name, version, source or name, source_version or version, origin)


def fixed(version: str, **more: Any) -> Said:
    return Said(more.pop("identifier", CVE), FIXED, version, **more)


def answers(outcome: Outcome) -> dict[tuple[str, str], str]:
    return {(one.identifier, one.package): one.answer for one in outcome.matches}


def left(outcome: Outcome) -> dict[str, str]:
    return {one.package: one.why for one in outcome.left}
