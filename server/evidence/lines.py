"""What the database holds, as the lines of a bundle say it (baselines/evidence/form.py)."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from baselines.evidence import form
from server.approvals.models import Request
from server.campaigns.models import Campaign, Row
from server.evidence.scope import Scope, away, line_of, rows
from server.feeds import status as feeds
from server.findings.codes import WORDS
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.journal import export
from server.journal.models import Entry
from server.units.models import Unit
from server.waivers.models import Attestation, Cover, Waiver, in_force

SLICE = 50


# hosts and snapshots ---------------------------------------------------------------------------------------------------


def snapshots(scope: Scope) -> Iterator[tuple[Machine, StoredSnapshot | None, str]]:
    """Machine, snapshot (None: kept no longer), moment; a few at a time."""
    for start in range(0, len(scope.machines), SLICE):
        part = scope.machines[start : start + SLICE]
        machines = Machine.objects.select_related("unit").in_bulk([pk for pk, _snapshot, _moment in part])
        for pk, snapshot, moment in part:
            stored = StoredSnapshot.objects.select_related("base", "assessment").filter(pk=snapshot).first()
            yield machines[pk], stored, moment


def hosts(agents: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Enrolment records, by id."""
    wanted = sorted(agents)
    for start in range(0, len(wanted), SLICE):
        for agent in Agent.objects.select_related("unit", "token").filter(pk__in=wanted[start : start + SLICE]).order_by("pk"):
            yield form.Host(
                agent=agent.pk, name=agent.name, path=agent.unit.path, public_key=base64.b64encode(agent.public_key).decode(),
                enrolled_at=agent.enrolled_at, token=agent.token.public if agent.token else "", waiting=agent.waiting,
                revoked_at=agent.revoked_at,
            ).model_dump(mode="json")  # fmt: skip


# people's words --------------------------------------------------------------------------------------------------------


class Words:
    """Waivers and attestations that count for the machines of a scope."""

    def __init__(self, scope: Scope, now: datetime) -> None:
        self.scope, self.now = scope, now
        self.units = {unit.pk: unit for unit in Unit.objects.all()}
        self._machines = {pk for pk, _snapshot, _moment in scope.machines}
        self.left_out: list[str] = []
        self.files: dict[str, Any] = {}
        self.waivers = list(self._waivers())
        self.attestations = list(self._attestations())

    def _near(self) -> Q:
        return Q(unit__path__under=self.scope.unit.path) | Q(unit__in=self.scope.unit.ids)

    def _waivers(self) -> Iterator[Waiver]:
        """One of a unit above that names machines of others too is not shown to whoever sees only this part."""
        found = Waiver.objects.filter(in_force(self.now)).filter(self._near())
        for waiver in found.select_related("unit", "request__asked_by", "request__decided_by", "attachment").order_by("pk"):
            named = set(waiver.covers.values_list("machine", flat=True))
            here = waiver.whole or bool(named & self._machines)
            inside = waiver.unit.path.startswith(self.scope.unit.path)
            if here and not waiver.whole and not inside and not named <= self._machines:
                self.left_out.append(f"waiver {waiver.pk}: it names machines of other units as well")
            elif here:
                self._file(waiver.attachment)
                yield waiver

    def _attestations(self) -> Iterator[Attestation]:
        above = Q(unit__in=self.scope.unit.ids, machine=None, system="")
        found = Attestation.objects.filter(in_force(self.now)).filter(Q(unit__path__under=self.scope.unit.path) | above)
        for word in found.select_related("unit", "attachment").order_by("pk"):
            if word.machine_id is None or word.machine_id in self._machines:
                self._file(word.attachment)
                yield word

    def _file(self, attachment: Any) -> None:
        if attachment is not None:
            self.files[attachment.pk] = attachment

    def waiver_lines(self) -> Iterator[dict[str, Any]]:
        for waiver in self.waivers:
            covers = Cover.objects.filter(waiver=waiver).select_related("machine").order_by("machine")
            yield form.WaiverLine(
                **self._word(waiver), check=waiver.check_id, type=waiver.type, reason=waiver.reason, measure=waiver.measure,
                whole=waiver.whole, machines=tuple(one.machine_id for one in covers), names=tuple(one.machine.name for one in covers),
                asked_by=waiver.asked_by, approved_by=waiver.approved_by, request=_asked(waiver.request),
            ).model_dump(mode="json")  # fmt: skip

    def attestation_lines(self) -> Iterator[dict[str, Any]]:
        for word in self.attestations:
            yield form.AttestationLine(
                **self._word(word), machine=word.machine_id, state=word.state, by=word.by, role=word.role, note=word.note,
                said_at=word.said_at,
            ).model_dump(mode="json")  # fmt: skip

    def _word(self, word: Waiver | Attestation) -> dict[str, Any]:
        return {
            "id": word.pk, "baseline": word.baseline, "requirement": word.requirement, "level": word.level,
            "document": word.document, "file": word.attachment_id or "", "file_name": word.file_name, "on": word.on,
            "until": word.until, "ended_at": word.ended_at, "ended_by": word.ended_by, "unit": line_of(word.unit, self.units),
            "path": word.unit.path, "system": word.system,
        }  # fmt: skip


def _asked(request: Request) -> form.Asked:
    return form.Asked(
        id=request.pk, kind=request.kind, subject=request.subject, payload=request.payload, reason=request.reason,
        attachment=request.attachment_id or "", asked_by_id=request.asked_by_id, asked_by=request.asked_by.username,
        decided_by=request.decided_by.username if request.decided_by else "", decided_at=request.decided_at, alone=request.alone,
        digest=request.digest,
    )  # fmt: skip


# the journal -----------------------------------------------------------------------------------------------------------


def journal(scope: Scope, agents: set[str], words: Words, until: int) -> Iterator[dict[str, Any]]:
    """Rows of this part of the tree, the enrolments of its hosts and the decisions on its waivers wherever they were; each with
    the digest before it."""
    before = Entry.objects.filter(pk__lt=OuterRef("pk")).order_by("-pk").values("digest")[:1]
    mine: Q = Q(unit_path__under=scope.unit.path)
    for path in scope.unit.places.values_list("path", flat=True):  # where it lay before it was moved
        mine |= Q(unit_path__under=path)
    elsewhere = {*_enrolments(agents), *_decisions(scope, words)}
    for entry in _merged(mine, sorted(elsewhere), until, before):
        row = dict(zip(export.ROW, entry.row(), strict=True))
        yield {"id": entry.pk, **row, "previous": entry.previous or "", "digest": entry.digest}  # type: ignore[attr-defined]


def _merged(mine: Q, elsewhere: list[int], until: int, before: Any) -> Iterator[Entry]:
    """Those of this part and those by number, in one order. Numbers are asked for in slices: a query takes only so many."""
    rows = Entry.objects.filter(pk__lte=until).annotate(previous=Subquery(before)).order_by("pk")
    others = (
        one for start in range(0, len(elsewhere), 500) for one in rows.filter(pk__in=elsewhere[start : start + 500]).exclude(mine)
    )
    return heapq.merge(rows.filter(mine).iterator(chunk_size=500), others, key=lambda entry: entry.pk)


def _enrolments(agents: set[str]) -> list[int]:
    rows = Entry.objects.filter(action="agent.enrolled").values_list("pk", "actor")
    return [pk for pk, actor in rows.iterator(chunk_size=2000) if actor in agents]


def _decisions(scope: Scope, words: Words) -> list[int]:
    """Of those waivers and attestations of units above that are in the bundle: other rows of theirs are not this part's."""
    above = [path for path in _paths(scope.unit) if path != scope.unit.path]
    requests = {waiver.request_id for waiver in words.waivers}
    said = {(word.by, str(word)) for word in words.attestations}
    digests = {word.digest for word in words.attestations}
    actions = ("request.approved", "request.alone", "waiver.ended", "attestation.said", "attestation.ended")
    rows = Entry.objects.filter(action__in=actions, unit_path__in=above)
    return [
        entry.pk
        for entry in rows.iterator(chunk_size=500)
        if entry.detail.get("request") in requests
        or (entry.action == "attestation.said" and (entry.actor, entry.subject) in said)
        or (entry.action == "attestation.ended" and entry.detail.get("digest") in digests)
    ]


def _paths(unit: Unit) -> list[str]:
    ids = unit.ids
    return ["/" + "".join(f"{pk}/" for pk in ids[:depth]) for depth in range(1, len(ids) + 1)]


# the rest --------------------------------------------------------------------------------------------------------------


def feed_lines() -> Iterator[dict[str, Any]]:
    for one in feeds.standings():
        yield form.FeedLine(
            name=one.name, kind=one.kind, publisher=one.publisher, data_date=one.data_date, sha256=one.digest,
            limit_days=one.limit_days, old=one.old,
        ).model_dump(mode="json")  # fmt: skip


def campaign_line(campaign: Campaign, states: dict[str, int]) -> dict[str, Any]:
    return form.Campaign(
        number=campaign.number, date=campaign.date, subject=campaign.subject, issuer=campaign.issuer, deadline=campaign.deadline,
        state=campaign.state, started_at=campaign.started_at, looked_at=campaign.looked_at, sealed_at=campaign.sealed_at,
        checks=tuple(campaign.checks), states=states, ground=campaign.result,
    ).model_dump(mode="json")  # fmt: skip


def campaign_rows(scope: Scope) -> Iterator[dict[str, Any]]:
    assert scope.account is not None
    found: QuerySet[Row] = rows(scope.account)
    for row in found.iterator(chunk_size=500):
        setattr(row, "elsewhere", away(row, scope.unit))  # noqa: B010  (what Account.rows works out for a person)
        machine = row.cut().now
        yield form.CampaignRow(
            row=row.pk, unit=row.part.name, name=row.name, machine=machine.pk if machine else None, state=row.state, why=row.why,
            before=row.before, before_checks=_verdicts(row.before_checks), before_snapshot=row.before_snapshot,
            checks=_verdicts(row.checks), snapshot=row.snapshot,
        ).model_dump(mode="json")  # fmt: skip


def _verdicts(checks: dict[str, int]) -> dict[str, str]:
    return {check: WORDS[code] for check, code in checks.items()}


def newest() -> tuple[int, str]:
    """Number and digest of the last row of the whole journal."""
    last = Entry.objects.order_by("-pk").values_list("pk", "digest").first()
    return last or (0, "")
