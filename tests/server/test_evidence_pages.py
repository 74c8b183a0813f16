"""Bundles asked for on the page, made by a worker, taken away by whoever may; at the console; of campaigns and systems."""

from __future__ import annotations

import argparse
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from baselines.evidence import form
from server.assess.models import StoredAssessment
from server.evidence import console, making, tasks
from server.evidence.models import CAMPAIGN, SYSTEM, Bundle
from server.ingest.models import Machine, StoredSnapshot
from server.journal.models import Entry
from server.registers.systems import Member, System
from server.units.models import Membership
from tests.server import campaigns, evidence
from tests.server.evidence import checked, code, members, wrong
from tests.server.test_programs import key_of
from tests.server.waivers import on, paper


@pytest.fixture
def land(client, tree, person, tmp_path):
    return evidence.land(client, tree, person, tmp_path)


def test_asked_for_on_the_page_made_by_a_worker_and_taken_away(land, person, tmp_path) -> None:
    auditor = person("kiểm-toán", "north", Membership.AUDITOR)
    client = on(auditor)
    answer = client.post(
        "/evidence/", {"of": f"unit:{land['north'].pk}", "reports": [paper("báo cáo.pdf"), paper("Phụ lục 1.pdf")]}
    )
    assert answer.status_code == 302
    held = Bundle.objects.get()
    assert (held.state, client.get(f"/evidence/{held.pk}/").status_code) == (Bundle.WAITING, 409)
    campaigns.work()
    held.refresh_from_db()
    assert (held.state, held.machines, held.problem) == (Bundle.MADE, 2, "")
    assert held.path.stat().st_mode & 0o077 == 0
    assert held.file_name in client.get(f"/evidence/{held.pk}/").headers["Content-Disposition"]
    path = tmp_path / "b.zip"
    path.write_bytes(b"".join(client.get(f"/evidence/{held.pk}/")))
    assert (evidence.seal.digest(path.read_bytes()), code(checked(path))) == (held.sha256, 0)
    told = checked(path).manifest
    assert told is not None
    assert [(one.member, one.title) for one in told.reports] == [
        ("reports/1-bao-cao.pdf", "báo cáo.pdf"),
        ("reports/2-Phu-luc-1.pdf", "Phụ lục 1.pdf"),
    ]
    assert told.made_by == "kiểm-toán"
    page = client.get("/evidence/").content.decode()
    assert evidence.fingerprint() in page
    assert held.sha256[:12] in page
    rows = Entry.objects.filter(action__startswith="evidence.").order_by("pk")
    assert [(row.action, row.actor, row.detail["digest"]) for row in rows] == [
        ("evidence.made", "kiểm-toán", held.sha256), *[("evidence.taken", "kiểm-toán", held.sha256)] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize("role", [Membership.VIEWER, Membership.OPERATOR, Membership.APPROVER])
def test_who_may_not_read_the_journal_takes_no_evidence_away(land, person, role: str) -> None:
    client = on(person("x", "north", role))
    assert client.get("/evidence/").status_code == 403
    assert client.post("/evidence/", {"of": f"unit:{land['north'].pk}"}).status_code == 403
    held = evidence.asked(land["north"])
    assert client.get(f"/evidence/{held.pk}/").status_code == 404
    assert 'href="/evidence/"' not in client.get("/units/").content.decode()


def test_of_another_part_nothing_can_be_asked(land, person) -> None:
    client = on(person("x", "north", Membership.AUDITOR))
    for of in (f"unit:{land['south'].pk}", f"unit:{land['root'].pk}", "unit:999999", "campaign:1", "x"):
        assert client.post("/evidence/", {"of": of}).status_code == 422
    assert not Bundle.objects.exists()


def test_programs_list_them_and_take_them_with_a_key_of_that_scope(land, admin) -> None:
    held = evidence.asked(land["north"])
    tasks.finish(held, held.path)
    key = {"Authorization": f"Bearer {key_of(admin, land['north'], ['evidence'])}"}
    told = Client().get("/api/v1/evidence", headers=key).json()["items"]
    assert [(one["id"], one["state"], one["sha256"]) for one in told] == [(held.pk, "made", held.sha256)]
    answer = Client().get(f"/api/v1/evidence/{held.pk}/file", headers=key)
    assert evidence.seal.digest(b"".join(answer)) == held.sha256
    other = {"Authorization": f"Bearer {key_of(admin, land['south'], ['evidence'])}"}
    assert Client().get(f"/api/v1/evidence/{held.pk}/file", headers=other).status_code == 404
    units = {"Authorization": f"Bearer {key_of(admin, land['north'], ['units'])}"}
    assert Client().get(f"/api/v1/evidence/{held.pk}/file", headers=units).status_code == 403
    held.path.unlink()
    assert Client().get(f"/api/v1/evidence/{held.pk}/file", headers=key).status_code == 409


def test_what_cannot_be_made_says_why_and_leaves_no_half(land, person) -> None:
    from server.waivers.models import Waiver

    Waiver.objects.update(reason="-----BEGIN RSA PRIVATE KEY-----")
    client = on(person("x", "north", Membership.AUDITOR))
    client.post("/evidence/", {"of": f"unit:{land['north'].pk}"})
    campaigns.work()
    held = Bundle.objects.get()
    assert (held.state, held.problem) == (Bundle.FAILED, f"secret: {form.WAIVERS}")
    assert list(held.path.parent.iterdir()) == []
    assert form.WAIVERS in client.get("/evidence/").content.decode()
    assert Entry.objects.filter(action="evidence.refused", actor="x").exists()


def test_old_ones_are_removed_and_their_rows_stay(land) -> None:
    held = evidence.asked(land["north"])
    tasks.finish(held, held.path)
    Bundle.objects.update(made_at=timezone.now() - tasks.KEPT - timedelta(hours=1))
    tasks.prune.enqueue(by="test")
    campaigns.work()
    held.refresh_from_db()
    assert (held.state, held.path.exists()) == (Bundle.REMOVED, False)


def test_a_file_goes_where_another_machines_worker_marked_its_row(land) -> None:
    held = evidence.asked(land["north"])
    tasks.finish(held, held.path)
    Bundle.objects.update(state=Bundle.REMOVED)
    tasks.prune.enqueue(by="test")
    campaigns.work()
    assert not held.path.exists()


# at the console --------------------------------------------------------------------------------------------------------


def options(path: Path, **given) -> argparse.Namespace:
    return argparse.Namespace(
        **{"unit": None, "campaign": None, "system": None, "report": [], "document": [], "output": str(path), **given}
    )


def test_at_the_console_to_a_file_of_ones_own(land, tmp_path, capsys) -> None:
    report = tmp_path / "báo cáo.txt"
    report.write_text("Kết quả rà soát", "utf-8")
    path = tmp_path / "ra.zip"
    assert console.make(options(path, unit="Phòng Bắc", report=[str(report)])) == 0
    said = capsys.readouterr().out
    assert f"--key {evidence.fingerprint()}" in said
    assert "--trust-pack" in said, "else a bundle of an older release seems to be wrong"
    assert evidence.seal.digest(path.read_bytes()) in said
    assert code(checked(path)) == 0
    assert members(path)["reports/1-bao-cao.txt"].decode() == "Kết quả rà soát"
    assert Bundle.objects.get().state == Bundle.REMOVED, "it lies where it was asked for"
    assert console.key(argparse.Namespace(pem=False)) == console.listed(argparse.Namespace()) == 0
    assert evidence.fingerprint() in capsys.readouterr().out


def test_at_the_console_what_is_wrong_is_said(land, tmp_path, capsys) -> None:
    path = tmp_path / "ra.zip"
    for given in ({"unit": "không có"}, {"campaign": 9}, {"system": "không có"}, {"report": [str(tmp_path / "none")]}):
        assert console.make(options(path, **given)) == 2
        assert capsys.readouterr().err
    assert not path.exists()
    assert console.make(options(tmp_path / "file" / "x.zip", unit="Phòng Bắc")) == 0, "its folder is made"


# of a campaign and a system --------------------------------------------------------------------------------------------


def test_of_a_closed_campaign(client, tree, tmp_path) -> None:
    """Its account adds up, and each row says what its snapshot says; who never reported is named."""
    evidence.data_in(tmp_path / "data")
    land = campaigns.Land(client, tree["root"])
    held = land.started()
    for name in ("a-1", "a-2", "b-1"):
        land.report(name, **campaigns.GOOD)
    closed = campaigns.closed(held)
    # Land had put them before the machines enrolled, and started the campaign before they were judged
    StoredSnapshot.objects.update(received_at=timezone.now())
    StoredAssessment.objects.update(judged_at=timezone.now() - timedelta(hours=3))
    path = evidence.made(tree["root"], tmp_path / "c.zip", kind=CAMPAIGN, of=closed.pk)
    found = checked(path)
    assert wrong(found) == []
    lines = {(line.outcome, line.code) for line in found.lines}
    assert ("holds", "campaign") in lines
    assert not {"row-unseen", "row-later"} & {name for _outcome, name in lines}
    told = json.loads(members(path)[form.COVERAGE])
    assert ("c-chưa-thấy", "listed") in [(one["name"], one["why"]) for one in told["missing"]]
    moments = [json.loads(row)["moment"] for row in members(path)[form.MACHINES].splitlines()]
    assert {"now", "start"} <= set(moments)

    def better(row: dict) -> None:
        row["checks"] = dict.fromkeys(row["checks"], "pass")

    rows = [json.loads(row) for row in members(path)[form.ROWS].splitlines()]
    number = next(at for at, row in enumerate(rows) if row["name"] == "b-2" and row["before_checks"])
    changed = evidence.edited(members(path), form.ROWS, lambda row: row.update(before_checks=dict.fromkeys(row["before_checks"], "pass")), number)  # fmt: skip
    again = evidence.zipped(evidence.resealed(changed, making.sealing_keys()), tmp_path / "d.zip")
    assert ("row", "b-2") in wrong(checked(again))


def test_an_account_with_less_in_it_is_named(client, tree, tmp_path) -> None:
    """Rows dropped with their numbers, a fail left out of a row, done said of who is not, the whole account taken away."""
    evidence.data_in(tmp_path / "data")
    land = campaigns.Land(client, tree["root"])
    held = land.started()
    for name in ("a-1", "a-2", "b-1"):
        land.report(name, **campaigns.GOOD)
    land.report("b-3")
    closed = campaigns.closed(held)
    StoredSnapshot.objects.update(received_at=timezone.now())
    StoredAssessment.objects.update(judged_at=timezone.now() - timedelta(hours=3))
    inside = members(evidence.made(tree["root"], tmp_path / "c.zip", kind=CAMPAIGN, of=closed.pk))
    rows = [json.loads(row) for row in inside[form.ROWS].splitlines()]
    at = {row["name"]: number for number, row in enumerate(rows)}

    def found(changed: evidence.Members, count: int = 0) -> set[str]:
        def less(manifest: dict) -> None:
            manifest["counts"][form.ROWS] -= count

        path = evidence.zipped(evidence.resealed(changed, making.sealing_keys(), less), tmp_path / "d.zip")
        return {line.code for line in checked(path).lines if line.outcome == "fails"}

    assert found(inside) == set()
    fewer = inside | {form.ROWS: b"".join(form.dumps(row) for row in rows if row["name"] != "b-2")}
    fewer = evidence.edited(fewer, form.CAMPAIGN, lambda told: told["states"].update({rows[at["b-2"]]["state"]: told["states"][rows[at["b-2"]]["state"]] - 1}))  # fmt: skip
    assert "count" in found(fewer, 1)
    assert "row-twice" in found(inside | {form.ROWS: inside[form.ROWS] + form.dumps(rows[0])}, -1)
    done = rows[at["a-1"]]
    assert (done["state"], set(done["checks"].values())) == ("done", {"pass"})
    assert "row" in found(evidence.edited(inside, form.ROWS, lambda row: row["checks"].pop("remote_access.no_root"), at["a-1"]))
    assert rows[at["b-3"]]["state"] == "not-done"
    assert "row-state" in found(evidence.edited(inside, form.ROWS, lambda row: row.update(state="done"), at["b-3"]))
    without = {name: raw for name, raw in inside.items() if name not in (form.CAMPAIGN, form.ROWS)}
    assert "missing" in found(without)


def test_of_a_machine_that_was_moved_away_nothing_is_in_it(client, tree, tmp_path) -> None:
    """What it tells is the new unit's; the holder of the campaign is told that it moved."""
    from server.campaigns import leading

    evidence.data_in(tmp_path / "data")
    land = campaigns.Land(client, tree["root"])
    held = leading.make(land.units["B"], "patches", campaigns.letter(lists=[]), "x")
    leading.start(held, "x")
    campaigns.work()
    held.refresh_from_db()
    Machine.objects.filter(name="b-2").update(unit=land.units["C"])
    land.report("b-2", age=timedelta(seconds=-5))
    campaigns.look(held)
    newest = Machine.objects.get(name="b-2").latest_id
    inside = members(path := evidence.made(land.units["B"], tmp_path / "b.zip", kind=CAMPAIGN, of=held.pk))
    assert not [name for name, raw in inside.items() if str(newest).encode() in raw or "Tỉnh C".encode() in raw]
    told = json.loads(inside[form.COVERAGE])
    assert ("b-2", "moved") in [(one["name"], one["why"]) for one in told["missing"]]
    assert "coverage" not in dict(wrong(checked(path)))


def test_of_an_information_system(land, tmp_path) -> None:
    system = System.objects.create(unit=land["north"], name="Cổng dịch vụ", code="CDV", created_by="x")
    for name in ("máy-1", "may-im"):
        Member.objects.create(system=system, machine=Machine.objects.get(name=name))
    path = evidence.made(land["north"], tmp_path / "s.zip", kind=SYSTEM, of=system.pk)
    found = checked(path)
    assert code(found) == 0
    told = json.loads(members(path)[form.COVERAGE])
    assert (told["expected"], told["seen"], [one["name"] for one in told["missing"]]) == (2, 1, ["may-im"])
    rows = [json.loads(row)["name"] for row in io.BytesIO(members(path)[form.MACHINES])]
    assert rows == ["máy-1"]
    assert console.make(options(tmp_path / "t.zip", system="CDV")) == 0
