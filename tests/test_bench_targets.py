"""The targets of speed, size and memory: each has its place in a result, or is told as not measured; no bench is left out."""

from __future__ import annotations

import ast
import fcntl
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "bench"
sys.path.insert(0, str(ROOT))

from bench import __main__ as command  # noqa: E402
from bench import targets as book  # noqa: E402
from scripts import benchmarks_page  # noqa: E402

TOLD = book.read()
FOUND = book.results(TOLD)
SCAN = {"day": "2026-11-30", "versions": {"rasoat": "1", "lynis": "3"}, "lynis": {"wall_s": 62.0}, "rasoat": {"wall_s": 2.0}}


def target(**said: Any) -> book.Target:
    about = {
        "id": "x",
        "issues": (2,),
        "what": {"vi": "x", "en": "x"},
        "at_most": 4,
        "unit": "×",
        "script": "host_scan",
        "path": ("a",),
    }
    return book.Target.model_validate(about | said)


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOLD.scripts)
def test_every_command_is_there(name: str) -> None:
    words = TOLD.scripts[name].command
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file()
    else:
        module = (ROOT / words[1].replace(".", "/") / "__main__.py").read_text("utf-8")
        assert all(f'"{word}"' in module for word in words[2:3])


def test_every_bench_is_named() -> None:
    """One that somebody adds is run by the one command, or the file says what it is."""
    run = {word for script in TOLD.scripts.values() for word in script.command}
    files = {path.stem for path in BENCH.glob("*.py") if f"bench/{path.name}" not in run}
    packages = {path.parent.name for path in BENCH.glob("*/__init__.py") if f"bench.{path.parent.name}" not in run}
    assert files | packages <= set(TOLD.parts)


@pytest.mark.parametrize("one", TOLD.targets, ids=lambda one: one.id)
def test_the_place_of_a_value_is_in_the_result(one: book.Target) -> None:
    """A path with a slip of the pen would be "not measured" for ever. What a result of today lacks, only a missing peer explains."""
    now = book.standing(one, FOUND)
    if now.value is None and now.result is not None and book.of_today(now.result):
        assert one.peer
        assert one.peer not in now.result["versions"]
    if now.value is not None and one.cpu:
        assert now.cpu is not None


@pytest.mark.parametrize("one", [one for one in TOLD.targets if one.script], ids=lambda one: one.id)
def test_the_script_writes_such_keys(one: book.Target) -> None:
    """Also where nothing was measured yet: the words of the path stand in the code that writes the result."""
    said = TOLD.scripts[str(one.script)]
    module = ROOT / said.command[1].replace(".", "/") if said.command[0] == "-m" else None
    files = [*module.glob("*.py")] if module else [ROOT / said.command[0]]
    code = " ".join(path.read_text("utf-8") for path in [*files, BENCH / "measure.py"])
    for path in (one.path, one.over, one.plus, one.cpu):
        for word in path:
            if not re.fullmatch(r"\*|\d+|.*: ratio", word):
                assert re.search(rf"\b{re.escape(word)}\b", code), word


def test_ids_are_unique_and_twice_is_refused() -> None:
    raw = yaml.safe_load(book.FILE.read_text("utf-8"))
    raw["targets"].append(raw["targets"][0])
    with pytest.raises(ValueError, match=f"twice: {re.escape(raw['targets'][0]['id'])}"):
        book.Targets.model_validate(raw)


def test_a_script_without_a_target_says_why() -> None:
    raw = yaml.safe_load(book.FILE.read_text("utf-8"))
    raw["scripts"]["wire"].pop("without_target")
    with pytest.raises(ValueError, match="wire: has a target, or says why"):
        book.Targets.model_validate(raw)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"at_least": 3}, "one of at_least"),
        ({"at_most": None}, "one of at_least"),
        ({"script": None}, "a script and a path, or neither"),
        ({"stored": "furlongs"}, "nothing turns furlongs into"),
        ({"path": ("a", "*")}, "which of several"),
        ({"limit": 3}, "limit"),
    ],
)
def test_a_bad_row_is_refused(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        target(**said)


# -- what is said of a target --------------------------------------------------------------------------------------------


def test_a_ratio_is_held_against_its_target() -> None:
    one = target(at_most=None, at_least=30, path=("lynis", "wall_s"), over=("rasoat", "wall_s"), peer="lynis")
    now = book.standing(one, {"host_scan": SCAN})
    assert (now.value, now.state, now.shown, now.of_target, now.peer) == (31.0, "met", "31×", "1.03", "lynis 3")
    assert book.standing(one, {"host_scan": SCAN | {"rasoat": {"wall_s": 2.1}}}).state == "MISSED"


@pytest.mark.parametrize(
    ("limit", "value", "state"),
    [
        ({"at_most": 4}, 4, "met"),
        ({"at_most": 4}, 4.001, "MISSED"),
        ({"at_most": None, "under": 4}, 4, "MISSED"),
        ({"at_most": None, "under": 4}, 3.9, "met"),
        ({"at_most": None, "at_least": 4}, 4, "met"),
        ({"at_most": None, "at_least": 4}, 3.999, "MISSED"),
        ({"at_most": None, "exactly": 0}, 0, "met"),
        ({"at_most": None, "exactly": 0}, 1, "MISSED"),
    ],
)
def test_limits(limit: dict[str, Any], value: float, state: str) -> None:
    assert book.standing(target(**limit), {"host_scan": {"a": value}}).state == state


def test_a_miss_by_a_hair_is_seen() -> None:
    assert book.standing(target(), {"host_scan": {"a": 4.001}}).shown == "4.001×"


def test_megabytes_are_a_million_bytes() -> None:
    one = target(unit="MB", stored="MiB", at_most=300)
    assert book.standing(one, {"host_scan": {"a": 290}}).state == "MISSED"


def test_the_worst_of_several_counts_and_an_unknown_one_makes_it_unknown() -> None:
    one = target(path=("a", "*", "*"), pick="max")
    assert one.measured({"a": {"x": {"p": 1, "q": 3}, "y": {"p": 2}}}) == 3
    assert one.measured({"a": {"x": {"p": 1, "q": None}, "y": {"p": 2}}}) is None
    assert one.measured({"a": {}}) is None


@pytest.mark.parametrize("over", [0, None, "2", True])
def test_nothing_is_divided_by_what_is_not_known(over: Any) -> None:
    assert target(over=("b",)).measured({"a": 4, "b": over}) is None


def test_what_is_not_there_is_not_nought() -> None:
    assert book.standing(target(), {}).state == "not measured"
    assert book.standing(target(), {"host_scan": {"b": 1}}).state == "not measured again"
    assert book.standing(target(), {"host_scan": SCAN}).state == "not measured"
    assert book.standing(target(script=None, path=()), {"host_scan": SCAN}).shown == "–"


def test_a_kept_figure_does_not_stand_for_a_script_that_failed() -> None:
    now = book.standing(target(), {"host_scan": {"a": 1}}, frozenset({"host_scan"}))
    assert (now.value, now.state) == (None, "script failed")


# -- the command ---------------------------------------------------------------------------------------------------------


def scripts(**commands: str) -> book.Targets:
    return TOLD.model_copy(
        update={"scripts": {name: book.Script(command=("-c", code), minutes=1, quick=()) for name, code in commands.items()}}
    )


def test_one_that_fails_does_not_stop_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    told = scripts(first="raise SystemExit(3)", second="print('ran')")
    assert command.run(told, ["first", "second"], asked=False) == ["first"]
    out = capfd.readouterr().out
    assert "FAILED with 3" in out
    assert "\nran\n" in out


def test_small_figures_go_to_a_folder_of_their_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = f"import sys; sys.path.insert(0, {str(BENCH)!r}); import measure; measure.write('x', {{'a': 1}})"
    assert command.run(scripts(x=code), ["x"], asked=False, small=tmp_path) == []
    kept = json.loads((tmp_path / "x.json").read_text())
    assert kept["a"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept["day"])
    assert kept["versions"]["rasoat"]
    assert kept["machine"].keys() == {"cpu", "cores", "memory_mib", "system", "kernel", "python"}
    assert not (BENCH / "results/x.json").exists()


def test_no_result_is_kept_where_none_was_asked(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(BENCH)!r}); import measure; measure.write('x', {{'a': 1}}, keep=False)"
    assert command.run(scripts(x=code), ["x"], asked=False, small=tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_only_takes_targets_and_scripts_in_the_order_of_the_file() -> None:
    assert command.choose(TOLD, ["scan.peak", "startup", "scan.wall_lynis"]) == ["startup", "host_scan"]
    without = [one.model_copy(update={"script": None, "path": ()}) for one in TOLD.targets]
    assert command.choose(TOLD.model_copy(update={"targets": without}), ["agent.idle"]) == []
    with pytest.raises(KeyError, match="nonsense"):
        command.choose(TOLD, ["nonsense"])


def test_the_table_has_every_target_with_its_state() -> None:
    lines = list(command.table(command.shown(TOLD, TOLD.scripts, None)))
    assert [line.split()[0] for line in lines[1:-1]] == [one.id for one in TOLD.targets]
    assert all(re.search("met|MISSED|not measured", line) for line in lines[1:-1])


def test_a_second_one_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(book, "FILE", tmp_path / "targets.yaml")
    book.FILE.touch()
    with book.FILE.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert command.main(["--only", "startup", "--quick"]) == 1
    assert "another" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted({script.command[0] for script in TOLD.scripts.values()} - {"-m"}))
def test_every_bench_has_the_same_front(path: str) -> None:
    """main(argv), and the parser that knows --no-result."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    main = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    assert [arg.arg for arg in main.args.args] == ["argv"]
    calls = {node.func.id for node in ast.walk(main) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "arguments" in calls
    assert "no_result" in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_a_bench_says_what_it_is_and_takes() -> None:
    done = subprocess.run([sys.executable, str(BENCH / "startup.py"), "--help"], capture_output=True, text=True, check=True)
    assert "--no-result" in done.stdout


# -- the page ------------------------------------------------------------------------------------------------------------


def test_the_page_has_every_target_and_how_to_measure_it_again() -> None:
    lines = benchmarks_page.page().splitlines()
    for one in TOLD.targets:
        row = next(line for line in lines if line.startswith(f"| {one.id} |"))
        assert row.endswith(f"| `{benchmarks_page.command(TOLD.scripts[one.script])}` |" if one.script else "| no bench yet |")
        assert ("MISSED" in row) == (book.standing(one, FOUND).state == "MISSED")


@pytest.mark.parametrize("name", benchmarks_page.READMES)
def test_readmes_refer_to_the_page(name: str) -> None:
    text = benchmarks_page.readme(name)
    block = text[text.index(benchmarks_page.MARK) : text.index(benchmarks_page.END)]
    assert "docs/benchmarks.md" in block
    page = benchmarks_page.page()
    assert {number for line in block.splitlines() if line.startswith("|") for number in re.findall(r"\d[\d.]*", line)} <= set(
        re.findall(r"\d[\d.]*", page)
    )
