"""Cisco IOS: which box, which software, which configuration."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.cisco_ios.text import config, full
from collectors.devices.cisco_ios.text import system as own
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli

_BANNER = re.compile(r"^Cisco (?:IOS Software|Internetwork Operating System Software|IOS[ -]XE Software)", re.M)
_VERSION = re.compile(r"(?:IOS.*?|Software \([^)]*\)), Version ([^,\s]+)")
_TIME = r"(\d\d:\d\d:\d\d)(?:\.\d+)? (\S+) \w{3} (\w{3}) +(\d{1,2}) (\d{4})"
_CHANGED = re.compile(rf"^! Last configuration change at {_TIME}(?: by (\S+))?", re.M)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _show_version(cli: DeviceCli) -> str:
    text = cli.ask("show version")
    if not _BANNER.search(text):
        raise Unparsable("show version: not Cisco IOS or IOS XE; correct platform: in the targets file")
    return text


def _found(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text, re.M)
    if not found:
        raise Unparsable(f"show version: no {what} in it")
    return found[1]


def _version(text: str) -> str:
    # IOS XE says it twice: 17.09.04a on its own line, 17.9.4a as Cisco's documents write it
    found = re.search(r"^Cisco IOS Software.*?, Version ([^,\s]+)", text, re.M) or _VERSION.search(text)
    if not found:
        raise Unparsable("show version: no version in it")
    return found[1]


def identity(cli: DeviceCli) -> Identity:
    """From `show version`; addresses and the time zone from the configuration."""
    gaps = Gaps()
    text = _show_version(cli)
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Cisco IOS XE" if re.search(r"IOS[ -]XE|IOSXE", text) else "Cisco IOS",
        os_version=gaps.attempt("os_version", lambda: _version(text)),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _serial(text)),
        vendor="Cisco",
        model=gaps.attempt("model", lambda: _model(text)),
        macs=gaps.attempt("macs", lambda: _macs(text)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        booted_at=gaps.attempt("booted_at", lambda: _booted(cli, text)),
        unseen=gaps.unseen,
    )


def _serial(text: str) -> str:
    found = re.search(r"^System [Ss]erial [Nn]umber\s*:\s*(\S+)", text, re.M) or re.search(
        r"^Processor board ID (\S+)", text, re.M
    )
    if not found:
        raise Unparsable("show version: no serial number in it")
    return found[1].rstrip(",")


def _model(text: str) -> str:
    found = re.search(r"^Model [Nn]umber\s*:\s*(\S+)", text, re.M)
    return found[1] if found else _found(r"^[Cc]isco (\S+) .*?(?:processor|with \d+K)", text, "model")


def _macs(text: str) -> tuple[str, ...]:
    found = re.findall(r"^Base [Ee]thernet MAC Address\s*:\s*([0-9A-Fa-f:.]+)", text, re.M)
    if not found:
        raise Unsupported("show version: routers tell no base hardware address")
    digits = {re.sub(r"[^0-9a-f]", "", mac.lower()) for mac in found}
    return tuple(sorted(":".join(mac[i : i + 2] for i in range(0, 12, 2)) for mac in digits))


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for interface in config(cli).blocks("interface "):
        v4 |= {found[1] for found in interface.matches(r"ip address (\d\S+) \d\S+")}
        v6 |= {found[1] for found in interface.matches(r"ipv6 address ([0-9A-Fa-f:]+)/\d+(?! *link-local)")}
    return (*sorted(v4), *sorted(address.lower() for address in v6))


def _booted(cli: DeviceCli, text: str) -> datetime:
    found = re.search(rf"^System restarted at {_TIME}", text, re.M)
    if not found:
        raise Unsupported("show version tells no time of the last start: the clock was not set then")
    return _moment(cli, found).replace(second=0)


def _moment(cli: DeviceCli, found: re.Match[str]) -> datetime:
    """The device's own time in UTC. Zone names mean nothing; `clock timezone` of the configuration says what they are."""
    clock, zone, month, day, year = found.groups()[:5]
    hour, minute, second = map(int, clock.split(":"))
    if month not in _MONTHS:
        raise Unparsable(f"cannot place the month {month}")
    moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=_zone(cli, zone))
    return moment.astimezone(UTC)


def _zone(cli: DeviceCli, name: str) -> timezone:
    if name in ("UTC", "GMT"):
        return UTC
    for found in config(cli).matches(r"clock timezone (\S+) (-?\d+)(?: (\d+))?"):
        if found[1] == name:
            hours, minutes = int(found[2]), int(found[3] or 0)
            return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    raise Unsupported(f"the time zone {name} is not in the configuration: a time in it cannot be placed")


def firmware(cli: DeviceCli) -> Firmware:
    """Version and release line from `show version`, what starts next from `show boot`."""
    gaps = Gaps()
    version = _version(_show_version(cli))
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    train = re.match(r"\d+\.\d+", version)
    return Firmware(
        version=version,
        train=train[0] if train else gaps.attempt("train", lambda: _no_train(version)),
        support_ends=None,
        unseen=gaps.unseen,
    )


def _no_train(version: str) -> str:
    raise Unparsable(f"no release line in {version}")


def configuration(cli: DeviceCli) -> Configuration:
    """The plain running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    full(cli)
    text = plain(cli, own()).text
    changed = _CHANGED.search(text)
    saved = gaps.attempt(("saved", "unsaved"), lambda: _saved(cli, text))
    return kept_text.configuration(
        own(),
        text,
        saved=saved,
        unsaved=None if saved is None else gaps.attempt("unsaved", lambda: kept_text.unsaved(own(), text, _startup(cli))),
        changed_at=gaps.attempt("changed_at", lambda: _moment(cli, changed)) if changed else None,
        changed_by=changed[6] if changed else None,
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(cli)),
        unseen=gaps.unseen,
    )


def _saved(cli: DeviceCli, text: str) -> bool:
    if "startup-config is not present" in cli.ask("show startup-config", timeout=180.0):
        return False
    return kept_text.same(own(), text, _startup(cli))


def _startup(cli: DeviceCli) -> str:
    startup = cli.ask("show startup-config", timeout=180.0)
    if "startup-config is not present" in startup:
        raise Unsupported("nothing is saved: all that runs would be lost")
    if not re.search(r"^end\s*\Z", startup, re.M):
        raise Unparsable("show startup-config: cut short: no `end` at its end")
    return startup


def _backup(cli: DeviceCli) -> bool:
    """`archive` sends copies away when it has a path on another machine and a reason to: each save, or every so often."""
    for archive in config(cli).blocks("archive"):
        path = archive.value("path ")
        if path and re.match(r"(?:scp|sftp|ftp|tftp|https?|rcp)://?", path):
            return archive.has("write-memory") or bool(archive.value("time-period "))
    return False
