"""Background work in this process: what is promised of a job's row, on both databases."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from server.background import delivery, keeper, periodic, queue, run
from server.background.declare import TASKS, Cancelled, Lost, Stopped, task
from server.background.models import Job, Routine
from server.background.periodic import Entry
from server.journal.models import Entry as Row

pytestmark = [pytest.mark.on_both, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def declared():
    """Declares a task that is forgotten again."""
    names = []

    def declare(function, **options):
        names.append(f"test.{len(names)}")
        return task(names[-1], "a task of the tests", **options)(function)

    yield declare
    for name in names:
        del TASKS[name]


def work_off() -> None:
    delivery.take("tests", 0.05, until_empty=True, signals=False)


def now_due() -> None:
    """What waits for its time waits no longer."""
    delivery.DBTaskResult.objects.filter(status="READY").update(run_after=timezone.now() - timedelta(seconds=1))


def of(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_job_is_done_and_says_so(declared, tree):
    def function(work, words):
        work.expect(2)
        work.advance(1)
        work.advance(1)
        return {"judged": len(words)}

    job = declared(function).enqueue(by="quản-trị", unit=tree["north"], words=["a", "b", "c"])
    assert (of(job).state, of(job).subject, of(job).asked_by) == (Job.WAITING, "Phòng Bắc", "quản-trị")
    work_off()
    done = of(job)
    assert (done.state, done.done, done.of, done.outcome, done.error) == (Job.DONE, 2, 2, {"judged": 3}, "")
    assert done.asked_at <= timezone.now()
    assert done.started_at <= done.heartbeat_at <= done.finished_at
    assert done.worker.endswith(run.worker_name())


def test_what_is_rolled_back_was_never_asked_for(declared):
    called = []
    wanted = declared(lambda work: called.append(1))

    @transaction.atomic
    def change_our_mind():
        wanted.enqueue(by="console")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_our_mind()
    work_off()
    assert not called
    assert not Job.objects.exists()
    assert not delivery.DBTaskResult.objects.exists()


def test_a_task_that_raises_ends_as_failed_with_its_reason_in_one_line(declared):
    def function(work):
        raise ValueError("the disk\n  is full")

    job = declared(function, retries=0).enqueue(by="console")
    work_off()
    assert (of(job).state, of(job).error) == (Job.FAILED, "ValueError: the disk is full")
    assert of(job).finished_at


def test_it_is_tried_again_after_waits_that_double(declared):
    begun = []

    def function(work):
        begun.append(1)
        raise ValueError("not yet")

    job = declared(function, retries=3, wait=timedelta(seconds=100)).enqueue(by="console")
    waits = []
    for _again in range(3):
        work_off()
        waits.append(round((of(job).due_at - timezone.now()).total_seconds(), -1))
        assert (of(job).state, of(job).error) == (Job.WAITING, "ValueError: not yet")
        now_due()
    work_off()
    assert waits == [100, 200, 400]
    assert len(begun) == 4
    assert of(job).state == Job.FAILED


def test_getting_ahead_makes_the_count_begin_anew(declared):
    def function(work):
        if work.done < 6:
            work.advance(1)
            raise ValueError("interrupted")

    job = declared(function, retries=1).enqueue(by="console")
    for _again in range(8):
        work_off()
        now_due()
    assert (of(job).state, of(job).done) == (Job.DONE, 6)


def test_two_requests_for_the_same_are_one_job(declared):
    called = []
    wanted = declared(lambda work: called.append(1))
    first, second = wanted.enqueue(by="a", key="k"), wanted.enqueue(by="b", key="k")
    other = wanted.enqueue(by="c", key="other")
    assert first == second != other
    work_off()
    assert len(called) == 2
    assert wanted.enqueue(by="a", key="k") != first


def test_a_change_while_it_runs_gives_one_further_run(declared):
    begun = []

    def function(work):
        begun.append(1)
        if len(begun) == 1:
            assert wanted.enqueue(by="b", key="k") == wanted.enqueue(by="c", key="k") != work.job

    wanted = declared(function)
    wanted.enqueue(by="a", key="k")
    work_off()
    assert len(begun) == 2


def test_two_jobs_with_one_lock_do_not_run_at_once(declared, monkeypatch):
    monkeypatch.setattr(run, "LOCK_WAIT", timedelta(seconds=60))
    order = []

    def function(work, word):
        order.append(word)
        if word == "first":
            work_off()  # another worker, meanwhile
            order.append("first ends")

    wanted = declared(function, lock="one at a time")
    wanted.enqueue(by="a", word="first")
    second = wanted.enqueue(by="a", word="second")
    work_off()
    assert order == ["first", "first ends"]
    assert (of(second).state, of(second).attempts) == (Job.WAITING, 0)
    now_due()
    work_off()
    assert order == ["first", "first ends", "second"]


def test_a_waiting_job_is_cancelled_at_once(declared):
    called = []
    job = declared(lambda work: called.append(1)).enqueue(by="a")
    assert queue.cancel(job)
    work_off()
    assert of(job).state == Job.CANCELLED
    assert not called
    assert not queue.cancel(of(job))


def test_a_running_job_is_cancelled_between_two_slices_and_can_go_on_later(declared):
    reached = []

    def function(work):
        for number in range(work.kept.get("next", 0), 4):
            reached.append(number)
            if number == 1 and len(reached) == 2:
                assert queue.cancel(of(work.job))
            work.advance(1, next=number + 1)

    job = declared(function).enqueue(by="a")
    work_off()
    assert (of(job).state, reached) == (Job.CANCELLED, [0, 1])
    assert queue.again(of(job))
    work_off()
    assert (of(job).state, of(job).done, reached) == (Job.DONE, 4, [0, 1, 2, 3])
    assert not queue.again(of(job))


def test_a_worker_told_to_stop_gives_the_job_back_where_it_stands(declared):
    reached = []

    def function(work):
        for number in range(work.kept.get("next", 0), 4):
            reached.append(number)
            if number == 1 and not run.stopping.is_set() and len(reached) == 2:
                run.stopping.set()
            work.advance(1, next=number + 1)

    job = declared(function).enqueue(by="a")
    delivery.Hands(
        queue_names=["default"], interval=0, batch=False, backend_name="default", startup_delay=False, max_tasks=1, worker_id="tests",
        excluded_queue_names=[],
    ).run()  # fmt: skip
    run.stopping.clear()
    assert (of(job).state, of(job).attempts, reached) == (Job.WAITING, 0, [0, 1])
    work_off()
    assert (of(job).state, reached) == (Job.DONE, [0, 1, 2, 3])


def _die(work) -> None:
    """As after kill -9: the row says running, and nobody is there."""
    Job.objects.filter(pk=work.job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))


def test_the_silent_are_found_and_what_they_left_is_continued(declared):
    """Who was taken for dead and is not writes nothing any more."""
    seen, wrote = [], []

    def function(work):
        seen.append(work.kept.get("next", 0))
        if len(seen) > 1:
            return
        work.advance(3, next=3)
        assert keeper.look() == 0
        _die(work)
        assert keeper.look() == 1
        with pytest.raises(Lost), work.slice(1, next=4):
            wrote.append(Routine.objects.create(name="written by the dead", due_at=timezone.now()))
        work.advance(1)

    job = declared(function).enqueue(by="a")
    work_off()
    assert seen == [0, 3]
    assert wrote
    assert not Routine.objects.exists(), "the slice of the one who lost it is rolled back"
    assert (of(job).state, of(job).done) == (Job.DONE, 3)


def test_a_job_that_kills_each_worker_is_given_up(declared):
    job = declared(lambda work: None, retries=2).enqueue(by="a")
    for _again in range(4):
        Job.objects.filter(pk=job.pk, state=Job.WAITING).update(
            state=Job.RUNNING, heartbeat_at=timezone.now() - timedelta(hours=1), attempts=of(job).attempts + 1
        )
        keeper.look()
    assert of(job).state == Job.FAILED
    assert "3 times in a row" in of(job).error


def test_a_message_that_was_taken_and_came_to_nothing_is_sent_again(declared):
    """The worker died, or lost its database, after it took the message and before it began."""
    called = []
    job = declared(lambda work: called.append(1)).enqueue(by="a")
    delivery.DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now())
    assert keeper.look() == 0, "it may be about to begin"
    assert keeper.look(alone=True) == 1, "nobody else is there"
    delivery.DBTaskResult.objects.update(status="FAILED")
    assert keeper.look() == 1
    delivery.DBTaskResult.objects.all().delete()
    assert keeper.look() == 1
    work_off()
    assert len(called) == 1
    assert of(job).state == Job.DONE


def test_a_message_of_before_begins_nothing(declared):
    called = []
    job = declared(lambda work: called.append(1)).enqueue(by="a")
    old = of(job).delivery
    assert queue.put_back(of(job))
    run.perform(old, job.pk)
    assert not called


def test_messages_are_forgotten_once_they_say_nothing_more(declared):
    wanted = declared(lambda work: None)
    for _each in range(4):
        wanted.enqueue(by="a")
    done, orphan, running, _ready = Job.objects.order_by("pk")
    long_ago = timezone.now() - timedelta(hours=1)
    messages = delivery.DBTaskResult.objects
    messages.filter(pk=done.delivery).update(status="SUCCESSFUL", finished_at=long_ago)
    messages.filter(pk__in=[orphan.delivery, running.delivery]).update(status="RUNNING", started_at=long_ago)
    Job.objects.filter(pk=orphan.pk).update(delivery=None)
    assert delivery.forget_delivered(timedelta(minutes=10)) == 2
    assert messages.count() == 2


def test_a_job_overtaken_by_one_of_its_key_leaves_the_work_to_it(declared):
    begun = []

    def function(work):
        begun.append(work.job.pk)
        if len(begun) == 1:
            wanted.enqueue(by="b", key="k")
            _die(work)
            keeper.look()
            work.advance()

    wanted = declared(function)
    first = wanted.enqueue(by="a", key="k")
    work_off()
    assert of(first).state == Job.CANCELLED
    assert len(begun) == 2
    assert Job.objects.exclude(pk=first.pk).get().state == Job.DONE


def test_a_task_this_version_does_not_know_fails_with_that_reason(declared):
    job = declared(lambda work: None).enqueue(by="a")
    Job.objects.update(name="of.tomorrow")
    work_off()
    assert of(job).state == Job.FAILED
    assert "of.tomorrow" in of(job).error
    assert of(job).title == "of.tomorrow"


def test_an_item_s_own_except_does_not_swallow_the_end(declared):
    for kind in (Cancelled, Stopped, Lost):
        assert not issubclass(kind, Exception)


def test_the_outcome_is_in_the_journal_once(declared, tree):
    wanted = declared(lambda work, judged: {"judged": judged, "failed": 0}, journal="assess.rejudged")
    wanted.enqueue(by="quản-trị", unit=tree["north"], judged=7)
    wanted.enqueue(by="quản-trị", unit=tree["north"], judged=0)
    work_off()
    row = Row.objects.get(action="assess.rejudged")
    assert (row.actor, row.unit_path, row.detail) == ("quản-trị", tree["north"].path, {"judged": 7, "failed": 0})


def test_the_sooner_due_goes_by_priority(declared):
    order = []
    wanted = declared(lambda work, word: order.append(word))
    wanted.enqueue(by="a", word="later", priority=-10)
    wanted.enqueue(by="a", word="usual")
    wanted.enqueue(by="a", word="first", priority=10)
    wanted.enqueue(by="a", word="tomorrow", after=timedelta(days=1))
    work_off()
    assert order == ["first", "usual", "later"]


HERE = ZoneInfo("Asia/Ho_Chi_Minh")


def test_periodic_work_is_asked_for_once_by_however_many_workers(declared):
    called = []
    entry = Entry(declared(lambda work: called.append(1)).name, every=timedelta(hours=1))
    start = datetime(2026, 3, 1, 8, tzinfo=HERE)
    assert periodic.ask(start, table=(entry,)) == [entry.task]
    assert periodic.ask(start, table=(entry,)) == []
    assert periodic.ask(start + timedelta(minutes=59), table=(entry,)) == []
    assert not Routine.taken(entry.task, start, start + timedelta(hours=9)), "another worker has moved it on"
    work_off()
    assert len(called) == 1
    # two days without a worker are made up for once
    assert periodic.ask(start + timedelta(days=2), table=(entry,)) == [entry.task]
    assert periodic.ask(start + timedelta(days=2), table=(entry,)) == []


def test_daily_work_is_due_at_its_hour_here(declared):
    entry = Entry(declared(lambda work: None).name, at=time(1, 30))
    evening = datetime(2026, 3, 1, 22, tzinfo=HERE)
    assert entry.after(evening) == datetime(2026, 3, 2, 1, 30, tzinfo=HERE)
    assert periodic.ask(evening, table=(entry,)) == []
    assert periodic.ask(datetime(2026, 3, 2, 1, 29, tzinfo=HERE), table=(entry,)) == []
    assert periodic.ask(datetime(2026, 3, 2, 1, 31, tzinfo=HERE), table=(entry,)) == [entry.task]
    assert Routine.objects.get().due_at == datetime(2026, 3, 3, 1, 30, tzinfo=HERE)


def test_every_entry_of_the_table_is_a_task_and_its_work_can_be_done(tree):
    for entry in periodic.TABLE:
        TASKS[entry.task].enqueue(by=periodic.COLLECTOR)
    work_off()
    assert set(Job.objects.values_list("state", "error")) == {(Job.DONE, "")}


def test_old_jobs_are_forgotten(declared):
    def kept(state, days, by="console"):
        ended = timezone.now() - timedelta(days=days)
        return Job.objects.create(name="test.0", asked_by=by, state=state, finished_at=ended).pk

    stay = [kept(Job.FAILED, 29), kept(Job.DONE, 29), kept(Job.DONE, 2, "collector"), kept(Job.FAILED, 5, "collector")]
    gone = [kept(Job.FAILED, 31), kept(Job.DONE, 31), kept(Job.DONE, 4, "collector")]
    TASKS["background.prune"].enqueue(by="console")
    work_off()
    assert Job.objects.filter(pk__in=stay).count() == len(stay)
    assert not Job.objects.filter(pk__in=gone).exists()
