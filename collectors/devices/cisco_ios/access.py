"""Cisco IOS: the ways in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from collectors.devices.cisco_ios.acl import Reach, access_lists, reach, speaks_v6
from collectors.devices.cisco_ios.text import config
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Vpn, Way
from collectors.transports.base import DeviceCli

Authentication = Literal["none", "password", "local", "remote", "key"]

_IDLE = 600
"""exec-timeout where nothing is said: 10 minutes (IOS Terminal Services Command Reference, exec-timeout)."""
_OPEN = {"ssh": ("ssh",), "telnet": ("telnet",), "rlogin": ("rlogin",), "all": ("ssh", "telnet", "rlogin"), "none": ()}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """VTY ranges, console and AUX from the configuration, web pages with their lists, SSH as `show ip ssh` says it."""
    gaps = Gaps()
    ssh = gaps.attempt(
        ("ssh_enabled", "ssh_v1", "ssh_ciphers", "ssh_macs", "ssh_key_exchanges", "ssh_max_tries"), lambda: _show_ip_ssh(cli)
    )
    enabled = None if ssh is None else "SSH Enabled" in ssh
    version = None if ssh is None else re.search(r"SSH (?:Enabled|Disabled) - version (\d\.\d+)", ssh)
    retries = None if ssh is None else re.search(r"Authentication retries: (\d+)", ssh)
    tree = gaps.attempt(("ways", "least_tls", "banner", "max_sessions", "vpns"), lambda: config(cli))
    ways = tree and gaps.attempt("ways", lambda: tuple(_ways(cli, tree, enabled)))
    if any(way.encrypted is None for way in ways or ()):
        gaps.note("ways[].encrypted", "unsupported", "gRPC is on, and no line says whether its server in the clear is")
    if any(way.remote and way.anywhere is None for way in ways or ()):
        gaps.note("ways[].anywhere", "unparsable", "a list names a group that cannot be resolved, or a wildcard with holes")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=enabled,
        ssh_v1=None if version is None else bool(enabled) and version[1] != "2.0",
        ssh_ciphers=None if ssh is None else _algorithms(ssh, "Encryption"),
        ssh_macs=None if ssh is None else _algorithms(ssh, "MAC"),
        ssh_key_exchanges=None if ssh is None else _algorithms(ssh, "KEX"),
        ssh_max_tries=int(retries[1]) if retries else None,
        least_tls=tree and _least_tls(tree),
        banner=tree and any(tree.banners.get(f"banner {kind}", "").strip() for kind in ("login", "motd")),
        max_sessions=tree and gaps.attempt("max_sessions", lambda: _sessions(cli, tree)),
        vpns=tree and tuple(_vpns(tree)),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _show_ip_ssh(cli: DeviceCli) -> str:
    text = cli.ask("show ip ssh")
    if not re.search(r"^SSH (?:Enabled|Disabled) - version \d\.\d+", text, re.M):
        raise Unparsable("show ip ssh: does not say whether SSH is on")
    return text


def _algorithms(text: str, what: str) -> tuple[str, ...] | None:
    found = re.search(rf"^{what} Algorithms:\s*(\S+)", text, re.M)
    if not found or found[1].endswith(","):  # a line that goes on below was not read to its end
        return None
    return tuple(word for word in found[1].split(",") if word)


def _least_tls(tree: Node) -> str | None:
    said = tree.value("ip http tls-version ")
    found = re.fullmatch(r"TLSv(\d\.\d)", said or "")
    return found[1] if found else None


# --- ways ------------------------------------------------------------------------------------------------------------


def _ways(cli: DeviceCli, tree: Node, ssh_enabled: bool | None) -> Iterator[Way]:
    lists, v6 = access_lists(tree), speaks_v6(tree)
    for line in tree.blocks("line "):
        kind = line.text.split()[1]
        name = line.text.removeprefix("line ").replace("con ", "console ")
        idle = idle_seconds(line)
        if kind == "con" or (kind == "aux" and not line.has("no exec")):
            yield Way(
                name=name, protocol="console" if kind == "con" else "aux", encrypted=True, remote=False, anywhere=False,
                idle_seconds=idle, authentication=authentication(tree, line),
            )  # fmt: skip
        # a serial line others can be reached through answers over the network too, once it is told to: none does by itself
        # (Terminal Services Configuration Guide, transport input)
        taken = transports(cli, line) if kind == "vty" or line.value("transport input ") else ()
        door = reach(lists, _list(line, "access-class "), _list(line, "ipv6 access-class "), v6)
        for protocol in taken:
            if protocol == "ssh" and ssh_enabled is False:
                continue
            yield _way(name, protocol, door, idle, authentication(tree, line))
    yield from _pages(tree, v6)


def _way(name: str, protocol: str, door: Reach, idle: Limit | None, who: Authentication | None) -> Way:
    return Way.model_validate(
        {
            "name": name, "protocol": protocol, "encrypted": protocol in ("ssh", "https", "api"), "remote": True,
            "anywhere": door.anywhere, "sources": door.sources, "idle_seconds": idle, "authentication": who,
        }
    )  # fmt: skip


def _list(line: Node, start: str) -> str | None:
    """The list for those who come in; one for `out` may stand beside it."""
    found = line.matches(rf"{start}(\S+) in\b")
    return found[-1][1] if found else None


def transports(cli: DeviceCli, line: Node) -> tuple[str, ...]:
    """Protocols a VTY range takes; where the configuration is silent the answer depends on the release, so the line is asked."""
    said = line.value("transport input ")
    if said is None and not line.has("no transport input"):
        number = line.text.split()[2]
        found = re.search(r"Allowed input transports are ([^.\n]+)", cli.ask(f"show line vty {number}"))
        if not found:
            raise Unparsable(f"show line vty {number}: does not say which transports are allowed")
        said = found[1]
    protocols = [protocol for word in (said or "none").split() for protocol in _OPEN.get(word, ())]
    return tuple(dict.fromkeys(protocols))


def idle_seconds(line: Node) -> Limit | None:
    if line.flag("exec-timeout") is False:
        return "unlimited"
    said = line.value("exec-timeout ")
    if said is None:
        return _IDLE
    found = re.fullmatch(r"(\d{1,9})(?: (\d{1,9}))?", said)
    if found is None:
        raise Unparsable(f"exec-timeout {said}: no minutes and seconds")
    total = int(found[1]) * 60 + int(found[2] or 0)
    return total or "unlimited"


def authentication(tree: Node, line: Node) -> Authentication | None:
    """What the line asks first. None for a method this program cannot place."""
    if tree.flag("aaa new-model"):
        methods = login_methods(tree, line)
        return _first_method(methods)
    if line.flag("login local"):
        return "local"
    if line.flag("login") is False:
        return "none"
    if line.flag("login"):
        return "password"
    # without AAA a VTY asks for its password unless told otherwise, a console does not
    return "none" if line.text.startswith(("line con", "line aux")) else "password"


def login_methods(tree: Node, line: Node) -> tuple[str, ...]:
    """The methods of a line's list under AAA, in order: `group tacacs+` counts as one word."""
    name = line.value("login authentication ") or "default"
    said = tree.value(f"aaa authentication login {name} ")
    if said is None and name != "default":
        return ()  # a list that is not there: what IOS does then is not told
    if said is None:
        # where no default list is configured: local accounts, and on the console nobody is asked
        # (Securing User Services Configuration Guide, aaa authentication login default)
        return ("none",) if line.text.startswith("line con") else ("local",)
    return tuple(re.sub(r"group \S+", "group", said).split())


def _first_method(methods: tuple[str, ...]) -> Authentication | None:
    if "none" in methods:  # whoever makes the methods before it fail comes in unasked
        return "none"
    words: dict[str, Authentication] = {
        "group": "remote", "tacacs+": "remote", "radius": "remote", "local": "local", "local-case": "local", "line": "password",
        "enable": "password", "none": "none", "cache": "remote",
    }  # fmt: skip
    return words.get(methods[0]) if methods else None


def _pages(tree: Node, v6: bool) -> Iterator[Way]:
    lists = access_lists(tree)
    plain, tls = tree.flag("ip http server"), tree.flag("ip http secure-server")
    if plain is None or tls is None:
        raise Unsupported("the configuration does not say whether the web server is on")
    four = tree.matches(r"ip http access-class (?:ipv4 )?(?!ipv[46]\b)(\S+)$")
    six = tree.matches(r"ip http access-class ipv6 (\S+)$")
    door = reach(lists, four[-1][1] if four else None, six[-1][1] if six else None, v6)
    found = re.match(r"idle (\d+)", tree.value("ip http timeout-policy ") or "")
    words = (tree.value("ip http authentication ") or "enable").split()
    who: dict[str, Authentication] = {"local": "local", "enable": "password"}
    first = "local" if words[0] == "aaa" else words[0]
    if words[0] == "aaa":
        name = words[-1] if words[1:2] == ["login-authentication"] else "default"
        said = tree.value(f"aaa authentication login {name} ") or ("local" if name == "default" else "")
        methods = tuple(re.sub(r"group \S+", "group", said).split())
        asked = _first_method(methods)
    else:
        asked = who.get(first)
    for on, protocol in ((plain, "http"), (tls, "https")):
        if on:
            yield _way(protocol, protocol, door, int(found[1]) if found else None, asked)
    for api in ("netconf-yang", "restconf", "gnmi-yang", "gnxi"):
        if tree.stands(api):
            yield _way(api, "api", Reach(True, ()), None, None).model_copy(update={"encrypted": _api_encrypted(tree, api)})


def _api_encrypted(tree: Node, api: str) -> bool | None:
    """NETCONF travels in SSH, RESTCONF in HTTPS. gRPC has two servers, one of them in the clear (Programmability Guide, gNMI)."""
    if api in ("netconf-yang", "restconf"):
        return True
    if tree.stands(f"{api} server"):
        return False
    return True if tree.stands(f"{api} secure-server") else None


def _sessions(cli: DeviceCli, tree: Node) -> int:
    """VTY lines that take anybody."""
    count = 0
    for line in tree.blocks("line vty "):
        words = line.text.split()[2:4]
        if not words or not all(word.isdecimal() for word in words):
            raise Unparsable(f"{line.text}: no numbers of lines")
        numbers = [*map(int, words)]
        if transports(cli, line):
            count += numbers[-1] - numbers[0] + 1
    return count


def _vpns(tree: Node) -> Iterator[Vpn]:
    for node in tree.children:
        if found := re.match(r"webvpn gateway (\S+)", node.text):
            yield Vpn(name=found[1], kind="ssl", two_factors=None)
        elif found := re.match(r"crypto (?:isakmp client configuration group|ikev2 authorization policy) (\S+)", node.text):
            yield Vpn(name=found[1], kind="ipsec", two_factors=None)
        elif node.text.startswith("vpdn-group "):
            for dial in node.blocks("accept-dialin"):
                for found in dial.matches(r"protocol (l2tp|pptp|any)"):  # any: PPTP is among them
                    yield Vpn(name=node.text.split()[1], kind="l2tp" if found[1] == "l2tp" else "pptp", two_factors=None)
