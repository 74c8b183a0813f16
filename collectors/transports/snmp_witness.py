"""An Snmp that notes what it was asked, asks each thing once, and keeps to the time of the fact that asks."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from collectors.errors import CollectError
from collectors.model import Source, utcnow
from collectors.transports.base import Security, Snmp, Value
from collectors.transports.testimony import Testimony

T = TypeVar("T")


class SnmpWitness(Testimony):
    """Wraps an Snmp. `testimony()` hands over the sources noted since it was last called, one per OID or column.

    A column that was read for one fact is not read again for the next; an answer that did not come is remembered too.
    """

    def __init__(self, agent: Snmp) -> None:
        super().__init__()
        self._agent = agent
        self._scalars: dict[str, tuple[Value | None, Source]] = {}
        self._columns: dict[str, tuple[Mapping[str, Value] | CollectError, Source]] = {}
        self._tries: dict[str, bool | None] = {}

    @property
    def security(self) -> Security:
        return self._agent.security

    @property
    def at(self) -> datetime:
        return self._agent.at

    async def get(self, *oids: str) -> Mapping[str, Value]:
        new = [oid for oid in oids if oid not in self._scalars]
        if new:
            try:
                answer = await self._within(self._agent.get(*new))
            except CollectError:
                for oid in new:
                    self._note(_source(oid, None))
                raise
            for oid in new:
                value = answer.get(oid)
                self._scalars[oid] = (value, _source(oid, None if value is None else repr(value)))
        found = {}
        for oid in oids:
            value, source = self._scalars[oid]
            self._note(source)
            if value is not None:
                found[oid] = value
        return found

    async def walk(self, *columns: str, expect: int = 8) -> Mapping[str, Mapping[str, Value]]:
        new = [column for column in columns if column not in self._columns]
        if new:
            try:
                answer = await self._within(self._agent.walk(*new, expect=expect))
            except CollectError as error:
                if self._late:
                    # a fact that had little time left must not speak for the next one, which has all of its own
                    self._note(*(_source(column, None) for column in new))
                    raise
                self._columns.update((column, (error.with_traceback(None), _source(column, None))) for column in new)
            else:
                for column in new:
                    rows = answer.get(column, {})
                    self._columns[column] = (rows, _source(column, repr(tuple(rows.items())) if rows else None))
        found = {}
        for column in columns:
            kept, source = self._columns[column]
            self._note(source)
            if isinstance(kept, CollectError):
                raise kept.with_traceback(None)
            found[column] = kept
        return found

    async def answers_without_keys(self) -> bool | None:
        return await self._tried("an unsigned question", self._agent.answers_without_keys)

    async def weak_answered(self) -> bool | None:
        return await self._tried("each community of the administrator's list, once", self._agent.weak_answered)

    async def _tried(self, what: str, ask: Callable[[], Awaitable[bool | None]]) -> bool | None:
        if what not in self._tries:
            self._tries[what] = await self._within(ask())
        said = self._tries[what]
        if said is not None:
            self._note(Source(kind="call", what=what, at=utcnow()))
        return said

    @property
    def _late(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    async def _within(self, answer: Awaitable[T]) -> T:
        if self._until is None:
            return await answer
        try:
            async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                return await answer
        except TimeoutError:
            raise self._spent() from None


def _source(oid: str, body: str | None) -> Source:
    sha256 = None if body is None else hashlib.sha256(body.encode()).hexdigest()
    return Source(kind="oid", what=oid, sha256=sha256, at=utcnow())
