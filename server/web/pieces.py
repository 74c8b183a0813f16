"""Pieces of pages that are the same at each look, such as what a standard asks: written once for each language and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

MOST = 10_000
_kept: dict[tuple[str, str | None, tuple[Hashable, ...]], SafeString] = {}


def written(template: str, *decides: Hashable, given: Callable[[], dict[str, Any]]) -> SafeString:
    """The template with what `given` answers. `decides`: everything that the piece depends on, beside the language."""
    key = (template, get_language(), decides)
    if (known := _kept.get(key)) is None:
        if len(_kept) >= MOST:
            _kept.clear()
        known = _kept[key] = render_to_string(template, given())
    return known
