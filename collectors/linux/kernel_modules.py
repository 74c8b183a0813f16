"""Which kernel modules are in use, could be loaded, or are kept out."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Literal

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

State = Literal["loaded", "built_in", "loadable", "blocked", "absent"]

FILE_SYSTEMS = ("cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "udf")
PROTOCOLS = ("dccp", "rds", "sctp", "tipc")
DEVICES = ("firewire_core", "usb_storage")
WATCHED = (*FILE_SYSTEMS, *PROTOCOLS, *DEVICES)

_DEAD_ENDS = re.compile(r"(?:/usr)?/s?bin/(?:false|true|nologin)(?:[ \t][^;&|`$()<>]*)?")
"""What may follow is an argument, not another command: `/bin/true; modprobe -i udf` loads it all the same."""
_DIRECTIVES = frozenset({"alias", "blacklist", "config", "include", "install", "options", "remove", "softdep", "weakdep"})


def module_states(shell: Shell) -> Mapping[str, State]:
    """Module -> state, the most open first: what is in use stays in use whatever modprobe.d says of it.

    `blacklist` alone is no block: it stops loading by alias, but neither `modprobe NAME` nor a dependency. Only an
    `install` line that leads nowhere (or kernel.modules_disabled) counts.
    """
    live = shell.read_all(
        "/proc/sys/kernel/osrelease",
        "/proc/sys/kernel/modules_disabled",
        "/proc/modules",
        "/proc/filesystems",
        "/proc/net/protocols",
    )
    release = live.get("/proc/sys/kernel/osrelease", "").strip()
    if not release or "/proc/filesystems" not in live:
        raise Unsupported("/proc: no running kernel is seen here")
    if not re.fullmatch(r"[\w.+~-]+", release):
        raise Unparsable("/proc/sys/kernel/osrelease: not the name of a kernel")
    in_use = _in_use(live, shell.names("/sys/module/*"))
    if "/proc/modules" not in live:  # a kernel that takes no modules: what is not in it cannot come
        return {name: "built_in" if name in in_use else "absent" for name in WATCHED}
    loaded = {line.split(" ", 1)[0] for line in live["/proc/modules"].splitlines()}
    shelf = shell.read_all(f"/lib/modules/{release}/modules.dep", f"/lib/modules/{release}/modules.builtin")
    blocked = _blocked(shell)
    closed = live.get("/proc/sys/kernel/modules_disabled", "0").strip() == "1"
    built_in = _named(shelf.get(f"/lib/modules/{release}/modules.builtin", ""))
    dep = shelf.get(f"/lib/modules/{release}/modules.dep")
    states: dict[str, State] = {}
    for name in WATCHED:
        if name in loaded:
            states[name] = "loaded"
        elif name in built_in or name in in_use:
            states[name] = "built_in"
        elif closed or name in blocked:
            states[name] = "blocked"
        elif dep is None:
            continue  # the modules of the running kernel are elsewhere (a container): not known
        else:
            states[name] = "loadable" if name in _named(dep) else "absent"
    return states


def install_commands(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(module pattern, command) of every `install` line in force, in the order kmod looks them up.

    Files of one name hide each other by directory; what counts is then sorted by name alone.
    """
    by_name: dict[str, str] = {}
    for folder in ("/lib/", "/usr/lib/", "/usr/local/lib/", "/run/", "/etc/"):
        for path in texts:
            if path.startswith(f"{folder}modprobe.d/"):
                by_name[path.rpartition("/")[2]] = path
    found = []
    for name in sorted(by_name):
        path = by_name[name]
        for number, raw in enumerate(texts[path].replace("\\\n", " ").splitlines(), 1):
            words = raw.split(None, 2)
            if not words or words[0].startswith("#"):
                continue
            if words[0] not in _DIRECTIVES:
                raise Unparsable(f"{path} line {number}: not a directive of modprobe.d")
            if words[0] == "install" and len(words) == 3:
                found.append((words[1].replace("-", "_"), words[2].strip()))
    return tuple(found)


def _blocked(shell: Shell) -> frozenset[str]:
    texts = shell.read_all(
        "/lib/modprobe.d/*.conf",
        "/usr/lib/modprobe.d/*.conf",
        "/usr/local/lib/modprobe.d/*.conf",
        "/run/modprobe.d/*.conf",
        "/etc/modprobe.d/*.conf",
    )
    commands = install_commands(texts)
    first = {name: next((command for pattern, command in commands if fnmatch.fnmatchcase(name, pattern)), "") for name in WATCHED}
    return frozenset(name for name, command in first.items() if _DEAD_ENDS.fullmatch(command))


def _in_use(live: Mapping[str, str], folders: tuple[str, ...]) -> frozenset[str]:
    """Names with a trace in the running kernel, whether loaded or part of it.

    Not every built-in leaves a folder under /sys/module, but a file system and a protocol are always on their lists.
    """
    file_systems = {line.split()[-1] for line in live["/proc/filesystems"].splitlines() if line.strip()}
    listed = {line.split()[0].lower() for line in live.get("/proc/net/protocols", "").splitlines() if line.strip()}
    protocols = {name for name in PROTOCOLS if name in listed or f"{name}v6" in listed}
    return frozenset(folder.rpartition("/")[2] for folder in folders) | file_systems | protocols


def _named(text: str) -> frozenset[str]:
    """The module of each line: `kernel/fs/udf/udf.ko.xz: ...` is udf."""
    files = (line.split(":", 1)[0].rpartition("/")[2] for line in text.splitlines())
    return frozenset(name.split(".ko", 1)[0].replace("-", "_") for name in files if ".ko" in name)
