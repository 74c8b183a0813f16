"""Huawei VRP: logs, SNMP, and the small services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from collectors.devices.huawei_vrp.access import pages, speaks_v6, telnet_on
from collectors.devices.huawei_vrp.text import allowed, config
from collectors.devices.syntax.vrp import Block
from collectors.devices.vocabulary import Auth, Priv, reaches, short, well_known
from collectors.devices.vocabulary import level as level_of
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

_HIDDEN = r"(?:%\^%#|%@%@|%\$%\$|@%@%|%\+%#|\$1\w\$|\(redacted\))"


IPV4_ALONE = "a list for IPv4 alone, and the device speaks IPv6 too"


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """The information center. It runs unless somebody wrote `undo info-center enable` (on by default on every VRP)."""
    gaps = Gaps()
    tree = config(cli)
    on = tree.flag("info-center enable") is not False
    buffer = on and tree.flag("info-center logbuffer") is not False
    hosts = gaps.attempt("hosts", lambda: _hosts(cli)) if on else ()
    gaps.note("logons", "unsupported", "which modules record log-ons differs by release and is not in our table")
    # Default `date`: "info-center timestamp", command references of S7700/S9700 V200R011C10 and CloudEngine V200R002C50
    stamp = tree.value("info-center timestamp log ")
    return DeviceLogs(
        enabled=on,
        hosts=hosts,
        buffer=buffer,
        level=None,
        timestamps=stamp.split()[0] not in ("none", "boot") if stamp else True,
        logons=None,
        changes=gaps.attempt("changes", lambda: _changes(on, hosts)),
        synchronous_source=tree.value("info-center loghost source "),
        unseen=gaps.unseen,
    )


def _changes(on: bool, hosts: tuple[LogHost, ...] | None) -> bool:
    """SHELL/5/CMDRECORD names command and user; it is of severity notice, so a host that takes less never sees it."""
    if not on:
        return False
    if hosts is None or any(host.level is None for host in hosts) or not hosts:
        raise Unsupported("commands are recorded with severity notice; whether that severity is kept or sent was not seen")
    return any(reaches(host.level, "notice") for host in hosts)


def _hosts(cli: DeviceCli) -> tuple[LogHost, ...]:
    tree = config(cli)
    least: Level | None = None
    for found in tree.matches(r"info-center source default channel (?:2|loghost) (.*)"):
        if re.search(r"\blog (?:level \S+ )?state off\b", found[1]):
            return ()
        if said := re.search(r"\blog (?:state on )?level (\S+)", found[1]):
            least = level_of(said[1])
    rows: dict[str, LogHost] = {}
    for found in tree.matches(r"info-center loghost (?!source )(?:ipv6 )?(?:vpn-instance \S+ )?(\S+)(.*)"):
        own = re.search(r" level (\S+)", found[2])
        transport = re.search(r" transport (tcp|udp)", found[2])
        rows[found[1]] = LogHost(
            address=found[1],
            # UDP unless said otherwise: "info-center loghost", command reference of S7700/S9700 V200R011C10
            protocol="tcp" if transport and transport[1] == "tcp" else "udp",
            encrypted=" ssl-policy " in found[2],
            level=level_of(own[1]) if own else least,
        )
    return tuple(rows.values())


def snmp_service(cli: DeviceCli) -> SnmpService:
    """From the configuration; which versions are answered from the agent's own word."""
    gaps = Gaps()
    tree = config(cli)
    # off unless configured: "snmp-agent", all VRP command references
    on = tree.flag("snmp-agent") is True
    if not on:
        return SnmpService(
            enabled=False, v1_v2c=False, communities=(), users=(), trap_hosts=(), anywhere=False, unseen=gaps.unseen
        )
    communities = gaps.attempt("communities", lambda: _communities(cli))
    if communities and any(each.well_known is None for each in communities):
        gaps.note(("communities[].well_known", "communities[].short"), "unsupported", "the device shows it encrypted")
    users = gaps.attempt("users", lambda: _snmp_users(cli))
    anywhere = None
    if communities is not None and users is not None:
        anywhere = _anywhere([*(each.anywhere for each in communities), *(free for _, free in users)])
        if anywhere is None:
            gaps.note("anywhere", "unsupported", IPV4_ALONE)
    if any(each.anywhere is None for each in communities or ()):
        gaps.note("communities[].anywhere", "unsupported", IPV4_ALONE)
    old = gaps.attempt("v1_v2c", lambda: _versions(cli))
    return SnmpService(
        enabled=True,
        v1_v2c=old,
        communities=communities,
        users=tuple(user for user, _ in users) if users is not None else None,
        trap_hosts=gaps.attempt("trap_hosts", lambda: _traps(cli)),
        anywhere=anywhere,
        unseen=gaps.unseen,
    )


def _versions(cli: DeviceCli) -> bool:
    """`display snmp-agent sys-info version`, or the line of the configuration where there is one."""
    said: set[str] = set()
    for word in config(cli).lines("snmp-agent sys-info version "):
        said |= {"v1", "v2c", "v3"} if "all" in word.split() else set(word.split())
    for word in config(cli).lines("undo snmp-agent sys-info version "):
        said -= {"v1", "v2c", "v3"} if "all" in word.split() else set(word.split())
    if said & {"v1", "v2c"}:
        return True
    text = cli.ask("display snmp-agent sys-info version")
    running = re.findall(r"SNMPv(1|2c|3)", text, re.I)
    if not running:
        raise Unparsable("display snmp-agent sys-info version: no version in it")
    return any(version != "3" for version in running)


def _guard(cli: DeviceCli, rest: str) -> bool | None:
    """Nobody is kept away: neither by a list of its own nor by that of the agent. None: a list for IPv4 alone, and IPv6 is spoken."""
    own = re.search(r" acl (?!ipv6 )(\S+)", rest)
    whole = config(cli).value("snmp-agent acl ")
    if all(allowed(cli, name) is None for name in (own[1] if own else None, whole)):
        return True
    return None if speaks_v6(cli) and "acl ipv6 " not in rest else False


def _anywhere(found: Iterable[bool | None]) -> bool | None:
    known = set(found)
    return True if True in known else None if None in known else False


def _communities(cli: DeviceCli) -> tuple[Community, ...]:
    rows = []
    for found in config(cli).matches(r"snmp-agent community (?!complexity-check)(read|write) (.*)"):
        words = found[2].split()
        hidden = words[0] in ("cipher",) or bool(re.match(_HIDDEN, words[0]))
        rows.append(
            Community(
                write=found[1] == "write",
                well_known=None if hidden else well_known(words[0]),
                short=None if hidden else short(words[0]),
                anywhere=_guard(cli, f" {found[2]}"),
            )
        )
    for line in config(cli).blocks("snmp-agent community "):
        if not re.match(r"snmp-agent community (?:read|write|complexity-check) ", line.text):
            raise Unparsable(f"line {line.line}: unknown form of snmp-agent community")
    return tuple(rows)


def _snmp_users(cli: DeviceCli) -> tuple[tuple[SnmpUser, bool | None], ...]:
    """(user, from anywhere). A user's lines lie apart on newer releases: group, signature and cipher each have one."""
    tree = config(cli)
    groups = {found[1]: found[2] or "" for found in tree.matches(r"snmp-agent group v3 (\S+)(.*)")}
    lines: dict[str, list[str]] = {}
    for found in tree.matches(r"snmp-agent usm-user v3 (\S+) ?(.*)"):
        lines.setdefault(found[1], []).append(found[2])
    return tuple(_snmp_user(cli, name, rests, groups) for name, rests in lines.items())


def _snmp_user(cli: DeviceCli, name: str, rests: list[str], groups: dict[str, str]) -> tuple[SnmpUser, bool | None]:
    whole = " ".join(rests)
    named = re.search(r"(?:^| )group (\S+)", whole) or re.match(r"(?!authentication-mode|privacy-mode|acl |cipher )(\S+)", whole)
    group = groups.get(named[1]) if named else None
    signed = re.search(r"authentication-mode (\S+)", whole)
    hidden = re.search(r"privacy-mode (\S+)", whole)
    word = group.split()[0] if group and group.split() else "noauthentication"
    demanded = {"privacy": "authPriv", "authentication": "authNoPriv"}.get(word, "noAuthNoPriv") if group is not None else None
    user = SnmpUser(
        name=name,
        level=demanded,
        auth=_auth(signed[1]) if signed else "none",
        priv=_priv(hidden[1]) if hidden else "none",
        write=" write-view " in f" {group} " if group is not None else None,
    )
    frees = (_guard(cli, f" {whole}"), True if group is None else _guard(cli, f" {group}"))
    return user, False if False in frees else None if None in frees else True


def _auth(word: str) -> Auth:
    known: dict[str, Auth] = {
        "md5": "md5",
        "sha": "sha1",
        "sha2-224": "sha224",
        "sha2-256": "sha256",
        "sha2-384": "sha384",
        "sha2-512": "sha512",
    }
    if word not in known:
        raise Unparsable(f"snmp-agent usm-user: unknown authentication-mode {word[:20]}")
    return known[word]


def _priv(word: str) -> Priv:
    known: dict[str, Priv] = {
        "des56": "des",
        "3des": "3des",
        "3des168": "3des",
        "aes128": "aes128",
        "aes192": "aes192",
        "aes256": "aes256",
    }
    if word not in known:
        raise Unparsable(f"snmp-agent usm-user: unknown privacy-mode {word[:20]}")
    return known[word]


def _traps(cli: DeviceCli) -> tuple[TrapHost, ...]:
    rows = []
    for found in config(cli).matches(
        r"snmp-agent target-host (?!trap-paramsname)(?:(?:host-name \S+ )?(?:trap|inform) address )?(.*)"
    ):
        address = re.search(r"(?:udp-domain |^ipv6 udp-domain )(\S+)", found[1])
        if not address:
            raise Unparsable("snmp-agent target-host: no address in it")
        version = re.search(r" (v1|v2c|v3)(?: (privacy|authentication))?", found[1])
        rows.append(
            TrapHost(
                address=address[1],
                version=version[1][1:] if version else None,
                level=None
                if not version or version[1] != "v3"
                else {"privacy": "authPriv", "authentication": "authNoPriv"}.get(version[2], "noAuthNoPriv"),
            )
        )
    return tuple(rows)


def device_services(cli: DeviceCli) -> DeviceServices:
    """State commands where there are, lines of the configuration where they say it; the rest is named as unknown."""
    tree = config(cli)
    found: dict[Service, DeviceService] = {}
    unknown: list[Service] = []

    def say(name: Service, on: bool | None, explicit: bool = True) -> None:
        if on is None:
            unknown.append(name)
        else:
            found[name] = DeviceService(name=name, on=on, explicit=explicit)

    web = _quiet(lambda: pages(cli)[0])
    say("telnet", _quiet(lambda: telnet_on(cli)))
    say("http", web)
    say("ftp", _ftp(tree))
    say("lldp", tree.flag("lldp enable"))
    # off unless configured: "dhcp enable", "snmp-agent", all VRP command references
    say("dhcp", tree.flag("dhcp enable") is True, tree.flag("dhcp enable") is not None)
    say("snmp", tree.flag("snmp-agent") is True, tree.flag("snmp-agent") is not None)
    return DeviceServices(services=tuple(found[name] for name in sorted(found)), unknown=tuple(sorted(unknown)))


def _ftp(tree: Block) -> bool | None:
    for text in ("ftp server enable", "ftp ipv6 server enable"):
        if tree.flag(text):
            return True
    if tree.flag("ftp server") is False or tree.flag("ftp server enable") is False:
        return False
    return None


def _quiet(ask: Callable[[], bool]) -> bool | None:
    try:
        return ask()
    except CollectError:
        return None
