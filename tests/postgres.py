"""A throwaway PostgreSQL: Debian's binaries, run by an account without rights, in a folder that is removed afterwards.

    def test_x(postgres: Cluster):             # the cluster of this test process; made when first asked for
        url = postgres.create()                # a fresh empty database
        url = postgres.migrated()              # a fresh one with all tables: a copy, so it takes a tenth of a second

    @pytest.mark.on_both                       # runs twice: on SQLite and on PostgreSQL
    def test_y(client, host): ...              # everything that uses Django's database, fixtures included

A module that says `pytestmark = pytest.mark.on_both` runs all its tests on both. `on_postgresql` is PostgreSQL alone, `on_sqlite` what is
true of SQLite only.
Whoever stops a cluster, or fills its disk, takes one of its own: `Cluster.started()`.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from server.config import Config, Data

USER = "rasoat"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
}
_PR_SET_PDEATHSIG = 1


def binaries() -> Path:
    """Where initdb and postgres of the newest version lie. Skips where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.skip("needs the Debian package postgresql")
    return found[-1].parent


def _account() -> dict[str, Any]:
    """initdb refuses root: then it runs as the package's own account."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _die_with_parent() -> None:
    """Also after kill -9 of the tests no server is left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


class Cluster:
    """One server on one Unix socket. There is no password: the folder is the guard."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.settings = folder, SETTINGS | settings
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._template = ""
        if account := _account():
            os.chown(folder, account["user"], account["group"])
        folder.chmod(0o755)  # the collector's own account connects, whoever it is
        self._run(
            "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={USER}", "-D", self.data
        )

    @classmethod
    @contextmanager
    def started(cls, **settings: str) -> Iterator[Cluster]:
        # not under pytest's own folder: the path of a socket may have 107 bytes
        folder = Path(tempfile.mkdtemp(prefix="rasoat-pg-"))
        try:
            cluster = cls(folder, **settings)
            cluster.start()
            try:
                yield cluster
            finally:
                cluster.stop()
        finally:
            shutil.rmtree(folder)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        words = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [binaries() / "postgres", "-D", self.data, "-k", self.folder, *words],
            cwd=self.folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"), preexec_fn=_die_with_parent, **_account(),
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, as after a power cut; SIGINT: in order."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def sql(self, query: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template0") -> str:
        """The address of a fresh database."""
        name = f"fresh_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def migrated(self) -> str:
        """The address of a fresh database with all tables and no rows."""
        if not self._template:
            with using(self.create()) as name:
                from server.database import migrate

                migrate()
            self._template = name
        return self.create(self._template)

    def _run(self, program: str, *words: str | Path) -> None:
        done = subprocess.run(
            [binaries() / program, *words], cwd=self.folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, check=False, **_account(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def using(url: str) -> AbstractContextManager[str]:
    """Django's default database, in every thread that begins inside, is this one. Gives its name."""
    from server.config import Config, Data

    return using_collector(Data(Path("/nonexistent")), Config(database=url))


@contextmanager
def using_collector(data: Data, config: Config) -> Iterator[str]:
    """The same with the database of that data directory and those settings."""
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections

    from server.database import databases

    before_settings, before = connections.settings["default"], connections["default"]
    wanted = databases(data, config)["default"]
    connections.settings["default"] = connections.configure_settings({"default": wanted})["default"]
    fresh = connections["default"] = connections.create_connection("default")
    ContentType.objects.clear_cache()
    try:
        yield str(fresh.settings_dict["NAME"])
    finally:
        connections["default"].close()
        connections.settings["default"] = before_settings
        connections["default"] = before
        ContentType.objects.clear_cache()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The cluster of this test process."""
    with Cluster.started() as cluster:
        yield cluster


@pytest.fixture(scope="module", autouse=True)
def database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[str]:
    """`sqlite` or `postgresql`: where the tests marked on_both and on_postgresql run.

    For every test by itself: pytest forgets a fixture that only `choose` asks for, and all would run on SQLite.
    """
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield kind
        return
    request.getfixturevalue("django_db_setup")
    cluster: Cluster = request.getfixturevalue("postgres")
    with django_db_blocker.unblock():
        url = cluster.migrated()
        with using(url):
            yield kind


def choose(metafunc: pytest.Metafunc) -> None:
    """For pytest_generate_tests. RASOAT_TEST_DATABASE=postgresql runs all that uses Django's database there, and only there."""
    kinds = []
    uses = metafunc.definition.get_closest_marker("django_db") or {"db", "transactional_db"} & set(metafunc.fixturenames)
    if metafunc.definition.get_closest_marker("on_sqlite"):
        return
    if uses and os.environ.get("RASOAT_TEST_DATABASE") == "postgresql":
        kinds = ["postgresql"]
    elif metafunc.definition.get_closest_marker("on_both"):
        kinds = ["sqlite", "postgresql"]
    elif metafunc.definition.get_closest_marker("on_postgresql"):
        kinds = ["postgresql"]
    if kinds:
        if "database" not in metafunc.fixturenames:
            metafunc.fixturenames.insert(0, "database")
        metafunc.parametrize("database", kinds, indirect=True, scope="module")
