"""Background work in processes of its own: killed, told to stop, several at once, without a database."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from server.assess.models import StoredAssessment
from server.assess.tasks import follow
from server.background.declare import TASKS
from server.background.models import Job
from server.ingest.models import EnrolmentToken, Machine, Refusal
from server.journal.models import Entry
from server.units.models import Unit
from tests.postgres import Cluster
from tests.server.people import Host, send
from tests.server.running import Collector
from tests.server.slowly import tasks as slowly
from tests.server.workers import Site

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def empty_sqlite(tmp_path_factory, django_db_setup, django_db_blocker) -> Path:
    """A database with all tables and no rows, to be copied."""
    folder = tmp_path_factory.mktemp("empty")
    site = Site(folder)
    with django_db_blocker.unblock(), site.here():
        call_command("migrate", verbosity=0)
    return folder / "db.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, tmp_path, empty_sqlite, django_db_blocker):
    """A collector's data, used here and by real workers."""
    cluster = None if request.param == "sqlite" else request.getfixturevalue("postgres")
    yield from _site(tmp_path, empty_sqlite, cluster, django_db_blocker)


@pytest.fixture
def sqlite_site(tmp_path, empty_sqlite, django_db_blocker):
    yield from _site(tmp_path, empty_sqlite, None, django_db_blocker)


@pytest.fixture
def postgresql_site(tmp_path, empty_sqlite, postgres, django_db_blocker):
    yield from _site(tmp_path, empty_sqlite, postgres, django_db_blocker)


def _site(data: Path, empty: Path, cluster: Cluster | None, django_db_blocker):
    with django_db_blocker.unblock():
        if cluster is None:
            shutil.copy(empty, data / "db.sqlite3")
        made = Site(data, cluster.migrated() if cluster else "")
        with made.here():
            try:
                yield made
            finally:
                made.close()


def machines(count: int, units: list[Unit]) -> None:
    """So many that have reported, unit by unit in turn."""
    client = Client()
    for number in range(count):
        unit = units[number % len(units)]
        host = Host(name=f"máy-{number}")
        assert host.enrol(client, EnrolmentToken.issue(unit, 1, 1, "test")[1]).status_code == 201
        assert send(client, host.seal(host.snapshot())).status_code == 201


def settled() -> bool:
    """Nothing is left to judge; the match that a minute's reports ask for is not waited for."""
    return not Job.objects.filter(name="assess.rejudge", state__in=[Job.WAITING, Job.RUNNING]).exists()


def levels() -> dict[str, Counter[int]]:
    """By unit: how many newest snapshots are judged at which level."""
    found: dict[str, Counter[int]] = {}
    for machine in Machine.objects.select_related("unit", "latest__assessment"):
        found.setdefault(machine.unit.name, Counter())[machine.latest.assessment.level] += 1
    return found


def test_kill_9_in_mid_slice_then_another_worker_each_machine_judged_by_what_holds(site):
    root = Unit.objects.create(name="Sở", level=2, baseline="mini")
    units = [Unit.objects.create(name=name, parent=root) for name in ("Bắc", "Nam")]
    machines(10, units)
    root.level = 3
    with transaction.atomic():
        root.save()
        first = follow(root, "console")
    site.hold("judge-7")  # the third machine of the second slice
    killed = site.worker()
    site.until(lambda: site.reached("judge-7"))
    killed.kill()
    killed.wait()
    assert Counter(StoredAssessment.objects.values_list("level", flat=True)) == {3: 6, 2: 4}
    assert (first.__class__.objects.get(pk=first.pk).state, Job.objects.get(pk=first.pk).done) == (Job.RUNNING, 4)
    # while nobody is there, the policy changes once more for one of them
    units[1].level = 4
    with transaction.atomic():
        units[1].save()
        second = follow(units[1], "console")
    site.let_go("judge-7")
    site.worker()
    site.until(settled)
    assert levels() == {"Bắc": Counter({3: 5}), "Nam": Counter({4: 5})}
    assert StoredAssessment.objects.count() == 10
    ended = {job.pk: job for job in Job.objects.filter(pk__in=[first.pk, second.pk])}
    assert {job.state for job in ended.values()} == {Job.DONE}
    written = Entry.objects.filter(action="assess.rejudged", actor="console")
    assert written.count() == sum(1 for job in ended.values() if job.outcome["judged"])
    assert {job.outcome["failed"] for job in ended.values()} == {0}


def test_a_slice_in_one_transaction_is_done_once_whatever_dies(site):
    job = slowly.count.enqueue(by="test", to=5)
    site.hold("slice-3")
    killed = site.worker()
    site.until(lambda: site.reached("slice-3"))
    killed.kill()
    killed.wait()
    site.let_go("slice-3")
    site.worker()
    site.until(lambda: Job.objects.get(pk=job.pk).state == Job.DONE)
    assert sorted(Refusal.objects.values_list("address", flat=True)) == ["0", "1", "2", "3", "4"]
    assert Job.objects.get(pk=job.pk).done == 5


def test_sigterm_ends_between_two_slices_and_the_next_worker_continues(sqlite_site):
    site = sqlite_site
    job = slowly.count.enqueue(by="test", to=4)
    site.hold("slice-1")
    worker = site.worker()
    site.until(lambda: site.reached("slice-1"))
    worker.terminate()
    site.let_go("slice-1")
    assert worker.wait(20) == 0
    given_back = Job.objects.get(pk=job.pk)
    assert (given_back.state, given_back.done, given_back.attempts) == (Job.WAITING, 2, 0)
    site.worker()
    site.until(lambda: Job.objects.get(pk=job.pk).state == Job.DONE)
    assert Refusal.objects.count() == 4


def test_workers_side_by_side_do_each_job_once_and_end_together(postgresql_site):
    site = postgresql_site
    for number in range(60):
        slowly.once.enqueue(by="test", number=number)
    pair, single = site.worker("--concurrency", "2"), site.worker()
    site.until(lambda: not Job.objects.filter(name="slowly.once").exclude(state=Job.DONE).exists())
    assert Counter(Refusal.objects.values_list("address", flat=True)) == Counter(str(number) for number in range(60))
    children = psutil.Process(pair.pid).children()
    assert len(children) == 2
    pair.terminate()
    single.terminate()
    assert (pair.wait(20), single.wait(20)) == (0, 0)
    assert not any(child.is_running() for child in children)


@pytest.fixture
def own_cluster():
    """One that may be stopped."""
    with Cluster.started() as cluster:
        yield cluster


@pytest.fixture
def site_of_its_own(tmp_path, empty_sqlite, own_cluster, django_db_blocker):
    yield from _site(tmp_path, empty_sqlite, own_cluster, django_db_blocker)


def test_a_worker_goes_on_when_its_database_comes_back(site_of_its_own, own_cluster):
    site = site_of_its_own
    job = slowly.count.enqueue(by="test", to=4)
    site.hold("slice-1")
    worker = site.worker()
    site.until(lambda: site.reached("slice-1"))
    own_cluster.stop()
    site.let_go("slice-1")
    time.sleep(1)
    own_cluster.start()
    connection.close()
    site.until(lambda: Job.objects.get(pk=job.pk).state == Job.DONE)
    assert worker.poll() is None, "it is the same worker"
    assert sorted(Refusal.objects.values_list("address", flat=True)) == ["0", "1", "2", "3"]


def _workers_of(collector: Collector) -> list[psutil.Process]:
    assert collector.process
    everyone = psutil.Process(collector.process.pid).children(recursive=True)
    return [process for process in everyone if process.status() != psutil.STATUS_ZOMBIE and "--child" in process.cmdline()]


def _done(collector: Collector) -> set[str]:
    with sqlite3.connect(collector.data / "db.sqlite3") as database:
        return {name for (name,) in database.execute("select name from background_job where state = 'done'")}


def test_the_server_keeps_exactly_one_worker_and_takes_it_along(tmp_path):
    collector = Collector(tmp_path / "data", works=True)
    collector.start()
    try:
        _until(lambda: len(_workers_of(collector)) == 1)
        (killed,) = _workers_of(collector)
        os.kill(killed.pid, signal.SIGKILL)
        _until(lambda: [process.pid for process in _workers_of(collector)] not in ([], [killed.pid]))
        _until(lambda: "assess.rejudge" in _done(collector))
        (last,) = _workers_of(collector)
    finally:
        collector.stop()
    assert not last.is_running() or last.status() == psutil.STATUS_ZOMBIE


def _until(true) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_tests_own_tasks_are_known_here_too():
    assert {"slowly.count", "slowly.once"} <= set(TASKS)
