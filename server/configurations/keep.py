"""From a snapshot that was just stored to versions. Runs inside the transaction that stores it."""

from __future__ import annotations

import hashlib
import logging
from datetime import date, datetime

from django.db import DatabaseError, transaction
from django.utils.timezone import localtime

from collectors.facts.configuration import Configuration
from collectors.facts.identity import Identity
from collectors.model import Kind, Record, Snapshot
from server.assess import judge
from server.configurations import retention
from server.configurations.models import MonthEnd, Standing, Text, Version
from server.ingest.models import Machine, StoredSnapshot

log = logging.getLogger(__name__)

NETWORK = (Kind.ROUTER.value, Kind.SWITCH.value, Kind.FIREWALL.value)


def note(stored: StoredSnapshot, snapshot: Snapshot) -> None:
    """Keep what the snapshot says of its target's configuration. Snapshots may come late and in any order.

    A bug of ours costs a version and raises an alarm; the snapshot, which holds the same text, is stored all the same.
    """
    if "configuration" not in snapshot.by_fact:  # of most machines there is none
        return
    try:
        with transaction.atomic():
            _note(stored, snapshot)
    except DatabaseError:
        raise
    except Exception:
        log.exception("snapshot %s: its configuration could not be kept", stored.pk)
        judge.raise_alarm(stored.machine, "not-kept", stored.pk)


def _note(stored: StoredSnapshot, snapshot: Snapshot) -> None:
    record, machine, at = snapshot.by_fact["configuration"], stored.machine, stored.orders_at
    fact, reason = _fact(record)
    standing, _new = Standing.objects.get_or_create(machine=machine, defaults={"tried_at": at, "outcome": record.outcome})
    _same_device(machine, standing, snapshot)
    version = None if fact is None else _version(machine, fact, stored)
    if at >= standing.tried_at:
        standing.tried_at = at
        standing.outcome, standing.reason = ("seen", "") if fact else (_missed(record), reason)
    if fact is not None and version is not None:
        _month(machine, version, at)
        if standing.seen_at is None or at >= standing.seen_at:
            standing.seen_at, standing.saved = at, fact.saved
            if standing.current_id != version.pk:
                standing.changed_at = None if standing.current_id is None else at
                standing.current = version
    standing.save()
    if version is not None and version.first_snapshot == stored.pk:
        retention.prune(machine)


def _fact(record: Record) -> tuple[Configuration | None, str]:
    try:
        fact = record.typed()
    except ValueError as error:  # from a newer agent, or not of its type: what we had stays
        return None, str(error)
    return (fact, "") if isinstance(fact, Configuration) else (None, record.reason)


def _missed(record: Record) -> str:
    return "unparsable" if record.outcome == "seen" else record.outcome


def _version(machine: Machine, fact: Configuration, stored: StoredSnapshot) -> Version:
    """The version this snapshot shows: one that is known and lasts until then, or a new one."""
    at, text = stored.orders_at, _text(fact)
    # by the end, not the beginning: what came late into the midst of another version must not end that one
    before = machine.configurations.filter(first_at__lte=at).order_by("-last_at", "-pk").first()
    if before is not None and before.text_id == text.pk:
        if at > before.last_at:
            before.last_at, before.last_snapshot = at, stored.pk
            before.save(update_fields=["last_at", "last_snapshot"])
        return before
    after = machine.configurations.filter(first_at__gt=at).order_by("first_at", "pk").first()
    if after is not None and after.text_id == text.pk:
        after.first_at, after.first_snapshot = at, stored.pk
        after.save(update_fields=["first_at", "first_snapshot"])
        return after
    return Version.objects.create(
        machine=machine,
        text=text,
        first_at=at,
        last_at=at,
        first_snapshot=stored.pk,
        last_snapshot=stored.pk,
        changed_at=fact.changed_at,
        changed_by=(fact.changed_by or "")[:200],
    )


def _text(fact: Configuration) -> Text:
    """The text by the digest we make ourselves: equal digests of different texts must not be a sender's to arrange."""
    if fact.text is None:
        # a digest that only was claimed is kept apart from those we made
        digest = hashlib.sha256(f"not sent {fact.digest}".encode()).hexdigest()
        return Text.objects.get_or_create(digest=digest, defaults={"lines": max(0, fact.lines)})[0]
    raw = fact.text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(raw).hexdigest()
    found = Text.objects.filter(pk=digest).defer("packed").first()
    if found is None:  # or another device brought the same text a moment ago
        found, _new = Text.objects.get_or_create(
            digest=digest, defaults={"lines": fact.text.count("\n"), "packed": Text.pack(fact.text)}
        )
    return found


def _month(machine: Machine, version: Version, at: datetime) -> None:
    local = localtime(at)
    month = date(local.year, local.month, 1)
    known = MonthEnd.objects.filter(machine=machine, month=month).first()
    if known is None:
        MonthEnd.objects.create(machine=machine, month=month, version=version, seen_at=at)
    elif at >= known.seen_at:
        known.version, known.seen_at = version, at
        known.save(update_fields=["version", "seen_at"])


def _same_device(machine: Machine, standing: Standing, snapshot: Snapshot) -> None:
    """A serial number that another target has too: renamed in the targets file, listed twice, or by two stations."""
    identity = snapshot.told(Identity)
    serial = (identity.serial or "").strip()[:100] if identity else ""
    if not serial or serial == standing.serial or machine.kind not in NETWORK:
        return
    standing.serial = serial
    root = machine.unit.path.split("/")[1]
    twins = Machine.objects.filter(configuration__serial=serial, unit__path__under=f"/{root}/").exclude(pk=machine.pk)
    for twin in twins.order_by("pk")[:1]:
        # who sees this unit need not see the other one
        named = {"target": twin.name} if twin.unit_id == machine.unit_id else {}
        judge.raise_alarm(machine, "same-device", snapshot.id, serial=serial, **named)
