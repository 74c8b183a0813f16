"""Built-in packs made ready at build time: reading and relating 40 YAML files takes a second, reading its result takes none.

A ready pack counts only while its digest is that of the texts beside it; else the YAML is read, as if there were none. So
an edited check is never judged by its old rule. Nothing is written at run time: the build does (scripts/build_hook.py), or
`python -m baselines.ready` in a checkout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from baselines.loader import builtin, digest_of, load_texts, texts_of
from baselines.model import Baseline, Check, Group, Standard
from collectors.facts.base import Model

FOLDER = Path(__file__).parent / "ready"


class Ready(Model):
    """A pack as it was found sound."""

    digest: str
    standard: Standard
    groups: tuple[Group, ...]
    checks: dict[str, Check]


def read(pack: str, texts: Mapping[str, str]) -> Baseline | None:
    """The ready pack; None when there is none, or when it was made from other texts or by another version of the model."""
    digest = digest_of(texts)
    try:
        raw = (FOLDER / f"{pack}.json").read_bytes()
        if not raw.startswith(_head(digest)):
            return None
        ready = TypeAdapter(Ready).validate_json(raw)
    except (OSError, ValidationError):
        return None
    return Baseline(ready.standard, ready.groups, ready.checks, dict(texts), digest)


def make() -> list[Path]:
    """The files written, one for each built-in pack. Raises BaselineError for a pack that is not sound."""
    FOLDER.mkdir(exist_ok=True)
    written = []
    for pack in builtin():
        baseline = load_texts(texts_of(pack))
        ready = Ready(digest=baseline.digest, standard=baseline.standard, groups=baseline.groups, checks=baseline.checks)
        target = FOLDER / f"{pack}.json"
        target.write_bytes(ready.model_dump_json(by_alias=True, exclude_defaults=True).encode())
        written.append(target)
    return written


def _head(digest: str) -> bytes:
    return f'{{"digest":{json.dumps(digest)},'.encode()


if __name__ == "__main__":
    make()
