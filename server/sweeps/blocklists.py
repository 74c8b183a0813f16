"""Does the configuration of a firewall hold a list? Its entries are looked for as the device writes addresses, network for network.

What is found is that they stand there. Whether a rule refuses them, and on which interface, a person sees in the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Final, NamedTuple

from server.feeds.parsers.indicators import ascii_name
from server.sweeps.book import Entry

_FETCHES: Final = re.compile(
    r"external-resource|external-list|dynamic-address|feed-server|security-intelligence|ioc-feed|threat-feed|url-list-feed", re.I
)
_REMARK: Final = re.compile(r"\s*(?:[!#]|(?:set )?(?:description|comment|comments|remark)\b|.*\bremark\b)", re.I)
_TOKEN: Final = re.compile(r"[0-9A-Za-z:._-]+(?:/\d{1,3})?")
_MOST: Final = 300


class Held(NamedTuple):
    """Of one list."""

    held: int
    fetched: str
    """Lines by which the device fetches lists; empty: none."""


class Words:
    """The addresses and names of a configuration, taken apart once for all lists."""

    def __init__(self, text: str) -> None:
        self.networks: set[str] = set()
        self.names: set[str] = set()
        fetched: list[str] = []
        for line in text.splitlines():
            if _FETCHES.search(line) and len(fetched) < 5:
                fetched.append(line.strip()[:100])
            if not _REMARK.match(line):
                self._line(_TOKEN.findall(line))
        self.fetched = " · ".join(fetched)[:_MOST]

    def holds(self, entries: Iterable[Entry]) -> Held:
        held = 0
        for entry in entries:
            if entry.kind == "ip":
                held += str(ip_network(entry.value, strict=False)) in self.networks
            else:
                held += ascii_name(entry.value) in self.names
        return Held(held, self.fetched)

    def _line(self, tokens: list[str]) -> None:
        for token, after in pairwise([*tokens, ""]):
            if token[0].isdigit() or ":" in token:
                self._address(token, after)
            if "." in token and any(letter.isalpha() for letter in token):
                self.names.add(token.lower().strip("."))

    def _address(self, token: str, after: str) -> None:
        try:
            if "/" in token:
                self.networks.add(str(ip_network(token, strict=False)))
                return
            address = ip_address(token)
        except ValueError:
            return
        # 203.0.113.0 255.255.255.0, or with the zeros and ones of a wildcard
        try:
            if set(after) != {"0", "."} and address.version == 4 and after.split(".")[0] in ("255", "0"):
                self.networks.add(str(ip_network(f"{token}/{after}", strict=False)))
                return
        except ValueError:
            pass
        self.networks.add(str(ip_network(address)))
