"""collect(target, shell) -> Snapshot, and sweep(...) for many. The one place that catches everything a collector may raise."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors import VERSION
from collectors.catalog import DEVICE_FACTS, DEVICES, LINUX, device_os, questions
from collectors.errors import CollectError, Unsupported
from collectors.facts import FACTS
from collectors.facts.base import Fact, Outcome
from collectors.facts.identity import Identity
from collectors.model import Platform, Record, Snapshot, Target, digest_of, new_id, utcnow
from collectors.redact import redact
from collectors.transports.base import DeviceCli, Shell
from collectors.transports.local import LocalShell, RootShell
from collectors.transports.witness import Witness
from collectors.unanswered import NETWORK, unreachable

if TYPE_CHECKING:
    from collectors.devices.witness import DeviceWitness
    from collectors.inventory import Inventory

log = logging.getLogger(__name__)

Progress = Callable[[str], None]

FACT_LIMIT = 120.0
"""Seconds the questions of one fact may take together, whatever each of them is allowed."""

PARALLEL = 16
"""Targets asked at the same time. Each costs a thread that waits, and about 1 MB."""


def collect(
    target: Target, shell: Shell | DeviceCli, only: Iterable[str] | None = None, progress: Progress | None = None
) -> Snapshot:
    """Ask the target every question its platform can be asked, one after another.

    Never raises for what the target does: each question ends as a Record of its own. `only` names facts to ask;
    `progress` is told each fact's name before it is asked.
    """
    started, clock = utcnow(), time.monotonic()
    wanted = None if only is None else {"identity", *only}
    records = []
    if isinstance(shell, DeviceCli):
        platform = Platform(shell.platform)
        ask, asked = _device(shell, platform), questions(platform)
    else:
        ask, platform, identity = _host(target, shell)
        records.append(identity)
        asked = ((fact, function) for fact, function in questions(platform) if fact != "identity")
    for fact, function in asked:
        if wanted is not None and fact not in wanted:
            continue
        if progress:
            progress(fact)
        records.append(ask(fact, function))
    if isinstance(shell, DeviceCli) and (elsewhere := device_os(platform).elsewhere):
        missing = [fact for fact in DEVICE_FACTS if fact not in device_os(platform).questions]
        records += [
            Record(fact=fact, outcome="unsupported", reason=elsewhere) for fact in missing if wanted is None or fact in wanted
        ]
    return Snapshot(
        id=new_id(),
        target=target if target.platform else target.model_copy(update={"platform": platform}),
        collected_at=started,
        seconds=round(time.monotonic() - clock, 3),
        collector=VERSION,
        privileged=shell.privileged,
        records=tuple(records),
        digest=digest_of(tuple(records)),
    )


Ask = Callable[[str, Callable[[Any], Fact]], Record]


def _host(target: Target, shell: Shell) -> tuple[Ask, Platform, Record]:
    """How to ask a host, what it is, and the record of the question that told."""
    witness = Witness(shell)
    windows = target.platform is Platform.WINDOWS or shell.system == "windows"
    who_are_you = dict(questions(Platform.WINDOWS if windows else Platform.LINUX))["identity"]
    identity = _ask("identity", who_are_you, witness)
    platform = target.platform or (Platform.WINDOWS if windows else _platform(identity))
    return lambda fact, function: _ask(fact, function, witness), platform, identity


def _device(cli: DeviceCli, platform: Platform) -> Ask:
    """How to ask a network device: facts and reasons pass its own list of secrets on their way out."""
    from collectors.devices.base import complete
    from collectors.devices.redaction import clean, clean_data
    from collectors.devices.releases import placed
    from collectors.devices.witness import DeviceWitness

    os = device_os(platform)
    witness = DeviceWitness(cli, os)

    def ask(fact: str, function: Callable[[Any], Fact]) -> Record:
        record = _ask(fact, lambda cli: complete(os, placed(platform, function(cli))), witness)
        return record.model_copy(update={"data": clean_data(os, record.data), "reason": clean(os, record.reason)})

    return ask


def sweep(
    inventory: Inventory,
    targets: Iterable[Target] | None = None,
    parallel: int = PARALLEL,
    on_done: Callable[[Snapshot], None] | None = None,
    only: Iterable[str] | None = None,
) -> Iterator[Snapshot]:
    """A Snapshot of every target (of the whole inventory when None), each as soon as it is finished, in no set order.

    What one target does never costs another: who cannot be reached, or trips over a bug, gets a snapshot that says so.
    `on_done` is called in the caller's thread. A caller who stops early ends the sweep: no further target is begun.
    """
    facts = None if only is None else tuple(only)
    from collectors.log_ons import LogOns

    if inventory.log_ons is None:
        inventory = inventory._replace(log_ons=LogOns())
    every = tuple(inventory.targets if targets is None else targets)
    waiting = iter([target for target in every if target.via != "snmp"])
    # agents need no thread each: all of them share one event loop
    agents = [target for target in every if target.via == "snmp"]
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait  # only a sweep needs threads

    pool = ThreadPoolExecutor(max_workers=max(1, parallel), thread_name_prefix="sweep")
    running: set[Future[Snapshot]] = set()
    asked: set[Future[Snapshot]] = set()
    loop = None
    try:
        if agents:
            from collectors.run_snmp import AGENTS, SnmpLoop

            loop = SnmpLoop(inventory)
        to_ask = iter(agents)
        while True:
            running.update(
                pool.submit(look, target, inventory, facts) for target in islice(waiting, max(1, parallel) - len(running))
            )
            if loop is not None:
                asked.update(loop.submit(target, facts) for target in islice(to_ask, AGENTS - len(asked)))
            if not running and not asked:
                return
            done, _ = wait(running | asked, return_when=FIRST_COMPLETED)
            running, asked = running - done, asked - done
            for future in done:
                snapshot = future.result()
                if on_done:
                    on_done(snapshot)
                yield snapshot
    finally:
        if loop is not None:
            loop.close()
        pool.shutdown(wait=True, cancel_futures=True)


def look(target: Target, inventory: Inventory | None = None, only: Iterable[str] | None = None) -> Snapshot:
    """Reach one target and collect. Never raises for what the target does, nor for a bug of ours on the way to it."""
    try:
        if target.via == "snmp":
            if inventory is None:
                raise Unsupported(f"{target.name}: to ask an SNMP agent a targets file with credentials is needed")
            from collectors.run_snmp import look as look_snmp

            return look_snmp(target, inventory, only)
        if target.via == "replay":
            from collectors.run_snmp import replayed

            if snapshot := replayed(target, only):
                return snapshot
        with open_shell(target, inventory) as shell:
            if inventory is not None and inventory.full_text is not None and isinstance(shell, DeviceCli):
                from collectors.devices.full_text import FullText

                full = FullText(shell, device_os(Platform(shell.platform)))
                snapshot = collect(target, full, only)
                full.hand_over(snapshot, inventory.full_text)
                return snapshot
            return collect(target, shell, only)
    except CollectError as error:
        return unreachable(target, error)
    except Exception as error:
        log.exception("%s: bug on the way to the target", target.name)
        return unreachable(target, error)


def open_shell(target: Target, inventory: Inventory | None = None) -> AbstractContextManager[Shell | DeviceCli]:
    """The way to a target as its `via` and its platform say. Raises CollectError when it cannot be reached."""
    if target.via == "local":
        if sys.platform == "win32":
            from collectors.transports.windows import LocalWindows

            return nullcontext(LocalWindows())
        return nullcontext(LocalShell())
    if target.via == "root":
        return nullcontext(RootShell(target.address or target.name))
    if target.via == "replay":
        from collectors.transports.replay import load
        from collectors.transports.snmp_replay import ReplaySnmp

        path = Path(target.address or target.name)
        shell = load(path / "transcript.yaml" if path.is_dir() else path)
        if isinstance(shell, ReplaySnmp):
            raise Unsupported(f"{target.name}: a recorded agent has no shell")
        return nullcontext(shell)
    if target.via == "nmap":
        raise Unsupported(f"{target.name}: is seen from outside alone; look again with rasoat discover")
    if inventory is None:
        raise Unsupported(f"{target.name}: to log on from afar a targets file with credentials is needed")
    if target.via == "winrm":
        from collectors.transports.winrm import WinRm

        with _counted(target, inventory):
            return WinRm.connect(target, inventory.credential_of(target))
    if target.platform is Platform.WINDOWS:
        from collectors.transports.windows import SshWindows

        with _counted(target, inventory):
            return SshWindows.connect(target, inventory.credential_of(target), inventory.known_hosts)
    if target.platform in DEVICES:
        from collectors.transports.device import DeviceSession

        return DeviceSession.connect(
            target,
            inventory.credential_of(target),
            inventory.known_hosts,
            device_os(target.platform),
            legacy=target.name in inventory.legacy_ssh,
            log_ons=inventory.log_ons,
        )
    if target.platform is None and target.kind in NETWORK:
        known = ", ".join(DEVICES)
        raise Unsupported(
            f"{target.name}: a {target.kind} is not asked without knowing its system; add platform: to the targets file, one of {known}"
        )
    if target.platform not in (None, *LINUX):
        raise Unsupported(f"{target.name}: {target.platform} is not read over SSH yet and was not logged on to; write via: snmp")
    from collectors.transports.ssh import SshShell

    with _counted(target, inventory):
        return SshShell.connect(target, inventory.credential_of(target), inventory.known_hosts)


def _counted(target: Target, inventory: Inventory) -> AbstractContextManager[None]:
    """Around a log-on to a host: a password that is wrong is not tried on. A key locks nobody out, so it is not counted."""
    credential = inventory.credential_of(target)
    if inventory.log_ons is None or credential.key_file or credential.agent:
        return nullcontext()
    from collectors.log_ons import port_of, sites_of

    return inventory.log_ons.one(target.address or target.name, port_of(target), credential.user, sites_of(target))


def _ask(name: str, function: Callable[[Any], Fact], witness: Witness | DeviceWitness) -> Record:
    version = FACTS[name].VERSION
    witness.allow(FACT_LIMIT)
    outcome: Outcome
    try:
        fact = function(witness)
    except CollectError as error:
        outcome, reason = error.outcome, str(error)
    except MemoryError:  # the agent's own limit: one fact that is too large must not cost the other facts
        outcome, reason = "bug", "it needs more memory than a run may take"
    except Exception as error:  # a collector's bug must not cost the other facts
        log.exception("%s: bug while collecting", name)
        outcome, reason = "bug", f"{type(error).__name__}: {error}"
    else:
        data = fact.model_dump(mode="json")
        return Record(fact=name, version=version, outcome="seen", data=data, sources=witness.testimony())
    return Record.model_validate(
        {"fact": name, "version": version, "outcome": outcome, "reason": redact(reason), "sources": witness.testimony()}
    )


def _platform(identity: Record) -> Platform:
    fact = identity.typed()
    return Platform(fact.os_family) if isinstance(fact, Identity) else Platform.LINUX
