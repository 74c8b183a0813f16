"""What people see of vulnerabilities: what to mend first on a machine, and which machines have one, since when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from collectors.facts.antivirus import Antivirus
from collectors.model import Kind
from collectors.seal import SealError
from server.feeds.matching import protection
from server.feeds.matching.codes import ANSWER_TITLES, ANSWERS, LEFT_TITLES, PROTECTION_TITLES
from server.feeds.matching.models import Carried, Ended, Matched, Weakness
from server.feeds.matching.outcome import Left
from server.ingest.models import IN_SERVICE, Machine, StoredSnapshot
from server.ingest.serving import serving
from server.units.models import User
from server.web.paging import AtOnce, Keyed
from server.web.requests import user_of

PAGE: Final = 50
LIKELY: Final = 0.1
"""EPSS from which on a weakness counts as likely to be attacked: house default."""
LEFT_SHOWN: Final = 200
ANTIVIRUS: Final = Antivirus.NAME
PROTECTED: Final = (Kind.SERVER, Kind.WORKSTATION)
"""Kinds that the checks of antivirus ask."""
SHOWN: Final = {"exploited": _("known to be exploited"), "likely": _("known or likely to be exploited")}


def carried_by(user: User) -> QuerySet[Carried]:
    """What machines in service that this person sees have."""
    return serving(Carried.objects.all(), user)


@require_safe
def machine(request: HttpRequest, pk: int) -> HttpResponse:
    """One machine: what it has, worst first, and what could not be assessed."""
    found = get_object_or_404(Machine.objects.visible_to(user_of(request)).select_related("unit"), pk=pk)
    stands = Matched.objects.filter(machine=found).first()
    answer = request.GET.get("answer", "")
    rows = Carried.objects.filter(machine=found).select_related("ground__weakness")
    if answer in ANSWERS:
        rows = rows.filter(ground__answer=ANSWERS[answer])
    page = Paginator(rows.order_by(*first("ground__weakness__"), "ground__package", "ground_id"), PAGE).get_page(
        request.GET.get("page")
    )
    ended = Ended.objects.filter(machine=found).select_related("weakness").order_by("-until", "weakness__identifier")
    seen = StoredSnapshot.objects.filter(pk=stands.snapshot).defer("sealed").first() if stands else None
    context = {
        "machine": found, "stands": stands, "seen": seen, "waits": bool(stands and stands.snapshot != found.latest_id), "page": page, "answer": answer, "answers": ANSWER_TITLES, "left": _left(stands),
        "left_shown": LEFT_SHOWN, "protection": _protection(found), "ended": ended[:PAGE], "old": _old(stands), "nav": "machines",
    }  # fmt: skip
    return render(request, "matching/machine.html", context)


@require_safe
def weaknesses(request: HttpRequest) -> HttpResponse:
    """Those that machines of this person's part of the tree have: attacked ones first. Others are found by their number."""
    user = user_of(request)
    text, shown = request.GET.get("q", "").strip(), request.GET.get("shown", "exploited")
    wanted = Weakness.objects.all()
    if text:
        wanted = wanted.filter(identifier__icontains=text)
    else:
        wanted = wanted.filter(Q(exploited=True) if shown != "likely" else Q(exploited=True) | Q(epss__gte=LIKELY))
    mine = carried_by(user)
    found = wanted.filter(Exists(mine.filter(ground__weakness=OuterRef("pk")))).order_by(*first())
    page = AtOnce(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": _spread(mine, list(page)),
        "q": text,
        "shown": shown,
        "choices": SHOWN,
        "numbers": numbers(serving(Matched.objects.all(), user), Machine.objects.visible_to(user).filter(IN_SERVICE).count()),
        "nav": "vulnerabilities",
    }
    return render(request, "matching/weaknesses.html", context)


class Spread(NamedTuple):
    """A weakness, on how many machines it is and since when."""

    weakness: Weakness
    machines: int
    since: datetime


def _spread(carried: QuerySet[Carried], shown: list[Weakness]) -> list[Spread]:
    """Of these alone: to count all there are would read the whole country's rows for one page."""
    rows = carried.filter(ground__weakness__in=shown).order_by().values_list("ground__weakness")
    told = {pk: (machines, since) for pk, machines, since in rows.annotate(Count("machine", distinct=True), Min("since"))}
    return [Spread(one, *told[one.pk]) for one in shown if one.pk in told]


@require_safe
def weakness(request: HttpRequest, weakness: str) -> HttpResponse:
    """One of them: which machines have it, since when, and what is to be done there."""
    named = Q(pk=int(weakness)) if weakness.isascii() and weakness.isdigit() and len(weakness) < 10 else Q(identifier=weakness)
    found = Weakness.objects.filter(named).first()
    rows = carried_by(user_of(request)).filter(ground__weakness=found)
    told = rows.aggregate(rows=Count("*"), machines=Count("machine", distinct=True))
    if found is None or not told["rows"]:
        raise Http404
    shown = Carried.objects.select_related("machine__unit", "ground")
    ordered = rows.order_by("ground__answer", "since", "machine_id", "ground_id")
    page = Keyed(ordered, shown, PAGE, told["rows"]).get_page(request.GET.get("page"))
    context = {"weakness": found, "page": page, "machines": told["machines"], "nav": "vulnerabilities"}
    return render(request, "matching/weakness.html", context)


def numbers(matched: QuerySet[Matched], machines: int) -> dict[str, int | None]:
    """How many of so many machines in service were matched wholly, in part, or not, and how many must act. `matched`: of these."""
    today = timezone.localdate()
    found = matched.aggregate(
        looked=Count("pk", filter=Q(reason="")),
        partly=Count("pk", filter=Q(reason="", left_count__gt=0)),
        old=Count("pk", filter=Q(carries_until__lt=today)),
        attacked=Count("pk", filter=Q(exploited__gt=0)),
        unsaid=Count("pk", filter=Q(reason="") & (Q(exploited=None) | Q(exploited_until__lt=today))),
    )
    found["machines"] = machines
    found["blind"] = found["machines"] - found.pop("looked")
    # none, and of some nobody says so, or nothing was matched: that is not 0
    return found | {"exploited": found.pop("attacked") or (None if found["unsaid"] or found["blind"] else 0)}


@dataclass
class Group:
    """Packages that were not assessed for one reason."""

    title: str
    count: int
    rows: list[Left]


def _left(stands: Matched | None) -> list[Group]:
    if stands is None:
        return []
    left = stands.left
    counts = Counter(one.why for one in left)
    return [
        Group(str(LEFT_TITLES.get(why, why)), count, [one for one in left if one.why == why][:LEFT_SHOWN])
        for why, count in counts.most_common()
    ]


class Protected(NamedTuple):
    """What the newest report tells of protection against malware."""

    table: protection.Table
    rows: list[protection.Standing]
    missing: str
    """Why the products were not seen; empty: they were."""

    @property
    def why(self) -> str:
        """Nothing may be rested on the table."""
        return str(PROTECTION_TITLES[self.table.why]) if self.table.why else ""


def _protection(machine: Machine) -> Protected | None:
    """None: it never reported, or is of a kind that is not asked."""
    known = protection.table(timezone.localdate())
    latest = StoredSnapshot.objects.select_related("base").filter(pk=machine.latest_id).first()
    if latest is None or machine.kind not in PROTECTED:
        return None
    try:
        context = latest.to_judge()[1].context
    except (SealError, ValueError) as error:
        return Protected(known, [], str(error)[:300])
    if ANTIVIRUS not in context.facts:
        return Protected(known, [], context.missing.get(ANTIVIRUS, "not collected"))
    told = context.facts[ANTIVIRUS]
    if told.get("products") is None:
        return Protected(known, [], next((one["reason"] for one in told.get("unseen", ()) if one["field"] == "products"), "?"))
    return Protected(known, protection.standings(told["products"], known), "")


def _old(stands: Matched | None) -> bool:
    """The data are over their limit: what they say may still hold, that they say nothing means nothing."""
    return bool(stands and stands.carries_until and stands.carries_until < timezone.localdate())


def first(path: str = "") -> tuple[OrderBy, ...]:
    """What to mend first: known to be attacked, then likely to be, then how bad. `path`: from rows that lead to a weakness."""
    return (
        F(f"{path}exploited").desc(nulls_last=True), F(f"{path}epss").desc(nulls_last=True), F(f"{path}severity").desc(), F(f"{path}identifier").desc(),
    )  # fmt: skip
