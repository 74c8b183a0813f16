"""Huawei VRP 5 and 8 (switches S and CE, routers AR and NE, firewalls USG)."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.huawei_vrp import aaa, access, network, services, system
from collectors.devices.huawei_vrp.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r"^\s*undo ",
    r"^\s*(?:local-aaa-user|user-password|user-security-policy) ",
    r"^\s*password (?:history|expire|alert|policy) ",
    r"^\s*local-user policy password ",
    r"^\s*authentication-mode password$",
    r"^\s*ssh user \S+ (?:authentication-type|assign|service-type) [\w -]+$",
    r"^\s*(?:rsa|dsa|ecc) (?:peer-public-key|local-key-pair) ",
    r"^\s*(?:peer-)?public-key(?:-code)? (?:begin|end)$",
    r"^\s*ssh server (?:cipher|hmac|key-exchange|publickey) ",
    r"^\s*snmp-agent (?:sys-info|group|mib-view|trap|local-engineid|acl|community complexity-check|password) ?",
    r"^\s*ntp(?:-service)? (?:unicast-server|unicast-peer|reliable|trusted|authentication enable)\b.*$",
    r"^\s*(?:ip )?community-(?:filter|list) ",
    r"^\s*(?:apply|if-match) (?:ext)?community",
    r"^\s*peer \S+ advertise-(?:ext-)?community$",
    r"^\s*(?:set key|pki|certificate) ",
)
S = r"(?P<secret>\S.*)$"
KEYED = r"(?:md5|hmac-md5|hmac-sha1|hmac-sha256|simple)"
ONE = r"(?P<secret>\S+)"
SECRETS = (
    # one encrypted value, which old releases break over two lines: before all others, which end with the line
    r"(?P<secret>(?P<mark>%\^%#|%@%@|%\$%\$|@%@%|%\+%#)[^\n]*?(?:\n[^\n]*?)?(?P=mark))",
    rf"^\s*local-user (?!policy )\S+ password (?:irreversible-cipher (?:\$1[a-z]\$)?|cipher |simple )?(?!irreversible-cipher |cipher |simple ){S}",
    rf"^\s*password (?:irreversible-cipher (?:\$1[a-z]\$)?|cipher |simple )(?!irreversible-cipher |cipher |simple ){S}",
    rf"^\s*super password (?:level \d+ )?(?:irreversible-cipher (?:\$1[a-z]\$)?|cipher |simple ){S}",
    rf"^\s*set authentication password (?:cipher |simple |irreversible-cipher (?:\$1[a-z]\$)?)?(?!cipher |simple |irreversible-cipher ){S}",
    rf"^\s*snmp-agent community (?:read|write) (?:cipher )?(?!cipher ){ONE}",
    rf"^\s*snmp-agent usm-user .*?\bauthentication-mode \S+ (?:cipher |simple )?(?!cipher |simple |privacy-mode ){ONE}",
    rf"^\s*snmp-agent usm-user .*?\bprivacy-mode \S+ (?:cipher |simple )?(?!cipher |simple ){ONE}",
    rf"^\s*snmp-agent target-host .*?\bsecurityname (?:cipher )?(?!cipher ){ONE}",
    rf"^\s*snmp-agent local-user .*?\b(?:authentication-mode|privacy-mode) \S+ (?:cipher )?{ONE}",
    rf"^.*?\bshared-key (?:\d\S* )?(?:cipher |simple )?(?!cipher |simple ){S}",
    rf"^\s*pre-shared-key (?:cipher |simple )?(?!cipher |simple ){S}",
    rf"^\s*ntp(?:-service)? authentication-keyid \d+ authentication-mode \S+ (?:cipher |plain )?(?!cipher |plain ){S}",
    rf"^\s*(?:ospf |isis |rip |area-|domain-)?authentication-mode {KEYED}(?: usual| nonstandard)?(?: \d+)? (?:plain |cipher )?(?!plain |cipher ){S}",
    rf"^\s*vrrp6? vrid \d+ authentication-mode \S+ (?:plain |cipher )?(?!plain |cipher ){S}",
    rf"^\s*peer \S+ password (?:cipher |simple ){S}",
    rf"^\s*key-string (?:plain |cipher )?(?!plain |cipher ){S}",
    rf"^\s*hrp authentication-key (?:cipher )?(?!cipher ){S}",
    rf"^\s*(?:ldap-server|radius-server) (?:authentication manager|manager|testuser).*?(?:cipher |simple )(?!cipher |simple ){ONE}",
    rf"^\s*(?:ppp (?:chap|pap) .*?password|pppoe.*?password|set save-configuration backup-to-server .*?password) (?:cipher |simple )?(?!cipher |simple ){S}",
    rf"^\s*configuration file auto-save .*?password {ONE}",
    rf"^\s*(?:wlan )?(?:security (?:wpa2?|wpa-wpa2|wpa3|wep).*? psk (?:pass-phrase|hex)|wep key .*?(?:pass-phrase|hex)) {ONE}",
    rf"^\s*(?:tunnel password|l2tp tunnel password|ike pre-shared-key) (?:cipher |simple )?(?!cipher |simple ){S}",
)

OS = DeviceOs(
    platform=Platform.HUAWEI_VRP,
    vendor="Huawei",
    driver="huawei_vrp",
    prompt=r"(?:HRP_[A-Z]\s?)?[<\[][~*]?{name}[>\]]\s*$",
    allowed=("display", "compare configuration"),
    prepare=("screen-length 0 temporary",),
    denied=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^\s*Error: ?(?:You do not have|No permission|Insufficient|The (?:user|current user) (?:has no|does not have)|.*not authorized).*$",
            r"^\s*Error: ?(?:Authorization|Command authorization).*fail.*$",
        )
    ),
    unknown=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^\s*Error: ?(?:Unrecognized|Incomplete|Wrong parameter|Too many parameters|Ambiguous|Unknown).*$",
            r"^\s*% ?(?:Unrecognized|Incomplete|Wrong parameter|Too many|Ambiguous).*$",
            r"^\s*(?:Error|Info): ?.*?(?:does not support|is not supported|not support(?:ed)?)\b.*$",
        )
    ),
    configuration=CONFIGURATION,
    whole=(re.compile(r"^return\s*\Z", re.M), re.compile(NAME, re.M), re.compile(r"^ ?user-interface ", re.M)),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=tuple(
        re.compile(pattern)
        for pattern in (
            r"^!Last configuration was (?:updated|saved) ",
            r"^!MKHash ",
            r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
            r"^Info: The configuration takes effect",
            r"^#\s*$",
        )
    ),
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
