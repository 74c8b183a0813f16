"""Aruba AOS-CX: the ways in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Literal

from collectors.devices.aruba_aoscx.acl import AccessList, Reach, access_lists, reach
from collectors.devices.aruba_aoscx.text import config, known_release, release, row, show_system, vrf_of
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import everybody, network
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Way
from collectors.transports.base import DeviceCli

Authentication = Literal["none", "password", "local", "remote", "key"]

_SHELL_IDLE = 30
"""Minutes of a console, SSH or Telnet session where nothing is said (AOS-CX Fundamentals Guide, cli-session, session-timeout)."""
_WEB_IDLE = 20
"""Minutes of a web or REST session where nothing is said (AOS-CX REST API Guide, https-server session-timeout)."""
_TLS_STATED = (10, 13)
"""First release whose Hardening Guide states TLS 1.2 as the oldest the switch speaks."""
_PORTS = {"ssh": ("ssh server vrf ", 22), "telnet": ("telnet server vrf ", 23), "https": ("https-server vrf ", 443)}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Servers per VRF from the configuration, their lists at the control plane, algorithms from `show ssh server`."""
    gaps = Gaps()
    tree = config(cli)
    ways = gaps.attempt("ways", lambda: tuple(_ways(cli, tree, gaps)))
    ssh = bool(vrfs(tree, "ssh"))
    shown = (
        gaps.attempt(("ssh_ciphers", "ssh_macs", "ssh_key_exchanges", "ssh_max_tries"), lambda: _show_ssh(cli)) if ssh else None
    )
    if not ssh:
        gaps.note(("ssh_ciphers", "ssh_macs", "ssh_key_exchanges", "ssh_max_tries"), "unsupported", "no SSH server answers")
    gaps.note("max_sessions", "unsupported", "AOS-CX limits sessions per user (cli-session), not all of them together")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=ssh,
        ssh_v1=False,  # it speaks version 2 alone (AOS-CX Security Guide, SSH server)
        ssh_ciphers=shown and _algorithms(shown, "Ciphers"),
        ssh_macs=shown and _algorithms(shown, "MACs"),
        ssh_key_exchanges=shown and _algorithms(shown, "Key Exchange Algorithms"),
        ssh_max_tries=shown and _tries(shown),
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(cli, tree)),
        banner=bool(tree.banners.get("banner motd", "").strip()) and tree.flag("banner motd") is not False,
        max_sessions=None,
        separate_management=_separate(tree),
        vpns=(),  # a switch: IPsec of some models joins sites, nobody dials in
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def vrfs(tree: Node, protocol: str) -> tuple[str, ...]:
    """VRFs in which a server answers: a line per VRF stands in the configuration, in the factory's too."""
    start, _ = _PORTS[protocol]
    named = dict.fromkeys(word.split()[0] for word in tree.lines(start))
    return tuple(vrf for vrf in named if tree.flag(f"{start}{vrf}"))


def methods(tree: Node, channel: str) -> tuple[str, ...] | None:
    """What a log-on by console, ssh, telnet or https-server asks, in order; None where nothing is said: local accounts."""
    for name in (channel, "default"):
        said = tree.value(f"aaa authentication login {name} ")
        if said is not None:
            return tuple(word for word in said.split() if word != "group")
    return None


def _first(tree: Node, channel: str) -> Authentication:
    order = methods(tree, channel)
    if order is not None and "none" in order:
        return "none"  # whoever comes while no server answers is asked for nothing
    return "local" if order is None or order[:1] == ("local",) else "remote"


# --- ways -------------------------------------------------------------------------------------------------------------


def _ways(cli: DeviceCli, tree: Node, gaps: Gaps) -> Iterator[Way]:
    shell = gaps.attempt("ways[].idle_seconds", lambda: _idle(cli, _said_shell(tree), _SHELL_IDLE))
    web = gaps.attempt("ways[].idle_seconds", lambda: _idle(cli, tree.value("https-server session-timeout "), _WEB_IDLE))
    yield Way(
        name="console", protocol="console", encrypted=True, remote=False, anywhere=False, idle_seconds=shell,
        authentication=_first(tree, "console"),
    )  # fmt: skip
    for protocol, channel in (("ssh", "ssh"), ("telnet", "telnet"), ("https", "https-server")):
        for vrf in vrfs(tree, protocol):
            door = gaps.attempt("ways[].anywhere", partial(door_of, tree, vrf, protocol))
            if door is not None and door.anywhere is None:
                gaps.note("ways[].anywhere", "unsupported", "an empty list stands at the control plane; what it does is not told")
            idle = web if protocol == "https" else shell
            yield _way(f"{protocol} vrf {vrf}", protocol, door, idle, _first(tree, channel))
            if protocol == "https":  # the same server answers the REST interface
                yield _way(f"rest vrf {vrf}", "api", door, idle, _first(tree, channel))


def _way(name: str, protocol: str, door: Reach | None, idle: Limit | None, who: Authentication) -> Way:
    return Way.model_validate(
        {
            "name": name, "protocol": protocol, "encrypted": protocol != "telnet", "remote": True,
            "anywhere": None if door is None else door.anywhere, "sources": None if door is None else door.sources,
            "idle_seconds": idle, "authentication": who,
        }
    )  # fmt: skip


def _said_shell(tree: Node) -> str | None:
    """`cli-session` with its `timeout`, or the one line of older releases."""
    for block in tree.blocks("cli-session"):
        if (said := block.value("timeout ")) is not None:
            return said
    return tree.value("session-timeout ")


def _idle(cli: DeviceCli, said: str | None, default: int) -> Limit:
    if said is None:
        if not known_release(cli):
            raise Unsupported("no line says after how long a session ends, and the default of this release is not known")
        return default * 60
    if not said.isdecimal():
        raise Unparsable(f"session timeout: cannot place {said[:40]!r}")
    return int(said) * 60 or "unlimited"


def door_of(tree: Node, vrf: str, protocol: str) -> Reach:
    """Who may try at one VRF: the lists at its control plane, and for SSH the allow-list.

    A list for IPv4 alone leaves IPv6 open where the VRF speaks it. Lists on interfaces are not followed: they filter what passes.
    """
    _, port = _PORTS.get(protocol, ("", 161))
    applied = control_plane(tree, vrf)
    families = ("ip", "ipv6") if speaks_v6(tree, vrf) else ("ip",)
    allowed = _allow_list(tree) if protocol == "ssh" else None
    if not applied:
        return allowed or Reach(True, ())
    if any(family not in applied for family in families):
        door = Reach(True, ())
    else:
        door = reach([applied[family] for family in families], "udp" if port == 161 else "tcp", port)
    if door.anywhere is True and allowed is not None and allowed.anywhere is False:
        # the Hardening Guide lets the control plane's list take precedence, and does not say that both must agree
        raise Unsupported("a list at the control plane lets everybody in and stands before the allow-list of SSH")
    return door


def control_plane(tree: Node, vrf: str) -> dict[str, AccessList]:
    """Kind -> list at the control plane of a VRF. Raises Unparsable for one that is not there."""
    lists = access_lists(tree)
    applied: dict[str, AccessList] = {}
    for found in tree.matches(r"(no )?apply access-list (ip|ipv6) (\S+) control-plane vrf (\S+)$"):
        if found[4] != vrf:
            continue
        if found[1]:
            applied.pop(found[2], None)
            continue
        if (found[2], found[3]) not in lists:
            raise Unparsable(f"the list {found[3]} is applied to the control plane and is not in the configuration")
        applied[found[2]] = lists[(found[2], found[3])]
    return applied


def speaks_v6(tree: Node, vrf: str) -> bool:
    return any(
        child.text.startswith(("ipv6 address", "ipv6 static", "ipv6 autoconfig", "ipv6 dhcp"))
        for interface in tree.blocks("interface ")
        if vrf_of(interface) == vrf
        for child in interface.children
    )


def _allow_list(tree: Node) -> Reach | None:
    """None where it is not enabled: then everybody may try."""
    for block in tree.blocks("ssh server allow-list"):
        if block.flag("enable"):
            nets = [network(word) for kind in ("ip ", "ipv6 ") for word in block.lines(kind)]
            return Reach(True, ()) if everybody(nets) else Reach(False, tuple(str(net) for net in nets))
    return None


def _separate(tree: Node) -> bool | None:
    """Management answers in the VRF of the management port alone; None in a VRF whose purpose no line tells."""
    used = {vrf for protocol in _PORTS for vrf in vrfs(tree, protocol)} | {
        line.split()[0] for line in tree.lines("snmp-server vrf ")
    }
    if not used:
        return None
    return True if used == {"mgmt"} else False if "default" in used else None


def _least_tls(cli: DeviceCli, tree: Node) -> str:
    if not vrfs(tree, "https"):
        raise Unsupported("no web server answers")
    found = release(row(show_system(cli), "(?:ArubaOS|AOS)-CX Version"))
    if found is None or not _TLS_STATED <= found <= (10, 16):
        raise Unsupported("the guides of this release do not state the oldest TLS it speaks")
    return "1.2"


# --- SSH --------------------------------------------------------------------------------------------------------------


def _show_ssh(cli: DeviceCli) -> str:
    text = cli.ask("show ssh server all-vrfs")
    if not re.search(r"SSH server configuration on VRF", text):
        raise Unparsable("show ssh server all-vrfs: no server in it")
    return text


def _algorithms(text: str, what: str) -> tuple[str, ...] | None:
    """Of all VRFs together. The names stand below their heading, over several lines."""
    found = []
    for part in re.finditer(rf"^\s*{what}\s*:[ \t]*(.*?)(?=^\s*$\n\s*\S[^\n]*:|^[ \t]*[A-Z][\w ]*:|\Z)", text, re.M | re.S):
        found += re.findall(r"[a-z0-9][\w@.+-]+", part[1])
    return tuple(dict.fromkeys(found)) or None


def _tries(text: str) -> int | None:
    found = [int(number) for number in re.findall(r"Max Auth Attempts\s*:\s*(\d+)", text)]
    return max(found) if found else None
