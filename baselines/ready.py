"""Make the built-in packs ready (made_ready.py). Nothing is written at run time: the build does it (scripts/build_hook.py), or
`python -m baselines.ready` in a checkout.
"""

from __future__ import annotations

from pathlib import Path

from baselines import made_ready
from baselines.loader import load_texts
from baselines.texts import builtin, texts_of


def make() -> list[Path]:
    """The files written, one for each built-in pack. Raises BaselineError for a pack that is not sound."""
    made_ready.FOLDER.mkdir(exist_ok=True)
    written = []
    for pack in builtin():
        baseline = load_texts(texts_of(pack))
        ready = made_ready.Ready(
            digest=baseline.digest, standard=baseline.standard, groups=baseline.groups, checks=baseline.checks
        )
        target = made_ready.FOLDER / f"{pack}.json"
        target.write_bytes(ready.model_dump_json(by_alias=True, exclude_defaults=True).encode())
        written.append(target)
    return written


if __name__ == "__main__":
    make()
