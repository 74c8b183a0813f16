"""Files that each release left behind for others: reports, seals, bundles, and what people write by hand."""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent import cli, language
from agent.state import State
from baselines.evaluate import evaluate
from baselines.loader import load
from baselines.systems.register import System
from baselines.tailoring import Tailoring
from collectors.inventory import load as targets
from collectors.model import Snapshot
from collectors.seal import pack, parse, unseal, verify
from collectors.seal_delta import read, restore
from tests.releases.found import TOLD, Release, releases
from tests.test_no_secrets import found_in

ROOT = Path(__file__).parents[1]
PACKS = ("tcvn_11930_2017", "tcvn_14423_2026")


@pytest.fixture(scope="module", params=releases(), ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest) -> Release:
    return Release(request.param)


def test_there_is_one() -> None:
    assert [folder.name for folder in releases()][:1] == ["1.0"]


@pytest.mark.parametrize("name", ["snapshot.json", "device.json", "older.json"])
def test_a_report_is_read_and_judged(release: Release, name: str) -> None:
    raw = release.file(name)
    snapshot = Snapshot.from_bytes(raw)
    assert release.told["files"][snapshot.id] == hashlib.sha256(raw).hexdigest()
    assert snapshot.problems() == []
    assert snapshot.digest == release.told["facts"][snapshot.id]
    seen = [record.fact for record in snapshot.records if record.outcome == "seen"]
    assert len(seen) >= 4, "nothing it saw has turned into something that cannot be read"
    for pack_id in PACKS:
        summary = evaluate(snapshot, load(ROOT / "baselines" / pack_id), 3).summary()
        assert summary["pass"] + summary["fail"] > 2, "most of what was decided then can be decided now"


def test_a_sealed_report_is_opened_whole_and_as_a_difference(release: Release) -> None:
    key = bytes.fromhex(release.told["sealed_by"])
    whole = unseal(release.file("whole.sealed"))
    verify(whole, key)
    snapshot = Snapshot.from_bytes(whole.snapshot)
    assert release.told["files"][snapshot.id] == hashlib.sha256(whole.snapshot).hexdigest()
    plain = restore(read(release.file("difference.sealed")), release.file("older.json"))
    again = parse(plain)
    verify(again, key)
    assert again.snapshot == whole.snapshot
    assert unseal(pack(plain)).snapshot == whole.snapshot
    assert whole.judged is not None
    assert whole.judged["level"] == 2


@pytest.fixture
def spoken() -> Any:
    before = language.current()
    mask = os.umask(0o022)
    yield
    language.choose(before)
    os.umask(mask)


def test_a_bundle_of_evidence_is_checked_without_a_collector(release: Release, capsys: Any, spoken: None) -> None:
    trusted = [word for digest in release.told["packs"].values() for word in ("--trust-pack", digest)]
    words = ["verify", str(release.folder / "evidence.zip"), "--key", release.told["evidence_key"], *trusted, "--lang", "en"]
    assert cli.main(words) == 0, capsys.readouterr().out


def test_a_bundle_of_feeds_is_believed_in_its_days(release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("django")
    from tuf.ngclient._internal import trusted_metadata_set

    from server.feeds.bundle.check import opened
    from server.feeds.parsers import KINDS

    made_at = datetime.fromisoformat(release.told["made_at"])

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return made_at.astimezone(tz)

    monkeypatch.setattr(trusted_metadata_set.datetime, "datetime", Then)
    with opened(release.folder / "feeds.zip", {}, release.told["feed_root"]) as bundle:
        files = list(bundle.files(tmp_path))
    assert {file.kind for file in files} <= set(KINDS)
    assert len(files) > 5


def test_what_people_wrote_is_read(release: Release, tmp_path: Path) -> None:
    system = System.parse(release.file("system.yaml").decode(), "system.yaml")
    assert len(system.register.assets) > 30
    assert Tailoring.parse(release.file("tailoring.yaml").decode(), "tailoring.yaml").digest
    shutil.copy(release.folder / "targets.yaml", tmp_path)
    assert [target.name for target in targets(tmp_path / "targets.yaml").targets] == ["core-01", "web-01"]


def test_settings_of_a_collector_still_mean_something(release: Release) -> None:
    pytest.importorskip("django")
    from server.config import Config

    assert Config.model_validate(tomllib.loads(release.file("settings.toml").decode())).port == 8340


def test_the_folder_of_an_agent_tells_how_it_stands(release: Release, tmp_path: Path, capsys: Any, spoken: None) -> None:
    state = release.folder_of("agent", tmp_path / "agent")
    assert State(state).identity()["name"] == "may-cho"
    assert cli.main(["agent", "status", "--state-dir", str(state), "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "may-cho" in said
    assert "2 snapshots" in said


def test_a_folder_of_a_release_names_nothing_of_the_machine_that_made_it(release: Release, tmp_path: Path) -> None:
    for name in ("collector", "agent", "relay", "behind"):
        release.folder_of(name, tmp_path / name)
    raw = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(raw) > 20
    for path, content in raw.items():
        for trace in (b"/root/", b"/home/", b"/work/", b"/tmp/"):
            assert trace not in content, f"{path.relative_to(tmp_path)}: {trace!r}"
    assert found_in((release.folder / TOLD).read_text("utf-8")) == []
