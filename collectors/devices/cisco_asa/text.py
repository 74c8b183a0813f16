"""Cisco ASA: the texts every question reads, asked once and parsed once.

A session sees one security context alone. `changeto` would let it see others, but what was asked before and after could then
be taken for one another; each context is therefore a target of its own, and what lies in the system space is said to be unseen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from collectors.devices.base import Running, per_device, plain, running
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (
    ("show running-config all", True),
    ("show running-config", False),
)

_STATES = {"act", "actNoFailover", "stby", "pri", "sec", "neg", "master", "slave", "control", "data"}
_ASA = re.compile(r"^Cisco Adaptive Security Appliance Software Version (\d+)\.(\d+)(\S*)", re.M)
_FTD = re.compile(r"^Model\s*: .*?Version (\d+)\.(\d+)(\S*)", re.M)
_HARDWARE = re.compile(r"^(?:Hardware: +|Model +: )([^,\n]+?)(?:,| Version | \(\d+\) Version|\s*$)", re.M)


def system() -> DeviceOs:
    """This OS; a function, because the package imports the files that need it."""
    from collectors.devices.cisco_asa import OS

    return OS


def show_version(cli: DeviceCli) -> str:
    """`show version` of an ASA, or of the firewall engine of an FTD."""
    text = cli.ask("show version")
    if not _ASA.search(text) and not _FTD.search(text):
        raise Unparsable("show version: neither Cisco ASA nor FTD; correct platform: in the targets file")
    return text


def threat_defense(cli: DeviceCli) -> bool:
    """FTD: the same engine, governed from a management centre."""
    return _ASA.search(show_version(cli)) is None


def governed_here(cli: DeviceCli, what: str) -> None:
    """Raises Unsupported on an FTD: what its management centre or its own Linux keeps is not in the engine's configuration."""
    if threat_defense(cli):
        raise Unsupported(f"FTD: {what} lie in the management centre (FMC, FDM) and below the engine, not in this configuration")


def version(cli: DeviceCli) -> str:
    """9.16(4)18, or 7.2.5 of an FTD."""
    found = _ASA.search(text := show_version(cli)) or _FTD.search(text)
    assert found is not None
    return f"{found[1]}.{found[2]}{found[3]}"


def release(cli: DeviceCli) -> tuple[int, int]:
    """(9, 16) of an ASA. Raises Unsupported on an FTD, whose releases count otherwise: no table of ours speaks of them."""
    found = _ASA.search(show_version(cli))
    if not found:
        raise Unsupported("FTD: the tables of defaults are those of ASA releases")
    return int(found[1]), int(found[2])


def model(cli: DeviceCli) -> str | None:
    """ASA5516, FPR-1010, FPR4K-SM-12; None where it is not told."""
    found = _HARDWARE.search(show_version(cli))
    return found[1] if found else None


def on_chassis(cli: DeviceCli) -> bool:
    """Sockets, clock and their like may belong to the chassis (FXOS) around it: Firepower 2100, 4100, 9300 and their heirs."""
    return bool(re.match(r"(?:Cisco )?(?:FPR-?[2-9]|Firepower [2-9]|Secure Firewall|CSF|FPR-?3)", model(cli) or "FPR-9"))


def name(cli: DeviceCli) -> str:
    """The device's name, and its context's, without what the prompt tells of failover: asa/admin/pri/act -> asa/admin."""
    if not cli.prompt_name:  # the command line of an FTD shows no name
        found = re.search(r"^-+\[ (\S+) \]-+\s*$", show_version(cli), re.M)
        if not found:
            raise Unparsable("show version: no name of the device in it, and the prompt shows none")
        return found[1]
    first, *rest = cli.prompt_name.split("/")
    return "/".join((first, *(part for part in rest if part not in _STATES)))


def own(cli: DeviceCli, found: Running) -> Running:
    """The configuration, if it is that of the device the prompt names and not that of the system space."""
    names = re.findall(r"^hostname (\S+)", found.text, re.M)
    if not names:
        raise Unparsable(f"{found.command}: no hostname in it: whose configuration it is, is not told")
    if names[-1].lower() != name(cli).split("/")[0].lower():
        raise Unparsable(f"{found.command}: the configuration is that of {names[-1]}, the prompt that of {name(cli)}")
    if re.search(r"^admin-context \S|^ASA Version .*<system>", found.text, re.M):
        raise Unsupported("this session is in the system execution space; each security context is a target of its own")
    return found


def full(cli: DeviceCli) -> Running:
    """The running configuration with as many resolved values as there are."""
    return own(cli, running(cli, system()))


def short(cli: DeviceCli) -> Running:
    """The running configuration without defaults."""
    return own(cli, plain(cli, system()))


def config(cli: DeviceCli) -> Node:
    """The running configuration as a tree."""
    return per_device(cli, "cisco_asa.config", lambda: parse(full(cli).text, banners="line"))


def in_context(cli: DeviceCli) -> bool:
    """The configuration says of itself that it is a context's: `ASA Version 9.16(4)18 <context>`."""
    return re.search(r"^ASA Version .*<context>", full(cli).text, re.M) is not None


def multiple(cli: DeviceCli) -> bool:
    """Security contexts: hardware, failover and the other contexts are not to be seen from here."""
    if in_context(cli):
        return True
    found = re.search(r"^Security context mode: (single|multiple)", cli.ask("show mode"), re.M)
    if not found:
        raise Unparsable("show mode: it says neither single nor multiple")
    return found[1] == "multiple"
