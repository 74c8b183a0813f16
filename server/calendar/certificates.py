"""When certificates end, from the newest report of each machine. A report that could not see them takes none away."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_datetime

from server.calendar.models import Certificate, CertificatesRead
from server.ingest.models import IN_SERVICE, Machine, StoredSnapshot

SLICE = 50
UNUSED = {"default", "store"}
"""Made at installation, or only lying ready: nobody is shown them."""
WINDOWS = {"http-sys", "rdp"}
"""Users of certificates in the machine's stores."""


def read(after: int = 0, limit: int = SLICE) -> tuple[int, int]:
    """A slice of the machines whose facts are others than those read last: (the last one, or 0 at the end; how many)."""
    rows = Machine.objects.filter(IN_SERVICE, pk__gt=after, latest__isnull=False)
    rows = rows.filter(Q(certificates_read=None) | ~Q(certificates_read__digest=F("latest__digest")))
    part = list(rows.order_by("pk").select_related("latest")[:limit])
    for machine in part:
        assert machine.latest is not None
        _read(machine, machine.latest)
    return (part[-1].pk if len(part) == limit else 0), len(part)


def _read(machine: Machine, stored: StoredSnapshot) -> None:
    record = next((one for one in stored.snapshot().records if one.fact == "certificates"), None)
    told = record.data.get("certificates") if record is not None and record.outcome == "seen" and record.data else None
    with transaction.atomic():
        if told is not None:
            shown = [row for row in told if _end(row) is not None and not set(row.get("used_by") or ()) <= UNUSED]
            _gone(machine, told, {_path(row) for row in shown}).delete()
            Certificate.objects.bulk_create(
                Certificate(
                    machine=machine, path=_path(row), subject=str(row.get("subject") or "")[:500], not_after=_end(row),
                    seen_at=stored.orders_at,
                )
                for row in shown
            )  # fmt: skip
        CertificatesRead.objects.update_or_create(machine=machine, defaults={"digest": stored.digest})


def _gone(machine: Machine, told: list[dict[str, Any]], shown: set[str]) -> QuerySet[Certificate]:
    """What this report takes the place of. A certificate that it could not read is as it was seen before; so are all that may be in
    use by a server whose configuration it could not read (its row has a name in brackets): of Windows' own those of the stores, else files.
    """
    unread = [row for row in told if _end(row) is None]
    kept = Q(path__in={_path(row) for row in unread})
    for row in unread:
        if _path(row).startswith("("):
            in_stores = Q(path__startswith="Cert:")
            kept |= in_stores if set(row.get("used_by") or ()) <= WINDOWS else ~in_stores
    return Certificate.objects.filter(machine=machine).exclude(kept & ~Q(path__in=shown))


def _path(row: dict[str, Any]) -> str:
    return str(row["path"])[:500]


def _end(row: dict[str, Any]) -> Any:
    """None: it could not be read, and what has no day stands on none."""
    return parse_datetime(str(row.get("not_after") or ""))
