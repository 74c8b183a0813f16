"""Packs and tailorings kept by their content, so that whatever was judged can be judged again exactly as it was.

This takes the place of keeping every assessment whole: judging takes some milliseconds, and a pack is kept once.
"""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from baselines.evaluate import evaluate, judgeable
from baselines.loader import BaselineError, load_texts
from baselines.model import Baseline, Result
from baselines.tailoring import Tailoring
from collectors.model import Kind, Record, Snapshot
from server.assess import centre, packs
from server.assess.models import KeptPack, KeptTailoring, StoredAssessment

_noted: set[str] = set()


def note(pack: Baseline, tailoring: Tailoring | None) -> None:
    """Keep them, unless they are kept already. To be called outside the transaction that stores what was judged."""
    if pack.digest not in _noted and not KeptPack.objects.filter(pk=pack.digest).exists():
        packed = zlib.compress(json.dumps(pack.files, ensure_ascii=False).encode())
        KeptPack.objects.bulk_create([KeptPack(digest=pack.digest, baseline=pack.id, packed=packed)], ignore_conflicts=True)
    if tailoring and tailoring.digest not in _noted and not KeptTailoring.objects.filter(pk=tailoring.digest).exists():
        KeptTailoring.objects.bulk_create([KeptTailoring(digest=tailoring.digest, text=tailoring.text)], ignore_conflicts=True)
    if not connection.in_atomic_block:
        # what a transaction made may be taken back with it
        _noted.update((pack.digest, tailoring.digest) if tailoring else (pack.digest,))


def forget() -> None:
    """Ask the database again."""
    _noted.clear()


class Ground(NamedTuple):
    """What something was judged by."""

    pack: Baseline
    tailoring: Tailoring | None
    laid: Record | None
    """The fact that was made here."""


def ground(kept: StoredAssessment) -> Ground:
    """Raises LookupError when a part of it is kept no longer; BaselineError, OSError."""
    laid = centre.of_assessment(kept)
    if kept.centre and laid is None:
        raise LookupError(kept.centre)
    return Ground(_pack(kept), _tailoring(kept.tailoring), laid)


def again(kept: StoredAssessment, snapshot: Snapshot, kind: str, by: Ground | None = None) -> list[Result] | None:
    """The results as they were then; None when it cannot be made again, or comes out otherwise. `by`: ground(kept), if known."""
    try:
        pack, tailoring, laid = by or ground(kept)
        seen = judgeable(snapshot)._replace(kind=Kind(kept.kind or kind))
        if laid is not None:
            seen = seen.with_fact(laid)
        found = evaluate(seen, pack, kept.level, tailoring)
    except (BaselineError, LookupError, OSError, ValueError):
        return None
    return found.results if found.verdicts_digest() == kept.verdicts else None


def _pack(kept: StoredAssessment) -> Baseline:
    if kept.baseline in packs.names():
        with suppress(BaselineError, OSError):
            present = packs.get(kept.baseline)
            if present.digest == kept.digest:
                return present
    return _former(kept.digest)


def former(digest: str) -> Baseline | None:
    """A pack that was in force once; None when it was not kept, or this version no longer understands it."""
    try:
        return _former(digest)
    except (LookupError, BaselineError):
        return None


@lru_cache(maxsize=4)
def _former(digest: str) -> Baseline:
    """Raises LookupError, BaselineError."""
    kept = KeptPack.objects.filter(pk=digest).first()
    if kept is None:
        raise LookupError(digest)
    return load_texts(json.loads(zlib.decompress(kept.packed)))


def _tailoring(digest: str) -> Tailoring | None:
    if not digest:
        return None
    text = KeptTailoring.objects.filter(pk=digest).values_list("text", flat=True).first()
    if text is None:
        raise LookupError(digest)
    return packs.tailoring(text)
