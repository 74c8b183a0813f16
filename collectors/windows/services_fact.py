"""What runs as a service on Windows, and what starts with it."""

from __future__ import annotations

from typing import Final

from collectors.facts.base import Gaps
from collectors.facts.services import Service, Services
from collectors.transports.base import Shell
from collectors.windows.document import document
from collectors.windows.services import lasting
from collectors.windows.services import services as listed

_LEGACY: Final = {
    "tlntsvr": ("telnet",), "ftpsvc": ("ftp",), "msftpsvc": ("ftp",), "simptcp": ("echo", "chargen"), "snmp": ("snmp-v1v2",),
    "wdsserver": ("tftp",),
}  # fmt: skip
"""The SNMP service of Windows knows community names only."""


def services(shell: Shell) -> Services:
    gaps = Gaps()
    known = listed(document(shell))
    gaps.note("failed", "unsupported", "Windows keeps no list of services that failed")
    rows: dict[str, Service] = {}
    for one in known.values():
        if not (one.running or one.at_boot):
            continue
        name = lasting(one.name, known)
        earlier = rows.get(name)
        rows[name] = Service(
            name=name,
            running=one.running or bool(earlier and earlier.running),
            at_boot=one.at_boot or bool(earlier and earlier.at_boot),
        )
    legacy = {
        tag for name, tags in _LEGACY.items() if name in known and (known[name].running or known[name].at_boot) for tag in tags
    }
    return Services(
        manager="scm",
        services=tuple(rows[name] for name in sorted(rows)),
        failed=None,
        legacy=tuple(sorted(legacy)),
        unseen=gaps.unseen,
    )
