"""The texts a pack consists of, and the digest by which host and collector know that they judge by the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files as package_files
from pathlib import Path

from baselines.reading import BaselineError, Mistake

CHECKS = "checks/"


def builtin() -> tuple[str, ...]:
    """Ids of the packs that ship with rasoat."""
    here = package_files("baselines")
    return tuple(sorted(entry.name for entry in here.iterdir() if entry.is_dir() and (entry / "standard.yaml").is_file()))


def texts_of(pack: str) -> dict[str, str]:
    """The texts of a built-in pack and of the checks, by name."""
    return texts_in(Path(str(package_files("baselines"))), pack)


def texts_in(root: Path, pack: str) -> dict[str, str]:
    """The same of a pack in another folder; the checks are ours where it has none. Raises BaselineError for a file that cannot be read."""
    checks = root / "checks"
    if not checks.is_dir():
        checks = Path(str(package_files("baselines"))) / "checks"
    found = {f"{pack}/{path.name}": path for path in sorted((root / pack).glob("*.yaml"))}
    found |= {f"{CHECKS}{path.name}": path for path in sorted(checks.glob("*.yaml"))}
    mistakes, texts = [], {}
    for name, path in found.items():
        try:
            texts[name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(name, 1, f"cannot be read: {error}"))
    if mistakes:
        raise BaselineError(mistakes)
    return texts


def digest_of(texts: Mapping[str, str]) -> str:
    """sha256 over names and texts."""
    total = hashlib.sha256()
    for name in sorted(texts):
        total.update(f"{name}\n{len(texts[name].encode())}\n".encode())
        total.update(texts[name].encode())
    return total.hexdigest()
