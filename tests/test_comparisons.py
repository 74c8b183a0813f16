"""`like`: names against lists in which * stands for anything and ? for one character."""

from __future__ import annotations

import re
from itertools import product

import pytest

from baselines.comparisons import Patterns


def plainly(item: str, name: str) -> bool:
    """As one would write it down, trying every place."""
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in item), name) is not None


def test_every_short_pattern_takes_what_it_says() -> None:
    names = ["".join(name) for length in range(5) for name in product("ab", repeat=length)]
    for length in range(1, 5):
        for item in map("".join, product("ab*?", repeat=length)):
            asked = Patterns([item])
            assert {name for name in names if asked[name]} == {name for name in names if plainly(item, name)}, item


@pytest.mark.parametrize("item", ["*" + "a*" * 20 + "b", "a*" * 100 + "b", "*?*?*?*?*?*?*?*b"])
def test_a_pattern_with_many_stars_comes_to_an_end(item: str) -> None:
    """Tried at every place this takes years: a list of names may be somebody else's."""
    asked = Patterns([item, "x*y"])
    assert not asked["a" * 255]
    assert asked["a" * 255 + "b"]
    assert asked["xây"]
