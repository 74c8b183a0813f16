"""Aruba AOS-CX: which box, which software, which configuration."""

from __future__ import annotations

import re

from collectors.devices import kept_text
from collectors.devices.aruba_aoscx.text import config, row, show_system
from collectors.devices.aruba_aoscx.text import system as own
from collectors.devices.base import plain
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli

_VERSION = "(?:ArubaOS|AOS)-CX Version"


def identity(cli: DeviceCli) -> Identity:
    """From `show system`; addresses from the configuration."""
    gaps = Gaps()
    text = show_system(cli)
    gaps.note("booted_at", "unsupported", "show system tells for how long it runs, in the minute of asking; no time of start")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="ArubaOS-CX",
        os_version=row(text, _VERSION),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: row(text, "Chassis Serial Nbr")),
        vendor="HPE Aruba",
        model=gaps.attempt("model", lambda: row(text, "Product Name")),
        macs=gaps.attempt("macs", lambda: (mac(row(text, "Base MAC Address")),)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for block in config(cli).blocks("interface "):
        if block.text.startswith("interface loopback"):
            continue
        v4 |= {found[1] for found in block.matches(r"ip (?:address|static) (\d+\.\d+\.\d+\.\d+)/")}
        v6 |= {found[1].lower() for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+)/\d+")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Version from `show system`, what starts next from `show images`."""
    gaps = Gaps()
    running = row(show_system(cli), _VERSION)
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
    text = cli.ask("show images")
    chosen = re.search(r"^\s*Default Image\s*:\s*(primary|secondary)", text, re.M | re.I)
    image = chosen and re.search(
        rf"ArubaOS-CX {chosen[1]} Image.*?^Version\s*:\s*(\S+)|AOS-CX {chosen[1]} Image.*?^Version\s*:\s*(\S+)",
        text,
        re.M | re.S | re.I,
    )
    if not image:
        raise Unparsable("show images: no image that starts by default in it")
    return image[1] or image[2]


def configuration(cli: DeviceCli) -> Configuration:
    """The plain running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    text = plain(cli, own()).text
    startup = gaps.attempt(("saved", "unsaved"), lambda: _startup(cli))
    return kept_text.configuration(
        own(),
        text,
        saved=None if startup is None else kept_text.same(own(), text, startup),
        unsaved=None if startup is None else kept_text.unsaved(own(), text, startup),
        backup_configured=None,
        unseen=gaps.unseen,
    )


def _startup(cli: DeviceCli) -> str:
    startup = cli.ask("show startup-config", timeout=180.0)
    if not re.search(r"^!Version (?:ArubaOS|AOS)-CX ", startup, re.M):
        raise Unparsable("show startup-config: not a whole configuration")
    return startup
