"""Wrong passwords lock accounts: how often one sweep may fail to log on, and where it stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from collectors.errors import Denied

FAILURES = 3
"""Failed log-ons after which a site (a credential, or a label of the targets file) is asked nothing more."""


class LogOns:
    """Of one sweep. No account is tried a second time on a device that refused it, whatever name it goes by."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._refused: set[tuple[str, int, str]] = set()
        self._failures: dict[str, int] = {}
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
                self._changed.notify_all()

    def _left(self, site: str) -> int:
        return FAILURES - self._failures.get(site, 0)

    def _refuse(self, account: tuple[str, int, str], sites: tuple[str, ...]) -> None:
        host, port, user = account
        if account in self._refused:
            raise Denied(f"{host}:{port}: {user} was refused here in this scan already; not tried again, so as not to lock it")
        for site in sites:
            if self._left(site) <= 0:
                raise Denied(
                    f"{host}:{port}: not tried: {FAILURES} log-ons of {site} failed in this scan; correct the password first, "
                    "then scan again"
                )
