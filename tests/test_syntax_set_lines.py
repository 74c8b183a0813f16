"""Lines of set and add: the last one wins, quotes are kept together, anything else is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.syntax.set_lines import parse
from collectors.errors import Unparsable


def test_the_last_line_wins_and_all_are_found() -> None:
    lines = parse('# Configuration of x\n\nset a b 1\nset a b 2\nadd c "x y" z\nadd c w\nset ab c\n').checked()
    assert lines.word("set", "a", "b") == "2"
    assert list(lines.each("add", "c")) == [("x y", "z"), ("w",)]
    assert lines.after("set", "q") is None
    assert lines.word("set", "a", "b", "2") is None


def test_what_stands_in_quotes_is_no_line() -> None:
    lines = parse('set message banner on line msgvalue "set net-access telnet on"\nset net-access telnet off\n').checked()
    assert lines.word("set", "net-access", "telnet") == "off"


@pytest.mark.parametrize("line", ["CLINFR0599  Failed", 'set a "b', "-- More --", "show x"])
def test_another_line_is_told(line: str) -> None:
    with pytest.raises(Unparsable, match="line 2"):
        parse(f"set a b\n{line}\nset c d\n").checked()


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters='"\\'), max_size=60))
def test_any_text_in_quotes_comes_back(said: str) -> None:
    assert parse(f'set a "{said}" b\n').checked().after("set", "a") == (said, "b")
