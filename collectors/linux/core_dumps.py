"""What becomes of the memory of a program that crashes: it holds passwords and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from collectors.errors import Unparsable
from collectors.linux.systemd_config import settings
from collectors.transports.base import Shell

Handler = Literal["file", "systemd-coredump", "apport", "abrt", "other", "none"]
Storage = Literal["external", "journal", "none"]

_KNOWN: dict[str, Handler] = {
    "systemd-coredump": "systemd-coredump",
    "apport": "apport",
    "abrt-hook-ccpp": "abrt",
    "false": "none",
    "true": "none",
}
_WITHOUT_END = frozenset({"unlimited", "infinity", "-1"})


def handler(pattern: str) -> Handler:
    """Who gets the dump, by the kernel's core_pattern. A program behind `|` gets it whatever the limit of its size is."""
    text = pattern.strip()
    if not text.startswith("|"):
        return "none" if text in ("", "/dev/null") else "file"
    words = text[1:].split()
    if not words:
        raise Unparsable("/proc/sys/kernel/core_pattern: a pipe to nothing")
    return _KNOWN.get(words[0].rpartition("/")[2], "other")


def storage(shell: Shell) -> Storage:
    """Where systemd-coredump puts what it gets; external unless configured."""
    values = settings(shell, "coredump", "Coredump").get("Storage", ())
    word = values[-1].lower() if values else "external"
    if word not in ("external", "journal", "none"):
        raise Unparsable("coredump.conf: Storage= is none of its three words")
    return word  # type: ignore[return-value]


def session_limit(shell: Shell) -> int | Literal["unlimited"]:
    """Hard limit (KiB) for the dumps of everybody's sessions, from pam_limits' files."""
    texts = shell.read_all(
        "/usr/etc/security/limits.conf",
        "/etc/security/limits.conf",
        "/usr/etc/security/limits.d/*.conf",
        "/etc/security/limits.d/*.conf",
    )
    return hard_core_limit(texts)


def hard_core_limit(texts: Mapping[str, str]) -> int | Literal["unlimited"]:
    """The last `*` line for hard (or both) core counts: limits.conf first, then limits.d by name."""
    mains = [path for path in texts if path.endswith("/limits.conf")]
    drops = {path.rpartition("/")[2]: path for path in texts if path not in mains}
    limit: int | Literal["unlimited"] = "unlimited"
    for path in [*mains[-1:], *(drops[name] for name in sorted(drops))]:
        for number, raw in enumerate(texts[path].splitlines(), 1):
            words = raw.split("#", 1)[0].split()
            if not words or (len(words) == 2 and words[1] == "-"):
                continue
            if len(words) != 4 or words[1] not in ("soft", "hard", "-"):
                raise Unparsable(f"{path} line {number}: not a limit")
            if words[0] != "*" or words[1] == "soft" or words[2] != "core":
                continue
            if words[3] not in _WITHOUT_END and not (words[3].isascii() and words[3].isdigit()):
                raise Unparsable(f"{path} line {number}: not a limit")
            limit = "unlimited" if words[3] in _WITHOUT_END else int(words[3])
    return limit
