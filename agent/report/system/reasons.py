"""Why something of the layout is not known, in the reader's language: the sentences of baselines/systems/design.py."""

from __future__ import annotations

import re

from agent.language import _, mark
from agent.report.digest import reason

SENTENCES = (
    mark("the register does not say"),
    mark("the register does not say of: %(names)s"),
    mark("the register does not say who routes for it"),
    mark("the register does not say whether it is paired"),
    mark("the register names no network of its zones"),
    mark("the register names no network of: %(names)s"),
    mark("the register calls no device a main one"),
    mark("the register names no server"),
    mark("%(name)s has addresses in it and in %(others)s: it may route past the firewall"),
    mark("%(name)s routes for it by the register, and shows no address inside it"),
    mark("the interfaces of %(names)s were not seen: one of them may route past the firewall"),
    mark("by the register its spare is %(spare)s, and nobody looked at it"),
    mark("by the register its spare is %(spare)s, and it shows that it runs beside another"),
    mark("by the register its spare is %(spare)s, and it shows that it stands alone"),
    mark("nobody looked at %(name)s"),
    mark("%(name)s says that it has %(addresses)s, none of them in %(zone)s"),
    mark("no result of `rasoat discover` was given"),
    mark("discovery did not ask the whole of: %(names)s"),
)


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(sentence).replace("%", r"%")))


_PATTERNS = tuple((sentence, _pattern(sentence)) for sentence in SENTENCES)


def told(words: str) -> str:
    """The reason of a finding about the layout. Several stand behind one another, each behind the name it is about."""
    outcome, colon, rest = words.partition(": ")
    if not colon or outcome != "unsupported":
        return reason(words)
    return "; ".join(map(_sentence, rest.split("; ")))


def _sentence(words: str) -> str:
    for sentence, pattern in _PATTERNS:
        if found := pattern.fullmatch(words):
            return _(sentence) % found.groupdict()
    name, colon, rest = words.partition(": ")
    return f"{name}: {_sentence(rest)}" if colon else words
