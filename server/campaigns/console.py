"""`rasoat campaign ...`: campaigns for scripts."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from server.background import delivery
from server.campaigns import freezing, leading, reading
from server.campaigns.account import Account
from server.campaigns.forms import CampaignForm, problems
from server.campaigns.models import Campaign
from server.campaigns.patterns import patterns
from server.campaigns.states import MISSING, NEVER, STATES
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import find, named
from server.units.models import Unit
from server.units.operations import Inconsistent

KEYS = (
    "template", "unit", "units", "number", "date", "subject", "issuer", "deadline", "grace_days", "remind_days", "kinds", "checks",
    "requirements", "lists", "note", "contacts", "roster",
)  # fmt: skip
MAX_BYTES = 1024 * 1024


def new(options: argparse.Namespace) -> int:
    """The file says what the page's form would; what it leaves out is as in its template."""
    path = Path(options.file)
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            return wrong(_("%(file)s: larger than %(most)d bytes") % {"file": path, "most": MAX_BYTES})
        told = tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        return wrong(f"{path}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return wrong(f"{path}: {error}")
    if unknown := sorted(set(told) - set(KEYS)):
        return wrong(*(_("%(file)s: %(key)s: not known; there are %(keys)s") % {"file": path, "key": key, "keys": ", ".join(KEYS)} for key in unknown))  # fmt: skip
    pattern = patterns().get(str(told.get("template", next(iter(patterns())))))
    if pattern is None:
        return wrong(_("%(file)s: template: one of %(known)s") % {"file": path, "known": ", ".join(patterns())})
    try:
        unit = find(told.get("unit"))
        units = [find(str(word)) for word in told.get("units", [])]
    except Inconsistent as error:
        return wrong(f"{path}: {error}")
    form = CampaignForm(unit, pattern)
    filled = CampaignForm(unit, pattern, _as_form(told, dict(form.initial), units))
    if not filled.is_valid():
        return wrong(*(f"{path}: {problem}" for problem in problems(filled)))
    made = leading.make(unit, pattern.id, filled.given, "console")
    say(_("Campaign %(id)d is prepared: %(number)s. Start it with: rasoat campaign start %(id)d") % {"id": made.pk, "number": made.number})  # fmt: skip
    return OK


def _as_form(told: dict[str, Any], initial: dict[str, Any], units: list[Unit]) -> dict[str, Any]:
    """What a browser would send."""
    given = {**initial, **{key: value for key, value in told.items() if key in ("number", "date", "subject", "issuer", "deadline", "grace_days", "kinds", "checks", "requirements", "note")}}  # fmt: skip
    if "remind_days" in told:
        given["remind_days"] = ", ".join(map(str, told["remind_days"]))
    given["lists"] = "\n".join(map(str, told.get("lists", [])))
    given["units"] = [str(unit.pk) for unit in units]
    for key, names in (("contacts", reading.CONTACT), ("roster", ("name", "phone", "from", "to"))):
        given[key] = "\n".join("; ".join(_word(entry.get(name, "")) for name in names) for entry in told.get(key, []))
    return given


def _word(value: Any) -> str:
    """A time of TOML has no zone, or one of its own."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if hasattr(value, "hour"):
        return (timezone.localtime(value) if value.tzinfo else value).strftime("%d/%m/%Y %H:%M")
    return str(value)


def listed(options: argparse.Namespace) -> int:
    for one in Campaign.objects.select_related("unit").order_by("-pk"):
        numbers = Account(one, None).sum(None)
        progress = "" if not one.has_account else f"  {numbers.done}/{numbers.scope}"
        say(f"{one.pk}  {one.number}  {one.deadline.isoformat()}  {one.get_state_display()}{progress}  {one.unit.name}")
    return OK


def show(options: argparse.Namespace) -> int:
    """Exit code 1 while something is left to do, or nobody knows what is."""
    found = _of(options.campaign)
    unit = named(options.unit) if options.unit else None
    if found is None or (options.unit and unit is None):
        return USAGE
    if found.state == Campaign.RUNNING:
        freezing.look(found, timezone.now())
    account = Account(found, None, unit)
    if unit is not None and found.has_account and not account.parts:
        return wrong(_("%(unit)s takes no part in %(number)s") % {"unit": unit.name, "number": found.number})
    total, known = account.sum(None), found.has_account
    tops = account.tops()
    branches = account.branches(tops[0] if len(tops) == 1 else None)
    silent = account.rows().filter(state__in=(MISSING, NEVER)).select_related("part").order_by("part__path", "name")
    if options.format == "json":
        document = {
            "id": found.pk, "number": found.number, "subject": found.subject, "deadline": found.deadline.isoformat(), "state": found.state,
            "looked_at": found.looked_at.isoformat() if found.looked_at else None, "scope": total.scope if known else None, "states": total.states if known else None,
            "units": [{"unit": one.part.name, "code": one.part.code, "itself": one.own, "scope": one.numbers.scope, **one.numbers.states} for one in branches],
            "missing": [{"unit": row.part.name, "machine": row.name, "state": row.state, "contact_at": row.contact_at.isoformat() if row.contact_at else None} for row in silent] if options.missing else None,
        }  # fmt: skip
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return FAILED if total.open or not known else OK
    say(f"{found.number}  {found.subject}")
    days = found.left()
    left = _("%d days left") % days if days >= 0 else _("%d days over the deadline") % -days
    runs_out = "" if found.state == Campaign.CLOSED else f"  ({left})"
    say(f"{found.get_state_display()}  {_('deadline')} {date_format(found.deadline)}{runs_out}")
    if not known:
        say(_("It was not written down yet who is in it."))
        return FAILED
    if found.looked_at:
        say(_("States as of %s") % date_format(timezone.localtime(found.looked_at), "DATETIME_FORMAT"))
    for name, numbers in ((_("Together"), total), *((_name(one), one.numbers) for one in branches)):
        cells = "  ".join(f"{word}: {numbers.states[state]}" for state, word in STATES.items())
        say(f"  {name}  {_('Scope')}: {numbers.scope}  {cells}")
    for row in silent.iterator(chunk_size=500) if options.missing else ():
        at = date_format(timezone.localtime(row.contact_at), "DATETIME_FORMAT") if row.contact_at else _("never")
        say(f"    {row.part.name}\t{row.name}\t{row.word}\t{at}")
    return FAILED if total.open else OK


def _name(branch: Any) -> str:
    return f"{branch.part.name} ({_('the unit itself')})" if branch.own else str(branch.part.name)


def start(options: argparse.Namespace) -> int:
    return _lead(options, leading.start)


def close(options: argparse.Namespace) -> int:
    return _lead(options, leading.close)


def _lead(options: argparse.Namespace, do: Any) -> int:
    found = _of(options.campaign)
    if found is None:
        return USAGE
    try:
        held = do(found, "console")
    except leading.Impossible as error:
        return wrong(error)
    if options.wait:
        delivery.take("console", 0.1, until_empty=True, signals=False)
        held.refresh_from_db()
    say(f"{held.number}  {held.get_state_display()}")
    return OK


def _of(pk: int) -> Campaign | None:
    found = Campaign.objects.select_related("unit").filter(pk=pk).first()
    if found is None:
        wrong(_("no campaign %d") % pk)
    return found
