"""Arista EOS: logging and the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.arista_eos.accounts import accounted
from collectors.devices.arista_eos.text import config, release, resolved
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import level, reaches
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.transports.base import DeviceCli


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Everything from the configuration."""
    gaps = Gaps()
    tree = config(cli)
    trap = gaps.attempt("level", lambda: _trap(cli, tree))
    enabled = gaps.attempt("enabled", lambda: _default_on(cli, tree, "logging on"))
    # without `logging on` records reach the console alone
    hosts = () if enabled is False else tuple(_hosts(tree, trap))
    if hosts and trap is None:
        gaps.note("hosts[].level", "unsupported", "no line `logging trap` that names a severity")
    buffer = enabled is not False and gaps.attempt("buffer", lambda: _buffer(cli, tree))

    def kept(wanted: Level) -> bool:
        """Records of this severity are written somewhere."""
        return (bool(hosts) and reaches(trap, wanted)) or (bool(buffer) and reaches(_buffered(tree), wanted))

    return DeviceLogs(
        enabled=enabled,
        hosts=hosts,
        buffer=buffer,
        level=trap and _lesser(trap, _facility(tree, "all")),
        # User Manual, logging format timestamp: the date is always there, its form is chosen
        timestamps=True,
        # %AAA-5-LOGIN, %AAA-4-LOGIN_FAILED
        logons=all(tree.flag(f"aaa authentication policy on-{kind} log") is True for kind in ("success", "failure"))
        and kept("notice")
        and reaches(_facility(tree, "AAA"), "notice"),
        changes=_changes(tree, kept("informational") and reaches(_facility(tree, "ACCOUNTING"), "informational")),
        synchronous_source=_source(tree),
        unseen=gaps.unseen,
    )


def _default_on(cli: DeviceCli, tree: Node, line: str) -> bool:
    said = tree.flag(line)
    if said is None:
        if resolved(cli):
            raise Unsupported(f"no line `{line}`, though defaults are written out")
        release(cli)  # raises outside the releases whose defaults are known
        return True  # User Manual, Logging: both are on
    return said


def _trap(cli: DeviceCli, tree: Node) -> Level:
    said = [line for line in tree.lines("logging trap ") if not line.startswith("system")]
    if said:
        return level(said[-1].split()[0])
    if tree.flag("logging trap") is False or resolved(cli):
        raise Unsupported("no line `logging trap` that names a severity")
    release(cli)  # raises outside the releases whose defaults are known
    return "informational"  # User Manual, logging trap


def _hosts(tree: Node, trap: Level | None) -> Iterator[LogHost]:
    for found in tree.matches(r"logging (?:vrf \S+ )?host (.+)$"):
        words = found[1].split()
        protocol = words[words.index("protocol") + 1] if "protocol" in words[:-1] else "udp"
        ends = next(
            (place for place, word in enumerate(words) if word in ("protocol", "add", "remove") or word.isdecimal()), len(words)
        )
        for address in words[:ends]:
            yield LogHost(
                address=address, protocol="udp" if protocol == "udp" else "tcp", encrypted=protocol == "tls", level=trap
            )


def _facility(tree: Node, name: str) -> Level:
    """The least severity a facility is recorded from, by its own line or that of all (User Manual, logging level)."""
    for facility in (name, "all"):
        said = [found[2] for found in tree.matches(r"logging level (\S+) (\S+)") if found[1].lower() == facility.lower()]
        if said:
            return level(said[-1])
    return "debug"


def _lesser(one: Level, other: Level) -> Level:
    """Of two hurdles the one that lets less through."""
    return one if reaches(other, one) else other


def _buffer(cli: DeviceCli, tree: Node) -> bool:
    """A buffer that keeps emergencies alone keeps nothing of what people look for."""
    return _default_on(cli, tree, "logging buffered") and reaches(_buffered(tree), "error")


def _buffered(tree: Node) -> Level:
    """The least severity the buffer keeps: debugging unless told otherwise (User Manual, logging buffered)."""
    words = (tree.value("logging buffered ") or "").split()
    return level(words[-1]) if words and not words[-1].isdecimal() else "debug"


def _changes(tree: Node, syslog: bool) -> bool:
    """Each command of administrators is recorded, on a server or by syslog (%ACCOUNTING-6-CMD).

    That somebody configured something, which EOS always says, is not each change.
    """
    return any(re.search(r"group \S+", said) or ("logging" in said.split() and syslog) for said in accounted(tree))


def _source(tree: Node) -> str | None:
    found = tree.matches(r"logging (?:vrf \S+ )?source-interface (\S+)")
    return found[-1][1] if found else None


# --- clock ------------------------------------------------------------------------------------------------------------

_ROW = re.compile(
    r"^[ \t]*(?P<mark>[*#+x.o-]?)(?P<address>[0-9A-Za-z][0-9A-Za-z.:_-]*)\s+(?P<refid>\S+)\s+(?P<stratum>\d+)\s+(?P<type>[a-zA-Z-])\s+\S+\s+\d+\s+(?P<reach>[0-7]{1,3})\s+[\d.]+\s+(?P<offset>-?[\d.]+)",
    re.M,
)


def clock(cli: DeviceCli) -> Clock:
    """Servers from the configuration, what is followed from `show ntp status` and `show ntp associations`."""
    gaps = Gaps()
    tree = config(cli)
    zone = tree.value("clock timezone ") or "UTC"
    named = tuple(_servers(tree))
    if not named:
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone)
    status = gaps.attempt(("synchronised", "stratum"), lambda: _status(cli))
    rows = gaps.attempt(("servers", "offset_ms"), lambda: _associations(cli))
    follows = status is not None and status[0]
    if status is not None and not follows:
        gaps.note("stratum", "unsupported", "no server is followed now")
    chosen = next((row for row in rows or () if row["mark"] == "*"), None)
    if rows is not None and chosen is None:
        gaps.note("offset_ms", "unsupported", "no server is followed now")
    return Clock(
        software="ntp",
        running=True,
        synchronised=None if status is None else follows,
        servers=None if rows is None else tuple(
            TimeServer(address=row["address"], selected=row["mark"] == "*", reachable=int(row["reach"], 8) > 0) for row in rows
        ),
        stratum=status[1] if status and follows else None,
        offset_ms=abs(float(chosen["offset"])) if chosen else None,
        timezone=zone,
        authenticated=_authenticated(tree),
        unseen=gaps.unseen,
    )  # fmt: skip


def _servers(tree: Node) -> Iterator[str]:
    for line in tree.lines("ntp server "):
        words = line.split()
        yield words[2] if words[0] == "vrf" and len(words) > 2 else words[0]


def _status(cli: DeviceCli) -> tuple[bool, int]:
    """(it follows a server that is not itself, stratum)."""
    text = cli.ask("show ntp status")
    if re.search(r"^\s*(?:unsynchronised|NTP is disabled)", text, re.M):
        return False, 16
    found = re.search(r"^\s*synchronised to (.*?)(?: at)? stratum (\d+)", text, re.M)
    if not found:
        raise Unparsable("show ntp status: does not say whether the clock is synchronised")
    return "NTP server" in found[1] and "127.127." not in found[1], int(found[2])


def _associations(cli: DeviceCli) -> list[re.Match[str]]:
    text = cli.ask("show ntp associations")
    rows = [row for row in _ROW.finditer(text) if not row["address"].startswith(("127.127.", "LOCAL"))]
    if not rows:
        raise Unparsable("show ntp associations: no server is in it")
    return rows


def _authenticated(tree: Node) -> bool:
    """Keys are demanded, and each server has one that is there and trusted."""
    if tree.flag("ntp authenticate") is not True:
        return False
    trusted: set[str] = set()
    for said in tree.lines("ntp trusted-key "):
        for part in said.replace(" ", "").split(","):
            low, _, high = part.partition("-")
            if low.isdecimal() and (high or low).isdecimal():
                trusted |= {str(number) for number in range(int(low), int(high or low) + 1)}
    trusted &= {line.split()[0] for line in tree.lines("ntp authentication-key ")}
    keys = [re.search(r"\bkey (\d+)", line) for line in tree.lines("ntp server ")]
    return all(key is not None and key[1] in trusted for key in keys)
