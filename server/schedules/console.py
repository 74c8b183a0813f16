"""`rasoat server schedule ...` and `rasoat server rollout ...`."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from collectors.timetable import minute
from server.approvals import deciding, packs
from server.approvals.first import ask_for_pack
from server.ingest.models import Machine
from server.journal import models as journal
from server.schedules import attendance, punctual, rollouts
from server.schedules.arguments import rate, seconds
from server.schedules.models import KINDS, Rollout, Schedule, Silence
from server.schedules.resolve import Holding, problems, resolve, rows_of
from server.schedules.rollouts import CannotRoll
from server.schedules.wording import days_of, freezes_of, hours_of, length_of
from server.stations import asking
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named
from server.units.models import Unit

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(?:([a-z,-]+) )?(\d\d:\d\d)-(\d\d:\d\d)")
INHERIT = "inherit"


def change(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    kind = "" if options.kind == "all" else options.kind
    row = Schedule.objects.filter(unit=unit, kind=kind).first() or Schedule(unit=unit, kind=kind)
    mistakes = _fill(row, options)
    units = {one.pk: one for one in Unit.objects.all()}
    if not mistakes:
        below = [one for one in units.values() if one.path.startswith(unit.path)]
        mistakes = problems(row, below, units, rows_of(units))
    if mistakes:
        return wrong("\n".join(mistakes))
    row.save()
    said = {name: getattr(row, name) for name in ("interval_seconds", "hours", "freezes", "jitter_seconds") if getattr(row, name)}
    journal.write("schedule.changed", "console", unit_path=unit.path, subject=unit.name, kind=kind, changes=str(said))
    say(_("Agents learn of it when they next ask."))
    return OK


def _fill(row: Schedule, options: argparse.Namespace) -> list[str]:
    readers: dict[str, tuple[str, Any, Any]] = {
        "interval": ("interval_seconds", seconds, None), "spread": ("jitter_seconds", seconds, None),
        "hours": ("hours", read_hours, None), "freeze": ("freezes", read_freezes, None), "zone": ("zone", str, ""),
        "overdue": ("overdue_after", int, None), "scans": ("scans_per_minute", int, None),
        "bandwidth": ("bytes_per_second", rate, None), "poll": ("poll_seconds", seconds, None),
    }  # fmt: skip
    mistakes = []
    for flag, (name, read, nothing) in readers.items():
        text = getattr(options, flag)
        if text is None:
            continue
        try:
            setattr(row, name, nothing if text == INHERIT else read(text))
        except ValueError:
            mistakes.append(_("--%(flag)s: %(text)s is not understood") % {"flag": flag, "text": text})
    return mistakes


def read_hours(text: str) -> list[dict[str, Any]]:
    """From `mon-fri 11:30-13:00; sat 22:00-05:00`. Raises ValueError."""
    found = []
    for part in [] if text == "always" else text.split(";"):
        match = _HOURS.fullmatch(part.strip().lower())
        if match is None or match[2] == match[3] or minute(match[2]) == 1440:
            raise ValueError(part)
        minute(match[3])
        found.append({"days": _days(match[1] or "daily"), "from": match[2], "to": match[3]})
    return found


def _days(text: str) -> list[int]:
    if text == "daily":
        return list(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, _dash, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return sorted(found)


def read_freezes(text: str) -> list[list[str]]:
    """From `2027-02-05..2027-02-12, 2027-04-30`. Raises ValueError."""
    found = []
    for part in text.split(","):
        first, _dots, last = part.strip().partition("..")
        found.append([date.fromisoformat(first).isoformat(), date.fromisoformat(last or first).isoformat()])
    return sorted(found)


def show(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    units = {one.pk: one for one in Unit.objects.all()}
    rows = rows_of(units)
    for kind, title in KINDS[1:]:
        say(f"{title}:")
        for line in _lines(resolve(unit, kind, units, rows)):
            say(f"  {line}")
    now = timezone.now()
    machines = Machine.objects.filter(unit__path__under=unit.path)
    there = list(punctual.of(machines, now))
    states = Counter(one.stands.state for one in there)
    say(_("on time %(on)d, late %(late)d, missed %(missed)d, never %(never)d") % {
        "on": states[punctual.ON_TIME], "late": states[punctual.LATE], "missed": states[punctual.MISSED], "never": states[punctual.NEVER],
    })  # fmt: skip
    plan = punctual.by_hour(there, now)
    most = max((count for _at, count in plan), default=0)
    for at, count in plan if most else []:
        say(f"{timezone.localtime(at):%d/%m %H:00}  {count:6}  {'#' * round(40 * count / most)}")
    for silence in Silence.objects.filter(unit__path__under=unit.path, closed_at=None).select_related("unit"):
        say(_("%(unit)s: %(state)s, %(missing)d of %(machines)d machines") % {
            "unit": silence.unit, "state": silence.get_state_display(), "missing": silence.missing, "machines": silence.machines,
        })  # fmt: skip
    return OK


def _lines(held: Holding) -> list[str]:
    table = held.table

    def said(name: str) -> str:
        return f"  [{held.origins[name].name}]" if name in held.origins else ""

    found = [
        _("every %s") % length_of(table.period) + said("interval_seconds"),
        (hours_of(table) or _("at any time")) + said("hours"),
        _("scans now: %d a minute for each site") % held.scans_per_minute + said("scans_per_minute"),
    ]
    if table.freezes:
        found.append(_("nothing is begun: %s") % freezes_of(table))
    if held.bytes_per_second:
        found.append(_("at most %d bytes a second from each sender") % held.bytes_per_second + said("bytes_per_second"))
    return found


def listed(options: argparse.Namespace) -> int:
    for row in Schedule.objects.select_related("unit").order_by("unit__path", "kind"):
        parts = [length_of(row.interval_seconds)] if row.interval_seconds else []
        parts += [f"{days_of(one['days'])} {one['from']}-{one['to']}" for one in row.hours or ()]
        parts += [f"{first}..{last}" for first, last in row.freezes or ()]
        parts += [f"{row.bytes_per_second} B/s"] if row.bytes_per_second else []
        say(f"{row.unit.name}  {row.get_kind_display()}  {', '.join(parts)}")
    return OK


def check(options: argparse.Namespace) -> int:
    opened, closed = attendance.look()
    for rollout in Rollout.objects.filter(ended_at=None, halted_at=None).select_related("unit"):
        rollouts.watch(rollout)
    say(_("%(opened)d sites fell silent, %(closed)d report again") % {"opened": opened, "closed": closed})
    return FAILED if Silence.objects.filter(closed_at=None).exists() else OK


def scan_all(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    try:
        asked = asking.ask_all(unit, "console")
    except asking.TooMany as error:
        return wrong(
            _("at the rate of its sites this would take %d minutes, more than a day; raise the rate or choose a smaller unit")
            % error.minutes
        )
    except asking.Frozen:
        return wrong(_("nothing is begun in %s now: a freeze is in force") % unit)
    journal.write("scan.asked-all", "console", unit_path=unit.path, subject=unit.name, machines=asked.machines)
    say(_("%(machines)d machines are asked, over %(minutes)d minutes") % asked._asdict())
    return OK


# -- rollouts ------------------------------------------------------------------------------------------------------


def rollout_start(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    try:
        tailoring = Path(options.tailoring).read_text("utf-8") if options.tailoring else None
        percents = [int(part) for part in options.rings.split(",")]
        if not options.agent_version and not deciding.alone(packs.KIND):
            asked = {"baseline": options.baseline, "tailoring": tailoring, "percents": percents, "bad_percent": options.bad}
            return ask_for_pack(unit, options.by, options.why, **asked)
        rollout = rollouts.start(
            unit, "console", baseline=options.baseline, tailoring=tailoring, version=options.agent_version, percents=percents,
            bad_percent=options.bad,
        )  # fmt: skip
    except (OSError, UnicodeDecodeError) as error:
        return wrong(f"{options.tailoring}: {getattr(error, 'strerror', None) or error}")
    except ValueError:
        return wrong(_("rings are percentages that grow and end with 100"))
    except CannotRoll as error:
        return wrong(str(error))
    if rollout.what == Rollout.PACK:
        journal.write("request.alone", "console", unit_path=unit.path, subject=str(rollout), kind=packs.KIND)
    say(_("Rollout %(id)d has reached %(percent)d %%") % {"id": rollout.pk, "percent": rollout.percent})
    return OK


def rollout_listed(options: argparse.Namespace) -> int:
    for rollout in Rollout.objects.filter(ended_at=None).select_related("unit"):
        what = rollout.version or rollout.baseline or _("stricter values")
        state = _("halted: %s") % rollout.halted_why if rollout.halted_at else f"{rollout.percent} %"
        say(f"{rollout.pk}  {rollout.unit.name}  {what}  {state}")
        for ring in rollouts.rings(rollout):
            versions = ", ".join(f"{name}: {count}" for name, count in sorted((ring.versions or {}).items()))
            say(_("  ring %(percent)d %%: %(machines)d machines, %(judged)d judged, %(bad)d bad; %(versions)s") % {
                "percent": ring.percent, "machines": ring.machines, "judged": ring.judged, "bad": ring.bad, "versions": versions,
            })  # fmt: skip
    return OK


def rollout_widen(options: argparse.Namespace) -> int:
    return _with(options, lambda rollout: rollouts.widen(rollout, "console"))


def rollout_halt(options: argparse.Namespace) -> int:
    return _with(options, lambda rollout: rollouts.halt(rollout, "console", options.why))


def rollout_end(options: argparse.Namespace) -> int:
    return _with(options, lambda rollout: rollouts.end(rollout, "console"))


def _with(options: argparse.Namespace, act: Any) -> int:
    rollout = Rollout.objects.filter(pk=options.rollout, ended_at=None).select_related("unit").first()
    if rollout is None:
        return wrong(_("no rollout %d is under way") % options.rollout)
    try:
        act(rollout)
    except CannotRoll as error:
        return wrong(str(error))
    return OK
