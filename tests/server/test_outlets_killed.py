"""A real worker, killed between the receiver's having a slice and its own knowing that."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from server.assess import judge
from server.outlets.models import Outlet
from server.units.models import Unit
from tests.server.findings import Fleet
from tests.server.outlets import PATIENCE, Authority, Receiver, outlet
from tests.server.workers import Site

pytestmark = pytest.mark.system


def test_kill_9_before_the_answer_tells_it_twice_under_the_same_ids(
    tmp_path: Path, empty_sqlite: Path, django_db_blocker, settings
) -> None:
    shutil.copy(empty_sqlite, tmp_path / "db.sqlite3")
    authority = Authority(tmp_path)
    site, receiver = Site(tmp_path), Receiver(authority)
    with (tmp_path / "settings.toml").open("a") as lines:
        lines.write('outlets_may_reach = ["127.0.0.1"]\n')
    settings.SECRET_KEY = (tmp_path / "secret.key").read_text()
    try:
        with django_db_blocker.unblock(), site.here():
            unit = Unit.objects.create(name="Sở", level=2, baseline="mini")
            known = outlet(unit, address=receiver.url, ca=authority.pem)
            fleet = Fleet.of(1)
            for number in range(5):
                judge.raise_alarm(fleet.machine(unit, f"máy-{number}"), "forged")
            receiver.may_answer.clear()
            worker = site.worker()
            assert receiver.came.wait(PATIENCE * 3), (tmp_path / "log").read_text()
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            assert Outlet.objects.get(pk=known.pk).sent == 0
            receiver.may_answer.set()
            site.worker()
            site.until(lambda: Outlet.objects.get(pk=known.pk).sent >= 5)
            first, second = receiver.got
            assert first.ids == second.ids
            assert len(set(first.ids)) == len(first.ids) >= 5, (
                "the five, and the deadline of the law that may be near on this day"
            )
            assert first.headers["Rasoat-Delivery"] == second.headers["Rasoat-Delivery"]
    finally:
        site.close()
        receiver.close()
