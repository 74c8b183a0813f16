"""A port that no table names is not one that is in use."""

from __future__ import annotations

import pytest

from collectors.facts.base import Gaps
from collectors.facts.interfaces import Port, unused_open


def port(name: str, physical: bool = True, enabled: bool | None = True, up: bool | None = True) -> Port:
    return Port(name=name, physical=physical, enabled=enabled, up=up)


def test_open_and_unconnected_is_unused() -> None:
    ports = (port("1"), port("2", up=False), port("3", enabled=False, up=False), port("vlan1", physical=False, up=False))
    gaps = Gaps()
    assert unused_open(ports, gaps) == ("2",)
    assert gaps.unseen == ()


@pytest.mark.parametrize("blind", [port("9", up=None), port("9", enabled=None, up=False)])
def test_a_port_whose_state_is_missing_leaves_the_list_open(blind: Port) -> None:
    gaps = Gaps()
    assert unused_open((port("1"), blind), gaps) is None
    assert [(gap.field, gap.outcome) for gap in gaps.unseen] == [("unused_open", "unparsable")]
    assert "9" in gaps.unseen[0].reason


def test_a_shut_port_and_a_port_that_is_none_need_no_state() -> None:
    assert unused_open((port("1"), port("2", enabled=False, up=None), port("lo0", physical=False, up=None)), Gaps()) == ()
