"""Arista EOS: which box, which software, which configuration."""

from __future__ import annotations

import re

from collectors.devices import kept_text
from collectors.devices.arista_eos.text import config, interfaces, row, show_version, version
from collectors.devices.arista_eos.text import system as own
from collectors.devices.base import CONFIGURATION_TIMEOUT, plain
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.configuration import Configuration, Unsaved
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli


def identity(cli: DeviceCli) -> Identity:
    """From `show version`; addresses from the configuration."""
    gaps = Gaps()
    text = show_version(cli)
    found = re.search(r"^Arista (\S+)", text, re.M)
    gaps.note("booted_at", "unsupported", "EOS tells how long it runs, not since when")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Arista EOS",
        os_version=gaps.attempt("os_version", lambda: version(cli)),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=gaps.attempt("architecture", lambda: row(text, "Architecture")),
        machine_id=None,
        serial=gaps.attempt("serial", lambda: row(text, "Serial number")),
        vendor="Arista",
        model=found[1] if found else None,
        macs=gaps.attempt("macs", lambda: (mac(row(text, "System MAC address")),)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for interface in interfaces(config(cli)):
        v4 |= {found[1] for found in interface.matches(r"ip address (?:virtual )?(\d[\d.]*)/\d+")}
        v6 |= {found[1].lower() for found in interface.matches(r"ipv6 address (?:virtual )?([0-9A-Fa-f:]+)/\d+")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Version and release line from `show version`; the image of the next start from `show boot-config`."""
    gaps = Gaps()
    known = version(cli)
    train = re.match(r"\d+\.\d+", known)
    if train is None:
        gaps.note("train", "unparsable", f"no release line in {known}")
    image = gaps.attempt(("next_boot", "pending_restart"), lambda: _image(cli))
    named = re.search(r"\d+\.\d+\.\d+[\w.]*?(?=\.swi|[-/]|$)", image or "")
    if image and not named:
        gaps.note("pending_restart", "unsupported", "the name of the image tells no version")
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(
        version=known,
        train=train[0] if train else None,
        next_boot=image,
        pending_restart=named[0] != known if named else None,
        support_ends=None,
        unseen=gaps.unseen,
    )


def _image(cli: DeviceCli) -> str:
    found = re.search(r"^Software image:\s*(\S+)", cli.ask("show boot-config"), re.M)
    if not found or found[1].startswith("("):
        raise Unparsable("show boot-config: names no image")
    return found[1]


def configuration(cli: DeviceCli) -> Configuration:
    """The plain running configuration, and whether it differs from the saved one by EOS's own word."""
    gaps = Gaps()
    return kept_text.configuration(
        own(),
        plain(cli, own()).text,
        saved=gaps.attempt("saved", lambda: _saved(cli)),
        unsaved=gaps.attempt("unsaved", lambda: _unsaved(cli)),
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(cli)),
        unseen=gaps.unseen,
    )


def _saved(cli: DeviceCli) -> bool:
    """`show running-config diffs` says nothing where both are the same, and else what differs."""
    text = cli.ask("show running-config diffs", timeout=CONFIGURATION_TIMEOUT)
    if not text.strip():
        return True
    if not re.search(r"^(?:---|\+\+\+|@@) ", text, re.M):
        raise Unparsable("show running-config diffs: cannot place what it says")
    return False


def _unsaved(cli: DeviceCli) -> Unsaved:
    """The lines EOS itself marks; it shows some of those around them, and not always what they stand under."""
    if _saved(cli):
        return kept_text.SAME
    lines = cli.ask("show running-config diffs", timeout=CONFIGURATION_TIMEOUT).splitlines()
    marked = {
        sign: "\n".join(line[1:] for line in lines if line.startswith(sign) and not line.startswith(sign * 3)) for sign in "+-"
    }
    return kept_text.unsaved(own(), marked["+"], marked["-"])


def _backup(cli: DeviceCli) -> bool:
    """A schedule, or a handler of saved configurations, copies it to another machine."""
    copies = re.compile(r"copy (?:running-config|startup-config|flash:startup-config) (?:scp|sftp|ftp|tftp|https?):", re.M)
    return any(
        copies.search(node.text) or any(copies.search(below.text) for below in node.walk())
        for word in ("schedule ", "event-handler ")
        for node in config(cli).blocks(word)
    )
