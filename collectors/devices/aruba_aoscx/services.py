"""Aruba AOS-CX: logging, the clock, SNMP, and the small services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Literal

from collectors.devices.aruba_aoscx.access import door_of, vrfs
from collectors.devices.aruba_aoscx.acl import access_lists, reach
from collectors.devices.aruba_aoscx.text import config, known_release, row, show_system, words_behind
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import Priv, auth, level, priv, short, well_known
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

Security = Literal["noAuthNoPriv", "authNoPriv", "authPriv"]

_LEVELS: tuple[Security, ...] = ("noAuthNoPriv", "authNoPriv", "authPriv")
_NO_HOST = ("console", "facility", "filter", "persistent-storage", "threshold", "rate-limit", "cef", "severity")
"""Words behind `logging` that name no server."""


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Servers from the configuration. Event log and accounting log stand on the switch and cannot be switched off."""
    gaps = Gaps()
    tree = config(cli)
    hosts = gaps.attempt("hosts", lambda: tuple(_hosts(tree)))
    levels = {host.level for host in hosts or ()}
    known = known_release(cli)
    if not known:
        gaps.note(("enabled", "buffer", "timestamps", "changes"), "unsupported", "what this release always records is not known")
    gaps.note("logons", "unsupported", "log-ons that succeed are accounted; the guides do not say that every one that fails is")
    return DeviceLogs(
        enabled=True if known else None,
        hosts=hosts,
        buffer=True if known else None,
        level=levels.pop() if len(levels) == 1 else None,
        timestamps=True if known else None,
        logons=None,
        # local accounting of commands and REST is "enabled by default and always active" (AOS-CX Hardening Guide, Accounting)
        changes=True if known else None,
        synchronous_source=tree.value("ip source-interface syslog ") or tree.value("ip source-interface all "),
        unseen=gaps.unseen,
    )


def _hosts(tree: Node) -> Iterator[LogHost]:
    for line in tree.lines("logging "):
        words = line.split()
        if words[0] in _NO_HOST:
            continue
        transport = next((word for word in words[1:] if word in ("udp", "tcp", "tls")), "udp")
        said = words_behind(line, "severity")
        # info where nothing is said (AOS-CX Monitoring Guide, logging); a filter takes a part nobody can tell
        least = None if words_behind(line, "filter") is not None else _severity(said or "info")
        yield LogHost(
            address=words[0], protocol="udp" if transport == "udp" else "tcp", encrypted=transport == "tls", level=least
        )  # fmt: skip


def _severity(word: str) -> Level:
    return level({"info": "informational", "err": "error", "crit": "critical", "emerg": "emergency"}.get(word, word))


# --- clock ------------------------------------------------------------------------------------------------------------

_ASSOCIATION = re.compile(r"^\s*([*#+\-ox. ]?)\s*\d+\s+(\S+)\s+(\S+)\s+\S+\s+(\d+|-)\s+\S+\s+\S+\s+([0-7]+)\s*$", re.M)


def clock(cli: DeviceCli) -> Clock:
    """What is followed from `show ntp status` and `show ntp associations`, which hold servers learnt by DHCP too."""
    gaps = Gaps()
    tree = config(cli)
    zone = gaps.attempt("timezone", lambda: row(show_system(cli), "Time Zone"))
    status = gaps.attempt(("software", "running", "synchronised", "stratum"), lambda: _status(cli))
    if status is not None and re.search(r"^NTP\s*:\s*Disabled", status, re.M):
        gaps.note("stratum", "unsupported", "NTP is off")
        named = tuple(TimeServer(address=name, selected=False, reachable=None) for name, _ in _named(tree))
        return Clock(
            software="ntp" if named else "none", running=False, synchronised=False, servers=named, timezone=zone, unseen=gaps.unseen
        )  # fmt: skip
    found = re.search(r"^NTP Server\s*:\s*(\S+) at stratum level (\d+)", status or "", re.M)
    gaps.note("offset_ms", "unsupported", "the switch tells how exact its clock is, not how far it is from its source")
    return Clock(
        software=None if status is None else "ntp",
        running=None if status is None else True,
        synchronised=gaps.attempt("synchronised", lambda: _synchronised(status)) if status is not None else None,
        servers=gaps.attempt("servers", lambda: _servers(cli)),
        stratum=int(found[2]) if found else None,
        timezone=zone,
        authenticated=_authenticated(tree),
        unseen=gaps.unseen,
    )


def _status(cli: DeviceCli) -> str:
    text = cli.ask("show ntp status")
    if not re.search(r"^NTP\s*:\s*(?:Enabled|Disabled)", text, re.M):
        raise Unparsable("show ntp status: does not say whether NTP is on")
    return text


def _synchronised(status: str) -> bool:
    found = re.search(r"^NTP Server\s*:\s*(\S+) at stratum level (\d+)", status, re.M)
    if found:
        return not found[1].startswith(("127.", "LOCAL")) and int(found[2]) < 16
    if re.search(r"^Not synchronized", status, re.M | re.I):
        return False
    raise Unparsable("show ntp status: does not say whether the clock is synchronised")


def _servers(cli: DeviceCli) -> tuple[TimeServer, ...]:
    text = cli.ask("show ntp associations")
    if not re.search(r"REF-?ID\s+ST\s+LAST\s+POLL\s+REACH", text):
        raise Unparsable("show ntp associations: no table in it")
    return tuple(
        TimeServer(address=found[2], selected=found[1] == "*", reachable=int(found[5], 8) > 0)
        for found in _ASSOCIATION.finditer(text)
        if not found[3].startswith("127.")  # itself, or a clock of its own
    )


def _named(tree: Node) -> Iterator[tuple[str, str]]:
    """Address and the rest of each configured server."""
    for line in tree.lines("ntp server "):
        address, _, rest = line.partition(" ")
        yield address, rest


def _authenticated(tree: Node) -> bool:
    """Keys are demanded, and each server has one that is trusted."""
    if not tree.flag("ntp authentication"):
        return False
    trusted = {found[1] for found in tree.matches(r"ntp authentication-key (\d+) .*\btrusted\b")}
    trusted |= {found[1] for found in tree.matches(r"ntp trusted-key (\d+)")}
    keys = [re.search(r"(?:^| )key(?:-id)? (\d+)", rest) for _, rest in _named(tree)]
    return bool(keys) and all(key is not None and key[1] in trusted for key in keys)


# --- SNMP -------------------------------------------------------------------------------------------------------------


def snmp_service(cli: DeviceCli) -> SnmpService:
    """Agent per VRF, communities with their lists, users of version 3. Where no community is set, `public` answers."""
    gaps = Gaps()
    tree = config(cli)
    agents = tuple(dict.fromkeys(line.split()[0] for line in tree.lines("snmp-server vrf ")))
    old = bool(agents) and tree.flag("snmp-server snmpv3-only") is not True
    open_door = gaps.attempt("anywhere", lambda: _open_door(tree, agents))
    communities = gaps.attempt("communities", lambda: tuple(_communities(cli, tree, open_door))) if old else ()
    if communities and any(row.well_known is None for row in communities):
        gaps.note("communities[].well_known", "unsupported", "the switch hides the name of a community")
    users = gaps.attempt("users", lambda: tuple(_users(tree)))
    anywhere = None
    if users is not None and communities is not None and open_door is not None:
        anywhere = bool(agents) and open_door and (bool(users) or any(row.anywhere is not False for row in communities))
    return SnmpService(
        enabled=bool(agents),
        v1_v2c=old,
        communities=communities,
        users=users,
        trap_hosts=gaps.attempt("trap_hosts", lambda: tuple(_trap_hosts(tree, users or ()))),
        anywhere=anywhere,
        unseen=gaps.unseen,
    )


def _open_door(tree: Node, agents: tuple[str, ...]) -> bool:
    """In some VRF the control plane lets any address reach the agent."""
    doors = [door_of(tree, vrf, "snmp").anywhere for vrf in agents]
    if None in doors:
        raise Unsupported("an empty list stands at the control plane; what it does is not told")
    return any(doors)


def _communities(cli: DeviceCli, tree: Node, open_door: bool | None) -> Iterator[Community]:
    blocks = list(tree.blocks("snmp-server community "))
    for block in blocks:
        named = block.value("access-list ")
        door = open_door if named is None or _admits_all(tree, named) else False
        yield _community(block.text.split()[-1], block.value("access-level ") == "rw", door)
    for found in tree.matches(r"snmpv3 context \S+.*? community (\S+)"):
        yield _community(found[1], False, open_door)
    if not blocks:
        # "the default SNMP community string is public", read-only (AOS-CX Hardening Guide, Securing SNMP Access)
        if not known_release(cli):
            raise Unsupported("no community is set, and whether this release then answers one of its own is not known")
        yield _community("public", False, open_door)


def _admits_all(tree: Node, name: str) -> bool:
    """The list of a community lets everybody ask. Raises where there is none of that name, or where it is empty."""
    found = [known for (_, own), known in access_lists(tree).items() if own == name.split()[-1]]
    if not found:
        raise Unparsable(f"the list {name[:40]} of a community is not in the configuration")
    wide = reach(found, "udp", 161).anywhere
    if wide is None:
        raise Unsupported(f"the list {name[:40]} of a community is empty; what it does is not told")
    return wide


def _community(name: str, write: bool, anywhere: bool | None) -> Community:
    return Community(write=write, well_known=well_known(name), short=short(name), anywhere=anywhere)


def _least(tree: Node) -> Security:
    """auth-privacy unless lowered (AOS-CX SNMP Guide, snmpv3 security-level); its own `no` lets everybody in."""
    least: Security = "authPriv"
    for found in tree.matches(r"(no )?snmpv3 security-level (\S+)"):
        if found[2] not in ("auth", "auth-privacy"):
            raise Unparsable(f"snmpv3 security-level: cannot place {found[2][:30]!r}")
        least = (
            ("authPriv" if found[2] == "auth" else "noAuthNoPriv")
            if found[1]
            else ("authNoPriv" if found[2] == "auth" else "authPriv")
        )
    return least


def _users(tree: Node) -> Iterator[SnmpUser]:
    least = _least(tree)
    said: dict[str, str] = {}
    for line in tree.lines("snmpv3 user "):
        name, _, rest = line.partition(" ")
        said[name] = f"{said.get(name, '')} {rest}"
    for name, words in said.items():
        signs, hides = words_behind(words, "auth"), words_behind(words, "priv")
        able: Security = "authPriv" if hides else "authNoPriv" if signs else "noAuthNoPriv"
        cipher: Priv = priv(hides) if hides else "none"
        yield SnmpUser(
            name=name,
            level=min(least, able, key=_LEVELS.index),
            auth=auth(signs) if signs else "none",
            priv=cipher,
            write=words_behind(words, "access-level") == "rw",
        )


def _trap_hosts(tree: Node, users: tuple[SnmpUser, ...]) -> Iterator[TrapHost]:
    levels = {user.name: user.level for user in users}
    for line in tree.lines("snmp-server host "):
        found = re.search(r"\bversion v?(1|2c|3)\b", line)
        user = words_behind(line, "user")
        yield TrapHost.model_validate(
            {
                "address": line.split()[0],
                "version": found[1] if found else None,
                "level": levels.get(user or "") if found and found[1] == "3" else None,
            }
        )


# --- small services ---------------------------------------------------------------------------------------------------


def device_services(cli: DeviceCli) -> DeviceServices:
    """Lines of the configuration; what no line says is off or on as the guides for 10.00 to 10.16 tell."""
    tree = config(cli)
    rows: dict[Service, tuple[bool, bool]] = {
        "telnet": (bool(vrfs(tree, "telnet")), bool(vrfs(tree, "telnet"))),
        "rest-api": (bool(vrfs(tree, "https")), True),
        "snmp": (bool(tree.lines("snmp-server vrf ")), True),
    }
    unknown: list[Service] = []
    defaults: tuple[tuple[Service, bool | None, bool], ...] = (
        # on where nothing is said: LLDP (Link Aggregation and LLDP Guide), redirects (IP Services Guide), ServiceOS without a
        # password (Hardening Guide). off: servers for DHCP and NTP, proxy ARP (IP Services Guide)
        ("lldp", tree.stands("lldp"), True),
        ("redirects", tree.flag("ip icmp redirect"), True),
        ("password-recovery", False if tree.stands("system serviceos password-prompt") else None, True),
        ("dhcp", _enabled(tree, ("dhcp-server vrf ", "dhcpv6-server vrf ")), False),
        ("ntp-server", True if tree.matches(r"ntp (?:master|conductor) ") else None, False),
        ("proxy-arp", True if any(map(partial(_answers_for_others, tree), tree.blocks("interface "))) else None, False),
    )
    for name, said, default in defaults:
        if said is not None:
            rows[name] = (said, True)
        elif known_release(cli):
            rows[name] = (default, False)
        else:
            unknown.append(name)
    central = next(iter(tree.blocks("aruba-central")), None) or next(iter(tree.blocks("hpe-anw-central")), None)
    if central is not None and (central.has("disable") or central.has("enable")):
        rows["call-home"] = (central.has("enable"), True)
    else:
        unknown.append("call-home")
    return DeviceServices(
        services=tuple(DeviceService(name=name, on=on, explicit=explicit) for name, (on, explicit) in sorted(rows.items())),
        unknown=tuple(sorted(unknown)),
    )


def _enabled(tree: Node, starts: tuple[str, ...]) -> bool | None:
    blocks = [block for start in starts for block in tree.blocks(start)]
    return any(block.flag("enable") for block in blocks) if blocks else None


def _answers_for_others(tree: Node, interface: Node) -> bool:
    return bool(interface.flag("ip proxy-arp") or interface.flag("ip local-proxy-arp"))
