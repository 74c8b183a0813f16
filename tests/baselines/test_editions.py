"""What an edition needs that numbers its requirements and whose levels are lists of their own."""

from __future__ import annotations

import pytest

from baselines.evaluate import evaluate
from baselines.loader import BaselineError, load_texts
from tests.baselines.toy import GROUPS, STANDARD, snapshot, texts

CHAPTERS = STANDARD + 'chapters: {2: "6", 3: "7"}\n'
OWN = GROUPS.replace(
    "    checks: [accounts.lockout]", "    checks: [accounts.lockout]\n    clauses: {2: 6.2.2.1 a, 3: 7.2.2.1 b}"
)
SOME = GROUPS.replace("    checks: [accounts.lockout]", "    checks: [accounts.lockout]\n    only_at: {accounts.lockout: [3]}")


def mistakes(groups: str) -> str:
    with pytest.raises(BaselineError) as refused:
        load_texts(texts(standard=CHAPTERS, groups=groups))
    return str(refused.value)


def test_a_requirements_own_clause_is_cited_before_its_groups() -> None:
    plain, own = load_texts(texts()), load_texts(texts(standard=CHAPTERS, groups=OWN))
    assert [plain.clause("servers.authentication.lockout", level) for level in (2, 3)] == ["6.2.2.1", "7.2.2.1"]
    assert [own.clause("servers.authentication.lockout", level) for level in (2, 3)] == ["6.2.2.1 a", "7.2.2.1 b"]
    assert evaluate(snapshot(), own, 3).results[0].clause == "7.2.2.1 b"


def test_a_check_is_asked_only_at_the_levels_that_ask_for_it() -> None:
    """Where no check is left a person decides, though the requirement is automated elsewhere: nothing was looked at."""
    some = load_texts(texts(groups=SOME))
    seen = snapshot(password_policy={"failed_logins_before_lock": "unlimited", "unseen": []})
    below, above = evaluate(seen, some, 2).results[0], evaluate(seen, some, 3).results[0]
    assert (below.check, below.verdict) == (None, "manual")
    assert (above.check, above.verdict) == ("accounts.lockout", "fail")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (OWN.replace(", 3: 7.2.2.1 b", ""), "clauses of its own are given for each of its levels, and no other"),
        (OWN.replace("7.2.2.1 b", "8.2.2.1 b"), "the standard has no clause '8.2.2.1 b' at level 3: there they begin with 7."),
        (SOME.replace("[3]}", "[4]}"), "accounts.lockout is one of its checks, asked at some of its levels"),
        (SOME.replace("[3]}", "[2, 3]}"), "accounts.lockout is one of its checks, asked at some of its levels"),
        (SOME.replace("{accounts.lockout: [3]}", "{accounts.lokout: [3]}"), "accounts.lokout is one of its checks"),
    ],
)
def test_what_does_not_fit_is_named(groups: str, message: str) -> None:
    assert message in mistakes(groups)
