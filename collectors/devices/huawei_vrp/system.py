"""Huawei VRP: which box, which software, which configuration, and whom it sees."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.huawei_vrp.text import config, eighth, interfaces, release, show_version
from collectors.devices.huawei_vrp.text import system as own
from collectors.devices.syntax.vrp import Block
from collectors.devices.vocabulary import mac as _mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

_CHANGED = re.compile(
    r"^!Last configuration was updated at (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)([+-]\d\d:\d\d)?(?: DST)?(?: by (\S+))?", re.M
)
_MAC = r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}"
_ARP = re.compile(
    rf"\s*(?P<address>\d+\.\d+\.\d+\.\d+)\s+(?P<mac>{_MAC})\s+(?:\d+\s+)?(?P<type>[A-Z]{{1,3}} ?-\S*|[A-Z]{{1,3}})\s+(?P<port>\S+)",
    re.I,
)


def identity(cli: DeviceCli) -> Identity:
    """From `display version`; addresses from the configuration, the serial number from `display esn`."""
    gaps = Gaps()
    text = show_version(cli)
    gaps.note("booted_at", "unsupported", "display version tells for how long it runs, in the minute of asking; no time of start")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Huawei YunShan OS" if re.search(r"^Huawei YunShan", text, re.M) else "Huawei VRP",
        os_version=gaps.attempt("os_version", lambda: release(cli).text),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _serial(cli)),
        vendor="Huawei",
        model=gaps.attempt("model", lambda: _model(text)),
        macs=gaps.attempt("macs", lambda: _macs(cli)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _serial(cli: DeviceCli) -> str:
    found = re.search(r"^\s*ESN of [^:\n]*:\s*(\S+)", cli.ask("display esn"), re.M)
    if not found:
        raise Unparsable("display esn: no serial number in it")
    return found[1]


def _model(text: str) -> str:
    found = re.search(
        r"^(?:HUAWEI|Quidway)[ \t]+(\S.*?)[ \t]+(?:(?:Terabit )?Routing Switch |Router |Switch )?uptime is ", text, re.M | re.I
    )
    found = found or re.search(r"^(\S+) uptime is ", text, re.M)
    if not found:
        raise Unparsable("display version: no model in it")
    return found[1]


def _macs(cli: DeviceCli) -> tuple[str, ...]:
    found = re.findall(_MAC, cli.ask("display bridge mac-address"), re.I)
    if not found:
        raise Unparsable("display bridge mac-address: no hardware address in it")
    return tuple(sorted({_mac(each) for each in found}))


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for name, block in interfaces(cli):
        if name.lower().startswith("loopback"):
            continue
        v4 |= {found[1] for found in block.matches(r"ip address (\d+\.\d+\.\d+\.\d+) \d")}
        v6 |= {found[1].lower() for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+)[ /]\d+(?! *link-local)")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Release from `display version`, what starts next from `display startup`."""
    gaps = Gaps()
    found = release(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    images = gaps.attempt(("next_boot", "pending_restart"), lambda: _images(cli))
    return Firmware(
        version=found.text,
        train=f"V{found.v:03}R{found.r:03}",
        next_boot=images[1] if images else None,
        pending_restart=images[0] != images[1] if images else None,
        support_ends=None,
        unseen=gaps.unseen,
    )


def _images(cli: DeviceCli) -> tuple[str, str]:
    """(running, next): software and patch, of the main board."""
    text = cli.ask("display startup")
    now = re.search(r"^\s*Startup system software:\s*(\S+)", text, re.M)
    then = re.search(r"^\s*Next startup system software:\s*(\S+)", text, re.M)
    if not now or not then:
        raise Unparsable("display startup: no `Startup system software` and `Next startup system software` in it")
    return now[1], then[1]


def configuration(cli: DeviceCli) -> Configuration:
    """The running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    text = plain(cli, own()).text
    gaps.note("unsaved", "unsupported", "compare configuration shows where the first difference is, and no more")
    changed = _CHANGED.search(text)
    return kept_text.configuration(
        own(),
        text,
        saved=gaps.attempt("saved", lambda: _saved(cli)),
        changed_at=gaps.attempt("changed_at", lambda: _moment(changed)) if changed else None,
        changed_by=changed[4] if changed else None,
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(cli)),
        unseen=gaps.unseen,
    )


def _moment(found: re.Match[str]) -> datetime:
    if found[3] is None:
        raise Unsupported("the time of the last change is written without its zone: it cannot be placed")
    return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3]}").astimezone(UTC)


def _saved(cli: DeviceCli) -> bool:
    text = cli.ask("compare configuration", timeout=180.0)
    if re.search(r"(?:is|are) not the same|Current configuration line \d+|={3,} *Current configuration", text, re.I):
        return False
    if re.search(r"configuration is the same as", text, re.I):
        return True
    raise Unparsable("compare configuration: says neither that both are the same nor where they differ")


def _backup(cli: DeviceCli) -> bool:
    """Saved copies go to a server only where saving by itself is on too."""
    tree = config(cli)
    to_server = any(tree.matches(r"set save-configuration backup-to-server server "))
    auto = any(tree.matches(r"set save-configuration(?: interval| delay| cpu-limit|$)"))
    by_itself = any(tree.matches(r"configuration file auto-save .*?backup-to-server "))
    return (to_server and auto) or by_itself


def clock(cli: DeviceCli) -> Clock:
    """Servers from the configuration, what is followed from the state."""
    gaps = Gaps()
    tree = config(cli)
    servers = tuple(
        TimeServer(address=found[1], selected=None, reachable=None)
        for found in tree.matches(r"ntp(?:-service)? unicast-(?:server|peer)(?: ipv6)?(?: domain)? (\S+)")
    )
    if servers:
        gaps.note(("servers[].selected", "servers[].reachable"), "unsupported", "only the state of the whole clock is asked")
    state = gaps.attempt(("synchronised", "stratum", "offset_ms"), lambda: _followed(cli)) if servers else None
    if not servers:
        gaps.note(("stratum", "offset_ms"), "unsupported", "no time server is configured")
    zone = tree.matches(r"clock timezone \S+ (add|minus) (\d\d):(\d\d)")
    return Clock(
        software="ntp" if servers else "none",
        running=bool(servers),
        synchronised=state[0] if state else (None if servers else False),
        servers=servers,
        stratum=state[1] if state else None,
        offset_ms=state[2] if state else None,
        authenticated=_keyed(tree, len(servers)),
        timezone=_zone(zone[-1]) if zone else None,
        unseen=gaps.unseen,
    )


def _keyed(tree: Block, servers: int) -> bool:
    """Each source is asked with a key that is trusted, and the whole is switched on."""
    on = tree.flag("ntp-service authentication enable") or tree.flag("ntp authentication enable")
    trusted = {found[1] for found in tree.matches(r"ntp(?:-service)? (?:reliable|trusted) authentication-keyid (\d+)")}
    asked = [
        found[1]
        for found in tree.matches(r"ntp(?:-service)? unicast-(?:server|peer) .*?authentication-keyid (\d+)")
        if found[1] in trusted
    ]
    return bool(on) and servers > 0 and len(asked) == servers


def _zone(found: re.Match[str]) -> str:
    minutes = f":{found[3]}" if found[3] != "00" else ""
    return f"UTC{'+' if found[1] == 'add' else '-'}{int(found[2])}{minutes}"


def _followed(cli: DeviceCli) -> tuple[bool, int | None, float | None]:
    text = cli.ask("display ntp status") if eighth(cli) else cli.ask("display ntp-service status")
    status = re.search(r"^\s*clock status\s*:\s*(\S+)", text, re.M | re.I)
    if not status or status[1].lower() not in ("synchronized", "unsynchronized"):
        raise Unparsable("the state of NTP has no clock status in it")
    # a clock that follows itself (LOCAL) is synchronised in its own eyes only
    local = re.search(r"^\s*reference clock ID\s*:\s*(?:LOCAL|127\.127\.)", text, re.M | re.I)
    stratum = re.search(r"^\s*clock stratum\s*:\s*(\d+)", text, re.M | re.I)
    offset = re.search(r"^\s*clock offset\s*:\s*(-?[\d.]+) ms", text, re.M | re.I)
    return (
        status[1].lower() == "synchronized" and not local,
        int(stratum[1]) if stratum else None,
        abs(float(offset[1])) if offset else None,
    )


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and MAC tables as they are now."""
    gaps = Gaps()
    return Neighbours(
        arp=gaps.attempt("arp", lambda: _arp(cli)),
        macs=gaps.attempt("macs", lambda: _mac_table(cli)),
        unseen=gaps.unseen,
    )


def _arp(cli: DeviceCli) -> tuple[Neighbour, ...]:
    text = cli.ask("display arp")
    if not re.search(r"^IP ADDRESS", text, re.M):
        raise Unparsable("display arp: not the table it should be")
    rows: list[Neighbour] = []
    own = False
    for line in text.split("\n"):
        if found := _ARP.match(line):
            own = found["type"].startswith("I")
            if not own:
                rows.append(Neighbour(mac=_mac(found["mac"]), address=found["address"], interface=found["port"]))
        elif (vlan := re.match(r"\s+(\d+)/\S+", line)) and rows and not own:
            rows[-1] = rows[-1].model_copy(update={"vlan": int(vlan[1])})
    return tuple(rows)


def _mac_table(cli: DeviceCli) -> tuple[Neighbour, ...]:
    text = cli.ask("display mac-address")
    if not re.search(r"^\s*MAC Address", text, re.M | re.I) and not re.search(r"Total items|No .*mac", text, re.I):
        raise Unparsable("display mac-address: not the table it should be")
    return tuple(
        Neighbour(mac=_mac(found[1]), vlan=int(found[2]) if found[2] else None, interface=found[3])
        for found in re.finditer(rf"^\s*({_MAC})\s+(?:(\d+)|-)/\S*\s+(\S+)\s+\S+", text, re.M | re.I)
    )
