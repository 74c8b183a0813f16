"""Cisco IOS: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.devices.base import Running, per_device, running
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import Denied
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (
    ("show running-config all", True),
    ("show running-config view full", False),
    ("show running-config", False),
)
NAME = r"^hostname (\S+)"


def system() -> DeviceOs:
    """This OS; a function, because cisco_ios.py imports the files that need it."""
    from collectors.devices.cisco_ios import OS

    return OS


def full(cli: DeviceCli) -> Running:
    """The running configuration of somebody who sees all of it.

    IOS shows an account below privilege 15 only the commands it may itself give, and says nothing of the rest.
    """
    level = cli.ask("show privilege")
    if "privilege level is" in level and "level is 15" not in level:
        raise Denied(f"show running-config: {level.strip()[:80]}: below 15 IOS shows a part of the configuration only")
    return running(cli, system())


def config(cli: DeviceCli) -> Node:
    """The running configuration as a tree."""
    return per_device(cli, "ios.config", lambda: parse(full(cli).text))


def resolved(cli: DeviceCli) -> bool:
    """Defaults are written out in it: an absent line is none the maker's table must explain."""
    return full(cli).resolved
