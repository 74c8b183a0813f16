"""Check Point Gaia: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from collectors.devices.base import per_device, running
from collectors.devices.syntax.set_lines import Lines, parse
from collectors.errors import Unparsable
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (("show configuration", False),)
NAME = r"^# Configuration of (\S+)"
_VERSION = re.compile(r"^Product version Check Point Gaia (R\d+(?:\.\d+)*)", re.M)


def system() -> DeviceOs:
    """This OS; a function, because its own file imports the files that need it."""
    from collectors.devices.checkpoint_gaia import OS

    return OS


def version(cli: DeviceCli) -> str:
    """R81.20. Raises Unparsable when the box is no Gaia."""
    found = _VERSION.search(cli.ask("show version all"))
    if not found:
        raise Unparsable("show version all: not Check Point Gaia; correct platform: in the targets file")
    return found[1]


def config(cli: DeviceCli) -> Lines:
    """The configuration. Gaia prints the values in force of whatever it prints."""
    return per_device(cli, "gaia.config", lambda: parse(running(cli, system()).text).checked())


def whole_number(said: str | None) -> int | None:
    if said is None:
        return None
    if not said.isascii() or not said.isdigit():
        raise Unparsable(f"no number: {said[:40]}")
    return int(said)
