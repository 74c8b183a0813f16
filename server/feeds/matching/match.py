"""match(host, book): the one pure function. What a machine has by the data in force, and what could not be assessed."""

from __future__ import annotations

from typing import Final

from server.feeds.matching import debs, network, rpms, windows
from server.feeds.matching.host import Host
from server.feeds.matching.outcome import NO_FEED, NO_PACKAGES, NO_SYSTEM, NOT_COVERED, Cache, Outcome
from server.feeds.matching.said import Book

NAMES: Final = {
    "sles": "SUSE Linux Enterprise Server",
    "sles_sap": "SUSE Linux Enterprise Server for SAP",
    "sled": "SUSE Linux Enterprise Desktop",
    "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "ol": "Oracle Linux",
    "amzn": "Amazon Linux",
    "centos": "CentOS",
    "fedora": "Fedora",
    "linuxmint": "Linux Mint",
}
"""Systems without a feed as people call them; any other by its own word."""


def match(host: Host, book: Book, cache: Cache | None = None) -> Outcome:
    """`cache`: kept between machines as long as the book is the same."""
    kept: Cache = {} if cache is None else cache
    if not host.os_id:
        return Outcome("", reason=NO_SYSTEM, detail=host.why("identity"))
    if host.os_id in windows.SYSTEMS:
        return windows.match(host, book)
    if network.is_device(host):
        return network.match(host, book)
    ecosystems = rpms.ecosystems_of(host) if host.os_id in rpms.PUBLISHERS else (f"{host.os_id}:{host.os_version}",)
    ecosystem = ecosystems[0]
    if host.os_id not in rpms.PUBLISHERS and host.os_id not in debs.PUBLISHERS:
        # a derivative is not the system it is made from: its packages may be mended otherwise, or not at all
        named = NAMES.get(host.os_id, host.os_id)
        return Outcome(ecosystem, reason=NOT_COVERED, detail=f"{named} {host.os_version}".strip())
    if not any(map(book.knows, ecosystems)):
        return Outcome(ecosystem, reason=NO_FEED, detail=ecosystem)
    if host.packages is None:
        return Outcome(ecosystem, reason=NO_PACKAGES, detail=host.why("software.packages") or host.why("software"))
    family = rpms.match if host.os_id in rpms.PUBLISHERS else debs.match
    return family(host, book, kept)
