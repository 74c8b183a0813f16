"""Junos: the texts every question reads, asked once and parsed once; groups and ranges resolved."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from collectors.devices.base import per_device, running
from collectors.devices.syntax.junos import Node, parse
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (
    # with what groups and interface ranges add, without the remarks that say so
    ("show configuration | display inheritance no-comments | no-more", True),
    ("show configuration | no-more", False),
)
NAME = r"^    host-name ([^\s;]+);"

SILENT = "this account may not see the whole configuration, and it is not shown"
_SEES_ALL = frozenset({"all", "view-configuration"})
_APPLYING = ("apply-groups", "apply-groups-except", "apply-macro")
"""Say where groups apply, which is done by then, and are never names of ports or users."""
_LOGICAL = ("logical-systems", "tenants")


class Version(NamedTuple):
    """`show version`."""

    model: str
    release: str
    train: str

    @property
    def number(self) -> tuple[int, int]:
        year, _, minor = self.train.partition(".")
        return int(year), int(minor)

    @property
    def firewall(self) -> bool:
        return bool(re.match(r"[vc]?srx|j\d{4}", self.model.lower()))

    @property
    def switch(self) -> bool:
        return self.model.lower().startswith(("ex", "qfx"))


def system() -> DeviceOs:
    """This OS; a function, because its own file imports the files that need it."""
    from collectors.devices.juniper_junos import OS

    return OS


_RELEASES = (
    r"^Junos: (\d\S*)$",
    r"^JUNOS (?:Base OS boot|EX +Software Suite|Software Release|Software Suite) \[(\d+\.\d+[^\]]*)\]$",
)


def version(cli: DeviceCli) -> Version:
    """Raises Unparsable when the box is no Junos device, or when its members run different releases."""
    text = cli.ask("show version")
    model = re.search(r"^Model: (\S+)", text, re.M)
    for pattern in _RELEASES:
        found = set(re.findall(pattern, text, re.M))
        if len(found) > 1:
            raise Unparsable(f"show version: members run different releases: {' '.join(sorted(found))[:80]}")
        if found and model:
            release = found.pop()
            train = re.match(r"\d+\.\d+", release)
            if train:
                return Version(model[1], release, train[0])
    raise Unparsable("show version: not Junos; correct platform: in the targets file")


def config(cli: DeviceCli) -> Node:
    """The configuration in force."""

    def make() -> Node:
        whole = running(cli, system())
        root = parse(bare(whole.text))
        if not whole.resolved:
            _inherit(root)
        _ranges(root, whole.resolved)
        for node in root.walk():
            for word in _APPLYING:
                node.nodes.pop(word, None)
        _silence(cli, root, whole.text)
        return root

    return per_device(cli, "junos.config", make)


def bare(text: str) -> str:
    """Without the line that tells which member of a chassis answers."""
    return re.sub(r"\s*^\{[\w:\-. ]+\}\s*\Z", "\n", text, flags=re.M)


def scopes(root: Node) -> Iterator[tuple[str, Node]]:
    """The device itself, its logical systems and tenants."""
    yield "", root
    for kind in _LOGICAL:
        yield from ((f"{node.name} ", node) for node in root.below(kind))


def instances(root: Node) -> Iterator[tuple[str, Node]]:
    """Each of those, and the routing instances in it."""
    for name, scope in scopes(root):
        yield name, scope
        yield from ((f"{name}{node.name} ", node) for node in scope.below("routing-instances"))


def number(node: Node, *path: str) -> int | None:
    """None when it is not there. Raises Unparsable for what is no number."""
    said = node.word(*path)
    if said is None:
        return None
    if not said.isascii() or not said.isdigit():
        raise Unparsable(f"no number in the configuration: {' '.join(path)}")
    return int(said)


# --- what is not shown ------------------------------------------------------------------------------------------------


def _silence(cli: DeviceCli, root: Node, text: str) -> None:
    """An account without the right to see everything, whose answer does not say where something is missing."""
    try:
        said = cli.ask("show cli authorization")
    except CollectError:
        said = ""
    rights = set(re.findall(r"^\s+([a-z\-]+?)\s*--", said, re.M))
    refused = re.findall(r"^\s*Deny configuration regular expressions?: (?!none\s*$)\S", said, re.M | re.I)
    if not refused and (rights & _SEES_ALL or (rights and "ACCESS-DENIED" in text)):
        return
    for node in root.walk():
        node.closed = node.closed or SILENT


# --- groups, where the device did not resolve them --------------------------------------------------------------------


class _Groups:
    """The statements of groups that may apply at one place: group -> nodes of it there."""

    def __init__(self, here: dict[str, list[Node]], active: tuple[str, ...]) -> None:
        self.here = here
        self.active = active

    def below(self, name: str) -> _Groups:
        here = {
            group: [child for node in nodes for child in node.nodes.values() if fits(child.name, name)]
            for group, nodes in self.here.items()
        }
        return _Groups({group: nodes for group, nodes in here.items() if nodes}, self.active)

    def applied(self, node: Node) -> _Groups:
        """With what the node itself says of them. Its own come before those from above; refused ones go."""
        own = tuple(node.nodes["apply-groups"].nodes) if "apply-groups" in node.nodes else ()
        refused = set(node.nodes["apply-groups-except"].nodes) if "apply-groups-except" in node.nodes else set()
        active = tuple(name for name in dict.fromkeys((*own, *self.active)) if name not in refused)
        return _Groups(self.here, active)


def fits(pattern: str, name: str) -> bool:
    """The word, or the wildcard in angle brackets, stands for this name."""
    if pattern.startswith("<") and pattern.endswith(">"):
        return fnmatch.fnmatchcase(name, pattern[1:-1])
    return pattern == name


def _inherit(root: Node) -> None:
    """Writes what groups add into the tree, what stands there itself first."""
    known = root.nodes.get("groups", Node("groups")).nodes
    todo = [(root, _Groups({name: [node] for name, node in known.items()}, ()))]
    while todo:
        node, groups = todo.pop()
        groups = groups.applied(node)
        for name in groups.active:
            if name not in known:
                raise Unsupported(f"the group {name} is applied and not shown; the resolved configuration did not come")
            for source in groups.here.get(name, ()):
                for child in source.nodes.values():
                    if not child.name.startswith("<") and child.name not in node.nodes:
                        node.nodes[child.name] = Node(child.name, closed=child.closed)
        todo.extend(
            (child, groups.below(child.name)) for child in node.nodes.values() if child.name not in ("groups", "apply-groups")
        )


# --- interface ranges -------------------------------------------------------------------------------------------------


def _ranges(root: Node, resolved: bool) -> None:
    """Gives each member of an interface range what the range says, where the device has not done so."""
    for _, scope in _open_scopes(root):
        ports = scope.nodes.get("interfaces", Node("interfaces"))
        for rule in ports.nodes.get("interface-range", Node("interface-range")).nodes.values():
            try:
                names = members(rule)
            except Unparsable:
                if not resolved:
                    raise
                continue
            for member in names:
                _merge(ports.grown(member), rule, ("member", "member-range"))


def _open_scopes(root: Node) -> Iterator[tuple[str, Node]]:
    """Like scopes, of what is shown."""
    yield "", root
    for kind in _LOGICAL:
        yield from ((node.name, node) for node in root.nodes.get(kind, Node(kind)).nodes.values())


def members(rule: Node) -> list[str]:
    """Ports of an interface range. Raises Unparsable for a pattern: it depends on what is plugged in."""
    found = []
    for said in rule.nodes.get("member", Node("member")).nodes:
        listed = re.fullmatch(r"([a-z]+-\d+/\d+/)\[([\d\-]+)\]", said)
        if listed:
            low, _, high = listed[2].partition("-")
            if high and len(low) == len(high) == 1:
                found += [f"{listed[1]}{at}" for at in range(int(low), int(high) + 1)]
                continue
        if re.search(r"[*\[?]", said):
            raise Unparsable(f"a member of an interface range is the pattern {said}: which ports it means is not told")
        found.append(said)
    for first in rule.nodes.get("member-range", Node("member-range")).nodes.values():
        one = re.fullmatch(r"([a-z]+-\d+/\d+/)(\d+)", first.name)
        other = re.fullmatch(r"([a-z]+-\d+/\d+/)(\d+)", first.word("to") or "")
        if not one or not other or one[1] != other[1]:
            raise Unparsable(f"the range of interfaces that begins with {first.name} is not understood")
        found += [f"{one[1]}{at}" for at in range(int(one[2]), int(other[2]) + 1)]
    return found


def _merge(into: Node, source: Node, without: tuple[str, ...] = ()) -> None:
    for child in source.nodes.values():
        if child.name not in without:
            known = child.name in into.nodes
            node = into.grown(child.name)
            node.closed = node.closed or child.closed
            # a value that stands there itself is not joined by the range's
            if not (known and not node.nodes):
                _merge(node, child)
