"""Every `rasoat ...` that a page tells people to type is one that the command line takes: words, options, values, how many."""

from __future__ import annotations

import argparse
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.cli import OF_THE_SERVER
from scripts.command_lines import parsers, speaking, subcommands

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("server/**/*.md")])
MADE = {"docs/agreement.md", "docs/cli.md", "docs/commands.md", "docs/coverage.md"}
"""Sentences of others, usage lines made of the parsers themselves, questions to machines."""
START = re.compile(r"(?:/\S*/|\./)?rasoat(?:-agent)? (?=[a-z-])")
BEFORE = re.compile(r"\$ |# |sudo (?:-u \w+ )?|runuser -u \w+ -- |nice |env |[A-Z_]+=\S* |if |while ")
PLACEHOLDER = re.compile(r"[A-ZĐÀ-Ỹ][A-ZĐÀ-Ỹ0-9_.-]*|.*(?:…|\.\.\.).*|<.*>|[A-Z].*\.(?:yaml|zip|md)")
OPEN_END = ("...", "…", "ACTION")

with speaking("en"):
    PARSERS = parsers()


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Lines of code with their number, continued ones joined; whatever prints, not only what is typed."""
    fenced, joined, first = False, "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            first, joined = first or number, joined + line.strip()
            if joined.endswith("\\"):
                joined = joined[:-1] + " "
                continue
            yield first, joined
            first, joined = 0, ""


def spans(text: str) -> Iterator[tuple[int, str]]:
    """What stands between backticks in prose and tables."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if not fenced and not line.startswith("    "):
            for found in re.findall(r"`([^`]+)`", line):
                yield number, found.replace("\\|", "|")


def commands(line: str) -> Iterator[str]:
    """Each `rasoat ...` of a line, without what the shell does with it, who runs it, and remarks."""
    line = re.split(r"(?:^|\s)#\s", line)[0]
    for part in re.split(r"\s\|\|?\s|&&|;(?=\s|$)|\$\(|[\s(]do\s|[\s]then\s", line):
        part = re.split(r"\s2?>{1,2}\s?\S|\s<\s", part)[0].strip(" ()")
        while before := BEFORE.match(part):
            part = part[before.end() :]
        if START.match(part):
            yield part


def mistakes(command: str, whole: bool) -> list[str]:
    """What the command line would not take. `whole`: it is there to be typed, so nothing may be missing."""
    bare = re.sub(r"\[|\](?!\S)", "", command)
    try:
        words = shlex.split(bare)[1:]
    except ValueError as error:
        return [str(error)]
    if words and words[0] in OF_THE_SERVER[1:]:
        words = ["server", *words]
    if not words or words[0] not in PARSERS:
        return [] if words and words[0].startswith("--") else [f"no command {words[:1]}"]
    if words[-1] in OPEN_END and not words[-2].startswith("-"):
        whole, words = False, words[:-1]
    elif "..." in words[:-1] and not any(before.startswith("-") and word == "..." for before, word in pairwise(words)):
        whole, words = False, [word for word in words if word != "..."]
    found = list(_walk(PARSERS[words[0]], words[1:], whole))
    if whole and not found and bare == command and not any(PLACEHOLDER.fullmatch(word) or "|" in word for word in words):
        found += _parse(words)
    return found


def _walk(parser: argparse.ArgumentParser, words: list[str], whole: bool) -> Iterator[str]:
    options = {name: action for action in parser._actions for name in action.option_strings}
    places = [
        action for action in parser._actions if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
    ]
    required = {action.dest for action in parser._actions if action.option_strings and action.required}
    below, given = subcommands(parser), []
    words = list(words)
    while words:
        word = words.pop(0)
        name, _equals, value = word.partition("=")
        if word.startswith("-") and word != "-":
            if name not in options:
                yield f"{parser.prog}: no option {name}"
                return
            action = options[name]
            required.discard(action.dest)
            if action.nargs != 0:
                if not value and not words:
                    if whole:
                        yield f"{parser.prog} {name}: a value is missing"
                    return
                yield from _value(parser, action, value or words.pop(0))
                while action.nargs in ("*", "+") and words and not words[0].startswith("-"):
                    yield from _value(parser, action, words.pop(0))
        elif below:
            for option in word.split("|"):
                if option not in below:
                    yield f"{parser.prog}: no action {option}"
                else:
                    yield from _walk(below[option], words, whole)
            return
        else:
            given.append(word)
    if below and whole:
        yield f"{parser.prog}: an action is missing"
    many = any(action.nargs in ("*", "+", argparse.REMAINDER) for action in places)
    if len(given) > len(places) and not many:
        yield f"{parser.prog}: too many words: {given}"
    needed = [action for action in places if action.nargs not in ("*", "?", argparse.REMAINDER)]
    if whole and (len(given) < len(needed) or required):
        yield f"{parser.prog}: missing: {[action.dest for action in needed[len(given) :]]} {sorted(required)}"
    for action, word in zip(places, given, strict=False):
        yield from _value(parser, action, word)


def _value(parser: argparse.ArgumentParser, action: argparse.Action, word: str) -> Iterator[str]:
    if action.choices is not None and not PLACEHOLDER.fullmatch(word):
        known = {str(choice) for choice in action.choices}
        for option in word.split("|"):
            if option not in known:
                yield f"{parser.prog}: {action.dest}: {option} is none of {sorted(known)}"


def _parse(words: list[str]) -> list[str]:
    """What argparse itself says; whatever it takes runs nothing."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            PARSERS[words[0]].parse_args(words[1:])
    except SystemExit:
        return [said.getvalue().strip().splitlines()[-2:][0]]
    return []


def _written(page: Path) -> list[SimpleNamespace]:
    text = page.read_text("utf-8")
    shown = str(page.relative_to(ROOT))
    if shown in MADE:
        return []
    typed = [
        SimpleNamespace(at=f"{shown}:{number}", text=one, whole=True) for number, line in blocks(text) for one in commands(line)
    ]
    named = [
        SimpleNamespace(at=f"{shown}:{number}", text=one, whole=False)
        for number, span in spans(text)
        if START.match(span)
        for one in commands(span)
    ]
    return typed + named


def test_every_command_that_a_page_names_is_one_that_the_command_line_takes() -> None:
    found = [one for page in PAGES for one in _written(page)]
    assert len(found) > 200, "the pages are read as they are written"
    wrong = [f"{one.at}: {one.text}: {problem}" for one in found for problem in mistakes(one.text, one.whole)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "command",
    [
        "rasoat scan --levle 3",
        "rasoat scan --level",
        "rasoat server init --level 9",
        "rasoat scan --format pdf",
        "rasoat scan here",
        "rasoat look",
        "rasoat server init --until now",
        "rasoat server token",
        "rasoat server token newer",
        "rasoat server unit list|grow",
        "rasoat server move",
        "rasoat server token new --uses 0",
        "rasoat feed bring FILE",
        "rasoat verify 'open",
    ],
)
def test_what_the_command_line_would_not_take_is_a_mistake(command: str) -> None:
    assert mistakes(command, whole=True)


def test_lines_are_taken_apart_as_a_shell_would() -> None:
    line = "sudo -u rasoat /opt/rasoat/bin/rasoat server journal export FILE && rasoat version   # both"
    assert list(commands(line)) == ["/opt/rasoat/bin/rasoat server journal export FILE", "rasoat version"]
    assert list(commands("rasoat relay unit > /etc/systemd/system/rasoat-relay.service")) == ["rasoat relay unit"]
    assert not list(commands("what rasoat says of a host"))
    assert [text for _number, text in blocks("    rasoat a \\\n        b\n")] == ["rasoat a  b"]


@pytest.mark.parametrize(
    "target", sorted({name for page in PAGES for name in re.findall(r"`make ([a-z-]+)(?:`| [A-Z])", page.read_text("utf-8"))})
)
def test_every_target_of_make_that_a_page_names_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.M)


def test_every_file_of_the_repository_that_a_page_names_is_there() -> None:
    rooms = "deploy|docs|scripts|bench|tests|server|agent|collectors|baselines"
    named = {(page.name, path) for page in PAGES for path in re.findall(rf"`((?:{rooms})/[\w./-]+)`", page.read_text("utf-8"))}
    assert len(named) > 40
    lost = [f"{page}: {path}" for page, path in sorted(named) if not (ROOT / path).exists()]
    assert not [one for one in lost if not re.search(r"/[A-Z]+(?:/|$)", one)]
