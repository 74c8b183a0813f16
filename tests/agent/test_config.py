"""Settings: file, environment, flags; every mistake at once with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import config
from agent.errors import Refusal


def written(folder: Path, text: str) -> dict[str, str]:
    (folder / "agent.yaml").write_text(text, "utf-8")
    return {"RASOAT_CONFIG": str(folder / "agent.yaml")}


def test_the_file_then_the_environment_then_flags(tmp_path: Path) -> None:
    environment = written(tmp_path, "url: https://one.example/\nspool_mb: 1.5\ntries: 2\nstate_dir: /srv/a\n")
    found = config.load(environment | {"RASOAT_URL": "https://two.example", "RASOAT_TRIES": "3"}, tries=4, state_dir=None)
    assert (found.url, found.spool_bytes, found.tries, found.state_dir) == ("https://two.example", 1_572_864, 4, Path("/srv/a"))


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    environment = written(
        tmp_path, "url: ftp://x\nspool_md: 3\n# a remark\ninterval_seconds: 5\ntries: two\ntries: 3\nca_file: relative\n"
    )
    with pytest.raises(Refusal) as caught:
        config.load(environment | {"RASOAT_RETRY_SECONDS": "-1"})
    told = str(caught.value)
    file = environment["RASOAT_CONFIG"]
    for place in (
        f"{file}:1: url",
        f"{file}:2: ",
        f"{file}:4: interval_seconds",
        f"{file}:5: tries",
        f"{file}:7: ca_file",
        "RASOAT_RETRY_SECONDS",
    ):
        assert place in told
    assert "spool_md" in told


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words", "a: [", "\t", "url: {a: b}"])
def test_a_file_that_is_no_settings_is_an_error_not_a_default(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refusal, match=r"agent\.yaml:\d+"):
        config.load(written(tmp_path, text))


def test_a_named_file_must_exist_and_the_usual_one_need_not(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no such file"):
        config.load({"RASOAT_CONFIG": str(tmp_path / "none.yaml")})
    assert config.load({}).tries == 5


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, "# nothing yet\n")).spool_mb == 64
