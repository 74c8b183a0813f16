from __future__ import annotations

import pytest
from hypothesis import settings

# how long an example takes says nothing on a machine that others use too
settings.register_profile("untimed", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write expected files anew, for review")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("untimed")
