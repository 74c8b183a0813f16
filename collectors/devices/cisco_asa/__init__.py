"""Cisco ASA, and the firewall engine (LINA) of Firepower Threat Defense, one security context at a time."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs, Rights
from collectors.devices.cisco_asa import access, accounts, filtering, interfaces, logs, redundancy, system
from collectors.devices.cisco_asa.text import CONFIGURATION
from collectors.model import Platform

HARMLESS = (
    r"^\s*no ",
    rf"^enable password {accounts.BLANK} encrypted$",
    r"^(?:password-policy |password encryption aes$|service password-recovery|aaa |ssh |ssl |crypto key )",
    r"^\s*(?:password-storage|password-management|passwd-check) ?",
    r"^key config-key password-encryption$",
    r"^Password Encryption: *(?:Enabled|Disabled)\s*$",
    r"^Master key hash: *(?:Not set|\(redacted\))",
    r"show password encryption",  # the command, in reasons
    r"^ntp (?:server|trusted-key) ",
    r"^\s*(?:crypto (?:ca|ikev1|ikev2|ipsec)|keypair|keysize|hash (?:md5|sha\d*)|integrity |prf |protocol esp )",
    r"^\s*authentication (?:pre-share|rsa-sig|crack|mode eigrp \d+ md5)\b",
    r"^\s*(?:[0-9a-f]{8} ){1,7}[0-9a-f]{2,8}\s*$",  # lines of a certificate, which everybody may read
    r"^snmp-server (?:enable|group|listen-port) ?",
    # the device's own stars, at most a few short words behind the word that would make them suspicious
    r"^\s*[^*]*\b(?:key|passwd|password|community|auth|md5|sha1|secret|publickey)(?: [a-z]{0,5}\d{0,5}){0,3} \*{5,8}(?: |$)",
    r"^\s*match community ",
    r"^\s*neighbor \S+ send-community",
    r"^username \S+ nopassword\b",
    r"^\s*(?:all|low|medium|high|fips|custom): +hmac-[a-z0-9 -]+$",
    r"^Cryptochecksum: ?[0-9a-f ]{32,35}$",  # of the whole text, not of a secret
)
S = r"(?P<secret>(?!\*{3,})\S+)"
SECRETS = (
    rf"^enable password (?!{accounts.BLANK} ){S}",
    rf"^passwd {S}",
    rf"^username \S+ password {S}",
    rf"^key config-key password-encryption(?: \d)? {S}",
    r"^Master key hash: *(?P<secret>0x[0-9a-fA-F][0-9a-fA-Fx ]*[0-9a-fA-F])",
    rf"^snmp-server community (?:[08] )?{S}",
    rf"^snmp-server (?:host|host-group) .*?\bcommunity (?:[08] )?{S}",
    rf"^snmp-server user .*?\bauth \S+ {S}",
    rf"^snmp-server user .*?\bpriv (?:aes \d+|\S+) {S}",
    rf"^\s*key (?:[08] )?{S}\s*$",
    rf"^aaa-server \S+ .*?host \S+ {S}(?: timeout \d+)?\s*$",
    rf"^\s*(?:ikev1 )?pre-shared-key (?:[08] )?{S}",
    rf"^\s*ikev2 (?:local|remote)-authentication pre-shared-key (?:[08] )?{S}",
    rf"^\s*ldap-login-password (?:[08] )?{S}",
    rf"^\s*(?:radius-common-pw|kerberos-password|common-password|sdi-pre-5-slave|sasl-password) {S}",
    rf"^failover key (?:hex )?(?:[08] )?{S}",
    rf"^failover ipsec pre-shared-key (?:[08] )?{S}",
    rf"^\s*key (?:hex )?(?:[08] )?{S}\s*$",
    rf"^ntp authentication-key \d+ \S+ (?:[08] )?{S}",
    rf"^\s*ospf (?:authentication-key|message-digest-key \d+ md5)(?: [08])? {S}",
    rf"^\s*area \S+ virtual-link .*?(?:authentication-key|message-digest-key \d+ md5)(?: [08])? {S}",
    rf"^\s*(?:ipv6 ospf|area \S+) (?:authentication|encryption) .*?\b(?:md5|sha1|\S*cbc\S*|3des|des)(?: [08])? {S}\s*$",
    rf"^\s*(?:ipv6 ospf|area \S+) encryption .*?\besp (?:aes-cbc \d+|3des|des)(?: [08])? {S} ",
    rf"^\s*neighbor \S+ password(?: \d)? {S}",
    rf"^\s*authentication key eigrp \d+ (?:[08] )?{S}",
    rf"^\s*rip authentication key {S}",
    rf"^\s*(?:isis (?:authentication key|password)|area-password|domain-password)(?: \d)? {S}",
    rf"^\s*(?:ppp username \S+ password|vpdn username \S+ password|vpnclient username \S+ password|vpnclient vpngroup \S+ password) {S}",
    rf"^vpdn username \S+ password {S}",
    rf"^vpnclient (?:username|vpngroup) \S+ password {S}",
    rf"^\s*(?:password|passphrase|sso-server-secret|policy-server-secret|default-user-pass) (?:[08] )?{S}\s*$",
    rf"^\s*(?:user-identity|aaa-server) .*?\b(?:domain|key|password) (?:\S+ )?password {S}",
    r"^\s*http\S*://[^:\s/]+:(?P<secret>[^@\s]+)@",
)

OS = DeviceOs(
    platform=Platform.CISCO_ASA,
    vendor="Cisco",
    driver="cisco_asa",
    prompt=r"{name}(?:\([^)\r\n]*\))?[>#]\s*$",
    bare_prompt="> ",  # Cisco Secure Firewall Threat Defense Command Reference, Using the Command Line Interface: "the prompt is >"
    allowed=("show",),
    prepare=("terminal pager 0",),
    rights=Rights("enable"),
    denied=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^(?:ERROR: )?(?:% ?)?(?:Command authorization failed|Authorization denied|Access denied|Not authorized).*$",
            r"^Fallback authorization\. Username .*? not in LOCAL database.*$",
            r"^ERROR: .*?insufficient privilege.*$",
        )
    ),
    unknown=tuple(
        re.compile(pattern, re.M | re.I)
        for pattern in (
            r"^ERROR: % (?:Invalid input detected|Incomplete command|Ambiguous command|Unrecognized command).*$",
            r"^ERROR: (?:This command is not (?:available|supported)|Command not (?:available|valid)).*$",
            r"^Syntax error: .*$",  # the command line of an FTD
            r"^Type help or '\?' for a list of available commands.*$",
        )
    ),
    configuration=CONFIGURATION,
    whole=(
        re.compile(r"^(?:ASA|NGFW|FTD) Version \d", re.M),
        re.compile(r"^Cryptochecksum:", re.M),
        re.compile(r"^: end\s*\Z", re.M),
    ),
    name_line=None,  # prompts hold the context and the unit too: text.own looks at the name
    secrets=tuple(re.compile(pattern, re.M | re.I) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=tuple(
        re.compile(pattern)
        for pattern in (
            r"^: (?:Saved|Serial Number|Hardware|Written by|end)",
            r"^:\s*$",
            r"^!\s*$",
            r"^Cryptochecksum:",
        )
    ),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "configuration": system.configuration,
        "device_access": access.device_access,
        "device_accounts": accounts.device_accounts,
        "password_policy": accounts.password_policy,
        "device_logs": logs.device_logs,
        "clock": system.clock,
        "snmp_service": logs.snmp_service,
        "filtering": filtering.filtering,
        "interfaces": interfaces.interfaces,
        "redundancy": redundancy.redundancy,
        "device_services": redundancy.device_services,
        "neighbours": interfaces.neighbours,
    },
)
