"""The packs this collector judges with: those that ship with rasoat, and those an organisation keeps in its data directory."""

from __future__ import annotations

from functools import cache, lru_cache

from django.conf import settings

from baselines.loader import builtin, load
from baselines.model import Baseline
from baselines.tailoring import Tailoring


def names() -> tuple[str, ...]:
    """Ids of all packs."""
    own = (head.parent.name for head in settings.DATA.packs.glob("*/standard.yaml"))
    return tuple(sorted({*builtin(), *own}))


_held: dict[str, Baseline] = {}


def get(pack: str) -> Baseline:
    """The pack in force, loaded once per process. Raises BaselineError, OSError."""
    return _held.get(pack) or _loaded(pack)


def hold(pack: str, baseline: Baseline) -> bool:
    """From here on this one is in force in this process, whatever lies in the data directory (watch.py). Whether it takes the
    place of another."""
    before = _held.get(pack)
    _held[pack] = baseline
    return before is not None and before.digest != baseline.digest


def held() -> set[str]:
    """Those that are in force whatever lies in the data directory."""
    return set(_held)


def forget() -> None:
    """Load again what nobody watches: this process may be older than a pack."""
    _loaded.cache_clear()


def let_go() -> None:
    """What lies in the data directory counts again."""
    _held.clear()
    forget()


@cache
def _loaded(pack: str) -> Baseline:
    return read(pack)


def read(pack: str) -> Baseline:
    """What lies there now. Raises BaselineError, OSError."""
    own = settings.DATA.packs / pack
    try:
        (own / "standard.yaml").stat()
    except (FileNotFoundError, NotADirectoryError):
        return load(pack)
    # also where it may not be read: this fails then. Path.is_file says no to that from Python 3.14 on, and the pack that
    # ships under the same name, perhaps milder, would be taken
    return load(own)


def by_digest(digest: str) -> Baseline | None:
    """The pack with that content, if this collector has it."""
    return next((pack for pack in map(get, names()) if pack.digest == digest), None)


@lru_cache(maxsize=256)
def tailoring(text: str) -> Tailoring | None:
    """A unit's own thresholds; None when it has none. Raises BaselineError."""
    return Tailoring.parse(text) if text.strip() else None
