"""A ready pack is the pack of the texts beside it, or it does not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines import made_ready, ready
from baselines.loader import builtin, load_texts, texts_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(made_ready, "FOLDER", tmp_path / "ready")
    ready.make()
    return tmp_path / "ready"


def test_a_ready_pack_is_what_the_texts_say(folder: Path) -> None:
    for pack in builtin():
        texts = texts_of(pack)
        made, read = made_ready.made_ready(pack, texts), load_texts(texts)
        assert made is not None
        assert (made.standard, made.groups, made.digest, made.files) == (read.standard, read.groups, read.digest, read.files)
        assert list(made.checks.items()) == list(read.checks.items())


def test_after_any_change_of_the_texts_it_does_not_count(folder: Path) -> None:
    texts = texts_of("tcvn_11930_2017")
    changed = {**texts, "checks/clock.yaml": texts["checks/clock.yaml"] + "\n"}
    assert made_ready.made_ready("tcvn_11930_2017", changed) is None


def test_a_damaged_or_foreign_file_does_not_count(folder: Path) -> None:
    texts = texts_of("tcvn_11930_2017")
    path = folder / "tcvn_11930_2017.json"
    raw = path.read_bytes()
    for damaged in (raw[: len(raw) // 2], raw.replace(b'"groups":', b'"crowds":', 1), b""):
        path.write_bytes(damaged)
        assert made_ready.made_ready("tcvn_11930_2017", texts) is None
    path.unlink()
    assert made_ready.made_ready("tcvn_11930_2017", texts) is None
