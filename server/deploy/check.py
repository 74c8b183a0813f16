"""What `rasoat server check` looks at. Each line says what was seen, and what to do where it is not good.

`bad` stops a collector from being relied on; `warn` is for a person to weigh; `unknown` could not be looked at, and is not good.
"""

from __future__ import annotations

import shutil
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _

from baselines.loader import BaselineError
from baselines.model import Baseline
from server.assess import packs, watch
from server.deploy.line import BAD, GOOD, SOON, UNKNOWN, WARN, Line
from server.signon.check import signon
from server.storage import keys
from server.storage.models import InForce
from server.units.models import Membership, User
from server.units.rights import ADMINISTER

LITTLE_ROOM = 2 * 1024**3
SMALL = 1000
"""Machines that SQLite is meant for (docs/storage.md)."""


def look(deploy: bool) -> Iterator[Line]:
    """Everything, in order; `deploy` adds what only matters once other people's machines report here."""
    for check in (*_ALWAYS, *(_DEPLOY if deploy else ())):
        try:
            yield from check()
        except (OSError, DatabaseError) as error:
            yield Line(check.__name__.strip("_"), UNKNOWN, str(error).strip().partition("\n")[0])


def _database() -> Iterator[Line]:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    seen = f"{connection.vendor}; " + _("%d migrations missing") % missing
    yield Line("database", BAD if missing else GOOD, seen, _("run: rasoat server init") if missing else "")


def _packs() -> Iterator[Line]:
    for name in packs.names():
        try:
            yield _pack(packs.get(name))
        except (BaselineError, OSError) as error:
            yield Line("pack", BAD, f"{name}: {error}".partition("\n")[0], _("check it with: rasoat baseline check"))


def _pack(pack: Baseline) -> Line:
    """One of an organisation's own lies on every machine, and all of them judge by the same."""
    seen = f"{pack.id} {pack.version}"
    other = InForce.objects.filter(name=watch.PREFIX + pack.id).exclude(fingerprint__in=("", pack.digest)).first()
    if other is None:
        return Line("pack", GOOD, seen)
    there = _("%(place)s put another one in force") % {"place": other.place}
    return Line(
        "pack",
        WARN,
        f"{seen} {pack.digest[:12]}; {there} ({other.fingerprint[:12]})",
        _("let the same packs lie on all machines; a changed one is in force some seconds later"),
    )


def _files() -> Iterator[Line]:
    """Keys that others may read, and a data directory that others may enter."""
    data = settings.DATA
    owner = data.root.stat().st_uid  # root may look at what another account runs
    for path, most in ((data.root, 0o700), (data.secret_key, 0o600), (data.centre_key, 0o600), (data.settings, 0o640)):
        if not path.exists():
            yield Line("files", BAD if path != data.settings else WARN, _("%s is not there") % path, _("run: rasoat server init"))
            continue
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        good = not mode & ~most and found.st_uid in (owner, 0)
        yield Line(
            "files", GOOD if good else BAD, f"{path} {mode:o} uid {found.st_uid}", "" if good else f"chmod {most:o} {path}"
        )


def _keys() -> Iterator[Line]:
    """The same on every machine of this database."""
    different = keys.others(settings.DATA)
    for other in different:
        yield Line("keys", BAD, str(other), keys.advice())
    if not different:
        yield Line(
            "keys", GOOD, ", ".join(f"{name} {found[:12] or '-'}" for name, found in keys.fingerprints(settings.DATA).items())
        )


def _room() -> Iterator[Line]:
    free = shutil.disk_usage(settings.DATA.root).free
    few = free < LITTLE_ROOM
    yield Line(
        "room", WARN if few else GOOD, f"{free // 1024**2} MiB", _("make room, or keep less: settings.toml") if few else ""
    )


def _https() -> Iterator[Line]:
    config = settings.CONFIG
    if not config.https:
        yield Line(
            "https", BAD, _("neither a certificate nor a TLS proxy"), _("set certificate and private_key, or behind_tls_proxy")
        )
    elif config.certificate:
        yield from _certificate(settings.DATA.root / config.certificate)
    else:
        open_wide = config.host not in ("127.0.0.1", "::1", "localhost")
        seen = _("a proxy ends TLS; this collector listens on %s") % config.host
        do = _("let it listen on 127.0.0.1 only: whoever reaches it past the proxy sends what he likes as his address")
        yield Line("https", WARN if open_wide else GOOD, seen, do if open_wide else "")


def _certificate(path: Path) -> Iterator[Line]:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        key = settings.CONFIG.private_key
        context.load_cert_chain(path, settings.DATA.root / key if key else None)
    except (ValueError, ssl.SSLError) as error:
        yield Line("certificate", BAD, f"{path}: {error}", _("give PEM files that belong together"))
        return
    left = found.not_valid_after_utc - datetime.now(UTC)
    state = BAD if left < timedelta() else WARN if left < SOON else GOOD
    yield Line(
        "certificate",
        state,
        _("valid until %s") % f"{found.not_valid_after_utc:%Y-%m-%d}",
        _("renew it") if state != GOOD else "",
    )


def _people() -> Iterator[Line]:
    """An administrator who never chose a password, a door with one lock, a house with one key."""
    admins = User.objects.filter(is_active=True, memberships__role=Membership.ADMIN, memberships__unit__parent=None).distinct()
    given = [user.username for user in admins if user.must_change]
    if given:
        yield Line("people", BAD, _("given passwords nobody changed: %s") % ", ".join(given), _("log on and choose another"))
    own = admins.filter(must_change=False).count()
    yield Line(
        "people", GOOD if own > 1 else WARN, _("%d administrators of the root") % own, "" if own > 1 else _("make a second one")
    )
    asked = "admin" in settings.CONFIG.second_factor_for
    do = _('set second_factor_for = ["admin", "approver"]')
    yield Line("second-factor", GOOD if asked else WARN, ", ".join(settings.CONFIG.second_factor_for) or "-", "" if asked else do)


def _signon() -> Iterator[Line]:
    yield from signon()


def _size() -> Iterator[Line]:
    from server.ingest.models import IN_SERVICE, Machine

    count = Machine.objects.filter(IN_SERVICE).count()
    large = connection.vendor == "sqlite" and count > SMALL
    yield Line(
        "size", WARN if large else GOOD, _("%d machines") % count, _("move to PostgreSQL: docs/storage.md") if large else ""
    )


def _clock() -> Iterator[Line]:
    """The kernel's own word: adjtimex says whether something keeps the clock right."""
    try:
        import ctypes

        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        state = -1
    seen = f"{timezone.now():%Y-%m-%d %H:%M:%S} UTC"
    if state < 0:
        yield Line("clock", UNKNOWN, seen, _("see that the clock is kept right (chrony, systemd-timesyncd)"))
    else:
        wrong = state == 5  # TIME_ERROR: not synchronised
        do = _("see that the clock is kept right (chrony, systemd-timesyncd)")
        yield Line("clock", WARN if wrong else GOOD, seen, do if wrong else "")


def _outlets() -> Iterator[Line]:
    """Whoever waits for what leaves by itself does not notice that nothing comes."""
    from server.outlets.deliver import DEAD
    from server.outlets.models import Outlet

    for outlet in Outlet.objects.select_related("unit"):
        seen = f"{outlet.name} ({outlet.unit})"
        if outlet.paused_at is None and outlet.failing_since is not None and timezone.now() - outlet.failing_since >= DEAD:
            words = _("%(outlet)s has not got through since %(since)s: %(why)s")
            since = f"{timezone.localtime(outlet.failing_since):%Y-%m-%d %H:%M}"
            do = _("try it with: rasoat server outlet test %d") % outlet.pk
            yield Line("outlets", BAD, words % {"outlet": seen, "since": since, "why": outlet.error}, do)
        maker = User.objects.filter(username=outlet.made_by).first()
        if outlet.made_by != "console" and not (maker and maker.is_active and maker.may(ADMINISTER, outlet.unit)):
            words = _("%(outlet)s was made by %(who)s, who no longer administers there")
            do = _("see where it leads, then pause it and let it go on: whoever does that answers for it")
            yield Line("outlets", WARN, words % {"outlet": seen, "who": outlet.made_by}, do)


_ALWAYS: tuple[Callable[[], Iterator[Line]], ...] = (_database, _packs, _files, _keys, _room)
_DEPLOY: tuple[Callable[[], Iterator[Line]], ...] = (_https, _people, _signon, _size, _clock, _outlets)
