"""What the collector wants of this agent: level, kind, baseline, tailoring, and when to scan: by its schedule, or now because
a person asked; of a station, names of its own targets. And nothing else.

Answers are data: a level is a number, a baseline is text in a closed vocabulary that the loader checks and whose digest
must be the one that was announced. There is no field by which a command could arrive.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import files
from agent.language import _
from agent.signed import WORK, signed_get
from agent.state import State
from collectors.timetable import Timetable

if TYPE_CHECKING:
    from agent.upload import Collector, Reply
    from baselines.model import Baseline
    from baselines.tailoring import Tailoring

KEEP_PACKS = 3
MAX_JOBS = 100
_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,50}")


class PolicyError(Exception):
    """What the collector asks for cannot be used; `str(error)` says why. What was in force before stays in force."""


class NotHere(PolicyError):
    """The baseline it names must be fetched first."""


@dataclass(frozen=True)
class Policy:
    """What this agent judges by."""

    level: int
    kind: str | None
    """None: the collector never said; the machine is looked at instead."""
    baseline: Baseline
    tailoring: Tailoring | None
    interval_seconds: int | None


def pull(collector: Collector, agent: str, key: bytes, state: State) -> Policy:
    """Ask the collector, fetch what is new, keep it. Raises Offline, PolicyError, or OSError when it cannot be kept."""
    work = _checked(_work(collector, agent, key).document)
    digest = work["baseline"]["digest"]
    try:
        policy = _resolve(work, state)
    except NotHere:
        _fetch(collector, agent, key, digest, state)
        policy = _resolve(work, state)
    _fits(policy)
    if not (state.folder / "packs" / f"{digest}.json").is_file():
        # also the one that came with this program: after an upgrade it would be another one, perhaps while offline
        _keep_pack(state, digest, policy.baseline.files)
    state.keep("policy.json", work)
    _forget_old_packs(state, digest)
    return policy


class Asked(NamedTuple):
    """What a look at the collector brought: scans that people asked for."""

    own: list[int]
    """Numbers of those of this machine itself."""
    targets: list[tuple[int, str]]
    """(number, name) of those of a station's target. What the name means stands in its own targets file, or it means nothing."""
    tag: str
    """By which the collector knows next time that we have all this."""


def poll(collector: Collector, agent: str, key: bytes, state: State, tag: str, news: str = "") -> Asked | None:
    """Whether there is something new; None: there is not. When and how often to scan is kept at once, what to judge by is not.

    `news` of this agent goes along in the address. Raises Offline, PolicyError.
    """
    reply = _work(collector, agent, key, tag, news)
    if reply.status == 304:
        return None
    work = reply.document
    kept = state.read("policy.json")
    if kept is not None and kept != (fresh := kept | _timing(work)):
        state.try_keep("policy.json", fresh)
    jobs = work.get("jobs")
    own, targets = [], []
    for job in jobs[:MAX_JOBS] if isinstance(jobs, list) else ():
        if not isinstance(job, dict) or type(job.get("id")) is not int:
            continue
        if job.get("itself") is True:
            own.append(job["id"])
        elif isinstance(job.get("scan"), str):
            targets.append((job["id"], job["scan"]))
    return Asked(own, targets, reply.tag)


def in_force(state: State) -> Policy:
    """The policy kept last, also offline; the house default while there is none yet.

    Raises PolicyError when there is one that can no longer be used: judging by another one would look like progress.
    """
    kept = state.read("policy.json")
    return default() if kept is None else _resolve(_checked(kept), state)


def default() -> Policy:
    """What an agent judges by before it ever heard from its collector."""
    from agent.judging import DEFAULT_BASELINE, DEFAULT_LEVEL
    from baselines.loader import BaselineError, load

    try:
        return Policy(DEFAULT_LEVEL, None, load(DEFAULT_BASELINE), None, None)
    except BaselineError as error:
        raise PolicyError(_("the baseline cannot be used: %s") % str(error).splitlines()[0]) from None


def _work(collector: Collector, agent: str, key: bytes, tag: str = "", news: str = "") -> Reply:
    reply = signed_get(collector, agent, key, f"{WORK}?{news}" if news else WORK, tag)
    if reply.status != 200 and not (tag and reply.status == 304):
        raise PolicyError(reply.complaint)
    return reply


def _checked(work: dict[str, Any]) -> dict[str, Any]:
    """Only the fields we know, each of its type."""
    from collectors.model import Kind

    try:
        level, kind, baseline, tailoring = work["level"], work["kind"], work["baseline"], work["tailoring"]
        interval = work["interval_seconds"]
        sound = (
            type(level) is int
            and kind in set(Kind)
            and isinstance(baseline["id"], str)
            and re.fullmatch(r"[a-z0-9_]{1,80}", baseline["id"])
            and _DIGEST.match(baseline["digest"])
            and type(interval) is int
            and interval > 0
            and (tailoring is None or (isinstance(tailoring["text"], str) and _DIGEST.match(tailoring["digest"])))
        )
    except (KeyError, TypeError):
        sound = False
    if not sound:
        raise PolicyError(_("the collector's answer is not understood"))
    return {
        "level": level,
        "kind": kind,
        "baseline": {"id": baseline["id"], "digest": baseline["digest"]},
        "tailoring": None if tailoring is None else {"digest": tailoring["digest"], "text": tailoring["text"]},
    } | _timing(work)


def _timing(work: dict[str, Any]) -> dict[str, Any]:
    """When, how often and how fast. What an older collector does not say is None, and so is what cannot be meant."""
    interval = work.get("interval_seconds")
    found: dict[str, Any] = {}
    if type(interval) is int and interval > 0:
        found["interval_seconds"] = min(max(interval, 300), 30 * 86400)
    for name in ("schedule", "station_schedule"):
        try:
            found[name] = Timetable.read(work[name]).document() if work.get(name) else None
        except ValueError:
            found[name] = None
    for name in ("poll_seconds", "bytes_per_second"):
        found[name] = work[name] if _positive(work.get(name)) else None
    version = work.get("recommended_version")
    found["recommended_version"] = version if isinstance(version, str) and _VERSION.fullmatch(version) else None
    return found


def _positive(value: Any) -> bool:
    return type(value) is int and value > 0


def _fetch(collector: Collector, agent: str, key: bytes, digest: str, state: State) -> None:
    from baselines.loader import digest_of

    reply = signed_get(collector, agent, key, f"/api/v1/packs/{digest}")
    if reply.status != 200:
        raise PolicyError(reply.complaint)
    texts = reply.document.get("files")
    if not isinstance(texts, dict) or not all(isinstance(name, str) and isinstance(body, str) for name, body in texts.items()):
        raise PolicyError(_("the baseline that came is not understood"))
    if digest_of(texts) != digest:
        raise PolicyError(_("the baseline that came is not the one that was announced (its digest differs)"))
    _keep_pack(state, digest, texts)


def _keep_pack(state: State, digest: str, texts: dict[str, str]) -> None:
    files.private_folder(state.folder / "packs")
    # the names inside are never used as paths: one file holds them all
    files.write(state.folder / "packs" / f"{digest}.json", json.dumps(texts, ensure_ascii=False).encode())


def _resolve(work: dict[str, Any], state: State) -> Policy:
    from baselines.loader import BaselineError
    from baselines.tailoring import Tailoring

    try:
        baseline = _baseline(work["baseline"]["id"], work["baseline"]["digest"], state)
        tailoring = None
        if work["tailoring"] is not None:
            body = work["tailoring"]["text"]
            if hashlib.sha256(body.encode()).hexdigest() != work["tailoring"]["digest"]:
                raise PolicyError(_("the tailoring that came is not the one that was announced (its digest differs)"))
            tailoring = Tailoring.parse(body)
    except BaselineError as error:
        raise PolicyError(_("the baseline cannot be used: %s") % str(error).splitlines()[0]) from None
    return Policy(work["level"], work["kind"], baseline, tailoring, work["interval_seconds"])


def _baseline(name: str, digest: str, state: State) -> Baseline:
    """The baseline of that digest: as it came with this program, made ready, or as it was fetched. Raises NotHere."""
    from baselines.loader import BaselineError, builtin, digest_of, load, load_texts

    shipped = name in builtin()
    if shipped:
        with suppress(BaselineError):
            own = load(name)
            if own.digest == digest:
                return own
    texts = state.read(f"packs/{digest}.json")
    if texts is not None and all(isinstance(body, str) for body in texts.values()) and digest_of(texts) == digest:
        return load_texts(texts)
    if not shipped:
        raise NotHere(_("the baseline %s is not here") % name)
    raise NotHere(_("the baseline %s here is not the one that was announced (its digest differs)") % name)


def _fits(policy: Policy) -> None:
    if policy.level not in policy.baseline.standard.levels:
        raise PolicyError(_("%(baseline)s has no level %(level)d") % {"baseline": policy.baseline.id, "level": policy.level})
    if policy.tailoring is not None and (problems := policy.tailoring.unusable(policy.baseline)):
        raise PolicyError(_("the tailoring does not fit the baseline: %s") % str(problems[0]))


def _forget_old_packs(state: State, digest: str) -> None:
    folder = state.folder / "packs"
    if folder.is_dir():
        kept = sorted((path for path in folder.glob("*.json") if path.stem != digest), key=lambda path: path.stat().st_mtime)
        for path in kept[: max(0, len(kept) - KEEP_PACKS + 1)]:
            path.unlink(missing_ok=True)
