"""MikroTik RouterOS 6 and 7."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.mikrotik_routeros import access, accounts, filtering, network, ports, records, system
from collectors.devices.mikrotik_routeros.text import CONFIGURATION, NAME
from collectors.model import Platform

_NEXT = r"(?:\\\n[ \t]*)?"
_QUOTED = r'"(?:[^"\\]|\\[\s\S])*"'
_ESCAPED = r'\\"(?:[^"\\]|\\(?!")[\s\S])*\\"'
_BARE = r'(?:[^\s"\\]|\\\n[ \t]+)+'
VALUE = rf"{_NEXT}(?!\(redacted\))(?P<secret>{_QUOTED}|{_ESCAPED}|{_BARE})"
_NAMED = r"public-key|static-transmit-key|allow-sharedkey|wpa\d?-psk"
"""They end in key and hold none."""
WORDS = rf"[\w.\-]*(?:passw(?:or)?d|passphrase|secret|psk|trap-community|token|cak|otp)|(?!{_NAMED})[\w.\-]*key|static-key-\d|[\w\-]*pin|puk"
_TEXT = r'(?:[^"\\]|\\[\s\S])*?'


_BREAK = r"(?:\\\n[ \t]*)?"
_LETTER = rf"(?:(?:\\[0-9A-F]{{2}}|[^\s\"\\]){_BREAK}){{1,4}}"
_KHAU = rf"m{_BREAK}{_LETTER}t{_BREAK}[ _-]?{_BREAK}k{_BREAK}h{_BREAK}{_LETTER}u"
"""Mật khẩu, in letters or in bytes."""
_SUSPECT = (
    # between quotes RouterOS breaks the line at any letter
    rf"(?i:{'|'.join(_BREAK.join(word) for word in ('password', 'passwd', 'passphrase', 'secret', 'psk', 'key', 'token', 'community'))}"
    rf"|{_KHAU}){_BREAK}[ \t:=]+(?!\(redacted\))"
)
SECRETS = (
    # an environment of a container: name and value stand apart
    rf"(?<![\w.\-])key={_NEXT}(?:{_QUOTED}|\S+)(?:[ \t]|\\\n)+(?:(?:list|name)={_NEXT}(?:{_QUOTED}|\S+)(?:[ \t]|\\\n)+)*value={VALUE}",
    # a reference by name, where it is `none`, says that there is none
    rf"(?<![\w.\-])(?:{WORDS})=(?!none(?:\s|\Z)){VALUE}",
    # a device has a handful of communities; each pass takes the first that is left
    *(r"^/snmp community\n(?:(?!/)[^\n]*\n)*?(?!/)[^\n]*?(?<![\w\-])name=" + VALUE for _ in range(24)),
    # what somebody wrote into a comment, a note or a script: in quotes, because the net below would take the closing quote too
    rf'={_NEXT}"(?P<secret>{_TEXT}{_SUSPECT}{_TEXT})"(?=[ \t\n]|\Z)',
    rf'(?i:{_KHAU})[ \t:=]+(?!\(redacted\))(?P<secret>[^\n"\\]*[^\s"\\])',
)
_STILL = rf"(?i:(?<![\w.\-,!])(?!{_NAMED})[\w.\-]*(?:passw(?:or)?d|passphrase|secret|psk|key|community)[ \t:=]+(?!\(redacted\)|none(?:\s|$)|\\?$)\S)"
HARMLESS = (
    # names of algorithms, references and public keys, values that stand on the next line; on lines that hold no secret besides
    (
        rf"^(?=.*(?:\bauth-key=none(?:\s|$)|\bpolicy=[\w,!\-]*\bpassword\b|\b(?:{_NAMED})=|\b(?:md5|MD5|wpa\d?-psk)\b|(?:password|secret|passphrase|key|community)=\\$))"
        rf"(?!.*{_STILL})"
    ),
)

OS = DeviceOs(
    platform=Platform.MIKROTIK_ROUTEROS,
    vendor="MikroTik",
    driver="mikrotik_routeros",
    # a name may have blanks; the line is painted again over what stands there
    prompt=r"(?:[^\n]*\r)?(?:\x1b\[[0-9;?]*[A-Za-z])*\[[^\]\s@]{1,80}@{name}\] ?(?:/[\w/ \-]*)?(?:<SAFE>)?> ?",
    name=r"[^\[\]\r\n@\x1b]{1,64}",
    # no colours, no questions to the terminal, wide and long: for this session alone (manual, "Console login process")
    log_on_as="{user}+ct511w4098h",
    repaints=True,
    allowed=(
        # an export to the letter: `file=` would write on the device, `show-sensitive` would show every secret
        *(command for command, _ in CONFIGURATION),
        "/system resource print",
        "/system routerboard print",
        "/system package print",
        "/system history print",
        "/system ntp client print",
        "/system clock print",
        "/system health print",
        "/user print",
        "/interface print",
        "/interface bridge host print",
        "/ip address print",
        "/ipv6 address print",
        "/ip arp print",
    ),
    # who has never logged on is asked about a licence, a new password, the default configuration: answers there may change something
    answers=((r"Please press \"Enter\" to continue!\s*$", "\r"),),
    denied=tuple(re.compile(pattern, re.M | re.I) for pattern in (r"^.*not enough permissions.*$", r"^.*permission denied.*$")),
    unknown=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^\s*bad command name .*$",
            r"^\s*syntax error .*$",
            r"^\s*expected (?:end of command|command name|closing brace).*$",
            r"^\s*no such (?:item|command).*$",
            r"^\s*input does not match any value of .*$",
            r"^\s*(?:failure|action failed|action timed out)\b.*$",
        )
    ),
    configuration=CONFIGURATION,
    whole=(re.compile(r"^# rasoat: end of export\s*\Z", re.M), re.compile(r"^# .*\bby RouterOS [67]\.", re.M)),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    # remarks come and go with cables and clocks
    volatile=(re.compile(r"^#(?! (?:software id|model|serial number) =)"), re.compile(r"^  (?! )")),
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
        "interfaces": ports.interfaces,
        "redundancy": network.redundancy,
        "device_services": network.device_services,
        "neighbours": system.neighbours,
    },
)
