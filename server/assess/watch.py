"""Packs of an organisation's own, which may change while the collector runs: every process notices by itself.

What lies in the data directory comes into force when it has stood still for two looks and loads without a mistake. Until then,
and for as long as it does not load, the pack before stays in force, here and in processes that begin later: the database
knows which one it is and keeps its texts. Nothing is judged by half a file.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.utils import timezone

from baselines.loader import BaselineError
from baselines.model import Baseline
from server.assess import kept, packs
from server.journal import models as journal
from server.storage.models import InForce
from server.units.models import Unit

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
PREFIX = "pack "
State = tuple[tuple[str, int, int, int], ...]

refused: dict[str, str] = {}
"""By pack: why what lies there now is not in force in this process."""


def state() -> State:
    """What lies there, looked at from outside: some dozens of `stat`. Raises OSError."""
    files = sorted(settings.DATA.packs.glob("*/*.yaml"))
    return tuple((str(path), found.st_ctime_ns, found.st_size, found.st_ino) for path in files for found in (path.stat(),))


class Watch(threading.Thread):
    """Looks again and again; for the first time before it starts, and so before anything is judged by this process."""

    def __init__(self, every: float = EVERY_SECONDS) -> None:
        super().__init__(name="packs", daemon=True)
        self._every, self._over = every, threading.Event()
        self._settled: State | None = None
        self._candidate: State | None = None
        self._owed = False

    def start(self) -> None:
        """With the database away the thread goes on trying; until then what can be read is in force."""
        self._guarded(self._take)
        super().start()

    def run(self) -> None:
        while not self._over.wait(self._every):
            self._guarded(self.look)
            connections.close_all()

    def end(self) -> None:
        self._over.set()

    def look(self) -> None:
        """One look: nothing, or wait whether it changes further, or take it."""
        now = state()
        if now == self._settled and not self._owed:
            return
        if now != self._candidate:
            self._candidate = now
            return
        self._take()

    def _take(self) -> None:
        before = state()
        names = {path.parent.name for path in settings.DATA.packs.glob("*/standard.yaml")} | packs.held()
        for name in sorted(names | _missing(names)):
            self._owed |= _put_in_force(name)
        if self._owed:
            _judge_again()
        self._owed = False
        if state() == before:  # or what was read is not what was looked at
            self._settled = before

    def _guarded(self, step: Callable[[], Any]) -> None:
        try:
            step()
        except (DatabaseError, InterfaceError, OSError) as error:
            log.warning("packs are looked at again: %s", error)
        except Exception:  # whoever ended here would be missed by nobody
            log.exception("the watch over packs")


def _missing(there: set[str]) -> set[str]:
    """Packs that were in force, are gone from here, and that units are held to."""
    known = {name.removeprefix(PREFIX) for name in InForce.objects.filter(name__startswith=PREFIX).values_list("name", flat=True)}
    return set(Unit.objects.filter(baseline__in=known - there).values_list("baseline", flat=True)) if known - there else set()


def _put_in_force(name: str) -> bool:
    """Whether this process judges otherwise from now on. First the database knows it, then this process does it."""
    try:
        fresh = packs.read(name)
    except (BaselineError, OSError) as error:
        _refuse(name, " ".join(str(error).split()))
        return False
    kept.note(fresh, None)
    with transaction.atomic():
        if before := _former(name, fresh):
            journal.write("pack.changed", "collector", subject=name, before=before, digest=fresh.digest, version=fresh.version)
    refused.pop(name, None)
    return packs.hold(name, fresh)


def _former(name: str, fresh: Baseline) -> str:
    """The digest before, if it is us who put this one in its place."""
    here = {"fingerprint": fresh.digest, "place": socket.gethostname(), "refused": ""}
    row, new = InForce.objects.get_or_create(name=PREFIX + name, defaults=here)
    if new or row.fingerprint == fresh.digest:
        InForce.objects.filter(pk=row.pk).exclude(refused="").update(refused="")
        return ""
    as_read = InForce.objects.filter(pk=row.pk, fingerprint=row.fingerprint)
    return row.fingerprint if as_read.update(since=timezone.now(), **here) else ""


def stands(name: str) -> bool:
    """While what lies there now is refused, the one before is in force in this process; else none of that name is."""
    return name in packs.held()


def said(name: str) -> str:
    """What became of a refused one, for logs and monitoring."""
    return "the one before stays in force" if stands(name) else "none of that name was in force before, and none is now"


def _refuse(name: str, why: str) -> None:
    place = {"fingerprint": "", "place": socket.gethostname()}
    row, _new = InForce.objects.get_or_create(name=PREFIX + name, defaults=place)
    if name not in packs.held() and (before := kept.former(row.fingerprint)) is not None:
        packs.hold(name, before)
    if refused.get(name) != why:
        log.error("pack %s is not taken over, %s: %s", name, said(name), why)
    refused[name] = why
    with transaction.atomic():
        if InForce.objects.filter(pk=row.pk).exclude(refused=why[:500]).update(refused=why[:500]):
            journal.write("pack.refused", "collector", subject=name, code=why[:500])


def _judge_again() -> None:
    """Each process asks for it when it has taken over: the last one to do so may be the worker that judges."""
    from server.assess.tasks import rejudge
    from server.background.periodic import COLLECTOR

    rejudge.enqueue(by=COLLECTOR, key=rejudge.name)
