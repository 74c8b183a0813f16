"""Choices that a country has hundreds of, its units above all. Of a filter outside a form: the tag `unit_options`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from server.units.models import Unit

UNIT = _("Unit")


class Written(forms.Select):
    """Options written as text: Django's own take two templates each, and for the hundreds of units of a country 50 ms of a page."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        inside = "".join(_group(group, several) for group, several, _index in widget["optgroups"])
        # Every value and label is escaped, or made by flatatt.
        return format_html('<select name="{}"{}>{}</select>', widget["name"], flatatt(widget["attrs"]), mark_safe(inside))  # noqa: S308


def _group(name: str | None, options: list[dict[str, Any]]) -> str:
    inside = "".join(
        f'<option value="{escape(str(one["value"]))}"{flatatt(one["attrs"])}>{escape(str(one["label"]))}</option>'
        for one in options
    )
    return inside if name is None else f'<optgroup label="{escape(str(name))}">{inside}</optgroup>'


if TYPE_CHECKING:
    Choice = forms.ModelChoiceField[Unit]
else:
    Choice = forms.ModelChoiceField


class UnitChoice(Choice):
    """One of `queryset`, which whoever makes the form narrows to what the person may choose: none before."""

    widget = Written

    def __init__(self, label: Any = UNIT, **more: Any) -> None:
        super().__init__(Unit.objects.none(), label=label, empty_label=None, **more)
