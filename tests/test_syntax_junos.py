"""Junos syntax: every statement is a path of words; what stands in quotes is none, and what may be hidden is not absent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.syntax.junos import HIDDEN, parse
from collectors.errors import Denied, Unparsable


@pytest.mark.parametrize(
    "text",
    [
        "then { accept; } from { protocol [ tcp udp ]; }",
        "then accept; from protocol [ tcp udp ];",
        "then {\n accept;\n}\nfrom {\n protocol tcp;\n protocol udp;\n}\n",
    ],
)
def test_one_statement_has_many_shapes(text: str) -> None:
    tree = parse(text)
    assert tree.has("then", "accept")
    assert tree.words("from", "protocol") == ("tcp", "udp")
    assert tree.word("from", "protocol") == "tcp"
    assert tree.at("from", "port") is None
    assert tree.words("from", "port") == ()


def test_values_flags_and_options() -> None:
    tree = parse('ntp { server 10.0.0.1 key 7 version 4 prefer; }\nhost-name "A B";\nssh;')
    assert tree.word("ssh") == ""
    assert tree.word("telnet") is None
    assert tree.word("host-name") == "A B"
    server = tree.at("ntp", "server", "10.0.0.1")
    assert server is not None
    assert (server.option("key"), server.option("version"), server.option("prefer"), server.option("source")) == (
        "7",
        "4",
        "",
        None,
    )


def test_inactive_statements_are_not_there_and_protected_ones_are() -> None:
    tree = parse(
        "a {\n inactive: b { c d; }\n inactive: e f;\n protect: g h;\n protect: inactive: i;\n inactive: protect: j { k; }\n}\n"
    )
    assert tree.words("a") == ("g",)


@pytest.mark.parametrize(
    "inside", ["}", "}; a { b c; }", "inactive: x", "/* x", "## SECRET-DATA", "[ x", "\\n}\\n", 'say \\"ok\\";']
)
def test_what_stands_in_quotes_is_no_configuration(inside: str) -> None:
    tree = parse(f'system {{\n  message "Chào\n{inside}";\n  host-name x;\n}}\n')
    assert tree.words("system") == ("message", "host-name")


@pytest.mark.parametrize("remark", ["/* a { b; */", "/* nhiều\n dòng } */", "## a { b;\n", "# x }\n"])
def test_annotations_say_nothing(remark: str) -> None:
    assert parse(f"system {{\n{remark}\n  host-name x;\n}}\n").words("system") == ("host-name",)


@pytest.mark.parametrize(
    "text",
    [
        "system { login { /* ACCESS-DENIED */ } host-name x; }",
        "system { login { /* ACCESS-DENIED */ }; host-name x; }",
        "system { login /* ACCESS-DENIED */; host-name x; }",
        "system {\n  ## 'login' ACCESS-DENIED\n  host-name x;\n}",
    ],
)
def test_what_is_denied_is_not_absent(text: str) -> None:
    tree = parse(text)
    assert tree.word("system", "host-name") == "x"
    assert tree.at("system", "services") is None
    for ask in (
        lambda: tree.at("system", "login", "user"),
        lambda: tree.words("system", "login", "user"),
        lambda: tree.has("system", "login", "message"),
    ):
        with pytest.raises(Denied):
            ask()


def test_a_level_that_is_denied_in_part_is_not_counted() -> None:
    tree = parse("login {\n  user a { uid 1; }\n  /* ACCESS-DENIED */\n}\n")
    assert tree.word("login", "user", "a", "uid") == "1"
    with pytest.raises(Denied):
        tree.words("login")


def test_a_secret_that_is_not_shown_is_there() -> None:
    tree = parse(
        "a {\n  secret /* SECRET-DATA */; ## SECRET-DATA\n  community /* SECRET-DATA */ { authorization read-only; }\n}\n"
    )
    assert tree.word("a", "secret") == HIDDEN
    assert tree.word("a", "community", HIDDEN, "authorization") == "read-only"


@pytest.mark.parametrize(
    "text",
    [
        "a {",
        "a { b c; ",
        "a { } }",
        "a b",
        'a "b;',
        "a [ b;",
        "a ];",
        "{ }",
        "a { b }",
        "a [ b ] c;",
        "a [ b ] { c; }",
        ";",
        "a; ;",
        "/* x",
    ],
)
def test_what_does_not_fit_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        parse(text)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters='"\\'), max_size=80))
def test_any_text_in_quotes_comes_back(said: str) -> None:
    tree = parse(f'a {{\n b "{said}";\n c d;\n}}\n')
    assert tree.words("a", "b") == (said,)
    assert tree.word("a", "c") == "d"
