"""docs/writing-checks.md works as it is written: its commands are run in order, its outputs are what comes out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from baselines.comparisons import OPERATORS
from baselines.compiler import QUANTIFIERS
from tests.agent.conftest import ROOT, environment

PAGE = ROOT / "docs" / "writing-checks.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """PATH on which `rasoat` is this source."""
    program = tmp_path / "bin" / "rasoat"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m agent "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{environment()['PATH']}"


def test_the_page_works_as_it_stands(tmp_path: Path, path: str) -> None:
    said, compared = "", 0
    for language, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if language == "text":
            assert said == text
            compared += 1
            continue
        done = subprocess.run(
            ["sh"], input=text, env=environment(PATH=path), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        if "cat >" in text or "baseline schema" in text:
            assert (done.returncode, said) == (0, "")
        if "rasoat scan" in text:
            assert "unit.clock_distance" in (tmp_path / "seen.json").read_text("utf-8")
    assert compared == 3


def test_every_word_of_the_language_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert not [word for word in (*OPERATORS, *QUANTIFIERS) if f"`{word}`" not in page]
