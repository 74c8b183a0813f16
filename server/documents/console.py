"""`rasoat dossier ...` and `rasoat server letterhead ...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from server.campaigns.models import Campaign
from server.campaigns.reading import Unreadable, contacts
from server.documents import changing, due, making, routines
from server.documents.arguments import FIELDS
from server.documents.kinds import SPANS
from server.documents.letterhead import desk
from server.documents.models import Document, Due, Issue, Routine
from server.documents.spans import FORMS, parse
from server.registers.systems import System
from server.terminal import OK, USAGE, say, wrong
from server.units.console import named

MAX_BYTES = 4 * 1024 * 1024


def reply(options: argparse.Namespace) -> int:
    campaign = Campaign.objects.filter(pk=options.campaign).select_related("unit").first()
    if campaign is None:
        return wrong(_("no campaign %d") % options.campaign)
    unit = named(options.unit) if options.unit else campaign.unit
    if unit is None:
        return USAGE
    return _write(options, lambda answers: making.of_campaign(campaign, unit, None, "console", answers, options.blank_signer))


def level(options: argparse.Namespace) -> int:
    found = _system(options.system)
    if len(found) != 1:
        return wrong(_("no information system %s in the register") % options.system if not found else _("more than one information system is called %s; name it by its number: %s") % (options.system, ", ".join(str(one.pk) for one in found)))  # fmt: skip
    return _write(options, lambda answers: making.of_system(found[0], None, "console", options.baseline, options.level, answers, options.blank_signer))  # fmt: skip


def report(options: argparse.Namespace) -> int:
    kind = SPANS[options.kind]
    try:
        span = parse(kind, options.period or "", timezone.localdate())
    except ValueError:
        if kind == "":
            return wrong(_("%s speaks of the moment it is made; leave --period out") % options.kind)
        return wrong(_("--period of %(kind)s is written like %(form)s") % {"kind": options.kind, "form": FORMS[kind]})
    unit = named(options.unit)
    if unit is None:
        return USAGE
    return _write(
        options, lambda answers: making.of_unit(options.kind, unit, span, None, "console", answers, options.blank_signer)
    )


def _system(word: str) -> list[System]:
    every = System.objects.select_related("unit")
    if word.isascii() and word.isdecimal() and len(word) < 19 and (one := every.filter(pk=int(word)).first()):
        return [one]
    return list(every.filter(code=word)[:2]) or list(every.filter(name=word)[:5])


def _answers(path: str | None) -> dict[str, str]:
    """Raises making.Refused."""
    if path is None:
        return {}
    try:
        raw = Path(path).read_bytes()
        told = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except OSError as error:
        raise making.Refused(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise making.Refused(f"{path}: {error}") from None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise making.Refused(_('%s: one JSON object of texts is needed, such as {"wishes": "..."}') % path)
    return told


def _write(options: argparse.Namespace, make: Callable[[dict[str, str]], Issue]) -> int:
    try:
        answers = _answers(options.answers)
        issue = make(answers)
        report = issue.report
        data, _media = making.file(report, options.format)
    except making.Unasked as error:
        return wrong(f"{options.answers}: {error}")
    except making.Refused as error:
        return wrong(error)
    try:
        Path(options.output).write_bytes(data)
    except OSError as error:
        return wrong(f"{options.output}: {error.strerror}")
    say(_("%(file)s: document %(document)d, issue %(issue)d, %(bytes)d bytes") % {"file": options.output, "document": issue.document_id, "issue": issue.number, "bytes": len(data)})  # fmt: skip
    if unused := sorted(answers.keys() - {one.id for one in report.asked}):
        say(_("%(file)s: kept, but not printed in this issue, which does not ask it: %(ids)s") % {"file": options.answers, "ids": ", ".join(unused)})  # fmt: skip
    if issue.blanks:
        say(_("%(count)d places are blank and marked; `rasoat dossier asks %(document)d` names them.") % {"count": issue.blanks, "document": issue.document_id})  # fmt: skip
    if issue.provisional:
        say(_("Its numbers may still change: the time it speaks of is not over."))
    return OK


def listed(options: argparse.Namespace) -> int:
    for one in Document.objects.select_related("unit").prefetch_related("issues"):
        newest = one.issues.first()
        told = f"{newest.number}  {timezone.localtime(newest.made_at):%Y-%m-%d %H:%M}  {newest.made_by}" if newest else "–"
        say(f"{one.pk}  {one.get_kind_display()}  {one.unit.name}  {one.title}  {told}")
    return OK


def routines_listed(options: argparse.Namespace) -> int:
    today = timezone.localdate()
    for one in Routine.objects.select_related("unit").order_by("unit__path", "kind"):
        span = due.last_over(one.kind, today).after
        when = f"{span.written} {timezone.localdate(due.falls(one.kind, span))}" if one.unit.open else "–"
        say(f"{one.unit.name}  {one.kind}  {one.get_kind_display()}  {when}  {one.made_by}")
    for held in routines.missing(Due.objects.all()):
        told = {"unit": held.unit.name, "kind": held.kind, "span": held.span, "day": held.tried_on, "why": held.problem}
        say(_("%(unit)s: %(kind)s %(span)s could not be prepared on %(day)s: %(why)s") % told)
    return OK


def routine_add(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    try:
        new = routines.add(unit, options.kind, "console")
    except routines.Unfit as error:
        return wrong(error)
    told = {"unit": unit.name, "kind": options.kind}
    say((_("%(kind)s is prepared for %(unit)s from now on.") if new else _("%(kind)s was prepared for %(unit)s already.")) % told)
    return OK


def routine_remove(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    told = {"unit": unit.name, "kind": options.kind}
    if not routines.remove(unit, options.kind, "console"):
        return wrong(_("%(kind)s is not prepared for %(unit)s.") % told)
    say(_("%(kind)s is prepared for %(unit)s no more.") % told)
    return OK


def asks(options: argparse.Namespace) -> int:
    newest = Issue.objects.filter(document=options.document).first()
    if newest is None:
        return wrong(_("no document %d") % options.document)
    told = [{"id": one.id, "text": one.text} for one in newest.report.asked if not one.answer]
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    return OK


def show(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    held = desk(unit)
    say(f"{unit.name}: {held.named}")
    for name, value in (("above", " / ".join(held.above)), ("issuer", " / ".join(held.issuer)), *held.values.items()):
        say(f"  {name}: {value!r}" if "\n" in value else f"  {name}: {value or '–'}")
    for one in held.contacts:
        say(f"  contact: {one['name']}; {one['email']}; {one['phones']}")
    return OK


def put(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    given: dict[str, object] = {
        name: value.replace("\\n", "\n") for name in FIELDS if (value := getattr(options, name)) is not None
    }
    try:
        if options.contact is not None:
            given["contacts"] = contacts("\n".join(options.contact))
        if options.internal:
            given["internal"] = {"yes": True, "no": False, "inherit": None}[options.internal]
        if options.through_above:
            given["through_above"] = options.through_above == "yes"
        changing.change(unit, given, "console")
    except (Unreadable, changing.Unfit) as error:
        return wrong(*str(error).splitlines())
    return show(options)
