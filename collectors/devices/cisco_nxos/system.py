"""Cisco NX-OS: which box, which software, which configuration."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from collectors.devices import kept_text
from collectors.devices.base import CONFIGURATION_TIMEOUT
from collectors.devices.cisco_nxos.text import config, interfaces, short, show_version, tree_of, version
from collectors.devices.cisco_nxos.text import system as own
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli

_CHANGED = re.compile(r"^!Running configuration last done at: \w{3} (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})", re.M)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def identity(cli: DeviceCli) -> Identity:
    """From `show version` and `show inventory`; addresses from the configuration."""
    gaps = Gaps()
    show_version(cli)
    chassis = gaps.attempt(("serial", "model"), lambda: _chassis(cli))
    gaps.note("booted_at", "unsupported", "NX-OS tells its last start without saying in which time zone")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Cisco NX-OS",
        os_version=gaps.attempt("os_version", lambda: version(cli)),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=chassis[1] if chassis else None,
        vendor="Cisco",
        model=chassis[0] if chassis else None,
        macs=None,
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _chassis(cli: DeviceCli) -> tuple[str, str]:
    """(model, serial number): `show version` tells the board's, which on modular switches is a supervisor's."""
    found = re.search(r'^NAME: *"Chassis", *DESCR: *"[^"\n]*" *\n *PID: *(\S+) *,.*?SN: *(\S+)', cli.ask("show inventory"), re.M)
    if not found or found[2] == "N/A":
        raise Unparsable("show inventory: no chassis in it, or no serial number of it")
    return found[1], found[2]


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for interface in interfaces(config(cli)):
        v4 |= {found[1] for found in interface.matches(r"ip address (\d[\d.]*)(?:/| \d)")}
        v6 |= {found[1].lower() for found in interface.matches(r"ipv6 address ([0-9A-Fa-f:]+)/\d+")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Version and release line from `show version`; what the saved configuration will start."""
    gaps = Gaps()
    text = show_version(cli)
    known = version(cli)
    train = re.match(r"\d+\.\d+", known)
    if train is None:
        gaps.note("train", "unparsable", f"no release line in {known}")
    images = gaps.attempt(("next_boot", "pending_restart"), lambda: _images(cli))
    runs = re.findall(r"^\s*(?:NXOS|system) image file is:\s+(\S+)", text, re.M)
    if images is not None and not runs:
        gaps.note("pending_restart", "unparsable", "show version: does not name the image that runs")
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(
        version=known,
        train=train[0] if train else None,
        next_boot=images[0] if images else None,
        pending_restart=any(_file(image) != _file(runs[0]) for image in images) if images and runs else None,
        support_ends=None,
        unseen=gaps.unseen,
    )


def _images(cli: DeviceCli) -> tuple[str, ...]:
    """The images of `boot nxos` or `boot system`, one per supervisor where they are named so."""
    tree = tree_of(_startup(cli))
    found = tuple(line.split()[0] for word in ("nxos", "system") for line in tree.lines(f"boot {word} "))
    if not found:
        raise Unsupported("the saved configuration names no image to start")
    return found


def _file(path: str) -> str:
    return path.rpartition("/")[2].rpartition(":")[2]


def configuration(cli: DeviceCli) -> Configuration:
    """The plain running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    text = short(cli)
    saved = gaps.attempt(("saved", "unsaved"), lambda: _saved(cli, text))
    return kept_text.configuration(
        own(),
        text,
        saved=saved,
        unsaved=None if saved is None else gaps.attempt("unsaved", lambda: kept_text.unsaved(own(), text, _startup(cli))),
        changed_at=gaps.attempt("changed_at", lambda: _changed(cli, text)),
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(cli)),
        unseen=gaps.unseen,
    )


def _startup(cli: DeviceCli) -> str:
    text = cli.ask("show startup-config", timeout=CONFIGURATION_TIMEOUT)
    if not re.search(r"^version \d", text, re.M) or not re.search(r"^line vty$", text, re.M):
        raise Unparsable("show startup-config: not a whole configuration")
    return text


def _saved(cli: DeviceCli, text: str) -> bool:
    first = cli.ask("show startup-config", timeout=CONFIGURATION_TIMEOUT)
    if re.search(r"^(?:% ?)?no startup[ -]config", first, re.M | re.I):
        return False
    return kept_text.same(own(), text, _startup(cli))


def _changed(cli: DeviceCli, text: str) -> datetime:
    """The time is the device's own, without a zone; with summer time nobody could tell which it was."""
    found = _CHANGED.search(text)
    if not found:
        raise Unsupported("the head of the configuration does not tell when it was changed")
    if config(cli).lines("clock summer-time "):
        raise Unsupported("the time of the last change has no zone, and the device keeps summer time")
    month, day, hour, minute, second, year = found.groups()
    if month not in _MONTHS:
        raise Unparsable(f"cannot place the month {month}")
    shift = timedelta()
    for line in config(cli).matches(r"clock timezone \S+ (-?)(\d+) (\d+)"):
        shift = timedelta(hours=int(line[2]), minutes=int(line[3])) * (-1 if line[1] else 1)
    moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=timezone(shift))
    return moment.astimezone(UTC)


def _backup(cli: DeviceCli) -> bool:
    """A job of the scheduler copies the configuration to another machine, and a schedule runs it."""
    tree = config(cli)
    jobs = set()
    for job in tree.blocks("scheduler job name "):
        if any(
            re.search(r"copy (?:running|startup)-config (?:scp|sftp|ftp|tftp|https?)://?\S", node.text) for node in job.walk()
        ):
            jobs.add(job.text.removeprefix("scheduler job name "))
    for schedule in tree.blocks("scheduler schedule name "):
        if schedule.lines("time ") and jobs & set(schedule.lines("job name ")):
            return tree.flag("feature scheduler") is True
    return False
