"""What two spellings of a word have in common: no marks, no capitals, no signs, whatever form of Unicode they came in."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """`Đà Nẵng`, composed or decomposed, is `da nang`. The letter đ is one of its own and has no mark to take away."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return bare.casefold().replace("đ", "d")


def folded(text: str) -> str:
    """Its words alone, with one blank between: headings, names and titles are typed with many signs."""
    return " ".join(WORD.findall(fold(text)))
