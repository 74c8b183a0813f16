"""Take in one sealed snapshot: distrust first, judge outside the transaction, store in one."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import OperationalError, transaction
from django.utils import timezone
from pydantic import ValidationError

from collectors.facts.identity import Identity
from collectors.model import MACHINES, Kind, Snapshot, facts_digest
from collectors.seal import Sealed, SealError, parse, unpack, verify
from collectors.seal_delta import read, restore
from server.assess import judge
from server.assess.judge import Judged
from server.assess.models import StoredAssessment
from server.configurations import keep as configurations
from server.coverage import matching
from server.enrolment import hardware
from server.errors import Refused
from server.feeds.matching import host as hosts
from server.feeds.matching.tasks import wake
from server.ingest import admission, keeping
from server.ingest.access import AGENT_ID, agent_of
from server.ingest.models import OUTCOME, Agent, Machine, StoredSnapshot
from server.journal import models as journal
from server.schedules import rollouts
from server.schedules.rollouts import under_way
from server.statements import Rows, Select, Update, insert
from server.stations import models as stations
from server.trips import Statement, ahead, gathered
from server.units.models import Policy, chain

log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=10)
"""A clock that far ahead of ours is marked; the snapshot is kept all the same."""
HEADER_MAX = 16 * 1024
_STATUS = {"too-large": 413, "damaged": 400, "unsigned": 401, "forged": 401}
LARGE = 8 * 1024 * 1024
_large = threading.BoundedSemaphore(1)
"""Facts take ten times their JSON when they are looked at: of the few that are so large, one at a time."""
TOLD = ("latest_id", "reported_at", *OUTCOME, "hostname", "os_name", "machine_id", "serial")
"""Columns of a machine that its newest snapshot fills."""

_by_id = Select(lambda pk, agent: StoredSnapshot.objects.select_related("base", "machine").filter(pk=pk, agent=agent).order_by())
_is_here = Rows(lambda pk: StoredSnapshot.objects.filter(pk=pk).order_by().values_list("clock_ahead"))
_own = Select(lambda agent: Machine.objects.select_related("latest__base").filter(agent=agent, own=True))
_own_now = Select(
    lambda agent: Machine.objects.select_related("unit", "latest").defer("latest__sealed").filter(agent=agent, own=True)
)
_reached = Select(lambda agent, name: Machine.objects.select_related("latest__base").filter(agent=agent, own=False, name=name))
_contact = Update(lambda agent: Agent.objects.filter(pk=agent), "contact_at")
_renew = Update(lambda pk: Machine.objects.filter(pk=pk), *TOLD)


class Taken(NamedTuple):
    """What became of an upload."""

    id: str
    new: bool
    verdicts_agree: bool | None


class _Opened(NamedTuple):
    sealed: Sealed
    snapshot: Snapshot
    judged: Judged | None
    collected_at: datetime
    deciding: str


def take(body: bytes, difference: bool = False) -> Taken:
    """Store the sealed snapshot, unless it is there already. Raises Refused; OperationalError when the database does not take it."""
    agent = agent_of(claimed_agent(body, difference))
    with admission.gate.working(), ahead(*_asked_first(body, difference, agent)):
        return _take(body, difference, agent)


def _asked_first(body: bytes, difference: bool, agent: Agent) -> list[Statement]:
    """What is asked of every report before it is opened."""
    asked = [under_way.of(), chain(len(agent.unit.ids)).of(*agent.unit.ids)]
    if not difference:
        return [*asked, _own.of(agent.pk)]
    base = read(body).base
    return [*asked, _by_id.of(base, agent.pk)] if AGENT_ID.fullmatch(base) else asked


def _take(body: bytes, difference: bool, agent: Agent) -> Taken:
    base = _base(body, agent) if difference else None
    plain = _plain(body, base)
    if len(plain) > LARGE:
        with _large:
            opened = _open(plain, agent)
    else:
        opened = _open(plain, agent)
    if base is not None and not _speaks_of(opened.snapshot, base.machine):
        raise _base_unknown()
    machine = _known(agent, opened.snapshot) if base is None else _machine_of(base)
    form = keeping.form_of(plain, None if difference else body, agent.pk, machine)
    policy = rollouts.policy_of(agent.pk, agent.unit)
    verdicts = _judged(opened, policy, _kind(machine, opened.snapshot), machine)
    with transaction.atomic(), gathered():
        # its row stays ours until the end, so one agent's snapshots come in one after another: what follows reads which
        # one is newest, which alarm is open and which version came before, and then writes
        _contact(timezone.now(), agent.pk)
        with ahead(_is_here.of(opened.snapshot.id), _own_now.of(agent.pk), *([matching.cards.of(machine.pk)] if machine else [])):
            # nearly always there is none; asked here, because two deliveries of one snapshot may have come this far side by side
            if (known := _here(opened.snapshot.id)) is not None:
                return _again(known, opened, agent)
            stored = _store(form, opened, agent, verdicts)
        configurations.note(stored, opened.snapshot)
        stations.answered(stored)
        agree = _keep(stored, verdicts, opened.judged)
    return Taken(stored.pk, True, agree)


def claimed_agent(body: bytes, difference: bool = False) -> str:
    """The agent named in the header, from its first bytes alone: a stranger's bomb is refused before it is opened."""
    try:
        if difference:
            return read(body).agent
        start = zlib.decompressobj(wbits=31).decompress(body, HEADER_MAX)
        line, newline, _rest = start.partition(b"\n")
        agent = json.loads(line)["agent"]
    except SealError as error:
        raise Refused(_STATUS[error.code], error.code, str(error)) from None
    except zlib.error as error:
        raise Refused(400, "damaged", f"not gzip: {error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused(400, "damaged", "header is not readable") from None
    if not newline or not isinstance(agent, str):
        raise Refused(400, "damaged", "header is not readable")
    return agent


def _base(body: bytes, agent: Agent) -> StoredSnapshot:
    """The snapshot that a difference starts from. Another agent's counts as none."""
    name = read(body).base
    found = _by_id.first(name, agent.pk) if AGENT_ID.fullmatch(name) else None
    if found is None:
        raise _base_unknown()
    return found


def _base_unknown() -> Refused:
    return Refused(412, "base-unknown", "the snapshot that this is a difference to is not here; send it whole")


def _plain(body: bytes, base: StoredSnapshot | None) -> bytes:
    """Header line, newline, snapshot."""
    if base is None:
        try:
            return unpack(body)
        except SealError as error:
            raise Refused(_STATUS[error.code], error.code, str(error)) from None
    try:
        reference = base.open().snapshot
    except SealError as error:
        log.error("snapshot %s cannot be opened: %s", base.pk, error)
        raise _base_unknown() from None
    try:
        return restore(read(body), reference)
    except SealError as error:
        if error.code == "base":
            raise _base_unknown() from None
        if error.code == "damaged":  # of the form, not of the snapshot: that may come whole
            raise Refused(412, "difference-damaged", f"{error}; send it whole") from None
        raise Refused(_STATUS[error.code], error.code, str(error)) from None


def _open(plain: bytes, agent: Agent) -> _Opened:
    try:
        sealed = parse(plain)
        if sealed.agent != agent.pk:
            raise SealError("forged", "it was sent in another agent's name than it is sealed in")
        verify(sealed, bytes(agent.public_key))
    except SealError as error:
        raise Refused(_STATUS[error.code], error.code, str(error)) from None
    try:
        snapshot = Snapshot.from_bytes(sealed.snapshot)
    except ValueError as error:
        raise Refused(422, "not-a-snapshot", str(error)) from None
    if snapshot.target.kind not in MACHINES:
        raise Refused(422, "not-a-machine", f"{snapshot.target.kind} is no machine: put it together from its machines' snapshots")
    try:
        judged = None if sealed.judged is None else Judged.model_validate(sealed.judged)
    except ValidationError as error:
        raise Refused(422, "not-a-snapshot", f"judged: {error.errors()[0]['msg']}") from None
    try:
        collected_at = snapshot.collected_at.astimezone(UTC)
    except OverflowError:
        raise Refused(422, "not-a-snapshot", "collected_at: not a time of this calendar") from None
    return _Opened(sealed, snapshot, judged, collected_at, hosts.deciding(snapshot.records))


def _here(snapshot: str) -> StoredSnapshot | None:
    return StoredSnapshot.objects.select_related("assessment").filter(pk=snapshot).first() if _is_here(snapshot) else None


def _again(known: StoredSnapshot, opened: _Opened, agent: Agent) -> Taken:
    same = known.agent_id == agent.pk and known.sealed_sha256 == hashlib.sha256(opened.sealed.plain).hexdigest()
    if known.agent_id == agent.pk and not same:  # kept before that was noted, or a header line of another spelling
        kept = known.open()
        # Ed25519 is deterministic: equal signatures mean equal contents
        same = (kept.signature, kept.snapshot) == (opened.sealed.signature, opened.sealed.snapshot)
    if not same:
        raise Refused(409, "id-reused", "a snapshot of this id is here already, with other contents")
    assessment = getattr(known, "assessment", None)
    return Taken(known.pk, False, _agree(assessment.agent if assessment else None))


def _kind(known: Machine | None, snapshot: Snapshot) -> str:
    """What we have registered; for a machine that is new to us, or reached from afar, what the snapshot says.

    A station's targets file is the register of what it reaches, and the snapshot repeats it. `other` there means that
    nobody said, so it takes nothing back.
    """
    said, afar = snapshot.target.kind, "name" in _named(snapshot)
    return said.value if known is None or (afar and said is not Kind.OTHER) else known.kind


def _named(snapshot: Snapshot) -> dict[str, Any]:
    """By which columns its machine is found among those of its agent."""
    target = snapshot.target
    return {"own": True} if target.via in ("local", "root") else {"own": False, "name": target.name}


def _speaks_of(snapshot: Snapshot, machine: Machine) -> bool:
    return all(getattr(machine, name) == value for name, value in _named(snapshot).items())


def _known(agent: Agent, snapshot: Snapshot) -> Machine | None:
    named = _named(snapshot)
    return _own.first(agent.pk) if named["own"] else _reached.first(agent.pk, named["name"])


def _machine_of(base: StoredSnapshot) -> Machine:
    """Nearly always the difference is to the newest one, which we have in hand."""
    if base.machine.latest_id == base.pk:
        base.machine.latest = base
    return base.machine


def _judged(opened: _Opened, policy: Policy, kind: str, machine: Machine | None) -> judge.ToKeep | None:
    try:
        return judge.judged_here(machine.pk if machine else None, opened.snapshot, policy, kind, opened.judged)
    except OperationalError:
        raise
    except Exception:  # facts are worth keeping even when our own judgement fails; `rejudge` catches up
        log.exception("snapshot %s could not be judged", opened.snapshot.id)
        return None


def _store(form: keeping.Form, opened: _Opened, agent: Agent, verdicts: judge.ToKeep | None) -> StoredSnapshot:
    snapshot, now = opened.snapshot, timezone.now()
    machine = _machine(agent, snapshot)
    columns = {
        "id": snapshot.id,
        "machine_id": machine.pk,
        "agent_id": agent.pk,
        "received_at": now,
        "collected_at": opened.collected_at,
        "orders_at": min(opened.collected_at, now),
        "clock_ahead": opened.collected_at > now + AHEAD,
        "privileged": snapshot.privileged,
        "seconds": snapshot.seconds,
        "collector": snapshot.collector[:50],
        "digest": snapshot.digest[:64],
        "deciding": opened.deciding,
        "sealed_sha256": hashlib.sha256(opened.sealed.plain).hexdigest(),
        "sound_for": "" if snapshot.problems() else facts_digest(),
        **form._asdict(),
    }
    insert(StoredSnapshot, columns)
    stored = StoredSnapshot(**columns)
    stored._state.adding = False
    stored.machine = machine
    if machine.latest is None or (stored.orders_at, stored.pk) > (machine.latest.orders_at, machine.latest.pk):
        if machine.latest is None or machine.latest.deciding != stored.deciding:
            # what rests on feeds is unknown until it is matched; the wish to match it soon is no part of the report
            transaction.on_commit(wake, robust=True)
        cards = matching.cards_of(machine)
        hardware.watch(machine, stored, snapshot, cards)
        machine.follow(stored, verdicts.columns if verdicts else None)
        _describe(machine, snapshot)
        _renew(*(getattr(machine, name) for name in TOLD), machine.pk)
        matching.note(machine, snapshot, cards)
    if stored.clock_ahead:
        judge.raise_alarm(
            machine, "clock-ahead", stored.pk, collected_at=opened.collected_at.isoformat(), received_at=now.isoformat()
        )
    return stored


def _machine(agent: Agent, snapshot: Snapshot) -> Machine:
    if snapshot.target.via in ("local", "root"):
        own = _own_now.first(agent.pk)
        if own is None:
            raise Machine.DoesNotExist(f"agent {agent.pk} has no machine of its own")
        return own
    found, _new = Machine.objects.select_related("unit", "latest").get_or_create(
        agent=agent, own=False, name=snapshot.target.name, defaults={"unit": agent.unit, "kind": snapshot.target.kind.value}
    )
    kind = _kind(found, snapshot)
    if kind != found.kind and (found.latest is None or snapshot.collected_at >= found.latest.collected_at):
        journal.write("machine.kind", agent.pk, unit_path=found.unit.path, subject=found.name, kind=f"{found.kind} → {kind}")
        found.kind = kind
        found.save(update_fields=["kind"])
    return found


def _describe(machine: Machine, snapshot: Snapshot) -> None:
    identity = snapshot.told(Identity)
    if identity is not None:  # else what we knew stays
        machine.hostname = (identity.hostname or machine.hostname)[:253]
        machine.os_name = (identity.os_name or machine.os_name)[:200]
        machine.machine_id = (identity.machine_id or machine.machine_id)[:64]


def _keep(stored: StoredSnapshot, verdicts: judge.ToKeep | None, judged: Judged | None) -> bool | None:
    if verdicts is None:
        judge.raise_alarm(stored.machine, "not-judged", stored.pk)
        return None
    kept = judge.keep(stored, verdicts)
    if kept.agent == StoredAssessment.DIFFERS and judged:
        both = {"collector_verdicts": kept.verdicts, "machine_verdicts": judged.verdicts, "pack": kept.digest}
        judge.raise_alarm(stored.machine, "verdicts-differ", stored.pk, **both)
    return _agree(kept.agent)


def _agree(agent: str | None) -> bool | None:
    return {StoredAssessment.AGREES: True, StoredAssessment.DIFFERS: False}.get(agent or "")
