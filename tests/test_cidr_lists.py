"""NX-OS and EOS: traffic between networks, where both say the same. Authored from the command references."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors.devices.arista_eos import network as eos
from collectors.devices.cisco_nxos import network as nxos
from collectors.facts.filtering import Filtering
from tests import test_device_eos, test_device_nxos

Seen = Callable[[str], Filtering]
SYSTEMS: dict[str, Seen] = {
    "eos": lambda lines: eos.filtering(test_device_eos.device(lines)),
    "nxos": lambda lines: nxos.filtering(test_device_nxos.device(lines)),
}
WAN = "interface Ethernet1\n   description WAN Viettel\n   no switchport\n   no shutdown\n   ip address 192.0.2.1/24\n"
GUARDED = "ip access-list A\n   10 permit tcp any any eq 443\n"


@pytest.fixture(params=SYSTEMS.values(), ids=SYSTEMS)
def seen(request: pytest.FixtureRequest) -> Seen:
    found: Seen = request.param
    return found


@pytest.mark.parametrize(("line", "checked"), [("rx", True), ("any", False), ("any allow-default", False)])
def test_a_loose_look_at_sources_stops_no_forged_one(seen: Seen, line: str, checked: bool) -> None:
    assert seen(f"{WAN}   ip verify unicast source reachable-via {line}\n").anti_spoofing is checked


@pytest.mark.parametrize(
    ("lines", "action"),
    [
        (f"{GUARDED}{WAN}   ip access-group A in\n", "deny"),
        (f"{GUARDED}{WAN}", "permit"),
        (f"{GUARDED}{WAN}   ip access-group A in\n   ipv6 enable\n", "permit"),
        (
            f"{GUARDED}{WAN}   ip access-group A in\ninterface Ethernet2\n   no switchport\n   no shutdown\n   ip address dhcp\n",
            "permit",
        ),
        (
            f"{GUARDED}{WAN}   ip access-group A in\ninterface Ethernet2\n   no switchport\n   no shutdown\n   ip unnumbered loopback0\n",
            "permit",
        ),
    ],
    ids=["guarded", "open", "open by IPv6", "address by DHCP", "address lent"],
)
def test_what_happens_to_traffic_no_line_names(seen: Seen, lines: str, action: str) -> None:
    assert seen(lines).default_action == action


@pytest.mark.parametrize(
    "entries",
    ["", "   10 permit ip 0.0.0.0 255.255.255.254 any\n"],
    ids=["empty", "a wildcard with holes"],
)
def test_what_a_list_lets_through_is_not_guessed(seen: Seen, entries: str) -> None:
    fact = seen(f"ip access-list A\n{entries}{WAN}   ip access-group A in\n")
    assert fact.rules is None
    assert "rules" in {entry.field for entry in fact.unseen}
