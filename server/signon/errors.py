"""How a log-on by provider or directory ends when it does not end well."""

from __future__ import annotations


class SignonError(Exception):
    """Shown as a page; the message is for the log and holds no secret."""


class Unavailable(SignonError):
    """Provider or directory could not be asked, so nothing is known about this person: neither let in nor refused."""


class Refused(SignonError):
    """This person, or this answer of the provider, is not let in. `reason` is one of REASONS in pages.py."""

    def __init__(self, reason: str, message: str = "", *, identity: str = "", wait: int | None = None) -> None:
        super().__init__(message or reason)
        self.reason, self.identity, self.wait = reason, identity, wait
