"""Aruba AOS-S: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from collectors.devices.base import per_device, running
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import Unparsable
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

# AOS-S has no form that writes defaults out
CONFIGURATION = (("show running-config", False),)
NAME = r"^hostname \"?([^\"\n]+?)\"?\s*$"


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.aruba_aoss import OS

    return OS


def config(cli: DeviceCli) -> Node:
    """The running configuration as a tree; comments begin with a semicolon. A line broken at 80 letters is put together again."""
    return per_device(cli, "aoss.config", lambda: parse(re.sub(r"\n (?=\S)", " ", running(cli, system()).text), comment=";"))


def show_system(cli: DeviceCli) -> str:
    """`show system`. Raises Unparsable when it is another system's."""
    text = cli.ask("show system")
    if not re.search(r"General System Information", text) or not re.search(r"Software revision", text):
        raise Unparsable("show system: not AOS-S or ProCurve; correct platform: in the targets file")
    return text


def unquoted(word: str) -> str:
    """Names stand in quotes in newer releases and without in older ones."""
    return word.strip().strip('"')


def ports(text: str) -> tuple[str, ...]:
    """1-3,A1,Trk1 -> 1 2 3 A1 Trk1. Raises Unparsable for what is no list of ports."""
    found: list[str] = []
    for word in text.replace(" ", "").split(","):
        span = re.fullmatch(r"((?:\d+/)?[A-Za-z]*)(\d+)-((?:\d+/)?[A-Za-z]*)(\d+)", word)
        if span and span[1].lower() == span[3].lower():
            found += [f"{span[1]}{number}" for number in range(int(span[2]), int(span[4]) + 1)]
        elif re.fullmatch(r"(?:\d+/)?[A-Za-z]*\d+", word):
            found.append(word)
        else:
            raise Unparsable(f"no list of ports: {text[:60]!r}")
    return tuple(port.capitalize() if port.lower().startswith("trk") else port for port in found)


def known_release(cli: DeviceCli) -> bool:
    """The defaults of this package's tables hold: they are those of the guides for 15.06 to 16.11."""
    found = re.match(r"[A-Z]{1,2}\.(\d+)\.(\d+)", version(cli))
    return found is not None and (15, 6) <= (int(found[1]), int(found[2])) <= (16, 11)


def version(cli: DeviceCli) -> str:
    """YA.16.10.0012. Raises Unparsable for a form nobody knows."""
    found = re.search(r"Software revision\s*:\s*([A-Z]{1,2}\.\d[\w.]*)", show_system(cli))
    if not found:
        raise Unparsable("show system: no software revision such as YA.16.10.0012 in it")
    return found[1]
