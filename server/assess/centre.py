"""The fact that only the collector makes: laid into a machine's facts before they are judged, and kept by its content.

`known` is the one seam. What is laid in follows from CentreFact, which the matching writes, and from the day; so a feed that
passes its age limit takes its verdicts with it, whoever judges.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.utils import timezone
from pydantic_core import to_json

from baselines.evaluate import Judgeable, asks_centre
from collectors.model import Record
from server.assess import packs
from server.assess.models import CentreFact, KeptFact, StoredAssessment
from server.background.declare import Work
from server.feeds.matching import fact, store
from server.feeds.matching import host as hosts
from server.statements import Rows
from server.units.models import Policy

_made = Rows(lambda machine: CentreFact.objects.filter(pk=machine).values_list("packed"))
_is_kept = Rows(lambda digest: KeptFact.objects.filter(pk=digest).values_list("kept_at"))
SLICE: Final = 500
BEFORE: Final = timedelta(days=1)
HOSTS: Final = 4096
_hosts: dict[bytes, str] = {}


class Laid(NamedTuple):
    """The fact as it is laid into the facts of a machine."""

    record: Record
    matched: bool
    """It was matched with what decides in these facts: where a verdict turns by it, data turned and not the machine."""

    @property
    def digest(self) -> str:
        return fact.digest_of(self.record)


def asked(policy: Policy, level: int | None = None) -> bool:
    """What a unit is held to asks something that only the collector knows. Raises like `evaluate`."""
    return asks_centre(packs.get(policy.baseline), level or policy.level, packs.tailoring(policy.tailoring))


def known(machine: int | None, seen: Judgeable, today: date | None = None) -> Laid:
    """The fact as it is known today, for these facts of a machine. None: a machine that is new to us."""
    prepared, day = _prepared(machine), today or timezone.localdate()
    if prepared is None:
        return Laid(_not_matched(day), False)
    host = host_of(seen)
    return Laid(fact.record_of(prepared, host, day), prepared["host"] == host)


@lru_cache(maxsize=1)
def _not_matched(today: date) -> Record:
    """Of whoever was not matched yet: of the whole fleet, where no feeds are."""
    return fact.record_of(None, "", today)


def host_of(seen: Judgeable) -> str:
    """Digest of all that decides which vulnerabilities a machine has. From the facts themselves, not from what they say they are.

    Worked out once for facts that are alike, byte for byte: to read two thousand packages takes longer than to hash them.
    """
    context = seen.context
    told = [(name, context.facts.get(name), context.missing.get(name)) for name in hosts.FACTS]
    key = hashlib.sha256(to_json(told)).digest()
    found = _hosts.get(key)
    if found is None:
        found = store.digest_of(hosts.read(_records(seen)))
        if len(_hosts) >= HOSTS:  # another thread may do so at any moment
            _hosts.clear()
        _hosts[key] = found
    return found


def of_assessment(kept: StoredAssessment) -> Record | None:
    """What was laid in when it was judged; None when nothing was, or it is kept no longer."""
    packed = KeptFact.objects.filter(pk=kept.centre).values_list("packed", flat=True).first() if kept.centre else None
    return None if packed is None else Record.model_validate_json(zlib.decompress(packed))


def again(machine: int, kept: StoredAssessment, seen: Judgeable, newest: bool) -> Record | None:
    """What was laid in when it was judged, for pages; of the newest snapshot with the feeds that say the same today."""
    if newest and (now := known(machine, seen)).digest == kept.centre:
        return now.record
    return of_assessment(kept)


def note(laid: Laid) -> str:
    """Keep it, unless it is kept already. To be called outside the transaction that stores what was judged."""
    digest = laid.digest
    if not _is_kept(digest):
        packed = zlib.compress(laid.record.model_dump_json().encode())
        KeptFact.objects.bulk_create([KeptFact(digest=digest, packed=packed)], ignore_conflicts=True)
    return digest


@lru_cache(maxsize=4096)
def digest(packed: bytes | None, host: str, today: date) -> str:
    """Of the fact as it is known on a day, from CentreFact.packed; machines that are alike have the same."""
    return fact.digest_of(fact.record_of(None if packed is None else unpack(packed), host, today))


def forget(work: Work) -> int:
    """Remove what no kept judgement refers to; how many. What was kept a moment ago is about to be referred to."""
    referred = set(StoredAssessment.objects.exclude(centre="").values_list("centre", flat=True).distinct())
    old = KeptFact.objects.filter(kept_at__lt=timezone.now() - BEFORE).values_list("pk", flat=True)
    gone = [digest for digest in old.iterator(chunk_size=2000) if digest not in referred]
    for start in range(0, len(gone), SLICE):
        KeptFact.objects.filter(pk__in=gone[start : start + SLICE]).delete()
        work.check()
    return len(gone)


def pack(prepared: fact.Prepared) -> bytes:
    """For CentreFact.packed."""
    return zlib.compress(json.dumps(prepared, ensure_ascii=False, separators=(",", ":")).encode())


def unpack(packed: bytes) -> fact.Prepared:
    found: fact.Prepared = json.loads(zlib.decompress(packed))
    return found


def _prepared(machine: int | None) -> fact.Prepared | None:
    if machine is None:
        return None
    for (packed,) in _made(machine):
        return unpack(bytes(packed))
    return None


def _records(seen: Judgeable) -> Iterator[Mapping[str, Any]]:
    """As records of a snapshot hold them."""
    for name in hosts.FACTS:
        if name in seen.context.facts:
            yield {"fact": name, "outcome": "seen", "data": seen.context.facts[name]}
        elif name in seen.context.missing:
            outcome, _, reason = seen.context.missing[name].partition(": ")
            yield {"fact": name, "outcome": outcome, "data": None, "reason": reason}
