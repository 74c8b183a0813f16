"""What is recorded of a target that does not answer: every question it would have been asked, none of them as answered."""

from __future__ import annotations

from collections.abc import Iterable

from collectors import VERSION
from collectors.catalog import facts_of
from collectors.errors import CollectError
from collectors.facts import FACTS
from collectors.facts.base import Outcome
from collectors.model import Kind, Record, Snapshot, Target, digest_of, new_id, utcnow
from collectors.redact import redact

NETWORK = (Kind.ROUTER, Kind.SWITCH, Kind.FIREWALL)


def unreachable(target: Target, error: Exception, facts: Iterable[str] | None = None) -> Snapshot:
    """The snapshot of a target that never answered: every question it would have been asked is recorded, none as answered."""
    outcome: Outcome = error.outcome if isinstance(error, CollectError) else "bug"
    reason = str(error) if isinstance(error, CollectError) else f"{type(error).__name__}: {error}"
    records = tuple(
        Record(fact=name, version=FACTS[name].VERSION, outcome=outcome, reason=redact(reason))
        for name in (facts_of(target.platform, target.kind in NETWORK) if facts is None else facts)
    )
    return without_answers(target, records)


def without_answers(target: Target, records: tuple[Record, ...]) -> Snapshot:
    """A snapshot of now in which nobody was asked for longer than a moment."""
    return Snapshot(
        id=new_id(),
        target=target,
        collected_at=utcnow(),
        seconds=0.0,
        collector=VERSION,
        privileged=False,
        records=records,
        digest=digest_of(records),
    )
