"""RouterOS syntax: lines that go on, quotes, what is unset; what is cut or missing is never taken for empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.syntax.routeros import Row, pairs, parse, rows, unescaped
from collectors.errors import Unparsable

EXPORT = """\
# 2026-11-28 09:14:01 by RouterOS 7.16.1
# software id = NCYA-ZU01
#
# model = RB5009UG+S+

/interface ethernet
# poe-out status: short_circuit
set [ find default-name=ether1 ] advertise=\\
    10M-half,10M-full basic-rates-a/g=6Mbps comment="Ra \\"Internet\\"" \\
    disabled=no name=ether1
/ip service
set telnet address="" disabled=yes port=23
set ssh address="10.0.0.0/8,192.1\\
    68.0.0/16" disabled=no port=22
/ip firewall filter
add action=accept chain=input !connection-limit src-address=!10.0.0.0/8
/interface pptp-server server
# PPTP connections are considered unsafe, it is suggested to use a more modern VP
  protocol instead
set enabled=no
/system identity
set name="RT 1"
/ip/firewall/raw
add action=notrack chain=prerouting
# rasoat: end of export
"""


def test_menus_items_and_values() -> None:
    export = parse(EXPORT)
    port = export.sections["interface ethernet"].items[0]
    assert (port.verb, port.selector, port.note) == ("set", "find default-name=ether1", "poe-out status: short_circuit")
    assert port.values["advertise"] == "10M-half,10M-full"
    assert port.values["comment"] == 'Ra "Internet"'
    telnet, ssh = export.sections["ip service"].items
    assert (telnet.selector, telnet.disabled, telnet.word("address")) == ("telnet", True, "")
    assert ssh.values["address"] == "10.0.0.0/8,192.168.0.0/16"
    rule = export.sections["ip firewall filter"].items[0]
    assert (rule.word("connection-limit"), rule.word("src-address"), rule.word("limit")) == ("", "!10.0.0.0/8", None)
    assert rule.note == ""
    server = export.sections["interface pptp-server server"].items[0]
    assert (server.selector, server.values) == ("", {"enabled": "no"})
    assert list(export.sections)[-1] == "ip firewall raw"
    assert export.section("ip proxy") is None


@pytest.mark.parametrize(
    "inside",
    [
        "/ip service\r\nset telnet disabled=yes",
        "# rasoat: end of export",
        '"',
        "\\",
        "a\\\nb",
        "set x\n/tool romon\nset enabled=no",
        "Cảnh báo: cấm",
    ],
)
def test_what_stands_in_quotes_is_no_configuration(inside: str) -> None:
    told = "".join({"\r": "\\r", "\n": "\\n", '"': '\\"', "\\": "\\\\"}.get(each, each) for each in inside)
    export = parse(f'/system note\nset note="{told}" show-at-login=yes\n/ip service\nset telnet disabled=no\n')
    assert export.sections["system note"].items[0].values == {"note": inside, "show-at-login": "yes"}
    assert [item.values["disabled"] for item in export.sections["ip service"].items] == ["no"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), st.integers(1, 12))
def test_a_value_is_the_same_however_the_line_is_broken(value: str, step: int) -> None:
    """Bytes as RouterOS writes them, and a break wherever none of its own backslashes stands."""
    parts = [f"\\{byte:02X}" if byte > 126 or byte in b'"\\$?' else chr(byte) for byte in value.encode()]
    # it never begins a line with a blank of the value
    broken = "".join(
        f"\\\n    {part}" if place and place % step == 0 and part != " " and parts[place - 1] != " " else part
        for place, part in enumerate(parts)
    )
    export = parse(f'/system note\nset note="{broken}"\n')
    assert export.sections["system note"].items[0].values["note"] == value


def test_switches_are_yes_or_no_however_a_release_writes_them() -> None:
    item = parse('/ip service\nset telnet disabled=true address="true" x=false\n').sections["ip service"].items[0]
    assert (item.disabled, item.values) == (True, {"disabled": "yes", "address": "true", "x": "no"})


def test_a_word_by_itself_is_a_switch_that_is_on() -> None:
    items = (
        parse("/routing ospf interface-template\nadd area=a passive\nadd area=b !passive\n")
        .sections["routing ospf interface-template"]
        .items
    )
    assert [item.word("passive") for item in items] == ["yes", ""]


def test_bytes_are_utf_8() -> None:
    assert unescaped("C\\E1\\BB\\95ng\\_\\_ra \\$x") == "Cổng  ra $x"


@pytest.mark.parametrize(
    "text",
    [
        "/ip service\nset telnet disabled=yes \\",
        '/system note\nset note="never\nends',
        '/system note\nset note="a"b"\n',
        "set telnet disabled=yes\n",
        "/ip service\nset telnet disabled=yes\n#interrupted\n",
        "bad command name export (line 1 column 2)\n",
    ],
)
def test_what_does_not_end_or_has_no_place_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        parse(text)


@pytest.mark.parametrize("line", ["low memory", "remove 0", "--More--", "  set ssh disabled=yes", "/ip service set x=1"])
def test_a_line_that_is_not_understood_is_told_to_whoever_reads_that_menu(line: str) -> None:
    export = parse(f"/ip service\nset telnet disabled=yes\n{line}\n/ip ssh\nset strong-crypto=yes\n")
    with pytest.raises(Unparsable, match="line 3"):
        export.section("ip service")
    assert export.section("ip ssh")


@pytest.mark.parametrize(
    "line",
    [
        '#error exporting "/ip/firewall/filter" (timeout)',
        "#error exporting /ip firewall filter",
        "# error exporting /ip/firewall",
    ],
)
def test_a_menu_that_was_not_exported_is_missing_and_not_empty(line: str) -> None:
    export = parse(f"/ip service\nset telnet disabled=yes\n{line}\n/ip ssh\nset strong-crypto=yes\n")
    with pytest.raises(Unparsable, match="could not export"):
        export.section("ip firewall filter")
    assert export.section("ip service")
    assert export.section("ip proxy") is None


ROWS = """\
Flags: D - dynamic; X - disabled, R - running;
S - slave
 0  RS ;;; Cổng "chính"
dòng thứ hai
       name="ether 1" type="ether" last-link-up-time=jul/09/2023 07:18:42 link-downs=0

 1  X  name="ether2" comment="" last-link-up-time=2024-10-08 11:14:27
 12 name="ether3"
"""


def test_rows_of_print_detail() -> None:
    assert rows(ROWS) == (
        Row(
            frozenset("RS"),
            'Cổng "chính" dòng thứ hai',
            {"name": "ether 1", "type": "ether", "last-link-up-time": "jul/09/2023 07:18:42", "link-downs": "0"},
        ),
        Row(frozenset("X"), "", {"name": "ether2", "comment": "", "last-link-up-time": "2024-10-08 11:14:27"}),
        Row(frozenset(), "", {"name": "ether3"}),
    )
    assert rows("Flags: X - disabled\n") == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "no such item\n",
        "Flags: X - disabled\nname=x\n",
        'Flags: X - disabled\n 0 name="a" loose\n',
        'Flags: X - disabled\n 1 name="a"\n 1 name="b"\n',
        'Flags: X - disabled\n 0 name="a\n',
    ],
)
def test_what_is_no_table_is_not_an_empty_one(text: str) -> None:
    with pytest.raises(Unparsable):
        rows(text)


def test_pairs() -> None:
    text = ";;; note\n    enabled: yes   \n    servers: a.vn\n             b.vn\n   system-offset: 5.9 ms\n  comment:\n"
    assert pairs(text) == {"enabled": "yes", "servers": "a.vn,b.vn", "system-offset": "5.9 ms", "comment": ""}
    for wrong in ("", "bad command name\n", "enabled: yes\nwhatever this is\n"):
        with pytest.raises(Unparsable):
            pairs(wrong)
