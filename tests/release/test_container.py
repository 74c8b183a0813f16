"""deploy/Containerfile as text: what it takes, as whom it runs, when it is healthy. No container engine is needed to read it."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from pathlib import Path

import pytest

from scripts.release import source

FOLDER = source.ROOT / "deploy"
LINES = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", (FOLDER / "Containerfile").read_text("utf-8"), flags=re.M)).splitlines()
STEPS = [(word, rest.strip()) for line in LINES if line.strip() for word, _, rest in [line.partition(" ")]]


def said(word: str) -> list[str]:
    return [rest for name, rest in STEPS if name == word]


def test_both_stages_stand_on_the_same_base_which_a_release_names_by_digest() -> None:
    assert STEPS[0][0] == "ARG"
    assert said("FROM") == ["${BASE} AS build", "${BASE}"]


def test_it_takes_the_released_wheel_with_pinned_packages_and_nothing_else() -> None:
    copied = said("COPY")
    assert copied == ["constraints.txt dist/rasoat-*-py3-none-any.whl /src/", "--from=build /opt/rasoat /opt/rasoat"]
    assert said("ADD") == []
    (install,) = [step for step in said("RUN") if "pip install" in step]
    assert "--constraint /src/constraints.txt" in install
    assert "--only-binary :all:" in install
    assert not [step for step in said("RUN") if re.search(r"curl|wget|git ", step)]


@pytest.mark.parametrize("path", [".git", ".venv", ".demo", "build", "server", "secret.key", "dist/rasoat-agent"])
def test_nothing_else_of_the_tree_is_even_sent_to_the_engine(path: str) -> None:
    rules = [line for line in (FOLDER / "Containerfile.dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    allowed = [rule[1:] for rule in rules[1:]]
    assert not any(fnmatch.fnmatch(path, rule) for rule in allowed)
    assert any(fnmatch.fnmatch(f"dist/rasoat-{source.version()}-py3-none-any.whl", rule) for rule in allowed)


def test_it_runs_as_a_user_without_rights_and_holds_no_secret() -> None:
    final = [name for name, _ in STEPS[STEPS.index(("FROM", "${BASE}")) :]]
    assert final.index("USER") < final.index("ENTRYPOINT")
    assert said("USER") == ["rasoat"]
    assert not [line for line in said("ENV") + said("ARG") if re.search(r"key|secret|password|token", line, re.I)]


def test_it_is_healthy_while_it_is_ready() -> None:
    (check,) = said("HEALTHCHECK")
    words = json.loads(check.partition("CMD ")[2])
    compile(words[2], "HEALTHCHECK", "exec")
    assert words[0] == "/opt/rasoat/bin/python"
    assert "/readyz" in words[2]


def test_what_it_starts_is_a_command_that_is_there() -> None:
    from server.cli import _parser

    entry, command = (json.loads(said(word)[0]) for word in ("ENTRYPOINT", "CMD"))
    assert entry == ["/opt/rasoat/bin/rasoat"]
    assert _parser().parse_args(command[1:]).host == "0.0.0.0"


def test_its_data_folder_is_its_own(tmp_path: Path) -> None:
    (folder,) = said("VOLUME")
    (made,) = [step for step in said("RUN") if "useradd" in step]
    assert ["install", "-d", "-m", "700", "-o", "rasoat", "-g", "rasoat", folder] == shlex.split(made.rpartition("&&")[2])
    assert f"--home-dir {folder}" in made
