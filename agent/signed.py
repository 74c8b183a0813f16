"""A question in this agent's name: signed for one address and one moment, so that nobody else can ask it and nobody can repeat it later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.upload import Collector, Reply

WORK = "/api/v1/agents/me/work"
MAX_SKEW = 300
"""Seconds of difference between two clocks that the collector bears."""


def signed_get(collector: Collector, agent: str, key: bytes, path: str, tag: str = "") -> Reply:
    """The answer; asked again by the collector's clock where ours is wrong: such a machine must be able to report it. Raises Offline."""
    reply = _ask(collector, agent, key, path, 0.0, tag)
    if reply.status == 401 and abs(reply.skew) > MAX_SKEW:
        reply = _ask(collector, agent, key, path, reply.skew, tag)
    return reply


def _ask(collector: Collector, agent: str, key: bytes, path: str, skew: float, tag: str) -> Reply:
    from collectors.seal import request_token

    full = collector.base + path
    headers = {"Authorization": request_token(agent, key, "GET", full, int(time.time() + skew))}
    return collector.ask("GET", path, headers=headers | ({"If-None-Match": tag} if tag else {}))
