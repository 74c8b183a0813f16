"""Aruba AOS-CX: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from collectors.devices.base import per_device, running
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import Unparsable
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (("show running-config all", True), ("show running-config", False))
NAME = r"^hostname (\S+)"


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.aruba_aoscx import OS

    return OS


def config(cli: DeviceCli) -> Node:
    """The running configuration as a tree."""
    return per_device(cli, "aoscx.config", lambda: parse(running(cli, system()).text))


def release(tree_text: str) -> tuple[int, int] | None:
    """(10, 13) of FL.10.13.1000; None for a form nobody knows."""
    found = re.match(r"[A-Za-z]+\.(\d+)\.(\d+)", tree_text)
    return (int(found[1]), int(found[2])) if found else None


def known_release(cli: DeviceCli) -> bool:
    """The defaults of this package's tables hold: they are those of the guides for 10.00 to 10.16."""
    text = per_device(cli, "aoscx.version", lambda: row(show_system(cli), "(?:ArubaOS|AOS)-CX Version"))
    found = release(text)
    return found is not None and (10, 0) <= found <= (10, 16)


def show_system(cli: DeviceCli) -> str:
    """`show system`. Raises Unparsable when it is another system's."""
    text = cli.ask("show system")
    if not re.search(r"^\s*(?:ArubaOS|AOS)-CX Version\s*:", text, re.M):
        raise Unparsable("show system: not AOS-CX; correct platform: in the targets file")
    return text


def row(text: str, name: str) -> str:
    """What stands behind the name. Raises Unparsable without it."""
    found = re.search(rf"^\s*{name}[ \t]*:[ \t]*(\S.*?)\s*$", text, re.M)
    if not found:
        raise Unparsable(f"show system: no {name} in it")
    return found[1]


def vrf_of(interface: Node) -> str:
    """The VRF an interface stands in; the management port has one of its own."""
    if interface.text == "interface mgmt":
        return "mgmt"
    return interface.value("vrf attach ") or "default"


def words_behind(text: str, word: str) -> str | None:
    """The word behind `word` on a line; None without it."""
    found = re.search(rf"(?:^|\s){re.escape(word)}\s+(\S+)", text)
    return found[1] if found else None
