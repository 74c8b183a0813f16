"""What a person decides about a machine: it may come in, it is the same as before, it has left, it is back."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.utils import timezone

from server.assess import judge
from server.assess.models import StoredAssessment
from server.coverage import matching
from server.ingest.models import Agent, EnrolmentToken, Machine, StoredSnapshot
from server.journal import models as journal


class Impossible(ValueError):
    """It cannot be done; `code` says why, for programs and for translation."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def admit(token: EnrolmentToken, key: bytes, name: str, kind: str, identity: dict[str, Any], address: str) -> Agent:
    """A new agent, and the machine it runs on: a new one, or the one its token replaces. In the caller's transaction."""
    agent = Agent.objects.create(unit=token.unit, name=name, public_key=key, token=token, waiting=token.approval)
    if token.replaces is not None and not token.approval:
        take_over(token.replaces, agent)
    else:
        machine = Machine.objects.create(
            unit=token.unit, agent=agent, own=True, name=name, kind=kind, hostname=identity["hostname"],
            machine_id=identity["machine_id"] or "", os_name=identity["os_name"],
        )  # fmt: skip
        matching.look_again(machine)
    journal.write(
        "agent.enrolled", agent.pk, unit_path=token.unit.path, subject=name, address=address, token=token.public,
        waiting=agent.waiting or None, replaces=token.replaces_id, key=hashlib.sha256(key).hexdigest(),
    )  # fmt: skip
    return agent


@transaction.atomic
def approve(agent: Agent, by: str, address: str = "") -> None:
    """Let in who waits."""
    found = Agent.objects.select_for_update().get(pk=agent.pk)
    if found.revoked_at or not found.waiting:
        raise Impossible("not-waiting")
    found.waiting = False
    found.save(update_fields=["waiting"])
    replaced = found.token.replaces if found.token else None
    if replaced is not None:
        Machine.objects.filter(agent=found, own=True).delete()
        take_over(replaced, found)
    journal.write("agent.approved", by, unit_path=agent.unit.path, subject=agent.name, address=address, agent=agent.pk)


@transaction.atomic
def refuse(agent: Agent, by: str, address: str = "") -> None:
    """Send away who waits: its key is of no use here any more, and nothing it would have sent was taken."""
    found = Agent.objects.select_for_update().get(pk=agent.pk)
    if found.revoked_at or not found.waiting:
        raise Impossible("not-waiting")
    found.revoked_at = timezone.now()
    found.save(update_fields=["revoked_at"])
    Machine.objects.filter(agent=found, own=True, latest=None).update(retired_at=found.revoked_at, retired_why="refused")
    journal.write("agent.turned-away", by, unit_path=agent.unit.path, subject=agent.name, address=address, agent=agent.pk)


@transaction.atomic
def retire(machine: Machine, why: str, by: str, address: str = "") -> None:
    """Out of service: expected no more. Its own agent is revoked; what it sent stays."""
    found = Machine.objects.select_for_update().get(pk=machine.pk)
    if found.retired_at:
        return
    found.retired_at, found.retired_why = timezone.now(), why
    found.save(update_fields=["retired_at", "retired_why"])
    if found.own:
        Agent.objects.filter(pk=found.agent_id, revoked_at=None).update(revoked_at=found.retired_at)
    journal.write("machine.retired", by, unit_path=machine.unit.path, subject=machine.name, address=address, why=why)


@transaction.atomic
def restore(machine: Machine, by: str, address: str = "") -> None:
    """Back in service. Its agent's key stays revoked: it comes in with a token that replaces this machine."""
    changed = Machine.objects.filter(pk=machine.pk).exclude(retired_at=None).update(retired_at=None, retired_why="")
    if changed:
        journal.write("machine.restored", by, unit_path=machine.unit.path, subject=machine.name, address=address)


def take_over(old: Machine, agent: Agent) -> None:
    """The agent that just came in runs on this machine, installed anew. Whoever ran on it before is revoked. In a transaction."""
    former = old.agent
    old.agent, old.own, old.name, old.retired_at, old.retired_why = agent, True, agent.name, None, ""
    old.save(update_fields=["agent", "own", "name", "retired_at", "retired_why"])
    Agent.objects.filter(pk=former.pk, revoked_at=None).exclude(pk=agent.pk).update(revoked_at=timezone.now())


def unite(new: Machine, old: Machine, by: str, address: str = "") -> None:
    """`new` is `old`, installed anew: its reports go on the history of `old`, and `new` is no more. Raises Impossible.

    Judged again afterwards, outside the transaction: what holds now is what the newest report says.
    """
    with transaction.atomic():
        both = {
            one.pk: one
            for one in Machine.objects.select_for_update().filter(pk__in=(new.pk, old.pk)).select_related("agent", "unit")
        }
        if new.pk == old.pk or len(both) != 2:
            raise Impossible("one-machine")
        new, old = both[new.pk], both[old.pk]
        if not (new.own and old.own):
            raise Impossible("reached")
        if new.latest_id is None:
            raise Impossible("never-reported")
        agent = new.agent
        StoredSnapshot.objects.filter(machine=new).update(machine=old)
        StoredAssessment.objects.filter(machine=new).update(machine=old)
        # answered by this: what was open about the new one, and what the old one had against it
        for answered in (new.alarms.filter(closed_at=None), old.alarms.filter(closed_at=None, detail__number=new.pk)):
            answered.update(closed_at=timezone.now(), closed_by=by)
        new.alarms.update(machine=old)
        described = {name: getattr(new, name) for name in ("name", "hostname", "machine_id", "serial", "os_name")}
        unit, new_pk = new.unit, new.pk
        new.delete()
        take_over(old, agent)
        old.follow(StoredSnapshot.objects.filter(machine=old).order_by("-orders_at", "-pk").first(), None)  # judged below
        for name, value in described.items():
            setattr(old, name, value or getattr(old, name))
        old.save()
        journal.write(
            "machine.united", by, unit_path=old.unit.path, subject=old.name, address=address, was=new_pk, unit=unit.name, agent=agent.pk
        )  # fmt: skip
    if old.latest is not None:
        with transaction.atomic():
            matching.note(old, old.latest.snapshot(), matching.cards_of(old))
            matching.look_again(old)
    judge.rejudge(iter([old]))
