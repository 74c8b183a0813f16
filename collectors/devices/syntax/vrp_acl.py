"""Access lists as VRP and Comware write them: `rule 5 permit tcp source 10.0.0.0 0.0.0.255 destination-port eq 22 logging`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from collectors.devices.syntax.vrp import Block
from collectors.devices.vocabulary import everybody
from collectors.errors import Unparsable

_RULE = re.compile(r"^rule (?:(?:name )?(?P<name>\S+) )?(?P<action>permit|deny)(?: (?P<rest>.*))?$")
_ALL = frozenset({"ip", "ipv6"})
_PORTS = ("destination-port", "source-port", "icmp-type", "icmp6-type", "tcp-flag", "established", "fragment", "time-range")
_NO_RULE = ("description ", "step ", "rule description ", "undo ", "match-order ", "hardware-count ", "counter ")


class AclRule(NamedTuple):
    """One rule; `source` is "any", a network, or the words of a form that is neither."""

    name: str
    action: Literal["permit", "deny"]
    source: str
    destination: str
    service_any: bool
    logged: bool
    narrowed: bool
    """Something besides addresses decides too, such as a time range: it never stands for `any`."""


def rules(block: Block) -> tuple[AclRule, ...]:
    """The rules of one list. Raises Unparsable for a line that is none and no remark about one."""
    found = []
    for line in block.children:
        rule = _RULE.match(line.text)
        if rule:
            found.append(_rule(rule))
        elif not line.text.startswith(_NO_RULE) and not re.match(r"rule \d+ (?:comment|description) ", line.text):
            raise Unparsable(f"line {line.line}: not a rule of an access list: {line.text[:60]}")
    return tuple(found)


def sources(found: tuple[AclRule, ...]) -> tuple[str, ...] | None:
    """Who is let in by a list that guards a service; None: anybody, also where the list is empty."""
    allowed: list[str] = []
    for rule in found:
        if rule.action == "deny":
            if rule.source == "any" and rule.service_any:
                return tuple(allowed)
            continue
        if rule.source == "any":
            return None
        allowed.append(rule.source)
        if everybody_of(allowed):
            return None
    return tuple(allowed) if found else None


def everybody_of(sources: Iterable[str]) -> bool:
    """Networks among the words are everybody together; a mask with holes is looked at by whoever reads the words."""
    return everybody(ipaddress.ip_network(each) for each in sources if re.fullmatch(r"[\dA-Fa-f.:]+(?:/\d+)?", each))


def _rule(found: re.Match[str]) -> AclRule:
    rest = found["rest"] or ""
    words = rest.split()
    protocol = (
        words[0] if words and words[0] not in ("source", "vpn-instance", "time-range", "logging", "counting", "fragment") else ""
    )
    return AclRule(
        name=found["name"] or "",
        action="permit" if found["action"] == "permit" else "deny",
        source=_address(rest, "source"),
        destination=_address(rest, "destination"),
        service_any=protocol in ("", *_ALL) and not any(word in words for word in _PORTS),
        logged="logging" in words or "log" in words,
        narrowed="time-range" in words,
    )


def _address(rest: str, which: str) -> str:
    """A network as 10.0.0.0/24, "any" where the rule names none, and the words themselves where a mask has holes."""
    named = re.search(rf"(?:^| ){which} (\S+)(?: (\S+))?", rest)
    if not named:
        # a rule of an Ethernet frame list or with a user group has other words: they narrow it, so it is not `any`
        other = re.search(rf"(?:^| ){which}-(?!port)\S+ \S+", rest)
        return other.group().strip() if other else "any"
    address, mask = named[1], named[2] or "0"
    if address == "any":
        return "any"
    try:
        if "/" in address:
            return _text(ipaddress.ip_network(address, strict=False))
        if ":" in address:
            return _text(ipaddress.ip_network(f"{address}/{mask if mask.isdecimal() else 128}", strict=False))
        wild = 0 if mask == "0" else int(ipaddress.IPv4Address(mask))
        if wild & (wild + 1):
            return f"{address} {mask}"
        return _text(ipaddress.ip_network((int(ipaddress.IPv4Address(address)) & ~wild & 0xFFFFFFFF, 32 - wild.bit_length())))
    except ValueError:
        return f"{address} {mask}"


def _text(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return "any" if network.prefixlen == 0 else str(network)
