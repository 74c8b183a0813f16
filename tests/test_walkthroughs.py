"""The walk-throughs cannot rot unseen: commands parse, buttons exist, pictures are there, both languages take the same steps.

Playing them is scripts/walkthroughs; this only reads templates and pages.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from agent.arguments import Parser, everywhere
from agent.cli import COMMANDS, OF_THE_SERVER
from scripts.walkthroughs import pages
from scripts.walkthroughs.pages import DOCS, LANGUAGES, NAMES, Step

ROOT = Path(__file__).parents[1]
BOTH = [(language, name) for name in NAMES for language in LANGUAGES]
FORMS = r"\*\*([^*]+)\*\*"
VIETNAMESE = re.compile("[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.I)


def steps(language: str, name: str) -> list[Step]:
    return pages.steps(pages.template(language, name))


@cache
def parser_of(word: str) -> argparse.ArgumentParser:
    if word in OF_THE_SERVER:
        from server.cli import _parser

        return _parser()
    parser = Parser(prog="rasoat")
    importlib.import_module(COMMANDS[word][0]).options(parser)
    everywhere(parser)
    return parser


def refused(command: str) -> str:
    """What `rasoat` would say against it, were it typed; empty: nothing."""
    words = shlex.split(re.split(r" [<>|] ", command)[0].replace("{key}", "00" * 32))
    assert words.pop(0) == "rasoat"
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            parser_of(words[0]).parse_args(words[1:] if words[0] == "server" or words[0] not in OF_THE_SERVER else words)
        except SystemExit as stop:
            return f"{command}: {said.getvalue().strip()}" if stop.code else ""
    return ""


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_every_command_of_a_page_parses(language: str, name: str) -> None:
    typed = [command for step in steps(language, name) if step.kind == "run" for command in step.commands]
    ours = [command for command in typed if command.startswith("rasoat ")]
    assert len(ours) > 4
    assert [said for command in ours if (said := refused(command))] == []


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_commands_that_the_text_only_names_exist(language: str, name: str) -> None:
    """It may leave out what they need: `rasoat server unit import`."""
    named = re.findall(r"`(rasoat [a-z][^`…]*)`", pages.template(language, name))
    assert [said for one in named if refused(one) and (said := refused(f"{one} --help"))] == []


def test_a_command_that_is_none_is_found() -> None:
    assert refused("rasoat server token make --uses 5")
    assert refused("rasoat scan --levle 3")
    assert refused("rasoat server tokens --help")
    assert not refused("rasoat scan --level 3")


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_take_the_same_steps(name: str) -> None:
    vi, en = (steps(language, name) for language in LANGUAGES)
    told = [[(step.kind, step.place, step.text if step.kind in ("act", "picture") else "") for step in each] for each in (vi, en)]
    assert told[0] == told[1]
    commands = [[_spoken(step) for step in each if step.kind == "run"] for each in (vi, en)]
    assert commands[0] == commands[1]
    heads = [len(re.findall(r"(?m)^## \d+\. ", pages.template(language, name))) for language in LANGUAGES]
    assert heads[0] == heads[1] > 4


def _spoken(step: Step) -> list[str]:
    return [re.sub(r" --language (vi|en)", "", command) for command in step.commands]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_in_bold_is_one_of_the_pages(language: str) -> None:
    with (ROOT / "server/locale/vi/LC_MESSAGES/django.po").open("rb") as file:
        catalog = read_po(file, locale="vi")
    known = {str(entry.string if language == "vi" else entry.id) for entry in catalog if isinstance(entry.id, str)}
    labels = {label for name in NAMES for label in re.findall(FORMS, pages.template(language, name).replace("\n", " "))}
    assert len(labels) > 8
    assert labels - known == set()


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_a_story_can_do_what_its_page_asks_and_shows(language: str, name: str) -> None:
    story = importlib.import_module(f"scripts.walkthroughs.{name.replace('-', '_')}").Story
    for step in steps(language, name):
        if step.kind in ("act", "picture"):
            assert callable(
                getattr(story, step.text.replace("-", "_") if step.kind == "act" else f"picture_{step.text.replace('-', '_')}")
            )


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_pages_have_their_pictures_and_say_what_they_show(language: str, name: str) -> None:
    page = (DOCS / "walkthroughs" / language / f"{name}.md").read_text("utf-8")
    shown = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", page)
    asked = [(step.options["alt"], step.text) for step in steps(language, name) if step.kind == "picture"]
    assert [(alt, Path(file).stem) for alt, file in shown] == asked, "the page was not made of this template: play it again"
    for alt, file in shown:
        assert (DOCS / "walkthroughs" / language / file).resolve().read_bytes().startswith(b"\x89PNG"), file
        assert bool(VIETNAMESE.search(re.sub(r"BHXH\S*(?: tỉnh)?(?: [A-Z]\S+)*", "", alt))) == (language == "vi"), alt


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_pages_follow_their_templates(language: str, name: str) -> None:
    """Every line of text of the template stands in the page, and what a run said tells of no machine but the example's."""
    page = (DOCS / "walkthroughs" / language / f"{name}.md").read_text("utf-8")
    text = re.sub(r"(?ms)^```.*?^```$|^<!-- .*? -->$|^!\[.*?$", "", pages.template(language, name))
    assert [line for line in text.splitlines() if line and line not in page] == []
    typed = [command for step in steps(language, name) if step.kind == "run" for command in step.commands]
    assert [command for command in typed if "{" not in command and command not in page] == []
    assert (
        re.findall(r"/(?:work|home|tmp|root/\.)\S*|\brs1\.[0-9a-f]{8}\.|\b[0-9a-f]{64}\b|\{[a-z ]+\}", _told_by_runs(page)) == []
    )
    # clauses of the standard look like addresses, and all of their parts are small
    addresses = {
        one for one in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", page) if any(int(part) > 20 for part in one.split("."))
    }
    assert {one for one in addresses if not one.startswith("192.0.2.")} <= {"127.0.0.1"}


def _told_by_runs(page: str) -> str:
    return "\n".join(re.findall(r"(?ms)^```console\n(.*?)^```$", page))


def test_all_pictures_together_are_small() -> None:
    assert sum(file.stat().st_size for file in (DOCS / "images" / "walkthroughs").rglob("*.png")) < 3_500_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_leads_to_each_of_them(language: str) -> None:
    index = (DOCS / "walkthroughs" / language / "index.md").read_text("utf-8")
    assert all(f"({name}.md)" in index for name in NAMES)


def test_what_is_shown_is_cut_and_masked() -> None:
    assert pages.cut(list("abcdef"), {"head": "2", "tail": "1"}) == ["a", "b", pages.CUT, "f"]
    assert pages.cut(list("abc"), {"head": "2", "tail": "1"}) == list("abc")
    assert pages.masked("rs1.0a1b2c3d." + "ab" * 20 + "." + "cd" * 32) == "rs1.xxxxxxxx.xxxxxxxx"
    assert pages.masked("mật khẩu: Ab3de-Fg5hi-Jk7lm-No9pq") == "mật khẩu: xxxxx-xxxxx-xxxxx-xxxxx"
