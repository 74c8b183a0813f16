"""Cisco ASA: ways in for administrators, and VPN gateways for people."""

from __future__ import annotations

import re
from typing import Literal

from collectors.devices.cisco_asa.interfaces import named
from collectors.devices.cisco_asa.objects import Network, Objects, objects, slash
from collectors.devices.cisco_asa.text import config, governed_here, in_context, threat_defense
from collectors.devices.cisco_asa.vpn import vpns
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import everybody
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Vpn, Way
from collectors.transports.base import DeviceCli

Asks = Literal["none", "password", "local", "remote", "key"]

_KEX = {
    "dh-group1-sha1": "diffie-hellman-group1-sha1",
    "dh-group14-sha1": "diffie-hellman-group14-sha1",
    "dh-group14-sha256": "diffie-hellman-group14-sha256",
    "ecdh-sha2-nistp256": "ecdh-sha2-nistp256",
    "curve25519-sha256": "curve25519-sha256",
}
_TLS = {
    "tlsv1": "1.0",
    "tlsv1-only": "1.0",
    "tlsv1.1": "1.1",
    "tlsv1.2": "1.2",
    "tlsv1.3": "1.3",
    "sslv3": "ssl3",
    "sslv3-only": "ssl3",
    "any": "ssl3",
}
"""`sslv3` and `any` are words of 8.x and 9.1 to 9.3, where they let SSL 3 in."""


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Ways from the `ssh`, `telnet` and `http` lines, one per interface; nothing answers where no such line stands."""
    gaps = Gaps()
    tree = config(cli)
    own = gaps if not threat_defense(cli) else Gaps()
    least = own.attempt("least_tls", lambda: _least_tls(tree))
    found = vpns(tree, least)
    if any(row.two_factors is None for row in found):
        gaps.note(
            "vpns[].two_factors", "unsupported", "some group of people is vouched for elsewhere, or is the maker's own and open"
        )
    if least is None and any(row.kind == "ssl" for row in found):
        gaps.note("vpns[].least_tls", "unsupported", "the oldest TLS of the device was not seen: see least_tls")
    if any(row.idle_seconds is None for row in found):
        gaps.note(
            "vpns[].idle_seconds", "unsupported", "vpn-idle-timeout of the default group policy is not in the configuration"
        )
    if threat_defense(cli):
        return _beside_the_engine(cli, found, least, gaps)
    ways = gaps.attempt(("ways", "ssh_enabled", "separate_management"), lambda: _ways(cli, tree))
    ssh = None if ways is None else any(way.protocol == "ssh" for way in ways)
    remote = [way for way in ways or () if way.remote]
    if ways is not None and not remote:
        gaps.note("separate_management", "unsupported", "no way in over the network, so none to keep apart")
    _explain(ways or (), gaps)
    return DeviceAccess(
        ways=ways,
        ssh_enabled=ssh,
        ssh_v1=False if ssh is False else gaps.attempt("ssh_v1", lambda: _v1(cli, tree)),
        ssh_ciphers=gaps.attempt("ssh_ciphers", lambda: _algorithms(cli, tree, "encryption")),
        ssh_macs=gaps.attempt("ssh_macs", lambda: _algorithms(cli, tree, "integrity")),
        ssh_key_exchanges=gaps.attempt("ssh_key_exchanges", lambda: _exchanges(tree)),
        least_tls=least,
        banner=any(tree.banners.get(f"banner {kind}", "").strip() for kind in ("login", "motd")),
        max_sessions=gaps.attempt("max_sessions", lambda: _quota(tree)),
        separate_management=all(way.name.split(" ")[-1] in _management(cli) for way in remote) if remote else None,
        vpns=found,
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _beside_the_engine(cli: DeviceCli, found: tuple[Vpn, ...], least: str | None, gaps: Gaps) -> DeviceAccess:
    """The management port of an FTD, its web page and its shell answer below the engine."""
    names = ("ways", "ssh_enabled", "ssh_v1", "ssh_ciphers", "ssh_macs", "ssh_key_exchanges", "banner", "separate_management")
    gaps.attempt(names, lambda: governed_here(cli, "ways in by the management port"))
    gaps.note("least_tls", "unsupported", "FTD: its own page answers below the engine")
    return DeviceAccess(
        ways=None,
        ssh_enabled=None,
        ssh_v1=None,
        banner=None,
        vpns=found,
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _explain(ways: tuple[Way, ...], gaps: Gaps) -> None:
    if any(way.idle_seconds is None for way in ways):
        gaps.note(
            "ways[].idle_seconds", "unsupported", "no such timeout in the configuration; the default is another with each release"
        )
    if any(way.authentication is None for way in ways):
        gaps.note("ways[].authentication", "unsupported", "no aaa authentication line: a public key, or nobody, is let in there")


def _management(cli: DeviceCli) -> set[str]:
    return {interface.name for interface in named(cli).values() if interface.management}


def _ways(cli: DeviceCli, tree: Node) -> tuple[Way, ...]:
    ways: list[Way] = []
    for protocol, word in (("ssh", "ssh"), ("telnet", "telnet"), ("https", "http")):
        if protocol == "https" and not any(True for _ in tree.blocks("http server enable")):
            continue
        places: dict[str, list[Network]] = {}
        for line in tree.lines(f"{word} "):
            if found := _source(objects(cli), line):
                places.setdefault(found[1], []).append(found[0])
        for place, sources in places.items():
            ways.append(_way(cli, tree, protocol, place, sources))  # type: ignore[arg-type]
    if in_context(cli):
        return tuple(ways)  # the console is that of the system execution space
    ways.append(
        Way(
            name="console 0",
            protocol="console",
            encrypted=True,
            remote=False,
            anywhere=False,
            idle_seconds=_minutes(tree.value("console timeout "), "console"),
            authentication=_asks(cli, tree, "serial"),
        )
    )
    return tuple(ways)


_SETTINGS = {
    "timeout", "version", "key-exchange", "cipher", "scopy", "stricthostkeycheck", "stack", "pubkey-chain", "server",
    "redirect", "authentication-certificate", "username-from-certificate", "only-proxy",
}  # fmt: skip
"""Second words of lines that set something and let nobody in."""


def _source(known: Objects, line: str) -> tuple[Network, str] | None:
    """(network, interface) of `10.0.0.0 255.0.0.0 inside` or `2001:db8::/64 inside`; None where the line sets something else."""
    words = line.split()
    if words and words[0] in _SETTINGS:
        return None
    if len(words) == 3:
        return known.pair(words[0], words[1]), words[2]
    if len(words) == 2 and "/" in words[0]:
        return slash(words[0]), words[1]
    raise Unparsable(f"cannot place a line of management access: {line[:80]}")


def _way(cli: DeviceCli, tree: Node, protocol: Protocol, place: str, sources: list[Network]) -> Way:
    anywhere = everybody(sources)
    interface = named(cli).get(place)
    idle = tree.value("http server idle-timeout ") if protocol == "https" else tree.value(f"{protocol} timeout ")
    return Way(
        name=f"{protocol} {place}",
        protocol=protocol,
        encrypted=protocol != "telnet",
        remote=True,
        anywhere=anywhere,
        sources=() if anywhere else tuple(str(source) for source in sources),
        idle_seconds=_minutes(idle, protocol),
        authentication=_asks(cli, tree, "http" if protocol == "https" else protocol),
        untrusted=interface.outside if interface else None,
    )


def _minutes(said: str | None, what: str) -> Limit | None:
    """Minutes in the configuration, where they are always written out. Zero is never."""
    if said is None:
        return None
    if not said.split()[0].isdecimal():
        raise Unparsable(f"{what} timeout: no number: {said[:20]}")
    number = int(said.split()[0])
    return number * 60 if number else "unlimited"


def _asks(cli: DeviceCli, tree: Node, what: str) -> Asks | None:
    """Who vouches. Without a line: the console lets anybody to its first prompt, telnet and ASDM ask the shared word."""
    said = tree.value(f"aaa authentication {what} console ")
    if said is None:
        if what == "ssh":
            return None  # since 8.4(2) nobody gets in with a password then, but a public key may
        return "none" if what == "serial" else "password"
    return "local" if said.split()[0] == "LOCAL" else "remote"


def _v1(cli: DeviceCli, tree: Node) -> bool:
    said = tree.value("ssh version ")
    if said is None:
        told = re.search(r"^Versions? allowed: *(.+)$", cli.ask("show ssh"), re.M)
        if not told:
            raise Unparsable("show ssh: it does not say which versions are allowed")
        said = told[1]
    return "1" in re.findall(r"\d", said)


def _algorithms(cli: DeviceCli, tree: Node, kind: str) -> tuple[str, ...]:
    said = tree.value(f"ssh cipher {kind} ")
    if said is None:
        raise Unsupported(f"ssh cipher {kind} is not in the configuration: the default is another with each release")
    words = said.split(None, 1)
    if words[0] == "custom" and len(words) == 2:
        return tuple(words[1].strip('"').replace(":", " ").split())
    text = cli.ask("show ssh ciphers")
    part = re.search(rf"^{kind.capitalize()} Algorithms:.*?$(.*?)(?=^\S|\Z)", text, re.M | re.S)
    row = part and re.search(rf"^\s+{re.escape(words[0])}(?: \([^)]*\))?:\s+(\S.*)$", part[1], re.M)
    if not row:
        raise Unparsable(f"show ssh ciphers: no level {words[0]} of {kind} in it")
    return tuple(row[1].split())


def _exchanges(tree: Node) -> tuple[str, ...]:
    said = [word for line in tree.lines("ssh key-exchange group ") for word in line.split()]
    if not said:
        raise Unsupported("ssh key-exchange is not in the configuration: the default is another with each release")
    if unknown := [word for word in said if word not in _KEX]:
        raise Unparsable(f"no key exchange we know: {unknown[0][:40]}")
    return tuple(dict.fromkeys(_KEX[word] for word in said))


def _least_tls(tree: Node) -> str:
    said = tree.value("ssl server-version ")
    if said is None:
        raise Unsupported("ssl server-version is not in the configuration: the default is another with each release")
    word = said.split()[0]
    if word not in _TLS:
        raise Unparsable(f"no TLS version we know: {word[:20]}")
    return _TLS[word]


def _quota(tree: Node) -> int:
    said = tree.value("quota management-session ")
    words = (said or "").split()
    if said is None or len(words) != 1 or not words[0].isdecimal() or words[0] == "0":
        raise Unsupported("quota management-session sets no single number; the ceilings of each kind depend on the release")
    return int(words[0])
