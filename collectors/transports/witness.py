"""A Shell that notes what it was asked, and asks each thing once per target."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeVar

from collectors.errors import CollectError, Unreachable
from collectors.model import Source, utcnow
from collectors.transports.base import TIMEOUT, Answer, Shell, Stat, System
from collectors.transports.testimony import Testimony

T = TypeVar("T")

MANY = 40
"""Files of one question beyond which they are noted together, under their pattern."""

KEPT = 10_000
"""Paragraphs of package lists that are remembered: about 5 MB."""


class Witness(Testimony):
    """Wraps a Shell. `testimony()` hands over the sources noted since it was last called.

    The same question is answered from memory: several facts read /etc/os-release, and two answers to one question
    within one snapshot could contradict each other.
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._shell = shell
        self._memory: dict[Hashable, tuple[Any, tuple[Source, ...]]] = {}

    @property
    def privileged(self) -> bool:
        return self._shell.privileged

    @property
    def system(self) -> System:
        return self._shell.system

    def run_script(self, name: str, *, timeout: float) -> str:
        what = f"powershell -File {name}"

        def ask() -> tuple[str, list[Source]]:
            text = self._shell.run_script(name, timeout=min(timeout, self._left()))
            return text, [_source("command", what, text.encode(), 0)]

        return self._once(("run_script", name), ask, [("command", what)])

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        what = " ".join(argv)

        def ask() -> tuple[Answer, list[Source]]:
            answer = self._shell.run(*argv, root=root, timeout=min(timeout, self._left()))
            body = (answer.out + answer.err).encode()
            return answer, [_source("command", what, None if answer.missing else body, answer.status)]

        return self._once(("run", argv, root), ask, [("command", what)])

    def read(self, path: str, *, root: bool = False) -> str | None:
        def ask() -> tuple[str | None, list[Source]]:
            text = self._shell.read(path, root=root)
            return text, [_source("file", path, None if text is None else text.encode())]

        return self._once(("read", path, root), ask, [("file", path)])

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        def ask() -> tuple[Mapping[str, str], list[Source]]:
            texts = self._shell.read_all(*patterns, root=root)
            if len(texts) > MANY:
                # a list of a hundred process files tells a reader less than the pattern they came from
                body = "\0".join(f"{path}\0{text}" for path, text in texts.items()).encode()
                return texts, [_source("file", " ".join(patterns), body)]
            found = [_source("file", path, text.encode()) for path, text in texts.items()]
            return texts, found or [_source("file", pattern, None) for pattern in patterns]

        return self._once(("read_all", patterns, root), ask, [("file", pattern) for pattern in patterns])

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        def ask() -> tuple[tuple[str, ...], list[Source]]:
            found = self._shell.names(pattern, root=root)
            return found, [_source("file", pattern, os.fsencode("\n".join(found)) if found else None)]

        return self._once(("names", pattern, root), ask, [("file", pattern)])

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        def ask() -> tuple[Stat | None, list[Source]]:
            return self._shell.stat(path, root=root), [_source("file", path, None)]

        return self._once(("stat", path, root), ask, [("file", path)])

    def link(self, path: str) -> str | None:
        def ask() -> tuple[str | None, list[Source]]:
            return self._shell.link(path), [_source("file", path, None)]

        return self._once(("link", path), ask, [("file", path)])

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        # streamed: 50 MB of lists. What a few thousand packages have in them is remembered, more is asked again
        key = ("stanzas", pattern, wanted, fields)
        if key in self._memory:
            rows, noted = self._memory[key]
            self._note(*noted)
            yield from rows
            return
        self._left()
        digest = hashlib.sha256()
        whole = None
        kept: list[tuple[str, Mapping[str, str]]] = []
        count = 0
        try:
            for path, stanza in self._shell.stanzas(pattern, wanted, fields):
                digest.update(repr((path, sorted(stanza.items()))).encode())
                count += 1
                if count <= KEPT:
                    kept.append((path, stanza))
                elif kept:
                    kept.clear()
                yield path, stanza
            whole = digest.hexdigest()
        finally:
            source = Source(kind="file", what=pattern, sha256=whole, at=utcnow())
            self._note(source)
        if count <= KEPT:
            self._memory[key] = (tuple(kept), (source,))

    def _once(self, key: Hashable, ask: Callable[[], tuple[T, list[Source]]], asked: list[tuple[str, str]]) -> T:
        """The remembered answer, or a new one. `asked` is what a refusal is noted under: that too is testimony."""
        if key not in self._memory:
            left = self._left()
            try:
                value, sources = ask()
            except CollectError as error:
                # a fact that had little time left must not speak for the next one, which has all of its own
                noted = tuple(_source(kind, what, None) for kind, what in asked)
                if not isinstance(error, Unreachable) or left > TIMEOUT:
                    self._memory[key] = (error.with_traceback(None), noted)
                self._note(*noted)
                raise
            self._memory[key] = (value, tuple(sources))
        kept, noted = self._memory[key]
        self._note(*noted)
        if isinstance(kept, CollectError):
            raise kept.with_traceback(None)
        return kept  # type: ignore[no-any-return]


def _source(kind: str, what: str, body: bytes | None, status: int | None = None) -> Source:
    sha256 = None if body is None else hashlib.sha256(body).hexdigest()
    # a file name may hold bytes that are no UTF-8; JSON cannot carry them
    shown = what.encode("utf-8", "backslashreplace").decode()
    return Source.model_validate({"kind": kind, "what": shown, "status": status, "sha256": sha256, "at": utcnow()})
