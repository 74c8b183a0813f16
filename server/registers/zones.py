"""Zones of the network of a system, as a cell of a file and a field of a form hold them: a line for each zone.

    DMZ | 10.1.2.0/24, 10.1.3.5 | 203.0.113.0/28

Its name, the addresses inside, those the public sees; what is not said stays empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

BAR = "|"
MOST = 100
"""Zones of one system."""


class Unfit(ValueError):
    """A cell says what cannot be kept. The message is for people."""


class Zone(NamedTuple):
    """A zone of the network."""

    name: str
    inside: tuple[str, ...]
    public: tuple[str, ...]

    def line(self) -> str:
        parts = [self.name, ", ".join(self.inside), ", ".join(self.public)]
        while not parts[-1]:
            parts.pop()
        return f" {BAR} ".join(parts)

    @property
    def networks(self) -> list[Any]:
        return [network for text in (*self.inside, *self.public) for network in networks_of(text)]


def clean(text: str) -> str:
    """In one way of writing. Raises Unfit."""
    return "\n".join(zone.line() for zone in _read(text))


def zones_of(text: str) -> list[Zone]:
    """Of what was kept."""
    try:
        return list(_read(text))
    except Unfit:  # kept by a version that understood more
        return [Zone(line, (), ()) for line in text.splitlines()]


def networks_of(text: str) -> list[Any]:
    """A network, an address, or a range from one to another. Raises ValueError."""
    first, dash, last = text.partition("-")
    if dash:
        return list(summarize_address_range(ip_address(first.strip()), ip_address(last.strip())))
    return [ip_network(text.strip(), strict=False)]


def _read(text: str) -> Iterator[Zone]:
    names = set()
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        if number > MOST:
            raise Unfit(_("more than %d zones") % MOST)
        name, *addresses = [" ".join(part.split()) for part in line.split(BAR)]
        if not name or len(addresses) > 2:
            raise Unfit(_("zone %(number)d: write name | addresses inside | public addresses") % {"number": number})
        if name.casefold() in names:
            raise Unfit(_("zone %s stands there twice") % name[:80])
        names.add(name.casefold())
        inside, public = (_addresses(part, name) for part in (*addresses, "", "")[:2])
        yield Zone(name[:200], inside, public)


def _addresses(text: str, zone: str) -> tuple[str, ...]:
    found = []
    for word in filter(None, (part.strip() for part in text.replace(";", ",").split(","))):
        try:
            networks_of(word)
        except (ValueError, TypeError):
            raise Unfit(_("zone %(zone)s: %(text)s is no address, network or range of addresses") % {"zone": zone[:80], "text": word[:60]}) from None  # fmt: skip
        found.append(" ".join(word.split()))
    return tuple(found)
