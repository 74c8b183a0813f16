"""PAN-OS: what the names in a rule stand for. A name that is not in the configuration is never taken for a narrow one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, summarize_address_range

from collectors.devices.paloalto_panos.text import Config
from collectors.devices.syntax.braces import Block
from collectors.devices.vocabulary import Network, every_address, everybody, network
from collectors.errors import Unparsable

_LITERAL = re.compile(r"[0-9A-Fa-f.:]+(?:/\d+)?$")
_RANGE = re.compile(r"([0-9A-Fa-f.:]+)-([0-9A-Fa-f.:]+)$")
_REGION = re.compile(r"[A-Z]{2}$")
DEEP = 20
"""Groups within groups beyond which a configuration goes round in circles."""


Scopes = tuple[Block, ...]


def scopes_of(conf: Config, vsys: str) -> Scopes:
    """Where the names of a virtual system's rules are looked up: its own objects, the shared ones, those of Panorama."""
    own = conf.device.at("vsys", vsys)
    panorama = conf.device.at("panorama")
    pushed = (panorama, panorama.at("vsys", vsys), panorama.at("shared")) if panorama else ()
    return tuple(scope for scope in (own, conf.shared, *pushed) if scope)


def anybody(scopes: Scopes, rule: Block, side: str) -> bool:
    """The side of a rule (`source`, `destination`) is every address, or everybody but a few (negated)."""
    names = rule.words(side) or ()
    negated = rule.word(f"negate-{side}") == "yes"
    if "any" in names:
        return not negated
    nets = [net for name in names for net in _networks(scopes, name, 0)]
    return not every_address(nets) if negated else everybody(nets)


def _networks(scopes: Scopes, name: str, depth: int) -> Iterator[Network]:
    """Networks a name stands for; none for names that are narrow whatever they hold (FQDN, region, external list)."""
    if depth > DEEP:
        raise Unparsable(f"the address group {name} goes round in circles")
    for scope in scopes:
        if found := scope.at("address", name):
            yield from _object(found)
            return
        if found := scope.at("address-group", name):
            if found.at("dynamic"):
                raise Unparsable(f"the members of the dynamic address group {name} are not in the configuration")
            for member in found.words("static") or ():
                yield from _networks(scopes, member, depth + 1)
            return
        if scope.at("external-list", name) or scope.at("region", name):
            return
    if _LITERAL.match(name) and ("." in name or ":" in name):
        yield network(name)
    elif span := _RANGE.match(name):
        yield from _span(span[1], span[2])
    elif not _REGION.match(name):
        raise Unparsable(f"the address {name} is not in the configuration")


def _object(block: Block) -> Iterator[Network]:
    if said := block.word("ip-netmask"):
        yield network(said)
    elif said := block.word("ip-range"):
        first, _, last = said.partition("-")
        yield from _span(first, last)
    elif said := block.word("ip-wildcard"):
        if said.partition("/")[2] == "255.255.255.255":
            yield network("0.0.0.0/0")
    elif not block.at("fqdn"):
        raise Unparsable(f"the address object {block.name} is of a kind that is not known")


def _span(first: str, last: str) -> Iterator[Network]:
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
        yield from summarize_address_range(low, high)
    except (ValueError, TypeError):
        raise Unparsable(f"no range of addresses: {first[:40]}-{last[:40]}") from None


def any_service(scopes: Scopes, rule: Block) -> bool:
    """Any application, and any port: by the word, or by a service that is every port of TCP or UDP.

    application-default is the port of the application: any only where the application is any too.
    """
    if "any" not in (rule.words("application") or ()):
        return False
    return any(name in ("any", "application-default") or _every_port(scopes, name, 0) for name in rule.words("service") or ())


def _every_port(scopes: Scopes, name: str, depth: int) -> bool:
    if depth > DEEP:
        raise Unparsable(f"the service group {name} goes round in circles")
    for scope in scopes:
        if found := scope.at("service", name):
            ports = [protocol.word("port") or "" for protocol in found.below("protocol")]
            return any(re.fullmatch(r"[01]-65535", span.strip()) for said in ports for span in said.split(","))
        if found := scope.at("service-group", name):
            return any(_every_port(scopes, member, depth + 1) for member in found.words("members") or ())
    if name in ("service-http", "service-https"):
        return False  # those the maker ships
    raise Unparsable(f"the service {name} is not in the configuration")
