"""Brace syntax: what stands in quotes is no configuration, and what does not end is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.syntax.braces import parse
from collectors.errors import Unparsable


def test_blocks_values_and_lists() -> None:
    tree = parse(
        'config {\n  a {\n    b c;\n    d [ x "y z" w];\n    "LAN ra" {\n      member any;\n    }\n    e;\n  }\n  a {\n    b q;\n  }\n}\n'
    )
    block = tree.at("config", "a")
    assert block is not None
    assert block.word("b") == "q"
    assert block.words("d") == ("x", "y z", "w")
    assert block.words("LAN ra") == ("any",)
    assert block.word("e") == ""
    assert block.word("f") is None
    assert [child.name for child in block.below("LAN ra")] == ["member"]


@pytest.mark.parametrize("inside", ["}", "};\npermitted-ip {\n  any;\n}", 'a \\" b;', "[ x", "\n\n"])
def test_what_stands_in_quotes_is_no_configuration(inside: str) -> None:
    tree = parse(f'config {{\n  login-banner "Chào\n{inside}\nhết";\n  x y;\n}}\n')
    assert list(tree.children["config"].children) == ["login-banner", "x"]


@pytest.mark.parametrize(
    "text", ["a {", "a { b c; ", "a {}}", "a b", 'a "b', "a [ b;", "a ];", "{ }", "a { b }", "a [ [ b ] ];", ";"]
)
def test_what_does_not_fit_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        parse(text)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters='"\\'), max_size=80))
def test_any_text_in_quotes_comes_back(said: str) -> None:
    tree = parse(f'a {{\n b "{said}";\n c d;\n}}\n')
    assert tree.children["a"].children["b"].values == (said,)
    assert tree.children["a"].word("c") == "d"
