"""Hosts on a network of their own, made of network namespaces: a bridge in one namespace, where the scanner runs, and hosts
with real servers behind veth pairs. No packet leaves the machine. Needs root and iproute2.

    with Lan() as lan:
        web = lan.host("192.0.2.10/24", "2001:db8:7::10/64")
        web.serve(SERVER, "80", "Welcome to nginx!")
        lan.run("nmap", "-sn", "192.0.2.0/24")
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from types import TracebackType

from tests.throwaway import sh

SERVER = str(Path(__file__).with_name("netns_server.py"))
SCANNER = "192.0.2.254/24", "2001:db8:7::fe/64"
_number = count()


class Lan:
    """A bridge in a namespace of its own. Everything is gone when the block ends."""

    def __init__(self) -> None:
        self.name = f"rasoat-{os.getpid()}-{next(_number)}"
        self._hosts: list[LanHost] = []

    def __enter__(self) -> Lan:
        sh("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", "br0", "type", "bridge")
        self.ip("link", "set", "br0", "up")
        for address in SCANNER:
            self.ip("address", "add", address, "dev", "br0", *(["nodad"] if ":" in address else []))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for host in self._hosts:
            host.stop()
        sh("ip", "netns", "delete", self.name)

    def ip(self, *words: str) -> str:
        return sh("ip", "-n", self.name, *words)

    def host(self, *addresses: str, mac: str = "") -> LanHost:
        """A host with these addresses (with prefix length)."""
        host = LanHost(self, f"{self.name}-h{len(self._hosts)}", f"v{len(self._hosts)}")
        self._hosts.append(host)
        host.join(addresses, mac)
        return host

    def run(self, *argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in the scanner's place."""
        words = ["ip", "netns", "exec", self.name, *map(str, argv)]
        return subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=300)

    def wrapper(self, folder: Path, *before: str) -> str:
        """A program that is nmap in the scanner's place; `before` stands before it, such as setpriv."""
        path = folder / "nmap"
        words = " ".join(("ip", "netns", "exec", self.name, *before))
        path.write_text(f'#!/bin/sh\nexec {words} {shutil.which("nmap")} "$@"\n')
        path.chmod(0o755)
        return str(path)


class LanHost:
    """One host of a Lan, with the servers it runs."""

    def __init__(self, lan: Lan, name: str, port: str) -> None:
        self.lan, self.name, self._port = lan, name, port
        self._servers: list[subprocess.Popen[bytes]] = []

    def join(self, addresses: tuple[str, ...], mac: str) -> None:
        sh("ip", "netns", "add", self.name)
        self.lan.ip("link", "add", self._port, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        self.lan.ip("link", "set", self._port, "master", "br0", "up")
        if mac:
            self.ip("link", "set", "eth0", "address", mac)
        for device in ("lo", "eth0"):
            self.ip("link", "set", device, "up")
        for address in addresses:
            self.ip("address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))

    def ip(self, *words: str) -> str:
        return sh("ip", "-n", self.name, *words)

    @property
    def mac(self) -> str:
        return self.ip("-o", "link", "show", "eth0").partition("link/ether ")[2].split()[0]

    def serve(self, *argv: str | Path) -> None:
        """A server in the host's place, until the Lan ends; a Python file is run by this interpreter."""
        words = [str(word) for word in argv]
        if words[0].endswith(".py"):
            words = [sys.executable, *words]
        self._servers.append(
            subprocess.Popen(
                ["ip", "netns", "exec", self.name, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def wait(self, *ports: int) -> None:
        """Until somebody listens on these TCP ports."""
        for _ in range(200):
            listed = sh("ip", "netns", "exec", self.name, "ss", "-Hlnt")
            if all(f":{port} " in listed for port in ports):
                return
            assert all(server.poll() is None for server in self._servers), "a server ended"
            time.sleep(0.05)
        raise AssertionError(f"nobody listens on {ports}: {listed}")

    def stop(self) -> None:
        for server in self._servers:
            server.kill()
            server.wait()
        sh("ip", "netns", "delete", self.name)
