"""The sentences of papers, in YAML: `{field}` stands for a value. A file of the organisation's own may say them otherwise,
with the fields that the shipped sentence has and no others.

Papers are Vietnamese: they are administrative documents of Vietnamese bodies, and only this text is signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from server.documents.templates import TemplateError, find, shipped

_FIELD = re.compile(r"\{([^{}]*)\}")
_FIXED = re.compile(r"columns$|_rows$|^parts\.")
"""Lists with a place for each text; others may be longer or shorter."""


class Texts:
    """The texts of one file, with the words of a wording pack."""

    def __init__(self, name: str, wording: str = "attt") -> None:
        self.name = name
        self._said = _loaded(find(name), _stamp(find(name)), name)
        self._words: dict[str, str] = {}
        if name != "wording.yaml":
            packs = Texts("wording.yaml")._said
            if wording not in packs:
                raise TemplateError(f"{find('wording.yaml')}: no wording {wording!r}; there are: {', '.join(packs)}")
            self._words = packs[wording]

    def at(self, *path: str) -> Any:
        """What stands there; None when nothing does."""
        found: Any = self._said
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def __call__(self, path: str, /, **values: object) -> str:
        """A sentence with its values, such as `say("intro.letter", number="12")`."""
        text = self.at(*path.split("."))
        if not isinstance(text, str):
            raise TemplateError(f"{find(self.name)}: {path} is missing")
        return self.filled(text, path, **values)

    def filled(self, text: str, path: str, /, **values: object) -> str:
        known = {
            **self._words,
            **{name: number(value) if isinstance(value, int) else str(value) for name, value in values.items()},
        }

        def put(found: re.Match[str]) -> str:
            if found[1] not in known:
                raise TemplateError(
                    f"{find(self.name)}: {path}: {{{found[1]}}} is no field; there are: {', '.join(sorted(known))}"
                )
            return known[found[1]]

        return _FIELD.sub(put, text)


def number(value: int) -> str:
    """A count in a sentence: below 10 with a nought, thousands apart, as offices write them."""
    return f"{value:02}" if 0 < value < 10 else f"{value:,}".replace(",", ".")


def wordings() -> dict[str, str]:
    """Id of each wording pack -> what it is called."""
    return {name: words["title"] for name, words in Texts("wording.yaml")._said.items()}


def _stamp(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_mtime_ns, told.st_size


@lru_cache(maxsize=64)
def _loaded(path: Path, _stamped: tuple[int, int], name: str) -> dict[str, Any]:
    """Held against what ships, so that a mistake is found before a paper is made. Raises TemplateError."""
    try:
        text = path.read_text("utf-8")
        own = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TemplateError(f"{path}: {error}") from None
    if path == shipped(name):
        return dict(own)
    base = yaml.safe_load(shipped(name).read_text("utf-8"))
    if not isinstance(own, dict):
        raise TemplateError(f"{path}: a table of texts is needed")
    if name == "wording.yaml":
        # packs may be added; each says all that a paper may ask of it
        mistakes = list(_incomplete(own, base))
        base = dict.fromkeys(own)
    else:
        words = {word for pack in Texts("wording.yaml")._said.values() for word in pack}
        mistakes = list(_mistakes(own, base, (), words))
    if mistakes:
        raise TemplateError("\n".join(f"{path}:{_line(text, where)}: {said}" for where, said in mistakes))
    over: dict[str, Any] = _over(base, own)
    return over


def _incomplete(own: dict[Any, Any], base: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    for pack, words in own.items():
        if not isinstance(pack, str) or not isinstance(words, dict):
            yield str(pack), f"{pack}: a table of words is needed"
            continue
        for name in next(iter(base.values())):
            if not isinstance(words.get(name), str):
                yield str(pack), f"{pack}.{name}: a text is needed"


def _mistakes(own: Any, base: Any, at: tuple[str, ...], words: set[str]) -> Iterator[tuple[str, str]]:
    where = ".".join(at)
    if isinstance(base, dict) and isinstance(own, dict):
        for key, value in own.items():
            if key not in base:
                yield str(key), f"{'.'.join((*at, str(key)))} is not known here"
            else:
                yield from _mistakes(value, base[key], (*at, str(key)), words)
    elif isinstance(base, str) and isinstance(own, str):
        yield from _fields(own, set(_FIELD.findall(base)) | words, where)
    elif isinstance(base, list) and isinstance(own, list) and all(isinstance(one, str) for one in own):
        if _FIXED.search(where) and len(own) != len(base):
            yield at[-1], f"{where}: {len(base)} texts are needed, there are {len(own)}"
        may = {field for one in base for field in _FIELD.findall(one)} | words
        for one in own:
            yield from _fields(one, may, where)
    else:
        kind = "a text, in quotation marks where it is a number or a word such as no"
        if isinstance(base, dict | list):
            kind = "a table" if isinstance(base, dict) else "a list of texts"
        yield (at[-1] if at else ""), f"{where}: {kind} is needed"


def _fields(own: str, may: set[str], where: str) -> Iterator[tuple[str, str]]:
    for field in _FIELD.findall(own):
        if field not in may:
            yield f"{{{field}}}", f"{where}: {{{field}}} is no field; this text has: {', '.join(sorted(may))}"


def _line(text: str, word: str) -> int:
    return next((number for number, line in enumerate(text.splitlines(), 1) if word in line), 1)


def _over(base: Any, own: Any) -> Any:
    if isinstance(base, dict) and isinstance(own, dict):
        return {key: _over(value, own[key]) if key in own else value for key, value in base.items()}
    return own
