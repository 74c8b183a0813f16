"""The wheel and the source archive, the same bytes each time: `python -m scripts.release.wheel`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.release import source


def build(tree: Path, out: Path, what: tuple[str, ...] = ()) -> list[Path]:
    """Source archive of the tree and, from that archive, the wheel. With `what` (`--wheel`) only that, from the tree.

    The builder's packages are those of the environment this runs in, held by constraints.txt: one made for the occasion would
    hold whatever is newest.
    """
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", str(out), str(tree)]
    done = subprocess.run(command, env=source.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return sorted(out.glob("rasoat-*"))


def main() -> int:
    os.umask(0o022)
    source.DIST.mkdir(exist_ok=True)
    for path in source.DIST.glob("rasoat-[0-9]*"):
        path.unlink()
    for path in build(source.copied(source.WORK / "source"), source.DIST):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
