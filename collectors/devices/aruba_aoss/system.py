"""Aruba AOS-S: which box, which software, which configuration."""

from __future__ import annotations

import re

from collectors.devices import kept_text
from collectors.devices.aruba_aoss.text import config, show_system, version
from collectors.devices.aruba_aoss.text import system as own
from collectors.devices.base import plain
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli


def identity(cli: DeviceCli) -> Identity:
    """From `show system`; the product number stands at the head of the configuration only."""
    gaps = Gaps()
    text = show_system(cli)
    gaps.note("booted_at", "unsupported", "show system tells for how long it runs, in the minute of asking; no time of start")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="ArubaOS-Switch",
        os_version=gaps.attempt("os_version", lambda: version(cli)),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _row(text, "Serial Number")),
        vendor="HPE Aruba",
        model=gaps.attempt("model", lambda: _model(cli)),
        macs=gaps.attempt("macs", lambda: (mac(_row(text, "Base MAC Addr")),)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _row(text: str, name: str) -> str:
    """The first row of that name: of a stack that of its first member."""
    found = re.search(rf"\b{name}\s*:\s*(\S+)", text)
    if not found:
        raise Unparsable(f"show system: no {name} in it")
    return found[1]


def _model(cli: DeviceCli) -> str:
    text = plain(cli, own()).text
    found = re.search(r"^; (\S+) Configuration Editor;", text, re.M)
    if found and found[1].startswith("hpStack"):
        # a stack has no number of its own: that of its first member
        found = re.search(r"^\s+member \d+ type \"(\S+?)\"", text, re.M)
    if not found:
        raise Unparsable("show running-config: no product number in it")
    return found[1].upper()


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for vlan in config(cli).blocks("vlan "):
        v4 |= {found[1] for found in vlan.matches(r"ip address (\d+\.\d+\.\d+\.\d+)[ /]")}
        v6 |= {found[1].lower() for found in vlan.matches(r"ipv6 address ([0-9A-Fa-f:]+)/\d+")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Revision from `show system`, what starts next from `show flash`."""
    gaps = Gaps()
    running = version(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    later = gaps.attempt(("next_boot", "pending_restart"), lambda: _next(cli))
    train = re.match(r"[A-Z]+\.(\d+\.\d+)", running)
    if not train:
        gaps.note("train", "unparsable", f"no release line in {running}")
    return Firmware(
        version=running,
        train=train[1] if train else None,
        next_boot=later,
        pending_restart=later != running if later else None,
        support_ends=None,
        unseen=gaps.unseen,
    )


def _next(cli: DeviceCli) -> str:
    text = cli.ask("show flash")
    chosen = re.search(r"^\s*Default Boot(?: Image)?\s*:\s*(Primary|Secondary)", text, re.M)
    image = chosen and re.search(rf"^\s*{chosen[1]} Image\s*:\s*\d+\s+\S+\s+([A-Z]{{1,2}}\.\d[\w.]*)", text, re.M)
    if not image:
        raise Unparsable("show flash: no image that starts by default in it")
    return image[1]


def configuration(cli: DeviceCli) -> Configuration:
    """The running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    text = plain(cli, own()).text
    gaps.note("unsaved", "unsupported", "show config status says whether both are the same, and not where they differ")
    return kept_text.configuration(
        own(), text, saved=gaps.attempt("saved", lambda: _saved(cli)), backup_configured=None, unseen=gaps.unseen
    )


def _saved(cli: DeviceCli) -> bool:
    text = cli.ask("show config status")
    if re.search(r"(?:not (?:the )?same|has been changed|has changed|needs to be saved|differs?\b)", text, re.I):
        return False
    if re.search(r"same as (?:the )?startup", text, re.I):
        return True
    raise Unparsable("show config status: says neither that both are the same nor that something changed")
