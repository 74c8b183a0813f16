"""Does the Windows time service follow a source?"""

from __future__ import annotations

import re
from typing import Final

from collectors.errors import Denied, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.transports.base import Shell
from collectors.windows.document import Document, document
from collectors.windows.registry import CONTROL, POLICIES, SERVICES, Registry
from collectors.windows.services import services

_OWN: Final = rf"{SERVICES}\W32Time\Parameters"
_POLICY: Final = rf"{POLICIES}\W32time\Parameters"
_LOCAL_CLOCK: Final = 0x4C4F434C  # "LOCL"
_ZONES: Final = {"SE Asia Standard Time": "Asia/Ho_Chi_Minh", "UTC": "UTC"}
"""(UTC+07:00) Bangkok, Hanoi, Jakarta is the zone of Viet Nam; others keep Windows' own name."""


def clock(shell: Shell) -> Clock:
    answers = document(shell)
    registry = Registry(answers)
    gaps = Gaps()
    running = gaps.attempt("running", lambda: _running(answers))
    kind = gaps.attempt("servers", lambda: _kind(registry))
    servers = None if kind is None else gaps.attempt("servers", lambda: _servers(registry, kind))
    if servers:
        gaps.note(
            ("servers[].selected", "servers[].reachable"),
            "unsupported",
            "which source answers is told by w32tm in words of the display language only",
        )
    status = None
    if running is False or kind == "NoSync":
        synchronised: bool | None = False
        gaps.note("stratum", "unsupported", "the time service does not run, or is told to follow nothing")
    else:
        status = gaps.attempt(("synchronised", "stratum"), lambda: _status(answers))
        synchronised = None if status is None or running is None else status[0]
        if status is not None and running is None:
            gaps.note("synchronised", "unsupported", "whether the time service runs was not seen")
    gaps.note("offset_ms", "unsupported", "asking for the distance would send packets to the source")
    return Clock(
        software="w32time",
        running=running,
        synchronised=synchronised,
        servers=servers,
        stratum=status[1] if status else None,
        timezone=gaps.attempt("timezone", lambda: _zone(registry)),
        unseen=gaps.unseen,
    )


def _running(answers: Document) -> bool:
    known = services(answers)
    return "w32time" in known and known["w32time"].running


def _kind(registry: Registry) -> str:
    found = registry.text(_POLICY, "Type") or registry.text(_OWN, "Type")
    if found not in ("NTP", "NT5DS", "NoSync", "AllSync"):
        raise Unparsable(f"W32Time: Type is {str(found)[:40]!r}")
    return found


def _servers(registry: Registry, kind: str) -> tuple[TimeServer, ...]:
    """Written as name,0x9 name,0x8. A domain member (NT5DS) follows the domain and reads no list."""
    if kind == "NoSync":
        return ()
    if kind == "NT5DS":
        raise Unsupported("the machine follows its domain, which names the source by itself")
    text = registry.text(_POLICY, "NtpServer") or registry.text(_OWN, "NtpServer") or ""
    names = [word.partition(",")[0] for word in text.split()]
    return tuple(TimeServer(address=name, selected=None, reachable=None) for name in names if name)


def _status(answers: Document) -> tuple[bool, int]:
    """(synchronised, stratum) from w32tm /query /status, of which only numbers in fixed places are read.

    Its first line ends in `0(no warning)`, the second in `3 (secondary reference ...)`, and one holds the reference id in
    hexadecimal; the words are localised. Leap 3 means unsynchronised; LOCL, its own clock. Never tried on a real machine.
    """
    section = answers.section("time")
    status = section.number("status")
    lines = [line for line in section.texts("lines") if line.strip()]
    if status != 0:
        if status is not None and status & 0xFFFFFFFF == 0x80070005:
            raise Denied("w32tm: run as administrator to see it")
        raise Unparsable(f"w32tm ended with status {status}")
    leap = re.search(r":\s*([0-3])\s*\(", lines[0]) if lines else None
    stratum = re.search(r":\s*(\d{1,2})\s*\(", lines[1]) if len(lines) > 1 else None
    reference = next((found for line in lines[2:] if (found := re.search(r":\s*0x([0-9A-F]{8})\b", line, re.I))), None)
    if not (leap and stratum and reference):
        raise Unparsable("w32tm: its status has another form than the one known")
    level = int(stratum[1])
    follows = leap[1] != "3" and 1 <= level <= 15 and int(reference[1], 16) not in (0, _LOCAL_CLOCK)
    return follows, level


def _zone(registry: Registry) -> str:
    found = (registry.text(rf"{CONTROL}\TimeZoneInformation", "TimeZoneKeyName") or "").partition("\0")[0]
    if not found:
        raise Unsupported("TimeZoneInformation names no zone")
    return _ZONES.get(found, found)
