"""What templates need beyond Django's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy, ngettext

from server.assess import wording
from server.ingest.models import Machine
from server.units.models import Unit, unit_on
from server.web import navigation as headings

register = template.Library()

_ICONS = {
    "shield": "M12 3l7.5 2.8v5.4c0 4.6-3.1 8-7.5 9.8-4.4-1.8-7.5-5.2-7.5-9.8V5.8L12 3zM8.6 12.2l2.5 2.5 4.5-5",
    "server": "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01M12 8h5M12 16h5",
    "workstation": "M3 5h18v11H3zM9 20h6M12 16v4",
    "router": "M4 14h16v5H4zM8 16.5h.01M12 16.5h.01M8 14l-3-7M16 14l3-7",
    "switch": "M3 8h18v8H3zM7 12h.01M11 12h.01M15 12h.01M18 12h.01",
    "firewall": "M4 5h16v14H4zM4 10h16M4 14.5h16M9 5v5M15 5v5M12 10v4.5M7 14.5V19M16 14.5V19",
    "other": "M12 4a8 8 0 100 16 8 8 0 000-16zM12 15h.01M12 12c0-1.6 2-1.6 2-3.2A2 2 0 0010 8.6",
    "key": "M14.5 9.5a4 4 0 11-3.2-3.9 4 4 0 013.2 3.9zM13.6 12.4L20 19M17 16l2-2",
    "book": "M5 4h11a3 3 0 013 3v13H8a3 3 0 01-3-3zM5 17a3 3 0 013-3h11M9 8h6",
    "tree": "M9 4h6v4H9zM3 16h6v4H3zM15 16h6v4h-6zM12 8v4M6 16v-4h12v4",
    "search": "M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L20 20",
    "sun": "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M19 5l-1.4 1.4M6.400 17.6L5 19",
    "moon": "M20 14.5A8.500 8.500 0 119.5 4a6.800 6.800 0 0010.500 10.500z",
    "half": "M12 4a8 8 0 100 16 8 8 0 000-16zM12 4v16M15 5.200v13.600M18 7v10",
    "alarm": "M12 4L2.8 19.5h18.4L12 4zM12 10v4.5M12 17h.01",
    "copy": "M8 8h11v12H8zM5 16V4h11",
    "out": "M14 4H5v16h9M10 12h10M17 9l3 3-3 3",
    "clock": "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4.5l3 2",
    "terminal": "M3 5h18v14H3zM7 10l3 2.5L7 15M12.5 15H16",
    "file": "M6 3h8l4 4v14H6zM14 3v4h4",
    "chart": "M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6",
    "call": "M8 6l-5 6 5 6M16 6l5 6-5 6",
    "command": "M3 5h18v14H3zM7 10l3 2.5L7 15M12.5 15H16",
    "down": "M12 4v12M7 11.5l5 5 5-5M5 20h14",
    "fail": "M7 7l10 10M17 7L7 17",
    "pass": "M5 12.5l4.5 4.5L19 7.5",
    "unknown": "M9 9a3 3 0 116 0c0 2.2-3 2.4-3 4.8M12 17.5h.01",
    "manual": "M12 5a3 3 0 100 6 3 3 0 000-6zM5.5 19a6.5 6.5 0 0113 0",
    "not_applicable": "M6 12h12",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A line drawing beside a word; never the only carrier of a meaning."""
    return _drawing(_ICONS.get(name, _ICONS["other"]))


@cache
def _drawing(path: str) -> SafeString:
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>', path)


@register.simple_tag
def unit_options(units: Iterable[Unit], chosen: Unit | str | None = None) -> SafeString:
    """The choices of a select: a country has hundreds, and a loop of the template's own takes longer than all the rest of a page.

    `chosen`: a unit, or its number as it stood in the address.
    """
    wanted = str(chosen.pk if isinstance(chosen, Unit) else chosen or "")
    numbered = ((str(unit.pk), escape(unit.name)) for unit in units)
    return mark_safe(  # noqa: S308  (a number and an escaped name)
        "".join(f'<option value="{pk}"{" selected" if pk == wanted else ""}>{name}</option>' for pk, name in numbered)
    )


@register.inclusion_tag("web/navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """The headings, with the one under which the page lies that the view calls `nav`."""
    nav = str(context.get("nav") or "")
    groups = headings.offered(context["user"])
    return {"groups": groups, "nav": nav, "current": next((one for one in groups if one.holds(nav)), None)}


_DECIDED = ("fail", "unknown", "pass")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


@register.simple_tag
def unit_then(machine: Machine, at: datetime) -> str:
    """The units a machine was in at that time, by the names of that day; nothing where they are those of today."""
    then, now = (_line(machine, moment) for moment in (at, timezone.now()))
    return then if then != now else ""


def _line(machine: Machine, at: datetime) -> str:
    day = timezone.localtime(at).date()
    unit = unit_on(machine, day)
    return " › ".join(one.name_on(day) for one in unit.line_on(day)) if unit else ""


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago, in the one unit that matters."""
    if at is None:
        return gettext("never")
    seconds = (timezone.now() - at).total_seconds()
    if seconds < 0:
        return gettext("in the future")
    for unit, size in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            words = {
                "day": ngettext("%d day ago", "%d days ago", count),
                "hour": ngettext("%d hour ago", "%d hours ago", count),
                "minute": ngettext("%d minute ago", "%d minutes ago", count),
            }
            return words[unit] % count
    return gettext("just now")


@register.simple_tag
def since(at: datetime) -> SafeString:
    """How long ago, with the date for whoever rests on it."""
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), date_format(local, "DATETIME_FORMAT"), ago(at)
    )


_FRESHNESS = {
    "fresh": (" good", gettext_lazy("up to date")),
    "late": (" warn", gettext_lazy("late")),
    "silent": (" bad", gettext_lazy("silent")),
    "never": ("", gettext_lazy("never reported")),
}


@register.simple_tag
def freshness(word: str) -> SafeString:
    """How old the last report is: a word of server.assess.freshness."""
    tone, said = _FRESHNESS[word]
    return format_html('<span class="tag{}">{}</span>', tone, said)


@register.simple_tag
def counted(number: int, verdict: str = "") -> SafeString:
    """A number of machines as a cell of a table, in the verdict's colour unless it is nought. Tables of hundreds are made of it."""
    colour = f" c-{verdict}" if verdict else ""
    return mark_safe(f'<td class="num{colour}{"" if number else " zero"}"><b>{number:d}</b></td>')  # noqa: S308  (a number)


@register.simple_tag
def bar(counts: Any) -> SafeString:
    """What the machine decided, as a coloured bar. What people decide would drown it and stands beside it as a number.

    Drawn with attributes, because the content policy forbids inline styles.
    """
    given = _counts(counts)
    total = sum(given[verdict] for verdict in _DECIDED)
    if not total:
        return mark_safe("")
    pieces, left = [], 0.0
    for verdict in _DECIDED:
        width = 100 * given[verdict] / total
        if width:
            pieces.append(f'<rect class="v-{verdict}" x="{left:.2f}" y="0" width="{width:.2f}" height="8"/>')
        left += width
    said = ", ".join(f"{wording.VERDICTS[verdict]} {count}" for verdict, count in given.items())
    rects = mark_safe("".join(pieces))  # noqa: S308  (numbers)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>', said, rects
    )


@register.simple_tag
def strip(states: Any) -> SafeString:
    """Machines by state as a coloured bar; each state has its number beside it wherever this stands."""
    said = ", ".join(f"{one.title}: {one.number}" for one in states)
    pieces = (
        f'<rect class="s-{one.code}" x="{one.start:.2f}" y="0" width="{one.share:.2f}" height="8"/>'
        for one in states
        if one.number
    )
    rects = mark_safe("".join(pieces))  # noqa: S308  (words of ours and numbers)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>', said, rects
    )


def _counts(given: Any) -> dict[str, int]:
    if isinstance(given, dict):
        return {verdict: given[verdict] for verdict in ("fail", "unknown", "pass", "manual")}
    return {"fail": given.fail, "unknown": given.unknown, "pass": given.passed, "manual": given.manual}


_CODE = re.compile(r"`([^`\n]+)`")


@register.filter
def prose(text: str) -> SafeString:
    """A pack's sentence: what stands between backquotes is a command or a file, and is set as one."""
    parts = (escape(part) for part in _CODE.split(text))
    return mark_safe("".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts)))  # noqa: S308  (escaped)


@register.filter
def verdict_word(verdict: str) -> str:
    return str(wording.VERDICTS.get(verdict, verdict))


@register.filter
def get(mapping: dict[str, Any], key: str) -> Any:
    return mapping.get(key, "")


@register.filter
def short(digest: str) -> str:
    """Enough of a digest to compare by eye."""
    return digest[:12]
