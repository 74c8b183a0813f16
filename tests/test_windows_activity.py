"""The activity fact of Windows: what recorded cases cannot say."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.facts.activity import Activity
from collectors.transports.replay import ReplayShell
from collectors.windows.activity import activity

CASE = Path(__file__).parent / "cases" / "activity" / "windows10--miner-in-a-task-and-changed-hosts" / "transcript.yaml"
WHOLE = yaml.safe_load(CASE.read_text("utf-8"))["sections"]
SECRET = "mat-khau-bi-mat"


def told(**changed: Any) -> Activity:
    """The fact, with other answers of some sections."""
    sections = copy.deepcopy(WHOLE)
    for name, answer in changed.items():
        sections[name] = answer if "state" in answer else {"state": "ok", "value": answer, "error": None}
    return activity(ReplayShell({"system": "windows", "sections": sections}))


def why(fact: Activity, field: str) -> str:
    return next(f"{one.outcome}: {one.reason}" for one in fact.unseen if one.field == field)


RESTS_ON = {
    "images": {"processes"},
    "connections": {"connections"},
    "dns_servers": {"dns_servers"},
    "dns_rules": {"dns_servers"},
    "dns_cache": {"dns_cache"},
    "hosts_file": {"hosts", "dns_cache"},
    "services": {"dns_cache"},
}


@pytest.mark.parametrize("state", ["denied", "absent", "error"])
@pytest.mark.parametrize("section", RESTS_ON)
def test_what_could_not_be_looked_at_is_none_with_its_reason(section: str, state: str) -> None:
    whole, fact = told(), told(**{section: {"state": state, "value": None, "error": "x"}})
    gone = {name for name in Activity.model_fields if getattr(fact, name) is None}
    assert gone == RESTS_ON[section]
    assert all(getattr(whole, name) for name in gone)
    for name in gone:
        assert section in why(fact, name)


@pytest.mark.parametrize("section", ["startup_keys", "startup_folders", "startup_tasks", "startup_services", "services"])
def test_a_place_of_startup_that_was_not_looked_at_is_noted_and_the_others_are_told(section: str) -> None:
    fact = told(**{section: {"state": "denied", "value": None, "error": "administrators only"}})
    assert fact.startup
    assert section in why(fact, "startup[]")


def test_where_no_place_of_startup_was_looked_at_none_is_told() -> None:
    denied = {"state": "denied", "value": None, "error": "administrators only"}
    fact = told(startup_keys=denied, startup_folders=denied, startup_tasks=denied, startup_services=denied)
    assert fact.startup is None
    assert why(fact, "startup") == "denied: startup_keys: run as administrator to see it"


def test_where_everybody_is_logged_on_nothing_of_startup_is_left_open() -> None:
    fact = told(startup_keys={"rows": [], "people": 1, "people_seen": 1})
    assert not [one for one in fact.unseen if one.field.startswith("startup")]


@pytest.mark.parametrize("place", ["programs", "hosts"])
@pytest.mark.parametrize("text", [rf"C:\x\tool.exe /p:{SECRET}", f"http://u:{SECRET}@x.example/", f"a {SECRET}/", ""])
def test_what_is_no_name_is_refused_and_not_repeated(place: str, text: str) -> None:
    row = {"place": "x", "named": True, "programs": [], "hosts": [], place: [text]}
    fact = told(startup_keys={"rows": [row], "people": 1, "people_seen": 1})
    assert "unparsable: startup_keys" in why(fact, "startup[]")
    assert SECRET not in fact.model_dump_json()


def test_where_nothing_keeps_names_that_none_was_asked_for_is_not_said() -> None:
    rows = [{**row, "State": "Stopped"} if row["Name"] == "Dnscache" else row for row in WHOLE["services"]["value"]["rows"]]
    fact = told(services={"rows": rows}, dns_cache={"rows": []})
    assert fact.dns_cache is None
    assert "does not run" in why(fact, "dns_cache")


def test_an_empty_cache_that_was_looked_at_is_empty() -> None:
    assert told(dns_cache={"rows": []}).dns_cache == ()


def test_names_that_the_hosts_file_put_into_the_cache_were_not_asked_for() -> None:
    rows = [{"Entry": "QUANG-CAO.example.", "Name": "quang-cao.example", "Type": 1, "Data": None}]
    assert told(dns_cache={"rows": rows}).dns_cache == ()


@pytest.mark.parametrize(
    "row", [{"Name": "x.example", "Type": 1}, {"Entry": "x\n.example", "Type": 1}, {"Entry": "x" * 256, "Type": 1}]
)
def test_a_record_without_a_name_is_no_empty_cache(row: dict[str, Any]) -> None:
    assert "unparsable" in why(told(dns_cache={"rows": [row]}), "dns_cache")


@pytest.mark.parametrize(
    "row",
    [
        {"State": 5, "LocalAddress": "10.0.0.1", "LocalPort": 1, "RemoteAddress": "x", "RemotePort": 2},
        {"State": 5, "LocalAddress": "10.0.0.1", "LocalPort": 1, "RemoteAddress": "10.0.0.2", "RemotePort": 65536},
        {"State": None, "LocalAddress": "10.0.0.1", "LocalPort": 1, "RemoteAddress": "10.0.0.2", "RemotePort": 2},
    ],
)
def test_what_is_no_connection_is_no_empty_list(row: dict[str, Any]) -> None:
    rows = [*WHOLE["connections"]["value"]["rows"], row]
    fact = told(connections={"rows": rows})
    assert fact.connections is None
    assert "unparsable: connections" in why(fact, "connections")


def test_a_list_without_a_door_is_not_whole() -> None:
    assert "nothing listens" in why(told(connections={"rows": []}), "connections")


def test_a_list_that_is_too_long_is_cut_and_says_so() -> None:
    came = [
        {
            "State": 5,
            "LocalAddress": "10.0.0.1",
            "LocalPort": 445,
            "RemoteAddress": f"10.9.{n // 250}.{n % 250}",
            "RemotePort": 50000,
        }
        for n in range(2500)
    ]
    fact = told(connections={"rows": [*WHOLE["connections"]["value"]["rows"], *came]})
    assert fact.connections is not None
    assert len(fact.connections) == 2000
    assert "203.0.113.77" in {one.address for one in fact.connections}
    assert why(fact, "connections[]") == "unsupported: the first 2000 of 2504 are told"


def test_without_the_list_of_processes_connections_are_told_without_programs() -> None:
    fact = told(images={"state": "denied", "value": None, "error": "x"})
    assert {one.process for one in fact.connections or ()} == {None}
    assert why(fact, "connections[].process")
