"""The words that things are found by, and the words of a question."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import CharField

from server.folding import WORD, fold
from server.units.paths import Range

LONGEST, MOST = 40, 24
"""Of a word, and of the words of one thing."""
_LAST = "\U0010ffff"


def words(text: str) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(word[:LONGEST] for word in WORD.findall(fold(text))))


def told(texts: Iterable[str]) -> list[str]:
    """The words a thing is found by. What is written together by some and apart by others (`pc-12`, `pc12`) is found both ways."""
    found: dict[str, None] = {}
    for text in texts:
        parts = words(text)
        found.update(dict.fromkeys(parts))
        if 1 < len(parts) < 5 and " " not in text.strip():
            found["".join(parts)[:LONGEST]] = None
    return list(found)[:MOST]


@CharField.register_lookup
class Begins(Range):
    """`word__begins="da"`: a range of the column's own index on both databases."""

    lookup_name = "begins"

    def get_prep_lookup(self) -> tuple[str, str]:
        return self.rhs, self.rhs + _LAST
