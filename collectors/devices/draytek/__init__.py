"""DrayTek Vigor routers with DrayOS 3 and 4: what their command line documents, which is little."""

from __future__ import annotations

import re

from collectors.devices.base import DeviceOs
from collectors.devices.draytek import system
from collectors.model import Platform

OS = DeviceOs(
    platform=Platform.DRAYTEK,
    vendor="DrayTek",
    driver="generic",
    prompt=r"{name}> ?",
    # never `sys adminuser view`: it prints passwords
    allowed=("sys version", "ip arp status"),
    denied=(re.compile(r"^.*(?:permission denied|not (?:allowed|permitted)|no privilege).*$", re.M | re.I),),
    unknown=(re.compile(r"^\s*% ?(?:command error|usage|unknown|invalid|incomplete|no such)\b.*$", re.M | re.I),),
    configuration=(),
    whole=(),
    name_line=None,
    # a station may call itself anything in the ARP table
    secrets=(
        re.compile(r"(?i)(?:key|psk|passw(?:or)?d|secret)[:=] *(?P<secret>\S+)", re.M),
        re.compile(r"(?i)m[aậ]t[ _-]?kh[aẩ]u[ \t:=]+(?P<secret>\S+)", re.M),
    ),
    questions={
        "identity": system.identity,
        "firmware": system.firmware,
        "neighbours": system.neighbours,
    },
    elsewhere="DrayOS documents no command that tells this, and keeps no configuration as a text; write via: snmp for what SNMP tells",
)
