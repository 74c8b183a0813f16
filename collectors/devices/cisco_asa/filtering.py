"""Cisco ASA: access lists where they are bound, with the objects they name, and what happens to the rest."""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.devices.base import per_device
from collectors.devices.cisco_asa.interfaces import named
from collectors.devices.cisco_asa.logs import REFUSED, written
from collectors.devices.cisco_asa.text import config, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.transports.base import DeviceCli

_ACTIONS: dict[str, Action] = {"permit": "permit", "trust": "permit", "deny": "deny"}
_ZERO = "0.0.0.0"  # noqa: S104  (what a rule says)
_PORTS = {"eq": 1, "gt": 1, "lt": 1, "neq": 1, "range": 2}
_ENDS = {"log", "event-log", "inactive", "time-range", "rule-id", "interval", "webtype"}


class _End(NamedTuple):
    """Source or destination of a rule, with its ports."""

    anything: bool
    ports: bool
    zone: str | None


class _Objects:
    """Which objects and groups mean everything."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree
        self._known: dict[tuple[str, str], bool] = {}

    def network(self, name: str) -> bool:
        """Any address is in it."""
        return self._any("network", name, frozenset())

    def service(self, name: str) -> bool:
        """Any protocol and port is in it."""
        return self._any("service", name, frozenset()) or self._any("protocol", name, frozenset())

    def has_services(self, name: str) -> bool:
        """It is a group of services or protocols, not of addresses."""
        return any(
            re.match(rf"object(?:-group)? (?:service|protocol|icmp-type) {re.escape(name)}(?: |$)", node.text)
            for word in ("object ", "object-group ")
            for node in self._tree.blocks(word)
        )

    def _any(self, kind: str, name: str, above: frozenset[str]) -> bool:
        if name in above:
            return False
        if (kind, name) not in self._known:
            self._known[kind, name] = any(self._line(kind, child.text, above | {name}) for child in self._blocks(kind, name))
        return self._known[kind, name]

    def _blocks(self, kind: str, name: str) -> list[Node]:
        found = []
        for word in ("object", "object-group"):
            for node in self._tree.blocks(f"{word} {kind} "):
                if node.text.split()[2] == name:
                    found += node.children
        return found

    def _line(self, kind: str, line: str, above: frozenset[str]) -> bool:
        words = line.split()
        if words[0] == "group-object" and len(words) == 2:
            return self._any(kind, words[1], above)
        if kind == "network":
            if words[0] in ("network-object", "subnet"):
                if words[1:2] == ["object"]:
                    return self._any(kind, words[2], above)
                return words[1:] in ([_ZERO, _ZERO], ["::/0"]) or words[1:2] in (["any"], ["any4"], ["any6"])
            return words[0] == "range" and words[1:] == [_ZERO, "255.255.255.255"]
        if words[0] in ("service-object", "protocol-object", "service"):
            if words[1:2] == ["object"]:
                return self._any(kind, words[2], above)
            return words[1:] in (["ip"], ["0"])
        return False


def filtering(cli: DeviceCli) -> Filtering:
    """Every rule of every list that `access-group` binds. What rests on security levels alone is the default action."""
    gaps = Gaps()
    tree = config(cli)
    bound = gaps.attempt(("rules", "unbound", "default_action"), lambda: _bound(tree))
    hits = gaps.attempt("rules[].hits", lambda: _hits(cli)) if bound else {}
    outside = [interface for interface in named(cli).values() if interface.outside and not interface.management]
    zones = tuple(Zone(name=one.name, interfaces=(one.interface,), outside=one.outside) for one in named(cli).values())
    checked = {line.split()[-1] for line in tree.lines("ip verify reverse-path interface ") if line}
    if not outside:
        gaps.note("anti_spoofing", "unsupported", "no interface is known to lead outside")
    return Filtering(
        stateful=True,
        default_action=None if bound is None else gaps.attempt("default_action", lambda: _default(cli, bound)),
        default_logged=gaps.attempt("default_logged", lambda: written(tree, REFUSED)),
        rules=None if bound is None else gaps.attempt("rules", lambda: _rules(cli, tree, bound, hits)),
        unbound=None if bound is None else tuple(_unbound(tree, bound)),
        zones=zones,
        anti_spoofing=all(one.name in checked for one in outside) if outside else None,
        dos_protection=gaps.attempt("dos_protection", lambda: _threats(cli, tree)),
        unseen=gaps.unseen,
    )


def _bound(tree: Node) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """list -> (interfaces it filters coming in, going out, everywhere)."""
    bound: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {}
    for line in tree.lines("access-group "):
        found = re.match(r"(\S+) (?:(in|out) interface (\S+)(?: (?:per-user-override|control-plane))*|(global))$", line)
        if not found:
            raise Unparsable(f"access-group: cannot place {line[:80]}")
        into, out, everywhere = bound.get(found[1], ((), (), False))
        if line.endswith(" control-plane"):
            continue  # it filters what is sent to the device itself
        if found[2] == "in":
            into = (*into, found[3])
        elif found[2] == "out":
            out = (*out, found[3])
        bound[found[1]] = (into, out, everywhere or found[4] is not None)
    return bound


def _default(cli: DeviceCli, bound: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]) -> Action:
    """A list bound inward, or everywhere, ends in a refusal. Without one, traffic to a lower security level passes."""
    if any(everywhere for _, _, everywhere in bound.values()):
        return "deny"
    listed = {name for into, _, _ in bound.values() for name in into}
    through = [one for one in named(cli).values() if one.enabled and not one.management]
    if any(one.level is None for one in through):
        raise Unsupported("an interface without security-level: what passes without a rule is not known")
    same = config(cli).flag("same-security-traffic permit inter-interface") is True
    for one in through:
        lower = [
            other
            for other in through
            if other is not one and ((other.level or 0) < (one.level or 0) or (same and other.level == one.level))
        ]
        if lower and one.name not in listed:
            return "permit"
    return "deny"


def _rules(
    cli: DeviceCli,
    tree: Node,
    bound: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]],
    hits: dict[tuple[str, int], int] | None,
) -> tuple[FilterRule, ...]:
    objects = per_device(cli, "cisco_asa.objects", lambda: _Objects(tree))
    refused = written(tree, REFUSED) if tree.flag("logging enable") is True else False
    rows: list[FilterRule] = []
    numbers: dict[str, int] = {}
    for line in tree.lines("access-list "):
        name, _, rest = line.partition(" ")
        if name not in bound:
            continue
        numbers[name] = numbers.get(name, 0) + 1  # remarks count as lines, as `show access-list` does
        if rest.startswith("remark"):
            continue
        into, out, _ = bound[name]
        rows.append(
            _rule(
                objects,
                tree,
                name,
                numbers[name],
                rest,
                into,
                out,
                refused,
                None if hits is None else hits.get((name, numbers[name])),
            )
        )
    return tuple(rows)


def _rule(
    objects: _Objects,
    tree: Node,
    name: str,
    number: int,
    rest: str,
    into: tuple[str, ...],
    out: tuple[str, ...],
    refused: bool,
    hits: int | None,
) -> FilterRule:
    found = re.match(r"(?:line \d+ )?(?:extended|advanced) (permit|deny|trust) (.*)$", rest)
    if not found:
        raise Unparsable(f"access-list {name} line {number}: cannot place {rest[:100]}")
    words = found[2].split()
    service_any, words = _protocol(objects, words)
    words = _skip_users(words)
    source, words = _end(objects, words, name, number)
    words = _skip_users(words)
    destination, words = _end(objects, words, name, number)
    if words and words[0] not in _ENDS and service_any and "icmp" not in found[2]:
        raise Unparsable(f"access-list {name} line {number}: cannot place {' '.join(words)[:80]}")
    # an object that holds services, not addresses, narrows the ports: `permit tcp any any object-group WEB`
    ports = source.ports or destination.ports or bool(words and words[0] in ("object-group", "object"))
    tail = f" {' '.join(words)} "
    return FilterRule(
        list=name,
        name=str(number),
        action=_ACTIONS[found[1]],
        enabled=" inactive " not in tail,
        source_any=source.anything,
        destination_any=destination.anything,
        service_any=service_any and not ports,
        source_zones=(source.zone,) if source.zone else into,
        destination_zones=(destination.zone,) if destination.zone else out,
        logged=_logged(tree, found[1], tail, refused),
        hits=hits,
    )


def _logged(tree: Node, action: str, tail: str, refused: bool) -> bool:
    if tree.flag("logging enable") is not True and " event-log " not in tail:
        return False
    if " event-log " in tail:
        return True
    if " log " in tail:
        return " log disable " not in tail
    return action == "deny" and refused


def _protocol(objects: _Objects, words: list[str]) -> tuple[bool, list[str]]:
    if words[:1] in (["object-group"], ["object"]) and len(words) > 1:
        return objects.service(words[1]), words[2:]
    return words[:1] in (["ip"], ["0"]), words[1:]


def _skip_users(words: list[str]) -> list[str]:
    """Identity: `user DOMAIN\\name`, `user-group`, `object-group-user`, tags of TrustSec. Whom they narrow to is not told."""
    while words and words[0] in ("user", "user-group", "object-group-user", "security-group", "object-group-security"):
        words = words[3:] if words[0] == "security-group" else words[2:]
    return words


def _end(objects: _Objects, words: list[str], name: str, number: int) -> tuple[_End, list[str]]:
    zone = None
    if words[:1] == ["ifc"] and len(words) > 1:
        zone, words = words[1], words[2:]
    if not words:
        raise Unparsable(f"access-list {name} line {number}: it ends before its addresses do")
    word = words[0]
    if word in ("any", "any4", "any6"):
        anything, words = True, words[1:]
    elif word in ("object", "object-group") and len(words) > 1:
        anything, words = objects.network(words[1]), words[2:]
    elif word in ("host", "interface") and len(words) > 1:
        anything, words = False, words[2:]
    elif re.fullmatch(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/\d+", word):
        anything, words = word == "::/0", words[1:]
    elif len(words) > 1 and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", words[1]):
        anything, words = words[1] == _ZERO, words[2:]
    else:
        raise Unparsable(f"access-list {name} line {number}: no address: {word[:40]}")
    ports = False
    if words and words[0] in _PORTS:
        # every port there is narrows nothing
        ports = words[0] != "range" or words[1:3] not in (["1", "65535"], ["0", "65535"])
        words = words[1 + _PORTS[words[0]] :]
    elif words[:1] in (["object-group"], ["object"]) and len(words) > 1 and objects.has_services(words[1]):
        ports, words = True, words[2:]
    return _End(anything, ports, zone), words


def _hits(cli: DeviceCli) -> dict[tuple[str, int], int]:
    """(list, line) -> packets. Lines of the parts of a group are indented; the rule's own line holds their sum."""
    hits: dict[tuple[str, int], int] = {}
    for line in cli.ask("show access-list", timeout=120.0).splitlines():
        if found := re.match(r"^access-list (\S+) line (\d+) .*\(hitcnt=(\d+)\)", line):
            hits[found[1], int(found[2])] = int(found[3])
    return hits


def _unbound(tree: Node, bound: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]) -> list[str]:
    """Lists no other line names. VPN filters, NAT, inspection and captures name lists too."""
    names = list(dict.fromkeys(line.split()[0] for line in tree.lines("access-list ") if line))
    used = set(bound)
    for node in tree.walk():
        if not node.text.startswith("access-list ") and not node.text.startswith(("description ", "banner ")):
            used.update(node.text.split())
    return [name for name in names if name not in used and name not in ("alert-interval", "deny-flow-max")]


def _threats(cli: DeviceCli, tree: Node) -> bool:
    said = tree.flag("threat-detection basic-threat")
    if said is not None:
        return said
    if resolved(cli):
        return False
    raise Unsupported("threat-detection basic-threat is not in the configuration")
