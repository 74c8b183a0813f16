"""HPE Comware and H3C: the texts every question reads, asked once and parsed once."""

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

# Comware has no form that writes defaults out
CONFIGURATION = (("display current-configuration", False),)
NAME = r"^ ?sysname (\S+)"

_BANNER = re.compile(r"^(?:(?:HPE?|H3C|3Com) )?Comware (?:Platform )?Software", re.M)
_VERSION = re.compile(
    r"Comware Software, Version (?P<major>\d+)\.(?P<minor>\d+)(?P<rest>[\w.]*), (?P<kind>Release|ESS|Feature|Beta|Alpha) ?(?P<release>\S+)"
)


class Release(NamedTuple):
    """7.1.070 Release 3208P16 is (7, "7.1", "7.1.070 Release 3208P16")."""

    major: int
    train: str
    text: str


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.hpe_comware import OS

    return OS


def config(cli: DeviceCli) -> Block:
    """The running configuration as a tree."""
    return per_device(cli, "comware.config", lambda: parse(running(cli, system()).text))


def show_version(cli: DeviceCli) -> str:
    """`display version`. Raises Unparsable when it is another system's."""
    text = cli.ask("display version")
    if not _BANNER.search(text):
        raise Unparsable("display version: not Comware; correct platform: in the targets file")
    return text


def release(cli: DeviceCli) -> Release:
    """The software release. Raises Unparsable for a form nobody knows."""
    found = _VERSION.search(show_version(cli))
    if not found:
        raise Unparsable("display version: no version and release in it")
    train = f"{found['major']}.{found['minor']}"
    return Release(int(found["major"]), train, f"{train}{found['rest']} {found['kind']} {found['release']}")


def seventh(cli: DeviceCli) -> bool:
    """Comware 7: every server of management is off until it is switched on."""
    return release(cli).major == 7


def firewall(cli: DeviceCli) -> bool:
    """Security policies between zones rule here (SecPath)."""
    return any(config(cli).blocks("security-policy ip"))


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
            named = re.match(r"acl (?P<six>ipv6 )?(?:number |basic |advanced |mac )?(?P<rest>(?:\d+|name) ?.*)$", block.text)
            if not named:
                continue
            words = named["rest"].split()
            keys = [words[0]] if words[0].isdecimal() else []
            if "name" in words and words.index("name") + 1 < len(words):
                keys.append(words[words.index("name") + 1])
            for key in keys:
                lists[f"ipv6 {key}" if named["six"] else key] = block
        return lists

    return per_device(cli, "comware.lists", found)


def list_rules(cli: DeviceCli, name: str) -> tuple[AclRule, ...]:
    """The rules of one list; () when it is empty or does not exist, which lets everybody in where it guards a log-on."""
    block = access_lists(cli).get(name)
    return rules(block) if block else ()


def allowed(cli: DeviceCli, name: str | None) -> tuple[str, ...] | None:
    """Sources a list lets in; None: anybody (no list, an empty one, one that permits everything)."""
    return sources(list_rules(cli, name)) if name else None


def interfaces(cli: DeviceCli) -> Iterator[tuple[str, Block]]:
    """(name, block) of every interface."""
    for block in config(cli).blocks("interface "):
        yield block.text[len("interface ") :].strip(), block
