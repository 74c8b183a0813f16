"""Days as iCalendar (RFC 5545): whole days, lines of at most 75 octets, nothing in a text that could begin another line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from server.calendar.events import Event

MOST = 75


def document(name: str, events: Iterable[Event], host: str, now: datetime) -> str:
    """One VCALENDAR. `host` makes the ids the world's only ones; they stay the same from one reading to the next."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//rasoat//calendar//EN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
    ]
    for one in events:
        lines += _event(one, host, now)
    return "".join(f"{folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _event(one: Event, host: str, now: datetime) -> Iterable[str]:
    unit = one.unit.pk if one.unit is not None and not one.units else 0
    told = [one.who, one.source, one.note, one.closed]
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(one.key)}-{one.day:%Y%m%d}-{unit}@{host}"
    yield f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{one.last:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{one.last + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{escaped(('✓ ' if one.met else '') + one.title)}"
    yield f"DESCRIPTION:{escaped(chr(10).join(filter(None, told)))}"
    yield f"CATEGORIES:{escaped(one.kind_word)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def escaped(text: str) -> str:
    """A TEXT value; what steers a terminal or a line is left out."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return "".join(character for character in text if character.isprintable())


def folded(line: str) -> str:
    """In pieces of at most 75 octets, never cut inside a character; each further one begins with a blank."""
    pieces, piece, size = [], "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > MOST:
            pieces.append(piece)
            piece, size = "", 1
        piece, size = piece + character, size + octets
    return "\r\n ".join([*pieces, piece])
