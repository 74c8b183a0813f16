"""pg_dump and pg_restore, found on PATH: only they know every object of a database, in any release."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from django.utils.translation import gettext as _

from server.config import Config, ConfigError, Data
from server.database import parameters


def dump(data: Data, config: Config, target: Path) -> None:
    """One consistent state of the whole database, while others write. Raises ConfigError."""
    _run("pg_dump", data, config, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def restore(data: Data, config: Config, source: Path) -> None:
    """All of it or nothing. Raises ConfigError."""
    words = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(source))
    _run("pg_restore", data, config, *words)


def _run(program: str, data: Data, config: Config, *words: str) -> None:
    from psycopg.conninfo import make_conninfo

    found = shutil.which(program)
    if found is None:
        raise ConfigError(_("%s is not on PATH; it comes with PostgreSQL (Debian: postgresql-client)") % program)
    given = parameters(config.database)
    given.pop("options", None)  # time limits for requests are none for this
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "10"}
    if password := data.password(config):
        environment["PGPASSWORD"] = password  # not on the command line, which everybody can read
    done = subprocess.run(
        [found, "--no-password", f"--dbname={make_conninfo(**given)}", *words],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = done.stderr.strip() or _("no word of explanation")
        raise ConfigError(_("%(program)s failed: %(said)s") % {"program": program, "said": said[-2000:]})
