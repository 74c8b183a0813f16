"""Letters against what is stored: open since when, closed by which report, and what cannot be told; never by a click."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from server.background.models import Job
from server.feeds.matching.models import Matched
from server.feeds.matching.tables import Overtaken, Tables
from server.feeds.models import Feed
from server.feeds.store import swapped
from server.ingest.models import Machine, StoredSnapshot
from server.storage import retention
from server.sweeps import codes, state, tasks, weigh
from server.sweeps.codes import CANNOT_TELL, CLOSED, NOT_AFFECTED, OPEN
from server.sweeps.models import Concern, Item, Letter, Standing, Weighed
from tests.server import sweeping
from tests.server.feeds_given import given, mended
from tests.server.sweeping import CVE, data, letter, one, reports, software, told
from tests.server.test_matching_stored import match

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]


# ── CVE ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_open_until_a_new_report_proves_otherwise(client: Any, host: Any) -> None:
    data()
    machine = reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=3))
    match()
    warned = letter({"cve": CVE, "product": "OpenSSL"})
    row = one(warned, machine)
    assert machine.latest is not None
    assert (row.state_word, row.since, row.open, row.closed_by) == (OPEN, machine.latest.orders_at, 1, "")
    assert told(warned, machine) == [(OPEN, "carried")]
    machine = reports(client, host, software(("openssl", "3.0.15-2")), age=timedelta(hours=2))
    match()
    sweeping.weigh()
    assert one(warned, machine).since == row.since, "another version that has it too is no new beginning"
    machine = reports(client, host, software(("openssl", "3.0.16-1")), age=timedelta(hours=1))
    match()
    assert sweeping.weigh() == {"weighed": 1, "failed": 0, "turned": 1}
    row = one(warned, machine)
    assert machine.latest is not None
    assert (row.state_word, row.closed_by, row.closed_at) == (CLOSED, machine.latest_id, machine.latest.orders_at)
    proof = machine.latest_id
    machine = reports(client, host, software(("openssl", "3.0.16-1"), ("zlib", "1.3-1")))
    match()
    sweeping.weigh()
    assert (one(warned, machine).state_word, one(warned, machine).closed_by) == (CLOSED, proof)


def test_a_report_that_cannot_tell_closes_nothing(client: Any, host: Any) -> None:
    data()
    reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=2))
    match()
    warned = letter({"cve": CVE})
    machine = reports(client, host)
    match()
    sweeping.weigh()
    row = one(warned, machine)
    assert row.state_word == OPEN
    assert [(each.state, each.note) for each in row.standings] == [(OPEN, "newest-cannot-tell")]


def test_what_was_closed_and_cannot_be_told_now_is_not_called_closed_and_comes_back(client: Any, host: Any) -> None:
    data()
    reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=4))
    match()
    warned = letter({"cve": CVE})
    proof = reports(client, host, software(("openssl", "3.0.16-1")), age=timedelta(hours=3))
    match()
    sweeping.weigh()
    blind = reports(client, host, age=timedelta(hours=2))
    match()
    sweeping.weigh()
    assert one(warned, blind).state_word == CANNOT_TELL
    again = reports(client, host, software(("openssl", "3.0.16-1")), age=timedelta(hours=1))
    match()
    sweeping.weigh()
    assert (one(warned, again).state_word, one(warned, again).closed_by) == (CLOSED, proof.latest_id)
    back = reports(client, host, software(("openssl", "3.0.15-1")))
    match()
    sweeping.weigh()
    assert (one(warned, back).state_word, one(warned, back).closed_by) == (OPEN, "")
    assert back.latest is not None
    assert one(warned, back).since == back.latest.orders_at


def test_other_data_end_a_warning_without_calling_it_closed(client: Any, host: Any) -> None:
    data()
    machine = reports(client, host, software(("openssl", "3.0.15-1")))
    match()
    warned = letter({"cve": CVE})
    given("debian", mended("openssl", "3.0.15-1", CVE))
    match()
    sweeping.weigh()
    row = one(warned, machine)
    assert (row.state_word, row.closed_by, row.closed_at) == (NOT_AFFECTED, "", None)
    assert [each.note for each in row.standings] == ["by-data"]


def test_the_reports_that_prove_are_kept_beyond_their_time(client: Any, host: Any) -> None:
    """Of one item open by an old report, of another closed by one: those two stay, whatever lies between goes."""
    data()
    first = reports(client, host, software(("openssl", "3.0.15-1"), ("zlib", "1.2-1")), age=timedelta(days=900)).latest_id
    shown = reports(client, host, software(("openssl", "3.0.15-1"), ("zlib", "1.2-1")), age=timedelta(days=890)).latest_id
    match()
    warned = letter({"cve": CVE}, {"cve": "CVE-2026-2"})
    closing = reports(client, host, software(("openssl", "3.0.16-1"), ("zlib", "1.2-1")), age=timedelta(days=880))
    match()
    sweeping.weigh()
    assert {row.state: row.by for row in one(warned, closing).standings} == {CLOSED: closing.latest_id, OPEN: closing.latest_id}
    for days in (870, 860):
        reports(client, host, age=timedelta(days=days))
        match()
        sweeping.weigh()
    blind = reports(client, host)
    match()
    sweeping.weigh()
    assert [row.by for row in one(warned, blind).standings if row.state == OPEN] == [closing.latest_id]
    retention.prune()
    kept = set(StoredSnapshot.objects.values_list("pk", flat=True))
    # the very first is kept as the first contact, by another room
    assert kept == {first, closing.latest_id, blind.latest_id}
    assert shown not in kept


def _both_turned(client: Any, host: Any, fixed: str, version: str, *items: dict[str, str]) -> tuple[Concern, Machine]:
    """Open by a report with openssl 3.0.15-1; then other data, and a report of that version, before anybody looks again."""
    data()
    reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=2))
    match()
    warned = letter(*items or ({"cve": CVE},))
    given("debian", mended("openssl", fixed, CVE), mended("zlib", "1.3-1", "CVE-2026-2"))
    machine = reports(client, host, software(("openssl", version)))
    match()
    assert one(warned, machine).state_word == OPEN
    sweeping.weigh()
    return one(warned, machine), machine


@pytest.mark.parametrize("version", ["3.0.15-1", "3.0.16-1"])
def test_a_new_report_closes_nothing_that_the_data_ended(client: Any, host: Any, version: str) -> None:
    row, machine = _both_turned(client, host, "3.0.15-1", version)
    assert (row.state_word, row.closed_by, row.closed_at) == (NOT_AFFECTED, "", None)
    assert [each.note for each in row.standings] == ["by-data"]
    reports(client, host, software(("openssl", "3.0.17-1")))
    match()
    sweeping.weigh()
    row = one(row.letter, machine)
    assert (row.state_word, row.closed_by, [each.note for each in row.standings]) == (NOT_AFFECTED, "", ["by-data"])


def test_where_data_and_version_turned_and_the_old_report_is_open_by_the_new_data_the_new_one_closed_it(
    client: Any, host: Any
) -> None:
    row, machine = _both_turned(client, host, "3.0.15-2", "3.0.15-2")
    assert (row.state_word, row.closed_by) == (CLOSED, machine.latest_id)


def _closes(client: Any, host: Any) -> tuple[Letter, str]:
    """Open by a report, of which the id is told, and ended by a newer one that nobody has weighed yet."""
    data()
    old = reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=2)).latest_id
    match()
    warned = letter({"cve": CVE})
    machine = reports(client, host, software(("openssl", "3.0.16-1")))
    assert machine.latest is not None
    StoredSnapshot.objects.filter(pk=machine.latest_id).update(sealed=machine.latest.whole(), base=None)
    match()
    assert old is not None
    return warned, old


@pytest.mark.parametrize("broken", [False, True])
def test_where_the_old_report_cannot_be_asked_nothing_is_called_closed(client: Any, host: Any, broken: bool) -> None:
    warned, old = _closes(client, host)
    gone = StoredSnapshot.objects.filter(pk=old)
    assert gone.update(sealed=b"broken") if broken else gone.delete()
    assert sweeping.weigh() == {"weighed": 1, "failed": 0, "turned": 1}
    row = Concern.objects.get(letter=warned)
    assert (row.state_word, row.closed_by, row.closed_at) == (NOT_AFFECTED, "", None)
    assert [each.note for each in row.standings] == ["not-proved"]
    assert row.standings[0].note_title


def test_where_the_data_go_while_reports_are_asked_it_stays_open_until_the_next_time(
    client: Any, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned, _old = _closes(client, host)

    def overtaken(_book: Tables) -> None:
        raise Overtaken

    with monkeypatch.context() as patched:
        patched.setattr(Tables, "_whole", overtaken)
        assert sweeping.weigh() == {"weighed": 0, "failed": 0, "turned": 0}
    assert Concern.objects.get(letter=warned).state_word == OPEN
    assert sweeping.weigh()["weighed"] == 1
    assert Concern.objects.get(letter=warned).state_word == CLOSED


def test_a_product_that_is_ruled_out_closes_no_cve_that_was_not_matched(
    client: Any, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data()
    reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=2))
    match()
    warned = letter({"cve": CVE, "product": "OpenSSL", "version": "< 3.0.2"})
    machine = reports(client, host, software(("openssl", "3.0.15-2")))
    monkeypatch.setattr(tasks, "SOON", timedelta())
    assert sweeping.weigh()["weighed"] == 1
    assert told(warned, machine) == [(OPEN, "carried")]


def test_what_the_data_do_not_say_cannot_be_told(client: Any, host: Any, another: Any) -> None:
    data()
    machine = reports(client, host, software(("openssl", "3.0.16-1")))
    no_packages = reports(client, another("khong-thay-goi"))
    match()
    warned = letter({"cve": "CVE-2026-9999"}, {"cve": CVE, "product": "OpenSSL"}, {"cve": "CVE-2026-2"})
    assert told(warned, machine) == [(CANNOT_TELL, "data-silent"), (NOT_AFFECTED, "data-clear"), (NOT_AFFECTED, "data-clear")]
    assert one(warned, machine).state_word == CANNOT_TELL
    assert {each for each, _ground in told(warned, no_packages)} == {CANNOT_TELL}
    assert {ground for _each, ground in told(warned, no_packages)} == {"not-assessed"}


def test_packages_of_others_keep_a_cve_open_to_doubt(client: Any, host: Any, another: Any) -> None:
    data()
    other = reports(client, host, software(("openssl", "3.0.15-1"), origin="Somebody"))
    chrome = reports(client, another("may-2"), software(("google-chrome-stable", "131.0-1"), origin="Google LLC"))
    match()
    warned = letter({"cve": CVE, "product": "OpenSSL"}, {"cve": "CVE-2026-2"}, {"cve": "CVE-2026-2", "product": "Google Chrome"})
    assert told(warned, other)[:2] == [(CANNOT_TELL, "left-out"), (CANNOT_TELL, "others-there")]
    assert told(warned, chrome)[1:] == [(CANNOT_TELL, "others-there"), (CANNOT_TELL, "left-out")]


def test_data_over_their_limit_say_not_affected_no_longer(client: Any, host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data()
    machine = reports(client, host, software(("openssl", "3.0.16-1"), ("zlib", "1.2-1")))
    match()
    warned = letter({"cve": CVE}, {"cve": "CVE-2026-2"})
    assert told(warned, machine) == [(NOT_AFFECTED, "data-clear"), (OPEN, "carried")]
    Matched.objects.update(carries_until=timezone.localdate() - timedelta(days=1))
    generation = Feed.objects.get(name="debian").generation
    assert generation is not None
    generation.data_date = timezone.localdate() - timedelta(days=15)
    generation.save()
    assert sweeping.weigh()["weighed"] == 1, "asked again on the day the data grow old"
    assert told(warned, machine) == [(CANNOT_TELL, "data-old"), (OPEN, "carried")]


def test_while_matching_is_on_its_way_what_was_said_holds(client: Any, host: Any) -> None:
    data()
    reports(client, host, software(("openssl", "3.0.15-1")), age=timedelta(hours=2))
    match()
    warned = letter({"cve": CVE})
    machine = reports(client, host, software(("openssl", "3.0.16-1")))
    assert sweeping.weigh()["weighed"] == 0
    assert one(warned, machine).state_word == OPEN
    match()
    sweeping.weigh()
    assert one(warned, machine).state_word == CLOSED


# ── letters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_edition_of_a_letter_keeps_the_history_of_what_it_still_names(client: Any, host: Any) -> None:
    data()
    reports(client, host, software(("openssl", "3.0.15-1"), ("zlib", "1.2-1")), age=timedelta(hours=2))
    match()
    warned = letter({"cve": CVE})
    machine = reports(client, host, software(("openssl", "3.0.16-1"), ("zlib", "1.2-1")), age=timedelta(hours=1))
    match()
    sweeping.weigh()
    kept = Item.objects.get().pk
    again = letter({"cve": "CVE-2026-2"}, {"cve": CVE})
    assert again == warned
    assert Item.objects.filter(pk=kept, line=3).exists()
    assert sorted(told(warned, machine)) == [(CLOSED, "data-clear"), (OPEN, "carried")]
    assert one(warned, machine).state_word == OPEN


def test_a_letter_that_names_more_than_before_is_not_closed_until_it_was_weighed(
    client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data()
    clear = reports(client, host, software(("openssl", "3.0.16-1")))
    bad = reports(client, another("may-2"), software(("openssl", "3.0.15-1")))
    match()
    warned = letter({"cve": CVE})
    assert [one(warned, each).state_word for each in (clear, bad)] == [NOT_AFFECTED, OPEN]
    monkeypatch.setattr(weigh, "keep", lambda *given: pytest.fail("it dies before the first machine"))
    with pytest.raises(pytest.fail.Exception):
        letter({"cve": CVE}, {"cve": "CVE-2026-2"})
    assert [one(warned, each).state_word for each in (clear, bad)] == [CANNOT_TELL, OPEN]
    monkeypatch.undo()
    sweeping.run(tasks.weigh_letters, Job.objects.get(name="sweeps.weigh", state=Job.RUNNING))
    assert [one(warned, each).state_word for each in (clear, bad)] == [NOT_AFFECTED, OPEN]


def test_a_newer_report_that_cannot_be_read_is_not_called_not_affected(client: Any, host: Any) -> None:
    data()
    reports(client, host, software(("openssl", "3.0.16-1")), age=timedelta(hours=2))
    match()
    warned = letter({"cve": CVE})
    machine = reports(client, host, software(("openssl", "3.0.15-1")))
    match()
    StoredSnapshot.objects.filter(pk=machine.latest_id).update(sealed=b"broken")
    assert one(warned, machine).state_word == NOT_AFFECTED
    assert sweeping.weigh()["failed"] == 1
    assert one(warned, machine).state_word == CANNOT_TELL


def test_the_state_of_a_letter_counts_every_machine_that_was_asked_for(client: Any, host: Any, another: Any) -> None:
    data()
    bad = reports(client, host, software(("openssl", "3.0.15-1")))
    good = reports(client, another("may-2"), software(("openssl", "3.0.16-1")))
    match()
    warned = letter({"cve": CVE})
    silent = Machine.objects.create(unit=bad.unit, agent=bad.agent, own=False, name="im-lang", kind="switch")
    found = state.state_of(warned, Machine.objects.all())
    assert found.counts == {OPEN: 1, CANNOT_TELL: 1, CLOSED: 0, NOT_AFFECTED: 1}
    assert {pk: one.state for pk, one in found.machines.items()} == {bad.pk: OPEN, good.pk: NOT_AFFECTED, silent.pk: CANNOT_TELL}
    assert found.machines[silent.pk].since is None
    assert state.state_of(warned, Machine.objects.filter(pk=good.pk)).counts[OPEN] == 0
    assert state.letter_numbers(Machine.objects.all(), [warned]) == {warned.pk: found.counts}


def test_a_swap_of_a_letter_asks_for_it_to_be_weighed(db: Any) -> None:
    feed = Feed.objects.create(name="warnings/1", kind="warnings")
    swapped.send(sender=Feed, feed=feed)
    assert [job.name for job in Job.objects.all()] == ["sweeps.weigh"]


def test_a_job_killed_between_slices_goes_on_where_it_stood(
    client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data()
    for each in (host, another("may-2"), another("may-3")):
        reports(client, each, software(("openssl", "3.0.15-1")))
    match()
    monkeypatch.setattr(tasks, "SLICE", 1)
    kept, calls = weigh.keep, []

    def dies_once(*given: Any) -> Any:
        calls.append(given)
        found = kept(*given)
        if len(calls) == 2:
            raise OSError("the disk is full")
        return found

    monkeypatch.setattr(weigh, "keep", dies_once)
    with pytest.raises(OSError, match="full"):
        letter({"cve": CVE})
    job = Job.objects.get(name="sweeps.weigh")
    assert Concern.objects.count() == job.done == 1
    assert sweeping.run(tasks.weigh_letters, job)["weighed"] == 3
    assert {row.state_word for row in Concern.objects.all()} == {OPEN}
    assert Concern.objects.count() == 3


def test_a_letter_that_stands_as_before_is_not_written_again(client: Any, host: Any) -> None:
    data()
    given("debian-more", mended("zlib", "1.4-1", "CVE-2026-3"))
    packages = software(("openssl", "3.0.16-1"), ("zlib", "1.3-1"))
    reports(client, host, packages, age=timedelta(hours=2))
    match()
    clear, bad = letter({"cve": CVE}, {"cve": "CVE-2026-9999"}), letter({"cve": "CVE-2026-3"}, number="2/CB")
    machine = reports(client, host, packages)
    match()
    with CaptureQueriesContext(connection) as asked:
        assert sweeping.weigh() == {"weighed": 1, "failed": 0, "turned": 0}
    written = [one["sql"] for one in asked if one["sql"].startswith('UPDATE "sweeps_concern"')]
    (only,) = written
    assert f"IN ({one(bad, machine).pk})" in only
    assert one(bad, machine).standings[0].by == machine.latest_id
    assert told(clear, machine) == [(NOT_AFFECTED, "data-clear"), (CANNOT_TELL, "data-silent")]
    assert Weighed.objects.get().snapshot == machine.latest_id


def test_every_word_has_a_number_and_a_text() -> None:
    assert set(codes.STATES) == set(codes.STATE_TITLES)
    assert {codes.STATE_WORDS[number] for number in codes.STATES.values()} == set(codes.STATES)
    assert {weigh.BY_DATA, weigh.CANNOT, weigh.NOT_PROVED} == set(codes.NOTES)


def test_grounds_that_are_told_have_their_texts() -> None:
    import re
    from pathlib import Path

    text = Path(tasks.__file__).with_name("compare.py").read_text("utf-8") + Path(tasks.__file__).read_text("utf-8")
    used = set(re.findall(r'Answer\(\w+, "([a-z-]+)"', text)) | set(re.findall(r'"unmatched": "([a-z-]+)"', text))
    assert used == set(codes.GROUNDS)


def test_a_standing_keeps_what_it_was_made_of() -> None:
    row = Standing("k", OPEN, "2026-11-29T01:00:00+00:00", "carried", "openssl", "s")
    assert row.since_at.isoformat() == "2026-11-29T01:00:00+00:00"
    assert (row.title, row.note_title) == (str(codes.STATE_TITLES[OPEN]), "")
