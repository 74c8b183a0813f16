"""Who may ask the device over SNMP: only what this scan's own questions showed. Nothing is guessed and nothing is written."""

from __future__ import annotations

from collectors.facts.base import Gaps
from collectors.facts.snmp_service import SnmpService
from collectors.snmp.device import UPTIME, attempt
from collectors.transports.base import Snmp

_INSIDE = ("communities", "users", "trap_hosts", "anywhere")


async def snmp(agent: Snmp) -> SnmpService:
    """Seen from outside: `communities` and `users` are unseen, because those that answered us need not be all."""
    await agent.get(UPTIME)
    gaps = Gaps()
    gaps.note(_INSIDE, "unsupported", "an agent does not tell its own settings; ask over the command line")
    readable = agent.security == "v2c"
    weak = await attempt(gaps, "weak_answered", agent.weak_answered())
    if weak is None and "weak_answered" not in _noted(gaps):
        gaps.note("weak_answered", "unsupported", "no list of weak communities was given (probe_communities_file)")
    unsigned = await attempt(gaps, "answered_unsigned", agent.answers_without_keys())
    if unsigned is None and "answered_unsigned" not in _noted(gaps):
        gaps.note("answered_unsigned", "unsupported", "it was not asked with the keys of a v3 user")
    if not (readable or weak):
        # silence to one community says nothing of others
        gaps.note(
            "v1_v2c", "unsupported", "it was asked with version 3; whether a community we do not know is answered cannot be seen"
        )
    return SnmpService(
        enabled=True,
        v1_v2c=True if readable or weak else None,
        communities=None,
        users=None,
        answered=agent.security,
        answered_unsigned=unsigned,
        weak_answered=weak,
        unseen=gaps.unseen,
    )


def _noted(gaps: Gaps) -> set[str]:
    return {entry.field for entry in gaps.unseen}
