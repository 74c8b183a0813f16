"""Huawei VRP: the ways in."""

from __future__ import annotations

import re
from typing import Literal

from collectors.devices.huawei_vrp.aaa import admin_modes
from collectors.devices.huawei_vrp.text import allowed, config, eighth, firewall, interfaces, release, table
from collectors.devices.syntax.vrp import Block
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Vpn, Way
from collectors.transports.base import DeviceCli

_CIPHERS = {
    "aes128_ctr": "aes128-ctr", "aes192_ctr": "aes192-ctr", "aes256_ctr": "aes256-ctr", "aes128_cbc": "aes128-cbc",
    "aes192_cbc": "aes192-cbc", "aes256_cbc": "aes256-cbc", "aes128": "aes128-cbc", "aes256": "aes256-cbc", "3des_cbc": "3des-cbc",
    "3des": "3des-cbc", "des_cbc": "des-cbc", "blowfish_cbc": "blowfish-cbc", "arcfour128": "arcfour128", "arcfour256": "arcfour256",
    "aes128_gcm": "aes128-gcm@openssh.com", "aes256_gcm": "aes256-gcm@openssh.com", "sm4_cbc": "sm4-cbc", "sm4_gcm": "sm4-gcm",
}  # fmt: skip
_MACS = {
    "sha2_256": "hmac-sha2-256", "sha2_512": "hmac-sha2-512", "sha2_256_96": "hmac-sha2-256-96", "sha1": "hmac-sha1",
    "sha1_96": "hmac-sha1-96", "md5": "hmac-md5", "md5_96": "hmac-md5-96", "sm3": "hmac-sm3",
}  # fmt: skip
_EXCHANGES = {
    "dh_group1_sha1": "diffie-hellman-group1-sha1", "dh_group14_sha1": "diffie-hellman-group14-sha1",
    "dh_group14_sha256": "diffie-hellman-group14-sha256", "dh_group15_sha512": "diffie-hellman-group15-sha512",
    "dh_group16_sha512": "diffie-hellman-group16-sha512", "dh_group_exchange_sha1": "diffie-hellman-group-exchange-sha1",
    "dh_group_exchange_sha256": "diffie-hellman-group-exchange-sha256", "ecdh_sha2_nistp256": "ecdh-sha2-nistp256",
    "ecdh_sha2_nistp384": "ecdh-sha2-nistp384", "ecdh_sha2_nistp521": "ecdh-sha2-nistp521", "curve25519_sha256": "curve25519-sha256",
    "sm2_kep": "sm2-kep",
}  # fmt: skip


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Lines from the configuration; which servers run from their own state commands, because defaults differ by release."""
    gaps = Gaps()
    tree = config(cli)
    ssh = gaps.attempt(("ssh_enabled",), lambda: ssh_on(cli))
    first = gaps.attempt("ssh_v1", lambda: _ssh_v1(cli)) if ssh is not False else False
    web = gaps.attempt((), lambda: pages(cli))
    return DeviceAccess(
        ways=gaps.attempt("ways", lambda: (*_lines(cli, gaps), *_pages(cli))),
        ssh_enabled=ssh,
        ssh_v1=first,
        ssh_ciphers=gaps.attempt("ssh_ciphers", lambda: _names(tree, "ssh server cipher ", _CIPHERS)),
        ssh_macs=gaps.attempt("ssh_macs", lambda: _names(tree, "ssh server hmac ", _MACS)),
        ssh_key_exchanges=gaps.attempt("ssh_key_exchanges", lambda: _names(tree, "ssh server key-exchange ", _EXCHANGES)),
        ssh_max_tries=gaps.attempt("ssh_max_tries", lambda: _tries(cli)),
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(tree, web)),
        banner=bool(tree.headers.get("header login", "").strip()) or any(tree.matches(r"header login file \S")),
        max_sessions=_number(tree.value("user-interface maximum-vty ")),
        separate_management=None,
        vpns=_vpns(cli),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def ssh_on(cli: DeviceCli) -> bool:
    """STelnet answers, over IPv4 or IPv6."""
    rows = table(cli.ask("display ssh server status"))
    found = [said for name, said in rows.items() if re.match(r"stelnet(?: ipv[46])? server", name)]
    return _any_on(found, "display ssh server status: no row `STELNET server`")


def _any_on(found: list[str], otherwise: str) -> bool:
    words = [re.match(r"(en|dis)abled?\b", said, re.I) for said in found]
    if not words or not all(words):
        raise Unparsable(otherwise)
    return any(word and word[1].lower() == "en" for word in words)


def _ssh_v1(cli: DeviceCli) -> bool:
    rows = table(cli.ask("display ssh server status"))
    version = rows.get("ssh version", rows.get("version"))
    if version not in ("1.5", "1.99", "2.0"):
        raise Unparsable("display ssh server status: no row `SSH version`")
    return version != "2.0"


def _tries(cli: DeviceCli) -> int:
    rows = table(cli.ask("display ssh server status"))
    found = re.match(r"\d+", rows.get("ssh authentication retries", ""))
    if not found:
        raise Unparsable("display ssh server status: no row `SSH authentication retries`")
    return int(found[0])


def telnet_on(cli: DeviceCli) -> bool:
    """The Telnet server answers, over IPv4 or IPv6."""
    rows = table(cli.ask("display telnet server status"))
    found = [said for name, said in rows.items() if re.match(r"telnet(?: ipv[46])? server(?: status)?$", name)]
    return _any_on(found, "display telnet server status: no row `TELNET server`")


def pages(cli: DeviceCli) -> tuple[bool, bool]:
    """(http, https): the pages answer. Where the system has no such command it has no page."""
    if firewall(cli):
        tree = config(cli)
        page, secured = tree.flag("web-manager enable"), tree.flag("web-manager security enable")
        if page is None or secured is None:
            raise Unsupported("no line web-manager: which pages this release offers by itself is not in our table")
        return page, secured
    try:
        rows = table(cli.ask("display http server"))
    except Unsupported:
        # CloudEngine and NetEngine on VRP 8 have no page at all; elsewhere a refused command tells nothing
        if not eighth(cli) or any(config(cli).matches(r"(?:undo )?(?:http |web-manager )")):
            raise
        return False, False
    plain = [said for name, said in rows.items() if re.match(r"http(?: ipv6)? server status", name)]
    secure = [said for name, said in rows.items() if re.match(r"http(?: ipv6)? secure-server status", name)]
    return (
        _any_on(plain, "display http server: no row `HTTP Server Status`"),
        _any_on(secure, "display http server: no row `HTTP Secure-server Status`"),
    )


def _names(tree: Block, start: str, known: dict[str, str]) -> tuple[str, ...]:
    said = tree.value(start)
    if said is None:
        raise Unsupported(f"no line `{start.strip()}`: what the release offers by itself is not in our table")
    unknown = [word for word in said.split() if word not in known]
    if unknown:
        raise Unparsable(f"{start.strip()}: unknown names: {' '.join(unknown)}")
    return tuple(known[word] for word in said.split())


def _least_tls(tree: Block, web: tuple[bool, bool] | None) -> str:
    if web is not None and not web[1]:
        raise Unsupported("there is no https page")
    policy = tree.value("http secure-server ssl-policy ")
    for block in tree.blocks("ssl policy "):
        if policy and block.text.split()[2] == policy:
            least = block.value("ssl minimum version tls")
            if least:
                return least
    raise Unsupported(
        "no policy with `ssl minimum version` is bound to the page; what the release speaks by itself is not in our table"
    )


def _lines(cli: DeviceCli, gaps: Gaps) -> tuple[Way, ...]:
    """The console and each range of terminals, one row per protocol that is let in and has a server."""
    servers: dict[Protocol, bool] = {}
    ways: list[Way] = []
    tree = config(cli)
    if not any(tree.blocks("user-interface ")):
        raise Unparsable("no user-interface in the configuration")
    modes = gaps.attempt("ways[].authentication", lambda: admin_modes(cli))
    for block in tree.blocks("user-interface "):
        kind = re.match(r"user-interface (con|console|vty|aux|tty|maximum-vty|current)\b ?(.*)", block.text)
        if not kind:
            raise Unparsable(f"line {block.line}: unknown user-interface: {block.text[:60]}")
        if kind[1] in ("maximum-vty", "current"):
            continue
        name = block.text.removeprefix("user-interface ")
        idle = gaps.attempt("ways[].idle_seconds", lambda block=block: _idle(cli, block))  # type: ignore[misc]
        authentication = _authentication(block, modes)
        if authentication is None:
            gaps.note("ways[].authentication", "unsupported", f"{name}: the configuration names no authentication mode")
        if kind[1] != "vty":
            protocol: Protocol = "aux" if kind[1] == "aux" else "console"
            ways.append(
                Way(
                    name=name,
                    protocol=protocol,
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
        for each in _inbound(block, servers):
            sources = _sources(cli, block, each)
            ways.append(
                Way(
                    name=name,
                    protocol=each,
                    encrypted=each == "ssh",
                    remote=True,
                    anywhere=sources is None,
                    sources=sources or (),
                    idle_seconds=idle,
                    authentication=authentication,
                )
            )
    if firewall(cli) and any(way.remote for way in ways):
        gaps.note(
            "ways[].untrusted", "unsupported", "policies to the zone local and service-manage together decide it; not worked out"
        )
    if any(way.anywhere is None for way in ways):
        gaps.note("ways[].anywhere", "unsupported", "whoever stands before the device has no address")
    return tuple(ways)


def _inbound(block: Block, servers: dict[Protocol, bool]) -> tuple[Protocol, ...]:
    said = block.value("protocol inbound ")
    known: dict[str, tuple[Protocol, ...]] = {"all": ("ssh", "telnet"), "ssh": ("ssh",), "telnet": ("telnet",), "none": ()}
    if said is None:
        # which one is let in by default changed with the releases: only where no Telnet server runs is it without meaning
        if servers["telnet"]:
            raise Unsupported(
                f"{block.text}: no `protocol inbound`, and the Telnet server runs: the default depends on the release"
            )
        said = "ssh"
    if said not in known:
        raise Unparsable(f"{block.text}: unknown protocol inbound {said}")
    return tuple(each for each in known[said] if servers[each])


def _authentication(block: Block, modes: tuple[str, ...] | None) -> Literal["none", "password", "local", "remote"] | None:
    said = block.value("authentication-mode ")
    if said is None:
        return None
    word = said.split()[0]
    if word == "aaa":
        if modes is None:
            return None
        return "local" if modes[0] == "local" else "none" if modes[0] == "none" else "remote"
    return "none" if word == "none" else "password" if word == "password" else None


def _idle(cli: DeviceCli, block: Block) -> Limit:
    said = block.value("idle-timeout ")
    if said is None:
        # Default 10 minutes: command references "idle-timeout" of S7700/S9700 V200R011C10 (EDOC1000178288), of
        # CloudEngine V200R002C50 (EDOC1000166501) and of NetEngine 8000 V800
        found = release(cli)
        if (found.v == 200 and found.r <= 13) or found.v == 800:
            return 600
        raise Unsupported(f"{block.text}: no `idle-timeout`, and the default of {found.text} is not in our table")
    words = said.split()
    if not all(word.isdecimal() for word in words) or not 1 <= len(words) <= 2:
        raise Unparsable(f"{block.text}: idle-timeout {said}")
    seconds = int(words[0]) * 60 + (int(words[1]) if len(words) == 2 else 0)
    return seconds or "unlimited"


def _sources(cli: DeviceCli, block: Block, protocol: Protocol) -> tuple[str, ...] | None:
    """Who may try: the list of the line, or that of the server; with IPv6 addresses on the device, both families must be guarded."""
    tree = config(cli)
    server = "ssh server" if protocol == "ssh" else "telnet server"
    found = _family(cli, block.matches(r"acl (?!ipv6 )(\S+) inbound"), tree.matches(rf"{server} acl (\S+)"), "")
    if found is None or not speaks_v6(cli):
        return found
    v6 = r"acl ipv6 (\S+) inbound"
    other = _family(
        cli, block.matches(v6), tree.matches(rf"{server.replace(' ', ' ipv6 ', 1)} acl (\S+)|{server} acl ipv6 (\S+)"), "ipv6 "
    )
    return None if other is None else (*found, *other)


def _family(cli: DeviceCli, line: list[re.Match[str]], server: list[re.Match[str]], prefix: str) -> tuple[str, ...] | None:
    for found in (*line[-1:], *server[-1:]):
        name = next(filter(None, found.groups()))
        sources = allowed(cli, f"{prefix}{name}")
        if sources is not None:
            return sources
    return None


def speaks_v6(cli: DeviceCli) -> bool:
    """Some interface speaks IPv6."""
    return any(block.flag("ipv6 enable") or any(block.matches(r"ipv6 address ")) for _, block in interfaces(cli))


def _pages(cli: DeviceCli) -> tuple[Way, ...]:
    tree = config(cli)
    sources = allowed(cli, tree.value("http acl "))
    minutes = _number(tree.value("http timeout "))
    ways: list[Way] = []
    on = pages(cli)
    names: tuple[Protocol, ...] = ("http", "https")
    for protocol, runs in zip(names, on, strict=True):
        if runs:
            ways.append(
                Way(
                    name=protocol,
                    protocol=protocol,
                    encrypted=protocol == "https",
                    remote=True,
                    anywhere=sources is None or speaks_v6(cli),
                    sources=sources or (),
                    idle_seconds=minutes * 60 if minutes else _page_idle(cli),
                    authentication=None,
                )
            )
    return tuple(ways)


def _page_idle(cli: DeviceCli) -> Limit | None:
    if firewall(cli):
        return None
    try:
        found = re.match(r"\d+$", table(cli.ask("display http server")).get("http timeout interval", ""))
    except CollectError:
        return None
    return int(found[0]) * 60 if found else None


def _vpns(cli: DeviceCli) -> tuple[Vpn, ...]:
    tree = config(cli)
    ssl = tuple(
        Vpn(name=found[1], kind="ssl", two_factors=None)
        for found in tree.matches(r"(?:v-gateway|sslvpn gateway) (\S+)(?!.* udp-port)")
    )
    l2tp = (Vpn(name="l2tp", kind="l2tp", two_factors=None),) if tree.flag("l2tp enable") else ()
    unique = {vpn.name: vpn for vpn in (*ssl, *l2tp)}
    return tuple(unique.values())
