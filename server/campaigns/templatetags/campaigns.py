"""What the pages of campaigns draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from html import escape as plain

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext

from server.campaigns.account import Numbers
from server.campaigns.models import Excuse, Row

register = template.Library()


@register.simple_tag
def progress(numbers: Numbers) -> SafeString:
    """The states of a scope as a bar; what it says stands beside it as numbers. Attributes only: the content policy forbids styles."""
    if not numbers.scope:
        return mark_safe("")
    parts, left = [], 0.0
    for state, _word, count, _tone in numbers.told:
        if width := 100 * count / numbers.scope:
            parts.append((f"s-{state}", f"{left:.2f}", f"{width:.2f}"))
        left += width
    said = ", ".join(f"{word} {count}" for _state, word, count, _tone in numbers.told)
    rects = format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="8"/>', parts)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>', said, rects
    )


@register.simple_tag
def named(rows: Iterable[tuple[Row, str, Excuse | None]]) -> SafeString:
    """Lines of a table: machines with the reason and the exemption of each. A report has thousands, and for so many the language
    of templates takes many times as long."""
    never, short = gettext("never"), cache(_short)

    def contact(row: Row) -> str:
        if row.contact_at:
            return short(row.contact_at.replace(second=0, microsecond=0))
        return "–" if row.away else never

    def lines() -> Iterator[str]:
        # What format_html does to each cell, without what that costs: it asks of everything whether it is to be translated yet.
        for row, why, excuse in rows:
            yield (
                f"<tr><td><strong>{plain(row.name)}</strong>{_became(row)}</td><td>{plain(row.part.name)}</td>"
                f'<td>{plain(capfirst(why))}{_excused(excuse)}</td><td class="nowrap">{plain(contact(row))}</td></tr>'
            )

    return mark_safe("".join(lines()))  # noqa: S308  (each cell is escaped, or made by format_html)


def _short(at: datetime) -> str:
    """To the minute, in the language of the page."""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def _became(row: Row) -> str:
    if not row.became:
        return ""
    where = f": {row.became_where}" if row.became_where else ""
    return format_html('<div class="small">{}{}</div>', capfirst(row.became_word), where)


def _excused(excuse: Excuse | None) -> str:
    if excuse is None:
        return ""
    who = {"asked": escape(excuse.asked_by), "approved": escape(excuse.approved_by)}
    said = mark_safe(gettext("asked by %(asked)s, agreed to by %(approved)s") % who)  # noqa: S308  (both are escaped)
    document = f" ({excuse.document})" if excuse.document else ""
    reason = linebreaksbr(excuse.reason)
    return format_html('<div class="small">{}{} <span class="dim">{}</span></div>', reason, document, said)
