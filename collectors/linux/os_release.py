"""Which Linux is it? /etc/os-release, and the family that decides which tools are asked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Literal

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

Family = Literal["debian", "redhat", "suse", "linux"]

_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("debian", "ubuntu", "linuxmint", "raspbian", "kali", "devuan"), "debian"),
    **dict.fromkeys(("rhel", "centos", "rocky", "almalinux", "ol", "fedora", "amzn"), "redhat"),
    **dict.fromkeys(("sles", "sled", "sles_sap", "suse", "opensuse", "opensuse-leap", "opensuse-tumbleweed"), "suse"),
}


def os_release(shell: Shell) -> Mapping[str, str]:
    """The words of /etc/os-release, ID always among them.

    Raises Unsupported when the file is absent (releases before 2012), Unparsable when it does not say the ID: what the
    system is would be a guess, and every later question depends on it. Other lines that make no sense are left out.
    """
    text = shell.read("/etc/os-release")
    if text is None:
        text = shell.read("/usr/lib/os-release")
    if text is None:
        raise Unsupported("neither /etc/os-release nor /usr/lib/os-release exists: the system does not say what it is")
    found = dict(_assignments(text))
    if not re.fullmatch(r"[a-z0-9._-]+", found.get("ID", "")):
        raise Unparsable("/etc/os-release does not say the ID of the system")
    return found


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or not re.fullmatch(r"[A-Z0-9_]+", key):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        if len(words) <= 1:
            yield key, "".join(words)


def family(release: Mapping[str, str]) -> Family:
    """By ID, then by the systems it says it is like."""
    for word in (release["ID"], *release.get("ID_LIKE", "").split()):
        if word in _FAMILIES:
            return _FAMILIES[word]
    return "linux"
