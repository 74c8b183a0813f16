"""Whether anything was lost or came twice: each snapshot a host signed, against what the collector has.

lost        the host was told that it is there (or it was to be, at the end of a day), and it is not, or with other bytes
double      one row too many: a snapshot nobody signed, of another host than signed it, a second judgement, a transition
            that does not follow from the one before, a tally that counting again does not give

Of several turns of one rule the loss of the first alone is not seen: a first contact leaves no transition to begin with.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.fleet.hosts import Host
from collectors.seal import SealError

OPENED = 2000
"""Snapshots that are opened and compared byte for byte; of the others the digest that was kept with them is compared."""
SHOWN = 20


@dataclass
class Account:
    """The numbers that must be nought, and what they were of."""

    signed: int = 0
    acknowledged: int = 0
    stored: int = 0
    judged: int = 0
    transitions: int = 0
    opened: int = 0
    agreed: int = 0
    """Judgements that are the host's own as well."""
    still_waiting: int = 0
    lost: int = 0
    altered: int = 0
    foreign: int = 0
    refused: int = 0
    unjudged: int = 0
    judged_twice: int = 0
    not_latest: int = 0
    broken_chains: int = 0
    not_standing: int = 0
    tallies_off: int = 0
    differing_verdicts: int = 0
    journal_broken: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        counts = ("signed", "acknowledged", "stored", "judged", "transitions", "opened", "agreed", "examples")
        looked = self.signed and self.opened and self.agreed  # what nothing was held against does not balance
        return bool(looked) and not any(value for name, value in asdict(self).items() if name not in counts)

    def note(self, what: str, found: Iterable[Any]) -> int:
        """How many; some of them are kept as examples."""
        count = 0
        for one in found:
            count += 1
            if len(self.examples) < SHOWN:
                self.examples.append(f"{what}: {one}")
        return count


def take(hosts: list[Host], tallies: bool = True) -> Account:
    """Of everything, in Django's database of this process."""
    from server.findings import verify
    from server.ingest.models import StoredSnapshot
    from server.journal import models as journal

    found = Account()
    signed = {pk: (host, sha256) for host in hosts for pk, sha256 in host.signed.items()}
    stored = {
        pk: (agent, sha256)
        for pk, agent, sha256 in StoredSnapshot.objects.order_by()
        .values_list("pk", "agent_id", "sealed_sha256")
        .iterator(chunk_size=5000)
    }
    found.signed, found.stored = len(signed), len(stored)
    found.acknowledged = sum(len(host.acknowledged) for host in hosts)
    found.still_waiting = sum(len(host.waits) for host in hosts)
    found.refused = found.note("refused", (refusal for host in hosts for refusal in host.refused_for_good))
    found.lost = found.note("lost", (pk for host in hosts for pk in sorted(host.acknowledged) if pk not in stored))
    found.altered = found.note(
        "altered", (pk for pk, (_agent, sha256) in stored.items() if pk in signed and signed[pk][1] != sha256)
    )
    found.foreign = found.note(
        "foreign", (pk for pk, (agent, _sha256) in stored.items() if pk not in signed or signed[pk][0].agent != agent)
    )
    found.altered += found.note("opened and altered", _opened(found, signed))
    _judgements(found, set(stored))
    _standings(found, hosts)
    if tallies:
        found.tallies_off = found.note("tally", verify.verify())
    found.journal_broken = 0 if journal.broken_at() is None else 1
    return found


def _opened(found: Account, signed: dict[str, tuple[Host, str]]) -> Iterator[str]:
    from server.ingest.models import StoredSnapshot

    chosen = random.Random(11_930).sample(sorted(signed), min(OPENED, len(signed)))
    for start in range(0, len(chosen), 200):
        for row in StoredSnapshot.objects.select_related("base").filter(pk__in=chosen[start : start + 200]):
            found.opened += 1
            try:
                same = hashlib.sha256(row.plain()).hexdigest() == signed[row.pk][1]
            except SealError:
                same = False
            if not same:
                yield row.pk


def _judgements(found: Account, stored: set[str]) -> None:
    """One for each snapshot, and the same that the host itself came to wherever both judged by the same."""
    from server.assess.models import Alarm, StoredAssessment

    judged = list(StoredAssessment.objects.order_by().values_list("snapshot_id", flat=True).iterator(chunk_size=5000))
    found.judged = len(judged)
    found.unjudged = found.note("unjudged", sorted(stored - set(judged)))
    found.agreed = StoredAssessment.objects.filter(agent=StoredAssessment.AGREES).count()
    found.judged_twice = len(judged) - len(set(judged))
    found.differing_verdicts = found.note(
        "alarm", Alarm.objects.filter(kind__in=("verdicts-differ", "not-judged", "forged", "id-reused"))
    )


def _standings(found: Account, hosts: list[Host]) -> None:
    """Of each machine: its newest snapshot is the last one it signed, and the one by which it stands; its transitions follow from one
    another, end in what stands, and tell of every verdict that has stood for less than the machine is known."""
    from django.db import connection

    from server.findings.models import Transition
    from server.ingest.models import Machine

    latest = dict(Machine.objects.filter(own=True).order_by().values_list("agent_id", "latest_id").iterator(chunk_size=5000))
    last = {host.agent: max(host.signed, default=None) for host in hosts}
    found.not_latest = found.note("not latest", (agent for agent, pk in last.items() if latest.get(agent) != pk))
    found.transitions = Transition.objects.count()
    heads = Machine.objects.filter(own=True, latest__isnull=False).order_by()
    heads = heads.values_list("agent_id", "latest_id", "head__snapshot")
    behind = (agent for agent, latest_id, stands in heads.iterator(chunk_size=5000) if str(stands) != latest_id)
    with connection.cursor() as cursor:
        cursor.execute(_CHAINS)
        found.broken_chains = found.note("chain (machine, rule, was, now, before)", iter(cursor.fetchone, None))
        cursor.execute(_UNTOLD)
        found.broken_chains += found.note("turn lost (machine, rule, stands, since)", iter(cursor.fetchone, None))
        cursor.execute(_STANDS)
        found.not_standing = found.note("stands by another report", behind) + found.note(
            "standing (machine, rule, stands, last turn)", iter(cursor.fetchone, None)
        )


_CHAINS = """
SELECT machine_id, rule_id, was, now, before FROM (
    SELECT machine_id, rule_id, was, now, lag(now) OVER (PARTITION BY machine_id, rule_id ORDER BY at, snapshot, turn) AS before
    FROM findings_transition) AS chain
WHERE was = now OR was <> before
"""
_UNTOLD = """
SELECT standing.machine_id, standing.rule_id, standing.verdict, standing.since FROM findings_standing AS standing
JOIN findings_head AS head ON head.machine_id = standing.machine_id
WHERE standing.since > head.first_at AND NOT EXISTS (
    SELECT 1 FROM findings_transition AS turn WHERE turn.machine_id = standing.machine_id AND turn.rule_id = standing.rule_id
    AND turn.at = standing.since AND turn.now = standing.verdict)
"""
_STANDS = """
SELECT last.machine_id, last.rule_id, standing.verdict, last.now FROM (
    SELECT machine_id, rule_id, now, row_number() OVER (PARTITION BY machine_id, rule_id ORDER BY at DESC, snapshot DESC, turn DESC) AS place
    FROM findings_transition) AS last
LEFT JOIN findings_standing AS standing ON standing.machine_id = last.machine_id AND standing.rule_id = last.rule_id
WHERE last.place = 1 AND coalesce(standing.verdict, 0) <> last.now
"""
