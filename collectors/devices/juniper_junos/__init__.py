"""Juniper Junos (EX and QFX switches, SRX firewalls, MX routers)."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.juniper_junos import access, accounts, filtering, logs, network, ports, snmp, system
from collectors.devices.juniper_junos.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r'^[^"]*\{\s*$',
    r"/\* (?:SECRET-DATA|ACCESS-DENIED) \*/",
    r"^\s*(?:\w+: )*(?:permissions|authentication-order|macs|hostkey-algorithm|trusted-key|password-history) [^\"]*;\s*$",
    r"^\s*(?:\w+: )*(?:server|peer) \S+ (?:[\w\-.:]+ )*key \d+(?: [\w\-.:]+)*;",
    r"^\s*(?:then )?community (?:add|set|delete) ",
    r"^\s*(?:from )?community \[ ",
    r"^\s*community \S+ members ",
    r"^\s*authentication-key-chains? ",
)
_TEXT = r'(?:[^"\\\n]|\\.)*'
_SPOKEN = (
    r"(?:pass(?:word|wd|phrase)|secret|pre-?shared(?:-key)?|psk|community|md5|(?<!-)key|key-?string|[\w\-]+-key"
    r"|m[aậ]t[ _-]?kh[aẩ]u)\b"
)
_SUSPECT = rf"{_SPOKEN}[ \t:=]"
_WORD = (
    r"(?:[\w\-]*(?:password|secret|passphrase|psk)|(?:[\w\-]+-)?key|ascii-text|hexadecimal|community-name|key-string|cak"
    r"|authentication-key \d+ (?:type \S+ )?value|value)"
)
SECRETS = (
    # the kind of hash or cipher ($6$, $9$) stays: it is a fact
    rf'(?<![\w\-]){_WORD}[ \t]+"(?:\$\w{{1,8}}\$)?(?P<secret>(?:[^"\\]|\\.)+)"',
    rf'(?<![\w\-]){_WORD}[ \t]+(?:\$\w{{1,8}}\$)?(?P<secret>(?!/\*|\d{{1,5}}[;\s])[^\s";{{\[\]\\]+)(?=[ \t]*;)',
    r'\w+://[^\s":/@]*:(?P<secret>[^\s";]+)@[\w.\[]',
    r'\$[89]\$(?P<secret>[^\s";\\]+)',
    r'"(?:\$\w{1,8}\$)?(?P<secret>(?:[^"\\\n]|\\.)+)";[ \t]*## SECRET-DATA',
    r'(?<=[ \t])(?:\$\w{1,8}\$)?(?P<secret>(?!/\*)[^\s";*\\]+);[ \t]*## SECRET-DATA',
    # what a trap carries as its community is the name of its group
    r'(?<![\w\-])(?:community|trap-group)[ \t]+"(?P<secret>(?:[^"\\\n]|\\.)*)"(?=[ \t]*[{;])',
    r'(?<![\w\-])(?:community|trap-group)[ \t]+(?P<secret>(?!/\*)[^\s";{\[\]\\]+)(?=[ \t]*[{;])',
    # words that look like a secret in an annotation or a text: here, because the net below would take what closes it
    rf"/\*(?! SECRET-DATA \*/)(?P<secret>(?:(?!\*/)[\s\S])*?(?i:{_SPOKEN})(?:(?!\*/)[\s\S])*)\*/",
    rf'(?:^|[ \t\[])"{_TEXT}?(?i:{_SUSPECT})[ \t:=]*(?P<secret>{_TEXT})"(?=[ \t;\]]|$)',
    r'(?i:m[aậ]t[ _-]?kh[aẩ]u)[ \t:=]+(?P<secret>(?:[^\n"\\]|\\[^"\n])*(?:[^\s";\\]|\\[^"\n]))',
)

OS = DeviceOs(
    platform=Platform.JUNIPER_JUNOS,
    vendor="Juniper",
    driver="juniper_junos",
    # above it stands which member or node answers: {master:0}, {primary:node0}
    prompt=r"(?:\{[\w:\-. ]+\}[ \t]*\r?\n)?[\w.\-]+@{name}(?::[\w.\-]+)?> ?",
    allowed=("show",),
    prepare=("set cli screen-length 0", "set cli screen-width 0"),
    denied=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (r"^(?:error: )?permission denied.*$", r"^error: (?:access denied|not authorized|no permission).*$")
    ),
    unknown=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^(?:error: )?(?:syntax error|unknown command).*$",
            r"^error: command is not valid on .*$",
            r"^error: .*(?:subsystem not running|not supported).*$",
        )
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^version \S+;", re.M),
        re.compile(r"^system \{", re.M),
        re.compile(r"^\};?\s*(?:^\{[\w:\-. ]+\}\s*)?\Z", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=(re.compile(r"^## Last (?:commit|changed): "),),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": accounts.device_accounts,
        "password_policy": accounts.password_policy,
        "device_logs": logs.device_logs,
        "clock": system.clock,
        "snmp_service": snmp.snmp_service,
        "filtering": filtering.filtering,
        "interfaces": ports.interfaces,
        "redundancy": network.redundancy,
        "device_services": network.device_services,
        "neighbours": ports.neighbours,
    },
)
