"""The page of messages: each is one that the program prints, said in both languages, and the exit codes are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import errors
from scripts import troubleshooting_page as page
from server.deploy import console as checking

ROOT = Path(__file__).parent.parent
ENTRIES = [entry for group in page.groups() for entry in group["entries"]]
ROOMS = ("agent", "collectors", "baselines", "server")
MARKS = (
    "Ă",
    "ă",
    "đ",
    "ơ",
    "ư",
    "à",
    "á",
    "ã",
    "ạ",
    "ả",
    "ê",
    "ế",
    "ề",
    "ệ",
    "ô",
    "ố",
    "ộ",
    "ị",
    "í",
    "ó",
    "ú",
    "ý",
    "ấ",
    "ầ",
    "ậ",
)


def _texts(source: str) -> Iterator[str]:
    """Every string of a program; an f-string with {} where something is filled in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def _printed() -> set[str]:
    """Of the files that hold a piece of some message at all: to take every program apart would take long."""
    longest = [max(re.split(r"%\(\w+\)\w|%\w|{}", entry["says"]), key=len) for entry in ENTRIES]
    pieces = {part[at : at + 18] for part in longest for at in (0, len(part) // 2)}
    code = [path.read_text("utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    found = {text.rstrip("\n") for source in code if any(piece in source for piece in pieces) for text in _texts(source)}
    pages = [path.read_text("utf-8") for path in (ROOT / "server/web/templates").rglob("*.html")]
    return found | {text for shown in pages for text in re.findall(r'{% translate "([^"]+)"', shown)}


def test_every_message_is_printed_by_the_program_exactly_so() -> None:
    printed = _printed()
    gone = [entry["says"] for entry in ENTRIES if entry["says"] not in printed]
    assert not gone, f"reworded or removed: {gone}"
    assert "this was never said: %s" not in printed


def test_the_likely_messages_are_there_once_each_in_both_languages() -> None:
    says = [entry["says"] for entry in ENTRIES]
    assert len(says) == len(set(says))
    assert len(says) >= 100
    for entry in ENTRIES:
        for language in ("vi", "en"):
            told = entry[language]
            assert set(told) == {"means", "do"}, entry["says"]
            assert all(text.strip() for text in told.values()), entry["says"]
        assert any(mark in entry["vi"]["means"] for mark in MARKS), entry["says"]


@pytest.mark.parametrize(("language", "first", "second"), [("vi", "Ý nghĩa", "Xử lý"), ("en", "Means", "Do")])
def test_a_page_has_the_whole_of_each_entry(language: page.Language, first: str, second: str) -> None:
    text = page.page(language)
    for entry in ENTRIES:
        assert page.shown(entry["says"]) in text
        assert f"**{first}:** {entry[language]['means']}\n\n**{second}:** {entry[language]['do']}\n" in text


def test_a_message_with_a_catalog_is_shown_in_vietnamese_and_one_without_as_it_is() -> None:
    text = page.page("vi")
    assert "### `máy này chưa ghi danh. Hãy chạy: rasoat agent enrol URL --token-file TỆP`" in text
    assert "### `no such agent is enrolled here`" in text
    assert page.shown("%(file)s has %d of %s, {}:") == "<file> has N of …, …"


def test_the_exit_codes_are_those_of_the_code() -> None:
    named = [code for code, _vi, _en in page.codes()]
    known = sorted(value for name, value in vars(errors).items() if name.isupper() and type(value) is int)
    assert len(known) >= 6
    assert named[:-1] == [str(code) for code in known]
    source = (ROOT / "agent/cli.py").read_text("utf-8")
    assert [code for code in named[-1].split(", ") if f"return {code}" not in source] == []
    assert set(checking.CODES.values()) == {0, 1, 3}, "what the table says of `rasoat server check`"
