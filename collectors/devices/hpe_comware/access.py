"""HPE Comware and H3C: the ways in."""

from __future__ import annotations

import re
from typing import Literal

from collectors.devices.hpe_comware.aaa import login_methods
from collectors.devices.hpe_comware.text import allowed, config, interfaces, seventh, table
from collectors.devices.syntax.vrp import Block
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Way
from collectors.transports.base import DeviceCli

Authentication = Literal["none", "password", "local", "remote"]

_CIPHERS = {
    "aes128-ctr": "aes128-ctr", "aes192-ctr": "aes192-ctr", "aes256-ctr": "aes256-ctr", "aes128-cbc": "aes128-cbc",
    "aes256-cbc": "aes256-cbc", "3des-cbc": "3des-cbc", "des-cbc": "des-cbc", "aes128-gcm": "aes128-gcm@openssh.com",
    "aes256-gcm": "aes256-gcm@openssh.com",
}  # fmt: skip
_MACS = {
    "sha2-256": "hmac-sha2-256", "sha2-512": "hmac-sha2-512", "sha1": "hmac-sha1", "sha1-96": "hmac-sha1-96", "md5": "hmac-md5",
    "md5-96": "hmac-md5-96",
}  # fmt: skip
_EXCHANGES = {
    "dh-group1-sha1": "diffie-hellman-group1-sha1", "dh-group14-sha1": "diffie-hellman-group14-sha1",
    "dh-group-exchange-sha1": "diffie-hellman-group-exchange-sha1", "ecdh-sha2-nistp256": "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384": "ecdh-sha2-nistp384", "dh-group14-sha256": "diffie-hellman-group14-sha256",
    "dh-group16-sha512": "diffie-hellman-group16-sha512",
}  # fmt: skip


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Lines from the configuration; which servers run from their state where there is such a command."""
    gaps = Gaps()
    tree = config(cli)
    ssh = gaps.attempt("ssh_enabled", lambda: ssh_on(cli))
    said = (tree.headers.get(f"header {kind}", "").strip() for kind in ("login", "legal", "motd"))
    return DeviceAccess(
        ways=gaps.attempt("ways", lambda: (*_lines(cli, gaps), *_pages(cli, gaps))),
        ssh_enabled=ssh,
        ssh_v1=gaps.attempt("ssh_v1", lambda: _ssh_v1(cli)) if ssh is not False else False,
        ssh_ciphers=gaps.attempt("ssh_ciphers", lambda: _names(tree, "ssh2 algorithm cipher ", _CIPHERS)),
        ssh_macs=gaps.attempt("ssh_macs", lambda: _names(tree, "ssh2 algorithm mac ", _MACS)),
        ssh_key_exchanges=gaps.attempt("ssh_key_exchanges", lambda: _names(tree, "ssh2 algorithm key-exchange ", _EXCHANGES)),
        ssh_max_tries=gaps.attempt("ssh_max_tries", lambda: _tries(cli)),
        least_tls=None,
        banner=any(said),
        max_sessions=None,
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _state(cli: DeviceCli) -> dict[str, str]:
    return table(cli.ask("display ssh server status"))


def ssh_on(cli: DeviceCli) -> bool:
    """STelnet answers."""
    rows = _state(cli)
    said = rows.get("stelnet server", rows.get("ssh server"))
    found = re.match(r"(en|dis)abled?\b", said or "", re.I)
    if not found:
        raise Unparsable("display ssh server status: no row `Stelnet server`")
    return found[1].lower() == "en"


def _ssh_v1(cli: DeviceCli) -> bool:
    version = _state(cli).get("ssh version")
    if version not in ("1.99", "2.0"):
        raise Unparsable("display ssh server status: no row `SSH version`")
    return version == "1.99"


def _tries(cli: DeviceCli) -> int:
    rows = _state(cli)
    said = rows.get(
        "ssh authentication retries", rows.get("ssh server authentication retries", rows.get("ssh authentication-retries", ""))
    )
    found = re.match(r"\d+", said)
    if not found:
        raise Unparsable("display ssh server status: no row `SSH authentication retries`")
    return int(found[0])


def telnet_on(cli: DeviceCli) -> bool:
    """The Telnet server answers. Off by default on Comware 7 ("telnet server enable", HPE 5130, 7900 and H3C references)."""
    said = config(cli).flag("telnet server enable")
    if said is None:
        if not seventh(cli):
            raise Unsupported("no line `telnet server enable`: the default of this Comware depends on the model")
        return False
    return said


def page_on(cli: DeviceCli, protocol: Literal["http", "https"]) -> bool:
    """The page answers, by its own state."""
    text = cli.ask("display ip http") if protocol == "http" else cli.ask("display ip https")
    found = re.search(r"^\s*(?:Operation )?status\s*:\s*(\w+)", text, re.M | re.I)
    words = {"enabled": True, "running": True, "disabled": False, "stopped": False}
    if not found or found[1].lower() not in words:
        raise Unparsable(f"display ip {protocol}: no operation status in it")
    return words[found[1].lower()]


def _names(tree: Block, start: str, known: dict[str, str]) -> tuple[str, ...]:
    said = tree.value(start)
    if said is None:
        raise Unsupported(f"no line `{start.strip()}`: what the release offers by itself is not in our table")
    unknown = [word for word in said.split() if word not in known]
    if unknown:
        raise Unparsable(f"{start.strip()}: unknown names: {' '.join(unknown)}")
    return tuple(known[word] for word in said.split())


def _lines(cli: DeviceCli, gaps: Gaps) -> tuple[Way, ...]:
    tree = config(cli)
    blocks = [block for start in ("line ", "user-interface ") for block in tree.blocks(start)]
    classes = {block.text.split()[2]: block for block in blocks if re.match(r"(?:line|user-interface) class ", block.text)}
    methods = gaps.attempt("ways[].authentication", lambda: login_methods(cli))
    servers: dict[Protocol, bool] = {}
    ways: list[Way] = []
    for block in blocks:
        kind = re.match(r"(?:line|user-interface) (class|con|aux|vty|tty|console|usb|maximum-vty)\b ?(.*)", block.text)
        if not kind:
            raise Unparsable(f"line {block.line}: unknown line: {block.text[:60]}")
        if kind[1] in ("class", "maximum-vty"):
            continue
        name = block.text.split(maxsplit=1)[1]
        views = [view for view in (block, classes.get(kind[1])) if view is not None]
        idle = _idle(views)
        authentication = _authentication(views, kind[1], methods)
        if kind[1] != "vty":
            aux: Protocol = "aux" if kind[1] == "aux" and classes.get("con") else "console"
            ways.append(
                Way(
                    name=name,
                    protocol=aux,
                    encrypted=True,
                    remote=False,
                    anywhere=None,
                    idle_seconds=idle,
                    authentication=authentication,
                )
            )
            continue
        if not servers:
            servers = {"ssh": ssh_on(cli), "telnet": telnet_on(cli)}
        for protocol in _inbound(block, views):
            if servers[protocol]:
                sources = _sources(cli, block, protocol)
                ways.append(
                    Way(
                        name=name,
                        protocol=protocol,
                        encrypted=protocol == "ssh",
                        remote=True,
                        anywhere=sources is None,
                        sources=sources or (),
                        idle_seconds=idle,
                        authentication=authentication,
                    )
                )
    if any(way.anywhere is None for way in ways):
        gaps.note("ways[].anywhere", "unsupported", "whoever stands before the device has no address")
    return tuple(ways)


def _said(views: list[Block], start: str) -> str | None:
    """The line's own setting, else that of its class."""
    return next((said for view in views if (said := view.value(start)) is not None), None)


def _inbound(block: Block, views: list[Block]) -> tuple[Protocol, ...]:
    known: dict[str, tuple[Protocol, ...]] = {
        "all": ("ssh", "telnet"),
        "ssh": ("ssh",),
        "telnet": ("telnet",),
        "none": (),
        "pad": (),
    }
    # all protocols by default: "protocol inbound", HPE FlexFabric 7900 Fundamentals Command Reference
    said = (_said(views, "protocol inbound ") or "all").split()[0]
    if said not in known:
        raise Unparsable(f"{block.text}: unknown protocol inbound {said}")
    return known[said]


def _authentication(views: list[Block], kind: str, methods: tuple[str, ...] | None) -> Authentication | None:
    # password on VTY lines and none elsewhere by default: "authentication-mode", HPE FlexFabric 7900 Fundamentals Command Reference
    said = (_said(views, "authentication-mode ") or ("password" if kind == "vty" else "none")).split()[0]
    if said == "scheme":
        if methods is None:
            return None
        return "none" if methods[0] == "none" else "local" if methods[0] == "local" else "remote"
    return "none" if said == "none" else "password" if said == "password" else None


def _idle(views: list[Block]) -> Limit:
    """10 minutes by default: "idle-timeout", HPE FlexFabric 7900 Fundamentals Command Reference; H3C S3100, S5600 likewise."""
    said = _said(views, "idle-timeout ")
    if said is None:
        return 600
    words = said.split()
    if not all(word.isdecimal() for word in words) or not 1 <= len(words) <= 2:
        raise Unparsable(f"idle-timeout {said}")
    return int(words[0]) * 60 + (int(words[1]) if len(words) == 2 else 0) or "unlimited"


def _sources(cli: DeviceCli, block: Block, protocol: Protocol) -> tuple[str, ...] | None:
    """Who may try: the list of the line, or that of the server; with IPv6 addresses on the device, both families must be guarded."""
    tree = config(cli)
    v4 = [
        *block.matches(r"acl (?!ipv6 )(?:basic |advanced )?(\S+) inbound"),
        *tree.matches(rf"{protocol} server acl (?!ipv6 )(\S+)"),
    ]
    v6 = [*block.matches(r"acl ipv6 (\S+) inbound"), *tree.matches(rf"{protocol} server ipv6 acl (?:ipv6 )?(\S+)")]
    found = next((known for each in v4 if (known := allowed(cli, each[1])) is not None), None)
    if found is None or not speaks_v6(cli):
        return found
    other = next((known for each in v6 if (known := allowed(cli, f"ipv6 {each[1]}")) is not None), None)
    return None if other is None else (*found, *other)


def speaks_v6(cli: DeviceCli) -> bool:
    """Some interface has an address of IPv6."""
    return any(any(block.matches(r"ipv6 address ")) for _, block in interfaces(cli))


def _pages(cli: DeviceCli, gaps: Gaps) -> tuple[Way, ...]:
    tree = config(cli)
    ways = []
    minutes = tree.value("web idle-timeout ")
    protocols: tuple[Literal["http", "https"], ...] = ("http", "https")
    for protocol in protocols:
        if page_on(cli, protocol):
            sources = allowed(cli, tree.value(f"ip {protocol} acl "))
            ways.append(
                Way(
                    name=protocol,
                    protocol=protocol,
                    encrypted=protocol == "https",
                    remote=True,
                    anywhere=sources is None or speaks_v6(cli),
                    sources=sources or (),
                    idle_seconds=int(minutes) * 60 if minutes and minutes.isdecimal() else None,
                    authentication=None,
                )
            )
    if ways:
        gaps.note(("ways[].authentication", "ways[].idle_seconds"), "unsupported", "not worked out for the page")
    return tuple(ways)
