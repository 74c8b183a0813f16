"""`rasoat server unit ...`: the organisation tree at the console."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baselines.loader import BaselineError
from server.approvals import deciding
from server.approvals import packs as pack_change
from server.approvals.first import ask_for_pack
from server.assess import packs
from server.assess.tasks import follow
from server.ingest.models import Machine
from server.journal import models as journal
from server.schedules.rollouts import CannotRoll
from server.terminal import OK, say, wrong
from server.units import importing, kinds, operations, rows
from server.units.models import Unit, by_code, resolve
from server.units.operations import DAY, By, Inconsistent

Command = Callable[[argparse.Namespace], int]


def find(text: str | None) -> Unit:
    """The unit in being of that code, or else of that name; the root for None. Raises Inconsistent, with what became of it."""
    if text is None:
        root = Unit.objects.filter(parent=None).first()
        if root is None:
            raise Inconsistent(_("there is no unit yet"))
        return root
    known = by_code(text) + list(Unit.objects.filter(name=text).order_by("valid_until", "pk"))
    named = {unit.pk: unit for unit in Unit.objects.filter(name=text, valid_until=None)}
    coded = [unit for unit in known if unit.open and text in (unit.code, *unit.names.values_list("code", flat=True))]
    if coded or len(named) == 1:
        return (coded or list(named.values()))[0]
    if named:
        codes = ", ".join(unit.code or "–" for unit in named.values())
        raise Inconsistent(_("more than one unit is called %s") % text + f" ({codes})")
    if known:
        raise Inconsistent(f"{operations.ended(known[0])} {became(known[0])}")
    raise Inconsistent(_("no unit %s") % text)


def named(text: str | None) -> Unit | None:
    """The same for other consoles: says what is wrong and gives None."""
    try:
        return find(text)
    except Inconsistent as error:
        wrong(error)
        return None


def became(unit: Unit) -> str:
    """What became of a unit that ended, in words."""
    heirs = unit.heirs()
    return _("Its successor today: %s") % ", ".join(map(_called, heirs)) if heirs else _("It has no successor.")


def _told(function: Command) -> Command:
    @wraps(function)
    def run(options: argparse.Namespace) -> int:
        try:
            return function(options)
        except (Inconsistent, importing.Wrong) as error:
            return wrong(error)

    return run


@_told
def new(options: argparse.Namespace) -> int:
    parent = find(options.parent)
    if Unit.objects.filter(parent=parent, name=options.name, valid_until=None).exists():
        raise Inconsistent(_("unit %s exists already") % options.name)
    wish = Unit(name=options.name, parent=parent)
    _apply(wish, options)
    operations.create(
        options.name, parent, _by(options), code=options.code, kind=options.kind, valid_from=options.valid_from,
        level=wish.level, interval_seconds=wish.interval_seconds, baseline=wish.baseline, tailoring=wish.tailoring,
    )  # fmt: skip
    return OK


@_told
def change(options: argparse.Namespace) -> int:
    unit = find(options.name)
    held = unit.baseline, unit.tailoring
    _apply(unit, options)
    alone = False
    if (unit.baseline, unit.tailoring) != held and _reported(unit):
        alone = deciding.alone(pack_change.KIND)
        if not alone:
            return _ask(unit, held, options)
    with transaction.atomic():
        unit.save()
        if alone:
            journal.write("request.alone", "console", unit_path=unit.path, subject=unit.name, kind=pack_change.KIND)
        journal.write(
            "unit.changed", "console", unit_path=unit.path, subject=unit.name,
            level=unit.level, baseline=unit.baseline, interval=unit.interval_seconds, tailoring=bool(unit.tailoring),
        )  # fmt: skip
        _follow(unit)
    return OK


def _reported(unit: Unit) -> bool:
    """Machines there are held to something already: another pack or other values take two people from then on."""
    return Machine.objects.filter(unit__path__under=unit.path, latest__isnull=False).exists()


def _ask(unit: Unit, held: tuple[str, str], options: argparse.Namespace) -> int:
    """For the pack and the stricter values that were given; the level and the times beside them would come first, or never."""
    if options.level or options.interval:
        raise Inconsistent(
            _("level and interval are set by a command of their own: the pack and its stricter values are asked for")
        )
    tailoring = unit.tailoring if options.tailoring else None
    unit.baseline, unit.tailoring = held
    try:
        return ask_for_pack(unit, options.by, options.why, baseline=options.baseline or "", tailoring=tailoring)
    except CannotRoll as error:
        raise Inconsistent(str(error)) from None


def tree(options: argparse.Namespace) -> int:
    units = {unit.pk: unit for unit in Unit.objects.all()}
    for unit in units.values():
        if unit.open or options.all:
            policy = resolve(unit, units)
            level = _("level %(level)s") % {"level": policy.level}
            ended = "" if unit.open else "  " + operations.ended(unit)
            said = f"{_called(unit)}  [{level}, {policy.baseline}, {policy.interval_seconds} s]{ended}"
            say(f"{'  ' * (len(unit.ids) - 1)}{said}")
    return OK


@_told
def show(options: argparse.Namespace) -> int:
    """Also of what has ended: the question is what became of it."""
    known = by_code(options.unit) or [*Unit.objects.filter(name=options.unit).order_by("valid_until", "pk")]
    if not known:
        raise Inconsistent(_("no unit %s") % options.unit)
    for unit in known:
        say(_called(unit) + (f"  ({kinds.word(unit.kind)})" if unit.kind else ""))
        if unit.valid_from:
            say("  " + _("first day: %s") % unit.valid_from)
        for name in unit.names.all():
            say("  " + _("until %(day)s: %(name)s") % {"day": name.until, "name": f"{name.code} {name.name}".strip()})
        for place in unit.places.all():
            say("  " + _("until %(day)s under %(parent)s") % {"day": place.until, "parent": place.parent or "–"})
        for step in unit.predecessions.select_related("old"):
            say("  " + _("from %(day)s in place of %(unit)s") % {"day": step.date, "unit": _called(step.old)})
        if not unit.open:
            say(f"  {operations.ended(unit)} {became(unit)}")
        machines = Machine.objects.filter(unit=unit).count()
        say("  " + ngettext("%d machine", "%d machines", machines) % machines)
    return OK


@_told
def rename(options: argparse.Namespace) -> int:
    if not (options.name or options.code):
        raise Inconsistent(_("say the new name, the new code (--code), or both"))
    operations.rename(find(options.unit), _by(options), _since(options), name=options.name, code=options.code)
    return OK


@_told
def merge(options: argparse.Namespace) -> int:
    into = find(options.into)
    with transaction.atomic():
        operations.merge([find(text) for text in options.units], into, _by(options), _since(options))
        _follow(into)
    return OK


@_told
def move(options: argparse.Namespace) -> int:
    unit = find(options.unit)
    with transaction.atomic():
        operations.move(unit, find(options.parent), _by(options), _since(options))
        _follow(unit)
    return OK


@_told
def close(options: argparse.Namespace) -> int:
    operations.close(find(options.unit), _by(options), _since(options) - DAY)
    return OK


@_told
def take(options: argparse.Namespace) -> int:
    path = Path(options.file)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return wrong(f"{path}: {getattr(error, 'strerror', None) or error}")
    done = importing.take(path.name, text, _by(options), _since(options), options.dry_run)
    for line in done:
        say(line)
    if not done:
        say(_("The tree is as the file says."))
    elif options.dry_run:
        say(_("%d changes; nothing was done (--dry-run).") % len(done))
    return OK


def export(options: argparse.Namespace) -> int:
    text = rows.write(options.format)
    if not options.output:
        sys.stdout.write(text)
        return OK
    try:
        Path(options.output).write_text(text, "utf-8", newline="")
    except OSError as error:
        return wrong(f"{options.output}: {error.strerror}")
    return OK


def _apply(unit: Unit, options: argparse.Namespace) -> None:
    """Set what was given. Raises Inconsistent."""
    if options.level:
        unit.level = options.level
    if options.interval:
        unit.interval_seconds = options.interval
    if options.baseline:
        unit.baseline = options.baseline
    if options.tailoring:
        try:
            unit.tailoring = "" if options.tailoring == "none" else Path(options.tailoring).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Inconsistent(f"{options.tailoring}: {getattr(error, 'strerror', None) or error}") from None
    above = unit if unit.pk else unit.parent
    try:
        pack = packs.get(unit.baseline or (above.policy().baseline if above else ""))
        tailoring = packs.tailoring(unit.tailoring)
    except (BaselineError, FileNotFoundError) as error:
        raise Inconsistent(str(error)) from None
    if tailoring and (problems := tailoring.problems(pack)):
        raise Inconsistent("\n".join(map(str, problems)))


def _follow(unit: Unit) -> None:
    """What is stored of its machines is judged by what holds there now; machines themselves follow at their next report."""
    job = follow(unit, "console")
    say(_("Job %(job)d judges what is stored again; machines follow at their next report.") % {"job": job.pk})


def _by(options: argparse.Namespace) -> By:
    return By("console", decision=getattr(options, "decision", ""))


def _since(options: argparse.Namespace) -> date:
    since: date = options.since or timezone.localdate()
    return since


def _called(unit: Unit) -> str:
    return f"{unit.code} {unit.name}".strip()
