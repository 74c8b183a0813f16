"""A private copy of this machine that can be broken and repaired without touching it.

A mount namespace with an overlay over /, its own processes, network (loopback only), host name, /dev and /run. What is
written there lives in memory and goes with the namespace; this checkout and its interpreter are mounted read-only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
HOSTNAME = "sv-planted-01"

LAYERS = """
set -e
exec 2>&1
mount --make-rprivate /
mount -t tmpfs none {base}
mkdir {base}/upper {base}/work {base}/root
mount -t overlay overlay -o lowerdir=/,upperdir={base}/upper,workdir={base}/work {base}/root
cd {base}/root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 none dev
mkdir dev/shm dev/pts
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 none run
mount -t tmpfs -o mode=1777 none tmp
"""
"""An overlay over /, with its own /dev, /run and /tmp. `{base}`: an empty folder."""
SHARED = """\
for folder in {shared}; do
    mkdir -p .$folder
    mount --bind $folder .$folder
    mount -o remount,bind,ro .$folder
done
"""
"""`{shared}`: folders that are there as they are, read-only."""
_SETUP = f"""\
{LAYERS}{SHARED}\
ip link set lo up
hostname {{hostname}}
echo ready
exec chroot . {{python}} -S -c "$INIT"
"""

INIT = """
import os, time
open("/proc/self/comm", "w").write("init")
os.close(1)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.05)
"""
"""Process 1 of the copy: a dead child that nobody collects would still be in the list of processes."""

_STAND_IN = """
import socket, sys, time
open("/proc/self/comm", "w").write(sys.argv[1])
held = []
for kind, address, port in (word.split("/") for word in sys.argv[2:]):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    held.append(socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM))
    held[-1].bind((address, int(port)))
    if kind == "tcp":
        held[-1].listen()
open("/run/stand-in-" + sys.argv[1], "w").close()
time.sleep(1e6)
"""

_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "PYTHONDONTWRITEBYTECODE": "1",
}

Verdicts = dict[str, str]
"""Check -> its verdict."""


class Machine:
    """The copy. `sh` runs as root inside it; `verdicts` scans it as it is now."""

    def __init__(self, base: Path) -> None:
        self.root = base / "root"
        # a checkout or an interpreter on another file system is not part of the overlay's lower layer
        shared = " ".join(sorted({str(REPOSITORY), sys.prefix, sys.base_prefix} - {"/usr"}))
        python = Path(sys.executable)
        script = _SETUP.format(base=base, shared=shared, hostname=HOSTNAME, python=python)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "sh", "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            env={**_ENVIRONMENT, "INIT": INIT},
        )
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline().strip()
        assert said == "ready", (
            f"no private copy of this machine can be made here (root, and not in an unprivileged container?): {said}"
        )
        (child,) = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        self._enter = ["nsenter", f"--target={child}", "--mount", "--pid", "--net", "--uts", "--ipc", "chroot", str(self.root)]
        self.write("/srv/stand-in.py", _STAND_IN)
        self.write("/usr/local/bin/stand-in", f'#!/bin/sh\nsetsid {python} -S /srv/stand-in.py "$@" </dev/null >/dev/null 2>&1 &\nuntil [ -e /run/stand-in-$1 ]; do sleep 0.02; done\n', 0o755)  # fmt: skip
        self.write("/usr/local/bin/stop", _STOP, 0o755)

    def sh(self, script: str, text: str | None = None) -> str:
        """Standard output of a shell script; an error fails the test with what was said. `text` is its standard input."""
        done = subprocess.run(
            [*self._enter, "/bin/sh", "-ec", script], capture_output=True, text=True, check=False, input=text or "", timeout=60,
            env={**_ENVIRONMENT, "PATH": "/usr/local/bin:" + _ENVIRONMENT["PATH"]},
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.sh(f"mkdir -p $(dirname {path}); cat >{path}; chmod {mode:o} {path}", text)

    def scan(self, kind: str = "server") -> dict[str, Any]:
        """The JSON document of `rasoat scan` at the strictest level."""
        rasoat = Path(sys.prefix) / "bin" / "rasoat"
        said = self.sh(f"{rasoat} scan --level 5 --kind {kind} --format json --quiet || [ $? -eq 1 ] || [ $? -eq 3 ]")
        document: dict[str, Any] = json.loads(said)
        return document

    def verdicts(self, kind: str = "server") -> Verdicts:
        """Of every check of the standard."""
        return {result["check"]: result["verdict"] for result in self.scan(kind)["results"] if result["check"]}

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


_STOP = """#!/bin/sh
# ends processes by their names and waits until they are gone; nothing but this copy's processes is seen here
for name in "$@"; do
    for comm in /proc/[0-9]*/comm; do
        if [ "$(cat $comm 2>/dev/null)" = "$name" ]; then
            pid=${comm#/proc/}; pid=${pid%/comm}
            kill -9 $pid
            while [ -e /proc/$pid ]; do sleep 0.02; done
        fi
    done
    rm -f /run/stand-in-$name
done
"""
