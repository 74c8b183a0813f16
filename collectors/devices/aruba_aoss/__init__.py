"""Aruba AOS-S and HP ProCurve switches (ArubaOS-Switch 15, 16)."""

from __future__ import annotations

import re

from collectors.devices.aruba_aoss import aaa, access, network, ports, services, system
from collectors.devices.aruba_aoss.text import CONFIGURATION, NAME
from collectors.devices.base import DeviceOs, Rights
from collectors.model import Platform

HARMLESS = (
    r"^\s*no ",
    r"^\s*password (?:configuration|configuration-control|minimum-length|complexity|composition|non-plaintext-sha256)\b(?! user-name)[^\"]*$",
    r"^\s*snmp-server (?:enable|contact|location|listen|mib|response-source|trap-source)\b",
    r"^\s*(?:ip ssh|crypto key|include-credentials|encrypt-credentials)\b[^\"]*$",
    r"^\s*password (?:manager|operator|all)(?: user-name (?:\"[^\"\n]*\"|\S+))? (?:plaintext|sha1|sha256)\s*$",  # goes on below
    r"^\s*(?:Global password control configuration$|Password (?:control|history|aging|minimum length|composition)\s*(?::|$))",
    r"^\s*Repeat password checking\s*:",
    r"^\s*Early notice on password expiration\s*:",
    r"^\s*Minimum password update interval\s*:",
    r"^\s*key-chain \"?\S+\"?$",
)
Q = r"(?P<secret>\"[^\"\n]*\"|[^\s\"]\S*)"
W = r"(?: |\n )"
"""A long line is broken at 80 letters, and goes on behind one blank; blocks are indented by three."""
M = r"(?:.|\n )*?"
SECRETS = (
    rf"^\s*password (?:manager|operator|port-access|all)(?: user-name (?:\"[^\"\n]*\"|\S+))? (?:plaintext|sha1|sha256){W}{Q}",
    rf"^\s*snmp-server community{W}{Q}",
    rf"^\s*snmp-server host \S+ (?:community{W})?{Q}",
    rf"^\s*snmpv3 user {M}\bauth (?:(?:md5|sha){W})?{Q}",
    rf"^\s*snmpv3 user {M}\bpriv (?:(?:des|aes){W})?{Q}",
    rf"^\s*snmpv3 community index {M}\bname{W}{Q}",
    rf"^\s*(?:radius-server|tacacs-server)\b{M}\b(?:encrypted-)?key{W}{Q}",
    rf"^\s*s?ntp authentication {M}\bkey-value{W}{Q}",
    rf"^\s*key-chain {M}\bkey-string{W}{Q}",
    rf"^\s*(?:ip ospf|ip rip|area \S+ virtual-link \S+|vrrp) {M}\bauthentication-key{W}{Q}",
    rf"^\s*autorun encryption-key{W}{Q}",
    rf"^\s*aaa port-access {M}\bpassword{W}{Q}",
)

OS = DeviceOs(
    platform=Platform.ARUBA_AOSS,
    vendor="HPE Aruba",
    driver="hp_procurve",
    prompt=r"{name}(?:\([^)\r\n]*\))?[>#]\s*$",
    allowed=("show",),
    prepare=("no page",),
    answers=((r"Press any key to continue", " "),),
    rights=Rights("enable", asks_user=r"[Uu]sername:"),
    denied=(re.compile(r"^\s*(?:Not authorized to run this command|Authorization failed|Access denied).*$", re.M | re.I),),
    unknown=(re.compile(r"^\s*(?:Invalid input:|Ambiguous input:|Incomplete input:|Module not present for port).*$", re.M),),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^; \S+ Configuration Editor; Created on release #", re.M),
        re.compile(NAME, re.M),
        re.compile(r"^vlan 1\s*$", re.M),
    ),
    name_line=re.compile(NAME, re.M),
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=(re.compile(r"^(?:Running|Startup) configuration:"), re.compile(r"^; Ver #")),
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
