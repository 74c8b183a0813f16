"""DrayOS: which box, which software, and whom it sees.

DrayTek documents its command line model by model, and most of it only as what may be set; of the answers, `sys version` and
`ip arp status` stand in every reference (Telnet Commands for DrayOS Routers 1.4; Vigor3912 User's Guide 1.01, part VIII).
"""

from __future__ import annotations

import re

from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

_VERSION = re.compile(r"\A\s*Router Model: *(Vigor\S.*?)[ \t]+Version: *", re.M)
_ROW = re.compile(r"\s*\d+\s+(\d+\.\d+\.\d+\.\d+)\s+((?:[0-9A-F]{2}[-:]){5}[0-9A-F]{2})(?:\s|\Z)", re.I)


def _version(cli: DeviceCli) -> tuple[str, str, str]:
    """(model, version, the whole answer). Raises Unparsable for what is no DrayOS 3 or 4."""
    text = cli.ask("sys version")
    found = _VERSION.search(text)
    number = re.match(r"[34]\.\d+(?:\.\d+)*\w*", text[found.end() :]) if found else None
    if found is None or number is None:
        raise Unparsable("sys version: not a Vigor router with DrayOS 3 or 4; correct platform: in the targets file")
    return found[1].removesuffix(" Series"), number.group(), text


def identity(cli: DeviceCli) -> Identity:
    """From `sys version`."""
    gaps = Gaps()
    model, version, text = _version(cli)
    name = re.search(r"^Router Name: *(\S.*?)\s*$", text, re.M)
    if name is None:
        gaps.note("hostname", "unsupported", "this release does not tell the router's name")
    gaps.note(("serial", "macs"), "unsupported", "no documented command tells it")
    gaps.note("addresses", "unsupported", "sys version tells the address of the first LAN alone")
    gaps.note("booted_at", "unsupported", "not asked")
    return Identity(
        hostname=name[1] if name else None,
        os_id=cli.platform,
        os_name="DrayTek DrayOS",
        os_version=version,
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=None,
        vendor="DrayTek",
        model=model,
        macs=None,
        addresses=None,
        unseen=gaps.unseen,
    )


def firmware(cli: DeviceCli) -> Firmware:
    """The running version. Another image for the next start is told by no documented command."""
    gaps = Gaps()
    _, version, _ = _version(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    gaps.note("pending_restart", "unsupported", "no documented command tells it")
    return Firmware(version=version, train=".".join(version.split(".")[:2]), support_ends=None, unseen=gaps.unseen)


def neighbours(cli: DeviceCli) -> Neighbours:
    """The ARP table. Ports of the built-in switch stand in it too, but no table of hardware addresses alone is documented."""
    gaps = Gaps()
    gaps.note("macs", "unsupported", "no documented command tells it")
    return Neighbours(arp=gaps.attempt("arp", lambda: _arp(cli)), macs=None, unseen=gaps.unseen)


def _arp(cli: DeviceCli) -> tuple[Neighbour, ...]:
    lines = [line.rstrip() for line in cli.ask("ip arp status").splitlines() if line.strip()]
    heads = [place for place, line in enumerate(lines) if re.match(r"\s*Index\s+IP Address\s+MAC Address\b", line)]
    if len(heads) != 1:
        raise Unparsable("ip arp status: not the table it should be")
    rows = []
    for line in lines[heads[0] + 1 :]:
        if not (found := _ROW.match(line)):
            raise Unparsable(f"ip arp status: a row that is none: {line.strip()[:40]}")
        # from the end: what stands under HOST ID a station says of itself
        place = re.search(r"\s((?:LAN|WAN|DMZ|VPN)[\w\-]*)(?:\s+\S+){0,2}\Z", line)
        rows.append(Neighbour(mac=mac(found[2]), address=found[1], interface=place[1] if place else None))
    return tuple(rows)
