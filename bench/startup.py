"""`rasoat --help` against a bare start of the same interpreter, in turns."""

from __future__ import annotations

import sys
from pathlib import Path

from measure import compiled, interleaved, write


def main() -> int:
    compiled()
    rasoat = str(Path(sys.executable).parent / "rasoat")
    costs = interleaved({"bare interpreter": [sys.executable, "-c", "pass"], "rasoat --help": [rasoat, "--help"]}, 21)
    bare, ours = costs["bare interpreter"], costs["rasoat --help"]
    print(
        f"bare interpreter {bare.wall_s * 1000:.0f} ms, rasoat --help {ours.wall_s * 1000:.0f} ms: {ours.wall_s / bare.wall_s:.2f}x"
    )
    write("startup", dict(costs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
