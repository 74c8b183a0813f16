"""Whether this machine has the keys that the others on its database have.

With another secret.key people are logged off by every second request; with another centre.key what a relay sealed is opened
by one machine and called altered by the next. Neither looks like what it is, so a machine that has others does not start.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from collectors.centre import CentreKeys
from server.config import Data
from server.journal import models as journal
from server.storage.models import InForce


class Other(NamedTuple):
    """A key that is another one here than on the database's other machines."""

    name: str
    here: str
    there: str
    place: str
    since: datetime

    def __str__(self) -> str:
        said = _("%(name)s is another one here (%(here)s) than on %(place)s (%(there)s, since %(since)s)")
        since = timezone.localtime(self.since).strftime("%Y-%m-%d %H:%M")
        return said % {**self._asdict(), "here": self.here[:12] or "-", "there": self.there[:12], "since": since}


def fingerprints(data: Data) -> dict[str, str]:
    """By file name; empty where the file is not there. They give nothing away: both keys are long and drawn."""
    secret = data.secret_key.exists()
    found = {
        data.secret_key.name: hmac.digest(data.key().encode(), b"rasoat: which secret.key", "sha256").hex() if secret else ""
    }
    try:
        found[data.centre_key.name] = CentreKeys.parse(data.centre_key.read_text("ascii")).public.fingerprint
    except (FileNotFoundError, NotADirectoryError):
        found[data.centre_key.name] = ""
    except ValueError:  # damaged: it is no key of anybody's
        found[data.centre_key.name] = hashlib.sha256(data.centre_key.read_bytes()).hexdigest()
    return found


def others(data: Data) -> list[Other]:
    """What differs from what is in force."""
    here = fingerprints(data)
    return [
        Other(row.name, here[row.name], row.fingerprint, row.place, row.since)
        for row in InForce.objects.filter(name__in=here)
        if row.fingerprint != here[row.name]
    ]


def agree(data: Data) -> list[Other]:
    """The same; where nothing is in force yet, what is here is from now on."""
    InForce.objects.bulk_create(
        [
            InForce(name=name, fingerprint=found, place=socket.gethostname())
            for name, found in fingerprints(data).items()
            if found
        ],
        ignore_conflicts=True,
    )
    return others(data)


def accept(data: Data) -> list[Other]:
    """A person says that the keys of this machine are the right ones. What was another one until now."""
    changed = agree(data)
    for other in changed:
        if other.here:
            InForce.objects.filter(name=other.name).update(
                fingerprint=other.here, place=socket.gethostname(), since=timezone.now()
            )
            journal.write("server.key", "console", subject=other.name, before=other.there)
    return changed


def advice() -> str:
    return _("copy secret.key and centre.key from there; if this machine has the right ones: rasoat server check --accept-keys")
