"""RouterOS: the ways administrators come in: IP services, MAC-Telnet and MAC-WinBox, the console; and VPN servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from collectors.devices.mikrotik_routeros.accounts import Account, accounts
from collectors.devices.mikrotik_routeros.addresses import any_address, outside, speaks_v6
from collectors.devices.mikrotik_routeros.chains import Chains, Probe, Who, filters
from collectors.devices.mikrotik_routeros.text import Config, config, listed, seconds
from collectors.devices.mikrotik_routeros.vpn import vpns
from collectors.devices.syntax.routeros import Item
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Way
from collectors.transports.base import DeviceCli

_SERVICES: dict[str, tuple[Protocol, bool]] = {
    "telnet": ("telnet", False), "ssh": ("ssh", True), "www": ("http", False), "www-ssl": ("https", True),
    "winbox": ("winbox", True), "api": ("api", False), "api-ssl": ("api", True),
}  # fmt: skip
_NO_WAYS = ("ftp", "reverse-proxy")
"""FTP moves files (fact device_services); the reverse proxy leads to machines behind."""

_WINBOX_ENCRYPTS = (6, 43)
"""EC-SRP5 and its session keys came with 6.43 (manual, "WinBox"); what went before can be read."""


class Door(NamedTuple):
    """From where one port is reached."""

    anywhere: bool | None
    sources: tuple[str, ...] | None
    why: str = ""


def device_access(cli: DeviceCli) -> DeviceAccess:
    """IP services with their address limits and what the input chains of IPv4 and IPv6 let through to them."""
    gaps = Gaps()
    conf = config(cli)
    ssh = gaps.attempt("ssh_enabled", lambda: any(item.selector == "ssh" for item in services(conf)))
    ways = gaps.attempt("ways", lambda: tuple(_ways(conf, _idle(cli, gaps), gaps)))
    gaps.note(
        ("ssh_ciphers", "ssh_macs", "ssh_key_exchanges"),
        "unsupported",
        "RouterOS tells whether strong-crypto is set, not which algorithms it then offers",
    )
    if ssh is not False:
        gaps.note("ssh_v1", "unsupported", "no menu tells which versions of the protocol are spoken")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=ssh,
        ssh_v1=False if ssh is False else None,
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(conf)),
        banner=gaps.attempt("banner", lambda: _banner(conf)),
        vpns=gaps.attempt("vpns", lambda: vpns(conf, gaps)),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def services(conf: Config) -> list[Item]:
    """Those of /ip service that answer. Raises Unparsable for one whose kind is not known."""
    found = []
    for item in conf.items("ip service"):
        if item.selector not in _SERVICES and item.selector not in _NO_WAYS:
            raise Unparsable(f"line {item.line}: unknown service {item.selector[:30]}")
        if item.word("disabled") not in ("yes", "no"):
            raise Unparsable(f"line {item.line}: whether {item.selector} is disabled is not told")
        if not item.disabled:
            found.append(item)
    return found


def _ways(conf: Config, idle: Callable[[str], Limit | None], gaps: Gaps) -> Iterator[Way]:
    walls = filters(conf)
    outer = outside(conf)
    if not outer:
        gaps.note("ways[].untrusted", "unsupported", "no interface or interface list is named as outside (WAN, Internet)")
    for item in services(conf):
        if item.selector in _NO_WAYS:
            continue
        protocol, encrypted = _SERVICES[item.selector]
        if protocol == "winbox":
            encrypted = conf.release.number >= _WINBOX_ENCRYPTS
        door = _door(conf, walls, item)
        if door.anywhere is None:
            gaps.note("ways[].anywhere", "unsupported", f"{item.selector}: {door.why}")
        yield Way(
            name=item.selector,
            protocol=protocol,
            encrypted=encrypted,
            remote=True,
            anywhere=door.anywhere,
            sources=door.sources,
            idle_seconds=idle(protocol),
            authentication="local",  # the own accounts are asked before RADIUS (manual, "User": Router Users with RADIUS)
            untrusted=_untrusted(conf, walls, item, outer, gaps),
        )
    yield from _below_ip(conf, idle, gaps)
    yield from _consoles(conf, idle, gaps)


def _door(conf: Config, walls: dict[str, Chains], item: Item) -> Door:
    """Both the limits of the service itself and the input chains narrow it; either is enough."""
    own = listed(item.word("address") or "")
    if own and not any_address(own):
        return Door(False, own)
    admitted = list(walls["ip"].admitted(Probe("ip", "tcp", _port(item))))
    v6 = speaks_v6(conf)
    if v6 and (not own or any(":" in each for each in own)):
        admitted += walls["ipv6"].admitted(Probe("ipv6", "tcp", _port(item)))
    door = judged(admitted)
    if v6 is None and door.anywhere is False:
        return Door(None, None, "whether IPv6 is on is not shown")
    return door


def judged(admitted: list[Who]) -> Door:
    """What the let in come to. An interface alone is no address: who sits behind it is not known."""
    sources: list[str] = []
    unsure = ""
    for who in admitted:
        if who.sources is not None and not any_address(who.sources):
            sources += who.sources
        elif who.vague:
            unsure = unsure or "a rule admits an address list that fills itself, or what is not looked at here"
        elif who.places:
            unsure = unsure or f"anybody behind {', '.join(who.places)} is admitted; which addresses those are is not told"
        else:
            return Door(True, ())
    return Door(None, None, unsure) if unsure else Door(False, tuple(dict.fromkeys(sources)))


def _port(item: Item) -> int:
    port = item.word("port") or ""
    if not port.isdecimal():
        raise Unparsable(f"line {item.line}: no port of {item.selector}")
    return int(port)


def _untrusted(conf: Config, walls: dict[str, Chains], item: Item, outer: frozenset[str], gaps: Gaps) -> bool | None:
    """Somebody who comes by an outside interface is let in, by IPv4 or IPv6. None where only a vague rule lets him."""
    if not outer:
        return None
    families = ("ip",) if speaks_v6(conf) is False else ("ip", "ipv6")
    admitted = [
        who
        for family in families
        for interface in sorted(outer)
        for who in walls[family].admitted(Probe(family, "tcp", _port(item), interface))
    ]
    if admitted and all(who.vague for who in admitted):
        gaps.note(
            "ways[].untrusted",
            "unsupported",
            f"{item.selector}: what a rule admits there is not looked at here, or changes by itself",
        )
        return None
    return bool(admitted)


def _below_ip(conf: Config, idle: Callable[[str], Limit | None], gaps: Gaps) -> Iterator[Way]:
    """MAC-Telnet and MAC-WinBox: no address, no filter; who shares a cable with a listed interface may try."""
    for name, menu, protocol in (
        ("mac-telnet", "tool mac-server", "telnet"), ("mac-winbox", "tool mac-server mac-winbox", "winbox"),
    ):  # fmt: skip
        interfaces = mac_server(conf, menu)
        if interfaces == "none":
            continue
        if interfaces != "all":
            gaps.note("ways[].anywhere", "unsupported", f"{name} has no addresses: everybody beside an interface of {interfaces}")
        kind: Protocol = "telnet" if protocol == "telnet" else "winbox"
        yield Way(
            name=name, protocol=kind, encrypted=kind == "winbox" and conf.release.number >= _WINBOX_ENCRYPTS, remote=True,
            anywhere=True if interfaces == "all" else None, idle_seconds=idle(kind), authentication="local",
            untrusted=True if interfaces == "all" else None,
        )  # fmt: skip


def mac_server(conf: Config, menu: str) -> str:
    """Interface list the server listens on: all, none or its name. 6 before 6.41 has one line for each interface."""
    try:
        return conf.say(menu, "allowed-interface-list")
    except Unsupported:
        items = conf.active(menu)
        if not conf.has(menu):
            raise
        return ",".join(item.word("interface") or "" for item in items) or "none"


def _consoles(conf: Config, idle: Callable[[str], Limit | None], gaps: Gaps) -> Iterator[Way]:
    """Serial ports with a log-on; a port on which somebody is logged on by itself asks nobody."""
    for item in conf.active("system console"):
        bypass = bool(conf.active("special-login"))
        if bypass:
            gaps.note("ways[].authentication", "unsupported", "/special-login logs somebody on by itself at a serial port")
        yield Way(
            name=f"console {item.word('port') or item.selector}", protocol="console", encrypted=True, remote=False,
            anywhere=False, idle_seconds=idle("console"), authentication=None if bypass else "local",
        )  # fmt: skip


def _idle(cli: DeviceCli, gaps: Gaps) -> Callable[[str], Limit | None]:
    """The longest silence any account is allowed. WinBox, pages and API have clocks of their own, which no menu tells."""
    try:
        limit = _longest(accounts(cli))
    except CollectError as error:
        gaps.note("ways[].idle_seconds", error.outcome, str(error))
        return lambda protocol: None
    gaps.note("ways[].idle_seconds", "unsupported", "the clock of WinBox, pages and API is told by no menu")
    return lambda protocol: limit if protocol in ("ssh", "telnet", "console") or limit == "unlimited" else None


def _longest(users: tuple[Account, ...]) -> Limit:
    longest = 0
    for user in users:
        if user.disabled:
            continue
        policy, timeout = user.values.get("inactivity-policy"), user.values.get("inactivity-timeout")
        if policy is None or timeout is None:
            raise Unsupported("this release has no inactivity-policy of accounts, or does not show it")
        if policy == "none" or seconds(timeout) == 0:
            return "unlimited"
        if policy != "logout":
            raise Unsupported(f"inactivity-policy {policy} locks the screen of WinBox; what a command line does is not told")
        longest = max(longest, seconds(timeout))
    if not longest:
        raise Unsupported("no enabled account is shown")
    return longest


def _least_tls(conf: Config) -> Literal["1.2"]:
    versions = {item.word("tls-version") for item in services(conf) if item.selector == "www-ssl"}
    if not versions:
        raise Unsupported("no management page with TLS is on")
    if versions == {"only-1.2"}:
        return "1.2"
    raise Unsupported("tls-version is any: which is the oldest is not told by this release")


def _banner(conf: Config) -> bool:
    """The note is shown after log-on; before it to Telnet alone, where show-at-cli-login says so (manual, "Note")."""
    if not conf.say("system note", "note").strip():
        return False
    try:
        before = conf.on("system note", "show-at-cli-login")
    except Unsupported:
        return False
    if before and any(item.selector == "telnet" for item in services(conf)):
        raise Unsupported("the note is shown before the log-on of Telnet; by the other ways only after it")
    return False
