"""Sets of addresses or ports as ranges of numbers: what a filter lets through is a question of adding and taking away."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from collectors.errors import Unparsable

V4, V6 = 2**32, 2**128
PORTS = 2**16
_HALF = V4 // 2
"""Half of all addresses is everybody: 0.0.0.0/1, everything but the private networks."""
_V6_WIDE = 2**124
"""More than this holds 2000::/3, which is the whole Internet of IPv6."""


class Ranges:
    """Disjoint (first, last) pairs in order. Never changes."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        merged: list[tuple[int, int]] = []
        for low, high in sorted(pair for pair in pairs if pair[0] <= pair[1]):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        self.pairs = tuple(merged)

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def __contains__(self, number: int) -> bool:
        return any(low <= number <= high for low, high in self.pairs)

    def __or__(self, other: Ranges) -> Ranges:
        return Ranges((*self.pairs, *other.pairs))

    def __and__(self, other: Ranges) -> Ranges:
        return Ranges((max(a, c), min(b, d)) for a, b in self.pairs for c, d in other.pairs)

    def __sub__(self, other: Ranges) -> Ranges:
        left = self.pairs
        for low, high in other.pairs:
            left = tuple(
                piece for a, b in left for piece in ((a, min(b, low - 1)), (max(a, high + 1), b)) if piece[0] <= piece[1]
            )
        return Ranges(left)

    @property
    def size(self) -> int:
        return sum(high - low + 1 for low, high in self.pairs)

    def wide(self, v6: bool) -> bool:
        """So much that it is everybody."""
        return self.size >= (_V6_WIDE if v6 else _HALF)

    def networks(self, v6: bool) -> tuple[str, ...]:
        kind = ipaddress.IPv6Address if v6 else ipaddress.IPv4Address
        return tuple(str(net) for low, high in self.pairs for net in ipaddress.summarize_address_range(kind(low), kind(high)))


def everything(v6: bool) -> Ranges:
    return Ranges([(0, (V6 if v6 else V4) - 1)])


def network(said: str) -> tuple[bool, Ranges]:
    """(whether it is IPv6, its addresses). Raises Unparsable for what is no network."""
    try:
        net = ipaddress.ip_network(said, strict=False)
    except ValueError:
        raise Unparsable(f"no network: {said[:60]}") from None
    return net.version == 6, Ranges([(int(net.network_address), int(net.broadcast_address))])


def span(low: str, high: str) -> tuple[bool, Ranges]:
    """The same for a range of addresses."""
    try:
        one, other = ipaddress.ip_address(low), ipaddress.ip_address(high)
    except ValueError:
        raise Unparsable(f"no range of addresses: {low[:40]} to {high[:40]}") from None
    return one.version == 6, Ranges([(int(one), int(other))])


_NAMES = {
    "ssh": 22, "telnet": 23, "ftp": 21, "ftp-data": 20, "tftp": 69, "http": 80, "https": 443, "snmp": 161, "snmptrap": 162,
    "ntp": 123, "bgp": 179, "domain": 53, "radius": 1812, "radacct": 1813, "tacacs": 49, "tacacs-ds": 65, "syslog": 514,
    "ldp": 646, "rip": 520, "dhcp": 67, "bootps": 67, "bootpc": 68, "finger": 79, "smtp": 25, "pop3": 110, "imap": 143, "login": 513,
    "cmd": 514, "exec": 512, "who": 513, "biff": 512, "kerberos-sec": 88, "ldap": 389, "msdp": 639, "netbios-ns": 137,
    "netbios-dgm": 138, "netbios-ssn": 139, "nfsd": 2049, "nntp": 119, "printer": 515, "pptp": 1723, "sunrpc": 111, "socks": 1080,
    "talk": 517, "ntalk": 518, "timed": 525, "whois": 43, "xdmcp": 177, "zephyr-clt": 2103, "zephyr-hm": 2104, "zephyr-srv": 2102,
    "cvspserver": 2401, "ekshell": 2106, "eklogin": 2105, "klogin": 543, "kpasswd": 761, "krb-prop": 754, "krbupdate": 760,
    "kshell": 544, "mobileip-agent": 434, "mobilip-mn": 435, "rkinit": 2108, "snpp": 444, "ident": 113, "afs": 1483,
    "xnm-ssl": 3220, "xnm-clear-text": 3221,
}  # fmt: skip
"""Names of ports the CLI takes (Routing Policies, Firewall Filters and Traffic Policers User Guide, match conditions)."""


def ports(words: Iterable[str]) -> Ranges:
    """Ports as a filter or an application writes them. Raises Unparsable for a name that is not known."""
    pairs = []
    for word in words:
        low, dash, high = (word, "", word) if word in _NAMES else word.partition("-")
        first, last = _port(low), _port(high if dash else low)
        pairs.append((first, last))
    return Ranges(pairs)


def _port(word: str) -> int:
    if word in _NAMES:
        return _NAMES[word]
    if not word.isascii() or not word.isdigit():
        raise Unparsable(f"no port: {word[:40]}")
    return int(word)
