"""Whom this machine has talked to: the kernel's neighbour table (ARP and ND)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


class Entry(NamedTuple):
    """One neighbour whose hardware address the kernel has."""

    address: str
    mac: str
    interface: str


def neighbours(shell: Shell) -> tuple[Entry, ...]:
    """IPv4 and IPv6 where `ip` is installed, else the IPv4 half. Entries that failed or wait for an answer are none."""
    try:
        return tuple(_from_ip(shell.run("ip", "-json", "neigh", "show").require()))
    except Unsupported:
        text = shell.read("/proc/net/arp")
        if text is None:
            raise
        return tuple(_from_proc(text))


def _from_ip(text: str) -> Iterator[Entry]:
    try:
        rows = json.loads(text or "[]")
        for row in rows:
            mac = row.get("lladdr", "").lower()
            if _MAC.fullmatch(mac) and mac != "00:00:00:00:00:00" and "FAILED" not in row.get("state", ()):
                yield Entry(row["dst"], mac, row["dev"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unparsable("ip neigh: not the JSON it writes") from None


def _from_proc(text: str) -> Iterator[Entry]:
    lines = text.splitlines()
    if not lines or not lines[0].startswith("IP address"):
        raise Unparsable("/proc/net/arp: not the kernel's table")
    for number, line in enumerate(lines[1:], 2):
        parts = line.split()
        if len(parts) != 6:
            raise Unparsable(f"/proc/net/arp, line {number}: not understood")
        # flag 2: the address is complete
        if int(parts[2], 16) & 2 and _MAC.fullmatch(parts[3].lower()):
            yield Entry(parts[0], parts[3].lower(), parts[5])
