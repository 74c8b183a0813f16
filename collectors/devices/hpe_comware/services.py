"""HPE Comware and H3C: logs, SNMP, and the small services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from collectors.devices.hpe_comware.access import page_on, speaks_v6, telnet_on
from collectors.devices.hpe_comware.text import allowed, config, seventh
from collectors.devices.vocabulary import auth, priv, reaches, short, well_known
from collectors.devices.vocabulary import level as level_of
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

SnmpLevel = Literal["noAuthNoPriv", "authNoPriv", "authPriv"]

_LEVELS: dict[str, SnmpLevel] = {"privacy": "authPriv", "authentication": "authNoPriv"}


IPV4_ALONE = "a list for IPv4 alone, and the device speaks IPv6 too"


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """The information center. It runs unless somebody wrote `undo info-center enable` (on by default on Comware 5 and 7)."""
    gaps = Gaps()
    tree = config(cli)
    on = tree.flag("info-center enable") is not False
    hosts = gaps.attempt("hosts", lambda: _hosts(cli)) if on else ()
    gaps.note("logons", "unsupported", "which modules record log-ons differs by release and is not in our table")
    # Default `date`: "info-center timestamp", H3C S3100 and S5810 operation manuals, Comware 7 Network Management references
    stamp = tree.value("info-center timestamp loghost ") or tree.value("info-center timestamp log ")
    return DeviceLogs(
        enabled=on,
        hosts=hosts,
        buffer=on and tree.flag("info-center logbuffer") is not False,
        level=None,
        timestamps=stamp.split()[0] not in ("none", "boot", "no-year-date") if stamp else True,
        logons=None,
        changes=gaps.attempt("changes", lambda: _changes(on, hosts)),
        synchronous_source=tree.value("info-center loghost source "),
        unseen=gaps.unseen,
    )


def _changes(on: bool, hosts: tuple[LogHost, ...] | None) -> bool:
    """SHELL_CMD names command and user; it is informational, so a host that takes less never sees it."""
    if not on:
        return False
    if not hosts or any(host.level is None for host in hosts):
        raise Unsupported("commands are recorded as informational; whether that severity is kept or sent was not seen")
    return any(reaches(host.level, "informational") for host in hosts)


def _hosts(cli: DeviceCli) -> tuple[LogHost, ...]:
    tree = config(cli)
    least: Level | None = None
    for found in tree.matches(r"info-center source default (?:channel )?(?:2|loghost) (.*)"):
        if re.search(r"\bdeny\b|\blog (?:level \S+ )?state off\b", found[1]):
            return ()
        if said := re.search(r"(?:^|log )(?:state on )?level (\S+)", found[1]):
            least = level_of(said[1])
    rows: dict[str, LogHost] = {}
    for found in tree.matches(r"info-center loghost (?!source )(?:vpn-instance \S+ )?(?:ipv6 )?(\S+)(.*)"):
        rows[found[1]] = LogHost(address=found[1], protocol="udp", encrypted=False, level=least)
    return tuple(rows.values())


def snmp_service(cli: DeviceCli) -> SnmpService:
    """From the configuration; which versions are answered from the agent's own word."""
    gaps = Gaps()
    tree = config(cli)
    # off unless configured: "snmp-agent", Comware 5 and 7 Network Management and Monitoring references
    if tree.flag("snmp-agent") is not True:
        return SnmpService(enabled=False, v1_v2c=False, communities=(), users=(), trap_hosts=(), anywhere=False)
    communities = gaps.attempt("communities", lambda: _communities(cli))
    if communities and any(each.well_known is None for each in communities):
        gaps.note(("communities[].well_known", "communities[].short"), "unsupported", "the device shows it encrypted")
    users = gaps.attempt("users", lambda: _users(cli))
    anywhere = None
    if communities is not None and users is not None:
        anywhere = _anywhere([*(each.anywhere for each in communities), *(free for _, free in users)])
        if anywhere is None:
            gaps.note("anywhere", "unsupported", IPV4_ALONE)
    if any(each.anywhere is None for each in communities or ()):
        gaps.note("communities[].anywhere", "unsupported", IPV4_ALONE)
    return SnmpService(
        enabled=True,
        v1_v2c=gaps.attempt("v1_v2c", lambda: _versions(cli)),
        communities=communities,
        users=tuple(user for user, _ in users) if users is not None else None,
        trap_hosts=gaps.attempt("trap_hosts", lambda: _traps(cli)),
        anywhere=anywhere,
        unseen=gaps.unseen,
    )


def _versions(cli: DeviceCli) -> bool:
    said: set[str] = set()
    for words in config(cli).lines("snmp-agent sys-info version "):
        said |= {"v1", "v2c", "v3"} if "all" in words.split() else set(words.split())
    if said & {"v1", "v2c"}:
        return True
    running = re.findall(r"SNMPv(1|2c|3)", cli.ask("display snmp-agent sys-info version"), re.I)
    if not running:
        raise Unparsable("display snmp-agent sys-info version: no version in it")
    return any(version != "3" for version in running)


def _free(cli: DeviceCli, rest: str) -> bool | None:
    """No list keeps anybody away. None: a list for IPv4 alone, on a device that speaks IPv6 too."""
    own = re.search(r" acl (?!ipv6 )(?:number |name )?(\S+)", rest)
    if allowed(cli, own[1] if own else None) is None:
        return True
    return None if speaks_v6(cli) and " acl ipv6 " not in rest else False


def _anywhere(found: Iterable[bool | None]) -> bool | None:
    known = set(found)
    return True if True in known else None if None in known else False


def _communities(cli: DeviceCli) -> tuple[Community, ...]:
    rows = []
    for line in config(cli).blocks("snmp-agent community "):
        found = re.match(r"snmp-agent community (read|write) (?:(cipher|simple) )?(\S+)(.*)", line.text)
        if not found:
            raise Unparsable(f"line {line.line}: unknown form of snmp-agent community")
        hidden = found[2] == "cipher" or found[3].startswith("$c$")
        rows.append(
            Community(
                write=found[1] == "write",
                well_known=None if hidden else well_known(found[3]),
                short=None if hidden else short(found[3]),
                anywhere=_free(cli, found[4]),
            )
        )
    return tuple(rows)


def _users(cli: DeviceCli) -> tuple[tuple[SnmpUser, bool | None], ...]:
    tree = config(cli)
    groups = {found[1]: found[2] or "" for found in tree.matches(r"snmp-agent group v3 (\S+)(.*)")}
    rows = []
    for found in tree.matches(r"snmp-agent usm-user v3 (\S+) (user-role )?(\S+)(.*)"):
        group = groups.get(found[3]) if not found[2] else None
        signed = re.search(r" authentication-mode (\S+)", found[4])
        hidden = re.search(r" privacy-mode (\S+)", found[4])
        word = group.split()[0] if group and group.split() else ""
        user = SnmpUser(
            name=found[1],
            level=_LEVELS.get(word, "noAuthNoPriv") if group is not None else None,
            auth=auth(signed[1]) if signed else "none",
            priv=priv(hidden[1]) if hidden else "none",
            write=" write-view " in f"{group} " if group is not None else None,
        )
        frees = (_free(cli, found[4]), True if group is None else _free(cli, group))
        rows.append((user, False if False in frees else None if None in frees else True))
    return tuple(rows)


def _traps(cli: DeviceCli) -> tuple[TrapHost, ...]:
    rows = []
    for found in config(cli).matches(r"snmp-agent target-host (?:(?:trap|inform) )?(?:address )?udp-domain (?:ipv6 )?(\S+)(.*)"):
        said = re.search(r" (v1|v2c|v3)(?: (privacy|authentication))?", found[2])
        versions: dict[str, Literal["1", "2c", "3"]] = {"v1": "1", "v2c": "2c", "v3": "3"}
        rows.append(
            TrapHost(
                address=found[1],
                version=versions[said[1]] if said else None,
                level=_LEVELS.get(said[2], "noAuthNoPriv") if said and said[1] == "v3" else None,
            )
        )
    return tuple(rows)


def device_services(cli: DeviceCli) -> DeviceServices:
    """State commands where there are; defaults for Comware 7 alone, where each of these is off until switched on."""
    tree = config(cli)
    found: dict[Service, DeviceService] = {}
    unknown: list[Service] = []
    off = _quiet(lambda: seventh(cli)) is True

    def say(name: Service, on: bool | None, explicit: bool = True) -> None:
        if on is None:
            unknown.append(name)
        else:
            found[name] = DeviceService(name=name, on=on, explicit=explicit)

    def line(name: Service, *texts: str) -> None:
        said = [flag for text in texts if (flag := tree.flag(text)) is not None]
        # off by default: FTP, LLDP (HPE only), DHCP in the Comware 7 command references
        say(name, any(said) if said else False if off and name != "lldp" else None, bool(said))

    say("telnet", _quiet(lambda: telnet_on(cli)), tree.flag("telnet server enable") is not None)
    say("http", _quiet(lambda: page_on(cli, "http")))
    line("ftp", "ftp server enable")
    line("lldp", "lldp global enable", "lldp enable")
    line("dhcp", "dhcp enable")
    say("snmp", tree.flag("snmp-agent") is True, tree.flag("snmp-agent") is not None)
    return DeviceServices(services=tuple(found[name] for name in sorted(found)), unknown=tuple(sorted(unknown)))


def _quiet(ask: Callable[[], bool]) -> bool | None:
    try:
        return ask()
    except CollectError:
        return None
