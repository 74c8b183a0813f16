"""`rasoat --help` against a bare start of the same interpreter, in turns."""

from __future__ import annotations

import sys
from pathlib import Path

from measure import arguments, compiled, interleaved, write


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--runs", type=int, default=21)
    options = parser.parse_args(argv)
    compiled()
    rasoat = str(Path(sys.executable).parent / "rasoat")
    costs = interleaved({"bare interpreter": [sys.executable, "-c", "pass"], "rasoat --help": [rasoat, "--help"]}, options.runs)
    bare, ours = costs["bare interpreter"], costs["rasoat --help"]
    print(
        f"bare interpreter {bare.wall_s * 1000:.0f} ms, rasoat --help {ours.wall_s * 1000:.0f} ms: {ours.wall_s / bare.wall_s:.2f}x"
    )
    write("startup", costs, keep=not options.no_result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
