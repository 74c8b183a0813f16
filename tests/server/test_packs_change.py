"""A pack of one's own changes while the collector runs: every process follows, none judges by half a file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.assess import packs, watch
from server.background.models import Job
from server.config import Data
from server.deploy import check
from server.ingest.models import Machine
from server.journal.models import Entry
from server.storage.models import InForce
from tests.postgres import Cluster
from tests.server.people import Host, send
from tests.server.running import PACKS, Collector

WORK = "/api/v1/agents/me/work"


def change(folder: Path, version: str) -> None:
    """As people do it: another file in its place."""
    head = folder / "mini" / "standard.yaml"
    text = head.read_text("utf-8")
    old = next(line for line in text.splitlines() if line.startswith("version:"))
    head.write_text(text.replace(old, f'version: "{version}"'), "utf-8")


def halve(folder: Path, pack: str = "mini") -> str:
    """Half of it is there; what was whole."""
    path = folder / pack / "servers.yaml"
    text = path.read_text("utf-8")
    path.write_text(text[: len(text) // 2], "utf-8")
    return text


@pytest.fixture
def folder(tmp_path: Path, settings) -> Iterator[Path]:
    """Packs of this test's own, and nobody follows them yet."""
    settings.DATA = Data(tmp_path)
    shutil.copytree(PACKS, settings.DATA.packs)
    packs.let_go()
    watch.refused.clear()
    yield settings.DATA.packs
    packs.let_go()
    watch.refused.clear()


class Process:
    """A watch whose looks are taken by hand."""

    def __init__(self) -> None:
        self.watch = watch.Watch()
        self.watch._take()

    def look(self, times: int = 2) -> None:
        for _time in range(times):
            self.watch.look()


@pytest.mark.on_both
def test_a_change_is_in_force_once_it_stands_still(folder: Path, tree) -> None:
    process = Process()
    before = packs.get("mini")
    change(folder, "2.0")
    process.look(1)
    assert packs.get("mini") is before, "perhaps it is still being written"
    process.look(1)
    assert packs.get("mini").version == "2.0"
    assert InForce.objects.get(name="pack mini").fingerprint == packs.get("mini").digest
    entry = Entry.objects.get(action="pack.changed")
    assert (entry.subject, entry.detail["before"], entry.detail["digest"]) == ("mini", before.digest, packs.get("mini").digest)
    assert Job.objects.get(name="assess.rejudge").unit is None
    process.look(3)
    assert Entry.objects.filter(action="pack.changed").count() == 1


def test_a_process_that_begins_later_says_nothing_new(folder: Path, tree) -> None:
    process = Process()
    change(folder, "2.0")
    process.look()
    Job.objects.all().delete()
    packs.let_go()
    Process()
    assert Entry.objects.filter(action="pack.changed").count() == 1
    assert not Job.objects.exists()


@pytest.mark.on_both
def test_half_a_file_is_an_alarm_and_nothing_else(folder: Path, as_admin, host) -> None:
    process = Process()
    before = packs.get("mini")
    whole = halve(folder)
    process.look(4)
    assert packs.get("mini") is before
    assert Entry.objects.filter(action="pack.refused", subject="mini").count() == 1
    assert "mini" in as_admin.get("/").content.decode().partition('class="notice bad"')[2]
    assert any("mini" in warning for warning in as_admin.get("/readyz").json()["warnings"])
    packs.let_go()  # as a process that begins now
    watch.refused.clear()
    assert check.BAD in {line.state for line in check.look(deploy=False) if line.name == "pack"}
    later = Process()
    assert packs.get("mini").digest == before.digest, "from what the database keeps"
    assert send(as_admin, host.seal(host.snapshot())).status_code == 201
    assert Machine.objects.get().latest.assessment.digest == before.digest
    (folder / "mini" / "servers.yaml").write_text(whole, "utf-8")
    later.look()
    assert not watch.refused
    assert not InForce.objects.exclude(refused="").exists()
    assert Entry.objects.filter(action="pack.refused").count() == 1
    assert not Entry.objects.filter(action="pack.changed").exists(), "it came back as it was"


def test_of_a_new_pack_that_does_not_load_none_stays_in_force(folder: Path, as_admin) -> None:
    process = Process()
    shutil.copytree(folder / "mini", folder / "moi")
    halve(folder, "moi")
    process.look(4)
    for _process in range(2):
        page = as_admin.get("/").content.decode().partition('class="notice bad"')[2]
        assert "moi" in page
        assert "bản trước vẫn có hiệu lực" not in page
        (warning,) = as_admin.get("/readyz").json()["warnings"]
        assert "none of that name" in warning
        packs.let_go()
        watch.refused.clear()
        Process()
    entry = Entry.objects.get(action="pack.refused")
    assert entry.subject == "moi"
    shutil.rmtree(folder / "moi")
    shutil.copytree(folder / "mini", folder / "moi")
    for file in (folder / "moi").glob("*.yaml"):
        file.write_text(file.read_text("utf-8").replace("id: mini\n", "id: moi\n"), "utf-8")
    Process()
    assert not watch.refused, "and then it is in force for the first time"
    assert not InForce.objects.exclude(refused="").exists()
    assert not Entry.objects.filter(action="pack.changed").exists()


def test_a_folder_that_is_gone_is_no_change(folder: Path, tree) -> None:
    process = Process()
    before = packs.get("mini")
    shutil.rmtree(folder / "mini")
    process.look()
    assert packs.get("mini") is before
    packs.let_go()
    Process()
    assert packs.get("mini").digest == before.digest, "units are held to it"


def test_a_database_that_is_away_for_a_moment_costs_a_look(folder: Path, tree, monkeypatch) -> None:
    from django.db import OperationalError

    process = Process()
    change(folder, "2.0")
    process.look(1)
    real = watch._judge_again

    def gone() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(watch, "_judge_again", gone)
    with pytest.raises(OperationalError):
        process.look(1)
    monkeypatch.setattr(watch, "_judge_again", real)
    process.look(1)
    assert Job.objects.filter(name="assess.rejudge").exists(), "what is owed is not forgotten"


@pytest.mark.on_both
def test_machines_with_other_packs_are_named(folder: Path, tree) -> None:
    Process()
    InForce.objects.filter(name="pack mini").update(fingerprint="f" * 64, place="may-chu-khac")
    found = [line for line in check.look(deploy=False) if line.name == "pack" and line.state == check.WARN]
    assert [("may-chu-khac" in line.seen, bool(line.do)) for line in found] == [(True, True)]


def until(true: Callable[[], Any], collector: Collector) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, (collector.data / "log").read_text()[-3000:]
        time.sleep(0.2)


@pytest.mark.system
def test_two_collectors_and_their_worker_follow_without_a_restart(postgres: Cluster, tmp_path: Path) -> None:
    """Each has two web processes; one of them keeps a worker."""
    first = Collector(tmp_path / "first", postgres.create(), works=True)
    with (first.data / "settings.toml").open("a") as out:
        out.write('background_work = "on"\n')
    second = first.beside(tmp_path / "second")
    both = (first, second)
    try:
        for collector in both:
            collector.start()
        host = Host()
        first.enrol(host)
        assert first.send(host.seal(host.snapshot())).status == 201

        def told(collector: Collector) -> set[str]:
            """By whichever of its processes answers."""
            answers = [collector.get(WORK, {"Authorization": host.authorization(WORK)}) for _ in range(12)]
            return {answer.document["baseline"]["digest"] for answer in answers}

        (before,) = told(first) | told(second)
        for collector in both:
            change(collector.data / "packs", "2.0")
        until(lambda: before not in told(first) | told(second), first)
        (after,) = told(first) | told(second)
        judged = "select digest from assess_storedassessment"
        until(lambda: first.rows(judged) == [(after,)], first)
        whole = [halve(collector.data / "packs") for collector in both]
        refused = "select count(*) from journal_entry where action = 'pack.refused'"
        until(lambda: first.rows(refused) == [(1,)], first)
        assert told(first) | told(second) == {after}
        assert second.get("/readyz").status == 200
        second.stop()
        second.start()
        assert told(second) == {after}, "one that begins now has it from the database"
        (second.data / "packs" / "mini" / "servers.yaml").write_text(whole[1], "utf-8")
        until(lambda: not second.get("/readyz").document["warnings"], second)
        assert first.rows("select count(*) from journal_entry where action = 'pack.changed'") == [(1,)]
    finally:
        for collector in both:
            collector.stop()
