"""Campaigns: those there are, one of them by unit, its machines by state, its report; made, changed, started and closed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.background.models import Job
from server.campaigns import freezing, leading, lists, reading, sealing
from server.campaigns.account import Account, check_titles
from server.campaigns.asking import asked, part_of
from server.campaigns.forms import CampaignForm
from server.campaigns.listed import Listed
from server.campaigns.models import LATER, LEFT_OUT, SCOPE, Campaign, Excuse, Notice, Part, Row
from server.campaigns.patterns import patterns
from server.campaigns.states import EXCUSED, MISSING, NEVER, NOT_DONE, STATES, UNKNOWN
from server.campaigns.tables import reason
from server.coverage.models import Expected
from server.feeds import status as feeds
from server.ingest.access import address_of
from server.ingest.models import Machine
from server.units.models import Unit, User
from server.units.rights import ADMINISTER, HANDLE
from server.waivers.models import Waiver, in_force
from server.web.requests import user_of

PAGE = 50
NAMED, EACH = 500, 100
"""Machines that a report names by state in all, the most pressing first; of every state at least, and of every other list. The
workbook names all."""
NAMING = ("part", "name", "why", "about", "note", "became", "became_where", "contact_at")
BESIDE = ("part", "name", "note", "seen_at", "state", "became", "became_at", "became_where")
"""What is said of each; and of each of the other lists."""
BOTH = ["GET", "HEAD", "POST"]


@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    """Those that run, with how they stand where this person looks; what is being prepared; what is over."""
    user = user_of(request)
    mine = Campaign.objects.visible_to(user).select_related("unit")
    running, others = [], []
    for found in mine.exclude(state=Campaign.CLOSED).order_by("deadline", "pk"):
        if found.is_draft:
            others.append(found)
        else:
            account = Account(found, user)
            running.append((found, account.sum(None), _notices(found, account)))
    closed = list(mine.filter(state=Campaign.CLOSED).order_by("-sealed_at")[:PAGE])
    sums = sealing.sums(closed, user)
    context = {
        "running": running, "drafts": others, "closed": [(one, sums[one.pk]) for one in closed], "patterns": _patterns(), "units": _may_lead(user), "nav": "campaigns"
    }  # fmt: skip
    return render(request, "campaigns/campaigns.html", context)


def _may_lead(user: User) -> list[Unit]:
    return list(Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None).order_by("path"))


def _patterns() -> list[Any]:
    return list(patterns().values())


def _notices(found: Campaign, account: Account) -> list[Notice]:
    """The newest of each unit this person sees, while there is something to do."""
    if found.state != Campaign.RUNNING:
        return []
    newest: dict[int, Notice] = {}
    for notice in Notice.objects.filter(account.of(None)).order_by("-days"):
        notice.part = account.by_pk[notice.part_id]
        if account.sum(notice.part).open:
            newest[notice.part_id] = notice
    return list(newest.values())


@require_http_methods(BOTH)
def new(request: HttpRequest) -> HttpResponse:
    """A draft from a pattern."""
    user = user_of(request)
    units = _may_lead(user)
    if not units:
        raise PermissionDenied
    wanted = request.GET.get("unit", "")
    unit = next((one for one in units if str(one.pk) == wanted), units[0])
    if wanted and str(unit.pk) != wanted:
        raise Http404
    pattern = patterns().get(request.GET.get("pattern", ""), next(iter(patterns().values())))
    form = CampaignForm(unit, pattern, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = leading.make(unit, pattern.id, form.given, user.username, address_of(request))
        return redirect("campaign", pk=made.pk)
    context = {"form": form, "unit": unit, "units": units, "pattern": pattern, "patterns": _patterns(), "nav": "campaigns"}
    return render(request, "campaigns/form.html", context, status=422 if form.errors else 200)


@require_http_methods(BOTH)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Two people at once: the second is told who was faster, and nothing is lost in silence."""
    user = user_of(request)
    found = get_object_or_404(Campaign.led_by(user).select_related("unit"), pk=pk)
    if not found.changeable:
        return redirect("campaign", pk=pk)
    form = CampaignForm(found.unit, None, request.POST or None, campaign=found)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                leading.change(found, form.given, form.cleaned_data["version"] or 0, user.username, address_of(request))
            except leading.Impossible as error:
                form.add_error(None, str(error))
                status = 409
            else:
                return redirect("campaign", pk=pk)
    context = {
        "form": form, "campaign": found, "unit": found.unit, "pattern": patterns().get(found.pattern), "nav": "campaigns",
        "overtaken": status == 409,
    }  # fmt: skip
    return render(request, "campaigns/form.html", context, status=status)


@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Start, close, or remove a draft. Who may not lead it does not learn that it is there."""
    user = user_of(request)
    found = get_object_or_404(Campaign.led_by(user).select_related("unit"), pk=pk)
    try:
        {"start": leading.start, "close": leading.close, "remove": leading.remove}[action](
            found, user.username, address_of(request)
        )
    except leading.Impossible as error:
        return _page(request, found, str(error), status=409)
    return redirect("campaigns") if action == "remove" else redirect("campaign", pk=pk)


@require_safe
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """One campaign, or a part of it."""
    return _page(request, _visible(request, pk))


def _visible(request: HttpRequest, pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.visible_to(user_of(request)).select_related("unit"), pk=pk)


def _page(request: HttpRequest, found: Campaign, problem: str = "", status: int = 200) -> HttpResponse:
    user = user_of(request)
    leads = Campaign.led_by(user).filter(pk=found.pk).exists()
    context: dict[str, Any] = {
        "campaign": found, "pattern": patterns().get(found.pattern), "problem": problem, "leads": leads, "nav": "campaigns",
        "roster": reading.shifts(found.roster), "checks": check_titles(found.checks), "old_feeds": _old_feeds(),
    }  # fmt: skip
    if found.is_draft:
        context |= {"tops": freezing.tops(found), "lists": _lists(found, Account(found, user))}
        return render(request, "campaigns/draft.html", context, status=status)
    account = Account(found, user)
    part = part_of(account, request)
    context |= {
        "lists": _lists(found, account),
        "part": part, "above": account.above(part) if part else [], "numbers": account.sum(part), "branches": account.branches(part),
        "notices": _notices(found, account), "answering": account.answering(), "states": STATES,
        "later": account.outside(part, LATER), "left_out": account.outside(part, LEFT_OUT),
        "job": _job(found), "waivers": _waivers(account, found), "answers_here": bool(part and part.answers),
        "rules_changed": [] if found.is_closed else _names(account, sealing.changed_rules(found)),
        "may_answer": bool(part and user.may(HANDLE, part.unit)),
    }  # fmt: skip
    return render(request, "campaigns/campaign.html", context, status=status)


def _names(account: Account, parts: list[int]) -> list[str]:
    """Of those that this person sees; by number, for two units may bear one name."""
    return [account.by_pk[pk].name for pk in parts if pk in account.by_pk]


def _job(found: Campaign) -> Job | None:
    """What is under way, to say how far it is."""
    if found.state not in (Campaign.STARTING, Campaign.CLOSING):
        return None
    keys = [f"campaigns.freeze/{found.pk}", f"campaigns.seal/{found.pk}"]
    return Job.objects.filter(key__in=keys).order_by("-pk").first()


def _old_feeds() -> list[tuple[str, Any]]:
    return [(name, dated) for name, dated, old in feeds.foot() if old]


def _waivers(account: Account, found: Campaign) -> list[Waiver]:
    """In force, speaking of this scope, and over before the deadline is; those of a whole unit above it as well."""
    paths = [part.path for part in account.tops()]
    soon = Waiver.objects.filter(in_force(timezone.now()), until__lt=found.deadline).select_related("unit")

    def speaks(one: Waiver, path: str) -> bool:
        return one.unit.path.startswith(path) or (one.whole and path.startswith(one.unit.path))

    return [one for one in soon if any(speaks(one, path) for path in paths)]


def _lists(found: Campaign, account: Account) -> list[tuple[str, list[lists.ListState]]]:
    """As they stand; of a closed campaign as they stood, with the numbers, which are those of all, for whoever sees all of it."""
    if not found.is_closed:
        return [(number, lists.states(number, account if found.has_account else None)) for number in found.lists]
    return _told(found.result, account.sees_all)


def _told(ground: dict[str, Any], counts: bool) -> list[tuple[str, list[lists.ListState]]]:
    """The lists of what a campaign rests on (sealing.ground), with their numbers or without."""
    kept = {number: [lists.ListState(**one) for one in told] for number, told in ground["lists"].items()}
    return [(number, told if counts else [one._replace(counts={}) for one in told]) for number, told in kept.items()]


@require_safe
def machines(request: HttpRequest, pk: int) -> HttpResponse:
    """The machines of a state, by name."""
    user, found = user_of(request), _visible(request, pk)
    if not found.has_account:
        raise Http404
    account = Account(found, user)
    part = part_of(account, request)
    place, state, text = asked(request)
    page = Paginator(account.listed(part, place, state, text), PAGE).get_page(request.GET.get("page"))
    rows = [account.shown(row) for row in page.object_list]
    titles, links = check_titles(found.checks), _links(user, rows)
    may_excuse = found.state == Campaign.RUNNING and place == SCOPE and state != "done" and user.does(HANDLE)
    may = _may(user, rows) if may_excuse else set()
    context = {
        "campaign": found, "part": part, "above": account.above(part) if part else [], "state": state, "place": place, "states": STATES,
        "page": page, "numbers": account.sum(part), "q": text, "nav": "campaigns", "may_excuse": may_excuse,
        "later": account.outside(part, LATER), "left_out": account.outside(part, LEFT_OUT),
        "rows": [(row, links.get(row.pk), [titles.get(check, check) for check in row.about], row.part_id in may) for row in rows],
    }  # fmt: skip
    return render(request, "campaigns/machines.html", context)


def _may(user: User, rows: list[Row]) -> set[int]:
    """The parts of rows for whose machines this person may ask an exemption."""
    parts = Part.objects.visible_to(user, HANDLE).filter(pk__in={row.part_id for row in rows})
    return set(parts.order_by().values_list("pk", flat=True))


def _links(user: User, rows: list[Row]) -> dict[int, int]:
    """Row -> number of the machine it is today, where this person sees that one: it may have been moved to another unit."""
    lines = Expected.objects.filter(pk__in={row.expected_id for row in rows if row.expected_id and not row.machine_id})
    of_line = dict(lines.exclude(machine=None).values_list("pk", "machine"))
    wanted = {row.pk: pk for row in rows if (pk := row.machine_id or of_line.get(row.expected_id or 0))}
    mine = Machine.objects.visible_to(user).filter(pk__in=wanted.values()).order_by()
    seen = set(mine.values_list("pk", flat=True))
    return {row: pk for row, pk in wanted.items() if pk in seen}


@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything on one page to print: of which moment, before and after, who is missing by name."""
    user, found = user_of(request), _visible(request, pk)
    if not found.has_account:
        raise Http404
    account = Account(found, user)
    part = part_of(account, request)
    ground = found.result if found.is_closed else sealing.ground(found, account)
    context = {
        "campaign": found, "part": part, "numbers": account.sum(part), "branches": account.branches(part), "checks": account.checks(part),
        "states": STATES, "lines": _by_name(account, part), "later": _first(account, account.listed(part, LATER, only=BESIDE)),
        "left_out": _first(account, account.listed(part, LEFT_OUT, only=BESIDE)), "became": _first(account, account.became(part, BESIDE)),
        "roster": reading.shifts(found.roster), "nav": "campaigns", "ground": ground, "whole": account.sees_all, "made_at": timezone.now(),
        "parts": [one for one in account.answering() if part is None or one.path.startswith(part.path)],
        "rules_changed": _names(account, ground["rules_changed"]),
        "lists": _told(ground, account.sees_all or not found.is_closed),
    }  # fmt: skip
    return render(request, "campaigns/report.html", context)


def _first(account: Account, listed: Listed) -> dict[str, Any]:
    """Those that a report names beside the states, and how many it does not."""
    rows = [account.shown(row) for row in listed[:EACH]]
    return {"rows": rows, "count": len(listed), "more": len(listed) - len(rows)}


def _by_name(account: Account, part: Part | None) -> dict[str, dict[str, Any]]:
    """The machines that are not done, by state: (row, why, exemption) of each."""
    titles = check_titles(account.campaign.checks)
    found, room = {}, NAMED
    for state in (MISSING, NEVER, NOT_DONE, UNKNOWN, EXCUSED):
        listed = account.listed(part, SCOPE, state, only=NAMING)
        rows = [account.shown(row) for row in listed[: max(room, EACH)]]
        room -= len(rows)
        excuses: dict[int, Excuse] = {}
        if state == EXCUSED:
            excuses = {one.row_id: one for one in Excuse.objects.filter(row__in=[row.pk for row in rows])}
        shown = [(row, reason(row, titles), excuses.get(row.pk)) for row in rows]
        found[state] = {"rows": shown, "count": len(listed), "more": len(listed) - len(shown), "word": STATES[state]}
    return found
