"""HPE Comware 5 and 7, and H3C (switches, routers, SecPath firewalls)."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.hpe_comware import aaa, access, network, services, system
from collectors.devices.hpe_comware.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r"^\s*undo ",
    r"^\s*password-control ",
    r"^\s*(?:authentication-mode password|set authentication-mode \S+)$",
    r"^\s*ssh user \S+ ",
    r"^\s*public-key (?:local|peer) ",
    r"^\s*(?:peer-)?public-key(?:-code)? (?:begin|end)$",
    r"^\s*ssh2? (?:algorithm|server) ",
    r"^\s*snmp-agent (?:sys-info|group|mib-view|trap|local-engineid|packet) ?",
    r"^\s*s?ntp(?:-service)? (?:ipv6 )?(?:unicast-server|unicast-peer|reliable|authentication enable)\b.*$",
    r"^\s*ip (?:community|extcommunity)-list ",
    r"^\s*(?:apply|if-match) (?:ext)?community",
    r"^\s*peer \S+ advertise-(?:ext-)?community$",
    r"^\s*password-recovery ",
)
S = r"(?P<secret>\S.*)$"
ONE = r"(?P<secret>\S+)"
KEPT = r"(?:cipher |simple |plain |hash (?:\$h\$(?:6\$)?)?)"
NOT = r"(?!cipher |simple |plain |hash )"
SECRETS = (
    rf"^\s*password {KEPT}{NOT}{S}",
    rf"^\s*super password (?:(?:role \S+|level \d+) )?{KEPT}{NOT}{S}",
    rf"^\s*set authentication password {KEPT}?{NOT}{S}",
    rf"^\s*snmp-agent community (?:read|write) {KEPT}?{NOT}{ONE}",
    rf"^\s*snmp-agent usm-user .*?\bauthentication-mode \S+ {KEPT}?(?!cipher |simple |privacy-mode ){ONE}",
    rf"^\s*snmp-agent usm-user .*?\bprivacy-mode \S+ {KEPT}?{NOT}{ONE}",
    rf"^\s*snmp-agent target-host .*?\bsecurityname {ONE}",
    rf"^\s*key (?:authentication|authorization|accounting) {KEPT}?{NOT}{S}",
    rf"^\s*(?:primary|secondary) (?:authentication|authorization|accounting) .*?\bkey {KEPT}?{NOT}{ONE}",
    rf"^\s*(?:client|radius-server client-id|radius session-control client) .*?\bkey {KEPT}?{NOT}{ONE}",
    rf"^\s*(?:login-password|ike keychain|pre-shared-key .*?key) {KEPT}?{NOT}{S}",
    rf"^\s*pre-shared-key {KEPT}?{NOT}{S}",
    rf"^\s*s?ntp(?:-service)? authentication-keyid \d+ authentication-mode \S+ {KEPT}?{NOT}{ONE}",
    rf"^\s*(?:ospf |isis |rip |area-|domain-)?authentication-mode (?:md5|hmac-md5|hmac-sha\S*|simple)(?: \d+)? {KEPT}?{NOT}{S}",
    rf"^\s*(?:rip authentication-mode md5 \S+|rip authentication-mode simple) {KEPT}?{NOT}{ONE}",
    rf"^\s*vrrp (?:ipv6 )?vrid \d+ authentication-mode \S+ {KEPT}?{NOT}{S}",
    rf"^\s*peer \S+ password {KEPT}{NOT}{S}",
    rf"^\s*key-string {KEPT}?{NOT}{S}",
    rf"^\s*(?:ppp (?:chap|pap) .*?password|password-control super) {KEPT}{NOT}{S}",
    rf"^\s*archive configuration server password {KEPT}?{NOT}{S}",
    rf"^\s*(?:preshared-key (?:pass-phrase|raw-key)|wep key .*?(?:pass-phrase|raw-key)) {KEPT}?{NOT}{S}",
    r"(?P<secret>\$c\$\d\$\S+)",
)

OS = DeviceOs(
    platform=Platform.HPE_COMWARE,
    vendor="HPE",
    driver="hp_comware",
    prompt=r"(?:RBM_[PS])?[<\[][~*]?{name}[>\]]\s*$",
    allowed=("display",),
    prepare=("screen-length disable",),
    denied=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^\s*(?:%\s*)?(?:Permission denied|Authorization failed|Command authorization failed|Access denied).*$",
            r"^\s*(?:%\s*)?You (?:do not|don't) have .*?permission.*$",
        )
    ),
    unknown=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^\s*% ?(?:Unrecognized command|Incomplete command|Wrong parameter|Too many parameters|Ambiguous command).*$",
            r"\A\s*The (?:operation|command|device|feature) (?:is not|does not|doesn't) support.*$",
            r"\A\s*(?:This|The) (?:command|operation) is not supported.*$",  # further down it may speak of one fan
        )
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^return\s*\Z", re.M),
        re.compile(r"^ ?version \d+\.\d+", re.M),
        re.compile(r"^ ?(?:line|user-interface) (?:class )?(?:vty|aux|con)", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=(re.compile(r"^#\s*$"),),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": aaa.device_accounts,
        "password_policy": aaa.password_policy,
        "device_logs": services.device_logs,
        "clock": system.clock,
        "snmp_service": services.snmp_service,
        "filtering": network.filtering,
        "interfaces": network.interfaces_fact,
        "redundancy": network.redundancy,
        "device_services": services.device_services,
        "neighbours": system.neighbours,
    },
)
