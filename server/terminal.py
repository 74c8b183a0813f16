"""How the commands of the collector speak: results on stdout, what is wrong on stderr."""

from __future__ import annotations

import sys

OK, FAILED, USAGE = 0, 1, 2
MOST = 50
"""Mistakes that are shown; of the others only how many there are."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def wrong(*problems: object) -> int:
    """The exit code for it."""
    for problem in problems[:MOST]:
        sys.stderr.write(f"rasoat: {problem}\n")
    if len(problems) > MOST:
        sys.stderr.write(f"rasoat: +{len(problems) - MOST}\n")
    return USAGE
