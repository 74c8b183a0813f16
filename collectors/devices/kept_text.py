"""The configuration as a text that may be kept: without secrets, and without what changes though nobody changed anything."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime

from collectors.devices.base import DeviceOs
from collectors.devices.redaction import clean
from collectors.facts.base import Unseen
from collectors.facts.configuration import Configuration, Unsaved
from collectors.redact import GONE

LARGEST = 4 * 1024 * 1024
"""Characters of text a fact carries; above, its digest alone."""


def kept(os: DeviceOs, text: str) -> str:
    """Volatile lines out, secrets out, trailing blanks and empty lines out."""
    lines = (line.rstrip() for line in text.replace("\r", "").split("\n"))
    steady = (line for line in lines if line and not any(pattern.search(line) for pattern in os.volatile))
    return clean(os, "\n".join(steady)) + "\n"


def _steady(os: DeviceOs, text: str) -> list[str]:
    lines = (line.rstrip() for line in text.replace("\r", "").split("\n"))
    return [line for line in lines if line and not any(pattern.search(line) for pattern in os.volatile)]


def same(os: DeviceOs, one: str, other: str) -> bool:
    """Both say the same, clocks and counters aside. Secrets are compared too, and nothing of them is kept."""
    return _steady(os, one) == _steady(os, other)


MOST = 200
"""Differing lines of each kind that a fact names."""

SAME = Unsaved(added=(), removed=())


def unsaved(os: DeviceOs, running: str, saved: str) -> Unsaved:
    """Lines of one text that are not in the other, each below the lines it stands under. Where a secret alone differs, its line shows."""
    ours, theirs = _placed(_steady(os, running)), _placed(_steady(os, saved))
    added, removed = _more(ours, theirs), _more(theirs, ours)
    return Unsaved(
        added=_shown(os, running, added[:MOST]),
        removed=_shown(os, saved, removed[:MOST]),
        left_out=max(0, len(added) - MOST) + max(0, len(removed) - MOST),
    )


Placed = tuple[str, ...]
"""A line behind those it is indented below."""


def _placed(lines: list[str]) -> list[Placed]:
    above: list[tuple[int, str]] = []
    found = []
    for line in lines:
        bare = line.lstrip()
        depth = len(line) - len(bare)
        while above and above[-1][0] >= depth:
            above.pop()
        above.append((depth, bare))
        found.append(tuple(text for _, text in above))
    return found


def _more(ones: list[Placed], others: list[Placed]) -> list[Placed]:
    """Those of the first that the second has not, or has fewer times."""
    left = Counter(others)
    found = []
    for one in ones:
        if left[one]:
            left[one] -= 1
        else:
            found.append(one)
    return found


def _shown(os: DeviceOs, text: str, placed: list[Placed]) -> tuple[str, ...]:
    """Redacted line by line, and once more against the whole text: some secrets show by the lines around them alone."""
    survived = {line.strip() for line in kept(os, text).split("\n")} if placed else set()
    found = []
    for parts in placed:
        clean_parts = [clean(os, part) for part in parts]
        found.append(" > ".join(part if part.strip() in survived else GONE for part in clean_parts))
    return tuple(found)


def configuration(
    os: DeviceOs,
    text: str,
    *,
    saved: bool | None,
    unsaved: Unsaved | None = None,
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
        unsaved=unsaved,
        changed_at=changed_at,
        changed_by=changed_by,
        backup_configured=backup_configured,
        unseen=unseen,
    )
