"""Each feed's date: by command, on its page, at the foot of every page and in the API."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from server.config import Data
from server.feeds import console, status
from server.feeds.models import Feed, Generation
from server.programs.models import Key
from server.units.models import Membership
from tests.server.feeding import Maker, yesterday

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path: Path) -> None:
    settings.DATA = Data(tmp_path / "data")
    settings.DATA.root.mkdir()
    cache.delete(status.FOOT)


@pytest.fixture
def feeds() -> None:
    today = timezone.localdate()
    for name, kind, days, limit in (("debian", "debian", 3, 14), ("kev", "kev", 31, 30), ("indicators/15", "indicators", 400, 0)):
        feed = Feed.objects.create(name=name, kind=kind, limit_days=limit, publisher="P", licence="L")
        feed.generation = Generation.objects.create(
            feed=feed, data_date=today - timedelta(days=days), complete=True, digest="0" * 64
        )
        feed.save()
    Feed.objects.create(name="epss", kind="epss", limit_days=30, refused="epss.csv: line 5: no number", refused_at=timezone.now())


def test_the_page_says_what_is_too_old_and_what_was_refused(feeds: None, person) -> None:
    client = Client()
    client.force_login(person("a"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/feeds/").content.decode()
    assert "<h1>Nguồn dữ liệu</h1>" in page
    assert page.count('class="tag bad"') == 2, "kev is over its limit, epss has no data"
    assert "epss.csv: line 5: no number" in page
    assert page.count(">chưa có dữ liệu<") == 2, "of epss neither day nor number of records"
    assert "Có 2 nguồn dữ liệu quá hạn" in page
    foot = client.get("/units/").content.decode().partition("<footer")[2]
    assert f"debian {(timezone.localdate() - timedelta(days=3)):%d/%m/%Y}" in foot
    assert "<strong>(quá hạn)</strong>" in foot.partition("kev")[2]
    assert "indicators/15" not in foot, "what does not age needs no date there"
    client.cookies["rasoat_language"] = "en"
    assert "<h1>Feeds</h1>" in client.get("/feeds/").content.decode()


def test_whoever_is_not_logged_on_sees_no_feeds(feeds: None) -> None:
    assert Client().get("/feeds/").status_code == 302
    assert "debian" not in Client().get("/log-on/").content.decode()


def test_the_foot_costs_one_query_a_minute(feeds: None, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        assert len(status.foot()) == 3
        assert status.foot() == status.foot()


def test_the_api_says_the_same(feeds: None, person, tree) -> None:
    key = Key.issue(person("a", role=Membership.VIEWER), tree["root"], "k", ["feeds"], timezone.now() + timedelta(days=1))[1]
    answer = Client().get("/api/v1/feeds", headers={"Authorization": f"Bearer {key}"})
    told = {one["name"]: one for one in answer.json()}
    assert (told["debian"]["age_days"], told["debian"]["old"], told["kev"]["old"], told["epss"]["old"]) == (3, False, True, True)
    assert told["epss"]["data_date"] is None
    assert {told["epss"][word] for word in ("bundle", "records", "rows", "left_out")} == {None}, "never came is not 0 records"
    assert told["debian"]["records"] == 0
    assert Client().get("/api/v1/feeds").status_code == 401
    other = Key.issue(person("b", role=Membership.VIEWER), tree["root"], "k", ["units"], timezone.now() + timedelta(days=1))[1]
    assert Client().get("/api/v1/feeds", headers={"Authorization": f"Bearer {other}"}).status_code == 403


def test_status_ends_with_1_while_something_is_too_old(feeds: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.status(Namespace(format="json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told if one["old"]] == ["epss", "kev"], "the worst first"
    Feed.objects.filter(name__in=("kev", "epss")).delete()
    assert console.status(Namespace(format="table")) == 0
    assert "debian" in capsys.readouterr().out
    Feed.objects.all().delete()
    assert console.status(Namespace(format="table")) == 1, "no feed at all is no good news"


def test_import_by_command_says_each_feed_and_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maker = Maker(tmp_path / "maker")
    maker.feed("debian", "debian", "debian.json")
    maker.build(tmp_path / "stick.zip")
    asked = Namespace(path=str(tmp_path / "stick.zip"), fingerprint="", now=True)
    assert console.take(asked) == 1
    assert capsys.readouterr().err.startswith("rasoat: not-pinned: ")
    asked.fingerprint = maker.fingerprint
    assert console.take(asked) == 0
    assert "debian: 17" in capsys.readouterr().out
    # a bundle that is good, with a feed older than what is in force: that feed is refused, by name
    maker.feeds[0]["data_date"] = str(timezone.localdate() - timedelta(days=5))
    maker.build(tmp_path / "next.zip")
    asked.path = str(tmp_path / "next.zip")
    assert console.take(asked) == 1
    assert "debian: older: " in capsys.readouterr().out
    assert str(Feed.objects.get().generation.data_date) == yesterday()
    assert Feed.objects.get().refused.startswith("debian.json: is of ")
