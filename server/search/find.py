"""What a person finds by some words: of everything that person sees, the first few of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.db.models.query import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from baselines.model import Baseline
from server.assess import packs
from server.campaigns.models import Campaign
from server.coverage.models import Card
from server.feeds.matching.models import Weakness
from server.feeds.matching.views import carried_by
from server.findings import tally
from server.findings.models import Rule
from server.folding import fold
from server.ingest.models import IN_SERVICE, Machine
from server.overview.words import pack_of
from server.search.models import Entry, Word
from server.search.sources import SHOWN_ONLY, SOURCES, Source
from server.search.words import words
from server.units.models import User

SHOWN, LONGEST, MOST = 8, 200, 6
"""Of each kind; signs of a question; words of it that are heeded."""
CAMPAIGNS = 500


@dataclass
class Hit:
    """One thing."""

    title: str
    url: str
    detail: str = ""


@dataclass
class Group:
    """Things of one kind. `more`: there are others beside those shown."""

    title: str | Promise
    hits: list[Hit]
    more: bool = False
    more_url: str = ""


def find(user: User, asked: str) -> list[Group]:
    """Groups that hold something."""
    text = asked[:LONGEST]
    wanted = words(text)[:MOST]
    if not wanted or not user.parts():
        return []
    groups = [
        *(_indexed(user, source, wanted, text) for source in SOURCES),
        _cards(user, text), _checks(user, wanted), _weaknesses(user, text), _campaigns(user, wanted),
    ]  # fmt: skip
    return [group for group in groups if group.hits]


def _indexed(user: User, source: Source, wanted: list[str], text: str) -> Group:
    """By the index first, then asked of the things themselves: what was moved or removed a moment ago is not shown."""
    mine = source.model.objects.visible_to(user)
    if source.model in SHOWN_ONLY:
        mine = mine.filter(SHOWN_ONLY[source.model])
    # asked of the thing before any are left out: what is out of service must not take the place of what is shown
    held = Exists(mine.filter(pk=OuterRef("ref")))
    found: QuerySet[Entry] = Entry.objects.visible_to(user).filter(held, kind=source.code)
    for word in wanted:
        found = found.filter(Exists(Word.objects.filter(entry=OuterRef("pk"), word__begins=word)))
    refs = list(found.order_by("text", "pk").values_list("ref", flat=True)[: 3 * SHOWN])
    mine = mine.filter(pk__in=refs)
    if hasattr(source.model, "unit"):
        mine = mine.select_related("unit")
    rows = sorted(mine, key=lambda row: (not fold(row.name).startswith(fold(text.strip())), refs.index(row.pk)))
    hits = [Hit(row.name, source.url(row), source.detail(row)) for row in rows[:SHOWN]]
    url = f"{reverse(source.more)}?{urlencode({'q': text})}" if source.more else ""
    return Group(source.title, hits, len(rows) > SHOWN, url)


def _cards(user: User, text: str) -> Group:
    """A whole hardware address, however it is written."""
    digits = "".join(letter for letter in text.lower() if letter not in "-:. ")
    hits: list[Hit] = []
    if len(digits) == 12 and all(digit in "0123456789abcdef" for digit in digits):
        mac = ":".join(digits[place : place + 2] for place in range(0, 12, 2))
        cards = Card.objects.filter(mac=mac).values("machine")
        mine = Machine.objects.visible_to(user).filter(IN_SERVICE, pk__in=cards).select_related("unit")
        hits = [Hit(row.name, reverse("machine", args=[row.pk]), f"{row.unit.name} · {mac}") for row in mine[:SHOWN]]
    return Group(_("Machines with this hardware address"), hits)


def _checks(user: User, wanted: list[str]) -> Group:
    """Checks and requirements of the packs, by their words in both languages, their ids and clauses; with who fails them."""
    lines = [line for name in packs.names() if (pack := pack_of(name)) for line in _lines(pack)]
    fits = [line for line in lines if all(any(word.startswith(part) for word in line.words) for part in wanted)]
    named = {
        (one.baseline, one.requirement, one.check_id): one
        for one in Rule.objects.filter(check_id__in={line.check for line in fits})
    }
    counted = tally.read(user.parts()).by_rule if named else {}
    hits: dict[tuple[str, str], tuple[int, Hit]] = {}
    for line in fits:
        rule = named.get((line.pack, line.requirement, line.check))
        if rule is None:
            continue
        fail = counted.get(rule.pk, (0, 0, 0))[0]
        said = ngettext("%d machine fails it", "%d machines fail it", fail) % fail if fail else ""
        hit = Hit(line.title, reverse("rule", args=[rule.pk]), " · ".join(filter(None, (line.clause, said))))
        if (line.pack, line.check) not in hits or hits[line.pack, line.check][0] < fail:
            hits[line.pack, line.check] = fail, hit
    ordered = sorted(hits.values(), key=lambda one: (-one[0], one[1].title))
    return Group(_("Checks and findings"), [hit for _fail, hit in ordered[:SHOWN]], len(ordered) > SHOWN, reverse("matrix"))


@dataclass(frozen=True)
class _Line:
    """A check under a requirement, and the words it is found by."""

    pack: str
    requirement: str
    check: str
    vi: str
    en: str
    clause: str
    words: frozenset[str]

    @property
    def title(self) -> str:
        return self.en if get_language() == "en" else self.vi


_kept: dict[str, list[_Line]] = {}


def _lines(pack: Baseline) -> list[_Line]:
    """Once for each content of a pack."""
    if pack.digest not in _kept:
        if len(_kept) > 8:
            _kept.clear()
        _kept[pack.digest] = list(_made(pack))
    return _kept[pack.digest]


def _made(pack: Baseline) -> Iterator[_Line]:
    for requirement in pack.requirements.values():
        clauses = list(dict.fromkeys(filter(None, (pack.clause(requirement.id, level) for level in requirement.levels))))
        for name in requirement.checks:
            check = pack.checks[name]
            texts = (check.title.vi, check.title.en, requirement.title.vi, requirement.title.en, name, requirement.id)
            told = {word for text in texts for word in words(text)} | {
                word for clause in clauses for word in (clause, *words(clause))
            }
            yield _Line(pack.id, requirement.id, name, check.title.vi, check.title.en, ", ".join(clauses[:3]), frozenset(told))


def _weaknesses(user: User, text: str) -> Group:
    """By number alone; only those that some machine this person sees has."""
    number = text.strip().upper()
    if number.isdigit() or len(number) < 4 or not any(letter.isdigit() for letter in number):
        return Group("", [])
    named = Weakness.objects.filter(identifier__begins=number)
    mine = carried_by(user).filter(ground__weakness=OuterRef("pk"))
    rows = list(named.filter(Exists(mine)).order_by("identifier")[: SHOWN + 1])
    hits = [Hit(row.identifier, reverse("vulnerability", args=[row.address])) for row in rows[:SHOWN]]
    return Group(_("Vulnerabilities"), hits, len(rows) > SHOWN, f"{reverse('vulnerabilities')}?{urlencode({'q': number})}")


def _campaigns(user: User, wanted: list[str]) -> Group:
    """The newest few hundred are looked through: there are dozens a year."""
    hits = []
    for row in Campaign.objects.visible_to(user).order_by("-date", "-pk").distinct()[:CAMPAIGNS]:
        told = words(f"{row.number} {row.subject} {row.issuer}")
        if all(any(word.startswith(part) for word in told) for part in wanted):
            hits.append(Hit(row.number, reverse("campaign", args=[row.pk]), row.subject))
    return Group(_("Campaigns"), hits[:SHOWN], len(hits) > SHOWN, reverse("campaigns"))
