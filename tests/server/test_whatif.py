"""What another level, pack or tailoring would change in a unit, asked at the console before it is put in force."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from collectors.model import Snapshot
from server import cli, console
from server.assess.models import StoredAssessment
from server.ingest.models import Machine, StoredSnapshot
from server.journal.models import Entry
from tests.server.people import Host, send

PACKS = Path(__file__).parent / "packs"


@pytest.fixture
def ask(capsys):
    def run(*words: str, language: str = "en") -> tuple[int, str, str]:
        options = cli._parser().parse_args(["whatif", *words])
        with translation.override(language):
            code = console.whatif(options)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def fleet(client: Client, tree, another) -> dict[str, Host]:
    """north: one machine with a password of 10 characters, one with 14, one that never reported; south: one that has neither antivirus nor clock."""
    hosts = {
        "bac-01": (another("bac-01", "north"), {"min_length": 10}),
        "bac-02": (another("bac-02", "north"), {"min_length": 14}),
        "nam-01": (another("nam-01", "south"), {"min_length": 10, "antivirus": False}),
    }
    another("bac-03", "north")
    for host, facts in hosts.values():
        assert send(client, host.seal(host.snapshot(permit_root_login="no", synchronised=True, **facts))).status_code == 201
    return {name: host for name, (host, _) in hosts.items()}


def changes(out: str) -> dict[str, dict[str, Any]]:
    return {change["requirement"]: change for change in json.loads(out)["changes"]}


def test_a_level_up_names_what_turns_where_and_what_to_do(ask, fleet) -> None:
    code, out, _ = ask("--level", "3", "--format", "json")
    assert code == 0
    turned = changes(out)["access.password"]
    assert {(machine["asset"], machine["unit"], machine["before"], machine["after"]) for machine in turned["machines"]} == {
        ("bac-01", "Phòng Bắc", "pass", "fail"),
        ("nam-01", "Phòng Nam", "pass", "fail"),
    }
    assert turned["checks"] == {"password_policy.length": 2}
    units = json.loads(out)["units"]
    assert (units["Phòng Bắc"]["machines"], units["Phòng Bắc"]["machines_worse"]) == (2, 1)
    assert units["Phòng Bắc"]["silent"] == ["bac-03"], "a machine nobody has seen is named, not counted as unchanged"


def test_a_level_down_says_what_is_no_longer_asked(ask, fleet) -> None:
    _, out, _ = ask("--level", "1", "--format", "json")
    dropped = changes(out)["care.malware"]
    assert {(machine["asset"], machine["before"], machine["after"]) for machine in dropped["machines"]} == {
        ("bac-01", "pass", None), ("bac-02", "pass", None), ("nam-01", "fail", None),
    }  # fmt: skip
    assert dropped["worse"] == 0


def test_only_the_part_of_the_tree_that_was_asked_for(ask, fleet) -> None:
    _, out, _ = ask("--unit", "Phòng Nam", "--level", "3", "--format", "json")
    assert set(json.loads(out)["units"]) == {"Phòng Nam"}


def test_a_changed_pack_is_previewed_from_its_folder(ask, fleet, tmp_path: Path) -> None:
    shutil.copytree(PACKS, tmp_path / "packs")
    file = tmp_path / "packs/mini/servers.yaml"
    file.write_text(file.read_text("utf-8").replace("1: 8, 2: 8,", "1: 8, 2: 11,"), "utf-8")
    _, out, _ = ask("--baseline", str(tmp_path / "packs/mini"), "--format", "json")
    assert {name: change["worse"] for name, change in changes(out).items()} == {"access.password": 2}


def test_stricter_values_are_previewed_and_looser_ones_refused(ask, fleet, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("name: Sở\nparams:\n  access.password: {min_length: 20}\n", "utf-8")
    _, out, _ = ask("--tailoring", str(file), "--format", "json")
    assert changes(out)["access.password"]["worse"] == 3
    file.write_text("name: Sở\nparams:\n  access.password: {min_length: 4}\n", "utf-8")
    code, out, err = ask("--tailoring", str(file))
    assert (code, out) == (2, "")
    assert "looser" in err


def test_removed_stricter_values_are_another_thing_than_none_proposed(ask, fleet, tmp_path: Path, tree) -> None:
    tree["root"].tailoring = "name: Sở\nparams:\n  access.password: {min_length: 20}\n"
    tree["root"].save()
    file = tmp_path / "empty.yaml"
    file.write_text("\n", "utf-8")
    for given in ("none", str(file)):
        _, out, _ = ask("--tailoring", given, "--format", "json")
        assert {one["after"] for one in changes(out)["access.password"]["machines"]} == {"pass"}


def test_nothing_is_stored(ask, fleet) -> None:
    def state() -> tuple[Any, ...]:
        return (
            list(StoredAssessment.objects.order_by("pk").values()), list(StoredSnapshot.objects.order_by("pk").values()),
            Entry.objects.count(),
        )  # fmt: skip

    before = state()
    ask("--level", "4")
    assert state() == before


def test_the_table_in_both_languages_and_names_that_would_steer_a_terminal(ask, client: Client, another) -> None:
    host = another("may")
    send(client, host.seal(host.snapshot(permit_root_login="no", synchronised=True)))
    Machine.objects.update(name="máy\x1b[2Jxấu")  # enrolment refuses such a name; a station may find one in its targets
    _, vi, _ = ask("--level", "3", language="vi")
    _, en, _ = ask("--level", "3", language="en")
    assert "Đạt → Không đạt: 1" in vi
    assert "Pass → Fail: 1" in en
    assert "\x1b" not in vi + en


def test_a_spreadsheet_has_a_row_per_machine_and_no_formula(ask, client: Client, another) -> None:
    host = another("=cmd()")
    send(client, host.seal(host.snapshot(permit_root_login="no", synchronised=True)))
    _, out, _ = ask("--level", "3", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["machine"], row["requirement"], row["before"], row["after"]) for row in rows] == [
        ("'=cmd()", "access.password", "pass", "fail")
    ]
    assert rows[0]["remedy"]


def test_another_standard_is_not_compared_line_by_line(ask, fleet) -> None:
    code, out, _ = ask("--baseline", "tcvn_11930_2017")
    assert code == 1
    assert out.count("crosswalk") == 3


@pytest.mark.parametrize(
    "words", [(), ("--unit", "không có", "--level", "3"), ("--baseline", "/no/such"), ("--tailoring", "/no/such")]
)
def test_mistakes_are_said(ask, fleet, words: tuple[str, ...]) -> None:
    code, out, err = ask(*words)
    assert (code, out) == (2, "")
    assert err.startswith("rasoat: ")


def test_facts_that_were_not_sound_are_checked_again(client: Client, host: Host) -> None:
    """A fact of the wrong type counts as unparsable however often it is judged."""
    broken = host.snapshot().records[0].model_copy(update={"fact": "firewall", "data": {"products": ""}})
    send(client, host.seal(host.snapshot(extra=(broken,))))
    stored = StoredSnapshot.objects.get()
    assert stored.sound_for == ""
    _, again = stored.to_judge()
    assert again.context.missing["firewall"].startswith("unparsable: ")


def test_sound_facts_are_not_checked_again_until_the_facts_change(client: Client, host: Host, monkeypatch) -> None:
    send(client, host.seal(host.snapshot()))
    stored = StoredSnapshot.objects.get()
    checked = stored.snapshot()
    calls: list[bytes] = []
    monkeypatch.setattr(Snapshot, "from_bytes", lambda raw: calls.append(raw) or checked)
    first = stored.to_judge()[1]
    assert calls == []
    stored.sound_for = "another program's"
    assert stored.to_judge()[1] == first
    assert len(calls) == 1
