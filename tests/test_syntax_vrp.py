"""Blocks parted by `#`: what is a line of the configuration, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.devices.syntax.vrp import Block, parse
from collectors.devices.syntax.vrp_acl import rules, sources
from collectors.errors import Unparsable
from collectors.model import Platform


def access_list(*lines: str) -> Block:
    return Block("acl number 2000", 1, [Block(line, number) for number, line in enumerate(lines, 2)])


def test_a_hash_ends_every_block() -> None:
    tree = parse("interface Vlanif1\n ip address 10.0.0.1 255.255.255.0\n#\n telnet server enable\n#\nreturn\n")
    assert [block.text for block in tree.children] == ["interface Vlanif1", "telnet server enable", "return"]


def test_lines_of_the_system_view_may_be_indented() -> None:
    tree = parse("#\n sysname SW\n#\n vlan batch 2 3\n super password level 3 simple x\n#\n")
    assert [block.text for block in tree.children] == ["sysname SW", "vlan batch 2 3", "super password level 3 simple x"]


def test_blocks_within_blocks() -> None:
    tree = parse("ospf 1\n area 0.0.0.0\n  network 10.0.0.0 0.0.0.255\n area 0.0.0.1\n  stub\n#\n")
    areas = list(next(tree.blocks("ospf 1")).blocks("area "))
    assert [[line.text for line in area.children] for area in areas] == [["network 10.0.0.0 0.0.0.255"], ["stub"]]


def test_a_hash_inside_a_block_is_a_remark() -> None:
    tree = parse("bgp 65000\n peer 10.0.0.1 as-number 1\n #\n ipv4-family unicast\n  import-route direct\n#\n")
    assert [line.text for line in tree.children[0].children] == ["peer 10.0.0.1 as-number 1", "ipv4-family unicast"]


@pytest.mark.parametrize("sign", ['"', "%", "^", "@"])
def test_a_header_over_lines_holds_no_line_of_the_configuration(sign: str) -> None:
    said = "Cảnh báo\n#\nundo stelnet server enable\nuser-interface vty 0 4\n protocol inbound telnet\nreturn\n"
    tree = parse(f"sysname A\n#\nheader login information {sign}\n{said}{sign}\n#\nstelnet server enable\n#\nreturn\n")
    assert tree.headers == {"header login": said.strip("\n")}
    assert tree.flag("stelnet server enable") is True
    assert not list(tree.blocks("user-interface "))


def test_a_header_on_one_line() -> None:
    tree = parse("header motd %Xin chào%\nftp server enable\n")
    assert tree.headers == {"header motd": "Xin chào"}
    assert tree.flag("ftp server enable") is True


def test_a_header_from_a_file_is_an_ordinary_line() -> None:
    tree = parse("header login file flash:/chao.txt\nftp server enable\n")
    assert tree.headers == {}
    assert tree.has("header login file flash:/chao.txt")


@pytest.mark.parametrize(
    "text", ['header login information "\nno end\nreturn\n', "header shell information\n", "header login Xin\nreturn\n"]
)
def test_a_header_without_an_end_is_not_guessed_at(text: str) -> None:
    with pytest.raises(Unparsable):
        parse(text)


def test_the_later_line_wins() -> None:
    tree = parse("interface A\n shutdown\n undo shutdown\n idle-timeout 5 0\n idle-timeout 0 0\n undo idle-timeout\n#\n")
    port = tree.children[0]
    assert port.flag("shutdown") is False
    assert port.flag("description") is None
    assert port.value("idle-timeout ") is None
    assert parse("idle-timeout 5\nidle-timeout 0 0\n").value("idle-timeout ") == "0 0"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"'), max_size=80))
def test_any_words_of_a_header_come_back(said: str) -> None:
    tree = parse(f'header login information "{said}"\nsysname A\n')
    assert tree.headers["header login"] == said
    assert tree.has("sysname A")


def test_sources_of_a_list() -> None:
    guarded = rules(
        access_list(
            "description x",
            "step 10",
            "rule 5 permit source 10.0.0.0 0.0.0.255",
            "rule 9 permit source 10.1.1.1 0",
            "rule 99 deny",
        )
    )
    assert sources(guarded) == ("10.0.0.0/24", "10.1.1.1/32")
    assert sources(rules(access_list("rule 5 permit source 10.0.0.0 0.0.0.255", "rule 10 permit"))) is None
    assert sources(rules(access_list("rule 5 deny", "rule 10 permit"))) == ()
    assert sources(()) is None


def test_a_deny_of_one_service_closes_nothing() -> None:
    found = rules(access_list("rule 5 deny tcp destination-port eq 23", "rule 10 permit ip"))
    assert sources(found) is None
    assert [rule.service_any for rule in found] == [False, True]


def test_ipv6_and_masks_with_holes() -> None:
    found = rules(
        access_list(
            "rule 5 permit ipv6 source 2001:DB8::/32", "rule 6 permit source 10.0.0.1 0.0.255.0", "rule permit source any"
        )
    )
    assert [rule.source for rule in found] == ["2001:db8::/32", "10.0.0.1 0.0.255.0", "any"]


def test_a_line_that_is_no_rule_is_not_passed_over() -> None:
    with pytest.raises(Unparsable):
        rules(access_list("rule 5 permit source any", "permit everything"))


SECRET_LINES = (
    " local-user a password irreversible-cipher $1c${}$",
    " local-user a password cipher {}",
    " local-user a password simple {}",
    " password cipher {}",
    "super password level 15 cipher {}",
    " set authentication password cipher {}",
    "snmp-agent community read cipher {} acl 2000",
    "snmp-agent community write {}",
    "snmp-agent usm-user v3 u authentication-mode sha2-256 cipher {}",
    "snmp-agent usm-user v3 u g authentication-mode md5 {} privacy-mode des56 {}",
    "snmp-agent usm-user v3 u privacy-mode aes256 cipher {}",
    "snmp-agent target-host trap address udp-domain 10.0.0.1 params securityname cipher {} v2c",
    " hwtacacs-server shared-key cipher {}",
    " radius-server shared-key simple {}",
    "radius-server authorization 10.0.0.1 shared-key cipher {}",
    " pre-shared-key {}",
    "ntp-service authentication-keyid 1 authentication-mode hmac-sha256 cipher {}",
    "  authentication-mode md5 1 plain {}",
    " ospf authentication-mode hmac-sha256 1 cipher {}",
    " vrrp vrid 1 authentication-mode md5 {}",
    " peer 10.0.0.1 password cipher {}",
    "  key-string cipher {}",
    "hrp authentication-key {}",
    "set save-configuration backup-to-server server 10.0.0.1 transport-type sftp user u password {}",
)

COMWARE_LINES = (
    " password hash $h$6${}",
    " password cipher $c$3${}",
    " password simple {}",
    " super password role network-admin hash {}",
    " set authentication password simple {}",
    " snmp-agent community read simple {} acl 2000",
    " snmp-agent community write {}",
    " snmp-agent usm-user v3 u g cipher authentication-mode sha {} privacy-mode aes128 $c$3$x",
    " snmp-agent usm-user v3 u g simple authentication-mode sha x privacy-mode aes128 {}",
    " snmp-agent target-host trap address udp-domain 10.0.0.1 params securityname {} v2c",
    " key authentication cipher {}",
    " primary authentication 10.0.0.1 key simple {}",
    " pre-shared-key address 10.0.0.1 255.255.255.255 key cipher {}",
    " ntp-service authentication-keyid 1 authentication-mode md5 simple {}",
    "  authentication-mode md5 1 plain {}",
    " ospf authentication-mode hmac-sha-256 1 cipher {}",
    " vrrp vrid 1 authentication-mode simple plain {}",
    " peer 10.0.0.1 password cipher {}",
    " archive configuration server password cipher {}",
)

EVERY_LINE = (
    *((Platform.HUAWEI_VRP, line) for line in SECRET_LINES),
    *((Platform.HPE_COMWARE, line) for line in COMWARE_LINES),
)


@given(
    st.sampled_from(EVERY_LINE),
    st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789#!*+,;<>[]{}~^&|"), min_size=9, max_size=40),
)
def test_no_secret_survives_wherever_it_is_planted(where: tuple[Platform, str], secret: str) -> None:
    planted = f"Zq7{secret}"
    platform, line = where
    text = clean(device_os(platform), f"#\nsysname A\n{line.replace('{}', planted)}\n#\nreturn\n")
    assert planted not in text
    assert secret not in text


def test_an_encrypted_value_over_two_lines_ends_no_block() -> None:
    text = "user-interface vty 0 4\n set authentication password cipher %$%$|*x66,~-2A=[5YN\n$fX<*,=,%$%$\n idle-timeout 0 0\n#\nreturn\n"
    tree = parse(text)
    assert [block.text for block in tree.children] == ["user-interface vty 0 4", "return"]
    assert tree.children[0].value("idle-timeout ") == "0 0"
    redacted = clean(device_os(Platform.HUAWEI_VRP), text)
    assert "fX<" not in redacted
    assert "x66" not in redacted
    assert parse(redacted).children[0].value("idle-timeout ") == "0 0"


def test_an_encrypted_value_without_its_end_is_cut_text() -> None:
    with pytest.raises(Unparsable):
        parse(" local-user a password cipher %^%#abc\n#\nreturn\n")
