"""Why a collector has no fact to give.

CollectError            could not look; carries a sentence for the reader
├── Unreachable         no answer came: refused, timed out, name unknown, connection cut
│   └── UnknownHost     the host key is not the one we know: nothing was sent
├── Denied              the target answered that we may not see this
├── Unsupported         this platform, release or transport has no way to answer the question
└── Unparsable          an answer came and we do not understand it

"Nothing there" is never an error: an established absence is a fact (`products=()`).
Everything else that a collector raises is a bug, and `run.collect` records it as `bug`.
"""

from __future__ import annotations

from typing import ClassVar, Literal


class CollectError(Exception):
    """Base: the question stays unanswered. `str(error)` says what happened and what to do."""

    outcome: ClassVar[Literal["unreachable", "denied", "unsupported", "unparsable"]] = "unsupported"


class Unreachable(CollectError):
    """No answer: refused, timed out, name unknown, connection cut."""

    outcome = "unreachable"


class UnknownHost(Unreachable):
    """The host's key is unknown or changed. The message holds its fingerprint and how to accept it.

    `line` is the known_hosts line that would make the key trusted, `file` where it belongs; both empty when the key
    must not simply be accepted (changed, revoked).
    """

    def __init__(self, message: str, line: str = "", file: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.file = file


class Denied(CollectError):
    """The target answered that this account may not see it."""

    outcome = "denied"


class Unsupported(CollectError):
    """This platform, release or transport cannot answer the question."""

    outcome = "unsupported"


class Unparsable(CollectError):
    """An answer came that we do not understand. Never guessed at: the verdict becomes unknown."""

    outcome = "unparsable"
