"""What people see of vulnerabilities: what to mend first on a machine, and which machines have one, since when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.core.paginator import Paginator
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery
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
from server.ingest.models import Machine, StoredSnapshot
from server.units.models import User
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
    return Carried.objects.visible_to(user).filter(machine__retired_at=None)


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
    mine = carried_by(user).filter(ground__weakness=OuterRef("pk")).order_by().values("ground__weakness")
    found = wanted.annotate(
        machines=Subquery(mine.annotate(n=Count("machine", distinct=True)).values("n")),
        since=Subquery(mine.annotate(n=Min("since")).values("n")),
    ).filter(machines__gt=0)
    page = Paginator(found.order_by(*first()), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": text,
        "shown": shown,
        "choices": SHOWN,
        "numbers": numbers(Machine.objects.visible_to(user).filter(retired_at=None)),
        "nav": "vulnerabilities",
    }
    return render(request, "matching/weaknesses.html", context)


@require_safe
def weakness(request: HttpRequest, weakness: str) -> HttpResponse:
    """One of them: which machines have it, since when, and what is to be done there."""
    named = Q(pk=int(weakness)) if weakness.isascii() and weakness.isdigit() and len(weakness) < 10 else Q(identifier=weakness)
    found = Weakness.objects.filter(named).first()
    rows = carried_by(user_of(request)).filter(ground__weakness=found).select_related("machine__unit", "ground")
    if found is None or not rows.exists():
        raise Http404
    page = Paginator(rows.order_by("ground__answer", "since", "machine__name", "ground_id"), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "weakness": found, "page": page, "machines": rows.order_by().values("machine").distinct().count(), "nav": "vulnerabilities",
    }  # fmt: skip
    return render(request, "matching/weakness.html", context)


def numbers(machines: QuerySet[Machine], every: int | None = None) -> dict[str, int | None]:
    """How many of these were matched wholly, in part, or not; and how many must act. `every`: how many they are, if it is known."""
    today = timezone.localdate()
    found = machines.filter(matched__isnull=False).aggregate(
        looked=Count("pk", filter=Q(matched__reason="")),
        partly=Count("pk", filter=Q(matched__reason="", matched__left_count__gt=0)),
        old=Count("pk", filter=Q(matched__carries_until__lt=today)),
        exploited=Count("pk", filter=Q(matched__exploited__gt=0)),
        unsaid=Count("pk", filter=Q(matched__reason="") & (Q(matched__exploited=None) | Q(matched__exploited_until__lt=today))),
    )
    found["machines"] = machines.count() if every is None else every
    found["blind"] = found["machines"] - found.pop("looked")
    # none, and of some nobody says so, or nothing was matched: that is not 0
    return found | {"exploited": found["exploited"] or (None if found["unsaid"] or found["blind"] else 0)}


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
