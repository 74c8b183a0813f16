"""Run the collector under gunicorn, from one command."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import get_resolver
from django.utils.translation import gettext as _
from gunicorn.app.base import BaseApplication

from baselines.loader import BaselineError
from server.assess import packs, watch
from server.background import worker
from server.storage import keys, lock
from server.units.models import DEFAULT_BASELINE

THREADS = 8


class Collector(BaseApplication):  # type: ignore[misc]
    """gunicorn without its own command line and without reading configuration files from the working directory."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self.options.items():
            if key in self.cfg.settings:  # older gunicorns have no control socket to switch off
                self.cfg.set(key, value)

    def load(self) -> Any:
        from server.wsgi import application

        return application


def pending() -> bool:
    """Migrations are missing."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def begin(process: Any) -> None:
    """In each web process: follow the packs, and see to it that one of them keeps a worker."""
    process.companions = [watch.Watch(), *([worker.Guardian()] if worker.in_server() else [])]
    for companion in process.companions:
        companion.start()
    settle()


def settle() -> None:
    """Load what every page rests on, and take it out of the garbage collector's rounds: they would go through a quarter of a million
    objects that stay, while somebody waits for a page."""
    get_resolver().url_patterns  # noqa: B018  (reading it imports every view)
    with suppress(BaselineError, OSError):  # watch.py says what is wrong with a pack
        packs.get(DEFAULT_BASELINE)
    gc.collect()
    gc.freeze()


def end(server: Any, process: Any) -> None:
    for companion in getattr(process, "companions", ()):
        companion.end()


def serve(host: str | None, port: int | None, workers: int | None) -> int:
    """Serve until told to stop. Threads, not async: the work is SQLite and hashing, and a slow sender only holds a thread."""
    if pending():
        sys.stderr.write(_("rasoat: the database is from another version; run: rasoat server init") + "\n")
        return 2
    if different := keys.agree(settings.DATA):
        for other in different:
            sys.stderr.write(f"rasoat: {other}\n")
        sys.stderr.write(f"rasoat: {keys.advice()}\n")
        if settings.CONFIG.database:  # on SQLite nobody else is there to disagree with
            return 2
    connections.close_all()  # an open SQLite file must not be shared with the workers
    config = settings.CONFIG
    host, port = host or config.host, port or config.port
    if host not in ("0.0.0.0", "::", *settings.ALLOWED_HOSTS):  # noqa: S104  (compared, not bound)
        # an address given on the command line is an address people will call
        settings.ALLOWED_HOSTS.append(host)
    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers or config.workers,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 60,
        "graceful_timeout": 20,
        "keepalive": 5,
        "max_requests": 20_000,
        "max_requests_jitter": 2_000,
        "limit_request_line": 4094,
        "limit_request_fields": 60,
        "errorlog": "-",
        "loglevel": "warning",
        "umask": 0o077,
        "control_socket_disable": True,
        "proc_name": "rasoat-server",
        "post_worker_init": begin,
        "worker_exit": end,
    }
    if config.certificate:
        files = [settings.DATA.root / name for name in (config.certificate, config.private_key) if name]  # whole paths stay whole
        if missing := [file for file in files if not file.is_file()]:
            said = _("%(file)s is not there; settings.toml names it as certificate or private_key")
            sys.stderr.write("".join(f"rasoat: {said % {'file': file}}\n" for file in missing))
            return 2
        options |= dict(zip(("certfile", "keyfile"), map(str, files), strict=False))
    with lock.alone(settings.DATA, config):
        Collector(options).run()
    return 0
