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
    r"^\s*(?:Global password|Password|Repeat password) [a-z ]+(?::|$)",
    r"^\s*Early notice on password expiration\s*:",
    r"^\s*Minimum password update interval\s*:",
    r"^\s*key-chain \"?\S+\"?$",
)
Q = r"(?P<secret>\"[^\"\n]*\"|[^\s\"]\S*)"
SECRETS = (
    rf"^\s*password (?:manager|operator|port-access|all)(?: user-name (?:\"[^\"\n]*\"|\S+))? (?:plaintext |sha1 |sha256 ){Q}",
    rf"^\s*snmp-server community {Q}",
    rf"^\s*snmp-server host \S+ (?:community )?{Q}",
    rf"^\s*snmpv3 user .*?\bauth (?:md5 |sha )?{Q}",
    rf"^\s*snmpv3 user .*?\bpriv (?:des |aes )?{Q}",
    rf"^\s*snmpv3 community index .*?\bname {Q}",
    rf"^\s*(?:radius-server|tacacs-server)\b.*?\b(?:encrypted-)?key {Q}",
    rf"^\s*s?ntp authentication .*?\bkey-value {Q}",
    rf"^\s*key-chain .*?\bkey-string {Q}",
    rf"^\s*(?:ip ospf|ip rip|area \S+ virtual-link \S+|vrrp) .*?\bauthentication-key {Q}",
    rf"^\s*autorun encryption-key {Q}",
    rf"^\s*aaa port-access .*?\bpassword {Q}",
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
