"""Every text of the command line exists in both languages."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from agent.language import wanted
from tests.agent.conftest import PACK, ROOT, Run

PO = ROOT / "agent" / "locale" / "vi" / "LC_MESSAGES" / "rasoat.po"
COMMANDS = (
    [],
    ["scan"],
    ["judge"],
    ["system"],
    ["system", "check"],
    ["system", "judge"],
    ["discover"],
    ["inventory"],
    ["inventory", "check"],
    ["inventory", "import"],
    ["configuration"],
    ["configuration", "key"],
    ["configuration", "backup"],
    ["configuration", "list"],
    ["configuration", "open"],
    ["credential"],
    ["credential", "add"],
    ["credential", "list"],
    ["credential", "remove"],
    ["baseline"],
    ["baseline", "list"],
    ["baseline", "show"],
    ["baseline", "check"],
    ["baseline", "coverage"],
    ["baseline", "export"],
    ["baseline", "schema"],
    ["agent"],
    ["agent", "enrol"],
    ["agent", "once"],
    ["agent", "run"],
    ["agent", "status"],
    ["agent", "service"],
    ["relay"],
    ["relay", "init"],
    ["relay", "run"],
    ["relay", "status"],
    ["relay", "unit"],
    ["verify"],
    ["case"],
    ["case", "record"],
    ["version"],
)
NEUTRAL = {"%(folder)s: %(why)s"}
"""The same in both languages."""


def texts_in_code() -> Iterator[str]:
    """Every text that goes through the catalog, those inside f-strings included."""
    for path in (ROOT / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "mark", "plural"):
                for argument in node.args[: 2 if node.func.id == "plural" else 1]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield argument.value


def translations() -> dict[str, str]:
    with PO.open("rb") as source:
        catalog = read_po(source)
    found = {}
    for message in catalog:
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            text = message.string[0] if isinstance(message.string, tuple) else message.string
            found.update(dict.fromkeys(ids, text))
            assert not message.fuzzy, message.id
    return found


def test_every_text_has_a_vietnamese_translation() -> None:
    known = translations()
    asked = set(texts_in_code())
    assert len(asked) > 200
    assert sorted(text for text in asked if not known.get(text)) == []


def test_no_translation_is_left_over() -> None:
    argparse = re.compile(r"argument|option|usage|choice|show this help|value: ")
    assert sorted(text for text in set(translations()) - set(texts_in_code()) if not argparse.search(text)) == []


def test_translations_keep_the_places_for_values() -> None:
    place = re.compile(r"%(?:\(\w+\))?[-0-9.]*[sdrf]")
    for message, text in translations().items():
        assert sorted(place.findall(text)) == sorted(place.findall(message)), message


def test_vietnamese_is_written_with_its_marks_composed_and_differs_from_english() -> None:
    for message, text in translations().items():
        assert text == unicodedata.normalize("NFC", text)
        assert message in NEUTRAL or text != message, message


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_speaks_vietnamese_throughout(rasoat: Run, words: list[str]) -> None:
    done = rasoat(*words, "--help", "--lang", "vi")
    assert done.returncode == 0, done.stderr
    assert "cách dùng: rasoat" in done.stdout
    for english in ("usage:", "options:", "positional", "show this", "(default", " the ", "everywhere"):
        assert english not in done.stdout


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_speaks_english_throughout(rasoat: Run, words: list[str]) -> None:
    done = rasoat(*words, "--help", env={"LC_ALL": "vi_VN.UTF-8"} | {"LC_ALL": "en_US.UTF-8"})
    assert done.returncode == 0
    assert "usage: rasoat" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("words", "locale", "language"),
    [
        ([], {"LANG": "vi_VN.UTF-8"}, "vi"),
        ([], {"LC_ALL": "vi"}, "vi"),
        ([], {"LC_ALL": "en_US.UTF-8", "LANG": "vi_VN.UTF-8"}, "en"),
        ([], {"LC_MESSAGES": "vi_VN", "LANG": "en_US"}, "vi"),
        ([], {"LC_ALL": "", "LANG": "vi_VN"}, "vi"),
        ([], {"LANG": "vim_XX"}, "en"),
        ([], {"LANG": "C"}, "en"),
        ([], {}, "en"),
        (["--lang", "en"], {"LANG": "vi_VN.UTF-8"}, "en"),
        (["scan", "--lang=vi"], {}, "vi"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_locale(words: list[str], locale: dict[str, str], language: str) -> None:
    assert wanted(words, locale) == language


def test_the_locale_of_the_reader_does_not_change_what_the_machine_is_asked_in(rasoat: Run) -> None:
    english = rasoat("scan", "--baseline", PACK, "--format", "json")
    vietnamese = rasoat("scan", "--baseline", PACK, "--format", "json", env={"LC_ALL": "vi_VN.UTF-8", "LANGUAGE": "vi"})
    assert english.returncode == vietnamese.returncode
    import json

    def verdicts(text: str) -> list[tuple[str, str]]:
        return [(result["requirement"], result["verdict"]) for result in json.loads(text)["results"]]

    assert verdicts(english.stdout) == verdicts(vietnamese.stdout)


def test_mistakes_are_told_in_the_reader_s_language(rasoat: Run, tmp_path: Path) -> None:
    done = rasoat("judge", tmp_path / "none.json", "--lang", "vi")
    assert done.returncode == 2
    assert "không đọc được" in done.stderr
    assert "cần một giá trị" in rasoat("scan", "--level", "--lang", "vi").stderr
