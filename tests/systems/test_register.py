"""The system file: every mistake with its line, and nothing one person could give alone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from baselines.loader import load, load_texts
from baselines.reading import BaselineError, Yaml
from baselines.schema import schema
from baselines.systems.register import System
from tests.baselines.toy import texts
from tests.systems.sample import FOLDER

TOY = load_texts(texts())
SOUND = """\
name: Hệ thống thử
level: 3
zones:
  - {id: dmz, type: dmz, addresses: [192.0.2.0/25], routed_by: [fw-01]}
assets:
  - {name: web-01, kind: server, zone: dmz}
  - {name: fw-01, kind: firewall, zone: dmz, paired_with: []}
attestations:
  - {requirement: servers.authentication.review, state: met, by: A, role: B, on: 2026-01-01, until: 2026-12-31, document: C}
waivers:
  - id: MT-1
    requirement: servers.authentication.lockout
    check: accounts.lockout
    assets: [web-01]
    type: accepted
    measure: Chỉ đăng nhập từ vùng quản trị
    approved_by: Nguyễn Văn A
    second: Trần Thị B
    on: 2026-01-01
    until: 2026-12-31
"""


def refused(text: str) -> list[str]:
    with pytest.raises(BaselineError) as error:
        System.parse(text)
    return [str(mistake) for mistake in error.value.mistakes]


def test_a_sound_file_is_taken() -> None:
    system = System.parse(SOUND)
    assert system.problems(TOY) == []
    assert system.register.attestations[0].until == date(2026, 12, 31)
    assert system.digest == System.parse(SOUND).digest != System.parse(SOUND + "\n").digest


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("zone: dmz}\n  - {name: fw", "zone: lan}\n  - {name: fw", 6, "'lan' is no zone of this file; it has: dmz"),
        ("routed_by: [fw-01]", "routed_by: [fw-02]", 4, "'fw-02' is no asset"),
        ("192.0.2.0/25", "192.0.2.1/25", 4, "not a network such as"),
        ("name: fw-01, kind: firewall", "name: web-01, kind: firewall", 7, "'web-01' stands twice"),
        ("name: web-01, kind: server", "name: Hệ thống thử, kind: server", 6, "the name of the whole system"),
        ("kind: server", "kind: system", 6, "a system is no asset of itself"),
        ("paired_with: []", "paired_with: [fw-01]", 7, "is no other asset"),
        ("second: Trần Thị B", "second: nguyễn văn a", 18, "a waiver takes two people"),
        ("    second: Trần Thị B\n", "", 11, "second: Field required"),
        ("assets: [web-01]", "assets: [web-09]", 14, "'web-09' is no asset"),
        ("assets: [web-01]", "assets: []", 14, "at least 1 item"),
        ("    until: 2026-12-31", "    until: 2025-12-31", 20, "before it begins"),
        ("    until: 2026-12-31", "    until: 20261231", 20, "20261231 is not a day such as"),
        ("measure: Chỉ đăng nhập từ vùng quản trị", "measure: có", 16, "at least 10 characters"),
        ("level: 3", "level: 3\nlevels: 4", 3, "Extra inputs are not permitted"),
        ("level: 3", "level: 3\nwireless: false\ninternet: [{carrier: A, device: r}]", 4, "'r' is no asset"),
        ("type: dmz,", "type: wireless,", 4, None),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, line: int, says: str | None) -> None:
    assert old in SOUND
    text = SOUND.replace(old, new, 1)
    if says is None:
        assert refused(text.replace("level: 3", "level: 3\nwireless: false"))[0].startswith("system.yaml:5: a wireless zone, but")
        return
    assert [one for one in refused(text) if one.startswith(f"system.yaml:{line}: ") and says in one], refused(text)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("requirement: servers.authentication.review", "requirement: servers.nothing", 9, "has no requirement 'servers.nothing'"),
        (
            "requirement: servers.authentication.review",
            "requirement: servers.authentication.lockout",
            9,
            "decided by machine alone",
        ),
        ("check: accounts.lockout", "check: accounts.other", 13, "does not ask 'accounts.other'; its checks: accounts.lockout"),
        ("level: 3", "level: 5", 2, "has no level 5; it has 2, 3"),
    ],
)
def test_what_the_pack_does_not_know_is_told_with_its_line(old: str, new: str, line: int, says: str) -> None:
    (problem,) = System.parse(SOUND.replace(old, new, 1)).problems(TOY)
    assert str(problem).startswith(f"system.yaml:{line}: ")
    assert says in problem.message


def test_the_example_of_the_documentation_is_sound() -> None:
    page = (Path(__file__).parents[2] / "docs" / "systems.md").read_text("utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert System.parse(example).problems(load("tcvn_11930_2017")) == []


def problems(text: str) -> list[str]:
    document: Any = json.loads(json.dumps(yaml.load(text, Loader=Yaml)))
    return [error.message for error in Draft202012Validator(schema("system")).iter_errors(document)]


def test_the_schema_takes_the_sample_and_notices_a_slip() -> None:
    Draft202012Validator.check_schema(schema("system"))
    assert problems((FOLDER / "system.yaml").read_text("utf-8")) == []
    assert problems(SOUND) == []
    for old, new in (
        ("type: dmz", "type: dmx"),
        ("state: met", "state: fine"),
        ("second:", "secnd:"),
        ("kind: server", "kind: sever"),
    ):
        assert problems(SOUND.replace(old, new, 1)) != []
