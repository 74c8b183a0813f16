"""Cisco NX-OS: the ways in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from collectors.devices.cidr_lists import SSH, TELNET, Reach, reach
from collectors.devices.cisco_nxos.acl import access_lists, named, speaks_v6
from collectors.devices.cisco_nxos.text import config, feature, interfaces
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Way
from collectors.transports.base import DeviceCli

Authentication = Literal["none", "password", "local", "remote", "key"]

_GREETING = re.compile(r"^\W*user access verification\W*$", re.I)
_TLS = {"TLSv1": "1.0", "TLSv1.0": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Console and VTY from the configuration, SSH, telnet and the APIs by their features, SSH's version as the server says it."""
    gaps = Gaps()
    server = gaps.attempt(("ssh_enabled", "ssh_v1"), lambda: _show_ssh_server(cli))
    tree = config(cli)
    ways = gaps.attempt("ways", lambda: tuple(_ways(cli, tree, server, gaps)))
    gaps.note(
        ("ssh_ciphers", "ssh_macs", "ssh_key_exchanges"),
        "unsupported",
        "no command of NX-OS names the algorithms its server offers",
    )
    limit, tries = _number(_vty(tree), "session-limit "), _number(tree, "ssh login-attempts ")
    for field, seen in (("max_sessions", limit), ("ssh_max_tries", tries)):
        if seen is None:
            gaps.note(field, "unsupported", "the configuration does not say, and the default depends on model and release")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=None if server is None else server[0],
        ssh_v1=None if server is None else server[1],
        ssh_max_tries=tries,
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(tree)),
        banner=_banner(tree),
        max_sessions=limit,
        separate_management=_separate(tree, gaps),
        vpns=(),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _show_ssh_server(cli: DeviceCli) -> tuple[bool, bool]:
    """(it answers, it speaks version 1)."""
    text = cli.ask("show ssh server")
    if re.search(r"ssh (?:version \d )?is (?:not enabled|disabled)|ssh server is not", text, re.I):
        return False, False
    if not re.search(r"ssh is enabled|version 2 (?:is )?enabled", text, re.I):
        raise Unparsable("show ssh server: does not say whether SSH is on")
    return True, bool(re.search(r"version 1 (?:is )?enabled", text, re.I))


def _vty(tree: Node) -> Node:
    return next(tree.blocks("line vty"))


def _number(node: Node, start: str) -> int | None:
    said = (node.value(start) or "").split()
    return int(said[0]) if said and said[0].isdecimal() else None


# --- ways ------------------------------------------------------------------------------------------------------------


def _ways(cli: DeviceCli, tree: Node, server: tuple[bool, bool] | None, gaps: Gaps) -> Iterator[Way]:
    console = next(tree.blocks("line console"))
    yield Way(
        name="console", protocol="console", encrypted=True, remote=False, anywhere=False,
        idle_seconds=idle_seconds(console, gaps), authentication=authentication(tree, "console"),
    )  # fmt: skip
    vty = _vty(tree)
    idle, who = idle_seconds(vty, gaps), authentication(tree, "default")
    ssh = server[0] if server else feature(cli, "ssh", "sshServer")
    if who is None:
        gaps.note("ways[].authentication", "unsupported", "log-on asks a group of servers in which no server stands")
    for on, protocol, service in ((ssh, "ssh", SSH), (feature(cli, "telnet", "telnetServer"), "telnet", TELNET)):
        if on:
            yield _way("vty", protocol, _door(tree, vty, service, gaps), idle, who)
    for name, protocol in _apis(cli, tree):
        gaps.note("ways[].idle_seconds", "unsupported", f"{name}: how long a session lasts is not told")
        yield _way(name, protocol, Reach(True, ()), None, who)


def _way(name: str, protocol: str, door: Reach, idle: Limit | None, who: Authentication | None) -> Way:
    return Way.model_validate(
        {
            "name": name, "protocol": protocol, "encrypted": protocol in ("ssh", "https", "api"), "remote": True,
            "anywhere": door.anywhere, "sources": None if door.anywhere is None else door.sources, "idle_seconds": idle,
            "authentication": who,
        }
    )  # fmt: skip


def _door(tree: Node, vty: Node, service: tuple[str, int], gaps: Gaps) -> Reach:
    lists = access_lists(tree)
    four = _list(vty, "access-class ") or _list(vty, "ip access-class ")
    door = reach(lists, four, named(lists, _list(vty, "ipv6 access-class "), True), speaks_v6(tree), service)
    if door.anywhere is None:
        gaps.note("ways[].anywhere", "unsupported", "line vty: its list is empty, not there, or names a group that is not there")
    return door


def _list(line: Node, start: str) -> str | None:
    words = (line.value(start) or "").split()
    return words[0] if words[1:2] == ["in"] else None


def idle_seconds(line: Node, gaps: Gaps) -> Limit | None:
    """Minutes; 0 never ends. Not written out it is none on some releases and 30 minutes on others."""
    minutes = _number(line, "exec-timeout ")
    if minutes is None:
        gaps.note("ways[].idle_seconds", "unsupported", f"{line.text}: no exec-timeout is written, and its default differs")
        return None
    return minutes * 60 or "unlimited"


def _apis(cli: DeviceCli, tree: Node) -> Iterator[tuple[str, str]]:
    """NX-API on the ports it says it listens to; gRPC, NETCONF and RESTCONF. All are off without the line of their feature."""
    if tree.flag("feature nxapi"):
        text = cli.ask("show nxapi")
        if not re.search(r"^\s*nxapi enabled", text, re.M | re.I):
            raise Unparsable("show nxapi: does not say that it is enabled, while its feature is")
        found = [word.lower() for word in re.findall(r"^\s*(HTTPS?) Listen on port \d+", text, re.M)]
        if not found:
            raise Unparsable("show nxapi: names no port it listens to")
        yield from (("nxapi", protocol) for protocol in dict.fromkeys(found))
    for name in ("grpc", "netconf", "restconf"):
        if tree.flag(f"feature {name}"):
            yield name, "api"


def _least_tls(tree: Node) -> str:
    words = (tree.value("nxapi ssl protocols ") or "").split()
    known = [_TLS[word] for word in words if word in _TLS]
    if not known or len(known) < len(words):
        raise Unsupported("the configuration does not say which versions of TLS NX-API speaks")
    return min(known)


def _banner(tree: Node) -> bool:
    """The maker's greeting, which stands there without a line too, warns nobody."""
    words = tree.banners.get("banner motd", "").strip()
    return bool(words) and not _GREETING.match(words)


def _separate(tree: Node, gaps: Gaps) -> bool | None:
    port = next((node for node in tree.blocks("interface mgmt0") if node.matches(r"ip(?:v6)? address \S")), None)
    if port is None:
        return False
    others = [
        node for node in interfaces(tree)
        if node.text != "interface mgmt0" and node.stands("shutdown") is not True and node.matches(r"ip(?:v6)? address \S")
    ]  # fmt: skip
    if not others:
        return True
    gaps.note(
        "separate_management", "unsupported", "other interfaces have addresses too; what reaches the VTY over them is not told"
    )
    return None


# --- who vouches -----------------------------------------------------------------------------------------------------


def methods(tree: Node, door: str) -> tuple[str, ...]:
    """How a log-on is asked, in order: every group counts as one word `group NAME`."""
    lines = [line for line in tree.lines(f"aaa authentication login {door} ") if not line.startswith("fallback")]
    words = (lines[-1] if lines else "local").split()
    if words[0] == "group":
        return tuple(word if word in ("local", "none") else f"group {word}" for word in words[1:])
    return tuple(words)


def served(tree: Node, group: str) -> bool:
    """Some server stands in the group, or the group is that of all servers of a protocol."""
    if group in ("tacacs+", "radius", "ldap"):
        return bool(tree.lines(f"{group.rstrip('+')}-server host "))
    return any(
        node.lines("server ")
        for kind in ("tacacs+", "radius", "ldap")
        for node in tree.blocks(f"aaa group server {kind} {group}")
        if node.text.split()[-1] == group
    )


def authentication(tree: Node, door: str) -> Authentication | None:
    """What is asked first; none too where a name is enough once no server answers.

    None for a group behind which no server stands, and for a word this program cannot place.
    """
    order = methods(tree, door)
    if "none" in order:
        return "none"
    if order[:1] and order[0].startswith("group "):
        return "remote" if served(tree, order[0].removeprefix("group ")) else None
    return "local" if order[:1] == ("local",) else None
