"""One command after the other over an SSH connection: whole answers only."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from collectors.errors import Unreachable, Unsupported

if TYPE_CHECKING:
    import paramiko

log = logging.getLogger(__name__)


class Spoken(NamedTuple):
    """What a command said."""

    status: int
    """Exit status; -1 when a signal ended the command."""
    out: bytes
    err: bytes


class _Bell(threading.Event):
    """Rings when something comes on either stream, or when the streams end; only who waits silences it.

    Not the channel's own file descriptor: paramiko's thread writes to that after we closed it, which ends the connection, or
    lands in whatever file got its number since.
    """

    def clear(self) -> None:
        """One stream read empty says nothing of the other."""

    def rearm(self) -> None:
        super().clear()


class Line:
    """A connection on which commands are run. Once it was cut, or its host answers no more at all, every further one is Unreachable at once."""

    def __init__(self, transport: paramiko.Transport, place: str) -> None:
        self._transport = transport
        self._place = place
        self._gone = ""

    def close(self) -> None:
        self._transport.close()

    def ask(self, command: str, script: bytes, timeout: float, limit: int, name: str, mark: str = "") -> Spoken:
        """One command with its standard input; `name` is what errors call it, `mark` comes before its process id. Raises Unreachable when the connection is cut or nothing ends within `timeout` seconds."""
        until = time.monotonic() + timeout
        channel = self._session(command, until)
        out, err = bytearray(), bytearray()
        try:
            channel.settimeout(timeout)
            try:
                channel.sendall(script)
                channel.shutdown_write()
            except TimeoutError:
                self._silent(name, timeout)
            except OSError:
                log.debug("%s: %s took no input", self._place, command)
            bell = _Bell()
            channel.in_buffer.set_event(bell)
            channel.in_stderr_buffer.set_event(bell)
            while True:
                bell.rearm()
                # asked before the buffers are emptied: what comes between the two must not be taken for nothing
                ended = channel.closed or channel.eof_received
                while channel.recv_ready() and len(out) < limit:
                    out += channel.recv(1 << 16)
                while channel.recv_stderr_ready() and len(err) < limit:
                    err += channel.recv_stderr(1 << 16)
                if len(out) >= limit or len(err) >= limit:
                    return Spoken(-1, bytes(out), bytes(err))
                if ended:
                    break
                left = until - time.monotonic()
                if left <= 0:
                    self._end(bytes(out), mark)
                    self._silent(name, timeout)
                bell.wait(left)
            if not channel.status_event.wait(max(0.0, until - time.monotonic())):
                self._silent(name, timeout)
            # the exit status may come before the last of the output: only the server's EOF says that all is here
            if not channel.eof_received:
                self._cut()
            status = channel.recv_exit_status()
            if status < 0 and not self._alive():
                self._cut()
            return Spoken(status, bytes(out), bytes(err))
        except EOFError:  # paramiko's word for a connection that ended under what it was writing
            self._cut()
        finally:
            with suppress(EOFError, OSError):
                channel.close()

    def _session(self, command: str, until: float) -> paramiko.Channel:
        import paramiko

        if self._gone:
            raise Unreachable(self._gone)
        for pause in (0.1, 0.3, 1.0, None):
            try:
                channel = self._transport.open_session(timeout=max(1.0, until - time.monotonic()))
                channel.exec_command(command)
                return channel
            except paramiko.ChannelException as error:
                # MaxSessions 1: the server has not yet cleared away our last one
                if pause is None:
                    raise Unsupported(f"{self._place}: the host refuses to run commands: {error}") from None
                time.sleep(pause)
            except (paramiko.SSHException, EOFError, OSError):
                # a connection that is just being cut still counts as active for a moment: only an answer proves a refusal
                if self._alive():
                    raise Unsupported(f"{self._place}: the host refuses to run commands for this account") from None
                self._cut()
        raise AssertionError("the last try returns or raises")

    def _silent(self, name: str, timeout: float) -> NoReturn:
        if not self._alive():
            self._cut()
        raise Unreachable(f"{name}: no answer within {timeout:g} s")

    def _cut(self) -> NoReturn:
        self._gone = f"{self._place}: the connection was cut while the host was being asked"
        self._transport.close()
        raise Unreachable(self._gone)

    def _alive(self) -> bool:
        """A host that fell silent must not cost a time-out for each of the questions still to come."""
        import paramiko

        try:
            self._transport.open_session(timeout=5).close()
        except paramiko.ChannelException:
            return True  # refused, so someone is there
        except (paramiko.SSHException, EOFError, OSError):
            return False
        return True

    def _end(self, out: bytes, mark: str) -> None:
        """End the command that hangs: sshd lets it live on when we only hang up. sudo's cannot be ended by us."""
        words = out.partition(mark.encode())[2].split(b" ", 1) if mark else []
        if len(words) != 2 or not words[0].isdigit():
            return
        try:
            channel = self._transport.open_session(timeout=5)
            channel.exec_command(f"kill {words[0].decode()}")
            channel.status_event.wait(5)
            channel.close()
        except Exception as error:  # we are already reporting the hang itself
            log.debug("%s: could not end %s: %s", self._place, words[0], error)
