"""Findings that are worked on, for tests."""

from __future__ import annotations

from typing import Any

from server.assignments.changing import Wish, comment, take
from server.assignments.models import Assignment
from server.findings.codes import FAIL
from server.findings.models import Rule, Standing
from server.ingest.models import Machine
from server.units.models import Unit, User
from tests.server.waivers import CHECK, REQUIREMENT


def rule() -> Rule:
    """What every machine of the tests fails at level 2 of the mini pack."""
    return Rule.objects.get(requirement=REQUIREMENT, check_id=CHECK)


def failing(machine: Machine, unit: Unit, owner: User | None, said: str) -> Assignment:
    """Something that machine fails, given to somebody, with a comment."""
    number = Standing.objects.filter(machine=machine, verdict=FAIL).order_by("rule_id").values_list("rule_id", flat=True)[0]
    by = owner or User(username=f"giao-{said}")
    [made] = take(unit, Rule.objects.get(pk=number), [machine], Wish(owner, None), by).new
    comment(made, said, by)
    return made


def taken(machine: Machine, by: User, **wish: Any) -> Assignment:
    """The machine's root log-on, taken up by somebody."""
    found = take(machine.unit, rule(), [machine], Wish(**{"owner": by, "due": None} | wish), by)
    return (found.new or found.known)[0]
