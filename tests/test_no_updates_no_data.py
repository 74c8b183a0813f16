"""The eight ways in which a package manager says "no updates" and means "no data": each ends as unknown, with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baselines.evaluate import try_example
from baselines.loader import load
from baselines.model import Example

CASES = Path(__file__).parent / "cases/updates"
CHECK = load("tcvn_11930_2017").checks["updates.security_pending"]


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("debian12--no-lists", "no package lists"),
        ("debian12--no-security-source", "no list of a security pocket"),
        ("debian11--frozen-pocket-of-a-dead-release", None),
        ("rocky9--nothing-ever-fetched", "nothing was ever fetched"),
        ("rocky9--no-repository-enabled", "no package repository is enabled"),
        ("rocky9--repository-without-advisories", "come without advisories"),
        ("sles15--not-registered-no-repository", "no package repository is enabled"),
        ("amazon2023--held-at-its-release", "holds its repositories at the installed release"),
    ],
)
def test_no_data_is_unknown_and_says_why(case: str, reason: str | None) -> None:
    """The pocket of a dead release can be read and holds nothing: there the date of the list and the end of support tell."""
    fact = json.loads((CASES / case / "expected.json").read_text("utf-8"))
    told = {entry["field"]: entry["reason"] for entry in fact.pop("unseen")}
    if reason is None:
        fact["security_count"] = 0  # the last of its fixes installed
    example = Example.model_validate({"verdict": "unknown", "params": {"max_list_age_days": 7}, "seen": {"updates": fact}})
    assert try_example(CHECK, example)[0] == "unknown"
    if reason is None:
        assert fact["support_ends"] < "2026-11-22"
    else:
        assert fact["security_count"] is None
        assert reason in told["security_count"]
