"""Arista EOS: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from collectors.devices.base import per_device, running
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (("show running-config all", True), ("show running-config", False))
_SCRIPT = re.compile(r"^( *)(?:action (?:bash|python)|code(?: unit \S+)?)\s*$")
NAME = r"^hostname (\S+)"


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.arista_eos import OS

    return OS


def config(cli: DeviceCli) -> Node:
    """The running configuration as a tree."""
    return per_device(cli, "eos.config", lambda: tree_of(running(cli, system()).text))


def tree_of(text: str) -> Node:
    """The tree. Scripts and code that end at a line EOF are put below the line that begins them, each line behind a bar."""
    lines: list[str] = []
    indent: str | None = None
    for line in text.split("\n"):
        if indent is not None:
            if line.strip() == "EOF":
                indent = None
            elif line.strip():
                lines.append(f"{indent}   | {line.strip()}")
            continue
        lines.append(line)
        if found := _SCRIPT.match(line):
            indent = found[1]
    if indent is not None:
        raise Unparsable("show running-config: a script in it has no EOF")
    return parse("\n".join(lines), "eof")


def resolved(cli: DeviceCli) -> bool:
    """Defaults are written out in it."""
    return running(cli, system()).resolved


def show_version(cli: DeviceCli) -> str:
    """`show version` of EOS. Raises Unparsable for another system."""
    text = cli.ask("show version")
    if not re.search(r"^Arista \S", text, re.M) or not re.search(r"^Software image version:", text, re.M):
        raise Unparsable("show version: not Arista EOS; correct platform: in the targets file")
    return text


def row(text: str, name: str) -> str:
    """What stands behind the name. Raises Unsupported where nothing does: virtual switches have no serial number."""
    found = re.search(rf"^{name}:[ \t]*(\S.*?)[ \t]*$", text, re.M)
    if not found:
        raise Unsupported(f"show version: {name} is empty")
    return found[1]


def version(cli: DeviceCli) -> str:
    """4.28.9M"""
    return row(show_version(cli), "Software image version").split("-")[0].split()[0]


def release(cli: DeviceCli) -> tuple[int, int]:
    """(4, 28). Raises Unsupported outside the releases whose defaults this package knows: EOS User Manual, 4.14 to 4.36."""
    found = re.match(r"(\d+)\.(\d+)", version(cli))
    if not found or int(found[1]) != 4 or not 14 <= int(found[2]) <= 36:
        raise Unsupported(f"release {version(cli)}: our table of defaults knows 4.14 to 4.36")
    return int(found[1]), int(found[2])


def block(tree: Node, name: str) -> Node:
    """The block of this name; an empty one where it does not stand."""
    return next((node for node in tree.children if node.text == name), Node(name))


def interfaces(tree: Node) -> Iterator[Node]:
    """Each interface with the lines of the profiles it takes over; its own come last and win."""
    for node in tree.blocks("interface "):
        if node.text.startswith(("interface profile ", "interface defaults")):
            continue
        taken = [
            Node(text)
            for said in node.lines("profile ")
            for name in said.split()
            for text in block(tree, f"interface profile {name}").lines("command ")
        ]
        yield Node(node.text, node.line, taken + node.children)
