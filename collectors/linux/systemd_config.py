"""Settings of a systemd program, merged from its main file and its drop-ins as systemd does it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.errors import Unparsable
from collectors.transports.base import Shell

_UNITS = {
    "": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
    "M": 2629800, "month": 2629800, "months": 2629800,
    "y": 31557600, "year": 31557600, "years": 31557600,
}  # fmt: skip


def settings(shell: Shell, name: str, section: str) -> Mapping[str, tuple[str, ...]]:
    """Key -> its values in the order they apply, for /etc/systemd/NAME.conf and every drop-in, vendors' ones included.

    Drop-ins apply after the main file, by file name whatever their directory; a file in /etc hides one of the same name
    in /run, and that one in /usr/lib. An empty assignment forgets what came before. The last value counts for a single
    setting; lists (NTP=) add up.
    """
    texts = shell.read_all(
        f"/usr/lib/systemd/{name}.conf",
        f"/etc/systemd/{name}.conf",
        f"/usr/lib/systemd/{name}.conf.d/*.conf",
        f"/usr/local/lib/systemd/{name}.conf.d/*.conf",
        f"/run/systemd/{name}.conf.d/*.conf",
        f"/etc/systemd/{name}.conf.d/*.conf",
    )
    mains = [path for path in texts if path.endswith(f"/systemd/{name}.conf")]
    drops = {path.rpartition("/")[2]: path for path in texts if path not in mains}  # later directories hide earlier ones
    found: dict[str, tuple[str, ...]] = {}
    for path in [*mains[-1:], *(drops[base] for base in sorted(drops))]:
        _read(texts[path], path, section, found)
    return found


def seconds(span: str) -> int:
    """A time span of systemd (`1month`, `90d 12h`, `2592000`) in seconds."""
    parts = re.findall(r"\s*(\d+)\s*([A-Za-z]*)", span)
    if not parts or re.sub(r"\s*\d+\s*[A-Za-z]*", "", span).strip():
        raise Unparsable(f"no time span: {span[:60]}")
    try:
        return sum(int(count) * _UNITS[unit if unit == "M" else unit.lower()] for count, unit in parts)
    except (KeyError, ValueError):
        raise Unparsable(f"no time span: {span[:60]}") from None


def _read(text: str, path: str, section: str, into: dict[str, tuple[str, ...]]) -> None:
    here = ""
    for number, raw in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            here = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise Unparsable(f"{path} line {number}: neither a section nor a setting")
        if here == section:
            key, value = key.strip(), value.strip()
            into[key] = (*into.get(key, ()), value) if value else ()
