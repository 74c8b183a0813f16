"""After how many idle seconds does the shell end a log-on by itself: TMOUT?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Limit
from collectors.transports.base import Shell

_FILES = (
    "/etc/profile",
    "/etc/profile.d/*.sh",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/profile.local",
    "/etc/bash.bashrc.local",
)

_SET = re.compile(r"(?<![\w$\{-])TMOUT=(\"[^\"]*\"|'[^']*'|[^\s;&|)]*)")
_DEFAULT = re.compile(r"\$\{TMOUT:?=([^}]*)\}")
_UNSET = re.compile(r"\bunset\s+(?:-v\s+)?(?:\w+\s+)*TMOUT\b")
_OPEN = re.compile(
    r"(?:^|[;&|]|\bthen|\belse|\bdo)\s*(?:(?:if|case|for|while|until|select)\b|(?:function\s+)?[\w-]+\s*\(\)\s*\{)"
)
_CLOSE = re.compile(r"(?:^|[;&|]\s*)(?:(?:fi|esac|done)\b|\})")
_HARMLESS = re.compile(r"TMOUT|\$-|PS1|BASH|-t\s+[012]\b")
"""Conditions that hold for every shell a person sits at, or that ask whether TMOUT is set already."""


def shell_timeout(shell: Shell) -> Limit:
    """Seconds; unlimited when no start file sets TMOUT, or one sets it to 0. Of several values the weakest counts.

    Raises Unsupported where no start file exists, Unparsable where TMOUT comes from a variable or is set only under a
    condition that the files alone do not decide.
    """
    texts = shell.read_all(*_FILES)
    if not texts:
        raise Unsupported("none of the shell's start files (/etc/profile, /etc/bashrc ...) is seen here")
    found = [value for path, text in texts.items() for value in settings(path, text)]
    # what is unset and then set anew is set
    if not found or found[-1] is None or "unlimited" in found:
        return "unlimited"
    return max(value for value in found if isinstance(value, int))


def settings(path: str, text: str) -> Iterator[Limit | None]:
    """Every value that one start file gives TMOUT; None where it takes it away."""
    conditions: list[str] = []
    for number, line in _statements(text):
        conditions += [_condition(line[opened.end() :]) for opened in _OPEN.finditer(line)]
        values = [*_SET.findall(line), *_DEFAULT.findall(line)]
        for value in values:
            guards = [*conditions, *_guard(line)]
            if any(not _HARMLESS.search(guard) for guard in guards):
                raise Unparsable(f"{path} line {number}: TMOUT is set under a condition that the file alone does not decide")
            yield _seconds(value.strip("\"' "), f"{path} line {number}")
        if _UNSET.search(line):
            yield None
        for _ in range(len(_CLOSE.findall(line))):
            if conditions:
                conditions.pop()


def _statements(text: str) -> Iterator[tuple[int, str]]:
    held, start = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        start = start or number
        line = re.sub(r"(?:^|(?<=\s))#.*", "", raw)
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        if (held + line).strip():
            yield start, (held + line).strip()
        held, start = "", 0
    if held.strip():
        yield start, held.strip()


def _condition(rest: str) -> str:
    """What is asked: up to then, do, in; for a function, nothing: it may never be called."""
    return re.split(r";|\bthen\b|\bdo\b|\bin\b", rest, maxsplit=1)[0]


def _guard(line: str) -> list[str]:
    """What stands before && or || on the line that sets it."""
    head = re.split(r"TMOUT=", line, maxsplit=1)[0]
    return [head] if "&&" in head or "||" in head else []


def _seconds(value: str, where: str) -> Limit:
    if value == "":
        return "unlimited"
    if not re.fullmatch(r"\d{1,9}", value, re.A):
        raise Unparsable(f"{where}: TMOUT is not a plain number")
    return int(value) or "unlimited"
