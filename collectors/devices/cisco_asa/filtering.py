"""Cisco ASA: access lists where they are bound, and what happens to the rest."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from collectors.devices.cisco_asa.interfaces import Named, named
from collectors.devices.cisco_asa.logs import REFUSED, UNLISTED, written
from collectors.devices.cisco_asa.rules import Sentence, bound_lists, sentences
from collectors.devices.cisco_asa.text import config, governed_here, release
from collectors.devices.syntax.indent import Node
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_logs import Level
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.transports.base import DeviceCli

_REFERS = {"access-group", "access-list", "address", "value", "match", "list", "redirect-list", "group-list", "boundary", "distribute-list"}  # fmt: skip
"""Words a list's name stands behind where it is used: VPN filters, NAT, inspection, captures, routing."""


def filtering(cli: DeviceCli) -> Filtering:
    """Every rule of every list that `access-group` binds. What rests on security levels alone is the default action."""
    gaps = Gaps()
    tree = config(cli)
    bound = gaps.attempt(("rules", "unbound", "default_action", "default_logged"), lambda: _own_policy(cli, tree))
    hits = gaps.attempt("rules[].hits", lambda: _hits(cli)) if bound else {}
    rules = None if bound is None else gaps.attempt("rules", lambda: _rules(cli, tree, bound, hits))
    if any(row.logged is None for row in rules or ()):
        gaps.note("rules[].logged", "unsupported", "lists or classes of messages decide what is written; they were not read")
    if rules:
        gaps.note(
            ("rules[].inspected", "rules[].ips", "rules[].antivirus"), "unsupported", "what service modules look at was not read"
        )
    zones = tuple(Zone(name=one.name, interfaces=(one.interface,), outside=one.outside) for one in named(cli).values())
    return Filtering(
        stateful=True,
        default_action=None if bound is None else gaps.attempt("default_action", lambda: _default(cli, tree, bound)),
        default_logged=None if bound is None else gaps.attempt("default_logged", lambda: written(tree, {**REFUSED, **UNLISTED})),
        rules=rules,
        unbound=None if bound is None else tuple(_unbound(tree)),
        zones=zones,
        anti_spoofing=gaps.attempt("anti_spoofing", lambda: _anti_spoofing(cli, tree)),
        dos_protection=gaps.attempt("dos_protection", lambda: _limited(cli, tree)),
        unseen=gaps.unseen,
    )


class Bound(NamedTuple):
    """Where a list filters."""

    into: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    everywhere: bool = False


def _own_policy(cli: DeviceCli, tree: Node) -> dict[str, Bound]:
    governed_here(cli, "rules beyond addresses and ports (application, user, intrusion)")
    if tree.flag("firewall transparent"):
        raise Unsupported("transparent mode: lists for frames and for packets stand side by side; they were not told apart")
    return _bound(tree)


def _bound(tree: Node) -> dict[str, Bound]:
    bound: dict[str, Bound] = {}
    for line in tree.lines("access-group "):
        found = re.match(r"(\S+) (?:(in|out) interface (\S+)(?: (?:per-user-override|control-plane))*|(global))$", line)
        if not found:
            raise Unparsable(f"access-group: cannot place {line[:80]}")
        if line.endswith(" control-plane"):
            continue  # it filters what is sent to the device itself
        place = bound.get(found[1], Bound())
        if found[4]:
            place = place._replace(everywhere=True)
        elif found[2] == "in":
            place = place._replace(into=(*place.into, found[3]))
        else:
            place = place._replace(out=(*place.out, found[3]))
        bound[found[1]] = place
    return bound


# --- what no rule names -----------------------------------------------------------------------------------------------


def _default(cli: DeviceCli, tree: Node, bound: dict[str, Bound]) -> Action:
    """A list bound inward, or everywhere, ends in a refusal. Without one, traffic to a lower security level passes."""
    through = [one for one in named(cli).values() if one.enabled and not one.management]
    if not through:
        raise Unsupported("no interface with a name takes part in traffic")
    bound_lists(tree, bound)  # a list that is bound and not there refuses nothing
    if any(block.lines("ipv6 ") for block in tree.blocks("interface ")) and release(cli) < (9, 0):
        # lists of both became one in 9.0(1) (Release Notes for the Cisco ASA 5500 Series, 9.0(x), "Unified ACL for IPv4 and IPv6")
        raise Unsupported("before 9.0 IPv6 passes by the lists of IPv4; which interfaces have both was not read")
    if not any(place.everywhere for place in bound.values()):
        if any(one.level is None for one in through):
            raise Unsupported("an interface without security-level: what passes without a rule is not known")
        listed = {name for place in bound.values() for name in place.into}
        same = tree.flag("same-security-traffic permit inter-interface") is True
        if any(_reaches(one, through, same) for one in through if one.name not in listed):
            return "permit"
    if _tunnels(tree) and tree.flag("sysopt connection permit-vpn") is not False:
        # "enabled by default", and not written out without `all` (Cisco ASA Series Command Reference, S, sysopt connection
        # permit-vpn: "allows the traffic to bypass interface access lists")
        raise Unsupported("what comes out of VPN tunnels passes by the lists of interfaces (sysopt connection permit-vpn)")
    return "deny"


def _reaches(one: Named, through: list[Named], same: bool) -> bool:
    """Some other interface has a lower level, or the same where that is let through."""
    own = one.level or 0
    return any(other is not one and ((other.level or 0) < own or (same and other.level == own)) for other in through)


def _tunnels(tree: Node) -> bool:
    web = any(block.text == "webvpn" and block.lines("enable ") for block in tree.blocks("webvpn"))
    return web or bool(tree.matches(r"crypto (?:map \S+ interface|(?:ikev1|ikev2|isakmp) enable) "))


# --- rules ------------------------------------------------------------------------------------------------------------


def _rules(
    cli: DeviceCli, tree: Node, bound: dict[str, Bound], hits: dict[tuple[str, int], int] | None
) -> tuple[FilterRule, ...]:
    """Raises Unparsable for a list that is bound and not there, or holds a line nobody can place."""
    logged = _Written(tree)
    lists = bound_lists(tree, bound)
    rows = []
    for name, lines in lists.items():
        place = bound[name]
        for said in sentences(cli, name, lines):
            rows.append(
                FilterRule(
                    list=name,
                    name=str(said.number),
                    action=said.action,
                    enabled=said.enabled,
                    source_any=said.source_any,
                    destination_any=said.destination_any,
                    service_any=said.service_any,
                    source_zones=place.into,
                    destination_zones=place.out,
                    logged=logged(said),
                    hits=None if hits is None else hits.get((name, said.number)),
                )
            )
    return tuple(rows)


class _Written:
    """Which messages are written; each asked once, because a configuration is long and has many rules."""

    def __init__(self, tree: Node) -> None:
        self._ask = cache(lambda number, usual: _told(tree, {number: usual}))
        self.refused = _told(tree, REFUSED)

    def __call__(self, said: Sentence) -> bool | None:
        """`log` writes 106100 at its own severity; without it a refusal alone is written, as 106023."""
        if said.log == "disable":
            return False
        if said.log is None or said.log == "default":
            return self.refused if said.action == "deny" else False
        return self._ask("106100", said.log)


def _told(tree: Node, messages: dict[str, Level]) -> bool | None:
    try:
        return written(tree, messages)
    except CollectError:
        return None


def _hits(cli: DeviceCli) -> dict[tuple[str, int], int]:
    """(list, line) -> packets. Lines of the parts of a group are indented; the rule's own line holds their sum."""
    hits: dict[tuple[str, int], int] = {}
    for line in cli.ask("show access-list", timeout=120.0).splitlines():
        if found := re.match(r"^access-list (\S+) line (\d+) .*\(hitcnt=(\d+)\)", line):
            hits[found[1], int(found[2])] = int(found[3])
    return hits


def _unbound(tree: Node) -> list[str]:
    """Lists whose name stands behind none of the words that refer to one."""
    names = dict.fromkeys(found[1] for found in tree.matches(r"(?:ipv6 )?access-list (\S+) (?!\d+$)"))
    used: set[str] = set()
    for node in tree.walk():
        if re.match(r"(?:ipv6 )?access-list |description |banner |remark ", node.text):
            continue
        words = node.text.split()
        used |= {word for at, word in enumerate(words) if _REFERS & set(words[max(0, at - 3) : at])}
    return [name for name in names if name not in used and name not in ("alert-interval", "deny-flow-max")]


# --- what comes from outside -------------------------------------------------------------------------------------------


def _anti_spoofing(cli: DeviceCli, tree: Node) -> bool:
    """On every interface that leads outside; where that is not known of some interface, on that one too."""
    places = [one for one in named(cli).values() if not one.management and one.enabled]
    checked = {line.split()[-1] for line in tree.lines("ip verify reverse-path interface ") if line}
    outside = [one.name for one in places if one.outside]
    unclear = [one.name for one in places if one.outside is None and one.name not in checked]
    if not set(outside) <= checked:
        return False
    if unclear or not outside:
        raise Unsupported(
            f"whether {unclear[0]} leads outside is not known" if unclear else "no interface is known to lead outside"
        )
    return True


def _limited(cli: DeviceCli, tree: Node) -> bool:
    """Half-open connections have a ceiling by a policy that is applied, or scanners are shunned.

    `threat-detection basic-threat` counts and writes a message, and holds nobody back.
    """
    governed_here(cli, "limits of the intrusion policy")
    shun = [line for line in tree.lines("threat-detection scanning-threat ") if line.startswith("shun")]
    if any(" except " in line for line in shun):
        raise Unsupported("scanners are shunned, but for some addresses; which those are was not read")
    if shun:
        return True
    places = {found[1]: found[2] or "" for found in tree.matches(r"service-policy (\S+) (?:global|interface (\S+))")}
    limits = [
        (places[policy.text.split()[-1]], kind.text.split()[-1])
        for policy in tree.blocks("policy-map ")
        for kind in policy.blocks("class ")
        if policy.text.split()[-1] in places
        and any(re.search(r"embryonic-(?:conn-)?max [1-9]", line) for line in kind.lines("set connection "))
    ]
    if any(place == "" and _matches_all(tree, kind) for place, kind in limits):
        return True
    if limits:
        raise Unsupported(
            "half-open connections have a ceiling on some interface or class of traffic; whether all belongs to it was not read"
        )
    return False


def _matches_all(tree: Node, name: str) -> bool:
    return name == "class-default" or any(
        block.text.split()[-1] == name
        and [child.text for child in block.children if not child.text.startswith("description")] == ["match any"]
        for block in tree.blocks("class-map ")
    )
