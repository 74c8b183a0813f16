"""Cisco IOS and IOS XE (routers, Catalyst switches)."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs, Rights
from collectors.devices.cisco_ios import access, accounts, logs, network, ports, services, system
from collectors.devices.cisco_ios.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r"^\s*no ",
    r"^\s*(?:service password-|security passwords |password encryption aes|aaa |login |crypto key |ip ssh )",
    r"^\s*key chain \S+$",
    r"^\s*key \d+$",
    r"^\s*(?:send|accept)-lifetime ",
    r"^\s*ntp (?:server|peer|trusted-key) ",
    r"^\s*crypto (?:pki|ca) ",
    r"^\s*(?:rsakeypair|keypair|hidekeys|key-set|enrollment|authentication (?:pre-share|rsa-sig)|hash md5|hash sha\d*)\b",
    r"^\s*certificate (?:self-signed|ca) ",
    r"^\s*(?:[0-9A-F]{2,8} )+[0-9A-F]{2,8}\s*$",  # lines of a certificate, which everybody may read
    r"^\s*snmp-server (?:enable|group|view|engineID|trap-source|location|contact|ifindex) ?",
    r"^\s*(?:ip|ipv6) (?:community-list|extcommunity-list) ",
    r"^\s*(?:set|match) (?:community|extcommunity) ",
    r"^\s*(?:neighbor \S+ )?send-community",
    r"^\s*ip bgp-community ",
    r"^\s*(?:ip|ipv6)? ?(?:authentication|ospf authentication) (?:mode|key-chain|message-digest) ?(?:eigrp \d+)? ?(?:md5|\S+)$",
)
S = r"(?P<secret>\S+)"
SECRETS = (
    rf"^\s*enable (?:secret|password)(?: level \d+)?(?: \d+)? {S}",
    rf"^\s*username \S+ .*?(?:secret|password)(?: \d+)? {S}",
    r"^\s*(?:snmp-server community|snmp mib community-map) (?P<secret>\"[^\"]*\"|\S+)",
    rf"^\s*snmp-server host \S+(?: vrf \S+)?(?: (?:traps|informs))?(?: version (?:1|2c|3 \w+))? {S}",
    rf"^\s*snmp-server user .*?\bauth \S+ {S}",
    rf"^\s*snmp-server user .*?\bpriv (?:\S+ )?(?:128 |192 |256 )?{S}",
    rf"^\s*(?:tacacs-server|radius-server|server-private|tacacs server|radius server)\b.*?\bkey(?: \d+)? {S}",
    rf"^\s*(?:pac )?key (?:\d+ )?{S}\s*$",
    rf"^\s*key-string(?: \d+)? {S}",
    rf"^\s*password(?: \d+)? {S}\s*$",
    rf"^\s*neighbor \S+ password(?: \d+)? {S}",
    rf"^\s*ip ospf (?:authentication-key|message-digest-key \d+ md5)(?: \d+)? {S}",
    rf"^\s*area \S+ virtual-link .*?(?:authentication-key|message-digest-key \d+ md5)(?: \d+)? {S}",
    rf"^\s*(?:ospfv3|ipv6 ospf|area \S+)(?: \d+)? (?:authentication|encryption)\b.*?\b(?:md5|sha1|sha-1|\S*cbc\S*|3des|des)(?: \d+)? {S}\s*$",
    rf"^\s*(?:standby|vrrp|glbp)(?: \d+)? authentication md5 key-string(?: \d+)? {S}",
    rf"^\s*(?:standby|vrrp|glbp)(?: \d+)? authentication(?: text)? (?!md5){S}\s*$",
    rf"^\s*(?:isis|area-password|domain-password|ip isis)(?: password)?(?: \d+)? {S}\s*$",
    rf"^\s*authentication mode hmac-sha-256(?: \d+)? {S}",
    rf"^\s*ntp authentication-key \d+ \S+ {S}",
    rf"^\s*crypto isakmp key(?: \d+)? {S} (?:address|hostname)",
    rf"^\s*pre-shared-key(?: (?:local|remote))?(?: address \S+(?: \d\S+)? key)?(?: \d+)? {S}",
    rf"^\s*ppp (?:chap|pap sent-username \S+) password(?: \d+)? {S}",
    rf"^\s*(?:ip (?:ftp|http client) password|vtp password|ip rip authentication string)(?: \d+)? {S}",
    rf"^\s*(?:cts credentials id \S+|msdp password \S+|mpls ldp neighbor \S+) ?password(?: \d+)? {S}",
    rf"^\s*(?:wpa-psk|encryption key \d+ size \S+|tunnel key)(?: ascii| hex)?(?: \d)? {S}",
)

OS = DeviceOs(
    platform=Platform.CISCO_IOS,
    vendor="Cisco",
    driver="cisco_ios",
    prompt=r"{name}(?:\([^)\r\n]*\))?[>#]\s*$",
    allowed=("show",),
    prepare=("terminal length 0", "terminal width 511"),
    rights=Rights("enable"),
    denied=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^% ?(?:Authorization failed|Access denied|Command authorization failed|Not authorized).*$",
            r"^Command authorization failed.*$",
        )
    ),
    unknown=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^% ?(?:Invalid input detected|Incomplete command|Ambiguous command|Unknown command|Unrecognized command|Bad IP address).*$",
            r"^Translating \".*$",
        )
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^end\s*\Z", re.M),
        re.compile(r"^version \d", re.M),
        re.compile(r"^(?:no )?aaa new-model$", re.M),
        re.compile(r"^line con 0$", re.M),
        re.compile(r"^line vty ", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M | re.I) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=tuple(
        re.compile(pattern)
        for pattern in (
            r"^! (?:Last configuration change|NVRAM config last updated|No configuration change since)",
            r"^(?:Building configuration|Current configuration :|Using \d+ out of \d+ bytes)",
            r"^ntp clock-period ",
            r"^!\s*$",
        )
    ),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": accounts.device_accounts,
        "password_policy": accounts.password_policy,
        "device_logs": logs.device_logs,
        "clock": logs.clock,
        "snmp_service": services.snmp_service,
        "filtering": network.filtering,
        "interfaces": ports.interfaces,
        "redundancy": network.redundancy,
        "device_services": services.device_services,
        "neighbours": ports.neighbours,
    },
)
