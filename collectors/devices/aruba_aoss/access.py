"""Aruba AOS-S: the ways in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_network
from typing import Literal, NamedTuple

from collectors.devices.aruba_aoss.text import config, known_release, version
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import Network, everybody, network, prefix
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Way
from collectors.transports.base import DeviceCli

Authentication = Literal["none", "password", "local", "remote", "key"]

_SERVERS = ("radius", "tacacs", "peap-mschapv2", "server-group")
_SSH = ("ssh_enabled", "ssh_v1", "ssh_ciphers", "ssh_macs", "ssh_key_exchanges")


class Door(NamedTuple):
    """Who may try."""

    anywhere: bool
    sources: tuple[str, ...]


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Servers from the configuration, which tells what differs from the factory; SSH as `show ip ssh` says it."""
    gaps = Gaps()
    tree = config(cli)
    ssh = gaps.attempt(_SSH, lambda: _show_ssh(cli))
    enabled = None if ssh is None else bool(re.search(r"SSH Enabled\s*:\s*Yes", ssh))
    gaps.note("ssh_max_tries", "unsupported", "tries are counted per log-on whatever the way (aaa authentication num-attempts)")
    gaps.note("max_sessions", "unsupported", "the switch shows no limit on sessions that could be set")
    return DeviceAccess(
        ways=gaps.attempt("ways", lambda: tuple(_ways(cli, tree, enabled, gaps))),
        ssh_enabled=enabled,
        ssh_v1=None if ssh is None else bool(enabled) and bool(re.search(r"Version\s*:\s*1", ssh)),
        ssh_ciphers=ssh and _algorithms(ssh, "Ciphers"),
        ssh_macs=ssh and _algorithms(ssh, "MACs"),
        ssh_key_exchanges=ssh and _algorithms(ssh, "KEX"),
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(cli, tree)),
        banner=bool(tree.banners.get("banner motd", "").strip()) and tree.flag("banner motd") is not False,
        separate_management=gaps.attempt("separate_management", lambda: _separate(tree)),
        vpns=(),  # a switch: tunnels of some models lead to the maker's own gateways, nobody dials in
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def default(cli: DeviceCli, tree: Node, line: str, otherwise: bool) -> bool:
    """Whether a line stands there or is taken back; what the factory sets where it is silent."""
    said = tree.flag(line)
    if said is not None:
        return said
    if not known_release(cli):
        raise Unsupported(f"no line `{line}`, and the factory's setting of this release is not known")
    return otherwise


def telnet(cli: DeviceCli, tree: Node) -> bool:
    """On unless taken back (ArubaOS-Switch Access Security Guide, telnet-server)."""
    return default(cli, tree, "telnet-server", True)


def plain_web(cli: DeviceCli, tree: Node) -> bool:
    """On unless taken back (ArubaOS-Switch Access Security Guide, web-management); `web-management ssl` alone takes nothing back."""
    said = None
    for node in tree.children:
        if node.text in ("web-management", "web-management plaintext"):
            said = True
        elif node.text in ("no web-management", "no web-management plaintext"):
            said = False
    return said if said is not None else default(cli, tree, "web-management plaintext", True)


def secure_web(tree: Node) -> bool:
    """Off unless switched on: it needs a certificate first."""
    return tree.flag("web-management ssl") is True


def speaks_rest(cli: DeviceCli) -> bool:
    """The interface came with 16.01 (ArubaOS-Switch REST API Guide)."""
    found = re.match(r"[A-Z]{1,2}\.(\d+)\.", version(cli))
    return found is None or int(found[1]) >= 16


def rest(cli: DeviceCli, tree: Node) -> bool:
    """On unless taken back, and asked over the web server."""
    return (plain_web(cli, tree) or secure_web(tree)) and default(cli, tree, "rest-interface", True)


def login(tree: Node, channel: str) -> tuple[str, ...]:
    """The methods of a log-on by console, telnet, ssh or web: local where nothing is said (Access Security Guide)."""
    said = tree.value(f"aaa authentication {channel} login ")
    words = re.sub(r"server-group \S+", "", said or "local").split()
    return tuple(words) or ("local",)


def guarded(cli: DeviceCli, tree: Node) -> bool:
    """Manager and operator both have a password: whoever may be one of them without a password is let in (Hardening Guide).

    The lines stand there without the passwords where credentials are left out.
    """
    missing = [level for level in ("manager", "operator") if not has_password(tree, level)]
    if not missing:
        return True
    if any(node.text.startswith("aaa authentication local-user ") for node in tree.children):
        raise Unsupported(f"accounts of local-user stand beside {missing[0]} without a password")
    if not known_release(cli):
        raise Unsupported(f"no line `password {missing[0]}`, and whether this release asks for one by itself is not known")
    return False


def has_password(tree: Node, level: str) -> bool:
    """Its line stands there and is not taken back later."""
    said = False
    for node in tree.children:
        text = node.taken_back or node.text
        if any(text == line or text.startswith(f"{line} ") for line in (f"password {level}", "password all")):
            said = node.taken_back is None
    return said


# --- ways -------------------------------------------------------------------------------------------------------------


def _ways(cli: DeviceCli, tree: Node, ssh: bool | None, gaps: Gaps) -> Iterator[Way]:
    shell = gaps.attempt("ways[].idle_seconds", lambda: _idle(cli, tree, serial=False))
    serial = gaps.attempt("ways[].idle_seconds", lambda: _idle(cli, tree, serial=True))
    web = gaps.attempt("ways[].idle_seconds", lambda: _web_idle(cli, tree))
    who = partial(_first, cli, tree, gaps)
    yield Way(
        name="console", protocol="console", encrypted=True, remote=False, anywhere=False, idle_seconds=serial, authentication=who("console")
    )  # fmt: skip
    if ssh is None:
        raise Unsupported("whether SSH is on was not seen")
    for protocol, on, method, channel, idle in (
        ("ssh", ssh, "ssh", "ssh", shell),
        ("telnet", telnet(cli, tree), "telnet", "telnet", shell),
        ("http", plain_web(cli, tree), "web", "web", web),
        ("https", secure_web(tree), "web", "web", web),
        ("api", speaks_rest(cli) and rest(cli, tree), "web", "web", web),
    ):
        if on:
            door = gaps.attempt("ways[].anywhere", partial(door_of, tree, method))
            yield Way.model_validate(
                {
                    "name": {"api": "rest"}.get(protocol, protocol), "protocol": protocol, "remote": True,
                    "encrypted": protocol in ("ssh", "https") or (protocol == "api" and not plain_web(cli, tree)),
                    "anywhere": door and door.anywhere, "sources": door and door.sources, "idle_seconds": idle,
                    "authentication": who(channel),
                }
            )  # fmt: skip


def _first(cli: DeviceCli, tree: Node, gaps: Gaps, channel: str) -> Authentication | None:
    order = login(tree, channel)
    word = order[0]
    if "authorized" in order:
        return "none"  # whoever comes while no server answers is let in unasked (Access Security Guide, aaa authentication)
    if word in _SERVERS:
        return "remote"
    if word in ("public-key", "certificate", "two-factor"):
        return "key"
    if word == "local":
        safe = gaps.attempt("ways[].authentication", lambda: guarded(cli, tree))
        return None if safe is None else "local" if safe else "none"
    gaps.note("ways[].authentication", "unparsable", f"aaa authentication {channel} login: cannot place {word[:30]}")
    return None


def _idle(cli: DeviceCli, tree: Node, *, serial: bool) -> Limit:
    """0 and silence mean never (ArubaOS-Switch Management and Configuration Guide, console idle-timeout)."""
    said: int | None = None
    for found in tree.matches(r"console (idle-timeout|inactivity-timer) (serial-usb )?(\d+)$"):
        if bool(found[2]) <= serial:
            said = int(found[3]) * (60 if found[1] == "inactivity-timer" else 1)
    if said is None and not known_release(cli):
        raise Unsupported("no line says after how long a session ends, and the factory's setting of this release is not known")
    return said or "unlimited"


def _web_idle(cli: DeviceCli, tree: Node) -> int:
    said = tree.value("web-management idle-timeout ")
    if said is not None and said.isdecimal():
        return int(said)
    if said is not None:
        raise Unparsable(f"web-management idle-timeout: cannot place {said[:30]!r}")
    if not known_release(cli):
        raise Unsupported(
            "no line says after how long a web session ends, and the factory's setting of this release is not known"
        )
    return 600  # ArubaOS-Switch Management and Configuration Guide, web-management idle-timeout


def door_of(tree: Node, method: str) -> Door:
    """Who may try: authorised managers for this method, or the management VLAN, which nothing is routed to.

    Where the lines name other methods alone the guides do not say what becomes of this one: raises Unsupported.
    """
    wide = _management_vlan(tree)
    if wide is not None:
        return wide
    doors = [_managers(tree, "ip", method), *([_managers(tree, "ipv6", method)] if speaks_v6(tree) else [])]
    if any(door.anywhere for door in doors):
        return Door(True, ())
    return Door(False, tuple(source for door in doors for source in door.sources))


def _managers(tree: Node, family: str, method: str) -> Door:
    rows = [line.split() for line in tree.lines(f"{family} authorized-managers ")]
    if not rows:
        return Door(True, ())
    nets: list[Network] = []
    for words in rows:
        named = words[words.index("access-method") + 1] if "access-method" in words[:-1] else "all"
        if named in ("all", method):
            nets.append(_network(words))
    if not nets:
        raise Unsupported(f"authorised managers are named for other methods than {method}; what becomes of this one is not told")
    if everybody(nets):
        return Door(True, ())
    return Door(False, tuple(dict.fromkeys(str(net) for net in nets)))


def _network(words: list[str]) -> Network:
    mask = words[1] if len(words) > 1 and re.fullmatch(r"[\d.]+|[0-9A-Fa-f:]+", words[1]) and words[1] != "access" else ""
    text = words[0]
    if ":" in mask:  # a mask of IPv6 is written as an address
        bits = bin(int.from_bytes(ip_network(mask).network_address.packed, "big"))[2:].zfill(128)
        if "01" in bits:
            raise Unparsable(f"authorised managers: the mask {mask[:40]} has holes")
        text = f"{text}/{bits.count('1')}"
    elif mask:
        text = prefix(text, mask)
    return network(text)


def _management_vlan(tree: Node) -> Door | None:
    """None without one, or where a management port of its own stands open beside it."""
    number = tree.value("management-vlan ")
    if number is None or _oobm(tree):
        return None
    nets = [
        prefix(found[1], found[2])
        for vlan in tree.children
        if vlan.text == f"vlan {number}"
        for found in vlan.matches(r"ip address ([\d.]+) ([\d.]+)$")
    ]
    return Door(False, tuple(str(ip_network(net, strict=False)) for net in nets))


def _oobm(tree: Node) -> bool:
    return any(block.lines("ip address ") and block.flag("disable") is not True for block in tree.blocks("oobm"))


def _separate(tree: Node) -> bool:
    """A management VLAN, or every server answers at the management port alone."""
    if tree.value("management-vlan ") is not None:
        return True
    listening = [node.text for node in tree.children if re.search(r" listen (?:oobm|data|both)$", node.text)]
    if listening:
        raise Unsupported("servers are told where to listen one by one; that none is left out is not followed")
    return False


def speaks_v6(tree: Node) -> bool:
    """In some VLAN, or at the management port."""
    places = (*tree.blocks("vlan "), *tree.blocks("oobm"))
    return any(child.text.startswith(("ipv6 address", "ipv6 enable")) for place in places for child in place.children)


def _least_tls(cli: DeviceCli, tree: Node) -> str:
    if not secure_web(tree):
        raise Unsupported("no encrypted web server answers")
    said = None
    for found in tree.matches(r"tls application (?:all|web-ssl) lowest-version (?:tls)?(\d\.\d)"):
        said = found[1]
    if said:
        return said
    if not known_release(cli):
        raise Unsupported("no line on the oldest TLS, and the factory's setting of this release is not known")
    return "1.0"  # ArubaOS-Switch Access Security Guide, tls lowest-version


# --- SSH --------------------------------------------------------------------------------------------------------------


def _show_ssh(cli: DeviceCli) -> str:
    text = cli.ask("show ip ssh")
    if not re.search(r"SSH Enabled\s*:\s*(?:Yes|No)", text):
        raise Unparsable("show ip ssh: does not say whether SSH is on")
    return text


def _algorithms(text: str, what: str) -> tuple[str, ...] | None:
    """A list behind commas, that goes on below until the next heading or empty line."""
    found = re.search(rf"^\s*{what}\s*:[ \t]*(\S.*?)(?=\n\s*\n|\n\s*\w[\w ]*:|\Z)", text, re.M | re.S)
    return tuple(word for word in re.split(r"[,\s]+", found[1]) if word) or None if found else None
