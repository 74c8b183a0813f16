"""Papers prepared on their day: once, of the time last over, as drafts that a person reviews; and who may say what of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server import cli
from server.background.declare import TASKS, Stopped
from server.background.periodic import TABLE
from server.calendar import dates, events, papers
from server.calendar.events import Reach
from server.documents import arguments, due, kinds, making, routines
from server.documents.models import Document, Due, Issue, Routine
from server.documents.report import Report
from server.documents.spans import containing, parse
from server.documents.templates import TemplateError
from server.documents.wanted import Wanted
from server.journal.models import Entry
from server.units.models import Unit
from tests.server.documents import plain
from tests.server.test_programs import get, key_of
from tests.server.test_rights import on, person

pytestmark = pytest.mark.django_db

Writer = Callable[[Wanted], Report]


@pytest.fixture
def writers(monkeypatch) -> dict[str, Writer]:
    """Unit's name -> what writes its papers; a paper that says little, of the others."""
    own: dict[str, Writer] = {}

    def write(of: Wanted) -> Report:
        return own.get(of.unit.name, lambda of: plain(of.unit.name, provisional=of.provisional))(of)

    monkeypatch.setattr(making, "writer", lambda kind: write)
    return own


def wanted(unit: Unit, kind: str = "monthly") -> None:
    assert routines.add(unit, kind, "quản-trị")


def actions() -> list[str]:
    return list(Entry.objects.filter(action__startswith="document.").order_by("pk").values_list("action", flat=True))


# when ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "today", "span"),
    [
        ("monthly", "2026-11-30", "2026-10"),
        ("monthly", "2026-12-01", "2026-11"),
        ("monthly", "2027-01-01", "2026-12"),
        ("executive", "2026-12-01", "2026-11"),
        ("equipment", "2026-12-31", "2026-Q3"),
        ("equipment", "2027-01-01", "2026-Q4"),
        ("yearly", "2026-12-14", "2025"),
        ("yearly", "2026-12-15", "2026"),
        ("yearly", "2027-03-01", "2026"),
        ("effectiveness", "2026-12-31", "2025"),
        ("effectiveness", "2027-01-01", "2026"),
    ],
)
def test_a_paper_falls_due_the_day_after_its_figures_are_closed(kind: str, today: str, span: str) -> None:
    found = due.last_over(kind, date.fromisoformat(today))
    assert found.written == span
    assert timezone.localdate(due.falls(kind, found)) == due.closes(kind, found) + timedelta(days=1)


def test_what_may_be_prepared_is_the_same_everywhere() -> None:
    assert set(arguments.PREPARED) == set(kinds.PREPARED) <= set(kinds.SPANS)
    for kind, span in kinds.PREPARED.items():
        assert kinds.SPANS[kind] in (span, "")
    assert "documents.prepare" in TASKS
    assert "documents.prepare" in {entry.task for entry in TABLE}


# what is made ----------------------------------------------------------------------------------------------------------


@pytest.mark.on_both
def test_two_prepares_in_a_row_make_one_draft_and_the_next_month_another(tree, writers) -> None:
    wanted(tree["north"])
    assert routines.prepare(date(2027, 1, 20)) == (1, 0)
    assert routines.prepare(date(2027, 1, 20)) == routines.prepare(date(2027, 1, 31)) == (0, 0)
    made = Issue.objects.get()
    assert (made.made_by, made.prepared, made.waits, made.document.about) == (
        "collector", True, True, f"unit:{tree['north'].pk}:2026-12"
    )  # fmt: skip
    assert routines.prepare(date(2027, 2, 1)) == (1, 0)
    assert [one.span for one in Due.objects.order_by("pk")] == ["2026-12", "2027-01"]
    assert actions() == ["document.routine", "document.made", "document.made"]


@pytest.mark.on_both
def test_what_was_missed_is_made_up_for_by_the_last_alone(tree, writers) -> None:
    wanted(tree["root"], "equipment")
    assert routines.prepare(date(2027, 1, 1)) == (1, 0)
    assert routines.prepare(date(2027, 11, 5)) == (1, 0), "off from January to November"
    assert {one.about.rpartition(":")[2] for one in Document.objects.all()} == {"2026-Q4", "2027-Q3"}


@pytest.mark.on_both
def test_a_second_worker_in_the_same_moment_makes_no_second_draft(tree, writers) -> None:
    wanted(tree["north"])
    others: list[Any] = []

    def write(of: Wanted) -> Report:
        if not others:
            others.append(None)
            others[0] = routines.prepare(date(2027, 1, 1))
        return plain("x")

    writers["Phòng Bắc"] = write
    assert routines.prepare(date(2027, 1, 1)) == (0, 0)
    assert others == [(1, 0)]
    assert Issue.objects.count() == 1


@pytest.mark.on_both
def test_a_routine_taken_away_while_its_paper_is_written_leaves_no_draft(tree, writers) -> None:
    wanted(tree["north"])

    def write(of: Wanted) -> Report:
        routines.remove(tree["north"], "monthly", "quản-trị")
        return plain("x")

    writers["Phòng Bắc"] = write
    assert routines.prepare(date(2027, 1, 1)) == (0, 0)
    assert not Issue.objects.exists()


def test_a_paper_of_how_things_stand_is_one_document_with_an_issue_a_month(tree, writers) -> None:
    wanted(tree["north"], "executive")
    year = timezone.localdate().year + 1  # to come: a paper of a time before now could have been made by hand since
    for day in (date(year, 1, 1), date(year, 1, 2), date(year, 2, 1)):
        routines.prepare(day)
    assert Document.objects.get().about == f"unit:{tree['north'].pk}:"
    assert Issue.objects.count() == 2


def test_the_real_yearly_report_is_made_without_a_signer_and_its_figures_are_closed(tree) -> None:
    wanted(tree["root"], "yearly")
    assert routines.prepare(timezone.localdate()) == (1, 0)
    made = Issue.objects.get()
    assert not made.provisional
    assert made.report.front.signer_name == ""
    year = due.last_over("yearly", timezone.localdate()).first.year
    said = made.report.model_dump_json()
    assert f"15/12/{year - 1}" in said
    assert f"14/12/{year}" in said


def test_over_what_a_person_made_in_time_no_draft_is_laid(tree, writers) -> None:
    wanted(tree["north"])
    today = timezone.localdate()
    making.of_unit("monthly", tree["north"], due.last_over("monthly", today), None, "vận-hành")
    assert routines.prepare(today) == (0, 0)
    assert Issue.objects.get().made_by == "vận-hành"
    assert routines.prepare(today) == (0, 0)


def test_a_unit_that_has_ended_gets_none_and_cannot_be_given_any(tree, writers) -> None:
    wanted(tree["north"])
    Unit.objects.filter(pk=tree["north"].pk).update(valid_until=timezone.localdate() - timedelta(days=1))
    assert routines.prepare(date(2027, 1, 1)) == (0, 0)
    with pytest.raises(routines.Unfit):
        routines.add(Unit.objects.get(pk=tree["north"].pk), "yearly", "x")
    with pytest.raises(routines.Unfit, match="minutes"):
        routines.add(tree["south"], "minutes", "x")


# what cannot be made ---------------------------------------------------------------------------------------------------


def refused(of: Wanted) -> Report:
    raise TemplateError("monthly.yaml: thiếu <closing>")


def broken(of: Wanted) -> Report:
    return plain("x", title=str(1 // 0))


@pytest.mark.on_both
@pytest.mark.parametrize(("write", "why"), [(refused, "monthly.yaml"), (broken, "ZeroDivisionError")])
def test_bad_luck_of_one_stops_nobody_and_is_tried_again_the_next_day(tree, writers, write: Writer, why: str) -> None:
    today = timezone.localdate()
    for name in ("root", "north", "south"):
        wanted(tree[name])
    writers["Phòng Bắc"] = write
    assert routines.prepare(today) == (2, 1)
    assert routines.prepare(today) == (0, 0), "once a day"
    told = Entry.objects.get(action="document.not-prepared")
    assert told.unit_path == tree["north"].path
    assert why in told.detail["said"]
    Due.objects.filter(made_at=None).update(tried_on=today - timedelta(days=1))
    assert routines.prepare(today) == (0, 1)
    assert Entry.objects.filter(action="document.not-prepared").count() == 2
    admin = person("quản-trị", "admin", tree["root"])
    assert why in on(admin).get("/documents/").content.decode()
    assert why in on(admin).get("/documents/routines/").content.decode()
    assert why not in on(person("nam", "admin", tree["south"])).get("/documents/routines/").content.decode()
    Due.objects.filter(made_at=None).update(tried_on=today - timedelta(days=1))
    del writers["Phòng Bắc"]
    assert routines.prepare(today) == (1, 0)
    assert why not in on(admin).get("/documents/").content.decode()


def test_the_notice_goes_when_a_person_makes_the_paper(tree, writers) -> None:
    wanted(tree["north"])
    writers["Phòng Bắc"] = refused
    today = timezone.localdate()
    routines.prepare(today)
    admin = person("quản-trị", "admin", tree["root"])
    assert routines.unmade(admin).exists()
    del writers["Phòng Bắc"]
    making.of_unit("monthly", tree["north"], due.last_over("monthly", today), None, "console")
    assert not routines.unmade(admin).exists()


def test_a_worker_that_is_told_to_end_ends_between_two_papers(tree, writers) -> None:
    for name in ("root", "north", "south"):
        wanted(tree[name])
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        routines.prepare(date(2027, 1, 1), check)
    assert Issue.objects.count() == 1
    assert routines.prepare(date(2027, 1, 1)) == (2, 0)


# who says what ---------------------------------------------------------------------------------------------------------


def test_administrators_say_which_papers_of_their_units_are_prepared(tree) -> None:
    page, given = "/documents/routines/", {"unit": tree["north"].pk, "kind": "monthly"}
    for role in ("viewer", "operator", "approver", "auditor"):
        client = on(person(role, role, tree["root"]))
        assert (client.get(page).status_code, client.post(page, given).status_code) == (404, 404)
        assert page not in client.get("/documents/").content.decode()
    north = on(person("bắc", "admin", tree["north"]))
    assert page in north.get("/documents/").content.decode()
    assert north.post(page, given | {"unit": tree["south"].pk}).status_code == 404
    assert north.post(page, given | {"kind": "books"}).status_code == 409
    assert north.post(page, given).status_code == 302
    assert north.post(page, given).status_code == 302, "the same again changes nothing"
    held = Routine.objects.get()
    assert (held.unit, held.kind, held.made_by) == (tree["north"], "monthly", "bắc")
    south = on(person("nam", "admin", tree["south"]))
    assert "Phòng Bắc" not in south.get(page).content.decode()
    assert south.post(f"{page}{held.pk}/remove/").status_code == 404
    assert north.post(f"{page}{held.pk}/remove/").status_code == 302
    assert actions() == ["document.routine", "document.routine-removed"]


def test_the_console_does_the_same(tree, capsys) -> None:
    def run(*words: str) -> tuple[int, str]:
        options = cli._parser().parse_args(["dossier", "routine", *words])
        code = options.command(options)
        told = capsys.readouterr()
        return code, told.out + told.err

    assert run("add", "--unit", "Phòng Bắc", "--kind", "yearly")[0] == 0
    assert run("add", "--unit", "Phòng Bắc", "--kind", "yearly")[0] == 0
    assert Routine.objects.get().made_by == "console"
    code, told = run("list")
    assert code == 0
    assert "Phòng Bắc  yearly" in told
    assert "-12-15" in told
    assert run("remove", "--unit", "Phòng Bắc", "--kind", "yearly")[0] == 0
    assert run("remove", "--unit", "Phòng Bắc", "--kind", "yearly")[0] != 0
    assert run("add", "--unit", "Phòng Đông", "--kind", "yearly")[0] != 0
    assert actions() == ["document.routine", "document.routine-removed"]
    with pytest.raises(SystemExit):
        run("add", "--kind", "minutes")


@pytest.mark.on_both
def test_a_draft_waits_until_somebody_who_handles_the_unit_reviews_it(tree, writers) -> None:
    wanted(tree["north"])
    routines.prepare(date(2027, 1, 1))
    issue = Issue.objects.get()
    page, act = f"/documents/{issue.document_id}/", f"/documents/issues/{issue.pk}/reviewed/"
    for stranger in (person("nam", "admin", tree["south"]), person("xem", "viewer", tree["root"]), person("ngoài")):
        assert on(stranger).post(act).status_code == 404
        assert act not in on(stranger).get(page).content.decode()
    assert on(person("lạ", "viewer", tree["south"])).get(page).status_code == 404
    operator = person("vận-hành", "operator", tree["north"])
    client = on(operator)
    assert client.get(act).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(act).status_code == 403
    assert Issue.objects.get().waits
    assert client.post(act).status_code == 302
    issue.refresh_from_db()
    assert (issue.reviewed_by, issue.waits) == ("vận-hành", False)
    at = issue.reviewed_at
    assert on(person("sau", "operator", tree["north"])).post(act).status_code == 302
    issue.refresh_from_db()
    assert (issue.reviewed_by, issue.reviewed_at) == ("vận-hành", at), "who said so first did"
    assert Entry.objects.get(action="document.reviewed").subject == f"{issue.document.title} (1)"


@pytest.mark.parametrize(
    ("language", "tag", "one", "button", "reviewed"),
    [
        ("vi", "bản nháp chờ soát", "Có 1 bản nháp chờ soát.", "Xác nhận đã soát bản 1", "vận-hành đã soát"),
        ("en", "draft to be reviewed", "1 draft waits to be reviewed.", "Issue 1 is reviewed", "reviewed by vận-hành"),
    ],
)
def test_pages_tell_of_drafts(tree, writers, language: str, tag: str, one: str, button: str, reviewed: str) -> None:
    wanted(tree["north"])
    routines.prepare(date(2027, 1, 1))
    issue = Issue.objects.get()
    client, viewer = on(person("vận-hành", "operator", tree["north"])), on(person("xem", "viewer", tree["north"]))
    for other in (client, viewer):
        other.post("/language/", {"language": language})
    told = {path: client.get(path).content.decode() for path in ("/documents/", "/calendar/", f"/documents/{issue.document_id}/")}
    assert one in told["/documents/"]
    assert one in told["/calendar/"]
    assert tag in told["/documents/"]
    assert button in told[f"/documents/{issue.document_id}/"]
    seen = viewer.get("/documents/").content.decode()
    assert tag in seen
    assert one not in seen, "whoever may not review it is not asked to"
    assert issue.document.title in client.get("/documents/?drafts=1").content.decode()
    client.post(f"/documents/issues/{issue.pk}/reviewed/")
    assert one not in client.get("/documents/").content.decode()
    assert issue.document.title not in client.get("/documents/?drafts=1").content.decode()
    assert reviewed in client.get(f"/documents/{issue.document_id}/").content.decode()


@pytest.mark.parametrize(("language", "words"), [("vi", "Văn bản tự lập theo kỳ"), ("en", "Papers prepared by themselves")])
def test_the_page_of_routines_names_the_next_draft(tree, language: str, words: str) -> None:
    wanted(tree["north"], "yearly")
    client = on(person("quản trị", "admin", tree["root"]))
    client.post("/language/", {"language": language})
    page = client.get("/documents/routines/").content.decode()
    assert words in page
    year = due.last_over("yearly", timezone.localdate()).first.year + 1
    assert f'datetime="{year}-12-15"' in page
    assert f"năm {year}" in page


def test_a_new_issue_by_a_person_is_no_draft_any_more(tree, writers) -> None:
    wanted(tree["north"])
    routines.prepare(date(2027, 1, 1))
    operator = person("vận-hành", "operator", tree["north"])
    assert Document.objects.waiting(operator).count() == 1
    making.again(Document.objects.get(), operator, operator.username, True)
    assert not Document.objects.waiting(operator).exists()


def test_programs_read_who_reviewed(tree, writers) -> None:
    wanted(tree["north"])
    routines.prepare(date(2027, 1, 1))
    admin = person("quản-trị", "admin", tree["root"])
    key = key_of(admin, tree["root"], ["documents"])
    read = lambda: get("documents", key).json()["items"][0]  # noqa: E731
    assert (read()["draft"], read()["reviewed_by"], read()["reviewed_at"]) == (True, "", None)
    routines.review(Issue.objects.get(), "vận-hành")
    assert (read()["draft"], read()["reviewed_by"]) == (False, "vận-hành")
    assert read()["reviewed_at"]


# the calendar ----------------------------------------------------------------------------------------------------------


def test_days_of_the_law_name_papers_that_there_are() -> None:
    told = {one.id: one.paper for one in dates.rules().values() if one.paper}
    assert told == {"nd331-report-to-owner": "yearly", "nd331-report-to-ministry": "yearly", "qd3582-quarterly": "equipment"}
    assert set(told.values()) <= set(kinds.PREPARED)


def test_a_day_of_the_law_leads_to_the_paper_of_its_time(tree, writers) -> None:
    admin = person("quản-trị", "admin", tree["root"])
    for year in ("2025", "2026"):
        making.of_unit("yearly", tree["root"], parse("year", year, date(2026, 12, 15)), None, "console", blank_signer=True)
    making.of_unit("equipment", tree["north"], containing("quarter", date(2026, 12, 1)), None, "console", blank_signer=True)
    found = events.gather(Reach(admin, tree["root"]), date(2026, 12, 1), date(2027, 1, 31), ["law"])
    papers.link(admin, found)
    linked = {one.key: [document.about for document in one.papers] for one in found if one.papers}
    assert linked == {
        "law:nd331-report-to-owner": [f"unit:{tree['root'].pk}:2026"],
        "law:nd331-report-to-ministry": [f"unit:{tree['root'].pk}:2026"],
        "law:qd3582-quarterly": [f"unit:{tree['north'].pk}:2026-Q4"],
    }
    document = Document.objects.get(about=f"unit:{tree['root'].pk}:2026")
    day = f"/calendar/day/?key=law:nd331-report-to-owner&day=2026-12-20&unit={tree['root'].pk}"
    assert f'href="/documents/{document.pk}/"' in on(admin).get(day).content.decode()
    month = on(admin).get(f"/calendar/?month=2026-12&unit={tree['root'].pk}").content.decode()
    assert f'href="/documents/{document.pk}/"' in month
    other = person("nam", "viewer", tree["south"])
    found = events.gather(Reach(other, tree["south"]), date(2026, 12, 1), date(2027, 1, 31), ["law"])
    papers.link(other, found)
    assert not any(one.papers for one in found)
