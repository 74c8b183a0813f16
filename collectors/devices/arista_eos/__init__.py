"""Arista EOS (switches and routers)."""

from __future__ import annotations

import re

from collectors.devices.arista_eos import access, accounts, logs, network, ports, routing, services, snmp, system
from collectors.devices.arista_eos.text import CONFIGURATION, NAME
from collectors.devices.base import DeviceOs, Rights
from collectors.model import Platform

HARMLESS = (
    r"^\s*no ",
    r"^\s*default ",
    r"^(?:aaa |ip ssh |management )",
    r"^\s*password (?:minimum|policy|encryption)\b",
    r"^\s*(?:cipher|mac|key-exchange|hostkey|authentication (?:mode|protocol|empty-passwords)) ",
    r"^username \S+ (?:ssh-key|sshkey) ",
    r"^username \S+ .*\bsecret [*!](?: |$)",
    r"^ntp (?:server|trusted-key|authenticate|local-interface|serve) ?",
    r"^snmp-server (?:group|view|engineID|location|contact|enable|vrf|ipv4|ipv6|local-interface|transport) ?",
    r"^\s*(?:ip|ipv6) (?:community-list|extcommunity-list|large-community-list) ",
    r"^\s*(?:set|match) (?:\S*community|large-community) ",
    r"^\s*(?:neighbor \S+ )?send-community",
    r"^\s*ip ospf authentication(?: message-digest)?$",
    r"^\s*(?:isis )?authentication mode \S+",
    r"^\s*(?:ssl profile|certificate|tls versions) ",
)
S = r"(?P<secret>\S+)"
KIND = r"(?:(?:0|5|7|8a|sha512) )?"
SECRETS = (
    rf"^username \S+ .*?\bsecret {KIND}(?:\$\d\$)?(?![*!](?:\s|$)){S}",
    rf"^(?:enable (?:secret|password)|aaa root secret) {KIND}(?:\$\d\$)?{S}",
    rf"^(?:tacacs|radius)-server\b.*?\bkey {KIND}{S}",
    rf"^snmp-server community {S}",
    rf"^snmp-server host \S+ .*?\bversion (?:1|2c) {S}",
    rf"^snmp-server host \S+(?: vrf \S+)? (?:traps |informs )?(?!vrf |traps |informs |version ){S}",
    rf"^snmp-server user .*?\bauth \S+ {S}",
    rf"^snmp-server user .*?\bpriv \S+ {S}",
    rf"^ntp authentication-key \d+ \S+ {KIND}{S}",
    rf"^\s*(?:ip ospf (?:authentication-key|message-digest-key \d+ \S+)) {KIND}{S}",
    rf"^\s*(?:ospfv3|area \S+|ipv6 ospf|default) ?(?:\S+ )?(?:authentication|encryption) ipsec spi .*?(?:md5|sha1|passphrase) {KIND}{S}\s*$",
    rf"^\s*neighbor \S+ password (?!shared-secret){KIND}{S}",
    rf"^\s*vrrp \d+ (?:peer )?authentication (?:text |ietf-md5 key-string )?{KIND}(?!text|ietf-md5){S}",
    rf"^\s*(?:isis )?authentication (?:key|text) (?:\d+ )?{KIND}{S}",
    rf"^\s*(?:isis )?authentication key-id \d+ .*?\bkey {KIND}{S}",
    rf"^\s*(?:secret|key|shared-secret|pre-shared-key|passphrase|password) (?!minimum|policy|encryption){KIND}{S}",
    rf"^\s*secret \S+ {KIND}{S}(?: receive-lifetime .*)?$",
    rf"^\s*(?:key \S+|fallback key \S+|mac security key \S+) {KIND}{S}\s*$",
    rf"^\s*exec \S.*?(?:-ingestauth=key,|-cvauth=(?:key|token),|--?password[= ]){S}",
    rf"^Aboot password \(encrypted\): (?:\$\d\$)?(?!\(not){S}",
    r"://[^:\s/@]+:(?P<secret>[^@\s]+)@",
    r"(?<![\w])(?P<secret>0x[0-9a-fA-F]{16,})",
)

OS = DeviceOs(
    platform=Platform.ARISTA_EOS,
    vendor="Arista",
    driver="arista_eos",
    prompt=r"{name}(?:\.[\d:]+)?(?:\([^)\r\n]*\))*[>#]\s*$",
    allowed=("show",),
    prepare=("terminal length 0", "terminal width 32767"),
    rights=Rights("enable"),
    denied=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^% ?Invalid input \(privileged mode required\).*$",
            r"^% ?(?:Authorization denied|Permission denied|Access denied).*$",
        )
    ),
    unknown=(
        re.compile(
            r"^% ?(?:Invalid input|Incomplete command|Ambiguous command|Unavailable command|This command (?:is not|requires)).*$",
            re.M,
        ),
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^! device: ", re.M),
        re.compile(r"^end\s*\Z", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=tuple(re.compile(pattern) for pattern in (r"^! (?:Command|Time|Startup-config last modified)", r"^\s*!\s*$")),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": accounts.device_accounts,
        "password_policy": accounts.password_policy,
        "device_logs": logs.device_logs,
        "clock": logs.clock,
        "snmp_service": snmp.snmp_service,
        "filtering": network.filtering,
        "interfaces": ports.interfaces,
        "redundancy": routing.redundancy,
        "device_services": services.device_services,
        "neighbours": ports.neighbours,
    },
)
