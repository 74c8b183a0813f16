"""Verdicts rest on feeds: a swap judges those again whom it turns, age turns to unknown and newer data back, nothing forged counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from baselines.evaluate import evaluate
from collectors.facts.vulnerabilities import Vulnerabilities
from collectors.model import NOT_ITS_OWN, Record
from server.assess import centre, judge, packs, tasks, whatif
from server.assess.models import Alarm, CentreFact, KeptFact, StoredAssessment
from server.background.declare import Work
from server.background.models import Job
from server.feeds.models import EndOfLife, Exploited, Likelihood
from server.findings.codes import DATA, MACHINE, WORDS
from server.findings.models import Standing, Transition
from server.ingest.models import Machine
from server.outlets.models import Turned
from server.units.models import Unit
from tests.server.feeds_given import given, mended
from tests.server.people import Host, send
from tests.server.test_matching_stored import CVE, Calm, job_of, match, reports, software

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]

PACK = "tcvn_11930_2017"
FIXED, IN_TIME = "vulnerabilities.exploited_fixed", "vulnerabilities.fixes_in_time"


@pytest.fixture(autouse=True)
def held_to_the_standard(tree: dict[str, Unit]) -> None:
    Unit.objects.filter(pk=tree["root"].pk).update(baseline=PACK)


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the day."""
    today = timezone.localdate()

    def later(count: int) -> date:
        monkeypatch.setattr("django.utils.timezone.localdate", lambda *_: today + timedelta(days=count))
        return today + timedelta(days=count)

    return later


def feeds(*exploited: str, age: int = 0) -> None:
    given("debian", mended("a", "2-1"), age=age)
    rows = [Exploited(identifier=one, added=timezone.localdate()) for one in exploited or ("CVE-2020-1",)]
    given("kev", *rows, kind="kev", age=age)


def stands(machine: Machine, check: str = FIXED) -> str:
    (code,) = set(Standing.objects.filter(machine=machine, rule__check_id=check).values_list("verdict", flat=True))
    return WORDS[code]


def turned(machine: Machine, check: str = FIXED) -> list[tuple[str, str, int]]:
    rows = Transition.objects.filter(machine=machine, rule__check_id=check).order_by("at", "turn")
    return [(WORDS[one.was], WORDS[one.now], one.cause) for one in rows]


def aged() -> dict[str, int]:
    job = tasks.age.enqueue(by="test")
    Job.objects.filter(pk=job.pk).update(state=Job.RUNNING)
    told = tasks.age.function(Work(Job.objects.get(pk=job.pk), Calm()))
    Job.objects.filter(pk=job.pk).update(state=Job.DONE)
    return dict(told or {})


def test_what_nobody_has_matched_yet_is_unknown_and_matching_answers(client: Client, host: Host) -> None:
    feeds()
    machine = reports(client, host, ("a", "2-1"))
    assert stands(machine) == "unknown"
    match()
    assert stands(machine) == "pass"
    assert turned(machine) == [("unknown", "pass", DATA)]
    assert set(Turned.objects.filter(machine=machine).values_list("cause", flat=True)) == {DATA}


def test_without_feeds_nothing_passes(client: Client, host: Host) -> None:
    machine = reports(client, host, ("a", "1-1"))
    match()
    assert {stands(machine, check) for check in (FIXED, IN_TIME)} == {"unknown"}


def test_without_the_list_of_exploited_ones_only_what_rests_on_it_is_unknown(client: Client, host: Host) -> None:
    given("debian", mended("a", "2-1"))
    machine = reports(client, host, ("a", "1-1"))
    match()
    assert (stands(machine), stands(machine, IN_TIME)) == ("unknown", "pass")


def test_what_could_not_be_assessed_is_no_pass(client: Client, host: Host) -> None:
    feeds()
    snapshot = host.snapshot(extra=(software(("a", "1-1"), ("b", "=?=")),))
    assert send(client, host.seal(snapshot)).status_code == 201
    match()
    assert stands(Machine.objects.get()) == "unknown"


def test_a_swap_judges_those_again_whom_it_turns_and_nobody_else(
    client: Client, host: Host, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds()
    ill = [reports(client, one, ("a", "1-1")) for one in (host, another("may-2"), another("may-3"))]
    well = reports(client, another("may-4"), ("a", "2-1"))
    match()
    assert {stands(machine) for machine in (*ill, well)} == {"pass"}
    asked: list[int] = []
    honest = judge.judged_here
    monkeypatch.setattr(judge, "judged_here", lambda *given: asked.append(given[0]) or honest(*given))
    snapshots = {machine.pk: machine.snapshots.count() for machine in ill}
    feeds(CVE)
    match()
    assert sorted(asked) == [machine.pk for machine in ill]
    assert [stands(machine) for machine in ill] == ["fail"] * 3
    assert [turned(machine)[-1] for machine in ill] == [("pass", "fail", DATA)] * 3
    assert stands(well) == "pass"
    assert {machine.pk: machine.snapshots.count() for machine in ill} == snapshots, "no machine was asked"
    given("epss", Likelihood(identifier=CVE, epss=0.9, percentile=1), kind="epss")
    match(refresh=True)
    feeds(CVE)
    match()
    assert len(asked) == len(ill), "data that say the same judge nobody again"


def test_age_turns_to_unknown_and_newer_data_back(client: Client, host: Host, days: Any) -> None:
    feeds(CVE)
    machine = reports(client, host, ("a", "1-1"))
    match()
    assert stands(machine) == "fail"
    days(14)
    assert aged() == {}
    assert stands(machine) == "fail"
    days(15)
    assert aged() == {"judged": 1}
    assert (stands(machine), stands(machine, IN_TIME)) == ("unknown", "unknown")
    assert aged() == {}, "once"
    again = reports(client, host, ("a", "1-1"))
    assert stands(again) == "unknown", "also what comes in then"
    match()
    feeds(CVE)
    match()
    assert stands(machine) == "fail"
    assert [step[2] for step in turned(machine)] == [DATA] * 3


def test_a_report_that_waits_for_its_matching_ages_too(client: Client, host: Host, days: Any) -> None:
    feeds()
    reports(client, host, ("a", "2-1"), age=timedelta(hours=1))
    match()
    machine = reports(client, host, ("a", "2-1"))
    assert stands(machine) == "pass", "its packages are those that were matched"
    assert aged() == {}, "it was judged today"
    days(15)
    assert aged() == {"judged": 1}
    assert stands(machine) == "unknown"


def test_facts_are_read_though_another_thread_forgets_them(client: Client, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(dict[bytes, str]):
        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            self.clear()
            return found

    monkeypatch.setattr(centre, "_hosts", Forgetful())
    feeds(CVE)
    reports(client, host, ("a", "1-1"), age=timedelta(hours=2))
    match()
    for hours in (1, 0):
        machine = reports(client, host, ("a", "1-1"), age=timedelta(hours=hours))
        assert stands(machine) == "fail"
    assert not Alarm.objects.exists()


def test_packages_that_turned_are_unknown_until_they_are_matched(client: Client, host: Host) -> None:
    feeds(CVE)
    machine = reports(client, host, ("a", "1-1"), age=timedelta(hours=1))
    match()
    reports(client, host, ("a", "2-1"))
    assert turned(machine)[-1] == ("fail", "unknown", MACHINE)
    match()
    assert turned(machine)[-1] == ("unknown", "pass", DATA)


def test_a_report_with_the_same_packages_keeps_its_verdict(client: Client, host: Host) -> None:
    feeds(CVE)
    reports(client, host, ("a", "1-1"), age=timedelta(hours=1))
    match()
    snapshot = host.snapshot(extra=(software(("a", "1-1")),), permit_root_login="no")
    assert send(client, host.seal(snapshot)).status_code == 201
    assert stands(Machine.objects.get()) == "fail"


def test_a_machine_that_claims_the_fact_is_not_believed(client: Client, host: Host) -> None:
    feeds(CVE)
    blank: dict[str, Any] = dict.fromkeys(name for name in Vulnerabilities.model_fields if name != "unseen")
    nice = Vulnerabilities.model_validate(blank | {"exploited_fixable": (), "unassessed": (), "exploited_undetermined": 0})
    forged = Record(fact="vulnerabilities", outcome="seen", data=nice.model_dump(mode="json"))
    for hours, extra in ((2, (forged,)), (1, (software(("a", "1-1")), forged))):
        assert send(client, host.seal(host.snapshot(extra=extra, age=timedelta(hours=hours)))).status_code == 201
        assert stands(Machine.objects.get()) == "unknown"
    match()
    machine = Machine.objects.select_related("latest").get()
    assert stands(machine) == "fail"
    assert machine.latest is not None
    assert machine.latest.snapshot().by_fact["vulnerabilities"].reason == NOT_ITS_OWN


def test_packages_are_compared_themselves_and_not_what_the_snapshot_says_of_them(client: Client, host: Host) -> None:
    feeds()
    machine = reports(client, host, ("a", "2-1"), age=timedelta(hours=1))
    match()
    assert stands(machine) == "pass"
    before = machine.snapshots.get().digest
    other = host.snapshot(extra=(software(("a", "1-1")),)).model_copy(update={"digest": before})
    assert send(client, host.seal(other)).status_code == 201
    assert stands(machine) == "unknown"


def test_machine_and_collector_agree_though_only_one_knows(client: Client, host: Host) -> None:
    feeds(CVE)
    reports(client, host, ("a", "1-1"), age=timedelta(hours=1))
    match()
    snapshot = host.snapshot(extra=(software(("a", "1-1")),))
    assert send(client, host.seal(snapshot, host.judged(snapshot, pack=PACK))).json()["verdicts_agree"] is True
    assert stands(Machine.objects.get()) == "fail"
    assert StoredAssessment.objects.get(snapshot=snapshot.id).agent == StoredAssessment.AGREES
    lie = host.snapshot(extra=(software(("a", "1-1")),))
    assert send(client, host.seal(lie, host.judged(lie, pack=PACK, verdicts="0" * 64))).json()["verdicts_agree"] is False
    assert Alarm.objects.get().kind == "verdicts-differ"


def test_an_agent_with_the_pack_of_before_raises_no_alarm(client: Client, host: Host) -> None:
    feeds(CVE)
    snapshot = host.snapshot(extra=(software(("a", "1-1")),))
    old = host.judged(snapshot, pack=PACK, digest="f" * 64, verdicts="0" * 64)
    assert send(client, host.seal(snapshot, old)).status_code == 201
    match()
    assert StoredAssessment.objects.get().agent == StoredAssessment.OTHER_PACK
    assert not Alarm.objects.exists()


def test_the_page_shows_the_verdict_with_the_feeds_it_rests_on(as_admin: Client, host: Host) -> None:
    feeds(CVE, age=2)
    old = host.snapshot(timedelta(hours=1), extra=(software(("a", "1-1")),))
    assert send(as_admin, host.seal(old)).status_code == 201
    match()
    machine = Machine.objects.get()
    day = timezone.localdate() - timedelta(days=2)
    page = as_admin.get(f"/machines/{machine.pk}/")
    assert "rules_gone" not in page.context
    (entry,) = [one for part in page.context["sections"] for one in part.entries if one.id == FIXED]
    assert (entry.verdict, [one.fact for one in entry.evidence]) == ("fail", ["vulnerabilities"])
    assert {source.what for source in entry.evidence[0].sources} == {f"feed {name}, data of {day}" for name in ("debian", "kev")}
    assert CVE in page.content.decode()
    assert CVE in as_admin.get(f"/machines/{machine.pk}/?tab=facts").content.decode()
    reports(as_admin, host, ("a", "2-1"))
    match()
    page = as_admin.get(f"/machines/{machine.pk}/?snapshot={old.id}")
    assert "rules_gone" not in page.context, "an old one is shown as it was judged then"
    assert [part.verdict for part in page.context["sections"] for one in part.entries if one.id == FIXED] == ["fail"]
    assert as_admin.get(f"/machines/{machine.pk}/?level=3").status_code == 200


def test_another_level_is_weighed_with_what_is_known_here(client: Client, host: Host, tree: dict[str, Unit]) -> None:
    feeds(CVE)
    machine = reports(client, host, ("a", "1-1"))
    match()
    tree["root"].refresh_from_db()
    outlook = whatif.ask(tree["root"], whatif.Proposal(level=2))
    assert (outlook.failed, outlook.whatif.worst_first()) == ([], [])
    seen = machine.snapshots.get().to_judge()[1]
    whole = evaluate(seen.with_fact(centre.known(machine.pk, seen).record), packs.get(PACK), 2)
    assert whole.left_to_centre == frozenset()


def test_the_end_of_life_is_that_of_the_data(client: Client, host: Host, tree: dict[str, Unit]) -> None:
    ends = date(2026, 6, 10)
    feeds()
    given("distro-info", EndOfLife(product="debian", cycle="12", security_ends=ends), kind="end-of-life", limit=180)
    machine = reports(client, host, ("a", "1-1"))
    match()
    seen = machine.snapshots.get().to_judge()[1]
    fact = centre.known(machine.pk, seen).record.typed()
    assert isinstance(fact, Vulnerabilities)
    assert (fact.support_ends, fact.extended_support_ends) == (ends, None)


def test_a_worker_that_died_between_matching_and_judging_is_made_up_for(
    client: Client, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds(CVE)
    machine = reports(client, host, ("a", "1-1"))
    job = job_of()

    def dies(*_: Any) -> int:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("server.feeds.matching.tasks.following.follow", dies)
        with pytest.raises(OSError, match="killed"):
            match(job)
    assert stands(machine) == "unknown"
    match(job)
    assert stands(machine) == "fail"


def test_a_pack_that_does_not_ask_is_judged_without(client: Client, host: Host, tree: dict[str, Unit]) -> None:
    Unit.objects.filter(pk=tree["root"].pk).update(baseline="mini")
    feeds(CVE)
    machine = reports(client, host, ("a", "1-1"))
    written = StoredAssessment.objects.get().judged_at
    match()
    assert aged() == {}
    assert (StoredAssessment.objects.get().judged_at, StoredAssessment.objects.get().centre) == (written, "")
    assert CentreFact.objects.filter(machine=machine).exists(), "ready for the day it asks"


def test_facts_nobody_refers_to_are_removed(client: Client, host: Host) -> None:
    feeds(CVE)
    reports(client, host, ("a", "1-1"))
    match()
    used = StoredAssessment.objects.get().centre
    assert KeptFact.objects.exclude(pk=used).exists(), "the one it was judged with before"
    KeptFact.objects.update(kept_at=timezone.now() - timedelta(days=2))
    job = tasks.forget_facts.enqueue(by="test")
    assert tasks.forget_facts.function(Work(job, Calm())) == {"removed": 1}
    assert list(KeptFact.objects.values_list("pk", flat=True)) == [used]
