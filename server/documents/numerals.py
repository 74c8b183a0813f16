"""Numbers in Vietnamese words, as books and receipts say them beside the figures."""

from __future__ import annotations

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu")
_BILLION = 10**9


def in_words(number: int) -> str:
    """A count, from 0 on."""
    if number < 0:
        raise ValueError(number)
    return " ".join(_words(number)) or _DIGITS[0]


def _words(number: int) -> list[str]:
    billions, rest = divmod(number, _BILLION)
    found = [*_words(billions), "tỷ"] if billions else []
    for place in (2, 1, 0):
        group = rest // 1000**place % 1000
        if group:
            found += _group(group, whole=bool(found))
            found += [_GROUPS[place]] if place else []
    return found


def _group(group: int, whole: bool) -> list[str]:
    """Three digits. `whole`: something stands before it, so a missing hundred is said."""
    hundreds, tens, ones = group // 100, group // 10 % 10, group % 10
    found = [_DIGITS[hundreds], "trăm"] if hundreds or whole else []
    if tens > 1:
        found += [_DIGITS[tens], "mươi"]
    elif tens:
        found.append("mười")
    elif ones and found:
        found.append("linh")
    if ones == 1 and tens > 1:
        found.append("mốt")
    elif ones == 5 and tens:
        found.append("lăm")
    elif ones:
        found.append(_DIGITS[ones])
    return found
