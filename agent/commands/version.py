"""`rasoat version`"""

from __future__ import annotations

import argparse


def options(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(options: argparse.Namespace) -> int:
    from collectors import VERSION

    print(f"rasoat {VERSION}")
    return 0
