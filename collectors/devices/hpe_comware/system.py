"""HPE Comware and H3C: which box, which software, which configuration, and whom it sees."""

from __future__ import annotations

import re

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.hpe_comware.text import config, interfaces, release, show_version
from collectors.devices.hpe_comware.text import system as own
from collectors.devices.syntax.vrp import Block
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

_MAC = r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}"


def identity(cli: DeviceCli) -> Identity:
    """From `display version`; serial and hardware addresses from `display device manuinfo`."""
    gaps = Gaps()
    text = show_version(cli)
    gaps.note("booted_at", "unsupported", "display version tells for how long it runs, in the minute of asking; no time of start")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="H3C Comware" if re.search(r"^H3C ", text, re.M) else "HPE Comware",
        os_version=gaps.attempt("os_version", lambda: release(cli).text),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _manufacture(cli, "DEVICE_SERIAL_NUMBER")[0]),
        vendor="H3C" if re.search(r"^H3C ", text, re.M) else "HPE",
        model=gaps.attempt("model", lambda: _model(text)),
        macs=gaps.attempt("macs", lambda: tuple(sorted({mac(each) for each in _manufacture(cli, "MAC_ADDRESS")}))),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _manufacture(cli: DeviceCli, name: str) -> tuple[str, ...]:
    """Values of one row, in order: the first is that of the chassis or of the first member."""
    found = re.findall(rf"^\s*{name}\s*:\s*(\S+)", cli.ask("display device manuinfo"), re.M)
    known = tuple(each for each in found if each.upper() not in ("NONE", "N/A"))
    if not known:
        raise Unparsable(f"display device manuinfo: no {name} in it")
    return known


def _model(text: str) -> str:
    found = re.search(r"^(?:HPE?|H3C)[ \t]+(\S.*?)[ \t]+(?:Switch[ \t]+)?uptime is ", text, re.M)
    if not found:
        raise Unparsable("display version: no model in it")
    return found[1]


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for name, block in interfaces(cli):
        if name.lower().startswith("loopback"):
            continue
        v4 |= {found[1] for found in block.matches(r"ip address (\d+\.\d+\.\d+\.\d+) \d")}
        v6 |= {found[1].lower() for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+)[ /]\d+(?! *link-local)")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Version and release from `display version`."""
    gaps = Gaps()
    found = release(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(version=found.text, train=found.train, support_ends=None, unseen=gaps.unseen)


def configuration(cli: DeviceCli) -> Configuration:
    """The running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    text = plain(cli, own()).text
    saved = gaps.attempt(("saved", "unsaved"), lambda: _saved(cli, text))
    return kept_text.configuration(
        own(),
        text,
        saved=saved,
        unsaved=None if saved is None else gaps.attempt("unsaved", lambda: kept_text.unsaved(own(), text, _startup(cli))),
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(cli)),
        unseen=gaps.unseen,
    )


def _saved(cli: DeviceCli, text: str) -> bool:
    if _NOTHING.search(cli.ask("display saved-configuration", timeout=180.0)[:400]):
        return False
    return kept_text.same(own(), text, _startup(cli))


_NOTHING = re.compile(r"(?:does not exist|no saved configuration|is not available)", re.I)


def _startup(cli: DeviceCli) -> str:
    saved = cli.ask("display saved-configuration", timeout=180.0)
    if _NOTHING.search(saved[:400]):
        raise Unsupported("nothing is saved: all that runs would be lost")
    if not re.search(r"^return\s*\Z", saved, re.M):
        raise Unparsable("display saved-configuration: cut short: no `return` at its end")
    return saved


def _backup(cli: DeviceCli) -> bool:
    """`archive configuration` sends copies away only where it names a server, and by itself only on an interval."""
    tree = config(cli)
    server = any(tree.matches(r"archive configuration server (?:scp|tftp) "))
    return server and any(tree.matches(r"archive configuration interval \d"))


def clock(cli: DeviceCli) -> Clock:
    """Servers from the configuration, what is followed from the state."""
    gaps = Gaps()
    tree = config(cli)
    kind = "ntp" if any(tree.matches(r"ntp-service (?:ipv6 )?unicast-(?:server|peer) ")) else "sntp"
    start = r"ntp-service (?:ipv6 )?unicast-(?:server|peer)" if kind == "ntp" else r"sntp (?:ipv6 )?unicast-server"
    servers = tuple(
        TimeServer(address=found[1], selected=None, reachable=None) for found in tree.matches(rf"{start} (?:domain )?(\S+)")
    )
    # Comware 7 asks nobody before `ntp-service enable` or `sntp enable`; Comware 5 knows neither line
    on = bool(servers) and (tree.flag("ntp-service enable" if kind == "ntp" else "sntp enable") is True or release(cli).major < 7)
    if servers:
        gaps.note(("servers[].selected", "servers[].reachable"), "unsupported", "only the state of the whole clock is asked")
    asked = on and kind == "ntp"
    state = gaps.attempt(("synchronised", "stratum", "offset_ms"), lambda: _followed(cli)) if asked else None
    if not asked:
        gaps.note(("stratum", "offset_ms"), "unsupported", "no NTP client runs")
    if on and kind == "sntp":
        gaps.note("synchronised", "unsupported", "the state of SNTP is not asked")
    zone = tree.matches(r"clock timezone \S+ (add|minus) (\d\d):(\d\d)")
    return Clock(
        software=("ntp" if kind == "ntp" else "sntp") if on else "none",
        running=on,
        synchronised=state[0] if state else None if on else False,
        servers=servers,
        stratum=state[1] if state else None,
        offset_ms=state[2] if state else None,
        authenticated=_keyed(tree, len(servers)),
        timezone=_zone(zone[-1]) if zone else None,
        unseen=gaps.unseen,
    )


def _keyed(tree: Block, servers: int) -> bool:
    """Each source is asked with a key that is trusted, and the whole is switched on."""
    trusted = {found[1] for found in tree.matches(r"s?ntp(?:-service)? reliable authentication-keyid (\d+)")}
    asked = [
        found[1]
        for found in tree.matches(r"s?ntp(?:-service)? (?:ipv6 )?unicast-(?:server|peer) .*?authentication-keyid (\d+)")
        if found[1] in trusted
    ]
    on = tree.flag("ntp-service authentication enable") or tree.flag("sntp authentication enable")
    return bool(on) and servers > 0 and len(asked) == servers


def _zone(found: re.Match[str]) -> str:
    minutes = f":{found[3]}" if found[3] != "00" else ""
    return f"UTC{'+' if found[1] == 'add' else '-'}{int(found[2])}{minutes}"


def _followed(cli: DeviceCli) -> tuple[bool, int | None, float | None]:
    text = cli.ask("display ntp-service status")
    status = re.search(r"^\s*clock status\s*:\s*(\S+)", text, re.M | re.I)
    if not status or status[1].lower() not in ("synchronized", "unsynchronized"):
        raise Unparsable("display ntp-service status: no clock status in it")
    # a clock that follows itself (LOCAL) is synchronised in its own eyes only
    local = re.search(r"^\s*(?:reference clock ID|system peer)\s*:\s*(?:LOCAL|127\.127\.)", text, re.M | re.I)
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
    if not re.search(r"^\s*IP address\s+MAC address", text, re.M | re.I):
        raise Unparsable("display arp: not the table it should be")
    return tuple(
        Neighbour(mac=mac(found[2]), address=found[1], vlan=int(found[3]) if found[3].isdecimal() else None, interface=found[4])
        for found in re.finditer(rf"^\s*(\d+\.\d+\.\d+\.\d+)\s+({_MAC})\s+(\S+)\s+(\S+)", text, re.M | re.I)
    )


def _mac_table(cli: DeviceCli) -> tuple[Neighbour, ...]:
    text = cli.ask("display mac-address")
    if not re.search(r"^\s*MAC ADDR(?:ESS)?\s", text, re.M | re.I) and not re.search(r"no mac address", text, re.I):
        raise Unparsable("display mac-address: not the table it should be")
    return tuple(
        Neighbour(mac=mac(found[1]), vlan=int(found[2]), interface=found[3])
        for found in re.finditer(rf"^\s*({_MAC})\s+(\d+)\s+[A-Za-z]\S*(?: [a-z]\S*)?\s+(\S+)", text, re.M | re.I)
    )
