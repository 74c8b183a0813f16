"""The tables of `rasoat server export`: as the API gives them, for all of a unit at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from collectors.facts.software import Software
from server.coverage import numbers
from server.exports.seen import SLICE, each, under
from server.findings.codes import SEVERITY_WORDS, UNKNOWN, WORDS
from server.findings.models import Rule, Standing
from server.units.models import Unit

Rows = Iterator[dict[str, Any]]


def assets(unit: Unit) -> Rows:
    after = 0
    rows = under(unit).select_related("unit", "latest__assessment").defer("latest__sealed", "latest__assessment__packed")
    while part := list(rows.filter(pk__gt=after).order_by("pk")[:SLICE]):
        for one in part:
            judged = getattr(one.latest, "assessment", None)
            yield {
                "id": one.pk, "name": one.name, "kind": one.kind, "unit_code": one.unit.code, "unit_name": one.unit.name,
                "hostname": one.hostname, "os_name": one.os_name, "serial": one.serial, "enrolled_at": one.created_at,
                "reported_at": one.latest.orders_at if one.latest else None,
                **{name: getattr(judged, name, None) for name in ("level", "fail", "unknown", "passed")},
            }  # fmt: skip
        after = part[-1].pk


def findings(unit: Unit) -> Rows:
    """What fails and what nobody could answer; what passes is left to the API and the views."""
    rules = Rule.objects.in_bulk()
    machines = list(under(unit).order_by("pk").values_list("pk", "name", "unit__code", "unit__name"))
    for start in range(0, len(machines), SLICE):
        part = {pk: rest for pk, *rest in machines[start : start + SLICE]}
        held = (
            Standing.objects.filter(machine__in=part, verdict__lte=UNKNOWN).exclude(verdict=0).order_by("machine_id", "rule_id")
        )
        for one in list(held):
            rule, (name, code, unit_name) = rules[one.rule_id], part[one.machine_id]
            yield {
                "id": one.machine_id, "name": name, "unit_code": code, "unit_name": unit_name, "baseline": rule.baseline,
                "requirement": rule.requirement, "check": rule.check_id, "severity": SEVERITY_WORDS.get(rule.severity, ""),
                "verdict": WORDS[one.verdict], "since": one.since, "failing_since": one.failing_since,
            }  # fmt: skip


def coverage(unit: Unit) -> Rows:
    """The unit with everything below it, and each unit right below it."""
    total, branches = numbers.branches(None, unit, timezone.now())
    for one, counted in [(unit, total), *((branch.unit, branch.numbers) for branch in branches)]:
        yield {"unit_code": one.code, "unit_name": one.name, **vars(counted)}


def software(unit: Unit) -> Rows:
    """A line for each package of each machine. One of which packages were not seen has a line that says so, and no package."""
    for seen in each(under(unit)):
        machine = seen.machine
        about = {"id": machine.pk, "name": machine.name, "unit_code": machine.unit.code, "unit_name": machine.unit.name}
        told = seen.snapshot.told(Software) if seen.snapshot else None
        none = dict.fromkeys(("package", "version", "arch", "origin", "installed"), None)
        if told is None or told.packages is None:
            yield {**about, **none, "not_seen": seen.why or "the packages were not seen"}
            continue
        for one in told.packages:
            found = {
                "package": one.name,
                "version": one.version,
                "arch": one.arch,
                "origin": one.origin,
                "installed": one.installed,
            }
            yield {**about, **found, "not_seen": ""}


TABLES = {"assets": assets, "findings": findings, "coverage": coverage, "software": software}
HEADINGS = {
    "assets": "id name kind unit_code unit_name hostname os_name serial enrolled_at reported_at level fail unknown passed",
    "findings": "id name unit_code unit_name baseline requirement check severity verdict since failing_since",
    "coverage": "unit_code unit_name expected seen fresh judged excused",
    "software": "id name unit_code unit_name package version arch origin installed not_seen",
}
