"""Does the Windows firewall filter what comes in, in whichever network the machine stands?"""

from __future__ import annotations

from typing import Final

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps, once
from collectors.facts.firewall import Action, Firewall
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.registry import SERVICES, Registry
from collectors.windows.services import services

_PROFILES: Final = frozenset({"domain", "private", "public"})
_ALLOW: Final = 2


def firewall(shell: Shell) -> Firewall:
    """All three profiles count: a laptop meets the public one tomorrow. What is in force (ActiveStore), not what one store says."""
    answers = document(shell)
    gaps = Gaps()
    profiles = once(lambda: _profiles(answers))
    runs = once(lambda: _runs(answers))
    inbound = gaps.attempt(("default_inbound", "default_inbound_ipv6"), lambda: _inbound(runs(), profiles()))
    gaps.note("default_forward", "unsupported", "what passes through a Windows machine is not the matter of these profiles")
    gaps.note("input_rules", "unsupported", "rules are not counted: Windows comes with hundreds")
    gaps.note("open_to_strangers", "unsupported", "the source addresses of the rules of Windows are not read yet")
    return Firewall(
        managers=gaps.attempt("managers", lambda: _managers(answers)),
        ufw_enabled=False,  # there is no ufw on Windows
        active=gaps.attempt("active", lambda: runs() and all(_on(profile) for profile in profiles())),
        default_inbound=inbound,
        default_inbound_ipv6=inbound,
        ipv6=gaps.attempt("ipv6", lambda: _ipv6(Registry(answers))),
        input_rules=None,
        refusals_logged=gaps.attempt("refusals_logged", lambda: runs() and _logged(profiles())),
        kernel_seen=inbound is not None,
        unseen=gaps.unseen,
    )


def _runs(answers: Document) -> bool:
    known = services(answers)
    return "mpssvc" in known and known["mpssvc"].running


def _profiles(answers: Document) -> tuple[Section, ...]:
    rows = answers.section("firewall").rows()
    if {(row.text("name") or "").lower() for row in rows} != _PROFILES or len(rows) != 3:
        raise Unparsable("firewall: not the three profiles Domain, Private and Public")
    return rows


def _on(profile: Section) -> bool:
    """In the active store nothing is left open: 2 (not configured) would be an answer about another store."""
    enabled = profile.number("enabled")
    if enabled not in (0, 1):
        raise Unparsable(f"firewall: Enabled is {enabled}, which is no state in force")
    return enabled == 1


def _inbound(runs: bool, profiles: tuple[Section, ...]) -> Action:
    """Blocked unless a profile is off or lets in by default. 0 is "not configured", and then Windows blocks."""
    actions = [profile.number("inbound") for profile in profiles]
    if any(action not in (0, _ALLOW, 4) for action in actions):
        raise Unparsable(f"firewall: DefaultInboundAction is {actions}")
    return "drop" if runs and all(_on(one) for one in profiles) and _ALLOW not in actions else "accept"


def _logged(profiles: tuple[Section, ...]) -> bool:
    """Dropped packets are written to pfirewall.log. In the active store "not configured" (2) is an answer about another store."""
    states = [profile.number("log_blocked") for profile in profiles]
    if any(state not in (0, 1) for state in states):
        raise Unsupported("what the profiles say of LogBlocked was not told")
    return 0 not in states


def _managers(answers: Document) -> tuple[str, ...]:
    """Windows' own, and those that registered with the Security Center (clients only)."""
    own = ("windows-firewall",) if "mpssvc" in services(answers) else ()
    try:
        section = answers.found("security_center_firewall")
    except CollectError:
        return own  # servers have none, and others' names change nothing in what Windows' own does
    names = () if section is None else tuple(row.text("displayName") or "" for row in section.rows())
    return own + tuple(sorted({name for name in names if name}))


def _ipv6(registry: Registry) -> bool:
    found = registry.dword(rf"{SERVICES}\Tcpip6\Parameters", "DisabledComponents")
    return found is None or found & 0xFF != 0xFF
