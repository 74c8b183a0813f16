"""The configuration as a text that may be kept: without secrets, and without what changes though nobody changed anything."""

from __future__ import annotations

import hashlib
from datetime import datetime

from collectors.devices.base import DeviceOs
from collectors.devices.redaction import clean
from collectors.facts.base import Unseen
from collectors.facts.configuration import Configuration

LARGEST = 4 * 1024 * 1024
"""Characters of text a fact carries; above, its digest alone."""


def kept(os: DeviceOs, text: str) -> str:
    """Volatile lines out, secrets out, trailing blanks and empty lines out."""
    lines = (line.rstrip() for line in text.replace("\r", "").split("\n"))
    steady = (line for line in lines if line and not any(pattern.search(line) for pattern in os.volatile))
    return clean(os, "\n".join(steady)) + "\n"


def same(os: DeviceOs, one: str, other: str) -> bool:
    """Both say the same, clocks and counters aside. Secrets are compared too, and nothing of them is kept."""

    def steady(text: str) -> list[str]:
        lines = (line.rstrip() for line in text.replace("\r", "").split("\n"))
        return [line for line in lines if line and not any(pattern.search(line) for pattern in os.volatile)]

    return steady(one) == steady(other)


def configuration(
    os: DeviceOs,
    text: str,
    *,
    saved: bool | None,
    changed_at: datetime | None = None,
    changed_by: str | None = None,
    backup_configured: bool | None = None,
    unseen: tuple[Unseen, ...] = (),
) -> Configuration:
    """The fact, from the plain running configuration and what the OS's own file found beside it."""
    shown = kept(os, text)
    if len(shown) > LARGEST:
        reason = f"the text has {len(shown)} characters; above {LARGEST} only its digest is kept"
        unseen = (*unseen, Unseen(field="text", outcome="unsupported", reason=reason))
    return Configuration(
        lines=shown.count("\n"),
        digest=hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest(),
        text=shown if len(shown) <= LARGEST else None,
        saved=saved,
        changed_at=changed_at,
        changed_by=changed_by,
        backup_configured=backup_configured,
        unseen=unseen,
    )
