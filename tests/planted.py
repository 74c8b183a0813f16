"""A private copy of this machine that can be broken and repaired without touching it.

A mount namespace with an overlay over /, its own processes and its own network (loopback only). What is written there
lives in memory and goes with the namespace.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

SETUP = """
set -e
mount --make-rprivate /
mount -t tmpfs none {base}
mkdir {base}/upper {base}/work {base}/root
mount -t overlay overlay -o lowerdir=/,upperdir={base}/upper,workdir={base}/work {base}/root
mount -t proc proc {base}/root/proc
mount --rbind /sys {base}/root/sys
mount --rbind /dev {base}/root/dev
mount -t tmpfs none {base}/root/run
mkdir -p {base}/root/run/sshd {base}/root/run/chrony
for folder in {shared}; do mkdir -p {base}/root$folder; mount --bind $folder {base}/root$folder; done
ip link set lo up
echo ready
exec sleep infinity
"""


class Machine:
    """The copy. `sh` runs as root inside it; `verdicts` scans it as it is now."""

    def __init__(self, base: Path) -> None:
        self.root = base / "root"
        # a checkout or an interpreter on another file system is not part of the overlay's lower layer
        shared = " ".join(sorted({str(REPOSITORY), sys.prefix, sys.base_prefix} - {"/usr"}))
        script = SETUP.format(base=base, shared=shared)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child", "sh", "-c", script], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline().strip() == "ready", "no private namespaces on this machine: is this root?"
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        self._pid = children[0]

    def sh(self, script: str) -> str:
        """Standard output of a shell script; an error fails the test with what was said."""
        enter = ["nsenter", "--target", self._pid, "--mount", "--pid", "--net", "--uts", "chroot", str(self.root), "sh", "-ec", script]
        done = subprocess.run(enter, capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def scan(self, level: int = 3) -> dict[str, object]:
        """The JSON document of `rasoat scan`."""
        rasoat = Path(sys.prefix) / "bin" / "rasoat"
        document: dict[str, object] = json.loads(self.sh(f"{rasoat} scan --level {level} --kind server --format json --quiet || [ $? -le 3 ]"))
        return document

    def verdicts(self, level: int = 3) -> dict[str, str]:
        """Check id -> verdict."""
        results = self.scan(level)["results"]
        assert isinstance(results, list)
        return {result["check"]: result["verdict"] for result in results if result["check"]}

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


def needs_root() -> bool:
    return os.geteuid() != 0
