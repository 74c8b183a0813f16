"""Putting a feed in force: all of it or nothing, and what was there before stays until then."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from server.background import delivery
from server.background.models import Job
from server.config import Data
from server.feeds import incoming, rows, store
from server.feeds.matching.tables import Tables
from server.feeds.models import CONTENT, Affected, Feed, Generation, Indicator, Warning, WarningItem, in_force
from server.feeds.parsers import KINDS
from server.feeds.status import standings
from server.feeds.store import File, Refused
from server.journal.models import Entry
from tests.server.feeding import SAMPLES, Unhurried

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path: Path) -> None:
    settings.DATA = Data(tmp_path / "data")
    settings.DATA.root.mkdir()


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SLICE", 10)


def tracker(path: Path, packages: int, fixed: str = "1.0-1") -> Path:
    """A tracker of so many packages, each with one vulnerability."""
    told = {"releases": {"bookworm": {"status": "resolved", "fixed_version": fixed, "urgency": "low"}}}
    path.write_text(json.dumps({f"pkg{number}": {f"CVE-2024-{number:04}": told} for number in range(packages)}))
    return path


def file_of(path: Path, days: int = 1, **more: Any) -> File:
    dated = timezone.localdate() - timedelta(days=days)
    told = {"feed": "debian", "kind": "debian", "digest": store.sha256(path), "data_date": dated, "name": path.name} | more
    return File(path=path, **told)


def take(path: Path, days: int = 1, work: Unhurried | None = None, **more: Any) -> Generation | None:
    return store.take(file_of(path, days, **more), work or Unhurried(), "console")


def fixed_in_force() -> set[str]:
    return set(Affected.objects.filter(generation__in=in_force()).values_list("fixed_version", flat=True))


@pytest.mark.on_both
def test_a_swap_is_seen_at_once_and_whole(tmp_path: Path) -> None:
    assert take(tracker(tmp_path / "a", 25, "1.0"), days=3)
    seen = []

    class Watching(Unhurried):
        def slice(self, count: int = 1, **kept: Any) -> Any:
            seen.append((fixed_in_force(), Affected.objects.filter(generation__in=in_force()).count()))
            return super().slice(count, **kept)

    made = take(tracker(tmp_path / "b", 30, "2.0"), work=Watching())
    assert made is not None
    assert set(map(str, seen)) == {"({'1.0'}, 25)"}, "until the last slice the old data are whole"
    assert len(seen) > 5
    assert fixed_in_force() == {"2.0"}
    assert (made.complete, made.rows, made.records) == (True, 60, 30)
    assert Entry.objects.filter(action="feed.imported", subject="debian", detail__rows=60).exists()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OperationalError("database or disk is full"), OSError(28, "No space left")]
)
def test_an_import_that_ends_at_any_slice_leaves_the_old_data(tmp_path: Path, error: BaseException) -> None:
    take(tracker(tmp_path / "a", 25, "1.0"), days=3)
    fresh = tracker(tmp_path / "b", 30, "2.0")
    counting = Unhurried()
    whole = store.take(file_of(fresh, feed="other"), counting, "console")
    assert whole is not None
    for step in range(1, counting.slices + 1):
        with pytest.raises(type(error)):
            take(fresh, work=Unhurried(step, error))
        assert fixed_in_force() >= {"1.0"}
        assert Feed.objects.get(name="debian").generation == Generation.objects.get(feed__name="debian", complete=True)
    assert Generation.objects.filter(complete=False).count() == counting.slices - 1
    # the next start removes what was half written, and nothing else
    assert store.sweep(Unhurried()) > 0
    assert not Generation.objects.filter(complete=False).exists()
    alive = set(in_force())
    for model in CONTENT:
        assert set(model._base_manager.values_list("generation", flat=True)) <= alive
    assert Affected.objects.filter(generation__in=in_force("debian")).count() == 55
    assert take(fresh)
    assert Affected.objects.filter(generation=Feed.objects.get(name="debian").generation).count() == 30


def test_replaced_data_stay_for_work_that_began_with_them_and_go_after_a_day(tmp_path: Path) -> None:
    old = take(tracker(tmp_path / "a", 25, "1.0"), days=3)
    take(tracker(tmp_path / "b", 30, "2.0"))
    assert store.sweep(Unhurried()) == 0
    assert Affected.objects.filter(generation=old).count() == 25
    Generation.objects.filter(pk=old.pk).update(replaced_at=timezone.now() - store.KEPT - timedelta(minutes=1))
    assert store.sweep(Unhurried()) == 50
    assert not Affected.objects.filter(generation=old).exists()
    assert fixed_in_force() == {"2.0"}


def in_the_middle(text: str) -> str:
    """One record in the middle is no longer what it should be."""
    return text.replace(
        '"CVE-2024-0012": {"releases": {"bookworm": {"status": "resolved"',
        '"CVE-2024-0012": {"releases": {"bookworm": {"state": "resolved"',
    )


BROKEN: list[tuple[str, Callable[[str], str], str]] = [
    ("a record in the middle", in_the_middle, r"record 13 \(pkg12\), CVE-2024-0012, bookworm: no status"),
    (
        "a list for an object",
        lambda text: text.replace('"pkg20": {', '"pkg20": [1], "x": {'),
        r"record 21 \(pkg20\): an object was expected",
    ),
    ("cut off", lambda text: text[: len(text) // 2], r"after record \d+: no JSON"),
    ("no JSON", lambda text: text.replace(":", ";", 40), r"no JSON"),
    ("a null character", lambda text: text.replace('"pkg22"', '"pkg\\u0000"'), r"record 23: package holds a null character"),
    ("a name without end", lambda text: text.replace('"pkg22"', '"' + "p" * 500 + '"'), r"record 23: package is longer than 120"),
    ("nothing", lambda text: "{}", r"holds no record"),
]


@pytest.mark.on_both
@pytest.mark.parametrize(("what", "breaks", "said"), BROKEN, ids=[one[0] for one in BROKEN])
def test_a_mistake_in_the_file_names_its_place_and_the_old_data_stay(
    tmp_path: Path, what: str, breaks: Callable[[str], str], said: str
) -> None:
    take(tracker(tmp_path / "a.json", 25, "1.0"), days=3)
    bad = tracker(tmp_path / "bad.json", 30, "2.0")
    bad.write_text(breaks(bad.read_text()))
    with pytest.raises(Refused, match=said) as caught:
        take(bad)
    assert str(caught.value).startswith("bad.json: ")
    assert fixed_in_force() == {"1.0"}
    feed = Feed.objects.get(name="debian")
    assert feed.refused == str(caught.value)
    assert feed.refused_at is not None
    # the next good one takes that back
    take(tracker(tmp_path / "c", 30, "3.0"))
    assert (Feed.objects.get().refused, fixed_in_force()) == ("", {"3.0"})


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("warnings", "a.csv", "Mã CVE,Sản phẩm\n"),
        ("indicators", "a.txt", "# nothing yet\n"),
        ("debian", "a.json", '{"a": {"CVE-2026-1": {"releases": {"sid": {"status": "open"}}}}}'),
    ],
)
def test_a_list_of_which_only_its_head_is_there_is_empty(tmp_path: Path, kind: str, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    dated = str(timezone.localdate())
    with pytest.raises(Refused) as caught:
        take(tmp_path / name, kind=kind, feed="x", given={"number": "1", "dated": dated})
    assert caught.value.reason == "empty"
    assert Feed.objects.get().generation is None


def test_a_packed_file_cut_off_is_refused(tmp_path: Path) -> None:
    whole = tracker(tmp_path / "a.json", 3000)
    packed = gzip.compress(whole.read_bytes())
    path = tmp_path / "a.json.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Refused, match=r"a\.json\.gz: byte \d+: cut off or damaged|after record"):
        take(path)
    path.write_bytes(packed)
    assert take(path)


def test_older_and_future_data_are_refused_and_the_same_file_is_nothing_new(tmp_path: Path) -> None:
    path = tracker(tmp_path / "a", 25)
    assert take(path, days=3)
    assert take(path, days=3) is None
    for days, reason in ((4, "older"), (-3, "future")):
        with pytest.raises(Refused) as caught:
            take(tracker(tmp_path / "b", 26), days=days)
        assert caught.value.reason == reason
    with pytest.raises(Refused) as caught:
        take(SAMPLES / "kev.json", kind="kev")
    assert caught.value.reason == "other-kind"
    with pytest.raises(Refused) as caught:
        take(SAMPLES / "kev.json", kind="kev", feed="kev", days=2000)
    assert caught.value.reason == "other-date", "the file says its date itself"


def test_the_same_file_is_read_anew_when_its_parser_or_what_is_said_beside_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = tmp_path / "a.csv"
    letter.write_text("Mã CVE,Thing\nCVE-2021-4034,polkit\n")
    told: dict[str, Any] = {"kind": "warnings", "feed": "warnings/1", "given": {"number": "1", "dated": "2026-11-01"}}
    assert take(letter, **told)
    assert take(letter, **told) is None
    told["given"] |= {"columns": "product=Thing"}
    assert take(letter, **told)
    assert [one.product for one in WarningItem.objects.filter(generation__in=in_force())] == ["polkit"]
    assert take(letter, **told) is None
    kind = KINDS["warnings"]
    monkeypatch.setitem(KINDS, "warnings", replace(kind, number=kind.number + 1))
    assert [one.reread for one in standings()] == [True]
    assert take(letter, **told)
    assert [one.reread for one in standings()] == [False]


def test_whoever_matches_is_told_of_a_swap_and_of_nothing_else(tmp_path: Path) -> None:
    told = []

    def heard(feed: Feed, **rest: Any) -> None:
        told.append((feed.name, fixed_in_force()))

    store.swapped.connect(heard)
    try:
        take(tracker(tmp_path / "a", 25, "1.0"), days=3)
        with pytest.raises(Refused):
            take(tracker(tmp_path / "b", 0))
        take(tracker(tmp_path / "a", 25, "1.0"), days=3)
        take(tracker(tmp_path / "c", 25, "2.0"))
    finally:
        store.swapped.disconnect(heard)
    assert told == [("debian", {"1.0"}), ("debian", {"2.0"})]


@pytest.mark.on_both
@pytest.mark.django_db(transaction=True)
def test_lists_that_come_by_themselves_stand_beside_each_other(tmp_path: Path) -> None:
    for kind, sample, number in (
        ("indicators", "indicators.csv", "15/CB"), ("indicators", "stix.json", "16/CB"), ("warnings", "letter.csv", "1712/CATTT"),
    ):  # fmt: skip
        dated = timezone.localdate() - timedelta(days=200)
        given = {"number": number, "dated": str(dated), "issuer": "A"}
        file = File(f"{kind}/{number}", kind, SAMPLES / sample, sample, dated, "", given=given)
        incoming.bring_list(SAMPLES / sample, file, "console")
    # two at once: one waits for the other, and both come in
    delivery.take("tests", 0.05, until_empty=True, signals=False)
    assert set(Job.objects.values_list("state", flat=True)) == {Job.DONE}
    assert Indicator.objects.filter(generation__in=in_force("indicators")).count() == 8
    assert Warning.objects.get(generation__in=in_force()).number == "1712/CATTT"
    assert WarningItem.objects.filter(generation__in=in_force(), cve="CVE-2021-4034").exists()
    assert not any(feed.is_old() for feed in Feed.objects.all()), "lists do not age"


def test_a_feed_ages_and_a_date_to_come_is_no_age(tmp_path: Path) -> None:
    take(tracker(tmp_path / "a", 2), days=1)
    feed = Feed.objects.get()
    made = feed.generation
    assert made is not None
    assert not feed.is_old(made.data_date + timedelta(days=14))
    assert feed.is_old(made.data_date + timedelta(days=15))
    assert feed.carries_until() == made.data_date + timedelta(days=14)
    assert feed.is_old(made.data_date - timedelta(days=2))
    assert Feed(name="x", kind="kev", limit_days=30).is_old()
    assert Feed(name="x", kind="indicators").is_old(), "a feed without data carries nothing"


def test_a_limit_that_was_shortened_holds_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(tracker(tmp_path / "a", 2), days=5)
    feed = Feed.objects.get()
    assert not feed.is_old()
    stamps = {Tables().stamp}
    for days, old, holds in ((4, True, 4), (40, False, 14), (0, False, 14)):
        monkeypatch.setitem(store.KINDS, "debian", replace(store.KINDS["debian"], limit_days=days))
        assert (feed.is_old(), feed.limit) == (old, holds)
        assert [(one.old, one.limit_days) for one in standings()] == [(old, holds)]
        stamps.add(Tables().stamp)
    assert len(stamps) == 2, "what was matched is matched again, with the last day of now"
    Feed.objects.update(limit_days=3)
    assert Feed.objects.get().is_old()


def test_the_job_goes_on_after_a_refused_file_and_says_so(tmp_path: Path) -> None:
    place = incoming.folder() / "here"
    place.mkdir()
    bad = tracker(place / "bad", 0)
    good = tracker(place / "good", 5)
    asked = [file_of(bad, feed="one"), file_of(good, feed="two")]
    incoming._asked(place, asked, "console")
    delivery.take("tests", 0.05, until_empty=True, signals=False)
    job = Job.objects.get(name="feeds.import")
    assert (job.state, job.outcome["two"]) == (Job.DONE, "10")
    assert job.outcome["one"].startswith("empty: bad: ")
    assert not place.exists()
    assert job.of is not None
    assert job.done <= job.of
