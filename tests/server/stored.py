"""A collector's data directory inside the test's own process: for what is done with a database as a whole."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import Client

from server.config import Config, Data
from server.storage import move
from tests.postgres import using_collector
from tests.server.people import Host, send

PACKS = Path(__file__).parent / "packs"


class Stored:
    """Where it is, and what is in it."""

    def __init__(self, data: Data) -> None:
        self.data = data

    @property
    def config(self) -> Config:
        return self.data.config()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Django works on it."""
        before = settings.DATA, settings.CONFIG
        settings.DATA, settings.CONFIG = self.data, self.config
        try:
            with using_collector(self.data, self.config):
                yield
        finally:
            settings.DATA, settings.CONFIG = before

    def fill(self, hosts: int = 3) -> None:
        """Units, people, machines with reports, an alarm, a journal."""
        from server.ingest.models import EnrolmentToken
        from server.units.models import Membership, Unit, User

        root = Unit.objects.create(name="Sở", level=2, baseline="mini")
        Membership.objects.create(user=User.objects.create_user("quản-trị", "x" * 20), unit=root, role=Membership.ADMIN)
        text = EnrolmentToken.issue(root, 100, 1, "test")[1]
        for number in range(hosts):
            host = Host(name=f"máy-{number}")
            assert host.enrol(Client(), text).status_code == 201
            for _ in range(2):
                snapshot = host.snapshot()
                assert send(Client(), host.seal(snapshot, host.judged(snapshot))).status_code == 201
        assert send(Client(), host.seal(snapshot, key=Host().key)).status_code == 401, "which raises an alarm"

    def sums(self, *without: str) -> dict[str, tuple[int, int]]:
        """Rows and digest of each table."""
        with self.opened():
            return {m._meta.db_table: move._sum(m, "default") for m in move._models() if m._meta.db_table not in without}


def made(root: Path, empty: Path | str) -> Stored:
    """A new one; `empty` is a migrated SQLite file to copy, or the address of a migrated PostgreSQL database."""
    data = Data(root)
    data.create(database=empty if isinstance(empty, str) else "")
    shutil.copytree(PACKS, data.packs)
    if isinstance(empty, Path):
        shutil.copyfile(empty, data.database)
    return Stored(data)


def call(function: Any, **options: Any) -> int:
    code: int = function(argparse.Namespace(**options))
    return code


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def forget() -> None:
    """No connection of a test stays open."""
    connections.close_all()
