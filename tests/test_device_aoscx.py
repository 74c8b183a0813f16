"""Aruba AOS-CX: whom a list at the control plane lets in, told line by line."""

from __future__ import annotations

import pytest

from collectors.devices.aruba_aoscx.acl import access_lists, reach
from collectors.devices.syntax.indent import parse
from collectors.errors import Unparsable

HALVES = "10 permit tcp 0.0.0.0/128.0.0.0 any eq 22\n    20 permit tcp 128.0.0.0/1 any eq 22"


def lets_in(lines: str, port: int = 22, groups: str = "") -> tuple[bool | None, tuple[str, ...]]:
    tree = parse(f"{groups}\naccess-list ip A\n    {lines}\n")
    return reach(access_lists(tree).values(), "tcp", port)


@pytest.mark.parametrize(
    ("lines", "anywhere", "sources"),
    [
        ("10 permit tcp 10.0.0.0/255.255.255.0 any eq 22", False, ("10.0.0.0/24",)),
        ("10 permit tcp 10.0.0.1 any eq ssh", False, ("10.0.0.1/32",)),
        (HALVES, True, ()),
        ("10 permit any 0.0.0.0/0.0.0.0 any", True, ()),
        ("10 permit tcp any any range 1 65535", True, ()),
        ("10 permit tcp any any gt 21", True, ()),
        ("10 permit tcp any any eq 443", False, ()),
        ("10 permit udp any any", False, ()),
        ("10 deny tcp any any eq 22\n    20 permit any any any", False, ()),
        ("10 deny tcp any any eq 22 established\n    20 permit any any any", True, ()),
        ("10 deny tcp 10.0.0.0/8 any eq 22\n    20 permit any any any", True, ()),
        ("10 deny tcp any 10.9.9.9 eq 22\n    20 permit any any any", True, ()),
        ("10 deny tcp any gt 1023 any eq 22\n    20 permit any any any", True, ()),
        ("10 deny tcp any range 1 65535 any eq 22\n    20 permit any any any", False, ()),
        ("5 comment permit any any any", None, ()),
    ],
)
def test_whom_a_list_lets_in(lines: str, anywhere: bool | None, sources: tuple[str, ...]) -> None:
    assert lets_in(lines) == (anywhere, sources)


def test_groups_are_looked_up() -> None:
    groups = "object-group ip address A\n    10 10.0.0.0/24\nobject-group ip address B\n    10 0.0.0.0/1\n    20 128.0.0.0/1\n"
    groups += "object-group port P\n    10 eq 22\n    20 range 400 500"
    assert lets_in("10 permit tcp A any group P", groups=groups) == (False, ("10.0.0.0/24",))
    assert lets_in("10 permit tcp B any group P", groups=groups) == (True, ())
    assert lets_in("10 permit tcp B any group P", 80, groups) == (False, ())


@pytest.mark.parametrize(
    "lines",
    [
        "10 permit tcp NHOM any eq 22",
        "10 permit tcp any any group CONG",
        "10 permit tcp 10.0.0.0/255.0.255.0 any eq 22",
        "10 permit tcp any any eq nonesuch",
        "10 let tcp any any",
        "10 permit tcp any",
    ],
)
def test_what_cannot_be_placed_is_no_narrow_list(lines: str) -> None:
    with pytest.raises(Unparsable):
        lets_in(lines)


def test_an_empty_group_is_nobody_knows_whom() -> None:
    with pytest.raises(Unparsable):
        lets_in("10 permit tcp A any eq 22", groups="object-group ip address A")
