"""Huawei VRP: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from collectors.devices.base import per_device, running
from collectors.devices.syntax.vrp import Block, parse
from collectors.devices.syntax.vrp_acl import AclRule, rules, sources
from collectors.errors import Unparsable
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

# `all` adds the ports of cards that are not there now; it writes out no default, so neither form is resolved
CONFIGURATION = (("display current-configuration all", False), ("display current-configuration", False))
NAME = r"^ ?sysname (\S+)"

_BANNER = re.compile(r"^(?:Huawei )?(?:Versatile Routing Platform|VRP \(R\) software|Huawei YunShan OS)", re.I | re.M)
_VERSION = re.compile(r"\((?P<model>[^()]*?) ?(?P<version>V\d{3}R\d{3}[A-Z0-9]*)\)")


class Release(NamedTuple):
    """V200R019C10SPC500 is (200, 19, "V200R019C10SPC500")."""

    v: int
    r: int
    text: str


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.huawei_vrp import OS

    return OS


def config(cli: DeviceCli) -> Block:
    """The running configuration as a tree."""
    return per_device(cli, "vrp.config", lambda: parse(running(cli, system()).text))


def show_version(cli: DeviceCli) -> str:
    """`display version`. Raises Unparsable when it is another system's."""
    text = cli.ask("display version")
    if not _BANNER.search(text) or not re.search("huawei", text, re.I):
        raise Unparsable("display version: not Huawei VRP; correct platform: in the targets file")
    return text


def release(cli: DeviceCli) -> Release:
    """The software release. Raises Unparsable for a form nobody knows."""
    found = _VERSION.search(show_version(cli))
    if not found:
        raise Unparsable("display version: no release such as V200R019C10 in it")
    digits = re.match(r"V(\d{3})R(\d{3})", found["version"])
    assert digits
    return Release(int(digits[1]), int(digits[2]), found["version"])


def series(cli: DeviceCli) -> str:
    """What stands before the release: S5735, CE6800, AR2200, USG6300, NE40E."""
    found = _VERSION.search(show_version(cli))
    return found["model"].strip() if found else ""


def firewall(cli: DeviceCli) -> bool:
    """Zones and security policies rule here: USG, Eudemon. A zone alone is none: routers have one of their own, without effect."""
    return bool(re.match(r"(?:USG|Eudemon|NGFW)", series(cli))) or any(config(cli).blocks("security-policy"))


def switch(cli: DeviceCli) -> bool:
    """Ports of this system are switch ports unless told otherwise."""
    return bool(re.match(r"(?:S\d|CE\d|Quidway)", series(cli)))


def eighth(cli: DeviceCli) -> bool:
    """VRP 8 (NE, CE): some of its words differ from those of VRP 5."""
    return bool(re.search(r"Version 8\.", show_version(cli)))


def table(text: str) -> dict[str, str]:
    """The rows `name : value` of a state command, names in small letters. Raises Unparsable when there is none."""
    found = {
        re.sub(r"\s+", " ", row[1].strip().lower()): row[2].strip()
        for row in re.finditer(r"^[ \t]*([A-Za-z][^:\n]*?)[ \t]*:[ \t]*(.*)$", text, re.M)
    }
    if not found:
        raise Unparsable("a state command answered without a row `name : value`")
    return found


def access_lists(cli: DeviceCli) -> dict[str, Block]:
    """Every access list, by number and by name; IPv6 lists as `ipv6 NAME`."""

    def found() -> dict[str, Block]:
        lists = {}
        for block in config(cli).blocks("acl "):
            named = re.match(r"acl (?P<six>ipv6 )?(?:number (?P<number>\S+)|name (?P<name>\S+)(?: (?P<alias>\d+))?)", block.text)
            named = named or re.match(r"acl (?P<six>ipv6 )?(?P<number>\d+)(?P<name>)(?P<alias>)", block.text)
            if named:
                for key in filter(None, (named["number"], named["name"], named["alias"])):
                    lists[f"ipv6 {key}" if named["six"] else key] = block
        return lists

    return per_device(cli, "vrp.lists", found)


def list_rules(cli: DeviceCli, name: str) -> tuple[AclRule, ...]:
    """The rules of one list; () when it is empty or does not exist, which lets everybody in where it guards a log-on."""
    block = access_lists(cli).get(name)
    return rules(block) if block else ()


def allowed(cli: DeviceCli, name: str | None) -> tuple[str, ...] | None:
    """Sources a list lets in; None: anybody (no list, an empty one, one that permits everything)."""
    return sources(list_rules(cli, name)) if name else None


def virtual(cli: DeviceCli, start: str) -> Iterator[tuple[str, Block]]:
    """(virtual system, block) of each block that begins so; "" is the root system, whose lines come before `switch vsys`."""
    vsys = ""
    for block in config(cli).children:
        if block.text.startswith("switch vsys "):
            vsys = block.text.removeprefix("switch vsys ").split()[0]
        elif block.text.startswith(start):
            yield vsys, block


def interfaces(cli: DeviceCli) -> Iterator[tuple[str, Block]]:
    """(name, block) of every interface, once: virtual systems repeat those they were given."""
    known = set()
    for _, block in virtual(cli, "interface "):
        name = block.text[len("interface ") :].strip()
        if name not in known:
            known.add(name)
            yield name, block
