"""Schedules in words, for pages and the console."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from collectors.timetable import Timetable

DAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
STATES = {"on-time": _("on time"), "late": _("late"), "missed": _("missed"), "never": _("never")}


def days_of(days: Iterable[int]) -> str:
    """`T2–T6`, `T7, CN`."""
    found = sorted(days)
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{DAYS[found[0]]}–{DAYS[found[-1]]}"
    return ", ".join(str(DAYS[day]) for day in found)


def hours_of(table: Timetable) -> str:
    """Empty: at any time."""
    return "; ".join(f"{days_of(one.days)} {one}" for one in table.hours)


def freezes_of(table: Timetable) -> str:
    return ", ".join(f"{date_format(first)} – {date_format(last)}" for first, last in table.freezes)


def length_of(seconds: int) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return {
                "day": ngettext("%d day", "%d days", count),
                "hour": ngettext("%d hour", "%d hours", count),
                "minute": ngettext("%d minute", "%d minutes", count),
            }[unit] % count
    return f"{seconds} s"
