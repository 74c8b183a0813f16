"""Hosts and their snapshots: the key belongs to an enrolment, the signature to the key, the verdicts to the facts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from baselines.evaluate import evaluate, judgeable
from baselines.evidence import form, seal
from baselines.evidence.archive import Damaged
from baselines.evidence.form import Host, MachineLine, Verdicts
from baselines.evidence.held import AHEAD, NEAR, Held, Judged
from baselines.evidence.lines import Line, fails, holds, note, one_line, unchecked
from baselines.model import RANK, Result, Verdict
from collectors.model import Kind, Snapshot
from collectors.seal import MAX_OPEN, Sealed, SealError, parse, signed_message, verify

NAMED = 20
"""Verdicts of one machine that are named one by one; of the others only how many there are."""


# enrolment -------------------------------------------------------------------------------------------------------------


def hosts(held: Held) -> Iterator[Line]:
    """Each key is one host's, and the journal tells of its enrolment."""
    keys: dict[str, str] = {}
    good = 0
    for host in held.lines(form.HOSTS, Host):
        if isinstance(host, Line):
            yield host
            continue
        held.named.add(f"keys/{host.agent}.pem")
        problem = _unfit(held, host, keys)
        if problem is not None:
            yield problem
            continue
        held.hosts[host.agent] = host
        keys[host.public_key] = host.agent
        bound = _enrolled(held, host)
        good += bound.outcome == "holds"
        if bound.outcome != "holds":
            yield bound
    if good:
        yield holds("enrolments", str(good))


def _unfit(held: Held, host: Host, keys: dict[str, str]) -> Line | None:
    about = f"{host.name} ({host.agent})"
    if host.agent in held.hosts:
        return fails("host-twice", about)
    if host.public_key in keys:
        return fails("key-twice", about, other=keys[host.public_key])
    try:
        same = held.archive.read(f"keys/{host.agent}.pem", 4096) == seal.pem(host.key)
    except (KeyError, Damaged, ValueError):
        same = False
    return None if same else fails("host-key", about)


def _enrolled(held: Held, host: Host) -> Line:
    """The row of the journal by which it came in names the agent, its token and its key."""
    about = f"{host.name} ({host.agent})"
    rows = [row for row in held.journal.get("agent.enrolled", ()) if row.actor == host.agent]
    if not rows:
        return unchecked("enrolment-unseen", about)
    row = rows[0]
    key, token = row.detail.get("key"), row.detail.get("token")
    try:
        late = abs(datetime.fromisoformat(row.at) - host.enrolled_at) > NEAR
    except (ValueError, TypeError):
        late = True
    if late or row.subject != host.name or (host.token and token != host.token) or (key and key != seal.digest(host.key)):
        return fails("enrolment", about, row=row.id)
    return holds("enrolment", about, row=row.id) if key else note("enrolment-no-key", about, row=row.id)


# snapshots -------------------------------------------------------------------------------------------------------------


def machines(held: Held) -> Iterator[Line]:
    """Every machine: its snapshot, whose it is, and what comes out when it is judged again."""
    seen: set[str] = set()
    moments: set[tuple[int, str]] = set()
    owners: dict[tuple[str, str], int] = {}
    for line in held.lines(form.MACHINES, MachineLine):
        if isinstance(line, Line):
            yield line
            continue
        held.named |= {line.member, *(f"signatures/{line.snapshot}{suffix}" for suffix in (".message", ".sig"))}
        target = line.agent, "" if line.own else line.name
        other = owners.setdefault(target, line.machine) != line.machine
        held.carry += line.moment == "now" and line.judged is not None
        if other or line.snapshot in seen or (line.machine, line.moment) in moments:
            yield fails("machine-twice", line.name, member=line.member)
            continue
        seen.add(line.snapshot)
        moments.add((line.machine, line.moment))
        yield from _machine(held, line)


def _machine(held: Held, line: MachineLine) -> Iterator[Line]:
    sealed = None
    for found in _sealed(held, line):
        if isinstance(found, Line):
            yield found
        else:
            sealed = found
    if sealed is None:
        if line.moment == "now":
            held.silent.add(line.machine)
        return
    try:
        snapshot = Snapshot.from_bytes(sealed.snapshot)
    except ValueError as error:
        yield fails("snapshot", line.member, why=str(error))
        return
    problems = [*_foreign(line, snapshot), *_named(held, line)]
    yield from problems
    if all(problem.outcome == "note" for problem in problems):
        yield holds("signature", line.name, member=line.member, at=snapshot.collected_at.isoformat())
    if snapshot.collected_at - line.received_at > AHEAD:
        yield note("clock-ahead", line.name, at=snapshot.collected_at.isoformat(), received=line.received_at.isoformat())
    if line.judged is None:
        held.silent.add(line.machine)
        yield unchecked("not-judged", line.name, why=line.why)
        return
    yield from _judged(held, line, line.judged, snapshot)


def _sealed(held: Held, line: MachineLine) -> Iterator[Line | Sealed]:
    """The opened seal at last, if it is whole and of this host."""
    try:
        plain = held.archive.read(line.member, MAX_OPEN)
    except KeyError:
        yield fails("missing", line.member)
        return
    except Damaged as error:
        yield fails("damaged", line.member, why=str(error))
        return
    if hashlib.sha256(plain).hexdigest() != line.sha256:
        yield fails("snapshot-swapped", line.member, name=line.name)
        return
    host = held.hosts.get(line.agent)
    if host is None:
        yield fails("host-unknown", line.name, agent=line.agent)
        return
    try:
        sealed = parse(plain)
        if sealed.agent != line.agent:
            yield fails("snapshot-swapped", line.member, name=line.name)
            return
        verify(sealed, host.key)
        message = signed_message(sealed)
    except RecursionError:  # a header nested so deep that it can be read and not be written
        yield fails("forged", line.name, member=line.member, why="forged")
        return
    except (SealError, ValueError) as error:
        yield fails("forged", line.name, member=line.member, why=getattr(error, "code", str(error)))
        return
    yield from _times(line, host)
    yield from _apart(held, line, message, sealed.signature)
    yield sealed


def _times(line: MachineLine, host: Host) -> Iterator[Line]:
    """What came before its key was known here, or after it was revoked, was never taken."""
    before, after = host.enrolled_at - line.received_at, host.revoked_at and line.received_at - host.revoked_at
    if before > NEAR or (after and after > NEAR):
        yield fails("out-of-term", line.name, received=line.received_at.isoformat(), enrolled=host.enrolled_at.isoformat())


def _apart(held: Held, line: MachineLine, message: bytes, signature: bytes) -> Iterator[Line]:
    """Message and signature lie beside it for checking by hand: they are those of the header."""
    for suffix, wanted in ((".message", message), (".sig", signature)):
        name = f"signatures/{line.snapshot}{suffix}"
        try:
            if held.archive.read(name, form.MAX_LINE) != wanted:
                yield fails("signature-apart", name)
        except KeyError:
            yield fails("missing", name)
        except Damaged as error:
            yield fails("damaged", name, why=str(error))


def _foreign(line: MachineLine, snapshot: Snapshot) -> Iterator[Line]:
    """It speaks of another machine than the line does."""
    afar = snapshot.target.via not in ("local", "root")
    if snapshot.id != line.snapshot or afar == line.own or (afar and snapshot.target.name != line.name):
        yield fails("snapshot-swapped", line.member, name=line.name)


def _named(held: Held, line: MachineLine) -> Iterator[Line]:
    """Of its own machine a host speaks under the name it enrolled with; else it took another one's place, and the journal knows.
    It lies in the part that the bundle speaks of."""
    scope, made = held.manifest.scope, held.manifest.made_at
    if scope.kind != "campaign" and not line.path.startswith(scope.path):
        yield fails("outside", line.name, path=line.path, scope=scope.path)
    if line.received_at - made > AHEAD or (line.judged is not None and line.judged.judged_at - made > AHEAD):
        yield fails("after-made", line.name, received=line.received_at.isoformat(), made=made.isoformat())
    host = held.hosts[line.agent]
    if line.own and line.name != host.name:
        replaced = any(row.detail.get("replaces") for row in held.journal.get("agent.enrolled", ()) if row.actor == line.agent)
        united = any(row.detail.get("agent") == line.agent for row in held.journal.get("machine.united", ()))
        yield (
            note("name-taken-over", line.name, host=host.name)
            if replaced or united
            else fails("name-other", line.name, host=host.name)
        )


# verdicts --------------------------------------------------------------------------------------------------------------


def _judged(held: Held, line: MachineLine, said: Verdicts, snapshot: Snapshot) -> Iterator[Line]:
    if said.digest in held.strange_packs:
        yield unchecked("pack-strange", line.name, digest=said.digest[:12])
        held.silent.add(line.machine)
        return
    pack, tailoring = held.baselines.get(said.digest), held.tailorings.get(said.tailoring)
    if pack is None or (pack.id, pack.version) != (said.baseline, said.version) or (said.tailoring and tailoring is None):
        yield fails("pack-gone", line.name, digest=(said.digest if pack is None else said.tailoring or said.digest)[:12])
        held.silent.add(line.machine)
        return
    if said.kind != snapshot.target.kind:
        yield unchecked("kind-other", line.name, said=said.kind.value, host=snapshot.target.kind.value)
    seen = judgeable(snapshot)._replace(kind=Kind(said.kind))
    if said.centre:
        if said.centre not in held.centre:
            yield fails("centre-gone", line.name, digest=said.centre[:12])
            held.silent.add(line.machine)
            return
        seen = seen.with_fact(held.centre[said.centre])
    try:
        results = evaluate(seen, pack, said.level, tailoring).results
    except Exception as error:  # whatever facts and stricter values of somebody else do to the rules: it is no verdict
        yield fails("not-judgeable", line.name, why=one_line(error))
        held.silent.add(line.machine)
        return
    at = min(snapshot.collected_at, line.received_at)
    held.judged[line.machine, line.moment] = _summed(line, said, results, at)
    yield from _compared(line, said, results, snapshot)


def _summed(line: MachineLine, said: Verdicts, results: list[Result], at: datetime) -> Judged:
    worst: dict[str, Verdict] = {}
    failing: dict[str, set[str]] = {}
    for result in results:
        if result.check is None:
            continue
        worst[result.check] = min(worst.get(result.check, result.verdict), result.verdict, key=RANK.__getitem__)
        if result.verdict is Verdict.FAIL:
            failing.setdefault(result.check, set()).add(result.requirement)
    return Judged(line, worst, failing, said.level, said.baseline, at)


def _compared(line: MachineLine, said: Verdicts, results: list[Result], snapshot: Snapshot) -> Iterator[Line]:
    here = {(one.requirement, one.check): (one.clause, str(one.verdict)) for one in results}
    told = {(requirement, check): (clause, verdict) for requirement, clause, check, verdict in said.results}
    turned = [key for key in here.keys() | told.keys() if here.get(key) != told.get(key)]
    newer = [problem for problem in snapshot.problems() if problem.endswith("is newer than this program")]
    say = unchecked if newer else fails
    for key in sorted(turned, key=str)[:NAMED]:
        requirement, check = key
        both = {"said": told.get(key, ("", "–"))[1], "found": here.get(key, ("", "–"))[1]}
        yield say("verdict-newer" if newer else "verdict", line.name, requirement=requirement, check=check or "–", **both)
    if len(turned) > NAMED:
        yield say("verdicts-more", line.name, count=len(turned) - NAMED)
    if len(told) != len(said.results):
        yield fails("verdict-twice", line.name)
    if not turned:
        yield holds("verdicts", line.name, count=len(results), baseline=said.baseline, level=said.level)
