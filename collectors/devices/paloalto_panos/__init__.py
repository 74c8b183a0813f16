"""Palo Alto Networks PAN-OS."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.paloalto_panos import manage, network, records, system
from collectors.devices.paloalto_panos.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r"^\s*[\w\-.]+ \{\s*$",
    r"^\s*password-history-count \d+;$",
    r"^\s*phash \$\w{1,2}\$\(redacted\);$",  # the kind of hash stays, and so does what ends the line
    r"^\s*(?:public-key|block-username-inclusion|authentication-type|authproto|privproto|minimum-[a-z\-]+) ",
)
_TEXT = r'(?:[^"\\\n]|\\.)*'
_SUSPECT = r"(?:pass(?:word|wd|phrase)|secret|pre-?shared(?:-key)?|psk|community|md5|(?<!-)key|m[aậ]t[ _-]?kh[aẩ]u)\b[ \t:=]"
_VALUE = r'(?P<secret>"(?:[^"\\]|\\.)*"|[^\s;{"]+)'
SECRETS = (
    r"^[ \t]*phash (?:\$\w{1,2}\$)?(?P<secret>[^\s;]+)",
    rf"^[ \t]*(?:snmp-community-string|community|authpwd|privpwd|secret|password|bind-password|passphrase|private-key|key|psk) {_VALUE};",
    rf"^[ \t]*[\w\-]*(?:password|secret|passphrase|pre-shared-key|auth-key|private-key|api-key|authentication-key|encryption-key) {_VALUE};",
    r"(?P<secret>-AQ==[A-Za-z0-9+/=]{8,})",
    r'(?i:m[aậ]t[ _-]?kh[aẩ]u)[ \t:=]+(?P<secret>[^\n"]*[^\s";])',
    rf'(?:^|[ \t])"(?P<secret>{_TEXT}(?i:{_SUSPECT}){_TEXT})"(?=[ \t;]|$)',
    rf'^(?P<secret>{_TEXT}(?i:{_SUSPECT}){_TEXT})"[ \t]*;[ \t]*$',
    # a quoted line of many: the word, and all behind it, but not what closes the text
    rf"^(?P<secret>(?:[^\"\\\n;{{]|\\.)*(?i:{_SUSPECT})[^\"\n;{{]*)$",
)

OS = DeviceOs(
    platform=Platform.PALOALTO_PANOS,
    vendor="Palo Alto Networks",
    driver="paloalto_panos",
    prompt=r"[\w.\-]+@{name}(?:\([^)\r\n]*\))?> ?",
    allowed=("show",),
    prepare=("set cli pager off", "set cli scripting-mode on"),
    answers=((r"Do you accept and acknowledge the statement above ?\? ?\(yes/no\) ?:?\s*$", "yes"),),
    denied=tuple(
        re.compile(pattern, re.M | re.I) for pattern in (r"^.*(?:not authorized|permission denied|insufficient privilege).*$",)
    ),
    unknown=tuple(
        re.compile(pattern, re.M) for pattern in (r"^Unknown command:.*$", r"^Invalid syntax\.?\s*$", r"^Server error ?:.*$")
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"\}\s*\Z"),
        re.compile(r"^\s*mgt-config \{", re.M),
        re.compile(r"^\s*deviceconfig \{", re.M),
        re.compile(r"^\s*hostname [^\s;]+;", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": manage.device_access,
        "device_accounts": manage.device_accounts,
        "password_policy": manage.password_policy,
        "device_logs": records.device_logs,
        "clock": system.clock,
        "snmp_service": records.snmp_service,
        "filtering": records.filtering,
        "interfaces": network.interfaces,
        "redundancy": system.redundancy,
        "device_services": network.device_services,
        "neighbours": network.neighbours,
    },
)
