"""Is there a second power supply? ENTITY-MIB lists them, ENTITY-STATE-MIB or Cisco's own tells whether they work."""

from __future__ import annotations

from collectors.errors import Unsupported
from collectors.facts.base import Gaps
from collectors.facts.redundancy import Redundancy
from collectors.snmp.device import CHASSIS, CLASS, POWER
from collectors.transports.base import Snmp

STATE = "1.3.6.1.2.1.131.1.1.1.3"
"""entStateOper: 3 is enabled."""
CISCO = "1.3.6.1.4.1.9.9.117.1.1.2.1.2"
"""cefcFRUPowerOperStatus: 2 is on, 9 on with the fan failed."""
ENABLED, ON = (3,), (2, 9)


async def snmp(agent: Snmp) -> Redundancy:
    """Raises Unsupported where the agent does not list power supplies, or lists those of several chassis together."""
    classes = (await agent.walk(CLASS, expect=8))[CLASS]
    supplies = [index for index, kind in classes.items() if kind == POWER]
    if not supplies:
        raise Unsupported("the agent lists no power supplies")
    if sum(kind == CHASSIS for kind in classes.values()) > 1:
        raise Unsupported("several chassis: which power supply feeds which is not told")
    states = await agent.walk(STATE, CISCO, expect=len(classes))
    working = [_works(states[STATE].get(index), states[CISCO].get(index)) for index in supplies]
    gaps = Gaps()
    gaps.note(
        ("cluster", "peer_up", "gateways", "routing"), "unsupported", "SNMP was not asked for these; ask over the command line"
    )
    second = _second(working)
    if second is None:
        gaps.note(
            "second_power", "unsupported", f"{len(working)} power supplies are listed; whether two of them work is not told"
        )
    return Redundancy(cluster=None, gateways=None, routing=None, second_power=second, unseen=gaps.unseen)


def _works(state: object, cisco: object) -> bool | None:
    if cisco is not None:
        return cisco in ON
    return None if state in (None, 1) else state in ENABLED


def _second(working: list[bool | None]) -> bool | None:
    if working.count(True) >= 2:
        return True
    return None if working.count(True) + working.count(None) >= 2 else False
