"""An office that exists only while the walk-throughs are played: a network of its own and private copies of this machine on it.

Each copy has its own mounts (an overlay over /, gone afterwards), processes, host name and address, so that what the reader sees
names nothing of the machine it was made on. Needs root, iproute2 and unshare; nothing outside is touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SHUT_RDWR, create_connection, create_server, socket

from tests.planted.machine import INIT, LAYERS, SHARED

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = "192.0.2.254"
"""Of whoever plays: his browser, his mail server, the devices he stands in for."""
_SETUP = f"""\
{LAYERS}\
rm -rf root home/* var/lib/rasoat* etc/rasoat
mkdir -m 700 root
{SHARED}\
ip link set lo up
hostname {{name}}
echo {{name}} > etc/hostname
printf '127.0.0.1 localhost\\n192.0.2.1 collector.example\\n{{hosts}}' > etc/hosts
mkdir -p opt/rasoat
mount --bind {{prefix}} opt/rasoat
mount -o remount,bind,ro opt/rasoat
printf '#!/bin/sh\\nPYTHONPATH={{repository}} exec /opt/rasoat/bin/python -m agent "$@"\\n' > usr/local/bin/rasoat
chmod 755 usr/local/bin/rasoat
echo ready
exec chroot . {{python}} -S -c "$INIT"
"""


def enter() -> None:
    """Starts this program again on a network of its own, where it has not been done."""
    if os.environ.get("RASOAT_WALKTHROUGHS") == "inside":
        for line in ("link set lo up", "link add br0 type bridge", "link set br0 up", f"address add {HERE}/24 dev br0"):
            subprocess.run(["ip", *line.split()], check=True)
        return
    os.environ["RASOAT_WALKTHROUGHS"] = "inside"
    words = [sys.executable, "-m", "scripts.walkthroughs", *sys.argv[1:]]
    # its own processes too, so that nothing of the office is left when this ends, however it ends
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *words])


class Place:
    """One machine of the office; what is typed there is run by `sh`."""

    def __init__(self, folder: Path, name: str, address: str, language: str) -> None:
        self.name, self.address = name, address
        base = folder / name
        base.mkdir()
        self.root = base / "root"
        shared = " ".join(sorted({str(REPOSITORY), sys.prefix, sys.base_prefix} - {"/usr"}))
        script = _SETUP.format(
            base=base,
            shared=shared,
            name=name,
            python=sys.executable,
            repository=REPOSITORY,
            prefix=sys.prefix,
            hosts=f"{address} {name}\\n",
        )
        self._environment = {
            "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "COLUMNS": "100", "PYTHONUTF8": "1",
            "LC_ALL": "vi_VN.UTF-8" if language == "vi" else "en_US.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "Asia/Ho_Chi_Minh",
        }  # fmt: skip
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "sh", "-c", script],
            stdout=subprocess.PIPE, text=True, env={**self._environment, "INIT": INIT, "LC_ALL": "C"},
        )  # fmt: skip
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline().strip()
        assert said == "ready", f"no private copy of this machine can be made here: {said}"
        (child,) = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        self._enter = ["nsenter", f"--target={child}", "--mount", "--pid", "--net", "--uts", "--ipc", "chroot", str(self.root)]
        port = f"v{address.rpartition('.')[2]}"
        for line in (f"link add {port} type veth peer name eth0 netns {child}", f"link set {port} master br0 up"):
            subprocess.run(["ip", *line.split()], check=True)
        self.sh(f"ip link set eth0 up && ip address add {address}/24 dev eth0")

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command line as a reader types it in root's folder: output and complaints together, as on a terminal."""
        return subprocess.run(
            [*self._enter, "/bin/sh", "-c", f"cd /root; umask 022; {script}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, check=False, timeout=900, env=self._environment | environment,
        )  # fmt: skip

    def sh(self, script: str) -> str:
        done = self.run(script)
        assert done.returncode == 0, f"{self.name}: {script}\n{done.stdout}"
        return done.stdout

    def start(self, script: str) -> None:
        """What runs on until the office is closed."""
        subprocess.Popen(
            [*self._enter, "/bin/sh", "-c", f"cd /root; exec {script}"], stdin=subprocess.DEVNULL, env=self._environment,
            stdout=subprocess.DEVNULL, stderr=(self.root.parent.parent / f"{self.name}.log").open("ab"), start_new_session=True,
        )  # fmt: skip

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.put(path, text.encode(), mode)

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        done = subprocess.run(
            [*self._enter, "/bin/sh", "-ec", f"cd /root; mkdir -p $(dirname {path}); cat >{path}; chmod {mode:o} {path}"],
            input=content, check=False, capture_output=True, env=self._environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def read(self, path: str) -> bytes:
        done = subprocess.run([*self._enter, "/bin/sh", "-c", f"cd /root; cat {path}"], check=True, capture_output=True)
        return done.stdout

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


@contextmanager
def passed_on(address: str, port: int, to: int) -> Iterator[None]:
    """What comes to that address of ours goes to a port of loopback meanwhile: stand-ins of devices listen there."""
    subprocess.run(["ip", "address", "add", f"{address}/24", "dev", "br0"], check=False, capture_output=True)
    server = create_server((address, port))

    def copy(one: socket, other: socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        finally:
            other.close()

    def accept() -> None:
        while True:
            try:
                came, _who = server.accept()
            except OSError:  # over
                return
            there = create_connection(("127.0.0.1", to))
            for pair in ((came, there), (there, came)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    listening = threading.Thread(target=accept, daemon=True)
    listening.start()
    try:
        yield
    finally:
        server.shutdown(SHUT_RDWR)  # closed alone it would listen on for as long as it is waited on
        listening.join()
        server.close()
