"""Wrong passwords lock accounts: how often log-ons may fail, in one sweep or over many, and where it stops."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from collectors.errors import Denied
from collectors.model import Target

FAILURES = 3
"""Failed log-ons after which a site (a credential, or a label of the targets file) is asked nothing more."""


class Refused(NamedTuple):
    """One log-on that failed."""

    host: str
    port: int
    user: str
    sites: tuple[str, ...]

    @property
    def account(self) -> tuple[str, int, str]:
        return self.host, self.port, self.user


def sites_of(target: Target) -> tuple[str, ...]:
    """What is taken for one site: everything with this credential, and everything with one of these labels."""
    return tuple(dict.fromkeys((f"credential {target.credential}", *(f"label {label}" for label in target.labels))))


def port_of(target: Target) -> int:
    """Where a log-on to it goes."""
    return target.port or (5986 if target.via == "winrm" else 22)


class LogOns:
    """Of one sweep. No account is tried a second time on a device that refused it, whatever name it goes by.

    `before`: what earlier sweeps were refused and nobody has corrected since. It counts like a refusal of this one.
    """

    def __init__(self, before: Iterable[Refused] = ()) -> None:
        self._changed = threading.Condition()
        self._before = {refused.account: refused for refused in before}
        self._refused = set(self._before)
        self._failures: dict[str, int] = {}
        for refused in self._before.values():
            for site in refused.sites:
                self._failures[site] = self._failures.get(site, 0) + 1
        self._proven: set[str] = set()
        self._trying: dict[str, int] = {}

    @contextmanager
    def one(self, host: str, port: int, user: str, sites: tuple[str, ...]) -> Iterator[None]:
        """Around one log-on: a Denied inside counts as failed. Raises Denied, without trying, where none may be tried.

        Until a site has let somebody in, no more than FAILURES are under way there at once: fifty threads with one
        wrong password would lock the account before the first refusal is back.
        """
        account = (host.lower(), port, user)
        with self._changed:
            while True:
                self._refuse(account, sites)
                if all(site in self._proven or self._trying.get(site, 0) < self._left(site) for site in sites):
                    break
                self._changed.wait()
            for site in sites:
                self._trying[site] = self._trying.get(site, 0) + 1
        denied: bool | None = None
        try:
            yield
            denied = False
        except Denied:
            denied = True
            raise
        finally:
            with self._changed:
                for site in sites:
                    self._trying[site] -= 1
                    if denied:
                        self._failures[site] = self._failures.get(site, 0) + 1
                        self._proven.discard(site)
                    elif denied is False and not self._failures.get(site):
                        self._proven.add(site)
                if denied:
                    self._refused.add(account)
                    self.note(Refused(*account, sites))
                self._changed.notify_all()

    def note(self, refused: Refused) -> None:
        """A log-on has failed just now. For who remembers it beyond this sweep."""

    def _left(self, site: str) -> int:
        return FAILURES - self._failures.get(site, 0)

    def _refuse(self, account: tuple[str, int, str], sites: tuple[str, ...]) -> None:
        host, port, user = account
        if account in self._before:
            raise Denied(
                f"{host}:{port}: {user} was refused here by an earlier scan, and its password is still the same; not tried again, "
                "so as not to lock it"
            )
        if account in self._refused:
            raise Denied(f"{host}:{port}: {user} was refused here in this scan already; not tried again, so as not to lock it")
        for site in sites:
            if self._left(site) <= 0:
                raise Denied(
                    f"{host}:{port}: not tried: {FAILURES} log-ons of {site} failed in this scan; correct the password first, "
                    "then scan again"
                )
