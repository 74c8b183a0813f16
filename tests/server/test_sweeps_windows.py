"""Sweeps over the activity of Windows machines: from what the machine answered to what may be said of a list."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.facts.activity import Activity
from collectors.transports.replay import ReplayShell
from collectors.windows.activity import activity
from server.sweeps import codes
from server.sweeps.book import Book, Entry
from server.sweeps.traces import Traces, hits, read
from tests.server.sweeping import record

CASE = Path(__file__).parents[1] / "cases" / "activity" / "windows10--miner-in-a-task-and-changed-hosts" / "transcript.yaml"
WHOLE = yaml.safe_load(CASE.read_text("utf-8"))["sections"]
EVERYBODY = {"startup_keys": {"rows": [], "people": 1, "people_seen": 1}}
"""Nobody's keys are left out."""


def fact(**changed: Any) -> Activity:
    sections = copy.deepcopy(WHOLE)
    for name, answer in {**EVERYBODY, **changed}.items():
        sections[name] = answer if answer is None or "state" in answer else {"state": "ok", "value": answer, "error": None}
    return activity(ReplayShell({"system": "windows", "sections": sections}))


def traces(**changed: Any) -> Traces:
    return read([record(fact(**changed)).model_dump(mode="json")])


def shown(found: Traces, kind: str, value: str) -> set[tuple[str, bool]]:
    book = Book()
    book.add(Entry(1, kind, value))
    return {(hit.source, hit.found.exact) for hit in hits(found, book)}


@pytest.mark.parametrize(
    ("kind", "value", "sources"),
    [
        ("ip", "203.0.113.77", {("connections", True), ("startup", True)}),
        ("ip", "203.0.113.53", {("dns-servers", True)}),
        ("ip", "198.51.100.53", {("dns-servers", True)}),
        ("ip", "203.0.113.80", {("hosts-file", True)}),
        ("domain", "bad.example", {("dns-cache", True)}),
        ("domain", "update.antivirus.example", {("hosts-file", True)}),
        ("domain", "quang-cao.example", set()),
        ("process", "XMRig.exe", {("processes", True), ("startup", True)}),
        ("process", "xmrig", {("processes", False), ("startup", False)}),
        ("process", "rig.exe", set()),
    ],
)
def test_what_windows_tells_is_looked_through(kind: str, value: str, sources: set[tuple[str, bool]]) -> None:
    assert shown(traces(), kind, value) == sources


def test_where_everything_was_looked_at_the_rest_is_not_seen() -> None:
    found = traces()
    assert set(found.looked) == {"connections", "dns-servers", "dns-cache", "hosts-file", "startup", "processes"}
    assert found.knows("domain")
    assert found.knows("process")


DENIED = {"state": "denied", "value": None, "error": "x"}


@pytest.mark.parametrize(
    ("section", "answer", "kinds"),
    [
        ("dns_cache", DENIED, {"domain"}),
        ("dns_cache", {"state": "error", "value": None, "error": "timeout: x"}, {"domain"}),
        ("services", DENIED, {"domain", "process"}),  # also where automatic services are told from
        ("hosts_file", DENIED, {"domain"}),
        ("images", DENIED, {"process"}),
        ("startup_tasks", DENIED, {"domain", "process"}),
        ("startup_services", DENIED, {"domain", "process"}),
        ("startup_keys", {"rows": [], "people": 3, "people_seen": 2}, {"domain", "process"}),
        ("startup_folders", {"rows": [{"place": "x", "named": False, "programs": [], "hosts": []}]}, {"domain", "process"}),
    ],
)
def test_what_was_not_looked_at_is_not_known(section: str, answer: Any, kinds: set[str]) -> None:
    found = traces(**{section: answer})
    assert {kind for kind in ("domain", "process") if not found.knows(kind)} == kinds
    assert all(found.missing[source] for kind in kinds for source in codes.LOOKED_IN[kind] if source not in found.looked)


def test_what_is_seen_is_seen_where_other_places_were_not_looked_at() -> None:
    assert shown(traces(startup_keys=DENIED), "process", "xmrig.exe") == {("processes", True), ("startup", True)}


@pytest.mark.parametrize("name", ["vmmemWSL", "vmmem", "CExecSvc.exe", "containerd-shim-runhcs-v1.exe"])
def test_what_runs_behind_a_network_of_its_own_is_not_seen_from_outside(name: str) -> None:
    found = traces(images={"rows": [{"ProcessId": 4, "Name": "System"}, {"ProcessId": 9, "Name": name}]})
    assert found.missing["connections"] == codes.CONTAINERS
    assert "connections" not in found.looked
