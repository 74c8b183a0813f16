"""A Windows machine, asked by one PowerShell script: this machine, or one behind OpenSSH for Windows.

Nothing is put on the target: here the script is a file of the package, over SSH its text goes to PowerShell's standard
input. Its answer is ASCII in a frame (see collect.ps1), so no code page and no console width can change it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Self

from collectors.credential import Credential
from collectors.errors import Denied, Unparsable, Unreachable, Unsupported
from collectors.model import Target
from collectors.transports.base import MAX_BYTES, TIMEOUT, Answer, Stat, System

if TYPE_CHECKING:
    import paramiko

SCRIPTS: Final = Path(__file__).parent.parent / "windows"
ARGUMENTS: Final = ("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass")
# neither cmd.exe nor PowerShell, whichever sshd starts, finds anything to expand in this line
FROM_STDIN: Final = f'powershell.exe {" ".join(ARGUMENTS)} -Command "Invoke-Expression ([Console]::In.ReadToEnd())"'
_LINE = 70


class WindowsShell:
    """What every way to a Windows machine has in common: questions for POSIX hosts are not for it."""

    system: System = "windows"

    @property
    def privileged(self) -> bool:
        """Whether the script runs elevated is known only when it has run: it says so itself, section by section."""
        return False

    def run_script(self, name: str, *, timeout: float) -> str:
        raise NotImplementedError

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        _posix(argv[0])

    def read(self, path: str, *, root: bool = False) -> str | None:
        _posix(path)

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        _posix(patterns[0])

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        _posix(pattern)

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        _posix(path)

    def link(self, path: str) -> str | None:
        _posix(path)

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        _posix(pattern)


def _posix(what: str) -> NoReturn:
    raise Unsupported(f"{what}: a question for Linux; this is Windows")


def script(name: str) -> str:
    """The text of a script of the package."""
    return (SCRIPTS / name).read_text("ascii")


def framed(text: str) -> str:
    """ASCII text in the frame that collect.ps1 writes: what a recording needs to look like the real answer."""
    lines = [f"|{text[at : at + _LINE]}|" for at in range(0, len(text), _LINE)]
    return "\r\n".join(("RASOAT-BEGIN", *lines, f"RASOAT-END {len(text)}", ""))


class LocalWindows(WindowsShell):
    """This machine. `powershell` is the program to start; Windows' own one unless given."""

    def __init__(self, powershell: str | None = None) -> None:
        self._powershell = powershell or _windows_powershell()

    @property
    def privileged(self) -> bool:
        import ctypes

        windll = getattr(ctypes, "windll", None)
        return bool(windll is not None and windll.shell32.IsUserAnAdmin())

    def run_script(self, name: str, *, timeout: float) -> str:
        argv = (self._powershell, *ARGUMENTS, "-File", str(SCRIPTS / name))
        try:
            # a console window of its own must not flash up on the desktop
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{name}: no answer within {timeout:g} s") from None
        except PermissionError:
            raise Denied(f"{name}: PowerShell may not be started here") from None
        except OSError as error:
            raise Unsupported(f"{name}: PowerShell could not be started: {error.strerror}") from None
        return _judged(name, done.returncode, done.stdout, done.stderr)


class SshWindows(WindowsShell):
    """A Windows machine behind OpenSSH. Use as a context manager."""

    def __init__(self, transport: paramiko.Transport, place: str) -> None:
        self._transport = transport
        self._place = place

    @classmethod
    def connect(
        cls,
        target: Target,
        credential: Credential,
        known_hosts: Path | None = None,
        *,
        also_known: Sequence[Path] | None = None,
        timeout: float = 10.0,
    ) -> SshWindows:
        """Log on, once; see SshShell.connect for what it raises."""
        from collectors.transports.ssh_connect import logged_on

        place = f"{target.address or target.name}:{target.port or 22}"
        return cls(logged_on(target, credential, known_hosts, also_known, timeout), place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def run_script(self, name: str, *, timeout: float) -> str:
        import paramiko

        until = time.monotonic() + timeout
        try:
            channel = self._transport.open_session(timeout=min(timeout, TIMEOUT))
            channel.settimeout(timeout)
            channel.exec_command(FROM_STDIN)
            channel.sendall(script(name).encode("ascii"))
            channel.shutdown_write()
            status, out, err = _heard(channel, until)
        except TimeoutError:
            raise Unreachable(f"{self._place}: {name}: no answer within {timeout:g} s") from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise Unreachable(f"{self._place}: the connection was cut: {error or 'no reason given'}") from None
        return _judged(name, status, out, err)


def _heard(channel: paramiko.Channel, until: float) -> tuple[int, bytes, bytes]:
    """(exit status, out, err). Both streams are emptied in turn: a full one would stop the other side."""
    out, err = bytearray(), bytearray()
    while True:
        ended = channel.exit_status_ready()
        while channel.recv_ready():
            out += channel.recv(1 << 16)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(1 << 16)
        if len(out) + len(err) > MAX_BYTES:
            channel.close()
            return 0, bytes(out), bytes(err)
        if ended and channel.eof_received:
            return channel.recv_exit_status(), bytes(out), bytes(err)
        if channel.closed:
            raise EOFError("the host closed it")
        if time.monotonic() >= until:
            channel.close()
            raise TimeoutError
        time.sleep(0.02)


def _judged(name: str, status: int, out: bytes, err: bytes) -> str:
    if len(out) > MAX_BYTES:
        raise Unparsable(f"{name}: answered more than {MAX_BYTES >> 20} MiB")
    text = out.decode("utf-8", "replace")
    if "RASOAT-BEGIN" in text:
        return text  # whole or cut: whoever reads the document sees
    # PowerShell's own words are localised and in the console's code page: for a person, never parsed
    said = " ".join(err.decode("utf-8", "replace").split())[:200]
    raise Unparsable(f"{name}: PowerShell ended with status {status} and no answer: {said or 'it said nothing'}")


def _windows_powershell() -> str:
    root = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
    # a 32-bit Python is shown SysWOW64 as System32; Sysnative is the way around that
    for folder in ("Sysnative", "System32"):
        found = root / folder / "WindowsPowerShell" / "v1.0" / "powershell.exe"
        if found.is_file():
            return str(found)
    return "powershell.exe"
