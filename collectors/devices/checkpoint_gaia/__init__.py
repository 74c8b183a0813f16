"""Check Point Gaia."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.checkpoint_gaia import manage, network, system
from collectors.devices.checkpoint_gaia.text import CONFIGURATION, NAME
from collectors.model import Platform

HARMLESS = (
    r"^set password-controls ",
    r"^set (?:user \S+|expert|grub2)[ -]password-hash \$\w{1,2}\$\(redacted\)$",  # the kind of hash stays
    r"^set user \S+ (?:force-password-change|allow-access-using) ",
)
SECRETS = (
    r"^.*?password-hash[ \t]+(?:\$\w{1,2}\$)?(?P<secret>[^\s*!]\S*)",
    r"^[ \t]*(?:set|add|delete) snmp (?:community|traps receiver \S+ version \S+ community) (?P<secret>\"[^\"\n]*\"|\S+)",
    r"(?<![\w\-])(?:auth-pass-phrase-hashed|auth-pass-phrase|authentication-pass-phrase) (?P<secret>\S+)",
    r"(?<![\w\-])(?:privacy-pass-phrase-hashed|privacy-pass-phrase) (?P<secret>\S+)",
    r"(?<![\w\-])(?:key|secret|shared-secret|password|authtype (?:simple|md5 key \d+ secret|cryptographic \S+ key \d+ secret)) (?P<secret>\"[^\"\n]*\"|\S+)",
    r"^[ \t]*set (?:pppoe|ppp|ssh|cloning|lom) .*?password (?P<secret>\S+)",
    r'(?i:m[aậ]t[ _-]?kh[aẩ]u)[ \t:=]+(?P<secret>[^\n"]*[^\s"])',
    r'"(?P<secret>[^"\n]*(?i:pass(?:word|wd|phrase)|secret|key|community)\b[ \t:=][^"\n]*)"',
)

OS = DeviceOs(
    platform=Platform.CHECKPOINT_GAIA,
    vendor="Check Point",
    driver="checkpoint_gaia",
    prompt=r"(?:\[[^\]\r\n]*\] )?{name}(?::\d+)?(?:\([^)\r\n]*\))?> ?",
    allowed=("show",),
    prepare=("set clienv rows 0",),
    denied=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (r"^.*(?:permission denied|not authorized|no permission|access denied).*$",)
    ),
    unknown=tuple(
        re.compile(pattern, re.M)
        for pattern in (r"^CLINFR\d+ +.*$", r"^NMS[A-Z]+\d+ +.*$", r"^.*(?:Invalid command|Incomplete command).*$")
    ),
    configuration=CONFIGURATION,
    whole=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^# Configuration of \S",
            r"^# Language version:",
            r"^set hostname \S",
            r"^set password-controls ",
            r"^set user \S",
        )
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=(re.compile(r"^# Exported by "),),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": manage.device_access,
        "device_accounts": manage.device_accounts,
        "password_policy": manage.password_policy,
        "device_logs": system.device_logs,
        "clock": system.clock,
        "snmp_service": manage.snmp_service,
        "interfaces": network.interfaces,
        "redundancy": network.redundancy,
        "device_services": network.device_services,
        "neighbours": network.neighbours,
    },
)
