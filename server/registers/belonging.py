"""What belongs to an information system: shown with how its machines stand, put in and taken out by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from server.assess.freshness import JUDGED
from server.ingest.models import IN_SERVICE, Machine
from server.registers.books import BOOKS, whole
from server.registers.models import DISPOSED, Item, key_of
from server.registers.record import Change
from server.registers.systems import Member, System, SystemChange
from server.units.rights import HANDLE
from server.web.paging import Keyed
from server.web.requests import user_of

PAGE = 50
CANDIDATES = 30
NAMES = 500
"""Lines that are understood at a time."""


def count(page: Page[System]) -> None:
    """Give each system of a page `many`: how many machines and devices belong to it, those that lie elsewhere by now as well."""
    shown = list(page.object_list)
    rows = Member.objects.filter(system__in=shown).order_by().values_list("system")
    found = dict(rows.annotate(Count("pk")))
    for system in shown:
        system.many = found.get(system.pk, 0)  # type: ignore[attr-defined]
    page.object_list = shown


def judged(machines: QuerySet[Machine]) -> QuerySet[Machine]:
    """With how their newest report was judged, as the list of machines shows it."""
    found = machines.select_related("unit", "latest__assessment")
    return found.defer("latest__sealed", "latest__assessment__packed").order_by("name", "pk")


def told(system: System, page: str | None = None) -> dict[str, Any]:
    """For the page of a system: its machines and how they stand, what is no machine, and where levels differ."""
    machines, level = system.machines, "latest__assessment__level"
    other = {} if system.level is None else {
        "lower": Count("pk", filter=Q(**{f"{level}__lt": system.level})), "higher": Count("pk", filter=Q(**{f"{level}__gt": system.level})),
    }  # fmt: skip
    sums = machines.aggregate(
        all=Count("pk"), silent=Count("pk", filter=Q(latest=None)), judged=Count("pk", filter=JUDGED),
        fail=Sum("fails", filter=JUDGED), unknown=Sum("unknowns", filter=JUDGED), passed=Sum("passes", filter=JUDGED), **other,
    )  # fmt: skip
    sums["unjudged"] = sums["all"] - sums["silent"] - sums["judged"]
    shown = Keyed(machines.order_by("name", "pk"), judged(Machine.objects.all()), PAGE, known=sums["all"]).get_page(page)
    main = set(system.here.filter(main=True).values_list("machine", "item__machine"))
    # from the members to their devices: the other way about, all devices of the country are looked through
    held = system.here.exclude(item=None).select_related("item__unit", "item__machine__unit").order_by("item__name", "item_id")
    return {
        "machines": [(one, _level_of(one), others) for one, others in _with_others(shown.object_list, system)],
        "page": shown, "sums": sums, "other": {name: sums[name] for name in other}, "elsewhere": system.elsewhere,
        "main": {pk for both in main for pk in both if pk is not None},
        "devices": [one.item for one in held if one.reads is None or one.reads.retired_at is not None],
    }  # fmt: skip


def _level_of(machine: Machine) -> int | None:
    assessment = getattr(machine.latest, "assessment", None)
    return assessment.level if assessment is not None else None


def _with_others(machines: Iterable[Machine], system: System) -> Iterator[tuple[Machine, list[System]]]:
    """With the other systems of the same unit or below to which each belongs."""
    shown = list(machines)
    found: dict[int, list[System]] = defaultdict(list)
    belongs = Member.objects.filter(Q(machine__in=shown) | Q(item__machine__in=shown)).exclude(system=system)
    for member in belongs.filter(system__unit__path__under=system.unit.path).select_related("system", "item"):
        pk = member.machine_id if member.item is None else member.item.machine_id
        if pk is not None and member.system not in found[pk]:
            found[pk].append(member.system)
    for machine in shown:
        yield machine, found[machine.pk]


@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """Put machines and devices in, take them out, and say which are main network devices."""
    user = user_of(request)
    system = get_object_or_404(System.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    unknown: list[str] = []
    if request.method == "POST":
        if "remove" in request.POST:
            _remove(system, _number(request.POST["remove"]), user.username)
        elif "main" in request.POST:
            _turn_main(system, _number(request.POST["main"]), user.username)
        else:
            machines = _machines(system).filter(pk__in=map(_number, request.POST.getlist("machine")))
            items = _items(system).filter(pk__in=map(_number, request.POST.getlist("item")))
            named, unknown = _named(system, request.POST.get("names", ""))
            add(system, [*machines, *items, *named], user.username)
        if not unknown:
            return redirect("system-members", pk=pk)
    words = request.GET.get("q", "").strip()[:200]
    machines, items = _machines(system), _items(system)
    if words:
        machines = machines.filter(Q(name__icontains=words) | Q(hostname__icontains=words))
        items = items.filter(Q(name__icontains=words) | Q(serial__icontains=words) | Q(tag__icontains=words))
    mine = system.members.select_related("machine__unit", "item__unit", "item__machine__unit", "system__unit")
    context = {
        "book": BOOKS["systems"], "record": system, "page": Paginator(mine, PAGE).get_page(request.GET.get("page")), "words": words,
        "machines": machines.select_related("unit").order_by("name")[:CANDIDATES], "unknown": unknown, "nav": "registers",
        "names": "\n".join(unknown),
        "items": whole(items).order_by("name")[:CANDIDATES], "most": CANDIDATES,
    }  # fmt: skip
    return render(request, "registers/members.html", context, status=409 if unknown else 200)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _machines(system: System) -> QuerySet[Machine]:
    """Machines that may be put in: those there, less those that belong to it already."""
    there = Machine.objects.filter(IN_SERVICE, unit__path__under=system.unit.path)
    return there.exclude(pk__in=system.machines.values("pk"))


def _items(system: System) -> QuerySet[Item]:
    there = Item.objects.filter(unit__path__under=system.unit.path).exclude(state=DISPOSED)
    mine = system.members.exclude(machine=None).values("machine")
    return there.exclude(belongs__system=system).exclude(machine__in=mine)


def _named(system: System, text: str) -> tuple[list[Machine | Item], list[str]]:
    """What is meant by names of machines, tags or serial numbers, a line for each; and the lines that mean nothing, or two."""
    lines = list(dict.fromkeys(filter(None, (" ".join(line.split()) for line in text.splitlines()))))[:NAMES]
    found: dict[str, set[Machine | Item]] = defaultdict(set)
    for machine in _machines(system).filter(Q(name__in=lines) | Q(hostname__in=lines)):
        for word in {machine.name, machine.hostname}:
            found[word].add(machine)
    keys = {key_of(line): line for line in lines if key_of(line)}
    for item in _items(system).filter(Q(tag__in=lines) | Q(serial_key__in=keys)):
        for word in {item.tag, keys.get(item.serial_key, "")}:
            found[word].add(item)
    known = [next(iter(found[line])) for line in lines if len(found[line]) == 1]
    return known, [line for line in lines if len(found[line]) != 1]


def add(system: System, things: Iterable[Machine | Item], by: str) -> int:
    """How many were put in; what belongs to it already is left as it is."""
    fresh = []
    with transaction.atomic():
        list(System.objects.select_for_update().filter(pk=system.pk).values_list("pk"))
        held: set[Any] = set(system.members.values_list("machine", "item"))
        for thing in things:
            key = (thing.pk, None) if isinstance(thing, Machine) else (None, thing.pk)
            if key not in held:
                held.add(key)
                fresh.append(Member(system=system, machine_id=key[0], item_id=key[1], main=False))
        Member.objects.bulk_create(fresh, batch_size=500)
        # a line of history holds so many names
        for start in range(0, len(fresh), 20):
            _note(system, by, new=", ".join(one.name[:90] for one in fresh[start : start + 20]))
    return len(fresh)


def _remove(system: System, pk: int, by: str) -> None:
    member = (
        system.members.select_related("machine__unit", "item__machine__unit", "item__unit", "system__unit").filter(pk=pk).first()
    )
    if member is None:
        return
    with transaction.atomic():
        name = member.name if member.lies_here else _("lies in another unit by now")
        if member.delete()[0]:
            _note(system, by, old=name)


def _turn_main(system: System, pk: int, by: str) -> None:
    with transaction.atomic():
        member = system.here.select_for_update(of=("self",)).filter(pk=pk).first()
        if member is not None:
            Member.objects.filter(pk=pk).update(main=not member.main)
            word = _("main network device")
            _note(system, by, **({"old": f"{member.name}: {word}"} if member.main else {"new": f"{member.name}: {word}"}))


def _note(system: System, by: str, old: str = "", new: str = "") -> None:
    SystemChange.objects.create(system=system, by=by[:200], kind=Change.LINKED, field="members", old=old[:2000], new=new[:2000])
