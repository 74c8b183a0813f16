"""The command line as scripts and people meet it: exit codes, streams, messages."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import COMMANDS
from collectors.model import Snapshot
from tests.agent.conftest import PACK, Run, environment
from tests.agent.snapshots import CLOCK, IDENTITY, REMOTE, broken, healthy, seen, snapshot, unseen

pytestmark = pytest.mark.system


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {
        "healthy": healthy(),
        "broken": broken(privileged=False),
        "unknown": snapshot(
            seen("identity", **IDENTITY),
            seen("remote_access", **REMOTE, permit_root_login="no", max_auth_tries=3),
            unseen("clock", "denied", "no rights"),
        ),
        "empty": snapshot(seen("clock", **CLOCK, synchronised=True), kind="switch"),
    }
    paths = {name: tmp_path / f"{name}.json" for name in made}
    for name, path in paths.items():
        path.write_bytes(made[name].to_bytes())
    return paths


@pytest.mark.parametrize(("name", "code"), [("healthy", 0), ("broken", 1), ("unknown", 3), ("empty", 3)])
def test_the_exit_code_is_the_verdict(rasoat: Run, files: dict[str, Path], name: str, code: int) -> None:
    assert rasoat("judge", files[name], "--baseline", PACK).returncode == code


def test_a_fail_outweighs_an_unknown_on_another_machine(rasoat: Run, files: dict[str, Path]) -> None:
    assert rasoat("judge", files["unknown"], files["healthy"], "--baseline", PACK).returncode == 3
    assert rasoat("judge", files["unknown"], files["broken"], files["healthy"], "--baseline", PACK).returncode == 1


def test_a_scan_of_this_machine_gives_one_json_document_of_the_agreed_shape(rasoat: Run) -> None:
    done = rasoat("scan", "--baseline", PACK, "--level", "3", "--format", "json")
    assert done.returncode in (0, 1, 3), done.stderr
    found = json.loads(done.stdout)
    assert list(found) == [
        "rasoat",
        "baseline",
        "target",
        "collected_at",
        "seconds",
        "summary",
        "coverage",
        "results",
        "snapshot",
    ]
    assert set(found["baseline"]) == {"id", "version", "digest", "level"}
    assert set(found["summary"]) == {"pass", "fail", "unknown", "not_applicable", "manual"}
    assert set(found["coverage"]) >= {"automated", "partial", "manual"}
    for result in found["results"]:
        assert set(result) == {"requirement", "clause", "check", "verdict", "severity", "findings"}
        for finding in result["findings"]:
            assert set(finding) == {"fact", "field", "op", "expected", "observed", "reason", "sources"}
    assert Snapshot.model_validate(found["snapshot"]).problems() == []
    assert any(finding["sources"] for result in found["results"] for finding in result["findings"])


def test_judging_a_scan_s_result_again_gives_the_same(rasoat: Run, tmp_path: Path) -> None:
    first = rasoat("scan", "--baseline", PACK, "--format", "json")
    (tmp_path / "result.json").write_text(first.stdout, "utf-8")
    again = rasoat("judge", tmp_path / "result.json", "--baseline", PACK, "--format", "json")
    assert json.loads(again.stdout) == json.loads(first.stdout)
    assert again.returncode == first.returncode
    assert json.loads(rasoat("judge", "-", "--baseline", PACK, "--format", "json", stdin=first.stdout).stdout) == json.loads(
        first.stdout
    )


def test_quiet_says_nothing_on_stderr_and_output_goes_to_a_private_file(rasoat: Run, tmp_path: Path) -> None:
    done = rasoat("scan", "--baseline", PACK, "--format", "json", "--quiet", "--output", tmp_path / "out.json")
    assert (done.stdout, done.stderr) == ("", "")
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["baseline"]["id"] == "house"
    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["scan", "--nonsense"], "--nonsense"),
        (["scan", "--level", "x"], "--level"),
        (["scan", "--level", "7", "--baseline", PACK], "1, 2, 3"),
        (["scan", "--baseline", "nonsense"], "tcvn_11930_2017"),
        (["scan", "--baseline", PACK, "--root", "/nonsense"], "/nonsense"),
        (["scan", "--baseline", PACK, "--root", "/proc/1/task"], "no etc folder"),
        (["scan", "--only", "web"], "--inventory"),
        (["scan", "--inventory", "/nonsense.yaml"], "/nonsense.yaml"),
        (["scan", "--inventory", "/nonsense.yaml", "--kind", "server"], "--kind"),
        (["scan", "--lang", "fr"], "fr"),
        (["scan", "--lev", "2"], "--lev"),
        (["judge"], "SNAPSHOT"),
        (["judge", "/nonsense.json"], "/nonsense.json"),
        (["inventory", "check", "/nonsense.yaml"], "/nonsense.yaml"),
        (["inventory", "import", "csv", "/nonsense.csv"], "/nonsense.csv"),
        (["baseline", "show", "nonsense"], "tcvn_11930_2017"),
        (["case", "record", "clock", "no-platform"], "debian12--"),
        (["case", "record", "nonsense", "debian12--x"], "nonsense"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_mistake_of_the_caller_is_exit_2_with_a_hint_and_no_output(rasoat: Run, words: list[Any], told: str) -> None:
    done = rasoat(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr


GARBAGE = {
    "empty": b"",
    "no json": b"hello",
    "cut": healthy().to_bytes()[:-50],
    "a list": b"[1, 2]",
    "other json": b'{"a": 1}',
    "unknown field": healthy().to_bytes()[:-1] + b',"more":1}',
    "bad gzip": b"\x1f\x8b\x08nonsense",
    "deep": b"[" * 200_000,
    "bytes": bytes(range(256)),
}


def test_a_fact_that_does_not_fit_its_type_is_said_and_unknown(rasoat: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(healthy().to_bytes().replace(b'"max_auth_tries":3', b'"max_auth_tries":"three"'))
    done = rasoat("judge", path, "--baseline", PACK)
    assert done.returncode == 3
    assert "max_auth_tries" in done.stderr


@pytest.mark.parametrize("name", GARBAGE)
def test_a_file_that_is_no_snapshot_is_exit_2_and_named(rasoat: Run, tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(GARBAGE[name])
    done = rasoat("judge", path, "--baseline", PACK)
    assert done.returncode == 2, done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_all_bad_snapshots_are_named_at_once(rasoat: Run, tmp_path: Path, files: dict[str, Path]) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("{}")
    done = rasoat("judge", tmp_path / "one", files["healthy"], tmp_path / "two", "--baseline", PACK)
    assert done.returncode == 2
    assert str(tmp_path / "one") in done.stderr
    assert str(tmp_path / "two") in done.stderr


def test_a_bug_is_exit_5_and_leaves_what_is_needed_to_report_it(tmp_path: Path) -> None:
    code = (
        "import sys, agent.commands.version as v\ndef boom(options): raise ZeroDivisionError('password=hunter2')\nv.run = boom\n"
    )
    code += "from agent.cli import main\nsys.exit(main(sys.argv[1:]))"
    run = [sys.executable, "-c", code, "version"]
    done = subprocess.run(run, env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    (report,) = tmp_path.glob("rasoat-bug-*.txt")
    assert str(report) in done.stderr
    assert "Traceback" in report.read_text()
    assert "hunter2" not in done.stderr + report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600
    loud = subprocess.run([*run, "--verbose"], env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, check=False)
    assert "Traceback" in loud.stderr


def on_terminal(words: list[str], **env: str) -> str:
    """What the command writes to a terminal of 80 columns."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", *words],
        env=environment(TERM="xterm", COLUMNS="80", **env),
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    process.wait()
    os.close(master)
    return said.decode()


def test_colours_and_progress_are_for_terminals_only(files: dict[str, Path], rasoat: Run) -> None:
    words = ["judge", str(files["broken"]), "--baseline", str(PACK)]
    assert "\x1b[" in on_terminal(words)
    assert "\x1b[" not in on_terminal(words, NO_COLOR="1")
    assert "\x1b[" not in rasoat(*words).stdout
    scan = ["scan", "--baseline", str(PACK)]
    assert "\r\x1b[K[" in on_terminal(scan)
    assert "\r\x1b[K[" not in on_terminal([*scan, "--quiet"])


def test_lines_fit_the_terminal_in_both_languages(files: dict[str, Path]) -> None:
    from agent.terminal import width

    for language in ("vi", "en"):
        said = on_terminal(
            ["judge", str(files["broken"]), "--baseline", str(PACK), "--verbose", "--lang", language], NO_COLOR="1"
        )
        assert max(width(line) for line in said.replace("\r", "").split("\n")) <= 80


def test_a_reader_who_leaves_early_is_no_bug() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "baseline", "show", PACK],
        env=environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert process.communicate()[1] == ""
    assert process.returncode == 141


@pytest.mark.parametrize("style", ["table", "html"])
def test_no_room_for_the_output_is_said_and_is_no_verdict(files: dict[str, Path], style: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agent", "judge", files["healthy"], "--baseline", PACK, "--format", style],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_a_letter_the_output_cannot_show_is_no_bug(rasoat: Run, files: dict[str, Path]) -> None:
    done = rasoat("judge", files["broken"], "--baseline", PACK, "--lang", "vi", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "?" in done.stdout


def test_the_server_is_reached_by_name_or_the_missing_extra_is_named(tmp_path: Path) -> None:
    blocked = "import sys\nsys.modules['django'] = None\nsys.modules['server.cli'] = None\nfrom agent.cli import main\nsys.exit(main(['server', 'run']))"
    done = subprocess.run([sys.executable, "-c", blocked], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "rasoat[server]" in done.stderr
    passed = (
        "import sys, types\nfake = types.ModuleType('server.cli')\nfake.main = lambda argv: print(argv) or 7\nsys.modules['server.cli'] = fake\n"
        "from agent.cli import main\nsys.exit(main(['--lang', 'vi', 'server', 'run', '--host', 'x', '--help']))"
    )
    done = subprocess.run([sys.executable, "-c", passed], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert done.stdout.strip() == "['run', '--host', 'x', '--help']"


def test_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom agent.cli import main\nmain(['--help'])\nprint(sorted(set(sys.modules) & {'pydantic', 'yaml', 'logging', 'urllib3', 'ssl', 'cryptography', 'collectors', 'baselines', 'json'}))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_scan_stays_away_from_what_it_does_not_need() -> None:
    code = f"import sys\nfrom agent.cli import main\nmain(['scan', '--quiet', '--baseline', {str(PACK)!r}])\n"
    code += "print(sorted(set(sys.modules) & {'urllib3', 'ssl', 'cryptography', 'paramiko', 'asyncio', 'rich', 'netmiko', 'http.client'}))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_of_the_list_exists(rasoat: Run) -> None:
    listed = set(re.findall(r"^    (\w+)(?: |$)", rasoat("--help").stdout, re.M))
    assert listed == set(COMMANDS)
    assert rasoat("version").stdout.startswith("rasoat ")


def test_compare_level_tells_what_turns(rasoat: Run, files: dict[str, Path]) -> None:
    done = rasoat("judge", files["broken"], "--baseline", PACK, "--compare-level", "3", "--format", "json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["comparisons"]
    assert found["turns"] == [{"requirement": "access.remote", "check": "remote.tries", "before": "pass", "after": "fail"}]
    down = rasoat("judge", files["broken"], "--baseline", PACK, "--compare-level", "1", "--format", "json")
    assert {"requirement": "access.clock", "check": "clock.synchronised", "before": "unknown", "after": None} in json.loads(
        down.stdout
    )["comparisons"][0]["turns"]
    assert "pass → fail" in rasoat("judge", files["broken"], "--baseline", PACK, "--compare-level", "3").stdout


def test_baseline_commands(rasoat: Run, tmp_path: Path) -> None:
    assert json.loads(rasoat("baseline", "list", "--format", "json").stdout)[0]["id"] == "tcvn_11930_2017"
    shown = rasoat("baseline", "show", PACK, "--level", "2").stdout
    assert "tries = {2: 6}" in shown
    assert "6.1 Access" in shown
    table = json.loads(rasoat("baseline", "coverage", PACK, "--format", "json").stdout)["coverage"]
    assert table["1"] == {"automated": 1, "partial": 1, "manual": 1, "not_yet": 0}
    assert rasoat("baseline", "check", PACK).returncode == 0


def test_baseline_check_tells_every_mistake_as_file_and_line(rasoat: Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(PACK, tmp_path / "pack")
    checks = tmp_path / "pack" / "checks" / "all.yaml"
    checks.write_text(
        checks.read_text("utf-8").replace("op: at_most", "op: below").replace("field: synchronised", "field: sync"), "utf-8"
    )
    done = rasoat("baseline", "check", tmp_path / "pack")
    assert done.returncode == 2
    assert len(re.findall(r"^checks/all\.yaml:\d+: ", done.stderr, re.M)) >= 2
    assert "below" in done.stderr
    assert "'sync'" in done.stderr
    assert rasoat("scan", "--baseline", tmp_path / "pack").returncode == 2


def test_an_inventory_is_checked_imported_and_scanned(rasoat: Run, tmp_path: Path) -> None:
    listed = tmp_path / "targets.yaml"
    (tmp_path / "image" / "etc").mkdir(parents=True)
    (tmp_path / "image" / "etc" / "os-release").write_text('ID=debian\nPRETTY_NAME="Debian 12"\nVERSION_ID="12"\n')
    listed.write_text(
        "targets:\n  - {name: here, via: local, labels: [mine]}\n  - {name: image, via: root, address: image}\n  - {name: gone, via: root, address: gone}\n"
    )
    assert rasoat("inventory", "check", listed).returncode == 0
    done = rasoat("scan", "--inventory", listed, "--baseline", PACK, "--format", "json")
    machines = json.loads(done.stdout)["machines"]
    assert [machine["target"]["name"] for machine in machines] == ["here", "image", "gone"]
    assert {result["verdict"] for result in machines[2]["results"] if result["check"]} == {"unknown"}
    table = rasoat("scan", "--inventory", listed, "--baseline", PACK).stdout
    assert "not reached" in table.splitlines()[-1]
    only = rasoat("scan", "--inventory", listed, "--baseline", PACK, "--format", "json", "--only", "mine")
    assert [machine["target"]["name"] for machine in json.loads(only.stdout)["machines"]] == ["here"]
    assert rasoat("scan", "--inventory", listed, "--baseline", PACK, "--only", "typo").returncode == 2
    listed.write_text("targets:\n  - {nam: here}\n  - {name: x, via: teleport}\n")
    done = rasoat("inventory", "check", listed)
    assert done.returncode == 2
    assert f"{listed}:2:" in done.stderr
    assert f"{listed}:3:" in done.stderr
    table_file = tmp_path / "t.csv"
    table_file.write_text("name,address,via\nlocalbox,,local\n")
    done = rasoat("inventory", "import", "csv", table_file, "--output", tmp_path / "made.yaml")
    assert done.returncode == 0, done.stderr
    assert rasoat("inventory", "check", tmp_path / "made.yaml").returncode == 0


def test_a_case_recorded_here_replays_to_the_same_fact(rasoat: Run, tmp_path: Path) -> None:
    done = rasoat("case", "record", "identity", "debian12--this-one", "--folder", tmp_path / "cases", "--note", "made by a test")
    assert done.returncode == 0, done.stderr
    from collectors.facts.identity import linux
    from collectors.transports.replay import ReplayShell
    from collectors.transports.witness import Witness

    folder = tmp_path / "cases" / "identity" / "debian12--this-one"
    replayed = linux(Witness(ReplayShell.load(folder / "transcript.yaml"))).model_dump(mode="json")
    assert replayed == json.loads(done.stdout)
    assert "made by a test" in (folder / "transcript.yaml").read_text()
    assert rasoat("case", "record", "identity", "debian12--this-one", "--folder", tmp_path / "cases").returncode == 2
