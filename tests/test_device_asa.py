"""Cisco ASA: a line that would make rules, ways in and VPN look better than they are does not.

Each case takes the configuration of the hardened device, changes one thing, and says what may then be seen.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.asa_changed import added, recording, seen


def test_the_device_that_is_changed_below_is_a_good_one() -> None:
    found = seen()
    assert [way["anywhere"] for way in found["device_access"]["ways"]] == [False, False, False]
    assert found["filtering"]["default_action"] == "deny"
    assert found["filtering"]["anti_spoofing"] is True
    assert found["redundancy"]["routing"] == [{"protocol": "ospf", "name": "1 area 0 inside", "authenticated": True}]
    assert [vpn["two_factors"] for vpn in found["device_access"]["vpns"]] == [True]
    assert found["device_accounts"]["remote_first"] is True


# --- rules ------------------------------------------------------------------------------------------------------------

OBJECTS = """name 0.0.0.0 KHONG
object network NUA-DAU
 range 0.0.0.0 127.255.255.255
object network NUA-SAU
 subnet 128.0.0.0 128.0.0.0
object network MOI6
 range :: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
object-group network GOP
 network-object object NUA-DAU
 network-object object NUA-SAU
object-group network GOP2
 description hai tang
 group-object GOP
object-group network BIEN-SO
 network-object KHONG KHONG
object-group network RONG
object-group network VONG
 group-object VONG
object service MOI-CONG
 service tcp source range 1 65535 destination gt 0
object-group service DV-CU tcp-udp
 port-object range 0 40000
 port-object range 40001 65535
object-group service DV-LONG
 service-object object MOI-CONG
object-group service DV-SO
 service-object 6
object-group protocol GT
 protocol-object tcp
 group-object GT-LONG
object-group protocol GT-LONG
 protocol-object 0
object-group icmp-type LOAI
 icmp-object echo
object-group network HEP
 network-object host 10.20.0.5
 network-object 10.20.1.0 255.255.255.0"""


@pytest.mark.parametrize(
    "rule",
    [
        "permit ip any any",
        "permit ip any4 any6",
        "permit ip KHONG KHONG any",
        "permit ip any 10.0.0.0 KHONG",
        "permit ip object-group BIEN-SO object MOI6",
        "permit ip object-group GOP2 any",
        "permit ip object NUA-DAU object NUA-SAU",
        "permit ip 0.0.0.0 128.0.0.0 any",
        "permit ip 2000::/3 any6",
        "permit ip ::/0 any time-range GIO",
        "permit 0 any any log",
        "permit tcp any any",
        "permit tcp any any range 1 65535",
        "permit udp any any neq 53",
        "permit tcp any range 1024 65535 any",
        "permit tcp any eq www any log notifications interval 60",
        "permit tcp any any gt tcpmux inactive time-range GIO",
        "permit object MOI-CONG any any",
        "permit object-group DV-LONG any any",
        "permit object-group DV-SO any any",
        "permit tcp any any object-group DV-CU",
        "permit object-group GT any any",
    ],
)
def test_a_rule_that_lets_everything_through_is_seen_as_one(rule: str) -> None:
    found = seen(added(OBJECTS), added(f"access-list TU-NGOAI line 1 extended {rule}"))["filtering"]["rules"]
    if "tcpmux" in rule:  # a port by a name nobody told us, where its number counts
        assert found is None
        return
    row = next(one for one in found if one["list"] == "TU-NGOAI" and one["action"] == "permit" and one["name"] == "4")
    assert (row["source_any"], row["destination_any"], row["service_any"]) == (True, True, True)
    assert row["enabled"] is True


@pytest.mark.parametrize(
    ("rule", "narrow"),
    [
        ("permit ip object-group HEP any", "source_any"),
        ("permit ip any interface outside", "destination_any"),
        ("permit tcp any any eq https", "service_any"),
        ("permit icmp any any object-group LOAI", "service_any"),
        ("permit icmp6 any6 any6 echo-reply", "service_any"),
        ("permit tcp any any object-group DV-WEB", "service_any"),
        ("permit esp any any", "service_any"),
        ("permit ip any any inactive", "enabled"),
    ],
)
def test_a_rule_that_is_narrow_is_not_taken_for_one(rule: str, narrow: str) -> None:
    found = seen(added(OBJECTS), added(f"access-list TU-NGOAI extended {rule}"))["filtering"]["rules"]
    row = next(one for one in found if one["list"] == "TU-NGOAI" and one["name"] == "4")
    assert row[narrow] is False


@pytest.mark.parametrize(
    "rule",
    [
        "permit ip object-group KHONG-CO any",
        "permit ip object-group RONG any",
        "permit ip object-group VONG any",
        "permit object-group KHONG-CO any any",
        "permit ip host TEN-LA any",
        "permit ip 10.0.0.0 255.0.255.0 any",
        "permit tcp any any eq 80 established-or-so",
        "permit ip any",
    ],
)
def test_a_rule_that_cannot_be_resolved_leaves_the_rules_unseen(rule: str) -> None:
    found = seen(added(OBJECTS), added(f"access-list TU-NGOAI extended {rule}"))["filtering"]
    assert found["rules"] is None
    assert "rules" in {entry["field"] for entry in found["unseen"]}


def test_a_list_for_ipv6_of_an_old_release_is_read_and_one_that_is_absent_is_no_empty_one() -> None:
    found = seen(added("ipv6 access-list V6 permit ip any any\naccess-group V6 out interface outside"))["filtering"]["rules"]
    assert [row["service_any"] for row in found if row["list"] == "V6"] == [True]
    found = seen(added("access-group KHONG-CO global"))["filtering"]
    assert (found["rules"], found["default_action"]) == (None, None)


@pytest.mark.parametrize(
    ("edit", "action"),
    [
        (("access-group TU-TRONG in interface inside\n", ""), "permit"),
        (("no sysopt connection permit-vpn\n", ""), None),
        ((" security-level 50\n", ""), "deny"),
        (added("firewall transparent"), None),
    ],
)
def test_what_no_rule_names(edit: tuple[str, str], action: str | None) -> None:
    """The DMZ without a level still has a list; VPN passes by all lists unless told otherwise."""
    if " security-level 50\n" in edit[0]:
        assert seen(edit, ("access-group TU-DMZ in interface dmz\n", ""))["filtering"]["default_action"] is None
    else:
        assert seen(edit)["filtering"]["default_action"] == action


def test_before_9_0_a_list_for_ipv4_refuses_nothing_of_ipv6() -> None:
    old = recording()["commands"]["show version"].replace("9.16(4)18", "8.4(7)")
    six = (" nameif dmz\n", " nameif dmz\n ipv6 address 2001:db8:10::1/64\n")
    assert seen(six)["filtering"]["default_action"] == "deny"
    assert seen(show_version=old)["filtering"]["default_action"] == "deny"
    assert seen(six, show_version=old)["filtering"]["default_action"] is None


def test_a_list_whose_name_is_also_an_interface_is_unbound_all_the_same() -> None:
    assert seen(added("access-list dmz extended permit ip any any"))["filtering"]["unbound"] == ["dmz"]


def test_floods_are_not_limited_by_counting_them() -> None:
    shun = ("threat-detection scanning-threat shun duration 3600\n", "")
    assert seen(shun)["filtering"]["dos_protection"] is False
    some = (
        "class-map inspection_default\n",
        "class-map MOT-PHAN\n match access-list TU-DMZ\nclass-map inspection_default\n",
    )
    limit = (
        " class inspection_default\n",
        " class MOT-PHAN\n  set connection embryonic-conn-max 100\n class inspection_default\n",
    )
    assert seen(shun, some, limit)["filtering"]["dos_protection"] is None
    every = (
        " class inspection_default\n",
        " class class-default\n  set connection embryonic-conn-max 100\n class inspection_default\n",
    )
    assert seen(shun, every)["filtering"]["dos_protection"] is True
    each = (every[0], every[1].replace("embryonic-conn-max", "per-client-embryonic-max"))
    assert seen(shun, each)["filtering"]["dos_protection"] is True
    none = (every[0], every[1].replace("embryonic-conn-max 100", "embryonic-conn-max 0"))
    assert seen(shun, none)["filtering"]["dos_protection"] is False
    never = ("service-policy global_policy global\n", "")
    assert seen(shun, every, never)["filtering"]["dos_protection"] is False


def test_spoofing_is_looked_for_on_every_interface_that_leads_outside() -> None:
    second = (" nameif dmz\n security-level 50", " nameif vnpt-2\n security-level 50")
    assert seen(second, ("TU-DMZ in interface dmz", "TU-DMZ in interface vnpt-2"))["filtering"]["anti_spoofing"] is False
    route = added("route dmz 0.0.0.0 0.0.0.0 172.16.10.9 200")
    assert seen(route)["filtering"]["anti_spoofing"] is None


# --- ways in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "ssh 0.0.0.0 0.0.0.0 quantri",
        "ssh ::/0 quantri",
        "ssh 0.0.0.0 128.0.0.0 quantri\nssh 128.0.0.0 128.0.0.0 quantri",
        "name 0.0.0.0 MOI-NOI\nssh MOI-NOI MOI-NOI quantri",
        "ssh 10.1.1.1 0.0.0.0 quantri",
    ],
)
def test_anywhere_however_it_is_written(lines: str) -> None:
    ways = seen(added(lines))["device_access"]["ways"]
    assert [way["anywhere"] for way in ways if way["name"] == "ssh quantri"] == [True]


def test_a_line_of_management_that_cannot_be_placed_leaves_the_ways_unseen() -> None:
    assert seen(added("ssh TEN-LA 255.255.255.0 quantri"))["device_access"]["ways"] is None


def test_zero_is_never_and_absence_is_no_default() -> None:
    ways = seen(("console timeout 10\n", "console timeout 0\n"), ("ssh timeout 10\n", ""), ("http server idle-timeout 10\n", ""))
    idle = {way["protocol"]: way["idle_seconds"] for way in ways["device_access"]["ways"]}
    assert idle == {"console": "unlimited", "ssh": None, "https": None}


def test_versions_of_ssh_are_asked_where_the_configuration_is_silent() -> None:
    silent = ("ssh version 2\n", "")
    assert seen(silent)["device_access"]["ssh_v1"] is True
    assert seen(silent, show_ssh="Idle Timeout: 5 minutes\nVersion allowed: 2\n")["device_access"]["ssh_v1"] is False
    assert seen(silent, show_ssh="Idle Timeout: 5 minutes\n")["device_access"]["ssh_v1"] is None


def test_an_empty_banner_is_none() -> None:
    assert seen(("banner login He thong", "banner login \nbanner exec He thong"))["device_access"]["banner"] is False


def test_a_second_way_elsewhere_is_no_separate_management() -> None:
    assert seen(added("http 10.20.0.0 255.255.255.0 inside"))["device_access"]["separate_management"] is False


# --- VPN --------------------------------------------------------------------------------------------------------------

DEFAULT = "tunnel-group DefaultWEBVPNGroup webvpn-attributes\n authentication aaa certificate\n"
STAFF = "tunnel-group CANBO webvpn-attributes\n authentication aaa certificate\n"


@pytest.mark.parametrize(
    ("edit", "proved"),
    [
        ((DEFAULT, ""), None),
        ((DEFAULT, "tunnel-group DefaultWEBVPNGroup webvpn-attributes\n authentication aaa\n"), False),
        ((STAFF, "tunnel-group CANBO webvpn-attributes\n"), False),
        ((STAFF, "tunnel-group CANBO webvpn-attributes\n authentication certificate\n"), False),
        ((STAFF, "tunnel-group CANBO webvpn-attributes\n authentication saml\n"), None),
        ((STAFF, "tunnel-group CANBO webvpn-attributes\n authentication saml certificate\n"), None),
        ((STAFF, "tunnel-group CANBO webvpn-attributes\n authentication multiple-certificate\n"), None),
        (
            (" authentication-server-group LDAP-VPN\n", " authentication-server-group NONE\n"),
            False,
        ),
        (added("tunnel-group QUEN type remote-access"), False),
        (
            added(
                "aaa-server RAD protocol radius\ntunnel-group NGOAI type remote-access\ntunnel-group NGOAI general-attributes\n authentication-server-group RAD"
            ),
            None,
        ),
        (added("tunnel-group DefaultRAGroup webvpn-attributes\n group-url https://203.0.113.10/cu enable"), False),
    ],
)
def test_a_second_factor_is_demanded_of_everybody_or_not_proved(edit: tuple[str, str], proved: bool | None) -> None:
    assert [vpn["two_factors"] for vpn in seen(edit)["device_access"]["vpns"]] == [proved]


def test_a_second_password_is_not_yet_a_second_factor() -> None:
    general = (
        "tunnel-group CANBO general-attributes\n",
        "tunnel-group CANBO general-attributes\n secondary-authentication-server-group RAD\n",
    )
    web = (STAFF, "tunnel-group CANBO webvpn-attributes\n")
    assert [vpn["two_factors"] for vpn in seen(general, web)["device_access"]["vpns"]] == [None]
    none = (general[0], general[0] + " secondary-authentication-server-group none\n")
    assert [vpn["two_factors"] for vpn in seen(none, web)["device_access"]["vpns"]] == [False]


def test_ipsec_clients_by_a_word_they_share_are_a_gateway_without_a_second_factor() -> None:
    more = """crypto map NGOAI 65535 ipsec-isakmp dynamic DONG
crypto ikev1 enable outside
crypto ikev2 enable outside client-services port 443
tunnel-group DefaultRAGroup general-attributes
 default-group-policy CANBO
tunnel-group DefaultRAGroup ipsec-attributes
 ikev1 pre-shared-key *****"""
    found = {vpn["name"]: vpn["two_factors"] for vpn in seen(added(more))["device_access"]["vpns"]}
    assert found == {"webvpn outside": True, "ikev1 outside": False, "ikev2 outside": False}
    own = more.replace("ipsec-attributes\n ikev1 pre-shared-key *****", "ipsec-attributes\n ikev1 trust-point CA")
    found = {vpn["name"]: vpn["two_factors"] for vpn in seen(added(own))["device_access"]["vpns"]}
    assert found["ikev1 outside"] is None


def test_the_longest_idle_time_counts_wherever_it_stands() -> None:
    def idle(*edits: tuple[str, str]) -> list[Any]:
        return [vpn["idle_seconds"] for vpn in seen(*edits)["device_access"]["vpns"]]

    assert idle() == [1800]
    assert idle((" vpn-idle-timeout 15\n", " vpn-idle-timeout none\n")) == ["unlimited"]
    assert idle((" vpn-idle-timeout 15\n", " vpn-idle-timeout 120\n vpn-idle-timeout alert-interval 5\n")) == [7200]
    assert idle((" service-type remote-access\n", " service-type remote-access\n vpn-idle-timeout none\n")) == ["unlimited"]
    assert idle(("DfltGrpPolicy attributes\n vpn-idle-timeout 30\n", "DfltGrpPolicy attributes\n dns-server none\n")) == [None]
    assert idle(added("group-policy NGOAI external server-group RAD password *****")) == [None]
