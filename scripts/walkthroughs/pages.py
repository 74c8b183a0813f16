"""From a template to a page: what a reader types is run where it says, and what came back is written below it.

A template is Markdown with these of its own:

    ```console PLACE [head=N] [tail=N] [code=N,N] [add="..."]
    $ a command
    ```
        run at that place; its output is put below it, cut to its first and last lines. `code`: how it may end (0). Words of `{...}`
        are what an earlier act noted
    ```yaml PLACE:PATH          the text is shown, and written into that file
    <!-- act: NAME -->          something the story does meanwhile; not in the page
    ![what it shows](NAME.png)  a picture is taken now
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

TEMPLATES = Path(__file__).parent / "templates"
DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("vi", "en")
NAMES = ("scheduled-scans", "ad-hoc-audit", "pre-holiday-sweep", "dossier")
CUT = "[…]"
_FENCE = re.compile(r"^```(?P<kind>\w+)(?: (?P<rest>[^\n]+))?\n(?P<body>.*?)^```$", re.M | re.S)
_ACT = re.compile(r"^<!-- act: ([\w-]+) -->\n", re.M)
_PICTURE = re.compile(r"^!\[(?P<alt>[^\]]+)\]\((?P<name>[\w-]+)\.png\)$", re.M)
MASKS = (
    (re.compile(r"\brs1\.[0-9a-f]{8}\.[0-9a-f]{40}(\.[0-9a-f]+)?"), "rs1.xxxxxxxx.xxxxxxxx"),
    (re.compile(r"\b[0-9A-Za-z]{5}(?:-[0-9A-Za-z]{5}){3}\b"), "xxxxx-xxxxx-xxxxx-xxxxx"),
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b"), "…"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
)
"""What is secret, or another one at every run."""


class Step(NamedTuple):
    """One thing a template asks for."""

    kind: str  # run | file | act | picture
    place: str
    text: str
    options: dict[str, str]
    start: int
    end: int

    @property
    def commands(self) -> list[str]:
        """What is typed; a line that ends in a backslash goes on."""
        joined = self.text.replace("\\\n", "")
        return [line[2:].strip() for line in joined.splitlines() if line.startswith(("$ ", "# "))]


def template(language: str, name: str) -> str:
    return (TEMPLATES / language / f"{name}.md").read_text("utf-8")


def steps(text: str) -> list[Step]:
    """In order."""
    return sorted(_found(text), key=lambda step: step.start)


def _found(text: str) -> Iterator[Step]:
    for match in _FENCE.finditer(text):
        words = shlex.split(match["rest"] or "")
        options = dict(word.split("=", 1) for word in words[1:])
        if match["kind"] == "console":
            yield Step("run", words[0], match["body"], options, *match.span())
        elif words:
            yield Step("file", words[0], match["body"], options, *match.span())
    for match in _ACT.finditer(text):
        yield Step("act", "", match[1], {}, *match.span())
    for match in _PICTURE.finditer(text):
        yield Step("picture", "", match["name"], {"alt": match["alt"]}, *match.span())


class Played:
    """One walk-through while it is played."""

    def __init__(self, language: str, name: str, story: Any, pictures: Path) -> None:
        self.language, self.name, self.story, self.pictures = language, name, story, pictures

    def page(self) -> str:
        text = template(self.language, self.name)
        out, at = [], 0
        for step in steps(text):
            out.append(text[at : step.start])
            print(f"{self.language} {self.name}: {step.kind} {step.text.strip()[:90]!r}", flush=True)
            out.append(getattr(self, f"_{step.kind}")(step, text))
            at = step.end
        out.append(text[at:])
        return "".join(out)

    def _run(self, step: Step, text: str) -> str:
        allowed = {int(one) for one in step.options.get("code", "0").split(",")}
        said = []
        for command in step.commands:
            done = self.story.place(step.place).run(filled(command, self.story.noted))
            assert done.returncode in allowed, f"{command}\nended with {done.returncode}:\n{done.stdout}"
            self.story.heard(done.stdout)
            said.append(masked(done.stdout))
        shown = []
        blocks = re.split(r"(?m)^(?=[$#] )", step.text)
        for block, output in zip([one for one in blocks if one], said, strict=True):
            lines = cut(output.rstrip().splitlines(), step.options)
            shown.append(masked(filled(block, self.story.noted)).rstrip("\n") + "\n" + "".join(f"{line}\n" for line in lines))
        return "```console\n" + "\n".join(shown) + "```"

    def _file(self, step: Step, text: str) -> str:
        where, path = step.place.split(":", 1)
        body = filled(step.text, self.story.noted)
        self.story.place(where).write(path, body, int(step.options.get("mode", "644"), 8))
        kind = text[step.start + 3 : step.end].split(maxsplit=1)[0]
        return f"```{kind}\n{body}```"

    def _act(self, step: Step, text: str) -> str:
        getattr(self.story, step.text.replace("-", "_"))()
        return ""

    def _picture(self, step: Step, text: str) -> str:
        file = self.pictures / f"{step.text}.png"
        shot: Callable[[Path], None] = getattr(self.story, f"picture_{step.text.replace('-', '_')}")
        shot(file)
        return shown(step, self.language)


def retold(text: str, page: str, language: str) -> str:
    """The page in another wording: what a run said stays. Raises ValueError where what is typed is another thing."""
    ours, theirs = ([*_FENCE.finditer(one)] for one in (text, page))
    if len(ours) != len(theirs):
        raise ValueError("other blocks than the page has; play it again")
    said = {mine.start(): there for mine, there in zip(ours, theirs, strict=True)}
    out, at = [], 0
    for step in steps(text):
        out.append(text[at : step.start])
        at = step.end
        if step.kind == "picture":
            out.append(shown(step, language))
        elif step.kind != "act":
            there = said[step.start][0]
            typed = [line[2:] for line in step.text.splitlines() if line.startswith(("$ ", "# ")) and "{" not in line]
            if step.kind == "run" and (changed := [line for line in typed if line not in there]):
                raise ValueError(f"{changed[0]}: not in the page; play it again")
            out.append(there)
    return "".join([*out, text[at:]])


def shown(step: Step, language: str) -> str:
    return f"![{step.options['alt']}](../../images/walkthroughs/{language}/{step.text}.png)"


def filled(text: str, noted: Mapping[str, str]) -> str:
    for name, value in noted.items():
        text = text.replace("{" + name + "}", value)
    return text


def masked(text: str) -> str:
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text


def cut(lines: list[str], options: Mapping[str, str]) -> list[str]:
    """The first and the last of them, and a mark where some are left out."""
    head, tail = int(options.get("head", len(lines))), int(options.get("tail", 0))
    if head + tail >= len(lines):
        return lines
    return [*lines[:head], CUT, *(lines[-tail:] if tail else [])]
