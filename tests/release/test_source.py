"""The version and the day of a release stand once each, and whoever builds it gets the same of both."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors import VERSION
from scripts.release import source


def test_the_version_is_the_one_the_program_says() -> None:
    assert source.version() == VERSION


def test_the_moment_is_the_day_of_the_changelog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    told = datetime.fromtimestamp(source.moment(), UTC)
    assert (told.hour, told.minute, told.second) == (0, 0, 0)
    assert f"## {VERSION} ({told:%Y-%m-%d})" in (source.ROOT / "CHANGELOG.md").read_text("utf-8")


def test_who_says_another_moment_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert source.moment() == 1700000000
    assert source.environment()["SOURCE_DATE_EPOCH"] == "1700000000"


@pytest.mark.parametrize("heading", ["## 9.9.9 (2026-11-30)", "## 1.0.0 (unreleased)", ""])
def test_a_changelog_that_speaks_of_another_version_stops_the_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, heading: str
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors" / "__init__.py").write_text('VERSION = "1.0.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n")
    monkeypatch.setattr(source, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"1\.0\.0"):
        source.moment()


def test_secrets_of_who_builds_do_not_reach_the_builders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASOAT_TOKEN", "planted-token")
    assert "planted-token" not in source.environment().values()
