"""An import in a process of its own that is killed (kill -9) on its way, and one whose disk is full: the data before stay in force."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from server.background import delivery, keeper
from server.background.models import Job
from server.background.run import perform
from server.config import Data
from server.feeds import console, incoming, rows, store
from server.feeds.models import CONTENT, Affected, Feed, Generation, in_force
from server.journal.models import Entry
from tests.server.feeding import Maker, Unhurried
from tests.server.test_storage_live import fill
from tests.server.workers import Site

pytestmark = pytest.mark.system
POINTS = 14
"""Of some hundred statements and commits an import makes, it is killed before so many, spread over all of it."""
PACKAGES = 30


def tracker(maker: Maker, fixed: str, packages: int = PACKAGES) -> None:
    told = {"releases": {"bookworm": {"status": "resolved", "fixed_version": fixed, "urgency": "low"}}}
    listed = {f"pkg{number}": {f"CVE-2024-{number:04}": told} for number in range(packages)}
    (maker.files / "debian.json").write_text(json.dumps(listed))


def bundle(maker: Maker, out: Path, fixed: str, days: int, packages: int = PACKAGES) -> Path:
    tracker(maker, fixed, packages)
    maker.feeds = [
        {"name": "debian", "kind": "debian", "file": "debian.json", "data_date": str(timezone.localdate() - timedelta(days=days))}
    ]
    maker.build(out)
    return out


def bring(path: Path, pinned: str) -> Job:
    job = incoming.bring(path, pinned, "console")
    assert job.delivery is not None
    perform(job.delivery, job.pk)
    return Job.objects.get(pk=job.pk)


def standing() -> tuple[set[str], int]:
    """The fixes that are told, and how many rows tell them."""
    found = Affected.objects.filter(generation__in=in_force())
    return set(found.values_list("fixed_version", flat=True)), found.count()


OLD, NEW = ({"1.0"}, PACKAGES), ({"2.0"}, PACKAGES)


@pytest.fixture
def site(tmp_path: Path, empty_sqlite: Path, django_db_blocker, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    shutil.copy(empty_sqlite, tmp_path / "db.sqlite3")
    made = Site(tmp_path)
    settings.DATA = Data(tmp_path)
    monkeypatch.setattr(rows, "SLICE", 10)
    with django_db_blocker.unblock(), made.here():
        yield made


def killed_at(step: int, path: Path, pinned: str) -> int | None:
    """Steps done by a process that imports and does not live to do that one; None: it was killed."""
    connections.close_all()
    told, tell = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tell)
        with os.fdopen(told) as stream:
            said = stream.read()
        status = os.waitpid(pid, 0)[1]
        assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
        return None if os.WIFSIGNALED(status) else int(said)
    left = count(1)
    done = 0

    def live(do: Callable[..., Any], *given: Any) -> Any:
        nonlocal done
        done = next(left)
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*given)

    try:
        own = connections["default"]
        commit = own._commit
        own._commit = lambda: live(commit)
        with own.execute_wrapper(live):
            bring(path, pinned)
        os.write(tell, str(done).encode())
        os._exit(0)
    except BaseException:
        os._exit(3)


def test_an_import_killed_at_any_point_leaves_the_old_data_and_the_next_succeeds(site: Site, tmp_path: Path) -> None:
    maker = Maker(tmp_path / "maker")
    first = bundle(maker, tmp_path / "first", "1.0", 3)
    assert bring(first, maker.fingerprint).state == Job.DONE
    second = bundle(maker, tmp_path / "second.zip", "2.0", 1)
    connections.close_all()
    database, before = site.data / "db.sqlite3", tmp_path / "before.sqlite3"
    shutil.copy(database, before)

    def back() -> None:
        connections.close_all()
        for path in site.data.glob("db.sqlite3*"):
            path.unlink()
        shutil.copy(before, database)

    steps = killed_at(0, second, "")
    assert steps is not None
    assert steps > 5 * POINTS
    assert standing() == NEW
    seen = []
    for point in range(POINTS):
        step = 1 + point * (steps - 1) // (POINTS - 1)
        back()
        assert killed_at(step, second, "") is None
        seen.append(standing())
        assert seen[-1] in (OLD, NEW), f"step {step}: all of one or all of the other"
        # a worker that starts takes up what is waiting, or whoever carries the stick imports once more
        keeper.look(alone=True)
        delivery.DBTaskResult.objects.filter(status="READY").update(run_after=timezone.now() - timedelta(seconds=1))
        delivery.take("tests", 0.05, until_empty=True, signals=False)
        job = bring(second, "")
        assert (job.state, standing()) == (Job.DONE, NEW), f"step {step}: {job.error}"
        assert not Generation.objects.filter(complete=False).exists(), f"step {step}: what was half written is gone"
        alive = set(Generation.objects.values_list("pk", flat=True))
        for model in CONTENT:
            assert set(model._base_manager.values_list("generation", flat=True)) <= alive, f"step {step}"
        assert Entry.objects.filter(action="feed.imported", subject="debian").count() == 2, f"step {step}: believed once"
    assert seen.count(OLD) >= POINTS // 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
    try:
        yield disk
    finally:
        connections.close_all()
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.root
def test_a_full_disk_leaves_the_old_data_and_says_so(
    small_disk: Path, tmp_path: Path, empty_sqlite: Path, django_db_blocker, settings, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(empty_sqlite, small_disk / "db.sqlite3")
    site = Site(small_disk)
    settings.DATA = Data(small_disk)
    maker = Maker(tmp_path / "maker")
    with django_db_blocker.unblock(), site.here():
        assert bring(bundle(maker, tmp_path / "first", "1.0", 3), maker.fingerprint).state == Job.DONE
        large = bundle(maker, tmp_path / "large", "2.0", 1, 20_000)
        filling = small_disk / "filling"
        with pytest.raises(OSError, match="No space"):
            fill(filling)
        # not even the copy has room
        with pytest.raises(OSError, match="No space") as caught:
            incoming.bring(large, "", "console")
        assert str(caught.value.filename).startswith(str(small_disk / "feeds"))
        assert console.take(Namespace(path=str(large), fingerprint="", now=True)) != 0
        assert "No space" in capsys.readouterr().err
        assert [*incoming.folder().iterdir()] == []
        assert standing() == OLD
        # the copy has, its rows have not; a job tries to say so until there is room
        os.truncate(filling, filling.stat().st_size - 5 * 2**20)
        path = maker.files / "debian.json"
        dated = timezone.localdate() - timedelta(days=1)
        file = store.File("debian", "debian", path, path.name, dated, store.sha256(path))
        with pytest.raises(OperationalError, match="full"):
            store.take(file, Unhurried(), "console")
        assert standing() == OLD
        filling.unlink()
        assert bring(large, "").state == Job.DONE
        assert standing() == ({"2.0"}, 20_000)
        assert Feed.objects.get().refused == ""
        with connection.cursor() as cursor:
            cursor.execute("pragma integrity_check")
            assert cursor.fetchall() == [("ok",)]
