"""`rasoat server ...` at the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import Collector

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    return Collector(tmp_path_factory.mktemp("cli"))  # type: ignore[return-value]


def test_units_people_and_tokens(collector: Collector) -> None:
    run = collector.command
    run("unit", "new", "Phòng Bắc", "--level", "3", "--interval", "600")
    assert "  Phòng Bắc  [level 3, mini, 600 s]" in run("unit", "list", "--lang", "en").stdout
    made = run("user", "new", "lan", "--name", "Lan", "--unit", "Phòng Bắc", "--role", "viewer", "--lang", "en").stdout
    assert "shown this once" in made
    assert "lan  Lan  viewer Phòng Bắc" in run("user", "list").stdout
    run("user", "grant", "lan", "--unit", "Sở", "--role", "admin")
    run("user", "grant", "lan", "--unit", "Phòng Bắc", "--role", "none")
    assert "lan  Lan  admin Sở" in run("user", "list").stdout
    reset = run("user", "reset", "lan", "--lang", "en").stdout
    assert reset != made
    run("user", "disable", "lan")
    assert "(disabled)" in run("user", "list", "--lang", "en").stdout
    token = run("token", "new", "--unit", "Phòng Bắc", "--uses", "5", "--hours", "2", "--quiet").stdout.strip()
    listed = run("token", "list").stdout
    assert "5/5" in listed
    assert token.rpartition(".")[2] not in listed
    run("token", "revoke", token.split(".")[1])
    assert "revoked" in run("token", "list").stdout
    assert "unbroken" in run("journal", "verify", "--lang", "en").stdout
    assert "0 judged again" in run("rejudge", "--now", "--lang", "en").stdout
    job = run("rejudge", "--lang", "en").stdout.split()[1].strip(";")
    assert "waiting" in run("jobs", "show", job, "--lang", "en").stdout
    run("jobs", "cancel", job)
    assert f"{job}  cancelled" in run("jobs", "list", "--lang", "en").stdout


def test_it_speaks_vietnamese(collector: Collector) -> None:
    assert "cấp độ 2" in collector.command("unit", "list", "--lang", "vi").stdout
    help_text = collector.command("token", "new", "--lang", "vi", "--help").stdout
    assert "số giờ hiệu lực" in help_text
    assert "valid so long" in collector.command("token", "new", "--help").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("token", "new", "--unit", "không có"),
        ("token", "new", "--hours", "0"),
        ("token", "new", "--uses", "0"),
        ("unit", "new", "x", "--baseline", "no_such_pack"),
        ("unit", "new", "x", "--level", "6"),
        ("user", "reset", "không có"),
        ("unit", "set", "không có", "--level", "2"),
    ],
)
def test_mistakes_are_said_and_nothing_happens(collector: Collector, words: tuple[str, ...]) -> None:
    before = collector.command("unit", "list").stdout, collector.command("token", "list").stdout
    wrong = collector.command(*words, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert before == (collector.command("unit", "list").stdout, collector.command("token", "list").stdout)


def test_a_bad_tailoring_is_refused(collector: Collector, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("name: x\nparams:\n  access.password: {no_such: 3}\n")
    wrong = collector.command("unit", "set", "Sở", "--tailoring", str(file), check=False)
    assert wrong.returncode == 2
    assert "no_such" in wrong.stderr
    missing = collector.command("unit", "set", "Sở", "--tailoring", str(tmp_path / "none.yaml"), check=False)
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr


def test_nothing_runs_without_init(tmp_path: Path, collector: Collector) -> None:
    wrong = collector.command("run", "--data", str(tmp_path), check=False)
    assert wrong.returncode == 2
    assert "rasoat server init" in wrong.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_settings_is_named(tmp_path: Path, collector: Collector) -> None:
    collector.command("init", "--data", str(tmp_path))
    (tmp_path / "settings.toml").write_text("portt = 1\nworkers = 0\n")
    wrong = collector.command("unit", "list", "--data", str(tmp_path), check=False)
    assert wrong.returncode == 2
    assert "portt" in wrong.stderr
    assert "workers" in wrong.stderr
