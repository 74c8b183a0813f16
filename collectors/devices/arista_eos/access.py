"""Arista EOS: the ways in. Each service answers in the VRFs where it is switched on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from collectors.devices.arista_eos.acl import access_lists, named, speaks_v6
from collectors.devices.arista_eos.text import block, config, interfaces, release, version
from collectors.devices.base import per_device
from collectors.devices.cidr_lists import HTTP, HTTPS, SSH, TELNET, Reach, reach
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Way
from collectors.transports.base import DeviceCli

Authentication = Literal["none", "password", "local", "remote", "key"]

_DEFAULT = "default"
_API = {"gnmi": ("tcp", 6030), "netconf": ("tcp", 830), "restconf": ("tcp", 6020)}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Services from their `management` blocks, eAPI as `show management api http-commands` says it."""
    gaps = Gaps()
    tree = config(cli)
    ssh = block(tree, "management ssh")
    vrfs = gaps.attempt("ssh_enabled", lambda: vrfs_of(cli, ssh, True))
    limit = gaps.attempt("max_sessions", lambda: _limit(cli))
    algorithms = {name: (ssh.value(f"{word} ") or "").split() for name, word in _ALGORITHMS.items()}
    for name, words in algorithms.items():
        if not words:
            gaps.note(name, "unsupported", "the configuration names none, and what is offered then depends on the release")
    return DeviceAccess(
        ways=gaps.attempt("ways", lambda: tuple(_ways(cli, tree, gaps))),
        ssh_enabled=None if vrfs is None else bool(vrfs),
        ssh_v1=gaps.attempt("ssh_v1", lambda: _version_1(cli)),
        ssh_ciphers=tuple(algorithms["ssh_ciphers"]) or None,
        ssh_macs=tuple(algorithms["ssh_macs"]) or None,
        ssh_key_exchanges=tuple(algorithms["ssh_key_exchanges"]) or None,
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(cli, tree)),
        banner=bool(tree.banners.get("banner login", "").strip()),
        max_sessions=limit,
        separate_management=gaps.attempt("separate_management", lambda: _separate(cli, tree)),
        vpns=(),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


_ALGORITHMS = {"ssh_ciphers": "cipher", "ssh_macs": "mac", "ssh_key_exchanges": "key-exchange"}


def _version_1(cli: DeviceCli) -> bool:
    """User Manual, Switch Administration: the server speaks version 2 alone."""
    release(cli)  # raises outside the releases this was read of
    return False


def _limit(cli: DeviceCli) -> int:
    found = re.search(r"^SSH connection limit is (\d+)", cli.ask("show management ssh"), re.M)
    if not found:
        raise Unparsable("show management ssh: tells no limit of connections")
    return int(found[1])


# --- where a service answers ------------------------------------------------------------------------------------------


def vrfs_of(cli: DeviceCli, node: Node, on: bool) -> tuple[str, ...]:
    """VRFs in which the service of the block answers. `on`: it does in the default VRF without a line."""
    said: dict[str, bool] = {}
    shut = node.stands("shutdown")
    if shut is None:
        release(cli)  # raises outside the releases whose defaults are known
    said[_DEFAULT] = on if shut is None else not shut
    for inner in node.blocks("vrf "):
        vrf = inner.text.split()[1]
        shut = inner.stands("shutdown")
        # within a VRF it is off until `no shutdown`; the default one keeps what was said above
        said[vrf] = said.get(vrf, False) if shut is None else not shut
    return tuple(vrf for vrf, answers in said.items() if answers)


def _lists(cli: DeviceCli, node: Node, vrf: str) -> tuple[str | None, str | None]:
    """(IPv4 list, IPv6 list) that guard the service in a VRF."""
    found: list[str | None] = []
    inner = next((each for each in node.blocks("vrf ") if each.text == f"vrf {vrf}"), Node(""))
    for word in ("ip", "ipv6"):
        own = [
            *(line[1] for line in node.matches(rf"{word} access-group (\S+) vrf {re.escape(vrf)}(?: in)?$")),
            *(line[1] for line in inner.matches(rf"{word} access-group (\S+)(?: in)?$")),
        ]
        common = [line[1] for line in node.matches(rf"{word} access-group (\S+)(?: in)?$") if line[1] != "in"]
        # User Manual, Service ACLs: since 4.19.0 the list without a VRF counts for all of them
        if vrf == _DEFAULT or release(cli) >= (4, 19):
            own = own or common
        found.append(own[-1] if own else None)
    return found[0], found[1]


def _door(cli: DeviceCli, tree: Node, node: Node, vrf: str, service: tuple[str, int], gaps: Gaps) -> Reach:
    """By the service's own lists, or those of the control plane, where they admit fewer."""
    lists = access_lists(tree)
    four, six = _lists(cli, node, vrf)
    door = reach(lists, four, named(lists, six), speaks_v6(tree), service)
    if door.anywhere is not False:
        plane = _plane(tree, vrf)
        all_of_it = reach(lists, plane[0], named(lists, plane[1]), speaks_v6(tree), service)
        door = all_of_it if all_of_it.anywhere is False else door
    if door.anywhere is None:
        gaps.note("ways[].anywhere", "unsupported", f"{node.text}: its list is empty or not in the configuration")
    return door


def _plane(tree: Node, vrf: str) -> tuple[str | None, str | None]:
    """The lists of the control plane in a VRF; those without one count for the default VRF alone."""
    tail = "" if vrf == _DEFAULT else f" vrf {re.escape(vrf)}"
    found: list[str | None] = []
    for word in ("ip", "ipv6"):
        own = [
            line[1] for name in ("control-plane", "system control-plane")
            for line in block(tree, name).matches(rf"{word} access-group (\S+){tail} in$")
        ]  # fmt: skip
        found.append(own[-1] if own else None)
    return found[0], found[1]


# --- ways ------------------------------------------------------------------------------------------------------------


def _ways(cli: DeviceCli, tree: Node, gaps: Gaps) -> Iterator[Way]:
    yield Way(
        name="console", protocol="console", encrypted=True, remote=False, anywhere=False,
        idle_seconds=_idle(cli, block(tree, "management console")), authentication=authentication(tree, "console"),
    )  # fmt: skip
    who = authentication(tree, _DEFAULT)
    if who is None:
        gaps.note("ways[].authentication", "unsupported", "log-on asks a group of servers in which no server stands")
    for name, on, service in (("ssh", True, SSH), ("telnet", False, TELNET)):
        node = block(tree, f"management {name}")
        for vrf in vrfs_of(cli, node, on):
            yield _way(_named(name, vrf), name, _door(cli, tree, node, vrf, service, gaps), _idle(cli, node), who)
    yield from _pages(cli, tree, who, gaps)
    for name, service in _API.items():
        for transport in block(tree, f"management api {name}").blocks("transport "):
            if transport.stands("shutdown") is not True:
                gaps.note("ways[].idle_seconds", "unsupported", f"{name}: how long a session lasts is not told")
                lists = transport.lines("ip access-group ")
                door = reach(access_lists(tree), lists[-1].split()[0] if lists else None, None, speaks_v6(tree), service)
                way = _way(f"{name} {transport.text.split()[-1]}", "api", door, None, who)
                # User Manual, OpenConfig: gRPC without a profile of TLS is in the clear; NETCONF travels in SSH, RESTCONF in HTTPS
                clear = name == "gnmi" and transport.value("ssl profile ") is None
                yield way.model_copy(update={"encrypted": not clear})


def _named(name: str, vrf: str) -> str:
    return name if vrf == _DEFAULT else f"{name} vrf {vrf}"


def _way(name: str, protocol: str, door: Reach, idle: Limit | None, who: Authentication | None) -> Way:
    return Way.model_validate(
        {
            "name": name, "protocol": protocol, "encrypted": protocol in ("ssh", "https", "api"), "remote": True,
            "anywhere": door.anywhere, "sources": None if door.anywhere is None else door.sources, "idle_seconds": idle,
            "authentication": who,
        }
    )  # fmt: skip


def _idle(cli: DeviceCli, node: Node) -> Limit:
    """Minutes; 0, which is the default, never ends (User Manual, idle-timeout)."""
    said = (node.value("idle-timeout ") or "").split()
    if not said:
        release(cli)  # raises outside the releases whose defaults are known
        return "unlimited"
    return int(said[0]) * 60 or "unlimited"


def _pages(cli: DeviceCli, tree: Node, who: Authentication | None, gaps: Gaps) -> Iterator[Way]:
    text = eapi(cli, tree)
    if text is None:
        return
    node = block(tree, "management api http-commands")
    vrfs = re.search(r"^VRFs?:\s*(\S.*?)\s*$", text, re.M)
    if not vrfs:
        raise Unparsable("show management api http-commands: names no VRF")
    for protocol, service in (("http", HTTP), ("https", HTTPS)):
        found = re.search(rf"^{protocol.upper()} server:\s*(running|shutdown)", text, re.M)
        if not found:
            raise Unparsable(f"show management api http-commands: does not say whether {protocol} is on")
        for vrf in re.split(r"[,\s]+", vrfs[1]) if found[1] == "running" else ():
            gaps.note("ways[].idle_seconds", "unsupported", "eAPI: how long a session lasts is not told")
            yield _way(_named("eapi", vrf), protocol, _door(cli, tree, node, vrf, service, gaps), None, who)


def eapi(cli: DeviceCli, tree: Node) -> str | None:
    """What the command API says of itself; None where it is off. It is off without a line."""
    if not vrfs_of(cli, block(tree, "management api http-commands"), False):
        return None
    text = per_device(cli, "eos.eapi", lambda: cli.ask("show management api http-commands"))
    found = re.search(r"^Enabled:\s*(Yes|No)", text, re.M)
    if not found:
        raise Unparsable("show management api http-commands: does not say whether it is enabled")
    return text if found[1] == "Yes" else None


def _least_tls(cli: DeviceCli, tree: Node) -> str:
    text = eapi(cli, tree)
    if text is None:
        raise Unsupported("the command API is off: there is no page")
    profile = re.search(r"^SSL Profile:\s*([^\s,]+)", text, re.M)
    if profile and profile[1] != "none":
        for node in block(tree, "management security").blocks(f"ssl profile {profile[1]}"):
            if said := node.value("tls versions "):
                spoken: list[str] = re.findall(r"1\.\d", said)
                return min(spoken, default="1.0")
    found = re.search(r"^TLS Protocols:\s*(1\.\d(?: 1\.\d)*)", text, re.M)
    if not found:
        raise Unsupported(f"show management api http-commands: EOS {version(cli)} does not tell the versions of TLS")
    return min(found[1].split())


def _separate(cli: DeviceCli, tree: Node) -> bool:
    """SSH, telnet and the APIs answer only in VRFs whose interfaces are management ports."""
    answers = {
        vrf
        for name, on in (("ssh", True), ("telnet", False), ("api http-commands", False))
        for vrf in vrfs_of(cli, block(tree, f"management {name}"), on)
    }
    for name in _API:
        for transport in block(tree, f"management api {name}").blocks("transport "):
            if transport.stands("shutdown") is not True:
                answers.add((transport.value("vrf ") or _DEFAULT).split()[0])
    ports: list[bool] = []
    for interface in interfaces(tree):
        vrf = interface.value("vrf ") or _DEFAULT
        if vrf.removeprefix("forwarding ") in answers and interface.matches(r"ip(?:v6)? address \S"):
            ports.append(interface.text.startswith("interface Management"))
    return bool(ports) and all(ports)


# --- who vouches -----------------------------------------------------------------------------------------------------


def methods(tree: Node, door: str) -> tuple[str, ...]:
    """How a log-on is asked, in order: `group NAME` counts as one word. The console asks as all others unless told otherwise."""
    for name in dict.fromkeys((door, _DEFAULT)):
        if said := tree.value(f"aaa authentication login {name} "):
            return tuple(re.findall(r"group \S+|\S+", said))
    return ("local",)


def served(tree: Node, group: str) -> bool:
    """Some server stands in the group, or the group is that of all servers of a protocol."""
    if group in ("tacacs+", "radius", "ldap"):
        return bool(tree.lines(f"{group.rstrip('+')}-server host ")) or bool(block(tree, "ldap").lines("server host "))
    return any(node.lines("server ") for node in tree.blocks("aaa group server ") if node.text.split()[-1] == group)


def authentication(tree: Node, door: str) -> Authentication | None:
    """What is asked first; none too where a name is enough: once no server answers, or at the console for `nopassword`.

    None for a group behind which no server stands, and for a word this program cannot place.
    """
    order = methods(tree, door)
    if "none" in order or (door == "console" and "local" in order and _nobody_asked(tree)):
        return "none"
    if order[0].startswith("group "):
        return "remote" if served(tree, order[0].removeprefix("group ")) else None
    return "local" if order[0] == "local" else None


def _nobody_asked(tree: Node) -> bool:
    """Some account has no password: User Manual, username: over SSH such a one may not log on, at the console it may."""
    return bool(tree.matches(r"username \S+ (?:.* )?nopassword\b"))
