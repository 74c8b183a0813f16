"""The centre's own keys: made once by `rasoat server init`, read by whoever must open or sign."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from collectors.centre import Centre, CentreKeys


def keys() -> CentreKeys | None:
    """None where this collector has none yet: then nothing is sealed for it, and its tokens name no key."""
    path = settings.DATA.centre_key
    try:
        stamp = path.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _read(path, stamp)


def public() -> Centre | None:
    found = keys()
    return found.public if found else None


def fingerprint() -> str:
    """What an enrolment token says of the centre; empty where there are no keys."""
    found = public()
    return found.fingerprint if found else ""


@lru_cache(maxsize=4)
def _read(path: Path, _stamp: int) -> CentreKeys:
    return CentreKeys.parse(path.read_text(encoding="ascii"))
