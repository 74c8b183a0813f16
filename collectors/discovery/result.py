"""What was found on a network, and how that differs from what is known.

Who was asked and did not answer is *silent*, never gone; who was not asked is *not asked*, never silent.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from collectors.discovery.ranges import Approval
from collectors.discovery.sweep import Gap, Swept
from collectors.discovery.tables import Sighting
from collectors.errors import CollectError
from collectors.facts.base import Model
from collectors.inventory import Inventory
from collectors.model import Target
from collectors.transports.nmap import Answer, Network, addresses_of, network
from collectors.transports.nmap_result import Host

OWN = "localhost-response"
"""nmap's word for an address of the machine it runs on."""


class Found(Model):
    """Somebody on the network: an address that answered, or one (or a card) that only tables know."""

    address: str | None = Field(default=None, description="None: a MAC table knows the card, nobody its address")
    mac: str | None = None
    vendor: str | None = Field(default=None, description="Maker of the card by its hardware address")
    name: str = Field(default="", description="What the DHCP server was told; claims, not proof")
    known: str | None = Field(default=None, description="Its name in the register; None when it is not there")
    answered: bool | None = Field(description="It answered us; None when it was not asked")
    own: bool = Field(default=False, description="An address of the scanning machine itself")
    seen_in: tuple[str, ...] = Field(default=(), description="Tables that hold it, with port or interface")
    open_tcp_ports: tuple[int, ...] | None = Field(default=None, description="None when its ports were not asked")
    ssh_ports: tuple[int, ...] = ()


class Registered(Model):
    """A line of the register, and what became of it."""

    name: str
    addresses: tuple[str, ...]
    state: Literal["answered", "seen_in_tables", "silent", "not_asked"]
    why: Literal["", "elsewhere", "name_unknown", "not_over_network", "this_machine"] = Field(
        default="",
        description="Why it was not asked: its address was not among those asked, nobody knows its name, it is looked at from files, or it is the scanning machine by other addresses",
    )


class Duplicate(Model):
    """Two that claim one place."""

    what: Literal["one_card_many_addresses", "one_address_many_cards", "registered_twice"]
    subject: str
    others: tuple[str, ...]


class Coverage(Model):
    """Of the addresses in the ranges: asked + not_asked = wanted; answered + silent = asked."""

    wanted: int
    asked: int
    answered: int
    silent: int
    not_asked: int
    gaps: tuple[Gap, ...]


class Discovery(Model):
    """One run, as it is kept and shown."""

    id: str
    approval: Approval | None
    ranges: tuple[str, ...]
    started: AwareDatetime
    ended: AwareDatetime
    services_asked: bool
    privileged: bool = Field(description="False: connections only; hardware addresses and UDP services were not seen by us")
    max_rate: int
    coverage: Coverage
    hosts: tuple[Found, ...]
    register_compared: bool
    registered: tuple[Registered, ...]
    duplicates: tuple[Duplicate, ...]
    notes: tuple[str, ...]

    @property
    def unknown(self) -> tuple[Found, ...]:
        """On the wire and not in the register."""
        return tuple(host for host in self.hosts if host.known is None)


# --- merging --------------------------------------------------------------------------------------------------------


class Register(NamedTuple):
    """The known machines by address."""

    targets: tuple[Target, ...]
    addresses: Mapping[str, tuple[str, ...]]
    """Target name -> its addresses; () for one that has none or whose name nobody knows."""
    problems: Mapping[str, Literal["name_unknown", "not_over_network", "this_machine"]]
    """Target name -> why it has no address."""


def register(known: Inventory, resolve: Callable[[str], tuple[Network, ...]] = addresses_of) -> Register:
    """The addresses of an inventory's machines. A host name is looked up once, now."""
    found: dict[str, tuple[str, ...]] = {}
    problems: dict[str, Literal["name_unknown", "not_over_network", "this_machine"]] = {}
    for target in known.targets:
        found[target.name] = ()
        if target.via in ("root", "replay"):
            problems[target.name] = "not_over_network"
            continue
        if target.via == "local" and target.address is None:
            problems[target.name] = "this_machine"
            continue
        word = target.address or target.name
        try:
            found[target.name] = (str(network(word).network_address),)
        except ValueError:
            try:
                found[target.name] = tuple(str(each.network_address) for each in resolve(word))
            except CollectError:
                problems[target.name] = "name_unknown"
    return Register(known.targets, found, problems)


def merge(swept: Swept, wanted: Iterable[Network], known: Register | None, tables: Iterable[Sighting]) -> tuple[Found, ...]:
    """Everybody who answered or stands in a table, by address; cards without an address last."""
    networks = tuple(wanted)
    names = {address: name for name, addresses in known.addresses.items() for address in addresses} if known else {}
    here = next((target.name for target in known.targets if target.via == "local"), None) if known else None
    rows: dict[str, dict[str, object]] = {}
    for host, answer in swept.hosts():
        own = host.reason == OWN
        name = names.get(host.address, here if own else None)
        rows[host.address] = {
            "address": host.address, "mac": host.mac, "vendor": host.vendor, "known": name, "answered": True, "own": own,
            **_ports(host, answer),
        }  # fmt: skip
    cards = {str(row["mac"]): row for row in rows.values() if row["mac"]}
    homeless: dict[str, dict[str, object]] = {}
    for seen in tables:
        inside = seen.address is not None and any(_in(seen.address, each) for each in networks)
        if inside and seen.address is not None:
            address = str(ipaddress.ip_address(seen.address))
            answered = False if swept.was_asked(address) else None
            row = rows.setdefault(address, {"address": address, "known": names.get(address), "answered": answered})
            row["mac"] = row.get("mac") or seen.mac
            if seen.mac:
                cards.setdefault(seen.mac, row)
        elif seen.mac and (seen.address is None or ipaddress.ip_address(seen.address.partition("%")[0]).is_link_local):
            row = homeless.setdefault(seen.mac, {"mac": seen.mac, "answered": None})
        else:
            continue
        row["name"] = row.get("name") or seen.name
        place = " ".join(part for part in (seen.source, seen.where) if part)
        row["seen_in"] = tuple(dict.fromkeys((*row.get("seen_in", ()), place)))  # type: ignore[misc]
    for mac, row in homeless.items():
        if mac in cards:
            both = (*cards[mac].get("seen_in", ()), *row["seen_in"])  # type: ignore[misc]
            cards[mac]["seen_in"] = tuple(dict.fromkeys(both))
    alone = [row for mac, row in sorted(homeless.items()) if mac not in cards]
    ordered = sorted(rows.values(), key=lambda row: _order(str(row["address"])))
    return tuple(Found.model_validate(row) for row in (*ordered, *alone))


def _ports(host: Host, answer: Answer) -> dict[str, object]:
    if "tcp" not in answer.result.asked or host.gave_up:
        return {}
    opened = [door for door in host.doors if door.protocol == "tcp" and door.state == "open"]
    return {
        "open_tcp_ports": tuple(door.port for door in opened),
        "ssh_ports": tuple(door.port for door in opened if door.service == "ssh"),
    }


def _in(address: str, each: Network) -> bool:
    try:
        return ipaddress.ip_address(address) in each
    except ValueError:
        return False


def _order(address: str) -> tuple[int, int]:
    found = ipaddress.ip_address(address)
    return found.version, int(found)


def states(known: Register, hosts: Iterable[Found], swept: Swept) -> Iterator[Registered]:
    """What became of each line of the register."""
    answered = {host.known for host in hosts if host.answered}
    tables = {host.known for host in hosts if not host.answered}
    for target in known.targets:
        addresses = known.addresses[target.name]
        if target.name in answered:
            yield Registered(name=target.name, addresses=addresses, state="answered")
        elif target.name in tables:
            yield Registered(name=target.name, addresses=addresses, state="seen_in_tables")
        elif addresses and all(map(swept.was_asked, addresses)):
            yield Registered(name=target.name, addresses=addresses, state="silent")
        else:
            why = known.problems.get(target.name, "elsewhere")
            yield Registered(name=target.name, addresses=addresses, state="not_asked", why=why)


def duplicates(hosts: Iterable[Found], known: Register | None, tables: Iterable[Sighting]) -> Iterator[Duplicate]:
    """One card with several IPv4 addresses (a router, or somebody answering for others), one address with several cards
    (a stolen address), one address registered twice. Several IPv6 addresses on one card are how IPv6 is."""
    cards: dict[str, set[str]] = {}
    addresses: dict[str, set[str]] = {}
    rows = [(host.address, host.mac) for host in hosts] + [(seen.address, seen.mac) for seen in tables]
    for address, mac in rows:
        if address and mac:
            plain = str(ipaddress.ip_address(address.partition("%")[0]))
            addresses.setdefault(plain, set()).add(mac)
            if ":" not in plain:
                cards.setdefault(mac, set()).add(plain)
    for mac, those in sorted(cards.items()):
        if len(those) > 1:
            yield Duplicate(what="one_card_many_addresses", subject=mac, others=tuple(sorted(those, key=_order)))
    for address, macs in sorted(addresses.items(), key=lambda row: _order(row[0])):
        if len(macs) > 1:
            yield Duplicate(what="one_address_many_cards", subject=address, others=tuple(sorted(macs)))
    twice: dict[str, list[str]] = {}
    for name, those_of in known.addresses.items() if known else ():
        for address in those_of:
            twice.setdefault(address, []).append(name)
    for address, names in sorted(twice.items(), key=lambda row: _order(row[0])):
        if len(names) > 1:
            yield Duplicate(what="registered_twice", subject=address, others=tuple(names))


def coverage(swept: Swept, wanted: Iterable[Network]) -> Coverage:
    """How much was asked. A range given twice counts once."""
    every = [each for version in (4, 6) for each in ipaddress.collapse_addresses([w for w in wanted if w.version == version])]  # type: ignore[type-var]
    total = sum(each.num_addresses for each in every)
    asked = sum(each.num_addresses for each in swept.asked)
    answered = sum(1 for _ in swept.hosts())
    return Coverage(
        wanted=total, asked=asked, answered=answered, silent=asked - answered, not_asked=total - asked, gaps=swept.gaps
    )
