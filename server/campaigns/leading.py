"""What people do with a campaign: prepare, start, answer, close. Each is one transaction with its row of the journal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from baselines.loader import BaselineError
from server.assess import packs
from server.campaigns import freezing, proof, reading
from server.campaigns.models import Campaign, Part
from server.coverage.models import Expected
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.units.models import Unit, resolve

Given = dict[str, Any]


class Impossible(ValueError):
    """It cannot be done so. The message is for people."""


class Overtaken(Impossible):
    """Somebody else saved it since it was read. The message names who and when."""


def make(unit: Unit, pattern: str, given: Given, by: str, address: str = "") -> Campaign:
    """A draft."""
    with transaction.atomic():
        made = Campaign.objects.create(unit=unit, pattern=pattern, made_by=by, changed_by=by, **given)
        _note("campaign.new", made, by, address, until=made.deadline.isoformat())
    return made


def change(campaign: Campaign, given: Given, version: int, by: str, address: str = "") -> Campaign:
    """Save what was changed of the state that had that version. Raises Overtaken, Impossible."""
    with transaction.atomic():
        held = Campaign.objects.select_for_update(of=("self",)).select_related("unit").get(pk=campaign.pk)
        if held.version != version:
            raise Overtaken(
                _("%(who)s saved it at %(at)s, while you were writing. Nothing of yours was saved; look at it anew.")
                % {"who": held.changed_by, "at": _moment(held.changed_at)}
            )
        if not held.changeable:
            raise Impossible(_("It cannot be changed any more: it is %s.") % held.get_state_display())
        other = sorted(name for name, value in given.items() if getattr(held, name) != value)
        if not other:
            return held
        before = held.deadline
        for name in other:
            setattr(held, name, given[name])
        held.version, held.changed_by, held.changed_at = version + 1, by, timezone.now()
        held.save(update_fields=[*other, "version", "changed_by", "changed_at"])
        moved = {"before": before.isoformat(), "until": held.deadline.isoformat()} if "deadline" in other else {}
        _note("campaign.changed", held, by, address, changes=", ".join(other), **moved)
    return held


def remove(campaign: Campaign, by: str, address: str = "") -> None:
    """A draft that is not wanted. Raises Impossible."""
    with transaction.atomic():
        held = _held(campaign, Campaign.DRAFT)
        _note("campaign.removed", held, by, address)
        held.delete()


def start(campaign: Campaign, by: str, address: str = "") -> Campaign:
    """From this moment on reports count; who is in the scope is written down in the background. Raises Impossible."""
    from server.campaigns import tasks

    with transaction.atomic():
        held = _held(campaign, Campaign.DRAFT)
        if not (held.checks and held.kinds):
            raise Impossible(_("Choose at least one check and one kind of machine."))
        units = freezing.tops(held)
        if not units or not all(unit.open for unit in units):
            raise Impossible(_("A unit that was chosen has gone over into another one: choose anew."))
        held.started_at, held.started_by, held.state = timezone.now(), by, Campaign.STARTING
        lines = Expected.objects.filter(freezing.lines_of(held, held.started_at))
        if not (Machine.objects.filter(freezing.machines_of(held), IN_SERVICE).exists() or lines.exists()):
            raise Impossible(_("No machine of these kinds is known in these units."))
        held.save(update_fields=["started_at", "started_by", "state"])
        parts = _parts(held, units)
        Part.objects.bulk_create(parts, batch_size=freezing.SLICE)
        _note("campaign.started", held, by, address, until=held.deadline.isoformat(), rows=len(parts))
        tasks.ask(tasks.freeze, held, by)
    return held


def _parts(campaign: Campaign, units: list[Unit]) -> list[Part]:
    """Every unit in being there. Asked to answer are the chosen ones; of a whole unit those right below it."""
    every = {unit.pk: unit for unit in Unit.objects.all()}
    chosen = {unit.pk for unit in units} if campaign.units else set()
    here = [unit for unit in every.values() if unit.open and any(unit.path.startswith(top.path) for top in units)]
    if not chosen:
        chosen = {unit.pk for unit in here if unit.parent_id == campaign.unit_id} or {campaign.unit_id}
        if Machine.objects.filter(IN_SERVICE, unit=campaign.unit).exists():
            chosen.add(campaign.unit_id)
    digests: dict[str, str] = {}
    parts = []
    for unit in here:
        policy = resolve(unit, every)
        if policy.baseline not in digests:
            digests[policy.baseline] = _digest(policy.baseline)
        parts.append(
            Part(
                campaign=campaign, unit=unit, name=unit.name, code=unit.code, path=unit.path, answers=unit.pk in chosen,
                level=policy.level, baseline=policy.baseline, digest=digests[policy.baseline],
                tailoring=proof.tailored(policy.tailoring),
            )
        )  # fmt: skip
    return parts


def _digest(baseline: str) -> str:
    try:
        return packs.get(baseline).digest
    except (BaselineError, OSError):
        return ""


def receive(part: Part, by: str, note: str = "", address: str = "") -> None:
    """The unit says that it has the letter; the first word stands. Raises Impossible."""
    with transaction.atomic():
        _running(part)
        new = Part.objects.filter(pk=part.pk, received_at=None)
        if not new.update(received_at=timezone.now(), received_by=by, received_note=note):
            raise Impossible(_("%s has confirmed it already.") % Part.objects.get(pk=part.pk).received_by)
        _note("campaign.received", part.campaign, by, address, path=part.unit.path, unit=part.name)


def hand_in(part: Part, by: str, name: str, role: str, note: str, version: int, address: str = "") -> None:
    """A responsible person hands the unit's part in, over what had that version. The account says what it says. Raises
    Overtaken, Impossible."""
    with transaction.atomic():
        _running(part)
        held = Part.objects.select_for_update(of=("self",)).get(pk=part.pk)
        if held.handed_version != version:
            raise _overtaken(held.handed_by, held.handed_at)
        Part.objects.filter(pk=part.pk).update(
            handed_at=timezone.now(), handed_by=by, handed_name=name, handed_role=role, handed_note=note, handed_version=version + 1
        )  # fmt: skip
        _note(
            "campaign.handed-in", part.campaign, by, address, path=part.unit.path, unit=part.name, people=f"{name}, {role}",
            said=note or None,
        )  # fmt: skip


def put_on_duty(part: Part, roster: list[reading.Entry], version: int, by: str, address: str = "") -> None:
    """The unit's own duty roster, over the one that had that version. Raises Overtaken, Impossible."""
    with transaction.atomic():
        _running(part)
        held = Part.objects.select_for_update(of=("self",)).get(pk=part.pk)
        if held.roster_version != version:
            raise _overtaken(held.roster_by, held.roster_at)
        Part.objects.filter(pk=part.pk).update(roster=roster, roster_by=by, roster_at=timezone.now(), roster_version=version + 1)
        people = "; ".join(reading.written([one], ("name", "begin", "end")) for one in roster)
        _note(
            "campaign.roster", part.campaign, by, address, path=part.unit.path, unit=part.name, rows=len(roster), people=people or None
        )  # fmt: skip


def _overtaken(who: str, at: datetime | None) -> Overtaken:
    return Overtaken(
        _(
            "%(who)s saved this at %(at)s, while you were writing. Nothing of yours was saved: below stand what is saved now and "
            "what you wrote; save again to put yours in its place."
        )
        % {"who": who or "–", "at": _moment(at) if at else "–"}
    )


def close(campaign: Campaign, by: str, address: str = "") -> Campaign:
    """A last look is taken in the background, and then nothing changes any more. Raises Impossible."""
    from server.campaigns import tasks

    with transaction.atomic():
        held = _held(campaign, Campaign.RUNNING)
        held.state, held.closed_by, held.closed_at = Campaign.CLOSING, by, timezone.now()
        held.save(update_fields=["state", "closed_by", "closed_at"])
        tasks.ask(tasks.seal, held, by, address=address)
    return held


def _held(campaign: Campaign, state: str) -> Campaign:
    """The row, ours until the end of the transaction. Raises Impossible."""
    held = Campaign.objects.select_for_update(of=("self",)).select_related("unit").get(pk=campaign.pk)
    if held.state != state:
        raise Impossible(_("It cannot be done now: the campaign is %s.") % held.get_state_display())
    return held


def _running(part: Part) -> None:
    _held(part.campaign, Campaign.RUNNING)


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


def _note(action: str, campaign: Campaign, by: str, address: str, path: str = "", **detail: Any) -> None:
    journal.write(
        action,
        by,
        unit_path=path or campaign.unit.path,
        subject=f"{campaign.number} {campaign.subject}",
        address=address,
        **detail,
    )
