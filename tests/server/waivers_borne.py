"""Machines of the tests that fail, who asks for waivers and who agrees, and what is counted of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from server.findings import tally
from server.findings.models import Rule, Standing
from server.ingest.models import Machine
from server.units.models import Unit
from server.waivers import overlay
from tests.server.people import send
from tests.server.waivers import CHECK, REQUIREMENT

TODAY = timezone.localdate
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def asker(person):
    return person("người-đề-nghị", "root", "admin")


@pytest.fixture
def second(person):
    return person("người-duyệt", "root", "approver")


@pytest.fixture
def machines(client: Client, another) -> list[Machine]:
    """may-1 and may-2 in the north, may-3 in the south; each fails one check and cannot be looked at for another."""
    for name, unit in (("may-1", "north"), ("may-2", "north"), ("may-3", "south")):
        host = another(name, unit)
        assert send(client, host.seal(host.snapshot())).status_code == 201
    tally.fold_all()
    return list(Machine.objects.order_by("name"))


def rule() -> int:
    return Rule.objects.get(requirement=REQUIREMENT, check_id=CHECK).pk


def accepted(*parts: Unit, **how) -> int:
    return overlay.by_rule([unit.path for unit in parts], **how)[rule()]


def noon(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(12)))


def verdicts() -> list[tuple[int, int, int]]:
    return sorted(Standing.objects.values_list("machine_id", "rule_id", "verdict"))
