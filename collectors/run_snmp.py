"""Asking SNMP agents: collect one, and the loop on which a sweep asks all of them at once."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path

from collectors import VERSION
from collectors.errors import CollectError
from collectors.facts import FACTS
from collectors.facts.base import Fact, Outcome
from collectors.inventory import Inventory
from collectors.model import Kind, Platform, Record, Snapshot, Target, digest_of, new_id, utcnow
from collectors.redact import redact
from collectors.snmp import QUESTIONS, Question
from collectors.snmp.device import device
from collectors.snmp_credential import Keys, weak_communities
from collectors.transports.base import Snmp
from collectors.transports.replay import load
from collectors.transports.snmp import Engines
from collectors.transports.snmp_replay import ReplaySnmp
from collectors.transports.snmp_witness import SnmpWitness
from collectors.unanswered import unreachable, without_answers

log = logging.getLogger(__name__)

FACT_LIMIT = 60.0
"""Seconds the questions of one fact may take together."""

AGENTS = 100
"""Agents asked at the same time: each is one task and a few kilobytes."""

SIGNED = 24
"""Of these, agents asked with v3: a signed message costs some milliseconds, and an answer that waits for them counts as none."""


async def collect(
    target: Target, agent: Snmp, only: Iterable[str] | None = None, progress: Callable[[str], None] | None = None
) -> Snapshot:
    """Ask an agent everything SNMP can tell. Never raises for what it does.

    An agent that does not answer the first question is not asked the others: each would wait as long.
    """
    started, clock = utcnow(), time.monotonic()
    witness = SnmpWitness(agent)
    identity = await _ask("identity", QUESTIONS["identity"], witness)
    if identity.outcome in ("unreachable", "denied"):
        return without_answers(target, tuple(_copied(identity, fact) for fact in QUESTIONS))
    records = [identity]
    wanted = None if only is None else set(only)
    for fact, question in QUESTIONS.items():
        if fact == "identity" or (wanted is not None and fact not in wanted):
            continue
        if progress:
            progress(fact)
        records.append(await _ask(fact, question, witness))
    return Snapshot(
        id=new_id(),
        target=await _named(target, witness),
        collected_at=started,
        seconds=round(time.monotonic() - clock, 3),
        collector=VERSION,
        privileged=False,
        records=tuple(records),
        digest=digest_of(tuple(records)),
    )


def look(target: Target, inventory: Inventory, only: Iterable[str] | None = None) -> Snapshot:
    """One agent, on a loop of its own."""
    loop = SnmpLoop(inventory)
    try:
        return loop.submit(target, only).result()
    finally:
        loop.close()


class SnmpLoop:
    """One event loop in one thread, for every agent of a sweep. Secrets are read once, when the first agent needs them."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._keys: dict[str, Keys] = {}
        self._weak: tuple[bytes, ...] | None = None
        self._engines = Engines()
        self._signed = asyncio.Semaphore(SIGNED)
        self._loop = asyncio.new_event_loop()
        # the loop's own words about a failed callback quote the packet, and with it the community
        self._loop.set_exception_handler(lambda _, said: log.error("SNMP: %s", type(said.get("exception")).__name__))
        self._thread = threading.Thread(target=self._loop.run_forever, name="snmp", daemon=True)
        self._thread.start()

    def submit(self, target: Target, only: Iterable[str] | None = None) -> Future[Snapshot]:
        """Begin with a target now."""
        return asyncio.run_coroutine_threadsafe(self._look(target, only), self._loop)

    def close(self) -> None:
        """Whatever is still being asked is given up."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _look(self, target: Target, only: Iterable[str] | None) -> Snapshot:
        try:
            keys, weak = self._secrets(target)
            async with self._signed if keys.user else nullcontext():
                with await self._engines.agent(target, keys, weak) as agent:
                    return await collect(target, agent, only)
        except CollectError as error:
            return unreachable(target, error, tuple(QUESTIONS))
        except Exception as error:
            log.exception("%s: bug on the way to the target", target.name)
            return unreachable(target, error, tuple(QUESTIONS))

    def _secrets(self, target: Target) -> tuple[Keys, tuple[bytes, ...]]:
        name = target.credential or ""
        if name not in self._keys:
            self._keys[name] = self._inventory.snmp_credential_of(target).keys()
        if self._weak is None:
            probes = self._inventory.probe_communities
            self._weak = weak_communities(str(probes)) if probes else ()
        return self._keys[name], self._weak

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._engines.close()
        # sockets are closed by callbacks that the loop must still run
        await asyncio.sleep(0)


async def _ask(name: str, question: Question, witness: SnmpWitness) -> Record:
    version = FACTS[name].VERSION
    witness.allow(FACT_LIMIT)
    outcome: Outcome
    try:
        fact: Fact = await question(witness)
    except CollectError as error:
        outcome, reason = error.outcome, str(error)
    except Exception as error:  # a collector's bug must not cost the other facts
        log.exception("%s: bug while collecting", name)
        outcome, reason = "bug", f"{type(error).__name__}: {error}"
    else:
        return Record(fact=name, version=version, outcome="seen", data=fact.model_dump(mode="json"), sources=witness.testimony())
    return Record(fact=name, version=version, outcome=outcome, reason=redact(reason), sources=witness.testimony())


async def _named(target: Target, witness: SnmpWitness) -> Target:
    """The target with the platform and, where the targets file left it open, the kind that its agent tells."""
    try:
        seen = await device(witness)
    except CollectError:
        return target if target.platform else target.model_copy(update={"platform": Platform.DEVICE})
    entry = seen.entry
    kind = entry.kind_of(seen.descr) if entry and target.kind is Kind.OTHER else None
    platform = target.platform or (entry.platform if entry else Platform.DEVICE)
    return target.model_copy(update={"platform": platform, "kind": kind or target.kind})


def _copied(identity: Record, fact: str) -> Record:
    return identity.model_copy(
        update={"fact": fact, "version": FACTS[fact].VERSION, "sources": identity.sources if fact == "identity" else ()}
    )


def replayed(target: Target, only: Iterable[str] | None = None) -> Snapshot | None:
    """The snapshot of a recorded agent; None where the transcript is of something else."""
    path = Path(target.address or target.name)
    agent = load(path / "transcript.yaml" if path.is_dir() else path)
    return asyncio.run(collect(target, agent, only)) if isinstance(agent, ReplaySnmp) else None
