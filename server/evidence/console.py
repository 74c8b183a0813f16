"""`rasoat server evidence ...`: make bundles, list them, show the key they are sealed with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from baselines.evidence import seal
from server.approvals import files
from server.campaigns.models import Campaign
from server.documents import handed
from server.documents.making import Refused
from server.documents.models import Issue
from server.evidence import making
from server.evidence.models import CAMPAIGN, SYSTEM, UNIT, Bundle
from server.evidence.tasks import finish
from server.evidence.wording import problem
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named

LISTED = 50


def make(options: argparse.Namespace) -> int:
    """Here and now, and to a file of one's own: nothing is kept but its row."""
    try:
        own = making.sealing_keys()
    except making.NoKeys as error:
        return wrong(problem(f"keys: {error}"))
    issues = _issues(options.document)
    if issues is None:
        return USAGE
    held = _about(issues[0]) if issues and not (options.unit or options.campaign or options.system) else _held(options)
    if held is None or not _fit(issues, held):
        return USAGE
    try:
        held.reports += [[one.name, one.stored().pk] for one in map(handed.kept, issues)]
    except Refused as error:
        return wrong(error)
    for name in options.report:
        try:
            with Path(name).open("rb") as source:
                kept = files.take(Path(name).name, Path(name).stat().st_size, source)
        except OSError as error:
            return wrong(f"{name}: {error.strerror}")
        except files.Unfit as error:
            return wrong(f"{name}: {error}")
        held.reports.append([kept.name, kept.stored().pk])
    held.save()
    path = Path(options.output)
    try:
        finish(held, path.absolute(), _progress)
    except OSError as error:
        held.delete()
        return wrong(f"{path}: {error.strerror}")
    if not held.ready:
        wrong(problem(held.problem))
        return FAILED
    Bundle.objects.filter(pk=held.pk).update(state=Bundle.REMOVED)  # it lies where it was asked for, not here
    say(_("%(file)s: %(machines)d snapshots, %(size)d bytes, sha256 %(sha256)s") % {"file": path, "machines": held.machines, "size": held.size, "sha256": held.sha256})  # fmt: skip
    say(_("Sealed with the key %s. Tell it by another way to whoever checks.") % own.public.fingerprint)
    say(_("Check: rasoat verify %(file)s --key %(key)s") % {"file": path, "key": own.public.fingerprint})
    say(_("By another release of rasoat, or by a pack of one's own: add --trust-pack DIGEST for each pack that it says it does not ship, once that was held against whoever issues it."))  # fmt: skip
    return OK


def _issues(words: list[str]) -> list[Issue] | None:
    """None: what is wrong was said."""
    found = []
    for word in words:
        document, slash, number = word.partition("/")
        known = all(
            part.isascii() and part.isdecimal() and len(part) < 19 for part in ((document, number) if slash else (document,))
        )
        rows = Issue.objects.filter(document=int(document)).select_related("document__unit") if known else Issue.objects.none()
        issue = (rows.filter(number=int(number)) if known and slash else rows).first()
        if issue is None:
            wrong(_("no document %s") % word)
            return None
        found.append(issue)
    return found


def _about(issue: Issue) -> Bundle | None:
    """Of what a document is about, as far as its unit goes. Not saved yet."""
    (kind, pk), unit = handed.about(issue.document), issue.document.unit
    return Bundle(unit=unit, kind=kind, of=pk, name=issue.document.title[:300], asked_by="console")


def _fit(issues: list[Issue], held: Bundle) -> bool:
    """False: what is wrong was said."""
    for one in issues:
        if not handed.fits(one.document, held.kind, held.of, held.unit):
            wrong(_("Not about that, or of another unit: %s") % one.document.title)
            return False
    return True


def _held(options: argparse.Namespace) -> Bundle | None:
    """Not saved yet. None: what is wrong was said."""
    if options.campaign is not None:
        campaign = Campaign.objects.select_related("unit").filter(pk=options.campaign).exclude(frozen_at=None).first()
        if campaign is None:
            wrong(_("no campaign %d that has begun") % options.campaign)
            return None
        return Bundle(unit=campaign.unit, kind=CAMPAIGN, of=campaign.pk, name=f"{campaign.number} {campaign.subject}"[:300], asked_by="console")  # fmt: skip
    if options.system is not None:
        return _system(options.system)
    unit = named(options.unit)
    return None if unit is None else Bundle(unit=unit, kind=UNIT, of=unit.pk, name=unit.name, asked_by="console")


def _system(text: str) -> Bundle | None:
    from server.registers.systems import System

    found = list(
        System.objects.filter(code=text).select_related("unit") or System.objects.filter(name=text).select_related("unit")
    )
    if len(found) != 1:
        wrong((_("more than one information system is called %s") if found else _("no information system %s")) % text)
        return None
    return Bundle(unit=found[0].unit, kind=SYSTEM, of=found[0].pk, name=found[0].name[:300], asked_by="console")


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty() and (done == of or done % 20 == 0):
        sys.stderr.write(f"\r{done}/{of}" + ("\n" if done == of else ""))
        sys.stderr.flush()


def listed(options: argparse.Namespace) -> int:
    for held in Bundle.objects.select_related("unit")[:LISTED]:
        at = timezone.localtime(held.made_at or held.asked_at).strftime("%Y-%m-%d %H:%M")
        said = problem(held.problem) if held.problem else held.sha256
        say(f"{held.pk}  {at}  {held.name}  {held.state_word}  {held.asked_by}  {held.machines}  {said}".rstrip())
    return OK


def key(options: argparse.Namespace) -> int:
    try:
        public = making.sealing_keys().public
    except making.NoKeys as error:
        return wrong(problem(f"keys: {error}"))
    say(seal.pem(public.sign).decode().rstrip() if options.pem else public.fingerprint)
    return OK
