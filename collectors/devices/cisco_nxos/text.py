"""Cisco NX-OS: the texts every question reads, asked once and parsed once.

A session sees one virtual device context (VDC) alone; each is a target of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from collectors.devices.base import Running, per_device, plain, running
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (("show running-config all", True), ("show running-config", False))
_NAME = re.compile(r"^(?:hostname|switchname) (\S+)", re.M)


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.cisco_nxos import OS

    return OS


def full(cli: DeviceCli) -> Running:
    """The running configuration in its best form. Raises Unparsable when it is another device's."""
    found = running(cli, system())
    own(cli, found.text)
    return found


def short(cli: DeviceCli) -> str:
    """The running configuration without defaults, for people."""
    found = plain(cli, system())
    own(cli, found.text)
    return found.text


def own(cli: DeviceCli, text: str) -> None:
    """The prompt of a VDC is `chassis-vdc` while its configuration says `vdc` (vdc combined-hostname)."""
    names = _NAME.findall(text)
    prompt = cli.prompt_name
    if names and not (prompt == names[-1] or prompt.endswith(f"-{names[-1]}") or names[-1].partition(".")[0] == prompt):
        raise Unparsable(f"show running-config: the configuration is that of {names[-1]}, the prompt that of {prompt}")


def config(cli: DeviceCli) -> Node:
    """The running configuration as a tree.

    Raises Unsupported where profiles are applied: what they configure is in force and stands in no block of its own.
    """
    tree = per_device(cli, "nxos.config", lambda: tree_of(full(cli).text))
    if applied := tree.lines("apply profile "):
        raise Unsupported(f"show running-config: the profile {applied[0]} is applied and not written out")
    return tree


def tree_of(text: str) -> Node:
    """The tree. The commands of a scheduler's job stand in the first column: they are put below it, to be none of their own."""
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        inside = inside and line.strip() != "end-job"
        lines.append(f"  {line}" if inside and line.strip() else line)
        inside = inside or line.startswith("scheduler job name ")
    if inside:
        raise Unparsable("show running-config: a job of the scheduler never ends")
    return parse("\n".join(lines))


def interfaces(tree: Node) -> Iterator[Node]:
    """Each interface with the lines of the port profiles it takes over; its own come last and win.

    `interface breakout` parts a socket and is none.
    """
    for node in tree.blocks("interface "):
        if node.text.startswith("interface breakout "):
            continue
        taken = [
            child
            for name in node.lines("inherit port-profile ")
            for profile in tree.blocks("port-profile ")
            if profile.text.split()[-1] == name and profile.has("state enabled")
            for child in profile.children
        ]
        yield Node(node.text, node.line, taken + node.children)


def resolved(cli: DeviceCli) -> bool:
    """Defaults are written out in it."""
    return full(cli).resolved


def show_version(cli: DeviceCli) -> str:
    """`show version` of NX-OS. Raises Unparsable for another system, a Nexus governed by an APIC among them."""
    text = cli.ask("show version")
    headed = re.search(r"^\s*Cisco Nexus Operating System \(NX-OS\) Software", text, re.M)
    # without its head, as captures are found: the rest belongs to no other system
    if not headed and not (
        re.search(r"^\s*cisco Nexus ?\d", text, re.M | re.I) and re.search(r"^\s*(?:NXOS|system): +version ", text, re.M)
    ):
        raise Unparsable("show version: not Cisco NX-OS; correct platform: in the targets file")
    if re.search(r"image file is:.*\baci-|^\s*PE:\s+version", text, re.M):
        raise Unparsable("show version: a Nexus in ACI mode; its APIC governs it, and it has no configuration of this kind")
    return text


def version(cli: DeviceCli) -> str:
    """9.3(15), 7.3(13)N1(1)."""
    found = re.search(r"^\s*(?:NXOS|system):\s+version (\S+)", show_version(cli), re.M)
    if not found:
        raise Unparsable("show version: no version in it")
    return found[1]


def major(cli: DeviceCli) -> int:
    """9 of 9.3(15). Raises Unsupported outside the releases whose defaults this package knows."""
    found = re.match(r"(\d+)\.\d+\(", version(cli))
    # defaults: tables "Default Settings" of the Cisco Nexus 5000/7000/9000 NX-OS Security and System Management
    # Configuration Guides, releases 5.x to 10.5(x)
    if not found or not 5 <= int(found[1]) <= 10:
        raise Unsupported(f"release {version(cli)}: our table of defaults knows 5 to 10")
    return int(found[1])


def features(cli: DeviceCli) -> Mapping[str, bool]:
    """`show feature`: name -> some instance is enabled."""
    rows: dict[str, bool] = {}
    for found in re.finditer(r"^ *(\S+) +\d+ +(enabled|disabled)\b", cli.ask("show feature"), re.M):
        rows[found[1].lower()] = rows.get(found[1].lower(), False) or found[2] == "enabled"
    if not rows:
        raise Unparsable("show feature: no table in it")
    return rows


def feature(cli: DeviceCli, name: str, *table: str) -> bool:
    """A feature is on: by its line, else by the table of features, which is asked because defaults differ between models.

    `table`: its names there. Raises Unsupported where neither tells.
    """
    said = config(cli).flag(f"feature {name}")
    if said is not None:
        return said
    rows = per_device(cli, "nxos.features", lambda: features(cli))
    for word in (name, *table):
        if word.lower() in rows:
            return rows[word.lower()]
    raise Unsupported(f"neither the configuration nor `show feature` says whether {name} is on")
