"""SNMP agents: what the tables of standard and makers' MIBs say, and how that becomes facts. One file per question.

Every function takes an Snmp and sends nothing but GET and GETBULK. What an agent does not show is not seen, never empty: it
hides what an account may not see in the same way as what is not there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from collectors.facts.base import Fact
from collectors.snmp import firmware, identity, interfaces, neighbours, power, service
from collectors.transports.base import Snmp

Question = Callable[[Snmp], Awaitable[Fact]]

QUESTIONS: dict[str, Question] = {
    "identity": identity.snmp,
    "firmware": firmware.snmp,
    "snmp_service": service.snmp,
    "interfaces": interfaces.snmp,
    "redundancy": power.snmp,
    "neighbours": neighbours.snmp,
}
"""Facts an agent can be asked, in the order they are asked."""
