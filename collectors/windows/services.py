"""Services as the service control manager lists them. Names, states and start modes are the same in every language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from collectors.errors import Unparsable
from collectors.windows.document import Document

_STATES = frozenset(
    {"Running", "Stopped", "Start Pending", "Stop Pending", "Continue Pending", "Pause Pending", "Paused", "Unknown"}
)
_PER_USER: Final = re.compile(r"(.+)_[0-9a-f]{4,8}")
"""Services of a log-on session (WpnUserService_3f2a1) get a new number each time: their name without it is the lasting fact."""
_MODES = frozenset({"Auto", "Manual", "Disabled", "Boot", "System", "Unknown"})


class WindowsService(NamedTuple):
    """One service."""

    name: str
    running: bool
    mode: str
    """Auto, Manual, Disabled."""

    @property
    def at_boot(self) -> bool:
        return self.mode in ("Auto", "Boot", "System")


def services(answers: Document) -> dict[str, WindowsService]:
    """Lower-case name -> service. Raises Unparsable when the list cannot be all of them: every Windows has an event log."""
    found = {}
    for row in answers.section("services").rows():
        name, state, mode = row.text("Name"), row.text("State"), row.text("StartMode")
        if name is None or state not in _STATES or (mode is not None and mode not in _MODES):
            raise Unparsable(f"services: {str(name)[:60]!r} has state {str(state)[:20]!r} and start mode {str(mode)[:20]!r}")
        found[name.lower()] = WindowsService(name, state in ("Running", "Start Pending", "Paused"), mode or "Unknown")
    if "eventlog" not in found or "rpcss" not in found:
        raise Unparsable("services: EventLog or RpcSs, which every Windows has, is not listed: the list is not whole")
    return found


def lasting(name: str, known: Mapping[str, WindowsService]) -> str:
    """The name without the number of a log-on session."""
    whole = _PER_USER.fullmatch(name)
    return whole[1] if whole and whole[1].lower() in known else name


def matching(known: dict[str, WindowsService], patterns: tuple[str, ...]) -> tuple[WindowsService, ...]:
    """Those that have one of the names; * at the end of a name matches any rest."""
    return tuple(
        service
        for name, service in sorted(known.items())
        if any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in patterns)
    )
