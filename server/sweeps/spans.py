"""Versions as letters write them: "trước 7.2.7", "< 3.0.15", "từ 7.2.0 đến 7.2.6". What no rule reads is said, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

Rule = Callable[[str], Any]
"""A version -> what compares with others. Raises ValueError where there is no order."""

_V: Final = r"v?(\d[0-9A-Za-z.()_+:~-]*)"
_FORMS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.I), form)
    for pattern, form in (
        (rf"(?:<|trước(?: phiên bản)?|cũ hơn|thấp hơn|dưới|before|prior to|earlier than|below|up to \(excluding\))\s*{_V}", "below"),
        (rf"(?:<=|≤|đến|tới|up to(?: and including)?|through)\s*{_V}", "to"),
        (rf"{_V}\s*(?:trở về trước|trở xuống|và (?:các phiên bản )?(?:trước|cũ hơn)|and (?:earlier|below|prior|older)|or (?:earlier|below))", "to"),
        (rf"(?:từ\s+|from\s+)?{_V}\s*(?:-|–|đến|tới|to|through)\s*{_V}", "between"),
        (rf"(?:từ\s+|from\s+|>=\s*){_V}\s*(?:đến trước|đến dưới|trước|,?\s*<|to before|before)\s*{_V}", "half"),
        (rf"(?:=\s*)?{_V}", "only"),
        (r"(?:tất cả(?: các)?(?: phiên bản)?|mọi phiên bản|all(?: versions)?|\*)", "all"),
    )
)  # fmt: skip


class Span(NamedTuple):
    """From `low` (empty: from the first on) to `high` (empty: without end)."""

    low: str
    high: str
    with_high: bool
    mended: str = ""
    """Of one version that is named alone: the first that is not affected. Of those between nothing is said."""


class NotRead(ValueError):
    """No rule reads these words."""


def read(text: str, fixed: str = "") -> tuple[Span, ...]:
    """The versions that are affected. `fixed`: the first that is not, where the letter names it. Raises NotRead."""
    parts = [part.strip() for part in re.split(r"[;\n]|,(?!\s*<)|\s+(?:và|and)\s+(?=\d)", text) if part.strip()]
    spans = tuple(_one(part) for part in parts) or ((Span("", "", False),) if fixed else ())
    mended = re.fullmatch(_V, fixed.strip(), re.I)
    if mended is None:
        if fixed and any(not one.high for one in spans):
            raise NotRead(fixed)
        return spans
    return tuple(_until(one, mended[1]) for one in spans)


def _until(span: Span, mended: str) -> Span:
    if not span.high:
        return span._replace(high=mended)
    return span._replace(mended=mended) if span.low == span.high else span


def _one(text: str) -> Span:
    bare = re.sub(r"^(?:các\s+)?(?:phiên bản|version|ver\.?)s?\s+", "", text, flags=re.I)
    for pattern, form in _FORMS:
        if found := pattern.fullmatch(bare):
            return _span(form, [one for one in found.groups() if one])
    raise NotRead(text)


def _span(form: str, versions: list[str]) -> Span:
    if form == "all":
        return Span("", "", False)
    if form == "only":
        return Span(versions[0], versions[0], True)
    if form == "between":
        if versions[0].count(".") != versions[1].count("."):
            raise NotRead("-".join(versions))  # 5.10.0-28 is one version, not two
        return Span(versions[0], versions[1], True)
    if form == "half":
        return Span(versions[0], versions[1], False)
    return Span("", versions[0], form == "to")


def within(version: str, spans: tuple[Span, ...], rule: Rule) -> bool:
    """Raises ValueError where one of the versions has no place in the order, or may be meant as a line of versions."""
    own = rule(version)
    if any(_in(own, span, rule) for span in spans):
        return True
    if any(span.with_high and version.startswith(f"{span.high}.") for span in spans):
        raise ValueError(f"{version} is of a line that is named as if it were a version")
    for span in spans:
        if span.mended and rule(span.high) < own < rule(span.mended):
            raise ValueError(f"{version} lies between {span.high}, which is named, and {span.mended}, which is mended")
    return False


def _in(own: Any, span: Span, rule: Rule) -> bool:
    if span.low and own < rule(span.low):
        return False
    if not span.high:
        return True
    high = rule(span.high)
    return bool(own <= high if span.with_high else own < high)


def dotted(text: str) -> tuple[int, ...]:
    """Numbers with dots between: 122.0.6261.94. Ends of zeros count for nothing. Raises ValueError for anything else."""
    if not re.fullmatch(r"\d{1,9}(?:\.\d{1,9}){0,7}", text, re.ASCII):
        raise ValueError(text)
    numbers = [int(one) for one in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
