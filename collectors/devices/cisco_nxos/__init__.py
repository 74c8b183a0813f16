"""Cisco NX-OS (Nexus switches under their own command line, one VDC at a time; MDS with them)."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.cisco_nxos import access, accounts, logs, network, ports, routing, services, snmp, system
from collectors.devices.cisco_nxos.text import CONFIGURATION
from collectors.model import Platform

HARMLESS = (
    r"^\s*no ",
    r"^(?:aaa |ssh |password (?:strength|secure|prompt)|userpassphrase |feature password encryption|login |system login )",
    r"^\s*key chain \S+$",
    r"^\s*key \d+$",
    r"^\s*(?:send|accept)-lifetime ",
    r"^ntp (?:server|peer|trusted-key|authenticate$)",
    r"^\s*(?:crypto (?:ca|key)|rsakeypair|enrollment) ",
    r"^snmp-server (?:enable|context|location|contact|globalEnforcePriv|protocol|source-interface|aaa-user|tcp-session) ?",
    r"^snmp-server user \S+ (?:use-ipv[46]acl|enforcePriv)\b",
    r"^\s*(?:ip|ipv6) (?:community-list|extcommunity-list|large-community-list) ",
    r"^\s*(?:set|match) (?:\S*community|comm-list) ",
    r"^\s*send-community",
    r"^\s*(?:ip ospf |ip rip |isis )?authentication(?:-type)? (?:message-digest|null|mode md5|md5|md5 key-chain \S+|key-chain \S+)(?: level-[12])?$",
    r"^\s*ip (?:ospf |rip )?authentication (?:mode|key-chain) (?:eigrp \d+ )?\S+$",
    r"^\s*isis authentication(?:-type| key-chain| -check)? \S+(?: level-[12])?$",
    r"^username \S+ password \d !(?: |$)",
    r"^username \S+ passphrase +(?:lifetime|warntime|gracetime) ",
    r"^User +Auth +Priv",
)
S = r"(?P<secret>\S+)"
Q = r"(?P<secret>\"[^\"\n]*\"|\S+)"
KIND = r"(?:[03567] )?"
SECRETS = (
    rf"^username \S+ password (?:\d (?!!(?:\s|$))|(?!\d ))(?:\$\d\$)?{S}",
    rf"^enable secret (?:\d )?(?:\$\d\$)?{S}",
    rf"^(?:tacacs|radius|ldap)-server .*?\bkey {KIND}{Q}",
    rf"^(?:tacacs|radius|ldap)-server .*?\bpassword (?:[067] )?{Q}",
    rf"^snmp-server community {Q}",
    rf"^snmp-server host \S+ .*?\bversion (?:1|2c|3 (?:auth|noauth|priv)) {S}",
    rf"^snmp-server host \S+ (?:traps |informs )?(?!traps |informs |version |use-vrf |filter-vrf |source-interface |udp-port ){S}",
    rf"^snmp-server user .*?\bauth \S+ {S}",
    rf"^snmp-server user .*?\bpriv (?:aes-\d+ |des )?{S}",
    rf"^snmp-server mib community-map {S}",
    rf"^rmon event \d+ (?:log )?trap {S}",
    rf"^ntp authentication-key \d+ \S+ {S}",
    rf"^\s*key-(?:octet-)?string {KIND}{S}",
    rf"^\s*(?:ip ospf )?(?:authentication-key|message-digest-key \d+ md5) {KIND}{S}",
    rf"^\s*(?:ospfv3 |area \S+ )?(?:authentication|encryption) ipsec spi \d+ .*?(?:md5|sha1) {KIND}{S}",
    rf"^\s*(?:ospfv3 |area \S+ )?encryption ipsec spi \d+ esp \S+(?: \d+)? {KIND}{S}",
    rf"^\s*password {KIND}(?!strength-check|secure-mode|prompt){S}\s*$",
    rf"^\s*(?:neighbor|ip msdp password|mpls ldp neighbor) \S+ (?:password )?{KIND}(?!remote-as|targeted|implicit|label|route-map|\d){S}$",
    rf"^\s*authentication text {S}",
    rf"^\s*authentication md5 key-string {KIND}{S}",
    rf"^\s*authentication (?!text |md5 |mode |key-chain |key-id |ipsec |order |event |message-digest|null|open|host-mode){S}\s*$",
    rf"^\s*(?:vtp password|cts sap pmk|fcsp dhchap password|fcsp dhchap devicename \S+ password|cts device-id \S+ password) {KIND}{S}",
    rf"^\s*(?:scheduler aaa-authentication|ip ftp|ip tftp|http proxy) .*?\bpassword {KIND}{S}",
    rf"^\s*(?:pre-shared-key|shared-secret|passphrase) {KIND}{Q}",
    r"://[^:\s/@]+:(?P<secret>[^@\s]+)@",
    r"(?<![\w])(?P<secret>0x[0-9a-fA-F]{16,})",  # a line that was wrapped begins with one
)

OS = DeviceOs(
    platform=Platform.CISCO_NXOS,
    vendor="Cisco",
    driver="cisco_nxos",
    prompt=r"{name}(?:\([^)\r\n]*\))?[>#]\s*$",
    allowed=("show",),
    prepare=("terminal length 0", "terminal width 511"),
    denied=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^% ?(?:Permission denied|Authorization failed|This command is not authorized|Access denied).*$",
            r"^(?:Error: )?AAA Command authorization failed.*$",
        )
    ),
    unknown=tuple(
        re.compile(pattern, re.M)
        for pattern in (
            r"^(?:% ?)?(?:Invalid (?:command|parameter|number|interface format|host)|Incomplete command|Ambiguous command).*$",
            r"^(?:% ?)?Invalid [\w ()]+ at '\^' marker.*$",
            r"^Syntax error while parsing.*$",
            r"^(?:ERROR: )?(?:\S+ )?(?:[Ff]eature|[Ss]ervice) .*?not (?:enabled|running).*$",
        )
    ),
    configuration=CONFIGURATION,
    # nothing stands at the end of every NX-OS configuration; these stand in all, the last two behind most of it
    whole=(
        re.compile(r"^version \d", re.M),
        re.compile(r"^line console$", re.M),
        re.compile(r"^line vty$", re.M),
    ),
    name_line=None,  # the prompt of a VDC holds the chassis' name too: text.own looks at it
    secrets=tuple(re.compile(pattern, re.M) for pattern in SECRETS),
    harmless=tuple(re.compile(pattern) for pattern in HARMLESS),
    volatile=tuple(
        re.compile(pattern)
        for pattern in (
            r"^!(?:Command|Time|Running configuration last done at|Startup config saved at|No configuration change since)",
            r"^!\s*$",
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
        "clock": logs.clock,
        "snmp_service": snmp.snmp_service,
        "filtering": network.filtering,
        "interfaces": ports.interfaces,
        "redundancy": routing.redundancy,
        "device_services": services.device_services,
        "neighbours": ports.neighbours,
    },
)
