"""The report of an information system in each of its forms, and the command that makes it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agent import language
from agent.report.system import comparison, html, oscal, sarif, table
from agent.report.system import csv as sheet
from agent.report.system import json as plain_data
from agent.report.system import reasons as reasons_of
from agent.terminal import plain, width
from baselines.loader import load
from baselines.systems.compare import Comparison, compare
from baselines.systems.judge import judge_system
from baselines.systems.result import SystemAssessment
from baselines.systems.words import words
from collectors.facts.system_design import SystemDesign
from collectors.model import Kind
from tests.agent.conftest import Run
from tests.agent.test_oscal import ids, problems
from tests.systems import test_design, toy
from tests.systems.sample import AT, FOLDER, snapshots, system, tailoring

PACK = load("tcvn_11930_2017")


@cache
def judged(level: int = 3) -> SystemAssessment:
    return judge_system(system(), snapshots(), PACK, level, AT, tailoring())


@cache
def upwards() -> Comparison:
    return compare(judged(3), judged(4))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


BORNE = {"waivers": toy.waiver(), "attestations": toy.attestation()}
FAILING = (toy.machine("web-01"), toy.machine("web-02", tries=9))


# words -----------------------------------------------------------------------------------------------------------------


def test_the_words_of_the_law_in_both_languages() -> None:
    states = {name: (both.vi, both.en) for name, both in words()["state"].items()}
    assert [vi for vi, _ in states.values()] == ["Đáp ứng", "Đáp ứng một phần", "Chưa đáp ứng", "Chưa xác định", "Không áp dụng"]
    assert all(vi != en for group in words().values() for both in group.values() for vi, en in [(both.vi, both.en)])


# table -----------------------------------------------------------------------------------------------------------------


def test_the_table_speaks_the_reader_s_language_and_keeps_to_the_width() -> None:
    language.choose("vi")
    lines = list(table.lines(judged(), 90, plain))
    assert max(map(width, lines)) <= 90
    text = "\n".join(lines)
    assert re.search(r"\d+ Chưa đáp ứng · \d+ Chưa xác định · 1 Đáp ứng một phần · \d+ Đáp ứng · 2 Không áp dụng", text)
    for english in ("Not met", "assets pass", "wait for", "Waivers", "person has"):
        assert english not in text
    language.choose("en")
    english_text = "\n".join(table.lines(judged(), 90, plain))
    for said in (
        "Not met (",
        "nms-01: not reached: no answer: no answer within 10 s",
        "mail-01: too old (",
        "wlc-01: no snapshot",
    ):
        assert said in english_text


def test_why_the_layout_is_not_known_is_told_in_the_reader_s_language() -> None:
    """Every sentence of the design has its translation; names stay as they are."""
    reasons = {one.reason for found in every_layout() for one in found.unseen}
    assert len(reasons) > 12
    for said in reasons:
        language.choose("en")
        assert reasons_of.told(f"unsupported: {said}") == said
        language.choose("vi")
        assert not re.search(r"\b(the|register|nobody|shows|says)\b", reasons_of.told(f"unsupported: {said}")), said


def every_layout() -> Iterator[SystemDesign]:
    """Layouts in which each thing that may be unknown is."""
    fw = test_design.with_addresses("fw-01", Kind.FIREWALL, "192.0.2.1/25")
    switch = test_design.with_addresses("sw-01", Kind.SWITCH, "192.0.2.2/25", "192.0.2.130/25")
    text = test_design.BASE
    yield test_design.fact(fw, switch, test_design.host("web-01", "192.0.2.200"))
    yield test_design.fact(fw, *test_design.OTHERS, sighted=test_design.looked(ranges=("192.0.2.0/25",)))
    yield test_design.fact(test_design.cluster("fw-01", "none"))
    yield test_design.fact(
        test_design.cluster("fw-01", "active-standby"), text=text.replace("paired_with: [fw-02]", "paired_with: []")
    )
    yield test_design.fact(text=text.replace(", paired_with: [fw-02]", "").replace(", routed_by: [fw-01]", ""))
    bare = re.sub("addresses: .192.0.2..*?., ", "", text).replace(", main: true", "").replace("kind: server", "kind: workstation")
    yield test_design.fact(text=bare, sighted=test_design.looked())
    yield test_design.fact(text=text.replace(", role: web", ""))
    yield judged().design.records[0].typed()  # type: ignore[misc]


def test_the_table_tells_whose_word_the_layout_is() -> None:
    text = "\n".join(table.lines(judged(), 2000, plain, verbose=True))
    assert "name csdl, type databases, who register, fw-db" in text
    assert "core-02 has addresses in it and in" in text


def test_the_table_tells_a_waiver_beside_the_fail() -> None:
    text = "\n".join(table.lines(toy.judged(*FAILING, **BORNE), 100, plain))
    assert "1 of 2 assets pass; 1 fail (1 borne by a waiver)" in text
    assert re.search(r"with waivers\s+Partly met", text)
    assert "MT-1, risk accepted for a time" in text


def test_what_only_waits_for_a_person_is_counted_and_shown_on_demand() -> None:
    short, long = ("\n".join(table.lines(judged(), 100, plain, verbose)) for verbose in (False, True))
    assert "that only wait for a person's word" in short
    title = PACK.requirements["management.unit.appointed"].title.en
    assert title[:40] not in short
    assert title[:40] in long


# for programs ----------------------------------------------------------------------------------------------------------


def test_json_holds_every_step_from_requirement_to_source() -> None:
    found = json.loads(json.dumps(plain_data.document(judged())))
    assert found["summary"] == judged().summary()
    assert sum(found["summary"].values()) == len(found["requirements"])
    known = {asset["snapshot"]["id"]: asset["snapshot"]["digest"] for asset in found["assets"] if asset["snapshot"]}
    known[found["system_design"]["id"]] = found["system_design"]["digest"]
    count = 0
    for requirement in found["requirements"]:
        assert requirement["state_text"] == {"vi": words()["state"][requirement["state"]].vi} | requirement["state_text"]
        for asset in requirement["assets"]:
            for check in asset["checks"]:
                if check["snapshot"] is None:
                    assert asset["standing"] in ("not_reached", "excused")
                    continue
                assert known[check["snapshot"]] == check["snapshot_digest"]
                for finding in check["findings"]:
                    count += 1
                    assert finding["sources"] or finding["reason"]
    assert count > 1000


def test_csv_has_a_line_for_every_asset_and_check() -> None:
    found = rows(sheet.document(judged()))
    assert tuple(found[0]) == sheet.COLUMNS
    assert {row["requirement"] for row in found} == {line.requirement.id for line in judged().lines}
    wanted = [
        (line.requirement.id, asset.asset, one.result.check)
        for line in judged().lines
        for asset in line.assets
        for one in asset.checks
    ]
    assert [(row["requirement"], row["asset"], row["check"]) for row in found if row["check"]] == wanted
    assert all(row["snapshot"] and "sha256:" in row["sources"] for row in found if row["verdict"] == "fail")
    excused = [row for row in found if row["state_code"] == "not_applicable"]
    assert all(row["not_applicable"] for row in excused)
    assert excused


def test_a_name_from_a_file_is_no_formula() -> None:
    head = toy.HEAD.replace("Hệ thống thử", "'=cmd()'")
    made = judge_system(toy.system(head=head), FAILING, toy.PACK, 3, toy.AT)
    assert {row["system"] for row in rows(sheet.document(made))} == {"'=cmd()"}


def test_sarif_suppresses_what_is_borne_and_shows_it() -> None:
    (run,) = sarif.document(toy.judged(*FAILING, **BORNE))["runs"]
    failed = [one for one in run["results"] if one["kind"] == "fail"]
    assert [(one["ruleId"], one["properties"]["asset"], len(one["suppressions"])) for one in failed] == [
        ("accounts.lockout", "web-02", 1)
    ]
    assert run["properties"]["summary"]["not_met"] == 1
    (run,) = sarif.document(toy.judged(*FAILING))["runs"]
    assert not any("suppressions" in one for one in run["results"])


def test_sarif_takes_nothing_from_a_snapshot_that_is_too_old() -> None:
    (run,) = sarif.document(toy.judged(toy.machine("web-01"), toy.machine("web-02", tries=9, days=60)))["runs"]
    assert {one["kind"] for one in run["results"] if one["properties"]["asset"] == "web-02"} == {"open"}


@pytest.mark.parametrize("level", [2, 3, 4])
def test_oscal_is_what_the_schema_wants(level: int) -> None:
    document = oscal.results(judged(level))
    assert problems("assessment-results", document) == []
    everything = ids(document["assessment-results"]["results"][0])
    assert len(everything) == len(set(everything))


def status(document: Any) -> dict[str, str]:
    (result,) = document["assessment-results"]["results"]
    return {one["target"]["target-id"].removesuffix("_smt"): one["target"]["status"]["state"] for one in result["findings"]}


def test_oscal_calls_satisfied_what_is_met_and_nothing_else() -> None:
    found = status(oscal.results(judged()))
    met = {line.requirement.id for line in judged().lines if line.state == "met"}
    assert {name for name, state in found.items() if state == "satisfied"} == met
    assert met
    alone = {line.requirement.id for line in judged().lines if line.waits_for_person and not line.assets and not line.nobody}
    assert alone
    assert not alone & set(found)


def test_oscal_has_a_place_for_words_and_waivers() -> None:
    document = oscal.results(toy.judged(*FAILING, **BORNE))
    assert problems("assessment-results", document) == []
    (result,) = document["assessment-results"]["results"]
    (said,) = result["attestations"]
    assert {prop["name"]: prop["value"] for prop in said["parts"][0]["props"]}["requirement"] == toy.ROOT
    (risk,) = result["risks"]
    assert (risk["status"], risk["deadline"]) == ("deviation-approved", "2027-01-01T00:00:00Z")
    assert risk["mitigating-factors"][0]["description"] == "Chỉ vào từ vùng quản trị"
    linked = [one for one in result["findings"] if "related-risks" in one]
    assert [one["target"]["status"]["state"] for one in linked] == ["not-satisfied"]


# html ------------------------------------------------------------------------------------------------------------------


class Parsed(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_the_page_says_every_requirement_and_asset_and_runs_nothing() -> None:
    language.choose("vi")
    text = html.page(judged())
    for line in judged().lines:
        assert html.escape(line.requirement.title.vi) in text
    for state in judged().assets:
        assert state.asset.name in text
    assert "Chưa đáp ứng" in text
    assert not {"script", "img", "link", "iframe"} & set(Parsed(text).tags)
    assert '<html lang="vi">' in text


def test_what_the_file_says_cannot_become_markup() -> None:
    head = toy.HEAD.replace("Hệ thống thử", "<script>alert(1)</script>")
    made = judge_system(toy.system(head=head), FAILING, toy.PACK, 3, toy.AT)
    assert "script" not in Parsed(html.page(made)).tags
    assert "script" not in Parsed(html.comparison(compare(made, made))).tags


# what another level asks -----------------------------------------------------------------------------------------------


def test_the_comparison_begins_with_its_counts_and_names_assets_and_what_to_do() -> None:
    text = "\n".join(comparison.lines(upwards(), 100, plain, verbose=True))
    assert "16 are new" in text
    assert text.index("16 are new") < text.index("Work on machines")
    assert "Device administrators log on with two factors: rtr-01" in text
    found = json.loads(json.dumps(plain_data.comparison(upwards())))
    assert found["summary"] == upwards().summary
    turn = next(one for one in found["turns"] if one["requirement"] == "network.devices.mfa")
    assert (turn["before"], turn["after"], turn["new"], turn["needs_a_person"]) == (None, "not_met", True, True)
    assert [one["check"] for one in turn["to_do"]] == ["device_accounts.two_factors"]
    lines = rows(sheet.comparison(upwards()))
    assert tuple(lines[0]) == sheet.TURN_COLUMNS
    assert {row["requirement"] for row in lines} == {one.requirement.id for one in upwards().turns}
    assert all(row["remedy"] for row in lines if row["check"])
    assert "network.devices" not in html.comparison(upwards()) or "8.2.1.7" in html.comparison(upwards())


# the command -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for one in snapshots():
        (folder / f"{one.target.name}.json").write_bytes(one.to_bytes())
    return folder


def test_the_command_judges_a_folder(rasoat: Run, stored: Path, tmp_path: Path) -> None:
    file = FOLDER / "system.yaml"
    done = rasoat("system", "judge", file, stored, "--at", "2026-11-22", "--format", "json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["summary"] == judged().summary()
    assert (found["level"], found["baseline"]["id"]) == (3, "tcvn_11930_2017")
    page = tmp_path / "page.html"
    done = rasoat("system", "judge", file, stored, "--level", "2", "--format", "html", "--output", page, "--lang", "vi")
    assert done.returncode == 1, done.stderr
    assert page.stat().st_mode & 0o077 == 0
    done = rasoat("system", "judge", file, stored, "--at", "2026-11-22", "--compare-level", "4", "--lang", "vi")
    assert done.returncode == 1, done.stderr
    assert "yêu cầu thay đổi: 16 yêu cầu mới" in done.stdout


def test_the_same_machines_against_the_newer_edition(rasoat: Run, stored: Path) -> None:
    words: list[str | Path] = ["system", "judge", FOLDER / "system.yaml", stored, "--at", "2026-11-22", "--format", "json"]
    found = json.loads(rasoat(*words, "--baseline", "tcvn_14423_2026").stdout)
    assert found["baseline"]["tailoring_digest"] is None
    assert {one["why"] for one in found["idle"]} == {"other_pack"}
    assert not any(one["attestation"] or one["not_applicable"] for one in found["requirements"])


def test_without_snapshots_nothing_is_met_by_a_machine(rasoat: Run) -> None:
    done = rasoat("system", "judge", FOLDER / "system.yaml", "--at", "2026-11-22", "--format", "json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["reaches"]["missing"] == 40
    assert all(one["attestation"] or one["counts"]["pass"] for one in found["requirements"] if one["state"] == "met")
    assert not any(
        asset["standing"] == "pass" and asset["kind"] != "system" for one in found["requirements"] for asset in one["assets"]
    )


def test_mistakes_are_refused_with_their_line(rasoat: Run, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text((FOLDER / "system.yaml").read_text("utf-8").replace("zone: wifi}", "zone: wfi}"))
    (tmp_path / "tailoring.yaml").write_text((FOLDER / "tailoring.yaml").read_text("utf-8"))
    done = rasoat("system", "check", file)
    assert done.returncode == 2
    assert re.search(r"s\.yaml:\d+: .*'wfi' is no zone of this file", done.stderr)
    assert rasoat("system", "check", FOLDER / "system.yaml").stdout == "40 assets, no mistakes\n"
    file.write_text((FOLDER / "system.yaml").read_text("utf-8"))
    (tmp_path / "tailoring.yaml").write_text("name: X\nparams: {servers.authentication.lockout: {max_failed_logins: 50}}\n")
    done = rasoat("system", "check", file)
    assert done.returncode == 2
    assert "tailoring.yaml:2" in done.stderr
    assert rasoat("system", "judge", file, "--at", "tomorrow").returncode == 2
    assert rasoat("system", "judge", tmp_path / "none.yaml").returncode == 2


def discovery(stranger: str, asked: int = 256) -> str:
    host = {"address": stranger, "answered": True}
    coverage = {"wanted": 256, "asked": asked, "answered": 1, "silent": asked - 1, "not_asked": 256 - asked, "gaps": []}
    if asked < 256:
        coverage["gaps"] = [{"where": "10.10.1.0/24", "addresses": 256 - asked, "why": "window", "detail": ""}]
    words = {"id": "x", "approval": None, "ranges": ["10.10.1.0/24"], "started": AT.isoformat(), "ended": AT.isoformat()}
    more = {
        "services_asked": False,
        "privileged": True,
        "max_rate": 1,
        "register_compared": True,
        "registered": [],
        "duplicates": [],
    }
    return json.dumps(words | more | {"notes": [], "coverage": coverage, "hosts": [host]})


def test_a_stranger_that_discovery_saw_is_a_fail_of_the_system(rasoat: Run, stored: Path, tmp_path: Path) -> None:
    result = tmp_path / "discovery.json"
    result.write_text(discovery("10.10.1.99"))
    words: list[str | Path] = ["system", "judge", FOLDER / "system.yaml", stored, "--at", "2026-11-22", "--format", "json"]
    done = rasoat(*words, "--discovery", result)
    assert done.returncode == 1, done.stderr
    design = json.loads(done.stdout)["system_design"]["records"][0]
    assert design["data"]["strangers"] == ["10.10.1.99"]
    assert any(source["what"].startswith("discovery: ") for source in design["sources"])
    result.write_text(discovery("10.10.1.11"))
    done = rasoat(*words, "--discovery", result)
    assert json.loads(done.stdout)["system_design"]["records"][0]["data"]["strangers"] is None, "other zones were not asked"
    result.write_text("{}")
    assert rasoat(*words, "--discovery", result).returncode == 2
