"""What relays keep for the centre: the centre's own receipts are asked for, and what they acknowledge is closed."""

from __future__ import annotations

from agent.centre import SealedCollector
from agent.custody import Custody
from agent.signed import signed_get
from agent.spool import Spool
from agent.upload import Collector, Delivery

RECEIPTS = "/api/v1/agents/me/receipts"
MOST = 50
"""How many are asked for in one question."""


def settle(collector: Collector, agent: str, key: bytes, custody: Custody, spool: Spool, result: Delivery) -> None:
    """Ask for the receipts of what relays keep, and close what the centre has acknowledged. Raises Offline."""
    if not isinstance(collector, SealedCollector):
        custody.forget(*custody.names())  # asked directly, and believed without a signature: it is sent there
        return
    entries = custody.open(spool)[:MOST]
    if not entries:
        return
    reply = signed_get(collector, agent, key, f"{RECEIPTS}?ids={','.join(entry.id for entry in entries)}")
    receipts, still = reply.document.get("receipts"), reply.document.get("waiting")
    if reply.status != 200 or not isinstance(receipts, dict):
        return  # nothing is known: they stay where they are, and are offered again in time
    for entry in entries:
        said = collector.receipt(entry.id, receipts[entry.id]) if entry.id in receipts else None
        if said is None:
            if not isinstance(still, list) or entry.id not in still:
                custody.forget(entry.id)
            continue
        custody.forget(entry.id)
        result.settle(spool, entry, said)
