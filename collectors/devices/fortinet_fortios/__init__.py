"""Fortinet FortiOS (FortiGate, FortiWiFi)."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.fortinet_fortios import access, accounts, filtering, network, records, system
from collectors.devices.fortinet_fortios.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r"^\s*(?:config|edit|unset) ",
    r"^\s*set (?:reuse-password|reuse-password-limit|admin-ssh-password|ssh-password|password-renewal) \S+\s*$",
    r"^\s*set apply-to [a-z\- ]+$",
    r"^\s*set (?:hash|key-type|auth-mode|authentication|auth-type|auth-proto|ssh-\w+-algo)\b [\w@.\- ]+$",
    r"^\s*set (?:uuid|fingerprint|csr|certificate|public-key|ssh-public-key\d|ssl-ssh-profile|passive-mode)\b",
)
_TEXT = r'(?:[^"\\\n]|\\.)*'
_SUSPECT = r"(?:pass(?:word|wd|phrase)|secret|pre-?shared(?:-key)?|psk|key-?string|community|md5|(?<!-)key|[\w-]+-key|[a-z]+pwd|m[aậ]t[ _-]?kh[aẩ]u)\b[ \t:=]"
_VALUE = r'(?P<secret>"(?:[^"\\]|\\.)*"|(?!ENC )\S+)'
SECRETS = (
    # SH2, AK1, PB2: the kind of hash of an administrator's password, which is a fact
    r"(?<![\w\-])ENC \"?(?:SH2|AK1|PB2)?(?P<secret>[^\s\"]+)",
    r'^[ \t]*set (?:private-key|ssh-private-key|ssh-host-key|scep-password) (?P<secret>"(?:[^"\\]|\\.)*")',
    (
        r"^[ \t]*set (?:[\w\-]*(?:passw(?:or)?d|passwd|passphrase|secret|psksecret|[a-z]pwd|api-key|access-key|auth-?key|enc-?key"
        rf"|secret-key|fixed-key|key-string|sae-password|ppk|keyphrase)\d?|key|token|\w+-token|md5-key \d+|authentication-key) {_VALUE}"
    ),
    # a device has three communities, ten at most; each pass takes the first that is left
    *(
        rf"^(?P<in{n}>[ \t]*)config system snmp community\n(?:(?!(?P=in{n})end\b)[^\n]*\n)*?"
        r'[ \t]+set name (?!"?\(redacted\))(?P<secret>"(?:[^"\\\n]|\\.)*"|\S+)'
        for n in range(24)
    ),
    # in a note of many lines
    r'(?i:m[aậ]t[ _-]?kh[aẩ]u)[ \t:=]+(?P<secret>[^\n"]*[^\s"])',
    # words that look like a secret inside quotes: here, because the net below would take the closing quote with them
    rf'(?:^|[ \t])"(?P<secret>{_TEXT}(?i:{_SUSPECT}){_TEXT})"(?=[ \t]|$)',
    rf'^(?P<secret>{_TEXT}(?i:{_SUSPECT}){_TEXT})"[ \t]*$',
)

OS = DeviceOs(
    platform=Platform.FORTINET_FORTIOS,
    vendor="Fortinet",
    # netmiko's own log-on switches paging off in the configuration; its class lends line ends alone
    driver="fortinet",
    prompt=r"{name}(?: \([^)\r\n]*\))? ?[#$] ?",
    allowed=("get system", "show", "diagnose sys ntp status", "sudo global get system", "sudo global diagnose sys ntp status"),
    answers=((r"\(Press 'a' to accept\):\s*$", "a"),),
    denied=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^.*(?:permission denied|not (?:have )?enough (?:permission|right|privilege)s?|insufficient rights).*$",
            r"^Command fail\. Return code -(?:37|14)\b.*$",
        )
    ),
    unknown=tuple(
        re.compile(pattern, re.M)
        for pattern in (r"^command parse error before .*$", r"^Unknown action \d+.*$", r"^Command fail\. Return code -?\d+.*$")
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^end\s*\Z", re.M),
        re.compile(r"^config system global$", re.M),
        re.compile(r"^config system interface$", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=tuple(
        re.compile(pattern) for pattern in (r"^#conf_file_ver=", r"^#config-version=", r"^\s*set (?:lastupdate|next-update) ")
    ),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": accounts.device_accounts,
        "password_policy": accounts.password_policy,
        "device_logs": records.device_logs,
        "clock": system.clock,
        "snmp_service": records.snmp_service,
        "filtering": filtering.filtering,
        "interfaces": network.interfaces,
        "redundancy": network.redundancy,
        "device_services": network.device_services,
        "neighbours": system.neighbours,
    },
)
