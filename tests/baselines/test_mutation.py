"""The examples of the checks notice when a rule goes wrong: at least 95 of 100 mutants come out otherwise in one of them."""

from __future__ import annotations

from typing import Any

from baselines.evaluate import try_example
from baselines.loader import _Loading, builtin, load
from baselines.model import Check, Example
from tests.baselines.mutants import mutants
from tests.baselines.toy import CHECKS

WANTED = 0.95


def every_check() -> list[Check]:
    """All checks there are, those no pack names included."""
    files = load(builtin()[0]).files
    loading = _Loading(files)
    items: list[Any] = [
        item for name, text in files.items() if name.startswith("checks/") for item in loading.parsed(name, text) or []
    ]
    return [Check.model_validate(item) for item in items]


def moved(example: Example, steps: dict[str, int]) -> Example:
    params = {
        name: value + steps[name] if name in steps and isinstance(value, int) else value for name, value in example.params.items()
    }
    return example.model_copy(update={"params": params})


def survivors(check: Check) -> tuple[int, list[str]]:
    """(how many mutants, which of them no example noticed)."""
    count, alive = 0, []
    for what, mutant, steps in mutants(check):
        count += 1
        if all(try_example(mutant, moved(example, steps))[0] == example.verdict for example in check.examples):
            alive.append(f"{check.id}: {what}")
    return count, alive


def test_examples_kill_the_mutants_of_the_checks() -> None:
    found = [survivors(check) for check in every_check()]
    total, alive = sum(count for count, _ in found), [line for _, lines in found for line in lines]
    assert total > 1000
    assert 1 - len(alive) / total >= WANTED, f"{len(alive)} of {total} survive:\n" + "\n".join(alive)


def test_a_check_whose_examples_lie_far_from_its_threshold_leaves_a_mutant_alive() -> None:
    """The test of the test: it notices poor examples."""
    item = _Loading({"toy": CHECKS}).parsed("toy", CHECKS)[0]
    good = Check.model_validate(item)
    assert survivors(good)[1] == ["accounts.lockout: assert: at_most by +1"]
    near = {"verdict": "fail", "params": {"max_failed_logins": 5}, "seen": {"password_policy": {"failed_logins_before_lock": 6}}}
    assert survivors(Check.model_validate(item | {"examples": [*item["examples"], near]}))[1] == []
