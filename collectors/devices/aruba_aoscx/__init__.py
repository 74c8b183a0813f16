"""Aruba AOS-CX switches (10.x)."""

from __future__ import annotations

import re

from collectors.devices.aruba_aoscx import aaa, access, network, ports, services, system
from collectors.devices.aruba_aoscx.text import CONFIGURATION, NAME
from collectors.devices.base import DeviceOs
from collectors.model import Platform

HARMLESS = (
    r"^\s*no ",
    r"^\s*password (?:complexity|minimum|history|enable)\b",
    r"^\s*user \S+ authorized-key ",
    r"^\s*ssh (?:host-key|public-key|key-exchange|ciphers|macs|hostkey)",
    r"^\s*snmp-server (?:vrf|system-|agent-port|trap |historical)",
    r"^\s*(?:set|match) (?:community|extcommunity)",
    r"^\s*ip (?:community|extcommunity)-list ",
    r"^\s*neighbor \S+ send-community",
    r"^ntp server ",
    r"^!export-password: ",
    r"^\s*(?:Host Key|Key Exchange|Public Key) Algorithms\s*:",
    r"^\s*(?:Password (?:complexity|composition)|Minimum password length)\b",
)
Q = r"(?P<secret>\S+)"
KEPT = r"(?:ciphertext |plaintext )"
NOT = r"(?!ciphertext |plaintext )"
SECRETS = (
    rf"^\s*user \S+ (?:group \S+ )?password {KEPT}?{NOT}{Q}",
    rf"^\s*snmp-server community (?:{KEPT})?{NOT}{Q}",
    rf"^\s*snmpv3 context \S+ .*?\bcommunity {KEPT}?{NOT}{Q}",
    rf"^\s*snmp-server host \S+ .*?\bcommunity {KEPT}?{NOT}{Q}",
    rf"^\s*snmpv3 user .*?\bauth-pass {KEPT}?{NOT}{Q}",
    rf"^\s*snmpv3 user .*?\bpriv-pass {KEPT}?{NOT}{Q}",
    rf"^\s*(?:tacacs-server|radius-server|radius dyn-authorization client)\b.*?\b(?:key|secret-key|shared-secret) {KEPT}?{NOT}{Q}",
    rf"^\s*(?:tacacs-server|radius-server)\b.*?\bpassword {KEPT}?{NOT}{Q}",
    rf"^\s*ntp authentication-key \d+ \S+ {KEPT}?{NOT}{Q}",
    rf"^\s*neighbor \S+ password {KEPT}?{NOT}{Q}",
    rf"^\s*(?:ip ospf|ipv6 ospfv3|area \S+ virtual-link \S+).*?\b(?:authentication-key|md5|sha\d*) {KEPT}?{NOT}{Q}",
    rf"^\s*(?:authentication-key|key-string|auth-key|pre-shared-key) {KEPT}?{NOT}{Q}",
    rf"^\s*vrrp .*?\bauthentication \S+ {KEPT}?{NOT}{Q}",
    rf"^\s*(?:authentication text|password|shared-key) {KEPT}?{NOT}{Q}\s*$",
    rf"^.*?\b(?:ciphertext|plaintext) {Q}",
)

OS = DeviceOs(
    platform=Platform.ARUBA_AOSCX,
    vendor="HPE Aruba",
    driver="aruba_aoscx",
    prompt=r"{name}(?:\([^)\r\n]*\))?[>#]\s*$",
    allowed=("show",),
    prepare=("no page",),
    denied=(
        re.compile(
            r"^\s*(?:Cannot execute command\. (?:Command not allowed|Could not).*|.*not authorized.*|Permission denied.*)$",
            re.M | re.I,
        ),
    ),
    unknown=(re.compile(r"^\s*(?:Invalid input:|% ?(?:Unknown|Ambiguous|Incomplete) command|% Command incomplete).*$", re.M),),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^!Version (?:ArubaOS|AOS)-CX ", re.M),
        re.compile(NAME, re.M),
        re.compile(r"^interface ", re.M),
        re.compile(r"^(?:no )?(?:https-server|ssh server)\b", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=(re.compile(r"^(?:Current|Startup) configuration:"), re.compile(r"^!\s*$")),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": aaa.device_accounts,
        "password_policy": aaa.password_policy,
        "device_logs": services.device_logs,
        "clock": services.clock,
        "snmp_service": services.snmp_service,
        "filtering": network.filtering,
        "interfaces": ports.interfaces,
        "redundancy": network.redundancy,
        "device_services": services.device_services,
        "neighbours": ports.neighbours,
    },
)
