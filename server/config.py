"""The data directory of a collector: where it is, what lies in it, and the settings a person may change."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from collectors.centre import CentreKeys
from server.database import parameters
from server.signon.sections import Ldap, Oidc

DEFAULT_DATA = Path("/var/lib/rasoat-server")


def _address(url: str) -> str:
    if url:
        parameters(url)
    return url


class Config(BaseModel):
    """settings.toml. A line nobody knows is an error, so that a misspelt one does not pass in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8340
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    certificate: str = ""
    private_key: str = ""
    behind_tls_proxy: bool = False
    database: Annotated[str, AfterValidator(_address)] = ""
    database_password_file: str = ""
    lock_wait_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    metrics_token: str = ""
    second_factor_for: tuple[Literal["viewer", "operator", "approver", "auditor", "admin"], ...] = ()
    sessions_per_person: Annotated[int, Field(ge=1, le=100)] = 5
    idle_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    oidc: Oidc | None = None
    ldap: Ldap | None = None
    one_person_for: tuple[Literal["waiver", "pack-change"], ...] = ()
    request_days: Annotated[int, Field(ge=1, le=366)] = 14
    waiver_days: Annotated[int, Field(ge=1, le=1830)] = 366
    attachment_mib: Annotated[int, Field(ge=1, le=64)] = 10
    background_work: Literal["auto", "on", "off"] = "auto"
    worker_silence_seconds: Annotated[float, Field(ge=1, le=3600)] = 30.0
    keep_job_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    keep_snapshot_days: Annotated[int, Field(ge=0, le=36_500)] = 400
    keep_configuration_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    keep_configuration_months: Annotated[int, Field(ge=0, le=1200)] = 0
    feed_root: str = ""
    keep_outlet_days: Annotated[int, Field(ge=1, le=365)] = 14
    outlets_may_reach: tuple[IPvAnyNetwork, ...] = ()
    timestamp_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    pdf_certificate: str = ""
    pdf_key: str = ""

    @property
    def https(self) -> bool:
        """Browsers and agents reach this collector by HTTPS."""
        return bool(self.certificate) or self.behind_tls_proxy


class ConfigError(ValueError):
    """The settings cannot be used. The message says which line and why."""


class Data:
    """Paths inside the data directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "db.sqlite3"
        self.secret_key = root / "secret.key"
        self.centre_key = root / "centre.key"
        self.settings = root / "settings.toml"
        self.packs = root / "packs"

    @classmethod
    def here(cls) -> Data:
        """As RASOAT_DATA says."""
        return cls(Path(os.environ.get("RASOAT_DATA") or DEFAULT_DATA))

    def config(self) -> Config:
        """settings.toml; the defaults when there is none. Raises ConfigError."""
        try:
            return Config.model_validate(tomllib.loads(self.settings.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return Config()
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.settings}: {error}") from None
        except ValidationError as error:
            lines = [f"{self.settings}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise ConfigError("\n".join(lines)) from None

    def key(self) -> str:
        """The secret that signs sessions. Without a file: one that dies with this process, never a built-in one. Raises ConfigError."""
        try:
            return self.secret_key.read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            return secrets.token_urlsafe(48)
        except UnicodeDecodeError:
            raise ConfigError(
                f"{self.secret_key}: damaged; put it back from the backup or from another machine of this collector"
            ) from None

    def password(self, config: Config) -> str:
        """Of the database; empty where libpq finds it by itself (PGPASSFILE, a service) or needs none. Raises ConfigError."""
        if not config.database_password_file:
            return ""
        path = self.root / config.database_password_file
        try:
            found = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise ConfigError(f"{self.settings}: database_password_file: {path}: {why}") from None
        if not found:
            raise ConfigError(f"{self.settings}: database_password_file: {path}: is empty")
        return found

    def secret(self, field: str, name: str) -> str:
        """What a file that a setting names holds, for this process and nobody else. Raises ConfigError."""
        path = self.root / name
        try:
            found = path.stat()
            text = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise ConfigError(f"{self.settings}: {field}: {path}: {why}") from None
        if found.st_mode & 0o137:
            raise ConfigError(f"{self.settings}: {field}: {path}: others may read or change it; chmod 600 {path}")
        if not text:
            raise ConfigError(f"{self.settings}: {field}: {path}: is empty")
        return text

    def create(self, hosts: tuple[str, ...] = (), database: str = "") -> list[Path]:
        """Make what is missing; never change what is there. The files written. Raises ConfigError."""
        try:
            _address(database)
        except ValueError as error:
            raise ConfigError(f"--database: {error}") from None
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = []
        if not self.secret_key.exists():
            with os.fdopen(os.open(self.secret_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(48) + "\n")
            written.append(self.secret_key)
        if not self.centre_key.exists():
            with os.fdopen(os.open(self.centre_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(CentreKeys.generate().text())
            written.append(self.centre_key)
        if not self.settings.exists():
            known = dict.fromkeys(("localhost", "127.0.0.1", "[::1]", socket.gethostname(), socket.getfqdn(), *hosts))
            listed = ", ".join(f'"{name}"' for name in known)
            with os.fdopen(os.open(self.settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                line = f"database = {json.dumps(database)}" if database else _NO_DATABASE
                out.write(_TEMPLATE.format(hosts=listed, database=line))
            written.append(self.settings)
        return written


_NO_DATABASE = '# database = "postgresql://rasoat@db.example.vn:5432/rasoat"'
_TEMPLATE = """\
# Names and addresses by which browsers and agents call this collector. Others are refused.
hosts = [{hosts}]

# Where it listens. Use 0.0.0.0 together with a certificate, or put a TLS proxy in front.
host = "127.0.0.1"
port = 8340
workers = 2

# HTTPS by the collector itself: PEM files.
# certificate = "/etc/rasoat/server.crt"
# private_key = "/etc/rasoat/server.key"

# true when a proxy on this machine ends TLS and sets X-Forwarded-Proto.
# behind_tls_proxy = true

# Where everything is kept: PostgreSQL 14 or later; without this line SQLite in this directory (to about 1,000 machines).
# No password here: it lies in a file of its own, or in libpq's PGPASSFILE. docs/storage.md
{database}
# database_password_file = "database.password"

# Seconds to wait for the database before an agent is told to try again.
# lock_wait_seconds = 10

# Lets a monitoring system read /metrics from another machine: Authorization: Bearer ...
# metrics_token = ""

# Background work (judging again, housekeeping): "on": `rasoat server run` does it too; "off": only `rasoat server worker`;
# "auto": on with SQLite, off with PostgreSQL. A worker that was silent for so many seconds is taken for dead.
# background_work = "auto"
# worker_silence_seconds = 30
# keep_job_days = 30

# Snapshots older than so many days are removed, 0: never. The newest of each machine stays, and those that an open alarm or
# a kept version of a configuration points to.
# keep_snapshot_days = 400

# Roles whose holders must set up a second factor before they see anything.
# second_factor_for = ["admin", "approver"]

# Log-ons one person may have open, and minutes after which an unused one ends.
# sessions_per_person = 5
# idle_minutes = 60

# What takes two people: one asks, another one with the right to approve agrees. An office with a single administrator names here
# what that person may approve alone; each time the journal says so.
# one_person_for = ["waiver", "pack-change"]
# Days after which a request that nobody answered is over; the longest term of a waiver, and of an attestation; the largest file
# attached (MiB).
# request_days = 14
# waiver_days = 366
# attachment_mib = 10

# Versions of device configurations: how many days all of them are kept. The newest, and the last one of each month, stay
# longer: for so many months, 0 for ever.
# keep_configuration_days = 400
# keep_configuration_months = 0

# Fingerprint of whoever makes the bundles of feeds (`rasoat feed keys show`); without it the first import asks. docs/feeds.md
# feed_root = ""

# What an outlet (syslog, webhook, e-mail) could not deliver waits for so many days; then it is told how much was left out.
# Outlets reach no address of this machine, of the link or of a cloud's own services, unless it lies in one of these networks.
# keep_outlet_days = 14
# outlets_may_reach = ["127.0.0.1"]

# Evidence bundles: a time-stamping authority (RFC 3161) that is asked for a stamp on each seal; then a bundle without one is not
# made. Certificate (with its chain) and key, PEM, with which PDF reports in bundles are signed (PAdES). docs/evidence.md
# timestamp_url = "https://tsa.example.vn/"
# pdf_certificate = "reports.crt"
# pdf_key = "reports.key"

# Log-on with the organisation's own accounts: docs/signon.md. What is no longer a comment here must stay at the end of this file.
# [oidc]
# issuer = "https://dangnhap.example.vn/realms/so"
# client_id = "rasoat"
# client_secret_file = "oidc.secret"
# grants = [{{ group = "/rasoat/van-hanh", role = "operator", unit = "SO" }}]
# [ldap]
# servers = ["ldaps://dc1.so.example.vn"]
# bind_dn = "CN=rasoat,OU=Service,DC=so,DC=example,DC=vn"
# bind_password_file = "ldap.password"
# user_base = "DC=so,DC=example,DC=vn"
# group_base = "OU=Groups,DC=so,DC=example,DC=vn"
# grants = [{{ group = "CN=rasoat-vanhanh,OU=Groups,DC=so,DC=example,DC=vn", role = "operator", unit = "SO" }}]
"""
