"""What a dossier rests on, and what it does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from baselines.systems.result import State
from collectors import VERSION
from server.assess import wording
from server.documents.letterhead import Desk
from server.documents.papers import resting
from server.documents.papers.level.gather import Gathered
from server.documents.report import Count, Honesty, Pack, Unreached, Wording
from server.documents.texts import Texts
from server.registers.columns import folded

UNREACHED = 200
NAMES = 12


def reaches() -> dict[str, str]:
    from baselines.systems.words import words

    return {name: wording.text(both) for name, both in words()["reach"].items()}


def honesty(held: Gathered, desk: Desk, say: Texts) -> Honesty:
    judged, standard = held.assessment, held.baseline.standard
    times = [one.snapshot.collected_at for one in judged.assets if one.snapshot is not None]
    silent = [one for one in judged.assets if one.reach != "fresh"]
    reach = reaches()
    return Honesty(
        scanned_by=desk.scanned_by, relation=desk.relation or "not_said", program=VERSION,
        since=min(times, default=None), until=max(times, default=None), counts=tuple(_counts(held, say)),
        unreached=tuple(Unreached(name=one.asset.name, unit=held.system.unit.name, why=reach[one.reach]) for one in silent[:UNREACHED]),
        unreached_more=max(0, len(silent) - UNREACHED),
        feeds=resting.dated(limited=True),
        packs=(Pack(
            edition=standard.edition, version=standard.version, digest=held.baseline.digest, level=held.level,
            machines=len(judged.assets), status=" ".join(wording.text(standard.status).split()),
        ),),
        wording=Wording.model_validate(Counter(line.requirement.confidence for line in judged.lines)), remarks=tuple(_remarks(held, say)),
    )  # fmt: skip


def _remarks(held: Gathered, say: Texts) -> Iterator[str]:
    system, judged = held.system, held.assessment
    yield say("remark_machine")
    yield say("remark_zones")
    if system.operator and folded(system.operator) == folded(system.appraiser):
        yield say("remark_same")
    if system.standard and not held.cited:
        yield say("remark_standard", said=system.standard, edition=held.baseline.standard.edition)
    if judged.tailoring is not None:
        yield say("remark_tailoring", name=judged.tailoring.name, digest=judged.tailoring.digest[:16])
    if held.retired:
        yield say("remark_retired", count=len(held.retired), names=", ".join(held.retired[:NAMES]))
    if held.unreadable:
        yield say("remark_unreadable", count=len(held.unreadable), names=", ".join(held.unreadable[:NAMES]))
    if judged.idle:
        yield say("remark_idle", count=len(judged.idle))


def _counts(held: Gathered, say: Texts) -> Iterator[Count]:
    judged = held.assessment
    summary = judged.summary()
    told = {
        "things": len(judged.assets), **judged.reaches, "elsewhere": held.system.elsewhere, "retired": len(held.retired),
        "asked": judged.score["asked"], **{state: summary[state] for state in ("met", "partly", "not_met", "undetermined", "not_applicable")},
        "by_word": sum(line.state is State.MET and line.attestation is not None for line in judged.lines), "waiting": len(judged.waiting),
    }  # fmt: skip
    return (Count(text=say(f"counts.{name}"), number=count) for name, count in told.items())
