"""Cisco ASA: which box, which software, which configuration, what time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from collectors.devices import kept_text
from collectors.devices.cisco_asa.text import (
    config,
    full,
    governed_here,
    model,
    multiple,
    name,
    on_chassis,
    short,
    show_version,
    threat_defense,
    version,
)
from collectors.devices.cisco_asa.text import system as own
from collectors.devices.redaction import clean
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration, Unsaved
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli

_CHANGED = re.compile(
    r"^(?:: Written by|Configuration last modified by) (\S+) at (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\S+) \w{3} (\w{3}) +(\d{1,2}) (\d{4})",
    re.M,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SUM = re.compile(r"^Cryptochecksum: ?([0-9a-f]{32}|[0-9a-f ]{35})\s*$", re.M)


def identity(cli: DeviceCli) -> Identity:
    """From `show version`; addresses from the configuration. The serial number is that of the chassis where one is told."""
    gaps = Gaps()
    text = show_version(cli)
    gaps.note("booted_at", "unsupported", "show version tells how long it runs, not since when")
    return Identity(
        hostname=name(cli),
        os_id=cli.platform,
        os_name="Cisco Firepower Threat Defense" if threat_defense(cli) else "Cisco ASA",
        os_version=version(cli),
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _found(r"^Serial Number: *(\S+)", text, "serial number")),
        vendor="Cisco",
        model=gaps.attempt("model", lambda: _model(cli)),
        macs=gaps.attempt("macs", lambda: _macs(text)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _found(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text, re.M)
    if not found:
        raise Unsupported(f"show version: no {what} in it; within a security context there is none")
    return found[1]


def _model(cli: DeviceCli) -> str:
    told = model(cli)
    if told is None:
        raise Unsupported("show version: no hardware in it")
    return told


def _macs(text: str) -> tuple[str, ...]:
    found = re.findall(r"^ *\d+: (?:Ext|Int): .*?address is ([0-9a-f.]{14})", text, re.M)
    if not found:
        raise Unsupported("show version: no hardware addresses in it; within a security context there are none")
    return tuple(sorted({mac(address) for address in found}))


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    v4, v6 = set(), set()
    for interface in config(cli).blocks("interface "):
        v4 |= {found[1] for found in interface.matches(r"ip address (\d\S+) \d\S+")}
        v6 |= {found[1].lower() for found in interface.matches(r"ipv6 address ([0-9A-Fa-f:]+)/\d+")}
    return (*sorted(v4), *sorted(v6))


def firmware(cli: DeviceCli) -> Firmware:
    """Version and release line; the image the next start loads stands in the configuration as `boot system`."""
    gaps = Gaps()
    running = version(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    train = re.match(r"\d+\.\d+", running)
    assert train is not None
    return Firmware(
        version=running,
        train=train[0],
        next_boot=gaps.attempt("next_boot", lambda: _next_boot(cli)),
        support_ends=None,
        unseen=gaps.unseen,
    )


def _next_boot(cli: DeviceCli) -> str:
    images = config(cli).lines("boot system ")
    if not images:
        raise Unsupported("no boot system line: the chassis, the system execution space or the first image on the flash decides")
    return images[0]


def configuration(cli: DeviceCli) -> Configuration:
    """The plain running configuration, and whether the saved one says the same."""
    gaps = Gaps()
    full(cli)
    text = short(cli).text
    told = _CHANGED.search(show_version(cli))
    return kept_text.configuration(
        own(),
        text,
        saved=gaps.attempt("saved", lambda: _saved(cli, text)),
        unsaved=gaps.attempt("unsaved", lambda: _unsaved(cli, text)),
        changed_at=gaps.attempt("changed_at", lambda: _moment(cli, told)) if told else None,
        changed_by=told[1] if told else None,
        backup_configured=None,
        unseen=gaps.unseen,
    )


def _saved(cli: DeviceCli, text: str) -> bool:
    """By the texts alone: the checksum at their end is that of the last save, and says nothing of what was changed since.

    "This checksum is calculated only when you store the configuration in flash memory" (Cisco ASA Series Command Reference,
    S, show checksum). Where one of the texts hides a key behind stars, equal texts prove nothing of that key.
    """
    if _NOTHING.search(cli.ask("show startup-config", timeout=180.0)):
        return False
    startup = _startup(cli)
    if not re.search(r"(?<!\S)\*{3,}", text + startup):
        return kept_text.same(own(), text, startup)
    if not kept_text.same(own(), _starred(text), _starred(startup)):
        return False
    raise Unsupported(_STARS)


_STARS = "the texts are equal, but keys are shown as stars: whether one of them was changed since is not seen"
_NOTHING = re.compile(r"^No (?:startup )?configuration", re.M | re.I)


def _startup(cli: DeviceCli) -> str:
    startup = cli.ask("show startup-config", timeout=180.0)
    if _NOTHING.search(startup):
        raise Unsupported("nothing is saved: all that runs would be lost")
    if not re.search(r"^: end\s*\Z", startup, re.M) or not _SUM.search(startup):
        raise Unparsable("show startup-config: cut short: no Cryptochecksum and no end")
    return startup


def _unsaved(cli: DeviceCli, text: str) -> Unsaved:
    """Where one text hides keys behind stars, those of the other are hidden too before the lines are compared."""
    startup = _startup(cli)
    if re.search(r"(?<!\S)\*{3,}", text + startup):
        found = kept_text.unsaved(own(), _starred(text), _starred(startup))
        if found == kept_text.SAME:
            raise Unsupported(_STARS)
        return found
    return kept_text.unsaved(own(), text, startup)


def _starred(text: str) -> str:
    """Without the secrets that one of the texts hides."""
    return re.sub(r"\*{3,}", "(redacted)", clean(own(), text))


def _moment(cli: DeviceCli, found: re.Match[str]) -> datetime:
    hour, minute, second, zone, month, day, year = found.groups()[1:]
    if month not in _MONTHS:
        raise Unparsable(f"cannot place the month {month}")
    moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=_zone(cli, zone))
    return moment.astimezone(UTC)


def _zone(cli: DeviceCli, name: str) -> timezone:
    if name in ("UTC", "GMT"):
        return UTC
    for found in config(cli).matches(r"clock timezone (\S+) (-?\d+)(?: (\d+))?"):
        if found[1].strip("<>") == name.strip("<>"):
            hours, minutes = int(found[2]), int(found[3] or 0)
            return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    raise Unsupported(f"the time zone {name} is not in the configuration: a time in it cannot be placed")


def clock(cli: DeviceCli) -> Clock:
    """NTP servers of the configuration, and what the clock follows now."""
    gaps = Gaps()
    tree = config(cli)
    governed_here(cli, "the clock and its servers")
    lines = [line for line in tree.lines("ntp server ") if line]
    zone = gaps.attempt("timezone", lambda: _timezone(cli))
    if not lines:
        if on_chassis(cli) or multiple(cli):
            raise Unsupported("no ntp server line: the clock is that of the chassis or of the system execution space")
        gaps.note(("stratum", "offset_ms"), "unsupported", "there is no NTP server to ask")
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone, unseen=gaps.unseen)
    status = gaps.attempt(("synchronised", "stratum"), lambda: _status(cli))
    peers = gaps.attempt(("servers[].selected", "servers[].reachable"), lambda: _peers(cli))
    rows = []
    for server in dict.fromkeys(line.split()[0] for line in lines):
        absent = (False, False) if re.fullmatch(r"[\d.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+", server) else (None, None)
        selected, reachable = (None, None) if peers is None else peers.get(server, absent)
        rows.append(TimeServer(address=server, selected=selected, reachable=reachable))
    if peers is not None and any(row.selected is None for row in rows):
        gaps.note(
            ("servers[].selected", "servers[].reachable"),
            "unsupported",
            "the associations show addresses; a server configured by name is not told from them",
        )
    return Clock(
        software="ntp",
        running=True,
        synchronised=status[0] if status else None,
        servers=tuple(rows),
        stratum=status[1] if status else None,
        authenticated=_authenticated(tree, lines),
        timezone=zone,
        unseen=gaps.unseen,
    )


def _authenticated(tree: Node, lines: list[str]) -> bool:
    """Keys are demanded, and each server has one that is trusted and there."""
    trusted = {line.split()[0] for line in tree.lines("ntp trusted-key ") if line}
    there = {line.split()[0] for line in tree.lines("ntp authentication-key ") if line}
    keys = [re.search(r"\bkey (\d+)", line) for line in lines]
    return tree.flag("ntp authenticate") is True and all(key is not None and key[1] in trusted & there for key in keys)


def _timezone(cli: DeviceCli) -> str:
    """UTC+7 of `clock timezone ICT 7`; newer releases may name a place."""
    said = config(cli).value("clock timezone ")
    if said is None:
        raise Unsupported("no clock timezone line: the system execution space, or UTC")
    shift = re.fullmatch(r"\S+ (-?\d+)(?: (\d+))?", said)
    if not shift:
        return said
    return f"UTC{int(shift[1]):+d}" + (f":{int(shift[2]):02d}" if int(shift[2] or 0) else "")


def _status(cli: DeviceCli) -> tuple[bool, int]:
    text = cli.ask("show ntp status")
    found = re.search(r"^Clock is (synchronized|unsynchronized), stratum (\d+)", text, re.M)
    if not found:
        raise Unparsable("show ntp status: no word of the clock in it")
    itself = re.search(r"reference is (?:127\.127\.\d+\.\d+|\.LOCL\.)", text)
    return found[1] == "synchronized" and not itself, int(found[2])


def _peers(cli: DeviceCli) -> dict[str, tuple[bool, bool]]:
    """address -> (followed now, answered lately). `*` stands before the one that is followed; reach is an octal register."""
    peers: dict[str, tuple[bool, bool]] = {}
    for line in cli.ask("show ntp associations").splitlines():
        found = re.match(r"^([*#+\-x. ])?[~ ]*([0-9A-Fa-f:.]+)\s+\S+\s+\d+\s+\S+\s+\d+\s+([0-7]+)\s", line)
        if found:
            peers[found[2]] = (found[1] == "*", int(found[3], 8) > 0)
    if not peers:
        raise Unparsable("show ntp associations: no server in it")
    return peers
