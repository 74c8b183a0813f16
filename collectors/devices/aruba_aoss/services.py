"""Aruba AOS-S: logging, the clock, SNMP, and the small services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from collectors.devices.aruba_aoss.access import door_of, plain_web, rest, speaks_rest, speaks_v6, telnet
from collectors.devices.aruba_aoss.text import config, known_release, unquoted
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import Auth, Priv, short, well_known
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

Security = Literal["noAuthNoPriv", "authNoPriv", "authPriv"]

_LEVELS: dict[str, Level] = {
    "major": "critical", "error": "error", "warning": "warning", "info": "informational", "debug": "debug",
}  # fmt: skip
_HOST = re.compile(r"logging (\d+\.\d+\.\d+\.\d+|[0-9A-Fa-f]*:[0-9A-Fa-f:]+|\"?[\w.-]+\.[\w.-]+\"?)(?: (udp|tcp|tls))?\b(.*)$")


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Servers from the configuration. The event log stands on the switch and cannot be switched off."""
    gaps = Gaps()
    tree = config(cli)
    known = known_release(cli)
    if not known:
        gaps.note(("enabled", "buffer", "timestamps"), "unsupported", "what this release always records is not known")
    gaps.note("logons", "unsupported", "the guides do not say that every log-on, and every one that fails, is recorded")
    level = gaps.attempt(("level", "hosts[].level"), lambda: _level(cli, tree))
    commands = bool(tree.matches(r"aaa accounting commands \S+ (?:radius|tacacs|syslog)\b"))
    told = bool(tree.lines("logging notify running-config-change")) or tree.has("logging notify running-config-change")
    if told and not commands:
        gaps.note("changes", "unsupported", "that something changed is recorded; whether by whom is not told")
    return DeviceLogs(
        enabled=True if known else None,
        hosts=tuple(_hosts(tree, level)),
        buffer=True if known else None,
        level=level,
        timestamps=True if known else None,
        logons=None,
        changes=True if commands else None if told else False,
        synchronous_source=tree.value("ip source-interface syslog ") or tree.value("ip source-interface all "),
        unseen=gaps.unseen,
    )


def _level(cli: DeviceCli, tree: Node) -> Level:
    """debug where nothing is said (ArubaOS-Switch Management and Configuration Guide, logging severity).

    One module alone, or a filter that is on, lets a part through that nobody can tell.
    """
    if (tree.value("logging system-module ") or "all-pass") != "all-pass":
        raise Unsupported("logging system-module: records of one module alone are sent")
    if tree.matches(r"logging filter \S+ enable$"):
        raise Unsupported("a filter of records is on (logging filter), and what it lets through is not followed")
    said = tree.value("logging severity ")
    if said is None and not known_release(cli):
        raise Unsupported("no line `logging severity`, and the factory's setting of this release is not known")
    if said is not None and said not in _LEVELS:
        raise Unparsable(f"logging severity: cannot place {said[:30]!r}")
    return _LEVELS[said] if said else "debug"


def _hosts(tree: Node, level: Level | None) -> Iterator[LogHost]:
    for node in tree.children:
        if found := _HOST.match(node.text):
            yield LogHost(
                address=unquoted(found[1]), protocol="tcp" if found[2] in ("tcp", "tls") else "udp", encrypted=found[2] == "tls", level=level
            )  # fmt: skip


# --- clock ------------------------------------------------------------------------------------------------------------


def clock(cli: DeviceCli) -> Clock:
    """The protocol that `timesync` names with its servers; what is followed from `show ntp status`."""
    gaps = Gaps()
    tree = config(cli)
    zone = _zone(tree)
    way = tree.value("timesync ")
    if way is None and tree.flag("timesync") is not False:
        gaps.note(
            ("software", "running", "synchronised"),
            "unsupported",
            "no line `timesync`, and what is followed then hangs on the release",
        )
        return Clock(software=None, running=None, synchronised=None, servers=None, timezone=zone, unseen=gaps.unseen)
    if way == "ntp":
        return _ntp(cli, tree, gaps, zone)
    if way in ("sntp", "timep-or-sntp"):
        gaps.note("synchronised", "unsupported", "SNTP does not tell whether the clock follows its server")
        names = dict.fromkeys(_sntp_servers(tree))
        asks = tree.flag("sntp unicast") or tree.flag("sntp broadcast") or tree.flag("sntp dhcp")
        rows = tuple(TimeServer(address=name, selected=None, reachable=None) for name in names)
        if rows:
            gaps.note(("servers[].selected", "servers[].reachable"), "unsupported", "the switch does not tell of each server")
        if not asks:
            gaps.note("running", "unsupported", "no line says whether servers are asked")
        return Clock(
            software="sntp", running=True if asks else None, synchronised=None, servers=rows, timezone=zone,
            authenticated=_authenticated(tree, "sntp"), unseen=gaps.unseen,
        )  # fmt: skip
    if way == "timep":
        gaps.note("synchronised", "unsupported", "TimeP does not tell whether the clock follows its server")
        return Clock(software=None, running=None, synchronised=None, servers=None, timezone=zone, unseen=gaps.unseen)
    return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone, unseen=gaps.unseen)


def _zone(tree: Node) -> str:
    """Minutes east of Greenwich."""
    found = re.match(r"-?\d+$", tree.value("time timezone ") or "0")
    if not found:
        raise Unparsable("time timezone: no number of minutes")
    hours, minutes = divmod(abs(int(found[0])), 60)
    if not hours and not minutes:
        return "UTC"
    return f"UTC{'-' if found[0].startswith('-') else '+'}{hours}" + (f":{minutes:02d}" if minutes else "")


def _ntp(cli: DeviceCli, tree: Node, gaps: Gaps, zone: str) -> Clock:
    names = tuple(dict.fromkeys(unquoted(line.split()[0]) for line in tree.lines("ntp server ")))
    status = gaps.attempt(("running", "synchronised", "stratum", "offset_ms"), lambda: _status(cli))
    on = None if status is None else bool(re.search(r"NTP Status\s*:\s*Enabled", status))
    found = re.search(r"Synchronization Status\s*:\s*(\S+)", status or "")
    stratum = re.search(r"Stratum Number\s*:\s*(\d+)", status or "")
    offset = re.search(r"Clock Offset\s*:\s*(-?[\d.]+) (m?sec)", status or "")
    itself = re.search(r"Reference ID\s*:\s*(?:127\.|\.?LOCL)", status or "")
    if names:
        gaps.note(("servers[].selected", "servers[].reachable"), "unsupported", "the servers are those of the configuration")
    follows = bool(found) and found is not None and found[1] == "Synchronized" and not itself
    return Clock(
        software="ntp",
        running=on,
        synchronised=None if status is None else bool(on) and follows,
        servers=tuple(TimeServer(address=name, selected=None, reachable=None) for name in names),
        stratum=int(stratum[1]) if stratum else None,
        offset_ms=abs(float(offset[1])) * (1 if offset[2] == "msec" else 1000) if offset and follows else None,
        timezone=zone,
        authenticated=_authenticated(tree, "ntp"),
        unseen=gaps.unseen,
    )


def _status(cli: DeviceCli) -> str:
    text = cli.ask("show ntp status")
    if not re.search(r"NTP Status\s*:\s*(?:Enabled|Disabled)", text) or not re.search(r"Synchronization Status\s*:", text):
        raise Unparsable("show ntp status: does not say whether the clock is synchronised")
    return text


def _sntp_servers(tree: Node) -> Iterator[str]:
    for line in tree.lines("sntp server "):
        yield unquoted(re.sub(r"^priority \d+ ", "", line).split()[0])


def _authenticated(tree: Node, word: str) -> bool:
    """Each server has a key, and each such key is trusted."""
    if word == "sntp" and not tree.has("sntp authentication"):
        return False
    trusted = {found[1] for found in tree.matches(rf"{word} authentication key-id (\d+) .*\btrusted\b")}
    trusted |= {found[1] for found in tree.matches(rf"{word} authentication key-id (\d+) trusted$")}
    keys = [re.search(r"\bkey-id (\d+)", line) for line in tree.lines(f"{word} server ")]
    return bool(keys) and all(key is not None and key[1] in trusted for key in keys)


# --- SNMP -------------------------------------------------------------------------------------------------------------

_AUTHS: dict[str, Auth] = {"none": "none", "md5": "md5", "sha": "sha1"}
_PRIVS: dict[str, Priv] = {"none": "none", "cbc des": "des", "cfb aes-128": "aes128"}
_GROUPS: dict[str, tuple[Security, bool]] = {
    "managerpriv": ("authPriv", True), "managerauth": ("authNoPriv", True), "operatorauth": ("authNoPriv", False),
    "operatornoauth": ("noAuthNoPriv", False),
}  # fmt: skip


def snmp_service(cli: DeviceCli) -> SnmpService:
    """Communities from the configuration, users of version 3 from `show snmpv3 user`, where alone their ways always stand."""
    gaps = Gaps()
    tree = config(cli)
    third = tree.flag("snmpv3 enable") is True
    only = third and tree.stands("snmpv3 only") is True
    off = tree.has("no snmp-server enable")
    communities = () if off or only else tuple(_communities(tree, gaps))
    users = gaps.attempt("users", lambda: tuple(_users(cli, tree, gaps))) if third and not off else ()
    return SnmpService(
        enabled=not off and (bool(communities) or third),
        v1_v2c=bool(communities),
        communities=communities,
        users=users,
        trap_hosts=tuple(_trap_hosts(tree, gaps)),
        anywhere=gaps.attempt("anywhere", lambda: not off and (bool(communities) or third) and door_of(tree, "snmp").anywhere),
        unseen=gaps.unseen,
    )


def _communities(tree: Node, gaps: Gaps) -> Iterator[Community]:
    """Read-only unless `unrestricted` (Management and Configuration Guide, snmp-server community)."""
    anywhere = gaps.attempt("communities[].anywhere", lambda: door_of(tree, "snmp").anywhere)
    for line in tree.lines("snmp-server community "):
        found = re.match(r"(\"[^\"]*\"|\S+)(.*)$", line)
        assert found
        yield _community(found[1], bool(re.search(r"\bunrestricted\b", found[2], re.I)), anywhere)
    for named in tree.matches(r"snmpv3 community index \S+ name (\"[^\"]*\"|\S+) sec-name (\S+)"):
        yield _community(named[1], "readwrite" in named[2].lower(), anywhere)


def _community(name: str, write: bool, anywhere: bool | None) -> Community:
    return Community(write=write, well_known=well_known(name), short=short(name), anywhere=anywhere)


def _users(cli: DeviceCli, tree: Node, gaps: Gaps) -> Iterator[SnmpUser]:
    text = cli.ask("show snmpv3 user")
    head = re.search(r"^\s*User Name\s+Auth\. Protocol\s+Privacy Protocol\s*$", text, re.M)
    if not head:
        raise Unparsable("show snmpv3 user: no table in it")
    groups = {unquoted(found[2]): found[1].lower() for found in tree.matches(r"snmpv3 group (\S+) user (\"[^\"]*\"|\S+)")}
    for line in text[head.end() :].splitlines():
        words = re.split(r"\s{2,}", line.strip())
        if len(words) < 2 or set(line) <= set("- "):
            continue
        signs, hides = words[1].lower(), words[2].lower() if len(words) > 2 else "?"
        if signs not in _AUTHS or hides not in _PRIVS:
            raise Unparsable(f"show snmpv3 user: cannot place {line.strip()[:60]!r}")
        known = _GROUPS.get(groups.get(words[0], ""))
        if known is None:
            gaps.note(
                ("users[].level", "users[].write"), "unsupported", f"the user {words[0]} stands in no group this program knows"
            )
        yield SnmpUser(
            name=words[0], level=known and known[0], auth=_AUTHS[signs], priv=_PRIVS[hides], write=known and known[1]
        )  # fmt: skip


def _trap_hosts(tree: Node, gaps: Gaps) -> Iterator[TrapHost]:
    for line in tree.lines("snmp-server host "):
        gaps.note("trap_hosts[].version", "unsupported", "version 1 or 2c: which of them is not shown")
        yield TrapHost(address=unquoted(line.split()[0]), version=None)
    ways: dict[str, Security] = {}
    for found in tree.matches(r"snmpv3 params (\"[^\"]*\"|\S+) user .*\bver3\b.* (noauth|auth|priv)$"):
        ways[unquoted(found[1])] = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}[found[2]]  # type: ignore[assignment]
    for found in tree.matches(r"snmpv3 targetaddress (?:\"[^\"]*\"|\S+) params (\"[^\"]*\"|\S+) (\S+)"):
        level = ways.get(unquoted(found[1]))
        if level is None:
            gaps.note(
                "trap_hosts[].version", "unsupported", "a target whose parameters are not those of version 3, or are not there"
            )
        yield TrapHost(address=found[2], version="3" if level else None, level=level)


# --- small services ---------------------------------------------------------------------------------------------------

_LINES: tuple[tuple[Service, str, bool], ...] = (
    # (service, its line, what the factory sets): ArubaOS-Switch Management and Configuration, Access Security, Multicast and
    # Routing Guides for 15.06 to 16.11
    ("tftp", "tftp server", True),
    ("redirects", "ip icmp redirects", True),
    ("source-route", "ip source-route", True),
    ("usb-install", "autorun", True),
    ("dhcp", "dhcp-server enable", False),
)


def device_services(cli: DeviceCli) -> DeviceServices:
    """A line of the configuration first, the factory's setting where it is silent and the release known."""
    tree = config(cli)
    known = known_release(cli)
    rows: dict[Service, tuple[bool, bool]] = {"snmp": (_answers_snmp(tree), True), "ftp": (False, False)}
    unknown: list[Service] = []
    for name, line, factory in _LINES:
        said = tree.flag(line)
        if said is None and not known:
            unknown.append(name)
        else:
            rows[name] = (factory if said is None else said, said is not None)
    if "tftp" in rows and not rows["tftp"][0] and speaks_v6(tree):
        # IPv6 has a line of its own; what the factory sets there is not in our table
        if tree.flag("tftp6 server") is None:
            del rows["tftp"]
            unknown.append("tftp")
        else:
            rows["tftp"] = (tree.flag("tftp6 server") is True, True)
    discovery: tuple[Service, ...] = ("lldp", "cdp")
    for name in discovery:
        said = False if tree.has(f"no {name} run") or tree.has(f"no {name} enable") else None
        if said is None and not known:
            unknown.append(name)
        else:
            rows[name] = (said is None, said is not None)
    loads = [tree.flag(f"dhcp {kind}-file-update") for kind in ("config", "image")]
    rows["config-network"] = (loads != [False, False], None not in loads)
    answers = (vlan.flag("ip proxy-arp") or vlan.flag("ip local-proxy-arp") for vlan in tree.blocks("vlan "))
    rows["proxy-arp"] = (any(answers), False)
    clears = [tree.flag(f"front-panel-security {what}") for what in ("password-clear", "factory-reset", "password-recovery")]
    rows["password-recovery"] = (clears != [False, False, False], None not in clears)
    asked: dict[Service, tuple[str, Callable[[DeviceCli, Node], bool]]] = {
        "telnet": ("telnet-server", telnet),
        "http": ("web-management", plain_web),
        **({"rest-api": ("rest-interface", rest)} if speaks_rest(cli) else {}),
    }
    for service, (line, ask) in asked.items():
        try:
            rows[service] = (ask(cli, tree), tree.flag(line) is not None)
        except CollectError:
            unknown.append(service)
    return DeviceServices(
        services=tuple(DeviceService(name=name, on=on, explicit=explicit) for name, (on, explicit) in sorted(rows.items())),
        unknown=tuple(sorted(unknown)),
    )


def _answers_snmp(tree: Node) -> bool:
    return not tree.has("no snmp-server enable") and bool(tree.lines("snmp-server community ") or tree.flag("snmpv3 enable"))
