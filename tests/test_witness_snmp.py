"""An agent that answers late costs the fact that waited, not the next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from collectors.errors import Unreachable
from collectors.transports.base import Value
from collectors.transports.snmp_witness import SnmpWitness

COLUMN = "1.3.6.1.2.1.2.2.1.8"


class Late:
    """The first walk takes longer than anybody waits."""

    def __init__(self) -> None:
        self.asked = 0

    async def walk(self, *columns: str, expect: int = 8) -> Mapping[str, Mapping[str, Value]]:
        self.asked += 1
        await asyncio.sleep(60 if self.asked == 1 else 0)
        return {column: {"1": 1} for column in columns}


def test_a_column_cut_off_by_time_is_asked_again_for_the_next_fact() -> None:
    async def story() -> None:
        agent = Late()
        witness = SnmpWitness(agent)  # type: ignore[arg-type]
        witness.allow(0.05)
        with pytest.raises(Unreachable, match=r"more than 0\.05 s"):
            await witness.walk(COLUMN)
        assert [(source.what, source.sha256) for source in witness.testimony()] == [(COLUMN, None)]
        witness.allow(30)
        assert await witness.walk(COLUMN) == {COLUMN: {"1": 1}}
        assert await witness.walk(COLUMN) == {COLUMN: {"1": 1}}
        assert agent.asked == 2

    asyncio.run(story())
