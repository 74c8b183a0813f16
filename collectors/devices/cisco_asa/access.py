"""Cisco ASA: ways in for administrators, and VPN gateways for people."""

from __future__ import annotations

import re
from typing import Literal

from collectors.devices.cisco_asa.interfaces import named
from collectors.devices.cisco_asa.text import config, release, resolved, threat_defense
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import prefix
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Vpn, Way
from collectors.transports.base import DeviceCli

Asks = Literal["none", "password", "local", "remote", "key"]

_IDLE_DEFAULT = 300
"""`ssh timeout` and `telnet timeout`: "The default is 5 minutes" (Cisco ASA Series Command Reference, S and T, all of 8.x and 9.x)."""
_ANY = {"0.0.0.0/0", "::/0"}
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
    gaps.attempt("ways[].idle_seconds", lambda: release(cli)) if not resolved(cli) else None
    ways = gaps.attempt(("ways", "ssh_enabled", "separate_management"), lambda: _ways(cli, tree))
    ssh = None if ways is None else any(way.protocol == "ssh" for way in ways)
    remote = [way for way in ways or () if way.remote]
    if ways is not None and not remote:
        gaps.note("separate_management", "unsupported", "no way in over the network, so none to keep apart")
    levels = gaps.attempt("ssh_ciphers", lambda: _algorithms(cli, tree, "encryption"))
    macs = gaps.attempt("ssh_macs", lambda: _algorithms(cli, tree, "integrity"))
    return DeviceAccess(
        ways=ways,
        ssh_enabled=ssh,
        ssh_v1=gaps.attempt("ssh_v1", lambda: _v1(cli, tree)) if ssh is not False else False,
        ssh_ciphers=levels,
        ssh_macs=macs,
        ssh_key_exchanges=gaps.attempt("ssh_key_exchanges", lambda: _exchanges(tree)),
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(tree)),
        banner=any(True for kind in ("login", "motd") for _ in tree.blocks(f"banner {kind}")),
        max_sessions=gaps.attempt("max_sessions", lambda: _quota(tree)),
        separate_management=all(way.name.split(" ")[-1] in _management(cli) for way in remote) if remote else None,
        vpns=gaps.attempt("vpns", lambda: _vpns(cli, tree)),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _management(cli: DeviceCli) -> set[str]:
    return {interface.name for interface in named(cli).values() if interface.management}


def _ways(cli: DeviceCli, tree: Node) -> tuple[Way, ...]:
    ways: list[Way] = []
    for protocol, word in (("ssh", "ssh"), ("telnet", "telnet"), ("https", "http")):
        if protocol == "https" and not any(True for _ in tree.blocks("http server enable")):
            continue
        places: dict[str, list[str]] = {}
        for line in tree.lines(f"{word} "):
            if found := _source(line):
                places.setdefault(found[1], []).append(found[0])
        for place, sources in places.items():
            ways.append(_way(cli, tree, protocol, place, sources))  # type: ignore[arg-type]
    ways.append(
        Way(
            name="console 0",
            protocol="console",
            encrypted=True,
            remote=False,
            anywhere=None,
            idle_seconds=_minutes(cli, tree.value("console timeout "), "console"),
            authentication=_asks(cli, tree, "serial"),
        )
    )
    return tuple(ways)


def _source(line: str) -> tuple[str, str] | None:
    """(network, interface) of `10.0.0.0 255.0.0.0 inside` or `2001:db8::/64 inside`; None where the line sets something else."""
    words = line.split()
    if len(words) == 3 and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", words[0]):
        return prefix(words[0], words[1]), words[2]
    if len(words) == 2 and re.fullmatch(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/\d+", words[0]):
        return words[0].lower(), words[1]
    if len(words) == 3 and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", words[1]):
        return f"{words[0]} {words[1]}", words[2]  # a name of `names`, with its mask
    known = (
        "timeout", "version", "key-exchange", "cipher", "scopy", "stricthostkeycheck", "stack", "pubkey-chain", "server",
        "redirect", "authentication-certificate", "username-from-certificate", "only-proxy",
    )  # fmt: skip
    if words and words[0] in known:
        return None
    raise Unparsable(f"cannot place a line of management access: {line[:80]}")


def _way(cli: DeviceCli, tree: Node, protocol: Protocol, place: str, sources: list[str]) -> Way:
    anywhere = any(source in _ANY for source in sources)
    interface = named(cli).get(place)
    idle = tree.value("http server idle-timeout ") if protocol == "https" else tree.value(f"{protocol} timeout ")
    return Way(
        name=f"{protocol} {place}",
        protocol=protocol,
        encrypted=protocol != "telnet",
        remote=True,
        anywhere=anywhere,
        sources=() if anywhere else tuple(sources),
        idle_seconds=_minutes(cli, idle, protocol),
        authentication=_asks(cli, tree, "http" if protocol == "https" else protocol),
        untrusted=interface.outside if interface else None,
    )


def _minutes(cli: DeviceCli, said: str | None, what: str) -> Limit | None:
    """Minutes in the configuration. Zero is never (console), and so it is written out even without `all`."""
    if said is not None:
        if not said.split()[0].isdigit():
            raise Unparsable(f"{what} timeout: no number: {said[:20]}")
        number = int(said.split()[0])
        return number * 60 if number else "unlimited"
    if what == "https":
        return None  # ASDM ends no idle session where nothing is said on some releases, after 20 minutes on others
    if what == "console":
        return "unlimited" if not resolved(cli) else None
    if resolved(cli):
        return None
    try:
        release(cli)
    except Unsupported:
        return None
    return _IDLE_DEFAULT


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
    if said is not None:
        return "1" in said.split()
    if threat_defense(cli):
        raise Unsupported("FTD: not in the configuration, and our table speaks of ASA releases")
    # "SSH version 1 has been deprecated ... The default setting has changed from both SSH v1 and v2 to just SSH v2"
    # (Release Notes for the Cisco ASA Series, 9.9(1)); gone altogether in 9.16(1)
    return release(cli) < (9, 9)


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
    said = tree.value("ssh key-exchange group ")
    if said is None:
        raise Unsupported("ssh key-exchange is not in the configuration: the default is another with each release")
    name = said.split()[0]
    if name not in _KEX:
        raise Unparsable(f"no key exchange we know: {name[:40]}")
    return (_KEX[name],)


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
    if said is None or len(words) != 1 or not words[0].isdigit() or words[0] == "0":
        raise Unsupported("quota management-session sets no single number; the ceilings of each kind depend on the release")
    return int(words[0])


def _vpns(cli: DeviceCli, tree: Node) -> tuple[Vpn, ...]:
    """AnyConnect and clientless under `webvpn`; IKEv2 with client services; classic IPsec clients by a dynamic map."""
    rows = []
    web = [block for block in tree.blocks("webvpn") if block.text == "webvpn"]
    doors = sorted({line.split()[0] for block in web for line in block.lines("enable ") if line})
    factors, idle = _factors(cli, tree), _vpn_idle(cli, tree)
    least = (tree.value("ssl server-version ") or "").split()
    for door in doors:
        rows.append(
            Vpn(
                name=f"webvpn {door}",
                kind="ssl",
                two_factors=factors,
                idle_seconds=idle,
                least_tls=_TLS.get(least[0]) if least else None,
            )
        )
    for line in tree.lines("crypto ikev2 enable "):
        if "client-services" in line:
            rows.append(Vpn(name=f"ikev2 {line.split()[0]}", kind="ipsec", two_factors=factors, idle_seconds=idle))
    clients = any(found[1] in ("remote-access", "ipsec-ra") for found in tree.matches(r"tunnel-group \S+ type (\S+)"))
    dynamic = any(" ipsec-isakmp dynamic " in node.text for node in tree.blocks("crypto map "))
    if clients and dynamic and any(True for word in ("crypto ikev1 enable ", "crypto isakmp enable ") for _ in tree.blocks(word)):
        rows.append(Vpn(name="ikev1 remote access", kind="ipsec", two_factors=factors, idle_seconds=idle))
    return tuple(rows)


def _factors(cli: DeviceCli, tree: Node) -> bool | None:
    """A certificate beside the password, or a second server, in every group that people come in by. SAML: the server decides."""
    groups = [found[1] for found in tree.matches(r"tunnel-group (\S+) type (?:remote-access|webvpn|ipsec-ra)")]
    said = [_group_factors(tree, group) for group in groups]
    if False in said:
        return False
    # the maker's own group DefaultWEBVPNGroup takes whoever names no other; it asks one password unless it says more
    if not said or None in said or not ("DefaultWEBVPNGroup" in groups or resolved(cli)):
        return None
    return True


def _group_factors(tree: Node, group: str) -> bool | None:
    lines = [
        child.text
        for kind in ("general", "webvpn")
        for block in tree.blocks(f"tunnel-group {group} {kind}-attributes")
        for child in block.children
    ]
    if any(re.match(r"authentication saml", line) for line in lines):
        return None
    both = any(
        re.match(r"authentication (?:.* )?aaa\b.*\bcertificate|authentication (?:.* )?certificate\b.*\baaa", line)
        for line in lines
    )
    return both or any(line.startswith("secondary-authentication-server-group ") and not line.endswith(" none") for line in lines)


def _vpn_idle(cli: DeviceCli, tree: Node) -> Limit | None:
    """The longest of all group policies; None where one says nothing."""
    said: list[int] = []
    for block in tree.blocks("group-policy "):
        if not block.text.endswith(" attributes"):
            continue
        value = block.value("vpn-idle-timeout ")
        if value is None and block.text != "group-policy DfltGrpPolicy attributes":
            continue  # inherits it from DfltGrpPolicy
        words = (value or "").split()
        if words and words[0] == "none":
            return "unlimited"
        if words and words[0].isdigit():
            said.append(int(words[0]) * 60)
        elif not words or words[0] != "alert-interval":
            return None
    known = any(block.text == "group-policy DfltGrpPolicy attributes" for block in tree.blocks("group-policy "))
    return max(said) if said and known else None
