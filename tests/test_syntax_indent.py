"""Indented configurations: what stands in a banner is no line of the configuration, and later lines win."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.syntax.indent import parse
from collectors.errors import Unparsable

LINES = "line vty 0 4\n no login\n transport input telnet\nno aaa new-model\nend\n"


@pytest.mark.parametrize("delimiter", ["^C", "\x03", "~", "#", "X", "@", '"', "!", "$", "|"])
@pytest.mark.parametrize("what", ["banner login", "banner motd", "banner exec", "aaa authentication banner", "vacant-message"])
def test_a_text_between_delimiters_is_no_configuration(what: str, delimiter: str) -> None:
    text = f"hostname R1\n{what} {delimiter}\n{LINES}{delimiter}\naaa new-model\nline vty 0 4\n login local\n"
    tree = parse(text)
    assert tree.flag("aaa new-model") is True
    assert [line.flag("login local") for line in tree.blocks("line vty ")] == [True]
    assert tree.banners[what] == LINES.strip("\n")
    assert [child.text for child in tree.children] == ["hostname R1", what, "aaa new-model", "line vty 0 4"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("banner motd #Xin chao#\nhostname R1\n", "Xin chao"),
        ("banner motd ^CXin\nchao^C\nhostname R1\n", "Xin\nchao"),
        ("banner motd  #  \n\n#\nhostname R1\n", ""),
    ],
)
def test_a_banner_ends_where_its_delimiter_stands(text: str, shown: str) -> None:
    tree = parse(text)
    assert tree.banners["banner motd"].strip() == shown
    assert tree.value("hostname ") == "R1"


def test_a_banner_that_never_ends_is_no_configuration() -> None:
    with pytest.raises(Unparsable, match="begins on line 2 never ends"):
        parse("hostname R1\nbanner login ^C\nline vty 0 4\nend\n")
    with pytest.raises(Unparsable, match="no EOF"):
        parse("banner login\nline vty 0 4\n", "eof")


def test_other_ways_to_write_banners() -> None:
    eos = parse(f"banner login\n{LINES}EOF\nhostname sw\n", "eof")
    assert eos.banners["banner login"] == LINES.strip("\n")
    assert [child.text for child in eos.children] == ["banner login", "hostname sw"]
    asa = parse("banner motd one\nbanner motd # two\nhostname fw\n", "line")
    assert asa.banners["banner motd"] == "one\n# two"
    assert asa.value("hostname ") == "fw"


def test_blocks_nest_by_indentation_and_lines_know_their_number() -> None:
    tree = parse("archive\n log config\n  logging enable\n path scp://x\nline con 0\n!\n exec-timeout 5 0\n")
    archive = next(tree.blocks("archive"))
    assert [node.text for node in archive.children] == ["log config", "path scp://x"]
    assert next(archive.blocks("log config")).has("logging enable")
    assert next(tree.blocks("line con")).value("exec-timeout ") == "5 0"
    assert [(node.text, node.line) for node in tree.walk()][-1] == ("exec-timeout 5 0", 7)


def test_the_later_line_wins() -> None:
    tree = parse("no ip http server\nip http server\nlogging trap debugging\nno logging trap\nservice x\nno service x\n")
    assert tree.flag("ip http server") is True
    assert tree.value("logging trap ") is None
    assert tree.flag("service x") is False
    assert tree.flag("ip http") is True
    assert tree.flag("ip htt") is None, "half a word is another word"
    assert tree.flag("never said") is None


@given(st.lists(st.text(st.characters(exclude_characters="^\n\r", exclude_categories=("Cs",)), max_size=30), max_size=12))
def test_whatever_stands_in_a_banner_changes_nothing_outside(lines: list[str]) -> None:
    body = "\n".join(lines)
    tree = parse(f"version 15.2\nbanner login ^C{body}^C\nline vty 0 4\n transport input ssh\nend\n")
    assert [child.text for child in tree.children] == ["version 15.2", "banner login", "line vty 0 4", "end"]
    assert next(tree.blocks("line vty ")).value("transport input ") == "ssh"


def test_an_exact_line_is_not_taken_back_by_a_longer_one() -> None:
    tree = parse("switchport\nno switchport port-security\nswitchport port-security maximum 2\nshutdown lan\n")
    assert (tree.stands("switchport"), tree.flag("switchport")) == (True, True)
    assert tree.stands("switchport port-security") is False
    assert tree.stands("shutdown") is None
    assert parse("no switchport\nswitchport mode trunk\n").stands("switchport") is False


def test_a_longer_line_that_is_taken_back_takes_no_shorter_one_back() -> None:
    port = parse("interface Gi1/0/1\n switchport\n no switchport port-security\n no snmp-server ifindex persist\n").children[0]
    assert port.flag("switchport") is True
    assert port.flag("snmp-server") is None
    assert parse("logging on\nno logging on\n").flag("logging on") is False
