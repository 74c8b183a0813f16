"""Stored facts are matched in the background: after a swap of data and after a machine turned; since when, and what has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from collectors.facts.software import Package, Software
from collectors.facts.updates import Updates
from collectors.model import Record
from server.background.declare import Work
from server.background.models import Job
from server.feeds.codes import OPEN
from server.feeds.matching import codes, outcome, said, store, tasks
from server.feeds.matching import host as hosts
from server.feeds.matching.match import match as match_host
from server.feeds.matching.models import Carried, Ended, Ground, Matched, Weakness
from server.feeds.matching.tables import Overtaken, Tables
from server.feeds.models import Affected, Exploited, Feed, Likelihood, NetworkAdvisory, NetworkRelease, Superseded, Vulnerability
from server.feeds.store import swapped
from server.ingest.models import Machine, StoredSnapshot
from tests.server.feeds_given import given, mended
from tests.server.people import made, send

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]

CVE = "CVE-2026-1000"


def software(*packages: tuple[str, str]) -> Record:
    listed = tuple(
        made(Package, name=name, version=version, arch="amd64", origin="Debian", source="", source_version="")
        for name, version in packages
    )
    told = made(Software, manager="dpkg", packages=listed, others=(), recognised=())
    return Record(fact="software", outcome="seen", data=told.model_dump(mode="json"))


def updates(**fields: Any) -> Record:
    return Record(fact="updates", outcome="seen", data=made(Updates, manager="apt", **fields).model_dump(mode="json"))


def reports(client: Any, host: Any, *packages: tuple[str, str], age: timedelta = timedelta()) -> Machine:
    """A new snapshot of the host, with these packages."""
    snapshot = host.snapshot(age, extra=(software(*packages),))
    assert send(client, host.seal(snapshot)).status_code == 201
    return Machine.objects.get(name=host.name)


class Calm:
    """Nobody wants the job to end."""

    def stopping(self) -> bool:
        return False

    cancelled = lost = others_wait = stopping


def job_of(**arguments: Any) -> Job:
    """A job of the task, as a worker has begun it."""
    job = tasks.rematch.enqueue(by="test", **arguments)
    Job.objects.filter(pk=job.pk).update(state=Job.RUNNING)
    return job


def match(job: Job | None = None, **arguments: Any) -> dict[str, Any]:
    job = Job.objects.get(pk=(job or job_of(**arguments)).pk)
    told = tasks.rematch.function(Work(job, Calm()), **arguments)
    Job.objects.filter(pk=job.pk).update(state=Job.DONE)
    return dict(told or {})


def carried(machine: Machine) -> dict[tuple[str, str], str]:
    rows = Carried.objects.filter(machine=machine).select_related("ground__weakness")
    return {(row.ground.weakness.identifier, row.ground.package): row.ground.answer_word for row in rows}


def test_a_machine_is_matched_once_and_then_left_alone(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"), mended("b", "1-1"))
    machine = reports(client, host, ("a", "1-1"), ("b", "1-1"))
    assert match() == {"matched": 1, "failed": 0, "came": 1, "went": 0}
    assert carried(machine) == {(CVE, "a"): "fix"}
    stands = Matched.objects.get(machine=machine)
    assert (stands.ecosystem, stands.reason, stands.assessed, stands.fixable, stands.left) == ("debian:12", "", 2, 1, [])
    assert [name for name, _day in stands.feeds] == ["debian"]
    assert match()["matched"] == 0


def test_a_swap_matches_stored_facts_again_and_says_what_turned(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"), mended("b", "2-1", "CVE-2026-2"))
    machine = reports(client, host, ("a", "1-1"), ("b", "1-1"), ("c", "1-1"))
    match()
    began = Carried.objects.get(machine=machine, ground__package="a").since
    snapshots = machine.snapshots.count()
    open_now = Affected(ecosystem="debian:12", package="a", identifier=CVE, state=OPEN)
    given("debian", open_now, mended("c", "1-2", "CVE-2026-3"))
    assert match() == {"matched": 1, "failed": 0, "came": 1, "went": 1}
    assert carried(machine) == {(CVE, "a"): "not-yet", ("CVE-2026-3", "c"): "fix"}
    assert Carried.objects.get(machine=machine, ground__package="a").since == began, "another answer begins nothing anew"
    ended = Ended.objects.get(machine=machine)
    assert (ended.weakness.identifier, ended.package, ended.by_data) == ("CVE-2026-2", "b", True)
    assert machine.snapshots.count() == snapshots


def test_a_machine_that_was_mended_has_it_no_longer(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"))
    reports(client, host, ("a", "1-1"), age=timedelta(hours=2))
    match()
    machine = reports(client, host, ("a", "1-5"), age=timedelta(hours=1))
    match()
    assert carried(machine) == {(CVE, "a"): "fix"}
    assert not Ended.objects.exists(), "another version that has it too is no end of it"
    machine = reports(client, host, ("a", "2-1"))
    match()
    assert carried(machine) == {}
    assert Ended.objects.get(machine=machine).by_data is False
    assert Matched.objects.get(machine=machine).snapshot == machine.latest_id


def test_what_was_not_seen_is_no_empty_list(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"))
    assert send(client, host.seal(host.snapshot())).status_code == 201
    match()
    stands = Matched.objects.get()
    assert (stands.reason, stands.assessed) == ("packages-not-seen", 0)


def test_without_data_nothing_is_assessed(client: Any, host: Any) -> None:
    reports(client, host, ("a", "1-1"))
    match()
    assert Matched.objects.get().reason == "no-feed"


def test_equal_machines_are_matched_once(client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given("debian", mended("a", "2-1"))
    machines = [reports(client, one, ("a", "1-1"), ("b", "1-1")) for one in (host, another("may-2"), another("may-3"))]
    asked: list[str] = []

    def noted(seen: hosts.Host, *more: Any) -> outcome.Outcome:
        asked.append(seen.os_id)
        return match_host(seen, *more)

    monkeypatch.setattr("server.feeds.matching.tasks.match", noted)
    match()
    assert asked == ["debian"]
    assert [carried(machine) for machine in machines] == [{(CVE, "a"): "fix"}] * 3
    assert Ground.objects.count() == 1


def test_a_machine_that_says_nothing_changed_is_not_believed(client: Any, host: Any, another: Any) -> None:
    given("debian", mended("a", "2-1"))
    honest, same = reports(client, host, ("a", "1-1")), {"digest": "5" * 64}
    liar = another("may-2")
    for version, age in (("1-1", 2), ("2-1", 1)):
        snapshot = liar.snapshot(timedelta(hours=age), extra=(software(("a", version)),)).model_copy(update=same)
        assert send(client, liar.seal(snapshot)).status_code == 201
        given("debian", mended("a", "2-1"))  # both are matched, first the one that is as the other was
        match()
    assert carried(honest) == {(CVE, "a"): "fix"}
    assert carried(Machine.objects.get(name="may-2")) == {}


def test_a_report_of_the_same_packages_is_not_opened(
    client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given("debian", mended("a", "2-1"))
    for one in (host, another("may-2")):
        reports(client, one, ("a", "1-1"), age=timedelta(hours=1))
    match()
    machine = reports(client, liked := another("may-3"), ("a", "1-1"), age=timedelta(hours=1))
    match()
    reports(client, host, ("a", "1-1"))
    reports(client, liked, ("a", "1-1"))
    opened: list[str] = []
    monkeypatch.setattr(tasks, "_records", lambda stored, ask=tasks._records: opened.append(stored.machine.name) or ask(stored))
    assert match()["matched"] == 2
    assert opened == [host.name], "the first of those that are alike"
    assert carried(machine) == {(CVE, "a"): "fix"}


@pytest.mark.django_db(transaction=True)
def test_other_packages_wake_the_matching_once_for_all_that_report(client: Any, host: Any, another: Any) -> None:
    def asked() -> list[Job]:
        return list(Job.objects.filter(key=tasks.REPORTS, state=Job.WAITING))

    given("debian", mended("a", "2-1"))
    reports(client, host, ("a", "1-1"), age=timedelta(hours=2))
    (job,) = asked()
    assert job.due_at is not None
    for name in ("may-2", "may-3"):
        reports(client, another(name), ("a", "1-1"))
    assert asked() == [job]
    Job.objects.filter(pk=job.pk).update(state=Job.DONE)
    reports(client, host, ("a", "1-1"), age=timedelta(hours=1))
    assert not asked(), "the same packages as before"
    reports(client, host, ("a", "2-1"))
    assert len(asked()) == 1


def test_that_the_matching_cannot_be_woken_refuses_no_report(
    client: Any, host: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr("server.feeds.matching.tasks.rematch", None)
    with django_capture_on_commit_callbacks(execute=True) as asked:
        reports(client, host, ("a", "1-1"))
    assert asked


def test_a_snapshot_that_cannot_be_read_is_counted_and_stops_no_other(
    client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given("debian", mended("a", "2-1"))
    bad, good = reports(client, host, ("a", "1-1")), reports(client, another("may-2"), ("a", "1-1"))
    StoredSnapshot.objects.filter(pk=bad.latest_id).update(sealed=b"broken")
    assert match() == {"matched": 1, "failed": 1, "came": 1, "went": 0}
    assert carried(good)
    assert not Matched.objects.filter(machine=bad).exists()


def test_a_killed_job_goes_on_where_it_stood(client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given("debian", mended("a", "2-1"))
    machines = [
        reports(client, one, ("a", f"1-{number}")) for number, one in enumerate((host, another("may-2"), another("may-3")))
    ]
    monkeypatch.setattr(tasks, "SLICE", 1)
    kept, calls = store.keep, []

    def dies_once(*given: Any) -> Any:
        calls.append(given[1])
        if len(calls) == 2:
            raise OSError("the disk is full")
        return kept(*given)

    monkeypatch.setattr(store, "keep", dies_once)
    job = job_of()
    with pytest.raises(OSError, match="full"):
        match(job)
    assert Matched.objects.count() == Job.objects.get(pk=job.pk).done == 1
    assert match(job)["matched"] == 3
    assert [carried(machine) for machine in machines] == [{(CVE, "a"): "fix"}] * 3


def test_what_feeds_say_of_a_weakness_follows_them(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"), Vulnerability(identifier=CVE, title="tràn bộ đệm", severity=3))
    reports(client, host, ("a", "1-1"))
    match()
    weakness = Weakness.objects.get(identifier=CVE)
    assert (weakness.title, weakness.severity, weakness.exploited, weakness.epss) == ("tràn bộ đệm", 3, None, None)
    given("epss", Likelihood(identifier=CVE, epss=0.91, percentile=0.99), kind="epss")
    day = timezone.localdate()
    given("kev", Exploited(identifier=CVE, added=day, due=day, ransomware=True, name="A"), kind="kev")
    match(refresh=True)
    weakness.refresh_from_db()
    assert (weakness.exploited, weakness.due, weakness.ransomware, weakness.epss) == (True, day, True, 0.91)
    assert Matched.objects.get().exploited == 1


@pytest.mark.parametrize(
    ("kev", "listed", "counted", "told", "named"),
    [
        (None, False, None, None, None),
        (40, False, None, None, None),
        (5, False, 0, 0, False),
        (40, True, 1, 1, True),  # what was attacked a month ago was attacked
        (5, True, 1, 1, True),
    ],
)
def test_exploited_is_not_told_without_a_list_of_those_that_is_of_its_time(
    client: Any, host: Any, kev: int | None, listed: bool, counted: int | None, told: int | None, named: bool | None
) -> None:
    given("debian", mended("a", "2-1"))
    if kev is not None:
        day = timezone.localdate()
        given("kev", Exploited(identifier=CVE if listed else "CVE-1999-1", added=day), kind="kev", age=kev, limit=30)
    reports(client, host, ("a", "1-1"))
    match()
    stands = Matched.objects.get()
    assert (stands.exploited, stands.attacked, Weakness.objects.get(identifier=CVE).exploited) == (counted, told, named)


def test_that_none_is_exploited_ends_with_the_list_that_said_so(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"))
    given("kev", Exploited(identifier="CVE-1999-1", added=timezone.localdate()), kind="kev", age=30, limit=30)
    reports(client, host, ("a", "1-1"))
    match()
    stands = Matched.objects.get()
    assert stands.attacked == 0, "its last day"
    stands.exploited_until -= timedelta(days=1)
    assert stands.attacked is None


def test_what_an_advisory_of_a_network_system_says_is_exploited_counts_too(client: Any, host: Any) -> None:
    given("debian", mended("a", "2-1"))
    attacked = NetworkAdvisory(os="fortinet_fortios", train="7.2", identifier=CVE, severity=4, exploited=True)
    given("network", attacked, NetworkRelease(os="fortinet_fortios", train="7.2", covers="all"), kind="network")
    reports(client, host, ("a", "1-1"))
    match()
    weakness = Weakness.objects.get(identifier=CVE)
    assert (Matched.objects.get().attacked, weakness.exploited, weakness.severity) == (1, True, 4)


def test_a_book_whose_data_were_swapped_is_read_no_further() -> None:
    given("debian", mended("a", "2-1"))
    book = Tables()
    given("debian", mended("a", "3-1"))
    with pytest.raises(Overtaken):
        book.said("debian:12", "a")
    assert Tables().said("debian:12", "a")[0].fixed == "3-1"


def test_what_holds_an_update_is_followed_and_circles_end() -> None:
    rows = [Superseded(kb=one, by=other) for one, other in (("KB1", "KB2"), ("KB2", "KB3"), ("KB3", "KB1"))]
    given("windows", *rows, kind="windows")
    assert Tables().superseding("KB1") == {"KB2", "KB3", "KB1"}
    assert Tables().superseding("KB9") == frozenset()


def test_every_word_has_a_number_and_a_text() -> None:
    assert set(codes.ANSWERS) == set(codes.ANSWER_TITLES) == {said.FIX, said.NOT_YET, said.WILL_NOT, said.UNCERTAIN}
    assert set(codes.DECIDED) == set(codes.DECIDED_TITLES)
    assert set(codes.NOTE_TITLES) == set(said.NOTES)
    assert set(codes.LEFT_TITLES) == set(outcome.REASONS)
    assert set(codes.REASON_TITLES) == {outcome.NO_FEED, outcome.NO_PACKAGES, outcome.NO_SYSTEM, outcome.NOT_COVERED}


def test_a_swap_asks_for_matching_and_a_list_of_indicators_does_not() -> None:
    for kind, asked in (("indicators", 0), ("debian", 1), ("epss", 1)):
        feed = Feed.objects.create(name=f"of {kind}", kind=kind)
        swapped.send(sender=Feed, feed=feed)
        # one that waits does it all
        assert Job.objects.filter(name="matching.match").count() == asked


def test_trains_of_network_systems_are_read_from_their_tables() -> None:
    release = NetworkRelease(os="fortinet_fortios", train="7.2", covers="all")
    advisory = NetworkAdvisory(
        os="fortinet_fortios", train="7.2", identifier="CVE-2024-21762", severity=4, exploited=True, fixed="7.2.7"
    )
    given("network", release, advisory, kind="network")
    book = Tables()

    def found(version: str) -> list[tuple[str, str]]:
        seen = hosts.read([
            {"fact": "identity", "outcome": "seen", "data": {"os_id": "fortinet_fortios", "os_family": "network"}},
            {"fact": "firmware", "outcome": "seen", "data": {"version": version}},
        ])  # fmt: skip
        outcome = match_host(seen, book)
        assert not outcome.reason
        assert [one.name for one in book.resting(outcome.ecosystem)] == ["network"]
        return [(one.identifier, one.fixed) for one in outcome.matches]

    assert found("7.2.5") == [("CVE-2024-21762", "7.2.7")]
    assert found("7.2.7") == []
