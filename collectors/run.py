"""collect(target, shell) -> Snapshot. The one place that catches everything a collector may raise."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from collectors import VERSION
from collectors.catalog import questions
from collectors.errors import CollectError
from collectors.facts import FACTS
from collectors.facts.base import Fact
from collectors.facts.identity import Identity, linux
from collectors.model import Platform, Record, Snapshot, Target, digest_of, new_id, utcnow
from collectors.redact import redact
from collectors.transports.base import Shell
from collectors.transports.witness import Witness

log = logging.getLogger(__name__)

Progress = Callable[[str], None]


def collect(target: Target, shell: Shell, only: Iterable[str] | None = None, progress: Progress | None = None) -> Snapshot:
    """Ask the target every question its platform can be asked, one after another.

    Never raises for what the target does: each question ends as a Record of its own. `only` names facts to ask;
    `progress` is told each fact's name before it is asked.
    """
    started, clock = utcnow(), time.monotonic()
    witness = Witness(shell)
    identity = _ask("identity", linux, witness)
    platform = target.platform or _platform(identity)
    wanted = None if only is None else set(only)
    records = [identity]
    for fact, function in questions(platform):
        if fact == "identity" or (wanted is not None and fact not in wanted):
            continue
        if progress:
            progress(fact)
        records.append(_ask(fact, function, witness))
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


def unreachable(target: Target, error: CollectError) -> Snapshot:
    """The snapshot of a target that never answered: every question is recorded, none as answered."""
    records = tuple(
        Record(fact=name, version=cls.VERSION, outcome=error.outcome, reason=redact(str(error)))  # type: ignore[arg-type]
        for name, cls in FACTS.items()
    )
    return Snapshot(
        id=new_id(), target=target, collected_at=utcnow(), seconds=0.0, collector=VERSION, privileged=False,
        records=records, digest=digest_of(records),
    )


def _ask(name: str, function: Callable[[Shell], Fact], witness: Witness) -> Record:
    version = FACTS[name].VERSION
    try:
        fact = function(witness)
    except CollectError as error:
        outcome, reason = error.outcome, str(error)
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
