"""The document of collect.ps1: nothing but a whole one is believed, and nothing in it can crash a collector or make a false pass."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.evaluate import evaluate
from baselines.loader import builtin, load
from collectors.catalog import questions
from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.facts.base import Fact
from collectors.model import Kind, Platform, Target
from collectors.run import collect
from collectors.transports.replay import ReplayShell
from collectors.transports.windows import framed
from collectors.windows.antivirus import decoded
from collectors.windows.document import Document, document, parse
from collectors.windows.registry import filetime, sid

CASES = Path(__file__).parent / "cases"
QUESTIONS = dict(questions(Platform.WINDOWS))
PATHS = sorted(path for path in CASES.glob("*/windows*/transcript.yaml"))
WHOLE = [(path.parent.parent.name, case) for path in PATHS if "sections" in (case := yaml.safe_load(path.read_text("utf-8")))]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(max_size=20)
    | st.sampled_from(["ok", "absent", "denied", "error", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["rows", "value", "state", "hex"]), inner, max_size=4)
    ),
    max_leaves=12,
)


class Says:
    """A Windows machine that answers with this text."""

    system = "windows"
    privileged = True

    def __init__(self, text: str) -> None:
        self._text = text

    def run_script(self, name: str, *, timeout: float) -> str:
        return self._text


def every_section() -> dict[str, Any]:
    """All sections that any case holds, with the registry keys of all cases together."""
    sections: dict[str, Any] = {}
    keys: dict[str, Any] = {}
    for _, case in WHOLE:
        for name, entry in case["sections"].items():
            if name == "registry" and entry["state"] == "ok":
                keys |= {path: key for path, key in entry["value"].items() if path not in keys}
            elif name not in sections or sections[name]["state"] != "ok":
                sections[name] = entry
    return {**sections, "registry": {"state": "ok", "value": keys, "error": None}}


def snapshot(sections: dict[str, Any], kind: Kind = Kind.SERVER) -> Any:
    return collect(Target(name="x", kind=kind, via="replay"), ReplayShell({"system": "windows", "sections": sections}))


@pytest.mark.parametrize("size", range(0, 160, 7))
def test_a_cut_answer_is_no_answer(size: int) -> None:
    whole = framed(
        json.dumps({"schema": "rasoat-windows/1", "sections": {"host": {"state": "ok", "value": {"ps": "5.1"}, "error": None}}})
    )
    assert parse(whole).section("host").text("ps") == "5.1"
    with pytest.raises(Unparsable):
        parse(whole[: min(size, len(whole) - 8)])


def test_a_32_bit_powershell_sees_another_registry_and_is_not_believed() -> None:
    def text(wow64: bool) -> str:
        sections = {"host": {"state": "ok", "value": {"wow64": wow64}, "error": None}}
        return framed(json.dumps({"schema": "rasoat-windows/1", "sections": sections}))

    assert parse(text(False)).section("host").yes("wow64") is False
    with pytest.raises(Unsupported, match="32-bit"):
        parse(text(True))


def test_banners_and_narrow_consoles_do_not_matter() -> None:
    text = framed(
        json.dumps(
            {
                "schema": "rasoat-windows/1",
                "sections": {"host": {"state": "ok", "value": {"ps": "x" * 300 + " " * 80}, "error": None}},
            }
        )
    )
    assert parse("Chào mừng!\n" + text.replace("\r\n", "\n") + "tạm biệt\n").section("host").text("ps") == "x" * 300 + " " * 80


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({"state": "denied", "value": None, "error": "PermissionDenied"}, Denied),
        ({"state": "absent", "value": None, "error": "0x8004100e"}, Unsupported),
        ({"state": "error", "value": None, "error": "timeout: no answer"}, Unreachable),
        ({"state": "error", "value": None, "error": "CommandNotFoundException 0x0"}, Unsupported),
        ({"state": "error", "value": None, "error": "whatever"}, Unparsable),
        ({"state": "ok", "value": None, "error": None}, Unparsable),
        ({"state": "fine", "value": {}, "error": None}, Unparsable),
        (None, Unparsable),
    ],
)
def test_how_a_section_ended_is_how_its_facts_end(entry: Any, error: type[CollectError]) -> None:
    with pytest.raises(error):
        Document({"x": entry}).section("x")


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_garbage_in_a_section_never_crashes_a_collector(data: st.DataObject) -> None:
    fact, case = data.draw(st.sampled_from(WHOLE))
    sections = copy.deepcopy(case["sections"])
    place: Any = sections
    while isinstance(place, dict) and place:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key][0] if isinstance(place[key], list) else place[key]
    try:
        found = QUESTIONS[fact](Says(framed(json.dumps({"schema": "rasoat-windows/1", "sections": sections}))))  # type: ignore[arg-type]
    except CollectError:
        return
    assert isinstance(found, Fact)
    found.model_dump_json()


@given(st.text(max_size=300))
def test_garbage_instead_of_a_document_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        document(Says(text))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["denied", "error"])
@pytest.mark.parametrize("kind", [Kind.SERVER, Kind.WORKSTATION])
def test_a_machine_that_shows_nothing_passes_nothing(state: str, kind: Kind) -> None:
    sections = {name: {"state": state, "value": None, "error": "x"} for name in every_section()}
    for pack in map(load, builtin()):
        for level in pack.standard.levels:
            summary = evaluate(snapshot(sections, kind), pack, level).summary()
            assert summary["pass"] == 0
            assert summary["fail"] == 0


@pytest.mark.parametrize("hidden", sorted(set(every_section()) - {"registry"}))
def test_a_section_taken_away_makes_no_verdict_better(hidden: str) -> None:
    sections = every_section()
    pack = load(builtin()[0])
    before = {result.check: result.verdict for result in evaluate(snapshot(sections), pack, 3).results if result.check}
    sections[hidden] = {"state": "denied", "value": None, "error": "x"}
    after = evaluate(snapshot(sections), pack, 3).results
    assert [
        result.check for result in after if result.check and result.verdict == "pass" and before[result.check] != "pass"
    ] == []


def test_each_registry_key_denied_makes_no_verdict_better() -> None:
    sections = every_section()
    pack = load(builtin()[0])
    before = {result.check: result.verdict for result in evaluate(snapshot(sections), pack, 3).results if result.check}
    assert sum(verdict == "pass" for verdict in before.values()) > 10  # else this test shows nothing
    for path in sections["registry"]["value"]:
        fewer = copy.deepcopy(sections)
        fewer["registry"]["value"][path] = {"state": "denied", "value": None, "error": "x"}
        after = evaluate(snapshot(fewer), pack, 3).results
        better = [
            result.check for result in after if result.check and result.verdict == "pass" and before[result.check] != "pass"
        ]
        assert better == [], path


def test_checks_of_other_platforms_are_not_asked() -> None:
    pack = load(builtin()[0])
    asked = {result.check for result in evaluate(snapshot(every_section()), pack, 3).results}
    assert "windows_hardening.uac" in asked
    assert "accounts.single_root" not in asked
    on_linux = collect(Target(name="x", via="replay", platform=Platform.DEBIAN), ReplayShell({"read": {}, "run": []}), only=())
    asked = {result.check for result in evaluate(on_linux, pack, 3).results}
    assert "accounts.single_root" in asked
    assert not any(check and check.startswith("windows_hardening") for check in asked)


@pytest.mark.parametrize(
    ("state", "on", "fresh", "microsoft"),
    [
        (262144, False, True, False), (262160, False, False, False), (266240, True, True, False), (266256, True, False, False),
        (270336, False, True, False), (327680, False, True, False), (327696, False, False, False), (331776, True, True, False),
        (344064, None, True, False), (393216, False, True, False), (393472, False, True, True), (393488, False, False, True),
        (397312, True, True, False), (397568, True, True, True), (397584, True, False, True), (401664, False, True, True), (462864, True, False, False),
        (0x043000, False, True, False),
    ],
)  # fmt: skip
def test_product_states_seen_in_the_wild(state: int, on: bool | None, fresh: bool, microsoft: bool) -> None:
    assert decoded(state) == (on, fresh, microsoft)


@given(st.integers(0, 0xFFFFFFFF))
def test_only_state_one_is_on(state: int) -> None:
    assert (decoded(state)[0] is True) == (state >> 12 & 0xF == 1)


def test_sids_and_file_times() -> None:
    assert sid(bytes.fromhex("01020000000000052000000020020000")) == "S-1-5-32-544"
    assert str(filetime((133_500_000_000_000_000).to_bytes(8, "little"))) == "2024-01-17 21:20:00+00:00"
    assert filetime(0) is None
    with pytest.raises(Unparsable):
        sid(b"\x01\x05\x00")
    with pytest.raises(Unparsable):
        filetime(b"\x01\x02")
