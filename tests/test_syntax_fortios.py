"""FortiOS syntax: what stands in quotes is no configuration, and what does not end is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.syntax.fortios import parse
from collectors.errors import Unparsable

NESTED = """\
#config-version=FGT60F-7.2.8-FW-build1639-240313:opmode=0:vdom=0:user=a
config system interface
    edit "wan1"
        set ip 10.0.0.1 255.255.255.0
        config ipv6
            set ip6-address 2001:db8::1/64
        end
    next
    edit "tên có dấu"
        set alias "a \\"b\\" c"
        unset allowaccess
end
config system global
    set admintimeout 5
end
config system global
    set admintimeout 10
end
"""


def test_blocks_entries_and_values() -> None:
    tree = parse(NESTED)
    ports = tree.children["system interface"]
    assert list(ports.entries) == ["wan1", "tên có dấu"]
    assert ports.entries["wan1"].words("ip") == ("10.0.0.1", "255.255.255.0")
    assert ports.entries["wan1"].children["ipv6"].word("ip6-address") == "2001:db8::1/64"
    assert ports.entries["tên có dấu"].word("alias") == 'a "b" c'
    assert ports.entries["tên có dấu"].words("allowaccess") == ()
    assert ports.entries["wan1"].words("allowaccess") is None
    assert tree.children["system global"].word("admintimeout") == "10"


def test_end_closes_an_entry_too() -> None:
    tree = parse("config vdom\nedit root\nconfig system settings\n    set opmode nat\nend\nend\nconfig global\nend\n")
    assert list(tree.children) == ["vdom", "global"]
    assert tree.children["vdom"].entries["root"].children["system settings"].word("opmode") == "nat"


@pytest.mark.parametrize(
    "inside",
    ["set admin-telnet disable", "end\nend\nconfig system global\n    set admintimeout 1\nend", "next", 'a \\" b', "\n\n", "#x"],
)
def test_what_stands_in_quotes_is_no_configuration(inside: str) -> None:
    tree = parse(
        f'config system replacemsg admin "pre_admin"\n    set buffer "Chào\n{inside}\n.\\"x\\"."\n    set header http\nend\n'
    )
    block = tree.children["system replacemsg admin pre_admin"]
    assert set(block.values) == {"buffer", "header"}
    assert list(tree.children) == ["system replacemsg admin pre_admin"]
    assert block.checked() is block


@pytest.mark.parametrize(
    "text",
    [
        'config a\n    set b "c\nend\n',
        "config a\n",
        "config a\n    edit 1\n    next\n",
        "config a\n    edit 1\n        config b\n        end\n",
    ],
)
def test_what_does_not_end_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable, match="never ends"):
        parse(text)


@pytest.mark.parametrize("line", ["--More--", "Unknown action 0", "next", "edit 1 2", "config", "set", 'set a "b"c', "end x"])
def test_a_line_that_is_not_understood_spoils_its_block_alone(line: str) -> None:
    tree = parse(f"config a\n    set b c\nend\nconfig d\n    {line}\nend\n")
    assert tree.children["a"].checked().word("b") == "c"
    with pytest.raises(Unparsable, match="line 5"):
        tree.children["d"].checked()


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters='\r"\\'), max_size=80))
def test_any_text_in_quotes_comes_back(said: str) -> None:
    tree = parse(f'config a\n    set b "{said}"\n    set c d\nend\n')
    assert tree.children["a"].values == {"b": (said,) if said else (), "c": ("d",)}


def test_an_empty_value_is_empty_however_it_is_written() -> None:
    tree = parse("config a\n    set b ''\n    set c \"\"\n    set d\n    set e '' x\nend\n")
    assert tree.children["a"].values == {"b": (), "c": (), "d": (), "e": ("", "x")}
