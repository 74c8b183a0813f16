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
    """The running configuration as a tree; comments begin with a semicolon."""
    return per_device(cli, "aoss.config", lambda: parse(running(cli, system()).text, comment=";"))


def show_system(cli: DeviceCli) -> str:
    """`show system`. Raises Unparsable when it is another system's."""
    text = cli.ask("show system")
    if not re.search(r"General System Information", text) or not re.search(r"Software revision", text):
        raise Unparsable("show system: not AOS-S or ProCurve; correct platform: in the targets file")
    return text


def version(cli: DeviceCli) -> str:
    """YA.16.10.0012. Raises Unparsable for a form nobody knows."""
    found = re.search(r"Software revision\s*:\s*([A-Z]{1,2}\.\d[\w.]*)", show_system(cli))
    if not found:
        raise Unparsable("show system: no software revision such as YA.16.10.0012 in it")
    return found[1]
