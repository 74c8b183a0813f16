"""FortiOS: by which ways administrators reach the box, and which VPNs people come in by."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from collectors.devices.fortinet_fortios.text import Config, config
from collectors.devices.syntax.fortios import Block
from collectors.devices.vocabulary import everybody
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Vpn, Way
from collectors.transports.base import DeviceCli

_WAYS: tuple[Protocol, ...] = ("https", "http", "ssh", "telnet")
_ANY = ("0.0.0.0/0", "::/0")
_OUTSIDE = re.compile(r"(?i)^(?:wan|internet|untrust|outside|isp|pppoe)")
_TLS = {"tlsv1-0": "1.0", "tlsv1-1": "1.1", "tlsv1-2": "1.2", "tlsv1-3": "1.3"}
_VPN_TLS = {"ssl3": "3.0", "tls1-0": "1.0", "tls1-1": "1.1", "tls1-2": "1.2", "tls1-3": "1.3"}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """Administrative access of each interface, narrowed by the administrators' trusted hosts."""
    gaps = Gaps()
    conf = config(cli)
    ways = gaps.attempt("ways", lambda: _ways(conf, gaps))
    ssh = None if ways is None else any(way.protocol == "ssh" for way in ways)
    https = None if ways is None else any(way.protocol == "https" for way in ways)
    if ways is None:
        gaps.note("ssh_enabled", "unsupported", "the ways in were not seen")
    least_tls = None
    if https is False:
        gaps.note("least_tls", "unsupported", "no interface offers the management page")
    else:
        least_tls = gaps.attempt("least_tls", lambda: _least_tls(conf))
    if cli.legacy_crypto is None:
        gaps.note("legacy_crypto_needed", "unsupported", "not known of this session")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=ssh,
        ssh_v1=False if ssh is False else gaps.attempt("ssh_v1", lambda: _ssh_v1(conf)),
        ssh_ciphers=gaps.attempt("ssh_ciphers", lambda: _algorithms(conf, "ssh-enc-algo")),
        ssh_macs=gaps.attempt("ssh_macs", lambda: _algorithms(conf, "ssh-mac-algo")),
        ssh_key_exchanges=gaps.attempt("ssh_key_exchanges", lambda: _algorithms(conf, "ssh-kex-algo")),
        least_tls=least_tls,
        banner=gaps.attempt("banner", lambda: _global_on(conf, "pre-login-banner")),
        max_sessions=gaps.attempt("max_sessions", lambda: conf.number(_global(conf), "system global", "admin-login-max")),
        separate_management=None if ways is None else gaps.attempt("separate_management", lambda: _separate(conf, ways)),
        vpns=gaps.attempt("vpns", lambda: tuple(_vpns(conf, gaps))),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _global(conf: Config) -> Block:
    return conf.section("system global")


def _global_on(conf: Config, key: str) -> bool:
    return conf.on(_global(conf), "system global", key)


# --- ways in ----------------------------------------------------------------------------------------------------------


def _ways(conf: Config, gaps: Gaps) -> tuple[Way, ...]:
    idle = gaps.attempt("ways[].idle_seconds", lambda: _idle(conf))
    sources = trusted(conf)
    limited = sources is not None and not set(sources) & set(_ANY)
    others = _without_hosts(conf)
    policies = any(entry.word("status") != "disable" for entry in _local_in(conf))
    if policies and not limited:
        gaps.note("ways[].anywhere", "unsupported", "policies for traffic to the box itself (local-in-policy) are not weighed")
    redirected = gaps.attempt("ways[].protocol", lambda: _global_on(conf, "admin-https-redirect")) is True
    telnet_off = _global(conf).word("admin-telnet") == "disable"
    found: list[Way] = []
    unsure: set[str] = set()
    for port in conf.section("system interface").entries.values():
        if port.word("status") == "down":
            continue
        four, six = _allowed(port), _allowed(port.child("ipv6"), "ip6-allowaccess")
        for protocol in _WAYS:
            # http that only sends browsers on to https carries no password
            if protocol not in four | six or (protocol == "http" and redirected) or (protocol == "telnet" and telnet_off):
                continue
            anywhere: bool | None = not limited
            if limited and ((others and protocol == "https") or (protocol in six and not _six(sources or ()))):
                why = "users of the REST API or single sign-on without trusted hosts, or IPv6 without any, may pass the trusted hosts"
                unsure.add(why)
                anywhere = None
            elif not limited and policies:
                anywhere = None
            found.append(
                Way(
                    name=f"interface {port.name}",
                    protocol=protocol,
                    encrypted=protocol in ("https", "ssh"),
                    remote=True,
                    anywhere=anywhere,
                    sources=sources if limited else (),
                    idle_seconds=idle,
                    authentication="local",
                    untrusted=outside(port),
                )
            )
    for why in sorted(unsure):
        gaps.note("ways[].anywhere", "unsupported", why)
    return (*found, *_console(conf, gaps, idle))


def _allowed(block: Block | None, key: str = "allowaccess") -> set[str]:
    return set(block.words(key) or ()) if block else set()


def _six(sources: tuple[str, ...]) -> bool:
    return any(":" in source for source in sources)


def outside(port: Block) -> bool | None:
    """An interface leads outside by its role, or by a name nobody gives to an inner one; None where nothing tells."""
    role = port.word("role")
    if role == "wan" or _OUTSIDE.match(port.name) or _OUTSIDE.match(port.word("alias") or ""):
        return True
    return False if role in ("lan", "dmz") else None


def _console(conf: Config, gaps: Gaps, idle: Limit | None) -> tuple[Way, ...]:
    try:
        if conf.section("system console").word("login") == "disable":
            return ()
    except Unsupported:
        pass  # a console without a section of its own is there, and asks
    own = gaps.attempt("ways[].idle_seconds", lambda: conf.number(_global(conf), "system global", "admin-console-timeout"))
    seconds: Limit | None = own if own else idle if own == 0 else None
    return (
        Way(name="console", protocol="console", encrypted=True, remote=False, anywhere=False, idle_seconds=seconds, authentication="local"),
    )  # fmt: skip


def _idle(conf: Config) -> Limit:
    """The longest of the box and of the profiles that have a time of their own; 0 there means never."""
    minutes = [conf.number(_global(conf), "system global", "admintimeout")]
    for profile in conf.section("system accprofile").entries.values():
        if profile.word("admintimeout-override") == "enable":
            minutes.append(conf.number(profile, "system accprofile", "admintimeout"))
    return "unlimited" if 0 in minutes else max(minutes) * 60


def hosts_of(admin: Block) -> tuple[str, ...]:
    """Networks an administrator may come from; () where none is set. FortiOS shows unset ones as 0.0.0.0 0.0.0.0."""
    found = []
    for key, words in admin.values.items():
        if re.fullmatch(r"(?:ip6-)?trusthost\d+", key) and words:
            found.append(network(words, key))
    return _hosts(found)


def api_hosts(user: Block) -> tuple[str, ...]:
    """The same for a user of the REST API."""
    table = user.child("trusthost")
    found = []
    for entry in table.entries.values() if table else ():
        for key in ("ipv4-trusthost", "ipv6-trusthost"):
            if words := entry.words(key):
                found.append(network(words, key))
    return _hosts(found)


def _hosts(found: list[str]) -> tuple[str, ...]:
    """() too where they are everybody together."""
    named = tuple(name for name in dict.fromkeys(found) if name not in _ANY)
    return () if everybody(map(ipaddress.ip_network, named)) else named


def network(words: tuple[str, ...], key: str) -> str:
    """`10.0.0.0 255.255.255.0` as 10.0.0.0/24."""
    try:
        return str(ipaddress.ip_network("/".join(words), strict=False))
    except ValueError:
        raise Unparsable(f"{key}: no network: {' '.join(words)[:60]}") from None


def trusted(conf: Config) -> tuple[str, ...] | None:
    """All networks administrators may come from; None where one of them may come from anywhere: then the port answers all."""
    found: list[str] = []
    admins = conf.section("system admin").entries
    if not admins:
        raise Unsupported("no administrator is shown: this account may not see them")
    for admin in admins.values():
        own = hosts_of(admin)
        if not own:
            return None
        found += own
    return tuple(dict.fromkeys(found))


def _without_hosts(conf: Config) -> bool:
    """Somebody may use the page or its API whom trusted hosts of administrators do not bind."""
    users = conf.globe.child("system api-user")
    single = conf.globe.child("system sso-admin")
    if users is None and conf.resolved:
        return True  # not shown: nothing is known of them
    return bool(single and single.entries) or any(not api_hosts(user) for user in (users.entries.values() if users else ()))


def _local_in(conf: Config) -> Iterator[Block]:
    for scope in conf.vdoms.values():
        for name in ("firewall local-in-policy", "firewall local-in-policy6"):
            table = scope.child(name)
            yield from table.checked().entries.values() if table else ()


def _ssh_v1(conf: Config) -> bool:
    return _global_on(conf, "admin-ssh-v1")


def _algorithms(conf: Config, key: str) -> tuple[str, ...]:
    """In `system global`; from 7.4 in `system ssh-config`."""
    own = conf.globe.child("system ssh-config")
    found = (own.words(key) if own else None) or _global(conf).words(key)
    if not found:
        raise Unsupported(f"{key} is not shown")
    return found


def _least_tls(conf: Config) -> str:
    said = conf.say(_global(conf), "system global", "admin-https-ssl-versions").split()
    if not said or any(word not in _TLS for word in said):
        raise Unparsable(f"admin-https-ssl-versions: {' '.join(said)[:60]}")
    return min(_TLS[word] for word in said)


def _separate(conf: Config, ways: tuple[Way, ...]) -> bool:
    """Every remote way is on an interface for management alone."""
    cluster = conf.globe.child("system ha")
    table = cluster.child("ha-mgmt-interfaces") if cluster else None
    kept = {entry.word("interface") for entry in (table.entries.values() if table else ())}
    ports = conf.section("system interface").entries
    kept |= {name for name, port in ports.items() if port.word("dedicated-to") == "management"}
    remote = [way.name.removeprefix("interface ") for way in ways if way.remote]
    return bool(remote) and all(name in kept for name in remote)


# --- VPNs of people ---------------------------------------------------------------------------------------------------


def _vpns(conf: Config, gaps: Gaps) -> Iterator[Vpn]:
    for vdom, scope in conf.vdoms.items():
        conf.section("vpn ipsec phase1-interface", scope)  # raises where this account sees no VPN at all
        ssl = scope.child("vpn ssl settings")
        if ssl is not None and ssl.checked().words("source-interface"):
            found = _ssl(conf, gaps, vdom, scope, ssl)
            if found:
                yield found
        for name in ("vpn ipsec phase1-interface", "vpn ipsec phase1"):
            table = scope.child(name)
            for entry in table.checked().entries.values() if table else ():
                people = entry.word("xauthtype") not in (None, "disable") or entry.word("eap") == "enable"
                if entry.word("type") == "dynamic" and (people or entry.word("mode-cfg") == "enable"):
                    yield _ipsec(conf, gaps, scope, entry, people)


def _ssl(conf: Config, gaps: Gaps, vdom: str, scope: Block, ssl: Block) -> Vpn | None:
    section = "vpn ssl settings"
    status = ssl.word("status")
    if status == "disable":
        return None
    if status is None:
        gaps.note("vpns", "unsupported", "vpn ssl settings have interfaces but do not say whether they are on; taken as on")
    if conf.on(ssl, section, "reqclientcert") or conf.on(ssl, section, "force-two-factor-auth"):
        two: bool | None = True
    else:
        rules = ssl.child("authentication-rule")
        names = [
            word
            for rule in (rules.entries.values() if rules else ())
            for key in ("users", "groups")
            for word in rule.words(key) or ()
        ]
        two = _two_factors(conf, gaps, scope, names)
    seconds = gaps.attempt("vpns[].idle_seconds", lambda: conf.number(ssl, section, "idle-timeout"))
    least = gaps.attempt("vpns[].least_tls", lambda: _VPN_TLS.get(conf.say(ssl, section, "ssl-min-proto-ver")))
    return Vpn(
        name=f"ssl {vdom}", kind="ssl", two_factors=two, idle_seconds="unlimited" if seconds == 0 else seconds, least_tls=least
    )


def _ipsec(conf: Config, gaps: Gaps, scope: Block, entry: Block, people: bool) -> Vpn:
    idle: Limit | None = None
    if entry.word("idle-timeout") == "enable":
        minutes = entry.word("idle-timeoutinterval") or ("" if conf.resolved else "15")
        idle = int(minutes) * 60 if minutes.isdecimal() else None
    elif entry.word("idle-timeout") == "disable" or not conf.resolved:
        idle = "unlimited"
    if idle is None:
        gaps.note("vpns[].idle_seconds", "unsupported", f"idle-timeout of {entry.name} is not shown")
    group = entry.words("authusrgrp")
    if not people:
        two: bool | None = False  # one key or certificate lets in
    elif group:
        two = _two_factors(conf, gaps, scope, list(group))
    else:
        two = None
        gaps.note("vpns[].two_factors", "unsupported", f"the groups of {entry.name} stand in policies and were not followed")
    return Vpn(name=entry.name, kind="ipsec", two_factors=two, idle_seconds=idle)


def _two_factors(conf: Config, gaps: Gaps, scope: Block, names: list[str]) -> bool | None:
    """Whether each local user behind these users and groups has a second factor; of remote ones the server decides."""
    users = conf.section("user local", scope).entries
    groups = conf.section("user group", scope).entries
    members = {word for name in names for word in ((groups[name].words("member") or ()) if name in groups else (name,))}
    own = [users[name] for name in members if name in users]
    if any(user.word("two-factor") in (None, "disable") and user.word("status") != "disable" for user in own):
        return False
    if members and len(own) == len(members):
        return True
    why = "the groups hold users of a server, which may demand a second factor itself" if members else "no group is named"
    gaps.note("vpns[].two_factors", "unsupported", why)
    return None
