"""A real OpenSSH server on loopback, and a short-lived account, for the tests that talk to one. Needs root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.credential import Credential
from collectors.model import Target
from collectors.transports.ssh import SshShell

SSHD = "/usr/sbin/sshd"
USER = f"rasoat-test-{os.getpid()}"
"""A name of this process's own: two runs of the tests on one machine must not take away each other's account."""


class Sshd:
    """One server. `keys` are public keys that may log on as any account."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder = folder
        self.extra = extra
        self.port = free_port()
        self.key = make_key(folder / "client_key")
        self.host_key = make_key(folder / "host_key")
        (folder / "authorized").write_text(self.key.with_suffix(".pub").read_text())
        self.known_hosts = folder / "known_hosts"
        self.accept()
        self._process: subprocess.Popen[bytes] | None = None

    def accept(self) -> None:
        """Put the present host key in known_hosts."""
        kind, blob = self.host_key.with_suffix(".pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {blob}\n")

    def start(self) -> None:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        lines = (
            *self.extra,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"PidFile {self.folder}/pid",
            f"AuthorizedKeysFile {self.folder}/authorized",
            "StrictModes no",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "AcceptEnv LANG LANGUAGE LC_*",
            "UsePAM no",
            # not the tester's own .bashrc, whatever it does
            "Match User root",
            "  SetEnv HOME=/nonexistent",
        )
        config.write_text("\n".join(lines) + "\n")
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log)
        log.close()
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError("sshd did not begin to listen")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def sessions(self) -> list[int]:
        """Process ids of the server's connections."""
        assert self._process is not None
        listing = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]

    def cut(self) -> None:
        """Kill every connection, as a dying host would."""
        for pid in self.sessions():
            for child in [*_children(pid), pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, password: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", password, "-C", "", "-f", str(path)], check=True)
    return path


@contextlib.contextmanager
def account(home: Path, sudoers: str = "", name: str = USER) -> Iterator[str]:
    """A system account with a home of its own, removed again with its sudoers lines."""
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        subprocess.run(["userdel", "-f", name], check=True, stderr=subprocess.DEVNULL)
    # -p *: no password at all, yet not locked, or sshd without PAM would refuse the key
    subprocess.run(["useradd", "--system", "-M", "-d", str(home), "-s", "/bin/bash", "-p", "*", name], check=True)
    rules = Path("/etc/sudoers.d") / name
    home.mkdir(parents=True, exist_ok=True)
    shutil.chown(home, name)
    try:
        if sudoers:
            rules.write_text(sudoers)
            rules.chmod(0o440)
        yield name
    finally:
        rules.unlink(missing_ok=True)
        # -f: the server's side of a connection that just ended may still be going away
        subprocess.run(["userdel", "-f", name], check=True, stderr=subprocess.DEVNULL)


def open_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that the test account may pass through."""
    folder = factory.mktemp("ssh")
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    return folder


def target_of(server: Sshd) -> Target:
    return Target(name="here", via="ssh", address="127.0.0.1", port=server.port, credential="c")


def reach(server: Sshd, user: str, sudo: bool = False, **how: Any) -> SshShell:
    credential = Credential(user=user, key_file=str(server.key), sudo=sudo)
    return SshShell.connect(target_of(server), credential, server.known_hosts, also_known=(), **how)


def wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
