"""`python -m tests.releases.make 1.0`: leave behind what this version makes. Refuses where a folder of that name is.

Nothing of this machine comes into it: the facts are of recorded cases, the names are made up, the keys die with the folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def main(argv: list[str]) -> int:
    [name] = argv
    target = HERE / name
    if target.exists():
        sys.stderr.write(f"{target} is there: what a release left behind is never made anew\n")
        return 2
    work = Path(tempfile.mkdtemp(prefix="rasoat-release-"))
    os.environ["RASOAT_DATA"] = str(work / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "server.settings"
    from tests.releases import making

    making.make(work, target)
    shutil.rmtree(work)  # what came to no end is left for whoever asks why
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
