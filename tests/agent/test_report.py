"""The reports: what a tired administrator reads, and what a hostile host cannot make of them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import judging, language
from agent.report import html, sarif, table
from agent.report.digest import Digest
from agent.report.json import document
from agent.terminal import clean, pad, plain, width, wrap
from baselines.loader import load
from baselines.model import Finding
from collectors.model import Snapshot
from tests.agent.conftest import PACK
from tests.agent.snapshots import CLOCK, IDENTITY, REMOTE, broken, healthy, seen, snapshot, unseen

HOUSE = load(PACK)
EVIL = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\x1b]0;owned\x07\x1b[2J\u202egnp.exe"


def judged(what: Snapshot, level: int = 2) -> Digest:
    return judging.judge(what, HOUSE, level)


def console(what: Snapshot, level: int = 2, columns: int = 100, verbose: bool = False) -> str:
    return "\n".join(table.lines(judged(what, level), columns, plain, verbose))


def test_worst_first_then_unknown_each_with_seen_wanted_and_repair() -> None:
    text = console(broken(), level=3)
    order = ["What fails (2)", "critical", "medium", "What could not be decided (1)", "1 unknown"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    for words in (
        "permit_root_login: yes",
        "Set PermitRootLogin no",
        "at most 3",
        "max_auth_tries: 6",
        "7.1",
        "access denied: chronyc",
        "sshd -T | grep",
    ):
        assert words in text


def test_counts_and_coverage_are_those_of_the_assessment() -> None:
    report = judged(broken())
    text = console(broken())
    for verdict, word in (
        ("fail", "fail"),
        ("unknown", "unknown"),
        ("pass", "pass"),
        ("manual", "by hand"),
        ("not_applicable", "not applicable"),
    ):
        assert f"{report.assessment.summary()[verdict]} {word}" in text
    assert "2 decided by machine; 1 partly by machine" in " ".join(text.split())


def test_a_check_named_by_two_requirements_stands_once_as_it_is_counted_once() -> None:
    report = judged(broken())
    for verdict in ("fail", "unknown", "pass"):
        assert len([entry for entry in report.entries if entry.verdict == verdict]) == report.assessment.summary()[verdict]


@pytest.mark.parametrize(
    ("what", "next_step"),
    [
        (broken(privileged=False), "as root"),
        (broken(), "repair the worst line first"),
        (healthy(), "everything a machine can decide has passed"),
        (snapshot(unseen("clock", "unsupported", "x"), seen("identity", **IDENTITY)), "stayed open"),
        (snapshot(seen("identity", **IDENTITY), kind="switch"), "no check applied"),
    ],
)
def test_the_next_step_fits_what_was_found(what: Snapshot, next_step: str) -> None:
    assert next_step in " ".join(console(what).split())


def test_one_reason_that_hid_many_fields_is_told_once() -> None:
    shadow = "/etc/shadow: permission denied"
    gaps = tuple({"field": f"users[].{name}", "outcome": "denied", "reason": shadow} for name in ("password", "hash", "changed"))
    text = " ".join(console(snapshot(seen("clock", **CLOCK, synchronised=True, unseen=gaps))).split())
    assert text.count(shadow) == 1
    assert all(f"clock.users[].{name}" in text for name in ("password", "hash", "changed"))


def test_what_is_wanted_of_many_rows_is_said_once() -> None:
    rows = [Finding("accounts", "users[].locked", "eq", True, {"name": f"user{number}"}) for number in range(3)]
    report = judged(broken())
    report.entries[0].findings[:] = [*rows, Finding("accounts", "users[].uid", "at_least", 1000, {"name": "daemon"})]
    text = "\n".join(table.lines(report, 100, plain)).partition("What could not")[0]
    assert [line.split()[0] for line in text.split("\n") if line.startswith(("   seen", "   wanted"))] == ["seen"] * 3 + [
        "wanted",
        "seen",
        "wanted",
    ]


def test_a_machine_that_was_never_reached_is_one_sentence_not_fifty_unknowns() -> None:
    reason = "web01: connection refused"
    text = console(snapshot(*(unseen(fact, "unreachable", reason) for fact in ("identity", "clock", "remote_access"))))
    assert text.count(reason) == 1
    assert "Nothing was seen" in text


@given(st.integers(30, 120), st.sampled_from(["vi", "en"]), st.booleans())
def test_no_line_is_wider_than_asked(columns: int, chosen: Any, verbose: bool) -> None:
    language.choose(chosen)
    for line in console(broken(privileged=False), 3, columns, verbose).split("\n"):
        assert width(line) <= max(columns, 40)


@pytest.mark.parametrize("style", ["table", "html", "sarif", "json"])
def test_vietnamese_and_english_reports_differ_and_have_no_other_language_left(style: str) -> None:
    texts = {}
    what = broken()
    for chosen in ("vi", "en"):
        language.choose(chosen)  # type: ignore[arg-type]
        report = judged(what)
        texts[chosen] = {
            "table": lambda r: "\n".join(table.lines(r, 100, plain, True)),
            "html": lambda r: html.page([r]),
            "sarif": lambda r: json.dumps(sarif.document([r]), ensure_ascii=False),
            "json": lambda r: json.dumps(document(r)),
        }[style](report)
    if style == "json":
        assert texts["vi"] == texts["en"], "programs read the same in any locale"
        return
    assert "Không đăng nhập trực tiếp bằng root qua SSH" in texts["vi"]
    assert "Root does not log on over SSH" in texts["en"]
    for english in ("Root does not", "wanted", "repair", "What fails", "decided by"):
        assert english not in texts["vi"]


# --- hostile hosts ---------------------------------------------------------------------------------------------------


def hostile() -> Snapshot:
    return snapshot(
        seen("identity", **(IDENTITY | {"os_name": EVIL, "hostname": EVIL})),
        seen("remote_access", **REMOTE, permit_root_login="yes", max_auth_tries=6),
        unseen("clock", "unparsable", EVIL),
        name=EVIL,
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_nothing_a_host_says_becomes_markup() -> None:
    page = html.page([judged(hostile())])
    parser = Tags()
    parser.feed(page)
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & {tag for tag, _ in parser.tags}
    assert not [name for _, attributes in parser.tags for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;" in page


@given(st.text(max_size=60))
def test_escaped_text_holds_no_markup_and_no_control_characters(text: str) -> None:
    escaped = html.escape(text)
    assert not set("<>\"'") & set(escaped)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", escaped)


def test_nothing_a_host_says_moves_the_cursor() -> None:
    text = console(hostile(), verbose=True)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "\\x1b" in text


def test_the_page_needs_nothing_from_elsewhere_and_prints_on_a4() -> None:
    page = html.page([judged(broken()), judged(healthy())])
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    assert "size:A4" in page
    assert page.count("<main>") == 2
    assert "Content-Security-Policy" in page


def test_every_finding_of_the_assessment_is_on_the_page() -> None:
    page = html.page([judged(broken(), 3)])
    for words in (
        "permit_root_login",
        "max_auth_tries",
        "chronyc: 501 Not authorised",
        "hostname: web01",
        "The server room is locked",
        "Minutes of the inspection",
    ):
        assert words in page


# --- SARIF ----------------------------------------------------------------------------------------------------------


def test_sarif_has_what_the_standard_demands() -> None:
    log = sarif.document([judged(broken(), 3), judged(healthy())])
    assert log["version"] == "2.1.0"
    assert len(log["runs"]) == 2
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["kind"] in {"pass", "fail", "open"}
            assert (result["level"] == "none") == (result["kind"] != "fail"), "SARIF 2.1.0, 3.27.10"
            assert result["message"]["text"]
    assert [result["kind"] for result in log["runs"][0]["results"]] == ["fail", "fail", "open", "pass"]


# --- text on a terminal ---------------------------------------------------------------------------------------------


def test_width_counts_columns_not_code_points() -> None:
    assert width("mật khẩu") == 8
    assert width("mật khẩu".encode().decode()) == width("ma\u0323\u0302t kha\u0302\u0309u") == 8
    assert width("日本") == 4
    assert width("a\u200bb") == 2
    assert pad("日本", 6) == "日本  "


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=200), st.integers(20, 80))
def test_wrapping_loses_no_letter_and_keeps_to_the_width(text: str, size: int) -> None:
    import unicodedata

    lines = list(wrap(text, size, "- "))
    assert all(width(line) <= size for line in lines)
    joined = "".join(lines)[2:] if lines[0].startswith("- ") else "".join(lines)[1:]
    assert "".join(joined.split()) == "".join(unicodedata.normalize("NFC", text).split())


@given(st.text(max_size=80))
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    cleaned = clean(text)
    assert "\n" not in cleaned
    assert "\x1b" not in cleaned
    assert clean("nhật ký") == "nhật ký"
