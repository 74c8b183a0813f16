"""GNOME's settings as the system hands them to users: what counts without a user's own choice, and what they cannot change."""

from __future__ import annotations

from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux.ini import Sections, merged, sections
from collectors.transports.base import Shell


class Setting(NamedTuple):
    """One key."""

    value: str | None
    """None: nobody set it, GNOME's own default counts."""
    locked: bool
    """A user cannot choose otherwise."""


class _Database(NamedTuple):
    values: Sections
    locks: frozenset[str]


class SystemSettings:
    """The databases of the profile `user`, and the vendors' overrides of the defaults below them."""

    def __init__(self, shell: Shell) -> None:
        profile = shell.read("/etc/dconf/profile/user")
        lines = [line.split("#", 1)[0].strip() for line in (profile or "").splitlines()]
        names = [line.partition(":")[2] for line in lines if line.startswith("system-db:")]
        # without a profile GNOME reads the user's database alone, whatever lies in /etc/dconf/db
        self._databases = tuple(_database(shell, name) for name in names)
        overrides = shell.read_all("/usr/share/glib-2.0/schemas/*.gschema.override")
        self._defaults = merged(overrides)

    def setting(self, folder: str, key: str) -> Setting:
        """`folder` is written with slashes: org/gnome/desktop/session."""
        path = f"/{folder}/{key}"
        locking = [at for at, base in enumerate(self._databases) if _locks(base, path)]
        # a lock silences everything above it
        for base in self._databases[locking[-1] if locking else 0 :]:
            if key in base.values.get(folder, {}):
                return Setting(base.values[folder][key], bool(locking))
        schema = folder.replace("/", ".")
        chosen: str | None = None
        for name, settings in self._defaults.items():
            if name.partition(":")[0] == schema and key in settings:
                chosen = settings[key]
        return Setting(chosen, bool(locking))


def seconds(value: str) -> int:
    """A number as GVariant writes it: `uint32 300` or `300`."""
    word = value.removeprefix("uint32 ").strip()
    if not (word.isascii() and word.isdigit()):
        raise Unparsable("dconf: not a number of seconds")
    return int(word)


def boolean(value: str) -> bool:
    """A truth value as GVariant writes it."""
    if value not in ("true", "false"):
        raise Unparsable("dconf: neither true nor false")
    return value == "true"


def _locks(base: _Database, path: str) -> bool:
    return any(path == lock or (lock.endswith("/") and path.startswith(lock)) for lock in base.locks)


def _database(shell: Shell, name: str) -> _Database:
    """The texts a database is compiled from. They count only if `dconf update` was run after the last change."""
    if not name or "/" in name:
        raise Unparsable("/etc/dconf/profile/user: not the name of a database")
    folder = f"/etc/dconf/db/{name}.d"
    texts = shell.read_all(f"{folder}/*")
    locks = shell.read_all(f"{folder}/locks/*")
    if not texts and not locks:
        return _Database({}, frozenset())
    compiled = shell.stat(f"/etc/dconf/db/{name}")
    if compiled is None:
        return _Database({}, frozenset())
    for path in (*texts, *locks):
        written = shell.stat(path)
        if written is not None and written.mtime > compiled.mtime:
            raise Unsupported(f"{path} was changed after the last `dconf update`; which of the two is in force is not known")
    lines = (line.strip() for text in locks.values() for line in text.splitlines())
    values: Sections = {}
    for path in sorted(texts):
        for section, settings in sections(texts[path], path).items():
            values.setdefault(section.strip("/"), {}).update(settings)
    return _Database(values, frozenset(line for line in lines if line.startswith("/")))
