"""FortiOS: which box, which software, which configuration, what time, which neighbours."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from typing import Literal, NamedTuple

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.fortinet_fortios.text import Config, config, quiet, status
from collectors.devices.fortinet_fortios.text import system as own
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_SIGNATURES = ("Virus-DB", "Extended DB", "IPS-DB", "IPS-ETDB")
_FORTIGUARD = ("ntp1.fortiguard.com", "ntp2.fortiguard.com")


class _Followed(NamedTuple):
    """`diagnose sys ntp status`."""

    synchronised: bool
    servers: tuple[TimeServer, ...]
    stratum: int | None
    offset_ms: float | None


def identity(cli: DeviceCli) -> Identity:
    """From `get system status`; addresses from the configuration."""
    gaps = Gaps()
    told = status(cli)
    gaps.note("booted_at", "unsupported", "FortiOS tells how long it runs, in a time zone of its own; not asked")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Fortinet FortiOS",
        os_version=told.version,
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _serial(told.fields.get("Serial-Number"))),
        vendor="Fortinet",
        model=told.model,
        macs=gaps.attempt("macs", lambda: _macs(config(cli))),
        addresses=gaps.attempt("addresses", lambda: _addresses(config(cli))),
        unseen=gaps.unseen,
    )


def _serial(found: str | None) -> str:
    if not found:
        raise Unparsable("get system status: no serial number in it")
    return found


def _macs(conf: Config) -> tuple[str, ...]:
    ports = conf.section("system interface").entries.values()
    found = {mac.lower() for port in ports if port.word("type") == "physical" and (mac := port.word("macaddr"))}
    if not found:
        raise Unsupported("no interface shows its hardware address")
    return tuple(sorted(mac for mac in found if _MAC.fullmatch(mac) and mac != "00:00:00:00:00:00"))


def _addresses(conf: Config) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for port in conf.section("system interface").entries.values():
        more = port.child("secondaryip")
        for block in (port, *(more.entries.values() if more else ())):
            v4 |= {words[0] for words in (block.words("ip"),) if words and words[0] != "0.0.0.0"}  # noqa: S104
        six = port.child("ipv6")
        extra = six.child("ip6-extra-addr") if six else None
        names = [six.word("ip6-address") if six else None, *(extra.entries if extra else ())]
        v6 |= {name.partition("/")[0].lower() for name in names if name and not name.startswith("::/")}
    try:
        return (*sorted(v4, key=ipaddress.ip_address), *sorted(v6))
    except ValueError as error:
        raise Unparsable(f"system interface: {error}") from None


def firmware(cli: DeviceCli) -> Firmware:
    """From `get system status`."""
    gaps = Gaps()
    told = status(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(
        version=told.version,
        train=told.train,
        support_ends=None,
        signatures_dated=gaps.attempt("signatures_dated", lambda: _signatures([told.fields.get(name) for name in _SIGNATURES])),
        unseen=gaps.unseen,
    )


def _signatures(said: list[str | None]) -> date:
    found = [re.fullmatch(r"[\d.]+\((\d{4})-(\d\d)-(\d\d) [\d:]+\)", text) for text in said if text]
    dates = [date(int(one[1]), int(one[2]), int(one[3])) for one in found if one]
    if not dates:
        raise Unparsable("get system status: no date of a virus or attack database in it")
    return max(dates)


def configuration(cli: DeviceCli) -> Configuration:
    """The short form, as people know it; FortiOS saves each change at once unless told otherwise."""
    gaps = Gaps()
    conf = config(cli)
    return kept_text.configuration(
        own(),
        plain(cli, own()).text,
        saved=gaps.attempt("saved", lambda: _saved(conf)),
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(conf)),
        unseen=gaps.unseen,
    )


def _saved(conf: Config) -> bool:
    mode = conf.say(conf.section("system global"), "system global", "cfg-save")
    if mode != "automatic":
        raise Unsupported(f"cfg-save is {mode}: FortiOS does not tell then whether what runs was saved")
    return True


def _backup(conf: Config) -> bool:
    """An automation stitch that is on and whose action sends a copy away."""
    actions = conf.section("system automation-action").entries
    copying = {
        name
        for name, action in actions.items()
        if re.search(r"execute backup (?:full-)?config (?:s?ftp|tftp|management-station)", action.word("script") or "")
    }
    for stitch in conf.section("system automation-stitch").entries.values():
        inner = stitch.child("actions")
        named = {word for entry in (inner.entries.values() if inner else ()) for word in entry.words("action") or ()}
        named |= set(stitch.words("action") or ())
        if stitch.word("status") != "disable" and named & copying:
            return True
    manager = conf.section("system central-management").word("type")
    if manager in ("fortimanager", "fortiguard"):
        raise Unsupported(f"the device is managed by {manager}, which may keep its configurations; that is not seen here")
    return False


def clock(cli: DeviceCli) -> Clock:
    """The NTP client: what is configured, and what it says it follows."""
    gaps = Gaps()
    conf = config(cli)
    zone = gaps.attempt("timezone", lambda: _zone(conf))
    syncs = gaps.attempt(("software", "running"), lambda: conf.on(conf.section("system ntp"), "system ntp", "ntpsync"))
    if syncs is False:
        gaps.note(("stratum", "offset_ms"), "unsupported", "the device follows no time source")
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone, unseen=gaps.unseen)
    named = gaps.attempt("servers", lambda: _servers(conf))
    software: Literal["ntp"] | None = "ntp" if syncs else None
    try:
        text = cli.ask("sudo global diagnose sys ntp status") if conf.multi else cli.ask("diagnose sys ntp status")
        followed = _followed(quiet(text))
    except CollectError as error:
        gaps.note(("synchronised", "stratum", "offset_ms"), error.outcome, str(error))
        rows = None if named is None else tuple(TimeServer(address=name, selected=None, reachable=None) for name in named)
        if rows:
            gaps.note(("servers[].selected", "servers[].reachable"), error.outcome, "the servers are those of the configuration")
        return Clock(software=software, running=syncs, synchronised=None, servers=rows, timezone=zone, unseen=gaps.unseen)
    for field, value in (("stratum", followed.stratum), ("offset_ms", followed.offset_ms)):
        if value is None:
            gaps.note(field, "unsupported", "no server is selected")
    told = {server.address for server in followed.servers}
    silent = tuple(TimeServer(address=name, selected=False, reachable=False) for name in named or () if name not in told)
    return Clock(
        software=software,
        running=syncs,
        synchronised=followed.synchronised,
        servers=(*followed.servers, *silent),
        stratum=followed.stratum,
        offset_ms=followed.offset_ms,
        timezone=zone,
        unseen=gaps.unseen,
    )


def _servers(conf: Config) -> tuple[str, ...]:
    block = conf.section("system ntp")
    if conf.say(block, "system ntp", "type") == "fortiguard":
        return _FORTIGUARD
    table = block.child("ntpserver")
    return tuple(entry.word("server") or "" for entry in (table.entries.values() if table else ()))


def _zone(conf: Config) -> str:
    found = conf.say(conf.section("system global"), "system global", "timezone")
    if "/" in found or found == "UTC":
        return found
    if found == "53":  # "(GMT+7:00) Bangkok, Hanoi, Jakarta" in the CLI references up to 7.4
        return "Asia/Ho_Chi_Minh"
    raise Unsupported(f"FortiOS names the time zone by the number {found}")


def _followed(text: str) -> _Followed:
    head = re.search(r"^synchronized: (yes|no)\b", text, re.M)
    if not head:
        raise Unparsable("diagnose sys ntp status: says neither yes nor no")
    servers, stratum, offset = [], None, None
    for part in re.split(r"^(?=ipv[46] server\()", text, flags=re.M)[1:]:
        name = re.match(r"ipv[46] server\(([^)]+)\)", part)
        first = part.partition("server-version")[0]
        selected = re.search(r"\bselected\b", first) is not None
        reach = re.search(r"-- (reachable|unreachable|unresolved)(?:\(0x([0-9a-f]+)\))?", first)
        reachable = None if not reach else reach[1] == "reachable" and reach[2] not in ("0", "00")
        servers.append(TimeServer(address=name[1] if name else "", selected=selected, reachable=reachable))
        if selected:
            own_stratum = re.search(r"\bstratum=(\d+)", part)
            distance = re.search(r"clock offset is (-?[\d.]+) sec", part)
            stratum = int(own_stratum[1]) + 1 if own_stratum else None
            offset = abs(round(float(distance[1]) * 1000, 3)) if distance else None
    return _Followed(head[1] == "yes", tuple(servers), stratum, offset)


def neighbours(cli: DeviceCli) -> Neighbours:
    """`get system arp`."""
    if status(cli).vdoms:
        raise Unsupported("the tables are kept by virtual domain and were not asked one by one")
    rows = quiet(cli.ask("get system arp | grep .")).splitlines()
    if rows and not rows[0].startswith("Address "):
        raise Unparsable("get system arp: no head line")
    found = []
    for row in rows[1:]:
        words = row.split()
        if len(words) != 4 or not _MAC.fullmatch(words[2].lower()):
            raise Unparsable(f"get system arp: a line is not understood: {row[:80]}")
        found.append(Neighbour(mac=words[2].lower(), address=words[0], interface=words[3]))
    gaps = Gaps()
    gaps.note("macs", "unsupported", "a firewall keeps no table of its own for switch ports; not asked")
    return Neighbours(arp=tuple(found), unseen=gaps.unseen)
