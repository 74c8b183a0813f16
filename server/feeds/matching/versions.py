"""Versions of packages in their own order, or no order at all: what no rule can place is never quietly older or newer.

The order itself is collectors/linux/versions.py, which takes any text; here stands what a version must look like before it is
believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from collectors.linux import versions

LONGEST: Final = 200
_DEB = re.compile(r"(?:\d{1,9}:[A-Za-z0-9][A-Za-z0-9.+~:-]*|[A-Za-z0-9][A-Za-z0-9.+~-]*)", re.ASCII)
_EVR = re.compile(r"(?:(\d{1,9}|\(none\)):)?([A-Za-z0-9][A-Za-z0-9._+~^]*)-([A-Za-z0-9._+~^]+)", re.ASCII)

Key = Any
"""Compares with keys of the same kind."""
Rule = Callable[[str], Key]


class NoRule(ValueError):
    """No rule places this version."""


@lru_cache(maxsize=65536)
def deb(text: str) -> Key:
    """[epoch:]upstream[-revision], by dpkg's rule (deb-version(7)). Raises NoRule."""
    if len(text) > LONGEST or not _DEB.fullmatch(text) or text.endswith("-"):
        raise NoRule(f"{text[:60]!r} is no version of a Debian package")
    return versions.debian(text)


@lru_cache(maxsize=65536)
def rpm(text: str) -> Key:
    """[epoch:]version-release, by rpm's rule. Raises NoRule, also without a release: rpm would take any for it."""
    found = _EVR.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise NoRule(f"{text[:60]!r} is no version of an rpm package")
    return versions.rpm(found[2], found[3], found[1] or "0")


@lru_cache(maxsize=4096)
def windows(text: str) -> Key:
    """build.UBR. Raises NoRule."""
    found = re.fullmatch(r"(\d{4,6})\.(\d{1,6})", text, re.ASCII)
    if found is None:
        raise NoRule(f"{text[:60]!r} is no build of Windows with its UBR")
    return int(found[1]), int(found[2])
