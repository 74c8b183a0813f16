"""Recorded cases with their answers cut off or replaced: what a bad line or a dying host makes of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from collectors.transports.base import TIMEOUT, Answer
from collectors.transports.replay import NotRecorded, ReplayShell

CASES = Path(__file__).parent / "cases"

NOISE = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="{}()[]\"';,.:=*@&$#-+ \n\tabf019/\\", max_size=200),
    st.sampled_from(["", "\n", "\x00", "�" * 20, "không có quyền\n", "0" * 5000, "-" * 80 + "\n", "(" * 3000, '"']),
)


class Elsewhere(ReplayShell):
    """A recording that answers "not there" to the questions only a garbled answer leads to."""

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        try:
            return super().run(*argv, root=root, timeout=timeout)
        except NotRecorded:
            return Answer(argv, 127, "", f"{argv[0]}: not found")

    def _look(self, table: str, key: str) -> Any:
        try:
            return super()._look(table, key)
        except NotRecorded:
            return None if table in ("read", "stat", "link") else []


def transcripts(fact: str) -> list[dict[str, Any]]:
    """Every transcript of a fact that a POSIX host gave."""
    paths = sorted(path for path in (CASES / fact).glob("*/transcript.yaml") if not path.parent.name.startswith("windows"))
    return [yaml.safe_load(path.read_text("utf-8")) for path in paths]


def changed(transcript: dict[str, Any], which: int, change: Callable[[str], str]) -> Elsewhere:
    """The recording with the text of one answer (the `which`-th, counted round) changed."""
    garbled = copy.deepcopy(transcript)
    texts: list[tuple[dict[str, Any], str]] = [(run, "out") for run in garbled["run"] if "out" in run]
    texts += [
        (garbled["read"], path)
        for path, text in garbled.get("read", {}).items()
        if isinstance(text, str) and not path.startswith("/proc/")
    ]
    if texts:
        table, key = texts[which % len(texts)]
        table[key] = change(table[key])
    return Elsewhere(garbled)
