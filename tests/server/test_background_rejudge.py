"""Judging again in the background: who is judged, by what, how often; what people see of it."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from server.assess import judge, packs
from server.assess import tasks as assess
from server.assess.models import StoredAssessment
from server.assess.tasks import follow, rejudge
from server.background import console, delivery, periodic, queue, run, worker
from server.background.declare import TASKS
from server.background.models import Job
from server.config import Data
from server.ingest.models import Machine
from server.journal.models import Entry
from tests.server.people import Host, send

pytestmark = [pytest.mark.on_both, pytest.mark.django_db(transaction=True)]


def work_off() -> None:
    delivery.take("tests", 0.05, until_empty=True, signals=False)


def runs() -> QuerySet[Job]:
    """Machines that report are matched against the feeds too, a minute later: that is another job."""
    return Job.objects.filter(name="assess.rejudge")


def of(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def fleet(client, another, tree) -> list[Host]:
    """Two machines in the north, one in the south, judged at level 2."""
    found = [another(f"máy-{number}", unit) for number, unit in enumerate(("north", "north", "south"))]
    for host in found:
        assert send(client, host.seal(host.snapshot())).status_code == 201
    return found


def levels() -> list[int]:
    return [machine.latest.assessment.level for machine in Machine.objects.order_by("pk")]


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """The machines given to the judge, in order."""
    given = []
    honest = judge.rejudge

    def noted(machines):
        found = list(machines)
        given.extend(machine.pk for machine in found)
        return honest(iter(found))

    monkeypatch.setattr(judge, "rejudge", noted)
    return given


def test_a_unit_s_new_level_reaches_its_machines_and_no_others(fleet, tree, asked):
    north = tree["north"]
    north.level = 3
    north.save()
    job = follow(north, "quản-trị")
    work_off()
    assert levels() == [3, 3, 2]
    assert (of(job).state, of(job).outcome, of(job).done, of(job).of) == (Job.DONE, {"judged": 2, "failed": 0}, 2, 2)
    assert len(asked) == 2
    row = Entry.objects.get(action="assess.rejudged")
    assert (row.actor, row.unit_path, row.detail) == ("quản-trị", north.path, {"judged": 2, "failed": 0})


def test_the_unit_below_that_says_it_itself_is_left_as_it_is(fleet, tree, asked):
    tree["south"].level = 2
    tree["south"].save()
    tree["root"].level = 4
    tree["root"].save()
    follow(tree["root"], "console")
    work_off()
    assert levels() == [4, 4, 2]
    assert len(asked) == 2


def test_two_changes_in_a_row_are_one_run_and_the_last_one_holds(fleet, tree, asked):
    for level in (3, 4):
        tree["root"].level = level
        tree["root"].save()
        follow(tree["root"], "console")
    work_off()
    assert levels() == [4, 4, 4]
    assert len(asked) == 3
    assert runs().count() == 1


def test_a_change_while_it_walks_is_followed_by_the_same_or_the_next_run(fleet, tree, monkeypatch):
    monkeypatch.setattr(assess, "SLICE", 1)
    honest, given = judge.rejudge, []

    def changing(machines):
        found = honest(machines)
        given.append(1)
        if len(given) == 2:
            tree["root"].level = 4
            tree["root"].save()
            follow(tree["root"], "console")
        return found

    monkeypatch.setattr(judge, "rejudge", changing)
    tree["root"].level = 3
    tree["root"].save()
    follow(tree["root"], "console")
    work_off()
    assert levels() == [4, 4, 4]
    assert set(runs().values_list("state", flat=True)) == {Job.DONE}


def test_a_changed_pack_is_noticed_by_the_daily_look(fleet, tree, tmp_path, settings, asked):
    own = Data(tmp_path)
    shutil.copytree(Path(__file__).parent / "packs", own.packs)
    settings.DATA = own
    packs.forget()
    before = packs.get("mini").digest
    periodic.ask(starting=True)
    work_off()
    assert not asked, "nothing has changed yet"
    standard = own.packs / "mini" / "standard.yaml"
    standard.write_text(standard.read_text() + "\n# another edition\n")
    periodic.ask(starting=True)
    work_off()
    after = packs.get("mini").digest
    assert after != before, "a worker reads the pack anew"
    assert set(StoredAssessment.objects.values_list("digest", flat=True)) == {after}
    assert len(asked) == 3


def test_a_snapshot_that_was_never_judged_is_judged(fleet, tree, asked):
    StoredAssessment.objects.first().delete()
    follow(tree["root"], "console")
    work_off()
    assert StoredAssessment.objects.count() == 3
    assert len(asked) == 1


def test_one_that_cannot_be_judged_is_counted_once_and_stops_nobody(fleet, tree):
    bad = Machine.objects.order_by("pk")[1].pk
    latest = Machine.objects.get(pk=bad).latest
    latest.sealed = b"not a seal"
    latest.save(update_fields=["sealed"])
    tree["root"].level = 3
    tree["root"].save()
    job = follow(tree["root"], "console")
    work_off()
    assert (of(job).state, of(job).outcome) == (Job.DONE, {"judged": 2, "failed": 1})
    assert levels() == [3, 2, 3]


def test_everything_is_judged_again_when_a_person_asks(fleet, tree, asked, capsys):
    from server import console as main

    assert main.rejudge(argparse.Namespace(now=False)) == 0
    job = runs().get()
    assert str(job.pk) in capsys.readouterr().out
    work_off()
    assert len(asked) == 3
    assert of(job).outcome == {"judged": 3, "failed": 0}
    assert main.rejudge(argparse.Namespace(now=True)) == 0
    assert "3" in capsys.readouterr().out
    assert len(asked) == 6


def test_cancelled_between_two_slices_then_continued_without_doing_it_twice(fleet, tree, asked, monkeypatch):
    monkeypatch.setattr(assess, "SLICE", 1)
    watched = judge.rejudge

    def cancelling(machines):
        found = watched(machines)
        if len(asked) == 1:
            assert queue.cancel(runs().get())
        return found

    monkeypatch.setattr(judge, "rejudge", cancelling)
    job = rejudge.enqueue(by="console", everything=True)
    work_off()
    assert (of(job).state, of(job).done, len(asked)) == (Job.CANCELLED, 1, 1)
    assert queue.again(of(job))
    work_off()
    assert of(job).state == Job.DONE
    assert asked == sorted(set(asked)), "each once"
    assert of(job).outcome == {"judged": 3, "failed": 0}


def test_a_long_walk_gives_way_to_what_waits_and_goes_on_where_it_stood(fleet, tree, asked, monkeypatch):
    monkeypatch.setattr(assess, "SLICE", 1)
    waited, order = iter([True]), []
    monkeypatch.setattr(run.Pulse, "others_wait", lambda pulse: next(waited, False))
    honest = TASKS["assess.age"].function
    told = replace(TASKS["assess.age"], function=lambda work: order.append(list(asked)) or honest(work))
    monkeypatch.setitem(TASKS, "assess.age", told)
    first = rejudge.enqueue(by="console", everything=True)
    other = told.enqueue(by="console")
    work_off()
    assert (of(first).state, of(other).state) == (Job.DONE, Job.DONE)
    assert [len(given) for given in order] == [1], "after the first slice, before the second"
    assert asked == sorted(set(asked)), "each machine once"
    assert of(first).outcome == {"judged": 3, "failed": 0}
    assert of(first).attempts == 1, "to give way is no failure"


def test_only_what_could_begin_is_given_way_to(tree):
    mine = Job.objects.create(name="assess.rejudge", asked_by="x", state=Job.RUNNING, lock="walk", heartbeat_at=timezone.now())
    assert not run.others_wait(mine)
    # asked for a moment ago: SQLite's clock knows thousandths of a second, and of its own thousandth nothing is due yet
    waits = {"state": Job.WAITING, "asked_by": "x", "name": "assess.age", "asked_at": timezone.now() - timedelta(seconds=1)}
    Job.objects.create(**waits, lock="walk")
    Job.objects.create(**waits, due_at=timezone.now() + timedelta(minutes=1))
    Job.objects.create(name="assess.age", asked_by="x", state=Job.RUNNING, lock="other", heartbeat_at=timezone.now())
    Job.objects.create(**waits, lock="other")
    assert not run.others_wait(mine), "of its own lock, not due yet, of a lock that another holds"
    Job.objects.create(**waits)
    assert run.others_wait(mine)


def rows_of(client: Client) -> str:
    response = client.get(reverse("jobs"))
    assert response.status_code == 200
    return response.content.decode()


def log_on(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_each_administrator_sees_the_jobs_of_the_own_units(tree, person):
    follow(tree["north"], "ai-đó-bắc")
    follow(tree["south"], "ai-đó-nam")
    rejudge.enqueue(by="ai-đó-chung")
    words = ("ai-đó-bắc", "ai-đó-nam", "ai-đó-chung")
    top, north = (rows_of(log_on(person(unit, unit, "admin"))) for unit in ("root", "north"))
    assert [word for word in words if word in top] == [*words]
    assert [word for word in words if word in north] == ["ai-đó-bắc"]
    assert log_on(person("xem", "root", "viewer")).get(reverse("jobs")).status_code == 403


def test_an_administrator_cancels_and_starts_again_what_is_theirs(tree, person):
    mine, theirs = follow(tree["north"], "console"), follow(tree["south"], "console")
    client = log_on(person("bắc", "north", "admin"))
    assert client.post(reverse("cancel-job", args=[theirs.pk])).status_code == 404
    assert client.post(reverse("cancel-job", args=[mine.pk])).status_code == 302
    assert (of(mine).state, of(theirs).state) == (Job.CANCELLED, Job.WAITING)
    assert client.post(reverse("job-again", args=[theirs.pk])).status_code == 404
    assert client.post(reverse("job-again", args=[mine.pk])).status_code == 302
    assert of(mine).state == Job.WAITING
    assert [row.actor for row in Entry.objects.filter(action__startswith="job.")] == ["bắc", "bắc"]
    assert client.get(reverse("cancel-job", args=[mine.pk])).status_code == 405


def test_the_page_shows_progress_and_reason(tree, as_admin):
    Job.objects.create(
        name="assess.rejudge", subject="Phòng Bắc", asked_by="console", state=Job.RUNNING, done=1234, of=24000, delivery=None
    )
    Job.objects.create(name="assess.rejudge", asked_by="console", state=Job.FAILED, error="OSError: <disk> full")
    page = rows_of(as_admin)
    assert 'max="24000" value="1234"' in page
    assert "OSError: &lt;disk&gt; full" in page
    assert "OSError" not in as_admin.get(reverse("jobs") + "?state=running").content.decode()


def test_that_nobody_works_is_said(tree, as_admin, capsys):
    job = follow(tree["north"], "console")
    assert "rasoat server worker" not in rows_of(as_admin), "it has only just been asked for"
    Job.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
    assert "rasoat server worker" in rows_of(as_admin)
    assert "rasoat server worker" in asked_of(console.listed, capsys, state=None, limit=1)[1]
    metrics = as_admin.get("/metrics").content.decode()
    assert 'rasoat_jobs{state="waiting"} 1\n' in metrics
    assert "rasoat_jobs_unattended 1\n" in metrics
    Job.objects.create(name="assess.rejudge", asked_by="console", state=Job.RUNNING, heartbeat_at=timezone.now())
    assert "rasoat server worker" not in rows_of(as_admin), "it waits behind another"
    Job.objects.filter(state=Job.RUNNING).delete()
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() + timedelta(minutes=5))
    assert "rasoat server worker" not in rows_of(as_admin), "it is not due yet"


def asked_of(function, capsys, **options) -> tuple[int, str]:
    code = function(argparse.Namespace(**options))
    said = capsys.readouterr()
    return code, said.out + said.err


def test_the_console_lists_shows_cancels_and_retries(tree, capsys):
    job = follow(tree["north"], "console")
    code, said = asked_of(console.listed, capsys, state=None, limit=10)
    assert (code, "assess.rejudge" in said, "Phòng Bắc" in said) == (0, True, True)
    assert asked_of(console.listed, capsys, state="failed", limit=10) == (0, "")
    assert "Phòng Bắc" in asked_of(console.show, capsys, job=job.pk)[1]
    assert asked_of(console.retry, capsys, job=job.pk)[0] == 2
    assert asked_of(console.cancel, capsys, job=job.pk) == (0, "")
    assert asked_of(console.cancel, capsys, job=job.pk)[0] == 2
    assert asked_of(console.retry, capsys, job=job.pk) == (0, "")
    assert of(job).state == Job.WAITING
    for function in (console.show, console.cancel, console.retry):
        assert asked_of(function, capsys, job=job.pk + 1000)[0] == 2


def test_one_worker_per_data_directory(settings, tmp_path):
    settings.DATA = Data(tmp_path)
    held = worker.lock()
    assert held is not None
    assert worker.lock() is None
    os.close(held)


def test_with_sqlite_there_is_one_worker(settings, tmp_path, capsys, database):
    settings.DATA = Data(tmp_path)
    held = worker.lock()
    if database == "sqlite":
        assert "PostgreSQL" in asked_of(console.work, capsys, child=False, concurrency=3)[1]
        assert "rasoat server run" in asked_of(console.work, capsys, child=False, concurrency=1)[1]
    os.close(held)


def test_where_jobs_are_done(database, settings):
    wishes = {wish: worker.in_server() for wish in ("auto", "on", "off") if _wish(settings, wish)}
    assert wishes == {"auto": database == "sqlite", "on": True, "off": False}


def _wish(settings, wish: str) -> bool:
    settings.CONFIG = settings.CONFIG.model_copy(update={"background_work": wish})
    return True
