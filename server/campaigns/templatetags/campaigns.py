"""What the pages of campaigns draw."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from server.campaigns.account import Numbers

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
