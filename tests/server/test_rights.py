"""Everybody sees their own part of the tree and no other: every page there is, walked by people of different places.

A new page is walked by itself. One that is about an object says in OBJECTS how to make one, or the walk fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from collectors.facts.configuration import Configuration
from collectors.model import Record
from server.assess import judge
from server.assess.tasks import follow
from server.calendar.models import Done, OwnDate
from server.configurations.models import Version
from server.coverage.models import Expected
from server.documents.models import Routine
from server.evidence.models import Bundle
from server.filters.models import SavedFilter
from server.findings.models import Rule
from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal import models as journal
from server.journal.models import Entry
from server.outlets import making
from server.outlets.making import Wish
from server.programs.models import Key
from server.registers.installed import Program
from server.registers.models import Item, System
from server.relays.models import Relay
from server.stations.models import ScanRequest
from server.units import rights
from server.units.models import Membership, Unit, User
from server.units.paths import outermost, span
from server.units.rights import ADMINISTER, APPROVE, HANDLE, JOURNAL, SCAN, SEE
from server.waivers.models import Attestation
from tests.server import waivers
from tests.server.assignments import failing
from tests.server.campaigns import running
from tests.server.documents import paper
from tests.server.people import PASSWORD, Host, made, send
from tests.server.registers import stocktake_of, text_in, waiting_file
from tests.server.sweeping import warned

pytestmark = pytest.mark.django_db

SIGNED = re.compile(r"api/v1/(enrol|snapshots|agents/|packs/|centre|relays/)|calendar/feed/|api/(openapi\.json|docs)|static/")
"""Called by agents and relays with their own signatures, or the same for everybody."""
SAME_FOR_ALL = {"log-on/", "log-off/", "password/", "language/", "theme/", "healthz", "readyz", "metrics", "api/"}
"""Nobody's rows stand there. Logging off would end the walk."""
OBJECTS = {
    "machines/<int:pk>/scan": lambda there: there["target"].pk,
    "machines/<int:pk>": lambda there: there["machine"].pk,
    "<str:snapshot>": lambda there: there["machine"].latest_id,
    "<int:version>": lambda there: there["version"].pk,
    "alarms/<int:pk>": lambda there: there["alarm"].pk,
    "tokens/<int:pk>": lambda there: there["token"].pk,
    "agents/<str:pk>": lambda there: there["machine"].agent_id,
    "units/<int:pk>": lambda there: there["unit"].pk,
    "assets/<int:pk>": lambda there: there["machine"].pk,
    "keys/<int:pk>": lambda there: there["key"].pk,
    "<int:rule>": lambda there: Rule.objects.values_list("pk", flat=True)[0],
    "jobs/<int:pk>": lambda there: there["job"].pk,
    "relays/<str:pk>": lambda there: there["relay"].pk,
    "<slug:gap>": lambda there: "absent",
    "<slug:weakness>": lambda there: "CVE-2026-1000",
    "<slug:sheet>": lambda there: there["sighting"].sheet_id,
    "<slug:letter>": lambda there: there["concern"].letter_id,
    "outlets/<int:pk>": lambda there: there["outlet"].pk,
    "<str:act>": lambda there: "pause",
    "approvals/<int:pk>": lambda there: there["waiver"].request_id,
    "waivers/<int:pk>": lambda there: there["waiver"].pk,
    "attestations/<int:pk>": lambda there: there["attestation"].pk,
    "enrolment/<str:pk>": lambda there: there["waiting"].pk,
    "expected/<int:pk>": lambda there: there["expected"].pk,
    "work/<int:pk>": lambda there: there["assignment"].pk,
    "filters/<int:pk>": lambda there: there["filter"].pk,
    "calendar/own/<int:pk>": lambda there: there["own_date"].pk,
    "calendar/done/<int:pk>": lambda there: there["done"].pk,
    "campaigns/parts/<int:pk>": lambda there: there["part"].pk,
    "documents/issues/<int:pk>": lambda there: there["issue"].pk,
    "documents/routines/<int:pk>": lambda there: there["routine"].pk,
    "documents/<int:pk>": lambda there: there["issue"].document_id,
    "<str:form>": lambda there: "xlsx",
    "campaigns/<int:pk>": lambda there: there["part"].campaign_id,
    "registers/equipment/<int:pk>": lambda there: there["item"].pk,
    "registers/software/<int:pk>": lambda there: there["program"].pk,
    "registers/systems/<int:pk>": lambda there: there["system"].pk,
    "registers/stocktakes/<int:pk>": lambda there: there["stocktake"].pk,
    "registers/uploads/<int:pk>": lambda there: there["upload"].pk,
    "evidence/<int:pk>": lambda there: there["bundle"].pk,
    "evidence/<int:bundle>": lambda there: there["bundle"].pk,
}
"""The object of that part of an address, in the place called `there`."""


class Place(dict[str, Any]):
    """A province with one of each thing, all named so that they are found on a page."""

    @classmethod
    def of(cls, client: Client, root: Unit, mark: str) -> Place:
        unit = Unit.objects.create(name=f"tỉnh {mark}", code=f"c-{mark}", parent=root)
        office = Unit.objects.create(name=f"cơ sở {mark}", parent=unit)
        token, text = EnrolmentToken.issue(office, 5, 1, f"người {mark}", f"ghi chú {mark}")
        host = Host(f"may-{mark}")
        assert host.enrol(client, text).status_code == 201
        told = made(Configuration, lines=1, digest="0" * 64, text=f"hostname {mark}\n", saved=True)
        record = Record(fact="configuration", outcome="seen", data=told.model_dump(mode="json"))
        assert send(client, host.seal(host.snapshot(extra=(record,)))).status_code == 201
        machine = Machine.objects.get(name=host.name)
        target = Machine.objects.create(unit=office, agent=machine.agent, own=False, name=f"dich-{mark}", kind="switch")
        alarm = judge.raise_alarm(machine, "forged", target=mark)
        ScanRequest.objects.create(machine=target, asked_by=f"người {mark}")
        journal.write("unit.changed", f"người {mark}", unit_path=office.path, subject=mark)
        version = Version.objects.get(machine=machine)
        late = Host(f"cho-{mark}")
        assert late.enrol(client, EnrolmentToken.issue(office, 1, 1, "x", approval=True)[1]).status_code == 201
        expected = Expected.objects.create(unit=office, name=f"phai-co-{mark}")
        asker, second = person(f"xin-{mark}"), person(f"duyet-{mark}", Membership.APPROVER, office)
        waiver = waivers.with_file(office, asker, second, machine)
        part = running(unit, office, machine, mark)
        attestation = Attestation.objects.create(
            unit=office, baseline="mini", requirement="care.rules", level=2, document=mark, state="met", by=f"nguoi-{mark}", role=mark,
            attachment=waiver.attachment, file_name=mark, on=waiver.on, until=waiver.until,
        )  # fmt: skip
        sighting, concern = warned(machine, mark)
        own_date = OwnDate.objects.create(
            unit=office, title=f"han-{mark}", who=mark, source=mark, day=timezone.localdate(), changed_by=f"nguoi-{mark}"
        )
        done = Done.objects.create(
            unit=office, key="law:x", day=own_date.day, title=f"viec-{mark}", on=own_date.day, by=f"nguoi-{mark}", document=mark,
            attachment=waiver.attachment, file_name=mark,
        )  # fmt: skip
        item = Item.objects.create(unit=office, name=f"thiet-bi-{mark}", created_by=f"nguoi-{mark}")
        return cls(
            stocktake=stocktake_of(office, mark),
            system=System.objects.create(unit=office, name=f"he-thong-{mark}", created_by=f"nguoi-{mark}"),
            program=Program.objects.create(unit=office, name=f"phan-mem-{mark}", created_by=f"nguoi-{mark}"),
            assignment=failing(machine, office, person(f"lo-{mark}", Membership.OPERATOR, office), f"chờ {mark}"),
            own_date=own_date, done=done,
            filter=SavedFilter.objects.create(name=f"loc-{mark}", page="work", owner=asker, unit=office),
            bundle=Bundle.objects.create(unit=office, kind="unit", of=office.pk, name=f"goi-{mark}", asked_by=f"nguoi-{mark}"),
            sighting=sighting, concern=concern, item=item, upload=waiting_file(office, mark),
            issue=paper(office, mark), routine=Routine.objects.create(unit=office, kind="monthly", made_by=f"nguoi-{mark}"),
            mark=mark, unit=unit, office=office, token=token, machine=machine, target=target, alarm=alarm, version=version,
            expected=expected, part=part, waiver=waiver, attestation=attestation, waiting=Agent.objects.get(pk=late.agent),
            job=follow(office, f"người {mark}"), relay=Relay.invite(office, f"tram-{mark}", f"người {mark}")[0],
            outlet=making.make(office, Wish("syslog", f"kenh-{mark}", f"tls://{mark}.example:6514"), f"người {mark}"),
            key=Key.issue(person(f"nguoi-{mark}"), office, f"khoa-{mark}", ["units"], timezone.now() + timedelta(days=1))[0],
        )  # fmt: skip

    @property
    def marks(self) -> tuple[str, ...]:
        return (self["mark"], self["token"].public, self["machine"].agent_id, self["machine"].latest_id)


@pytest.fixture
def places(client: Client, tree) -> tuple[Place, Place]:
    return Place.of(client, tree["root"], "banguon"), Place.of(client, tree["root"], "xanhlam")


def person(name: str, role: str = "", unit: Unit | None = None, **fields: Any) -> User:
    user = User.objects.create_user(name, PASSWORD, must_change=False)
    if unit:
        Membership.objects.create(user=user, unit=unit, role=role, **fields)
    return user


def on(user: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Every address there is, as it is written in the url files."""
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from routes(pattern.url_patterns, route)


def address(route: str, there: Place) -> str:
    """The route with the objects of that place in it."""
    for part, make in OBJECTS.items():
        if part in route:
            made_part = re.sub(r"<[^>]*>", str(make(there)), part)
            route = route.replace(part, made_part)
    assert "<" not in route, f"/{route}: say in OBJECTS which object this page is about, or in SIGNED who calls it"
    return f"/{route}"


WALKED = sorted(
    route for route in set(routes(get_resolver().url_patterns)) if not SIGNED.match(route) and route not in SAME_FOR_ALL
)
OF_AN_OBJECT = [route for route in WALKED if "<" in route and "<slug:" not in route and "<int:rule>" not in route]
"""A word of a fixed list (`<slug:...>`) and a rule of a pack are nobody's: such a page is a list."""
LISTS = [route for route in WALKED if route not in OF_AN_OBJECT]


def test_the_walk_meets_the_pages_there_are() -> None:
    assert {"", "machines/", "journal/", "tokens/", "configurations/"} <= set(LISTS)
    assert {"machines/<int:pk>/", "alarms/<int:pk>/close/", "machines/<int:pk>/snapshots/<str:snapshot>/raw/"} <= set(
        OF_AN_OBJECT
    )


def test_what_is_not_theirs_is_not_there(places: tuple[Place, Place], tree) -> None:
    mine, theirs = places
    strangers = [
        person("người ngoài"),
        person("hết hạn", Membership.ADMIN, theirs["unit"], until=timezone.localdate() - timedelta(days=1)),
        *(person(f"{role} tỉnh khác", role, mine["unit"]) for role in rights.RIGHTS),
    ]
    for user in strangers:
        client = on(user)
        for route in OF_AN_OBJECT:
            url = address(route, theirs)
            answers = {client.get(url).status_code, client.post(url).status_code}
            assert answers <= {404, 405}, f"{user} at {url}: {answers}"
            assert 404 in answers, f"{user} at {url}: {answers}"
        for url in (f"/machines/{mine['machine'].pk}/", f"/machines/{mine['machine'].pk}/configurations/compare/"):
            # an object of theirs reached through one's own
            odd = {"snapshot": theirs["machine"].latest_id, "old": theirs["version"].pk, "new": theirs["version"].pk}
            assert client.get(url, odd).status_code == 404


def test_whoever_has_them_gets_them(places: tuple[Place, Place], tree) -> None:
    """Or the test before would pass with a page that nobody reaches."""
    _mine, theirs = places
    client = on(person("trung tâm", Membership.ADMIN, tree["root"]))
    for route in OF_AN_OBJECT:
        url = address(route, theirs)
        with transaction.atomic():  # one after the other would find what those before left of it
            answers = {client.get(url).status_code, client.post(url, {"with": theirs["target"].pk}).status_code} - {405}
            transaction.set_rollback(True)
        assert answers <= {200, 302, 400, 404, 409, 422}, f"{url}: {answers}"
        if "compare" not in route:  # it needs two versions to be named
            assert answers & {200, 302, 409}, f"{url}: {answers}"


@pytest.mark.parametrize("route", LISTS)
def test_lists_name_nothing_of_others(places: tuple[Place, Place], tree, route: str) -> None:
    mine, theirs = places
    asked = ({}, {"unit": theirs["unit"].pk, "machine": theirs["machine"].pk, "closed": "1"})
    for user in (person("người ngoài"), *(person(f"{role} kia", role, mine["unit"]) for role in rights.RIGHTS)):
        for query in asked:
            response = on(user).get(address(route, mine), query)
            assert response.status_code in (200, 302, 403, 404, 405), f"{user} at /{route}: {response.status_code}"
            page = text_in(b"".join(response))
            for mark in theirs.marks:
                assert mark not in page, f"{user} sees {mark} at /{route}"


@pytest.mark.parametrize(
    ("route", "mark"),
    [
        ("", "xanhlam"),
        ("machines/", "may-xanhlam"),
        ("journal/", "xanhlam"),
        ("tokens/", "xanhlam"),
        ("coverage/?gap=absent", "xanhlam"),
    ],
)
def test_lists_name_what_is_ones_own(places: tuple[Place, Place], route: str, mark: str) -> None:
    client = on(person("quản trị tỉnh", Membership.ADMIN, places[1]["unit"]))
    page = client.get(f"/{route}").content.decode()
    assert mark in page
    assert "banguon" not in page


ROLES_MAY = {
    rights.VIEWER: {SEE},
    rights.OPERATOR: {SEE, SCAN, HANDLE},
    rights.APPROVER: {SEE, APPROVE},
    rights.AUDITOR: {SEE, JOURNAL},
    rights.ADMIN: {SEE, SCAN, HANDLE, APPROVE, JOURNAL, ADMINISTER},
}


@pytest.mark.parametrize("role", rights.RIGHTS)
def test_what_a_role_may_do_it_may_do_below_and_nowhere_else(places: tuple[Place, Place], tree, role: str) -> None:
    mine, theirs = places
    user = person("một người", role, mine["unit"])
    for action in rights.ACTIONS:
        expected = action in ROLES_MAY[role]
        assert user.may(action, mine["unit"]) is user.may(action, mine["office"]) is user.does(action) is expected
        assert not user.may(action, theirs["office"])
        assert not user.may(action, tree["root"])
        assert Machine.objects.visible_to(user, action).exists() is expected
        assert Unit.objects.filter(user.reach(action)).exists() is expected
    assert role in dict(Membership.ROLES)


@pytest.mark.parametrize("role", rights.RIGHTS)
def test_the_pages_hold_to_the_table(places: tuple[Place, Place], role: str) -> None:
    _other, mine = places
    machine = mine["machine"]
    ScanRequest.objects.all().delete()
    client = on(person("một người", role, mine["unit"]))
    may = ROLES_MAY[role]
    assert client.get(f"/machines/{machine.pk}/").status_code == 200
    assert (client.post(f"/machines/{mine['target'].pk}/scan/").status_code == 302) is (SCAN in may)
    assert (client.post(f"/alarms/{mine['alarm'].pk}/close/").status_code == 302) is (HANDLE in may)
    assert (client.get("/journal/").status_code == 200) is (JOURNAL in may)
    assert (client.get("/tokens/").status_code == 200) is (ADMINISTER in may)
    assert (client.post(f"/tokens/{mine['token'].pk}/revoke/").status_code == 302) is (ADMINISTER in may)
    headings = client.get("/tokens/" if ADMINISTER in may else "/units/").content.decode()
    assert ('href="/tokens/"' in headings) is (ADMINISTER in may)


def test_words_that_are_no_role_and_no_action_are_no_right(tree) -> None:
    user = person("a", Membership.ADMIN, tree["root"])
    with pytest.raises(KeyError):
        user.may("everything", tree["root"])


def test_what_concerns_no_unit_is_for_those_of_the_root(places: tuple[Place, Place], tree) -> None:
    journal.write("server.init", "console", subject="chuyện chung")
    chief, part = person("a", Membership.AUDITOR, tree["root"]), person("b", Membership.AUDITOR, places[0]["unit"])
    common = Entry.objects.filter(unit_path="", action="server.init")
    assert Entry.objects.visible_to(chief, JOURNAL).filter(pk__in=common).exists()
    assert not Entry.objects.visible_to(part, JOURNAL).filter(pk__in=common).exists()


OF_NO_UNIT = {
    "people.SecondFactor": "of a person, for that person alone",
    "people.RecoveryCode": "of a person, for that person alone",
    "people.Visit": "of a person, for that person alone",
    "signon.Identity": "of a person, for consoles alone",
    "signon.Tries": "of an entry of the directory, shown to nobody",
    "units.User": "people are seen through their memberships",
    "ingest.Refusal": "addresses of strangers, counted only",
    "configurations.Text": "shared by versions, which have a machine",
    "background.Routine": "the clock of the collector's own work",
    "assess.KeptPack": "a pack, shared by all",
    "assess.KeptTailoring": "shared by the assessments made with it, which have a machine",
    "assess.KeptFact": "shared by the assessments made with it, which have a machine",
    "findings.Rule": "of a pack, shared by all",
    "registers.Listing": "names and versions of programs, shared by all machines that have just these",
    "matching.Weakness": "of feeds, shared by all",
    "matching.Ground": "a vulnerability in a version of a package, shared by all machines that carry it",
    "sweeps.Sheet": "a list of indicators, the same for everybody; it names no machine",
    "sweeps.Letter": "a warning by letter, the same for everybody",
    "sweeps.Item": "a line of such a letter",
    "approvals.Attachment": "shared by the requests, waivers and attestations it goes with, which have a unit",
    "storage.InForce": "files of the collector itself",
    "outlets.Order": "one number",
    **dict.fromkeys(
        (
            model._meta.label
            for model in apps.get_models()
            if model.__module__ in ("server.feeds.models", "server.feeds.contents")
        ),
        "what publishers say of products, the same for everybody; it names no machine",
    ),
}


def test_every_table_of_ours_says_whose_its_rows_are() -> None:
    ours = [model for model in apps.get_models() if model.__module__.startswith("server.")]
    silent = [model._meta.label for model in ours if not getattr(model, "REACHED_BY", "")]
    assert set(silent) <= set(OF_NO_UNIT), "give it REACHED_BY and objects = Scoped(), or say here why it has no unit"
    nobody = User(username="nobody", pk=-1)
    for model in ours:
        if model._meta.label not in silent:
            assert not model.objects.visible_to(nobody).exists(), model._meta.label


STAYS = {
    "units": "the tree itself: operations.py says what becomes of each",
    "findings": "counted where the machines are, by tally.settle",
    "differences": "added up anew every quarter of an hour",
    "schedules": "what the successor says of itself holds: the hours of one office must not be laid over the machines of another",
    "assignments.Assignment": "of a machine it goes along with the machine (looking.py); of a unit it ends with the unit",
    "background.Job": "what was done stays where it was done",
    "calendar": "what a unit said of its own days, and did on them; the successor says its own",
    "documents": "papers of their day, and who signed them: the successor has its own",
    "campaigns": "an account of its days: a unit that ended lies below the one after it, whose people read on",
    "coverage.Listing": "a list was taken over for the unit of its day",
    "waivers.Attestation": "a word on a unit ends with the unit; one on a machine goes along by waivers/signals.py",
    "evidence.Bundle": "a file of its day, about the unit of its day",
    "outlets.Outlet": "made for that part of the tree: the successor may be larger",
}
"""Rows of a unit that do not go along when it goes over into another one, and why."""


def test_every_table_with_a_unit_says_whether_it_goes_along_in_a_merge() -> None:
    for model in apps.get_models():
        label = model._meta.label
        of_units = [field for field in model._meta.get_fields() if field.concrete and field.related_model is Unit]
        if of_units and label not in STAYS and model._meta.app_label not in STAYS:
            assert getattr(model, "FOLLOWS_UNIT", False), f"{label}: FOLLOWS_UNIT = True, or say here why it stays"
            assert [field.name for field in of_units] == ["unit"]


def test_memberships_are_asked_for_once_a_request(places: tuple[Place, Place], tree) -> None:
    client = on(person("a", Membership.ADMIN, tree["root"]))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/machines/{places[0]['machine'].pk}/").status_code == 200
    assert sum("units_membership" in query["sql"] for query in queries) == 1


@pytest.mark.parametrize(
    ("paths", "kept"),
    [
        (["/1/2/", "/1/", "/1/10/"], ["/1/"]),
        (["/1/2/", "/1/20/", "/1/2/3/", "/1/2/"], ["/1/2/", "/1/20/"]),
        ([], []),
    ],
)
def test_parts_inside_others_are_dropped(paths: list[str], kept: list[str]) -> None:
    assert outermost(paths) == kept


@pytest.mark.on_both
def test_a_number_that_begins_alike_is_another_unit(db) -> None:
    for path in ("/1/", "/1/2/", "/1/2/7/", "/1/20/", "/1/3/"):
        Unit.objects.create(name=path, path=path)
    assert [unit.path for unit in Unit.objects.filter(path__under="/1/2/")] == ["/1/2/", "/1/2/7/"]
    with pytest.raises(ValueError, match="no path"):
        span("/1/2")


@pytest.mark.on_both
def test_a_part_of_the_tree_is_a_range_of_the_index(tree) -> None:
    user = person("a", Membership.VIEWER, tree["north"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # in a table of three rows nobody looks into an index
    for query in (Unit.objects.visible_to(user), Machine.objects.visible_to(user), Entry.objects.visible_to(user)):
        plan = query.explain()
        if connection.vendor == "postgresql":
            assert re.search(r"Index Cond: \(+(unit_)?path\)?(::text)? ~>=~ .* ~<~ ", plan), plan
        else:
            assert re.search(r"SEARCH \w+ USING (COVERING )?INDEX \w+ \((unit_)?path>\? AND (unit_)?path<\?\)", plan), plan
            assert "SCAN" not in plan, plan
