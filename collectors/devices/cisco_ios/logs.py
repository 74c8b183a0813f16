"""Cisco IOS: logging and the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from collectors.devices.cisco_ios.accounts import accounts_commands
from collectors.devices.cisco_ios.text import config, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.transports.base import DeviceCli

_LEVELS: dict[str, Level] = {
    **{str(number): level for number, level in enumerate(get_args(Level))}, "emergencies": "emergency", "alerts": "alert",
    "critical": "critical", "errors": "error", "warnings": "warning", "notifications": "notice", "informational": "informational",
    "debugging": "debug",
}  # fmt: skip


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Everything from the configuration; a default that this release does not write out stays unknown."""
    gaps = Gaps()
    tree = config(cli)
    level = gaps.attempt("level", lambda: _trap_level(tree))
    # without `logging on` records reach the console alone (IOS Configuration Fundamentals, logging on)
    on = tree.flag("logging on") is not False
    silent = not on or tree.flag("logging trap") is False
    return DeviceLogs(
        enabled=on,
        hosts=() if silent else tuple(_hosts(tree, level)),
        buffer=gaps.attempt("buffer", lambda: on and _buffer(cli, tree)),
        level=level,
        timestamps=gaps.attempt("timestamps", lambda: _timestamps(tree)),
        logons=all(_every_one(tree, f"login on-{kind} log") for kind in ("failure", "success")),
        changes=gaps.attempt("changes", lambda: _changes(cli, tree)),
        synchronous_source=tree.value("logging source-interface "),
        unseen=gaps.unseen,
    )


def _trap_level(tree: Node) -> Level:
    """informational where nothing is said (IOS Configuration Fundamentals, logging trap)."""
    if tree.flag("logging trap") is False:
        raise Unsupported("no record is sent to a server: `no logging trap`")
    said = (tree.value("logging trap ") or "informational").split()[0]
    if said not in _LEVELS:
        raise Unparsable(f"logging trap: cannot place {said[:40]!r}")
    return _LEVELS[said]


def _hosts(tree: Node, level: Level | None) -> Iterator[LogHost]:
    for line in (*tree.lines("logging host "), *(found[1] for found in tree.matches(r"logging ((?:\d+\.){3}\d+.*)$"))):
        words = line.split()
        address = words[1] if words[0] == "ipv6" and len(words) > 1 else words[0]
        found = re.search(r"\btransport (udp|tcp|tls)\b", line)
        transport = found[1] if found else "udp"
        yield LogHost(address=address, protocol="udp" if transport == "udp" else "tcp", encrypted=transport == "tls", level=level)


def _buffer(cli: DeviceCli, tree: Node) -> bool:
    said = tree.flag("logging buffered")
    if said is None and not resolved(cli):
        raise Unsupported("no line `logging buffered`, and whether a buffer is kept without one depends on the release")
    return bool(said)


def _timestamps(tree: Node) -> bool:
    said = tree.value("service timestamps log")
    if said is None and tree.flag("service timestamps log") is None:
        raise Unsupported("the configuration does not say how records are dated")
    return (said or "").startswith("datetime")


def _every_one(tree: Node, line: str) -> bool:
    """`every 5` leaves four of five out."""
    found = re.search(r"\bevery (\d+)", tree.value(line) or "")
    return bool(tree.flag(line)) and (found is None or found[1] == "1")


def _changes(cli: DeviceCli, tree: Node) -> bool:
    for archive in tree.blocks("archive"):
        for logged in archive.blocks("log config"):
            if logged.flag("logging enable"):
                return True
    return bool(tree.flag("aaa new-model")) and accounts_commands(cli, tree)


# --- clock ------------------------------------------------------------------------------------------------------------

_ASSOCIATION = re.compile(r"^\s*([*#+\-ox]?)[ ]?(~?)([0-9A-Za-z.:_\-]+)\s+(\S+)\s+(\d+)\s+\S+\s+\d+\s+([0-7]{1,3})\s", re.M)


def clock(cli: DeviceCli) -> Clock:
    """Servers from the configuration, what is followed from `show ntp status` and `show ntp associations`."""
    gaps = Gaps()
    tree = config(cli)
    named = tuple(_time_servers(tree))
    simple = tuple(line.split()[0] for line in tree.lines("sntp server "))
    zone = tree.value("clock timezone ")
    shift = re.fullmatch(r"\S+ (-?\d+)(?: (\d+))?", zone or "")
    timezone = f"UTC{int(shift[1]):+d}" + (f":{int(shift[2]):02d}" if int(shift[2] or 0) else "") if shift else "UTC"
    if not named and not simple:
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=timezone)
    if not named:
        gaps.note("synchronised", "unsupported", "SNTP does not tell whether the clock follows its server")
        rows = tuple(TimeServer(address=address, selected=None, reachable=None) for address in simple)
        return Clock(software="sntp", running=True, synchronised=None, servers=rows, timezone=timezone, unseen=gaps.unseen)
    status = gaps.attempt(("synchronised", "stratum", "offset_ms"), lambda: _status(cli))
    found = re.search(r"Clock is (un)?synchronized, (?:stratum (\d+)|no)", status or "")
    offset = re.search(r"clock offset is (-?[\d.]+) msec", status or "")
    itself = re.search(r"reference is (?:127\.127\.\d+\.\d+|\.LOCL\.)", status or "")
    return Clock(
        software="ntp",
        running=True,
        synchronised=None if found is None else found[1] is None and not itself,
        servers=gaps.attempt("servers", lambda: _associations(cli, named)),
        stratum=int(found[2]) if found and found[2] else None,
        offset_ms=abs(float(offset[1])) if offset and found and found[1] is None else None,
        timezone=timezone,
        authenticated=_authenticated(tree),
        unseen=gaps.unseen,
    )


def _time_servers(tree: Node) -> Iterator[str]:
    for line in (*tree.lines("ntp server "), *tree.lines("ntp peer ")):
        words = line.split()
        if words[0] == "vrf":
            words = words[2:]
        if words and words[0] in ("ip", "ipv6"):
            words = words[1:]
        if words:
            yield words[0]


def _authenticated(tree: Node) -> bool:
    """Keys are demanded, and each server has one that is there and trusted."""
    if not tree.flag("ntp authenticate"):
        return False
    trusted: set[str] = set()
    for said in tree.lines("ntp trusted-key "):
        numbers = [int(number) for number in re.findall(r"\d+", said)]
        trusted |= {str(number) for number in (range(numbers[0], numbers[-1] + 1) if "-" in said else numbers)}
    trusted &= {found[1] for found in tree.matches(r"ntp authentication-key (\d+) ")}
    lines = (*tree.lines("ntp server "), *tree.lines("ntp peer "))
    keys = [re.search(r"\bkey (\d+)", line) for line in lines]
    return all(key is not None and key[1] in trusted for key in keys)


def _status(cli: DeviceCli) -> str:
    text = cli.ask("show ntp status")
    if "not enabled" in text or not re.search(r"Clock is (?:un)?synchronized", text):
        raise Unparsable("show ntp status: does not say whether the clock is synchronised")
    return text


def _associations(cli: DeviceCli, named: tuple[str, ...]) -> tuple[TimeServer, ...]:
    text = cli.ask("show ntp associations")
    rows = [
        TimeServer(address=found[3], selected=found[1] == "*", reachable=int(found[6], 8) > 0)
        for found in _ASSOCIATION.finditer(text)
        if not found[3].startswith("127.127.")
    ]
    if not rows:
        raise Unparsable(f"show ntp associations: none of {len(named)} configured servers is in it")
    return tuple(rows)
