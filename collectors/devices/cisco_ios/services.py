"""Cisco IOS: SNMP, and the small services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from collectors.devices.cisco_ios.access import transports
from collectors.devices.cisco_ios.acl import AccessList, access_lists, reach, speaks_v6
from collectors.devices.cisco_ios.text import config, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.redact import GONE
from collectors.transports.base import DeviceCli

WELL_KNOWN = frozenset({
    "public", "private", "cisco", "community", "snmp", "snmpd", "default", "manager", "monitor", "admin", "read", "write", "ro", "rw",
    "secret", "security", "test", "all", "ilmi", "cable-docsis", "switch", "router", "network", "password", "0", "1234",
})  # fmt: skip
_LEVELS: dict[str, Literal["noAuthNoPriv", "authNoPriv", "authPriv"]] = {
    "noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv",
}  # fmt: skip


def snmp_service(cli: DeviceCli) -> SnmpService:
    """Communities and groups from the configuration; users only from `show snmp user`, where alone IOS keeps them."""
    gaps = Gaps()
    tree = config(cli)
    lists, v6 = access_lists(tree), speaks_v6(tree)
    communities = tuple(_communities(tree, lists, v6))
    groups = tree.matches(r"snmp-server group (\S+) (v1|v2c|v3)(?: (noauth|auth|priv))?(.*)$")
    speaks = bool(communities or groups)
    users: tuple[SnmpUser, ...] | None = ()
    if speaks:
        users = gaps.attempt("users", lambda: _users(cli, groups))
    if tree.has("no snmp-server"):
        speaks = False
    doors = [row.anywhere for row in communities] + [_open(group, lists, v6) for group in groups] if speaks else []
    if None in doors and True not in doors:
        gaps.note("anywhere", "unparsable", "a list names a group that cannot be resolved, or a wildcard with holes")
    return SnmpService(
        enabled=speaks,
        v1_v2c=bool(communities) or any(group[2] != "v3" for group in groups),
        communities=communities,
        users=users,
        trap_hosts=tuple(_trap_hosts(tree)),
        anywhere=True if True in doors else None if None in doors else False,
        unseen=gaps.unseen,
    )


def _communities(tree: Node, lists: Mapping[str, AccessList], v6: bool) -> Iterator[Community]:
    for line in tree.lines("snmp-server community "):
        name, _, rest = line.partition(" ")
        words = re.sub(r"\bview \S+ ?", "", rest).split()
        six = words[words.index("ipv6") + 1] if "ipv6" in words[:-1] else None
        four = next((word for word in words if word.lower() not in ("ro", "rw", "ipv6") and word != six), None)
        hidden = name.startswith((GONE, "*"))
        yield Community(
            write=any(word.lower() == "rw" for word in words),
            well_known=None if hidden else name.lower() in WELL_KNOWN,
            short=None if hidden else len(name) < 8,
            anywhere=reach(lists, four, six, v6).anywhere,
        )


def _open(group: re.Match[str], lists: Mapping[str, AccessList], v6: bool) -> bool | None:
    six = re.search(r"\baccess ipv6 (\S+)", group[4])
    four = re.search(r"\baccess (?:ipv6 \S+ )?(?!ipv6)(\S+)", group[4])
    return reach(lists, four[1] if four else None, six[1] if six else None, v6).anywhere


def _users(cli: DeviceCli, groups: list[re.Match[str]]) -> tuple[SnmpUser, ...]:
    text = cli.ask("show snmp user")
    rows = []
    for block in re.split(r"^User name: ", text, flags=re.M)[1:]:
        name = block.split()[0]
        auth = _field(block, "Authentication Protocol")
        priv = _field(block, "Privacy Protocol")
        # a group may stand there once per level: the least of them is enough to ask
        own = [group for group in groups if group[1] == _field(block, "Group-name") and group[2] == "v3"]
        levels = [word for word in _LEVELS if any(group[3] == word for group in own)]
        rows.append(
            SnmpUser(
                name=name,
                level=_LEVELS[levels[0]] if levels else None,
                auth=_auth(auth),
                priv=_priv(priv),
                write=any(re.search(r"\bwrite \S+", group[4]) for group in own) if own else None,
            )
        )
    if not rows and text.strip() and "not enabled" not in text:
        raise Unparsable("show snmp user: cannot place what it says")
    return tuple(rows)


def _field(block: str, name: str) -> str | None:
    found = re.search(rf"^{name}: *(\S.*?)\s*$", block, re.M)
    return found[1] if found else None


def _auth(said: str | None) -> Literal["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None:
    word = re.sub(r"[^a-z0-9]", "", (said or "?").lower())
    known: dict[str, Literal["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"]] = {
        "none": "none", "md5": "md5", "sha": "sha1", "sha1": "sha1", "sha2224": "sha224", "sha224": "sha224", "sha2256": "sha256",
        "sha256": "sha256", "sha2384": "sha384", "sha384": "sha384", "sha2512": "sha512", "sha512": "sha512",
    }  # fmt: skip
    return known.get(word)


def _priv(said: str | None) -> Literal["none", "des", "3des", "aes128", "aes192", "aes256"] | None:
    word = "none" if said == "-" else re.sub(r"[^a-z0-9]", "", (said or "?").lower())
    known: dict[str, Literal["none", "des", "3des", "aes128", "aes192", "aes256"]] = {
        "none": "none", "des": "des", "3des": "3des", "aes": "aes128", "aes128": "aes128", "aes192": "aes192", "aes256": "aes256",
    }  # fmt: skip
    return known.get(word)


def _trap_hosts(tree: Node) -> Iterator[TrapHost]:
    for line in tree.lines("snmp-server host "):
        found = re.search(r"\bversion (1|2c|3)(?: (noauth|auth|priv))?", line)
        version = found[1] if found else "1"
        yield TrapHost.model_validate(
            {"address": line.split()[0], "version": version, "level": _LEVELS[found[2]] if found and found[2] else None}
        )


# --- small services ---------------------------------------------------------------------------------------------------

_LINES: tuple[tuple[Service, tuple[str, ...], bool | None], ...] = (
    # default where nothing is said: True or False on every release this file knows, None where it depends on the release.
    # Cisco IOS hardening guide (document 13608) and the command references; network operators' rules treat the same as on
    ("tcp-small-servers", ("service tcp-small-servers",), False),
    ("udp-small-servers", ("service udp-small-servers",), False),
    ("finger", ("ip finger", "service finger"), False),
    ("bootp", ("ip bootp server",), True),
    ("pad", ("service pad",), None),
    ("source-route", ("ip source-route",), True),
    ("config-network", ("service config",), None),
    ("dns-lookup", ("ip domain lookup", "ip domain-lookup"), True),
    ("gratuitous-arp", ("ip gratuitous-arps",), None),
    ("call-home", ("service call-home",), None),
    ("ftp", ("ftp-server enable",), False),
    ("rest-api", ("restconf",), False),
    ("http", ("ip http server",), None),
)


def device_services(cli: DeviceCli) -> DeviceServices:
    """A line of the configuration first, then a state command, then the maker's default where it is the same everywhere."""
    gaps = Gaps()
    tree = config(cli)
    written = resolved(cli)
    rows: dict[Service, DeviceService] = {}
    unknown: set[Service] = set()
    for name, lines, default in _LINES:
        said = next((flag for line in lines if (flag := tree.flag(line)) is not None), None)
        if said is None and written and default is not None:
            said = default
            rows[name] = DeviceService(name=name, on=said, explicit=False)
        elif said is not None:
            rows[name] = DeviceService(name=name, on=said, explicit=True)
        elif default is not None:
            rows[name] = DeviceService(name=name, on=default, explicit=False)
        else:
            unknown.add(name)
    for name, on in _asked(cli, tree, unknown):
        rows[name] = DeviceService(name=name, on=on, explicit=True)
    telnet = gaps.attempt((), lambda: any("telnet" in transports(cli, line) for line in tree.blocks("line vty ")))
    if telnet is None:
        unknown.add("telnet")
    else:
        rows["telnet"] = DeviceService(name="telnet", on=telnet, explicit=True)
    rows["tftp"] = DeviceService(name="tftp", on=bool(tree.lines("tftp-server ")), explicit=bool(tree.lines("tftp-server ")))
    pools = bool(tree.lines("ip dhcp pool "))
    rows["dhcp"] = DeviceService(name="dhcp", on=pools and tree.flag("service dhcp") is not False, explicit=pools)
    for name, line in (("proxy-arp", "ip proxy-arp"), ("redirects", "ip redirects")):
        rows[_service(name)] = DeviceService(name=_service(name), on=_somewhere(tree, line), explicit=False)
    mop = _mop(tree)
    if mop is None:
        unknown.add("mop")
    else:
        rows["mop"] = DeviceService(name="mop", on=mop, explicit=True)
    return DeviceServices(
        services=tuple(sorted(rows.values(), key=lambda row: row.name)), unknown=tuple(sorted(unknown)), unseen=gaps.unseen
    )


def _service(name: str) -> Service:
    return next(known for known in get_args(Service) if known == name)


def _asked(cli: DeviceCli, tree: Node, unknown: set[Service]) -> Iterator[tuple[Service, bool]]:
    """Those a state command knows better than a line: CDP is on without one on some boxes and off on others."""
    for name, ask in (("cdp", _cdp), ("lldp", _lldp), ("smart-install", _smart_install)):
        try:
            on = ask(cli, tree)
        except CollectError:  # old releases speak Smart Install without having this command
            unknown.add(_service(name))
        else:
            yield _service(name), on


def _cdp(cli: DeviceCli, tree: Node) -> bool:
    text = cli.ask("show cdp")
    if "not enabled" in text:
        return False
    if "Global CDP information" not in text:
        raise Unparsable("show cdp: cannot place what it says")
    return True


def _lldp(cli: DeviceCli, tree: Node) -> bool:
    text = cli.ask("show lldp")
    if "not enabled" in text:
        return False
    if "Global LLDP Information" not in text:
        raise Unparsable("show lldp: cannot place what it says")
    return True


def _smart_install(cli: DeviceCli, tree: Node) -> bool:
    text = cli.ask("show vstack config")
    if re.search(r"SmartInstall disabled|Role: NA|vstack is not", text, re.I):
        return False
    if not re.search(r"Role: (?:Client|Director)", text):
        raise Unparsable("show vstack config: cannot place what it says")
    return True


def _mop(tree: Node) -> bool | None:
    """Some routed interface in use answers MOP; None where one says nothing: the default depends on interface and release."""
    said = [interface.flag("mop enabled") for interface in _routed(tree)]
    if any(said):
        return True
    return False if said and None not in said else None


def _somewhere(tree: Node, line: str) -> bool:
    """Some routed interface in use does it; on unless the interface says no (IOS IP Addressing command reference)."""
    if line == "ip proxy-arp" and tree.flag("ip arp proxy disable"):
        return False
    if line == "ip redirects" and any(
        interface.lines("ipv6 address ") and interface.flag("ipv6 redirects") is not False for interface in _routed(tree)
    ):
        return True  # on unless the interface says no, too (IOS IPv6 command reference)
    return any(interface.flag(line) is not False for interface in _routed(tree))


def _routed(tree: Node) -> Iterator[Node]:
    return (
        interface
        for interface in tree.blocks("interface ")
        if interface.flag("shutdown") is not True
        and interface.matches(r"ip (?:address (?:\d|dhcp|negotiated)|unnumbered )")
        and "Loopback" not in interface.text
    )
