"""Cisco ASA: gateways by which people come in, and what is asked of them there."""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.devices.syntax.indent import Node
from collectors.facts.base import Limit
from collectors.facts.device_access import Vpn

_WEB, _RA = "DefaultWEBVPNGroup", "DefaultRAGroup"
"""The maker's own groups: whoever names no other over the web, or over IPsec, falls into them. They are there unasked."""
_ONE_FACTOR = {"ldap", "kerberos", "nt"}
"""Protocols that carry one password and nothing else. RADIUS and SecurID may ask for more: the server decides."""


class _Door(NamedTuple):
    name: str
    kind: str
    """web, ikev1 or ikev2."""


def vpns(tree: Node, least_tls: str | None) -> tuple[Vpn, ...]:
    """AnyConnect and clientless under `webvpn`; IKEv2 and IKEv1 where clients may come in by a dynamic map."""
    idle = _idle(tree)
    return tuple(
        Vpn(
            name=door.name,
            kind="ssl" if door.kind == "web" else "ipsec",
            two_factors=_factors(tree, door.kind),
            idle_seconds=idle,
            least_tls=least_tls if door.kind == "web" else None,
        )
        for door in _doors(tree)
    )


def _doors(tree: Node) -> list[_Door]:
    web = {line.split()[0] for block in tree.blocks("webvpn") if block.text == "webvpn" for line in block.lines("enable ")}
    doors = [_Door(f"webvpn {place}", "web") for place in sorted(web)]
    dynamic = any(" ipsec-isakmp dynamic " in node.text for node in tree.blocks("crypto map "))
    clients = bool(_remote(tree)) or any(True for _ in tree.blocks(f"tunnel-group {_RA} "))
    for found in tree.matches(r"crypto (ikev1|ikev2|isakmp) enable (\S+)(.*)$"):
        kind = "ikev2" if found[1] == "ikev2" else "ikev1"
        if "client-services" in found[3] or (dynamic and clients):
            doors.append(_Door(f"{kind} {found[2]}", kind))
    return doors


def _remote(tree: Node) -> list[str]:
    """Groups for people, as far as the configuration names them."""
    return [found[1] for found in tree.matches(r"tunnel-group (\S+) type (?:remote-access|webvpn|ipsec-ra)")]


def _factors(tree: Node, kind: str) -> bool | None:
    """Everybody must show two: each group says so, the maker's own too. One group with a single password is enough for False."""
    groups = dict.fromkeys((*(group for group in _remote(tree) if group not in (_WEB, _RA)), *_own(tree, kind)))
    said = [_group(tree, group, kind) for group in groups]
    if False in said:
        return False
    return None if None in said else True


def _own(tree: Node, kind: str) -> list[str]:
    """The maker's groups somebody may fall into; over the web that for IPsec is met only by an alias or URL of its own."""
    named = any(line.startswith(("group-alias ", "group-url ")) for line in _lines(tree, _RA, "webvpn"))
    return {"web": [_WEB, _RA] if named else [_WEB], "ikev1": [_RA]}.get(kind, [_WEB, _RA])


def _group(tree: Node, group: str, kind: str) -> bool | None:
    general = _lines(tree, group, "general")
    web = _lines(tree, group, "webvpn")
    ipsec = _lines(tree, group, "ipsec")
    default = not (general or web or ipsec)
    if default and group in (_WEB, _RA):
        return None  # it is there, and asks one password; whether anybody gets through it was not proved
    asks = [line.split()[1:] for line in web if line.startswith("authentication ")]
    if any(re.search(r"\bNONE\b", line) for line in general if line.startswith("authentication-server-group ")):
        return False  # nobody vouches for the password: what is left is one factor, or none
    password = _single_password(tree, general)
    if kind == "ikev1":
        # the word of the group is known to all of it
        shared = any(re.match(r"(?:ikev1 )?pre-shared-key ", line) for line in ipsec)
        return False if shared and password else None
    if kind == "ikev2" and any(re.match(r"ikev2 remote-authentication (?:eap|pre-shared-key)", line) for line in ipsec):
        return None
    words = asks[-1] if asks else ["aaa"]
    if "saml" in words or "multiple-certificate" in words:
        return None  # who the people are is proved elsewhere
    if set(words) == {"aaa", "certificate"}:
        return True
    if set(words) == {"certificate"}:
        return False
    if any(re.match(r"secondary-authentication-server-group (?!.*\bnone\b)", line) for line in general):
        return None  # a second password; whether a token makes it is the server's affair
    closed = group in (_WEB, _RA) and _closed(tree)
    return False if password and not closed else None


def _closed(tree: Node) -> bool:
    """The default policy lets nobody in, as is the custom; what a server or an account says may still open it."""
    return any(block.value("vpn-simultaneous-logins ") == "0" for block in tree.blocks("group-policy DfltGrpPolicy attributes"))


def _single_password(tree: Node, general: list[str]) -> bool:
    """Who vouches carries one password: the accounts here (where nothing is said), LDAP and the like."""
    protocols = {found[1]: found[2] for found in tree.matches(r"aaa-server (\S+) protocol (\S+)")}
    said = [line.split() for line in general if line.startswith("authentication-server-group ")]
    named = {word for words in said for word in words[1:] if not word.startswith("(")}
    return all(name == "LOCAL" or protocols.get(name) in _ONE_FACTOR for name in named)


def _lines(tree: Node, group: str, kind: str) -> list[str]:
    wanted = f"tunnel-group {group} {kind}-attributes"
    return [child.text for block in tree.children if block.text == wanted for child in block.children]


def _idle(tree: Node) -> Limit | None:
    """The longest of all group policies and accounts; None where one says nothing or a server keeps it."""
    said: list[int] = []
    known = False
    if tree.matches(r"group-policy \S+ external "):
        return None
    for block in (*tree.blocks("group-policy "), *tree.blocks("username ")):
        if not block.text.endswith(" attributes"):
            continue
        values = [line.split()[0] for line in block.lines("vpn-idle-timeout ") if line and not line.startswith("alert-interval")]
        if not values:
            continue  # it inherits
        known = known or block.text == "group-policy DfltGrpPolicy attributes"
        if values[-1] == "none":
            return "unlimited"
        if not values[-1].isdecimal():
            return None
        said.append(int(values[-1]) * 60)
    return max(said) if said and known else None
