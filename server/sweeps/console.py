"""`rasoat server sweep ...`: the numbers of lists and letters, for scripts."""

from __future__ import annotations

import argparse
import json
from typing import Any

from server.ingest.models import Machine
from server.sweeps import state
from server.sweeps.codes import CANNOT_TELL, OPEN, SEEN, STATE_TITLES, VERDICTS
from server.sweeps.models import Letter, Sheet
from server.terminal import FAILED, OK, USAGE, say
from server.units.console import named


def lists(options: argparse.Namespace) -> int:
    """Exit code 1: an indicator was seen somewhere."""
    unit = named(options.unit)
    if unit is None:
        return USAGE
    machines = Machine.objects.filter(unit__path__under=unit.path)
    kept = list(Sheet.objects.all())
    counted = state.numbers(machines, kept)
    found = [(one, counted[one.pk]) for one in kept]
    _tell(options, found, VERDICTS)
    return FAILED if any(numbers[SEEN] for _one, numbers in found) else OK


def letters(options: argparse.Namespace) -> int:
    """Exit code 1: one is open somewhere, or cannot be told."""
    unit = named(options.unit)
    if unit is None:
        return USAGE
    machines = Machine.objects.filter(unit__path__under=unit.path)
    kept = list(Letter.objects.all())
    stands = state.letter_numbers(machines, kept)
    found = [(one, stands[one.pk]) for one in kept]
    _tell(options, found, STATE_TITLES)
    return FAILED if any(numbers[OPEN] or numbers[CANNOT_TELL] for _one, numbers in found) else OK


def _tell(options: argparse.Namespace, found: list[tuple[Any, dict[str, int]]], titles: dict[str, Any]) -> None:
    if options.format == "json":
        rows = [
            {"number": one.number, "dated": one.dated.isoformat(), "issuer": one.issuer, **numbers} for one, numbers in found
        ]  # fmt: skip
        say(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for one, numbers in found:
        counted = "  ".join(f"{title}: {numbers[word]}" for word, title in titles.items())
        say(f"{one.number}  {one.dated.isoformat()}  {counted}")
