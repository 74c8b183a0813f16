"""Build step: compile every locale/*/LC_MESSAGES/*.po beside its source, so that an install always speaks both languages, and make the packs ready."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""Written into each catalog: it would be the minute of the build, and no wheel would be that of the next minute. The first day of a ZIP."""


def compile_all(root: Path) -> list[Path]:
    """The .mo files written."""
    written = []
    for po in sorted(root.glob("*/locale/*/LC_MESSAGES/*.po")):
        with po.open("rb") as source:
            catalog = read_po(source)
        catalog.creation_date = NO_TIME
        target = po.with_suffix(".mo")
        with target.open("wb") as out:
            write_mo(out, catalog)
        written.append(target)
    return written


def make_ready(root: Path) -> list[Path]:
    """The packs read and related once, for every start of the program to come."""
    sys.path.insert(0, str(root))
    from baselines import ready

    return ready.make()


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        compile_all(Path(self.root))
        make_ready(Path(self.root))


if __name__ == "__main__":
    compile_all(Path(__file__).resolve().parents[1])
    make_ready(Path(__file__).resolve().parents[1])
