"""Which commands do systemd's timers start, when did they last, and how did it end?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell


class Timer(NamedTuple):
    """One loaded timer and the service it starts."""

    name: str
    active: bool
    schedule: str
    """Its OnCalendar= texts; empty for a timer that counts from boot."""
    every_days: int | None
    """Days between two starts at most; None where the text is not one we can work out."""
    command: str
    last_run: datetime | None
    """None: not since the timer was made, or not told."""
    last_success: datetime | None
    """End of the service's last run, when it ended well; systemd forgets it at a restart of the machine."""
    failed: bool | None
    """How the last run ended; None when there was none since the machine started."""


def timers(shell: Shell, zone: tzinfo) -> tuple[Timer, ...]:
    """Every loaded timer. () where systemd is not the init system. `zone` is the machine's: systemd prints local times."""
    if shell.stat("/run/systemd/system") is None:
        if not shell.names("/proc/1/comm"):
            raise Unsupported("nothing runs here; timers are seen only on a running system")
        return ()
    asked = shell.run(
        "systemctl",
        "show",
        "*.timer",
        "-p",
        "Id",
        "-p",
        "Unit",
        "-p",
        "ActiveState",
        "-p",
        "TimersCalendar",
        "-p",
        "LastTriggerUSec",
    )
    found = [block for block in blocks(asked.require()) if block.get("Id", [""])[0].endswith(".timer")]
    if not found:
        return ()
    names = sorted({unit for block in found for unit in block.get("Unit", ()) if re.fullmatch(r"[\w.@:\\-]+", unit)})
    services = blocks(
        shell.run(
            "systemctl",
            "show",
            *names,
            "-p",
            "Id",
            "-p",
            "ExecStart",
            "-p",
            "Result",
            "-p",
            "ExecMainStatus",
            "-p",
            "ExecMainExitTimestamp",
        ).require()
    )
    by_name = {block["Id"][0]: block for block in services if "Id" in block}
    return tuple(_timer(block, by_name, zone) for block in found)


def blocks(text: str) -> list[Mapping[str, list[str]]]:
    """The units of an answer of systemctl show: property -> values (ExecStart and TimersCalendar may stand several times)."""
    found: list[Mapping[str, list[str]]] = []
    for paragraph in text.split("\n\n"):
        block: dict[str, list[str]] = {}
        for line in paragraph.splitlines():
            name, equals, value = line.partition("=")
            if not equals or not name.isidentifier():
                raise Unparsable(f"systemctl show: cannot place {line[:60]!r}")
            block.setdefault(name, []).append(value)
        if block:
            found.append(block)
    return found


def _timer(block: Mapping[str, list[str]], services: Mapping[str, Mapping[str, list[str]]], zone: tzinfo) -> Timer:
    service = services.get(block.get("Unit", [""])[0], {})
    texts = [found[1] for value in block.get("TimersCalendar", ()) if (found := re.search(r"OnCalendar=(.*?) ; ", value))]
    intervals = [interval(text) for text in texts]
    known = [days for days in intervals if days is not None]
    ended = moment(service.get("ExecMainExitTimestamp", [""])[0], zone)
    well = service.get("Result") == ["success"] and service.get("ExecMainStatus") == ["0"]
    return Timer(
        name=block["Id"][0],
        active=block.get("ActiveState") == ["active"],
        schedule="; ".join(texts),
        every_days=min(known) if known else None,
        command="\n".join(
            found[1] for value in service.get("ExecStart", ()) if (found := re.search(r"argv\[\]=(.*?) ; ", value))
        ),
        last_run=moment(block.get("LastTriggerUSec", [""])[0], zone),
        last_success=ended if well else None,
        failed=None if ended is None else not well,
    )


_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_WORDS = {"minutely": 1, "hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "semiannually": 184, "yearly": 366}


def interval(text: str) -> int | None:
    """Days between two elapses at most, for the usual forms of systemd.time(7); None for the rest, which is not guessed at.

    systemd shows the normalised form: `Sun *-*-* 02:00:00`, `*-*-01 00:00:00`.
    """
    text = text.strip()
    if text in _WORDS:
        return _WORDS[text]
    parts = text.split()
    days = set(range(7))
    if parts and re.fullmatch(r"[A-Za-z.,]+", parts[0]):
        chosen = _weekdays(parts.pop(0))
        if chosen is None:
            return None
        days = chosen
    if not parts or not re.fullmatch(r"\*-\*-(\*|\d\d?)(?:/1)?", parts[0]):
        return None
    month_day = parts[0].split("-")[2].partition("/")[0]
    if month_day != "*":
        # months without a 30th or 31st are passed over
        return None if len(days) < 7 else 31 if int(month_day) < 29 else 62
    ordered = sorted(days)
    return max(later - earlier for earlier, later in zip(ordered, [*ordered[1:], ordered[0] + 7], strict=True))


def _weekdays(text: str) -> set[int] | None:
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dots, last = part.partition("..")
        if first[:3] not in _DAYS or (dots and last[:3] not in _DAYS):
            return None
        low, high = _DAYS[first[:3]], _DAYS[last[:3] if dots else first[:3]]
        found |= set(range(low, high + 1)) if low <= high else {*range(low, 7), *range(high + 1)}
    return found


_MOMENT = re.compile(r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S+)")


def moment(text: str, zone: tzinfo) -> datetime | None:
    """`Sun 2026-11-22 02:00:00 +07`, in the machine's own zone whatever it calls it; None for an empty one, n/a and never."""
    if text in ("", "n/a", "0", "never"):
        return None
    found = _MOMENT.fullmatch(text)
    try:
        if found:
            here = UTC if found[2] == "UTC" else zone
            return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=here).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unparsable(f"systemctl show: {text[:40]!r} is no time")
