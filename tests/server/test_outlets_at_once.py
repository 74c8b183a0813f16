"""Several writers at once, as PostgreSQL lets them: what is committed late is told late, and never left out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from server.assess import judge
from server.outlets import news, webhook
from server.outlets.models import Outlet, Turned
from tests.server.findings import Fleet
from tests.server.outlets import fresh, now, outlet, run

pytestmark = [pytest.mark.on_postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(db) -> Fleet:
    return Fleet.of(1)


@pytest.fixture
def got(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that the receiver has taken."""
    found: list[str] = []

    def send(known: Outlet, slice_: list[Any], at: Any) -> None:
        found.extend(one.id for one in slice_)

    monkeypatch.setattr(webhook, "send", send)
    return found


@contextmanager
def held_open(write: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """In a thread: `write` in a transaction that stays open until what is given is called."""
    written, go = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with transaction.atomic():
                write()
                written.set()
                assert go.wait(60)
        finally:
            written.set()
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()

    def commit() -> None:
        go.set()
        thread.join(60)

    try:
        assert written.wait(60)
        yield commit
    finally:
        commit()


def test_what_is_committed_later_under_an_earlier_id_is_not_lost(tree, fleet: Fleet, got) -> None:
    """The trap of reading by id: the row with the lower id appears after the one with the higher id was told."""
    known, clock = outlet(tree["root"], name="a", tells=("verdicts",), severity=1), now()
    slow, quick = fleet.machine(tree["north"], "chậm"), fleet.machine(tree["south"], "nhanh")
    for machine in (slow, quick):
        fleet.report(machine, 0, "P")
    with held_open(lambda: fleet.report(slow, 1, "F") and None) as commit:
        fleet.report(quick, 1, "F")
        assert run(known, clock) == 1
        assert run(known, clock) == 0
        assert news.forget() == 1
        assert fresh(known).number == 1
        commit()
    assert run(known, clock) == 1
    assert len(set(got)) == 2
    assert fresh(known).number == 2


def test_a_row_of_the_journal_waits_for_the_one_before_it(tree, fleet: Fleet, got) -> None:
    """Its ids appear in their order, because writers wait for one another until they have committed: so a position is enough."""
    known, clock = outlet(tree["root"], name="a"), now()
    first, second = (fleet.machine(tree["north"], name) for name in ("một", "hai"))
    after = threading.Event()

    def follow() -> None:
        judge.raise_alarm(second, "forged")
        after.set()
        connections.close_all()

    with held_open(lambda: judge.raise_alarm(first, "forged") and None) as commit:
        thread = threading.Thread(target=follow)
        thread.start()
        while not _waits_for_a_lock():
            assert thread.is_alive()
        assert run(known, clock) == 0
        assert not after.is_set()
        commit()
        thread.join(60)
    assert run(known, clock) == 2
    assert got == sorted(got, key=lambda one: int(one.split("-")[1]))


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_two_who_give_numbers_give_each_once(tree, fleet: Fleet) -> None:
    machine = fleet.machine(tree["north"])
    for day in range(9):
        fleet.report(machine, day, "PF"[day % 2])
    barrier, wrong = threading.Barrier(2), list[BaseException]()

    def work() -> None:
        try:
            barrier.wait(60)
            while news.sort(2):
                pass
        except BaseException as error:
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert list(Turned.objects.order_by("pk").values_list("number", flat=True)) == list(range(1, 9))
