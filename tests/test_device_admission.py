"""802.1X that lets in whom nobody vouched for does not pass, whoever made the switch. Words from the makers' references."""

from __future__ import annotations

import pytest

from collectors.facts.base import Gaps
from collectors.facts.interfaces import Port, unguarded, vouched
from tests.device_changed import fact

EOS, NXOS = "arista_eos--leaf-hardened", "cisco_nxos--n7k-vdc"
CX, AOSS = "aruba_aoscx--switch-hardened", "aruba_aoss--switch-hardened"
COMWARE, VRP = "hpe_comware--switch-hardened", "huawei_vrp--switch-hardened"
JUNOS, ROUTEROS = "juniper_junos--switch-hardened", "mikrotik_routeros--router-hardened"

EOS_PORT = "   dot1x pae authenticator\n   dot1x port-control auto\n"
EOS_ALL = "dot1x system-auth-control\n"
NX_PORT = "  dot1x port-control auto\n"
CX_PORT = "    aaa authentication port-access client-limit 2\n"
AOSS_ALL = "aaa port-access authenticator active\n"
COM_PORT = " description Phong-201\n"
VRP_PROFILE = " dot1x-access-profile dot1x_access\n"
VRP_PORT = " description Phong-101\n"
JUN_PORT = "                ge-0/0/1.0 {\n"
ROS_PORT = "!guest-vlan-id interface=ether3"

LETS_IN = [
    (EOS, "Ethernet1", (EOS_PORT, EOS_PORT + "   dot1x authentication failure action traffic allow vlan 900\n")),
    (EOS, "Ethernet1", (EOS_PORT, EOS_PORT + "   dot1x aaa unresponsive action traffic allow vlan 900\n")),
    (EOS, "Ethernet1", (EOS_ALL, EOS_ALL + "dot1x\n   aaa unresponsive action traffic allow\n")),
    (EOS, "Ethernet1", (EOS_ALL, EOS_ALL + "dot1x aaa unresponsive eap response success\n")),
    (NXOS, "Ethernet3/2", (NX_PORT, NX_PORT + "  dot1x guest-vlan 900\n")),
    (NXOS, "Ethernet3/2", (NX_PORT, NX_PORT + "  dot1x auth-fail vlan 900\n")),
    (NXOS, "Ethernet3/2", (NX_PORT, NX_PORT + "  authentication event server dead action authorize vlan 900\n")),
    (NXOS, "Ethernet3/2", ("feature dot1x\n", "feature dot1x\naaa authentication dot1x default group RAD none\n")),
    (CX, "1/1/1", (CX_PORT, CX_PORT + "    aaa authentication port-access critical-role TAM\n")),
    (CX, "1/1/1", (CX_PORT, CX_PORT + "    aaa authentication port-access reject-role TAM\n")),
    (CX, "1/1/1", (CX_PORT, CX_PORT + "    aaa authentication port-access preauth-role TAM\n")),
    (CX, "1/1/1", (CX_PORT, CX_PORT + "    port-access fallback-role TAM\n")),
    (AOSS, "1", (AOSS_ALL, AOSS_ALL + "aaa port-access authenticator 1-16 unauth-vid 900\n")),
    (AOSS, "1", (AOSS_ALL, AOSS_ALL + "aaa port-access mac-based 1 unauth-vid 900\n")),
    (AOSS, "1", (AOSS_ALL, AOSS_ALL + "aaa port-access 1-4 critical-auth data-vlan 900\n")),
    (AOSS, "1", (AOSS_ALL, AOSS_ALL + "aaa port-access 1 initial-role KHACH\n")),
    (AOSS, "1", (AOSS_ALL, AOSS_ALL + "aaa port-access 1 open-auth data-vlan 900\n")),
    (AOSS, "1", (AOSS_ALL, AOSS_ALL + "aaa authentication port-access eap-radius authorized\n")),
    (COMWARE, "GigabitEthernet1/0/1", (COM_PORT, COM_PORT + " dot1x guest-vlan 900\n")),
    (COMWARE, "GigabitEthernet1/0/1", (COM_PORT, COM_PORT + " dot1x auth-fail vlan 900\n")),
    (COMWARE, "GigabitEthernet1/0/1", (COM_PORT, COM_PORT + " dot1x critical vlan 900\n")),
    (COMWARE, "GigabitEthernet1/0/1", (COM_PORT, COM_PORT + " mac-authentication critical vlan 900\n")),
    (COMWARE, "GigabitEthernet1/0/1", (COM_PORT, COM_PORT + " port-security authentication open\n")),
    (COMWARE, "GigabitEthernet1/0/1", ("#\n stp bpdu-protection\n", "#\ndomain mang\n authentication lan-access radius-scheme r none\n#\n stp bpdu-protection\n")),
    (VRP, "GigabitEthernet0/0/1", (VRP_PROFILE, VRP_PROFILE + " authentication event authen-server-down action authorize vlan 900\n")),
    (VRP, "GigabitEthernet0/0/1", (VRP_PROFILE, VRP_PROFILE + " authentication event authen-fail action authorize service-scheme TAM\n")),
    (VRP, "GigabitEthernet0/0/1", (VRP_PROFILE, VRP_PROFILE + " authentication event pre-authen action authorize vlan 900\n")),
    (VRP, "GigabitEthernet0/0/1", (VRP_PORT, VRP_PORT + " authentication guest-vlan 900\n")),
    (VRP, "GigabitEthernet0/0/1", ("  authentication-mode hwtacacs local\n", "  authentication-mode hwtacacs none\n")),
    (JUNOS, "ge-0/0/1", (JUN_PORT, JUN_PORT + "                    server-fail permit;\n")),
    (JUNOS, "ge-0/0/1", (JUN_PORT, JUN_PORT + "                    server-fail vlan-name TAM;\n")),
    (JUNOS, "ge-0/0/1", (JUN_PORT, JUN_PORT + "                    server-reject-vlan TAM;\n")),
    (JUNOS, "ge-0/0/1", (JUN_PORT, JUN_PORT + "                    guest-vlan TAM;\n")),
    (ROUTEROS, "ether3", (ROS_PORT, "guest-vlan-id=900 interface=ether3")),
]  # fmt: skip


@pytest.mark.parametrize(("folder", "port", "edit"), LETS_IN, ids=lambda value: value if isinstance(value, str) else None)
def test_who_lets_in_whom_nobody_vouched_for_is_not_known_to_ask(folder: str, port: str, edit: tuple[str, str]) -> None:
    before, after = fact("interfaces", folder), fact("interfaces", folder, edit)
    assert [row.authenticated for row in before.ports if row.name == port] == [True]
    assert [row.authenticated for row in after.ports if row.name == port] == [None]
    assert any(gap.field == "ports[].authenticated" and port in gap.reason for gap in after.unseen)
    assert after.unguarded != () or next(row for row in after.ports if row.name == port).port_security


@pytest.mark.parametrize(
    ("folder", "port", "edit"),
    [
        (NXOS, "Ethernet3/2", ("feature dot1x\n", "feature dot1x\nno dot1x system-auth-control\n")),
        (NXOS, "Ethernet3/2", (NX_PORT, "  dot1x port-control force-authorized\n")),
        (NXOS, "Ethernet3/2", ("feature dot1x\n", "")),
        (COMWARE, "GigabitEthernet1/0/1", (COM_PORT, COM_PORT + " dot1x port-control authorized-force\n")),
        (VRP, "GigabitEthernet0/0/1", (VRP_PORT, VRP_PORT + " dot1x port-control authorized-force\n")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_who_asks_nobody_does_not_pass(folder: str, port: str, edit: tuple[str, str]) -> None:
    after = fact("interfaces", folder, edit)
    assert [row.authenticated for row in after.ports if row.name == port] == [False]


@pytest.mark.parametrize(
    ("folder", "port", "edit"),
    [
        (JUNOS, "ge-0/0/1", (JUN_PORT, JUN_PORT + "                    server-fail deny;\n")),
        (JUNOS, "ge-0/0/1", (JUN_PORT, JUN_PORT + "                    server-fail use-cache;\n")),
        (EOS, "Ethernet1", (EOS_PORT, EOS_PORT + "   dot1x authentication failure action traffic drop\n")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_lets_nobody_in_takes_nothing_away(folder: str, port: str, edit: tuple[str, str]) -> None:
    after = fact("interfaces", folder, edit)
    assert [row.authenticated for row in after.ports if row.name == port] == [True]


def _port(name: str, authenticated: bool | None, security: bool | None = False) -> Port:
    return Port(name=name, physical=True, enabled=True, mode="access", authenticated=authenticated, port_security=security)


def test_certainly_open_counts_before_perhaps_open() -> None:
    gaps = Gaps()
    assert unguarded([_port("1", False), _port("2", None)], gaps) == ("1",)
    assert unguarded([_port("1", True), _port("2", None, True)], gaps) == ()
    assert not gaps.unseen
    assert unguarded([_port("1", True), _port("2", None), _port("3", False, None)], gaps) is None
    assert [gap.field for gap in gaps.unseen] == ["unguarded"]


def test_a_loophole_of_a_port_that_asks_nobody_changes_nothing() -> None:
    gaps = Gaps()
    assert vouched("1", False, "guest", gaps) is False
    assert vouched("1", True, None, gaps) is True
    assert not gaps.unseen
