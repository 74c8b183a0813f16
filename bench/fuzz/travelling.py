"""What travels between agent, relay and centre."""

from __future__ import annotations

import json
from functools import cache, partial

from agent.policy import _checked
from baselines.evaluate import evaluate
from baselines.loader import builtin, load, load_texts
from baselines.model import Baseline
from bench.fuzz.engine import Sample
from bench.fuzz.samples import KEY, KEYS, TESTS, document_of, text
from collectors import seal, seal_delta
from collectors.centre import Centre, CentreError, read_answer, seal_for
from collectors.model import Snapshot


def snapshots() -> list[Sample]:
    from tests.systems.sample import snapshots as made

    return [Sample(one.to_bytes()) for one in made()[:12]]


def sealed() -> list[Sample]:
    return [Sample(seal.seal(one.raw, "agent-1", KEY, {"baseline": "x", "digest": "0" * 64})) for one in snapshots()[:4]]


def unsealed(sample: Sample) -> object:
    """As at ingest: the outside, then the snapshot inside, then its facts."""
    found = seal.unseal(sample.raw)
    return Snapshot.from_bytes(found.snapshot).problems()


def opened_snapshot(sample: Sample) -> object:
    """Read, and judged: what a machine claims must not break the judge either."""
    found = Snapshot.from_bytes(sample.raw)
    for record in found.records:
        if record.outcome == "seen" and not record.reason:
            assert record.data is not None
    return found.problems(), evaluate(found, standard(), 3).summary()


@cache
def standard() -> Baseline:
    return load(builtin()[0])


def differences() -> list[Sample]:
    first, second = (seal.unseal(one.raw).plain for one in sealed()[:2])
    made = seal_delta.make(second, "agent-1", "base", first)
    assert made is not None
    return [Sample(made, first)]


def envelopes() -> list[Sample]:
    return [
        Sample(seal_for(KEYS.public, b"{}", "text/plain", "about", "agent-1", "m", key=KEY)),
        Sample(seal_for(KEYS.public, b"x" * 99, "a/b", "y")),
    ]


def answers() -> list[Sample]:
    from collectors.centre import Answer, sign_answer

    answer = Answer("agent-1", "GET /x", 200, 1, 1, "", "", {"a": 1})
    return [Sample(json.dumps(sign_answer(KEYS, answer)).encode()), Sample(json.dumps(KEYS.public.document()).encode())]


def answer(sample: Sample) -> object:
    said = document_of(sample)
    for read in (partial(read_answer, KEYS.public), Centre.parse):
        try:
            read(said)
        except CentreError:
            continue
    return said


TIMES = {
    "interval_seconds": 86400, "jitter_seconds": 3600, "hours": [{"days": [0, 1], "from": "08:00", "to": "17:00"}],
    "freezes": [["2026-02-01", "2026-02-10"]], "zone": "Asia/Ho_Chi_Minh", "utc_offset_seconds": 25200, "overdue_after": 3,
}  # fmt: skip


def work_answers() -> list[Sample]:
    work = {
        "level": 2, "kind": "server", "baseline": {"id": "mini", "digest": "0" * 64}, "tailoring": {"digest": "1" * 64, "text": "name: x"},
        "interval_seconds": 3600, "schedule": TIMES, "station_schedule": None, "poll_seconds": 60, "bytes_per_second": 1000,
        "recommended_version": "1.2.3",
    }  # fmt: skip
    return [Sample(json.dumps(work).encode())]


def work(sample: Sample) -> object:
    said = document_of(sample)
    if not isinstance(said, dict):
        raise ValueError("not an object")  # agent/upload.py reads objects only
    return _checked(said)


def pack_samples() -> list[Sample]:
    texts = load(TESTS / "agent/pack").files
    return [Sample(body.encode(), (name, texts)) for name, body in texts.items()]


def pack(sample: Sample) -> object:
    name, texts = sample.about
    return load_texts({**texts, name: text(sample)})
