"""A Shell that notes what it was asked, and asks each thing once per target."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeVar

from collectors.errors import CollectError
from collectors.model import Source, utcnow
from collectors.transports.base import TIMEOUT, Answer, Shell, Stat

T = TypeVar("T")


class Witness:
    """Wraps a Shell. `testimony()` hands over the sources noted since it was last called.

    The same question is answered from memory: several facts read /etc/os-release, and two answers to one question
    within one snapshot could contradict each other.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._noted: dict[tuple[str, str], Source] = {}
        self._memory: dict[Hashable, tuple[Any, tuple[Source, ...]] | CollectError] = {}

    def testimony(self) -> tuple[Source, ...]:
        """Sources noted since the last call, in the order they were asked; each once."""
        noted, self._noted = tuple(self._noted.values()), {}
        return noted

    @property
    def privileged(self) -> bool:
        return self._shell.privileged

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        def ask() -> tuple[Answer, list[Source]]:
            answer = self._shell.run(*argv, root=root, timeout=timeout)
            body = (answer.out + answer.err).encode()
            return answer, [_source("command", " ".join(argv), None if answer.missing else body, answer.status)]

        return self._once(("run", argv, root), ask)

    def read(self, path: str, *, root: bool = False) -> str | None:
        def ask() -> tuple[str | None, list[Source]]:
            text = self._shell.read(path, root=root)
            return text, [_source("file", path, None if text is None else text.encode())]

        return self._once(("read", path, root), ask)

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        def ask() -> tuple[Mapping[str, str], list[Source]]:
            texts = self._shell.read_all(*patterns, root=root)
            found = [_source("file", path, text.encode()) for path, text in texts.items()]
            return texts, found or [_source("file", pattern, None) for pattern in patterns]

        return self._once(("read_all", patterns, root), ask)

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        def ask() -> tuple[tuple[str, ...], list[Source]]:
            found = self._shell.names(pattern, root=root)
            return found, [_source("file", pattern, "\n".join(found).encode() if found else None)]

        return self._once(("names", pattern, root), ask)

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        return self._once(("stat", path, root), lambda: (self._shell.stat(path, root=root), [_source("file", path, None)]))

    def link(self, path: str) -> str | None:
        return self._once(("link", path), lambda: (self._shell.link(path), [_source("file", path, None)]))

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        # streamed, so not remembered: asked once, by one fact
        digest = hashlib.sha256()
        for path, stanza in self._shell.stanzas(pattern, wanted, fields):
            digest.update(repr((path, sorted(stanza.items()))).encode())
            yield path, stanza
        source = Source(kind="file", what=pattern, sha256=digest.hexdigest(), at=utcnow())
        self._noted.setdefault(("file", pattern), source)

    def _once(self, key: Hashable, ask: Callable[[], tuple[T, list[Source]]]) -> T:
        if key not in self._memory:
            try:
                value, sources = ask()
                self._memory[key] = (value, tuple(sources))
            except CollectError as error:
                self._memory[key] = error
        kept = self._memory[key]
        if isinstance(kept, CollectError):
            raise kept
        value, noted = kept
        for source in noted:
            self._noted.setdefault((source.kind, source.what), source)
        return value  # type: ignore[no-any-return]


def _source(kind: str, what: str, body: bytes | None, status: int | None = None) -> Source:
    sha256 = None if body is None else hashlib.sha256(body).hexdigest()
    return Source.model_validate({"kind": kind, "what": what, "status": status, "sha256": sha256, "at": utcnow()})
