"""Which streams of modules are enabled? dnf keeps a small file for each module in a folder of its own."""

from __future__ import annotations

from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux import ini
from collectors.transports.base import Shell

FILES = "/etc/dnf/modules.d/*.module"
DNF5 = "/usr/lib/sysimage/libdnf5/modules.toml"
"""Where dnf5 keeps them instead."""


class Stream(NamedTuple):
    """A module and the one stream of it that packages come from."""

    name: str
    stream: str


def enabled(shell: Shell) -> tuple[Stream, ...]:
    """By name; () where no module is in use, or the system has none. What `dnf module reset` or `disable` ended is not among them."""
    texts = shell.read_all(FILES)
    if not texts and shell.stat(DNF5) is not None:
        raise Unsupported(f"{DNF5}: dnf5 keeps module streams there, in a form rasoat does not read")
    found = [stream for path, text in texts.items() for stream in _of(path, text)]
    return tuple(sorted(set(found)))


def _of(path: str, text: str) -> list[Stream]:
    found = []
    for section, told in ini.sections(text, path).items():
        if not section:
            continue
        state = told.get("state", "").lower()
        if state not in ("enabled", "disabled", "", "unknown"):
            raise Unparsable(f"{path}: state {state[:40]!r} of module {section[:60]} is none we know")
        if state != "enabled":
            continue
        if not (stream := told.get("stream", "")):
            raise Unparsable(f"{path}: module {section[:60]} is enabled, and no stream is named")
        found.append(Stream(told.get("name") or section, stream))
    return found
