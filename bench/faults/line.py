"""A line between two programs that can be cut: refused, cut in the middle of what is sent, cut before the answer, or silent."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

PASS, REFUSE, MID_BODY, NO_ANSWER, SILENT = "pass", "refuse", "cut in mid-body", "answer lost", "never answers"
CHUNK = 16 * 1024


class Line:
    """Passes bytes on to a port of this machine. What it does to them may be changed at any moment."""

    def __init__(self, port_to: int, seed: int = 0) -> None:
        self.to, self.mode = port_to, PASS
        self.struck: Counter[str] = Counter()
        """Connections that were harmed, by what was done to them."""
        self.answers_lost = 0
        self._chance = random.Random(seed)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._server.getsockname()[1]
        self._over = threading.Event()
        threading.Thread(target=self._accept, name=f"line to {port_to}", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def strike(self, mode: str) -> None:
        """From now on; what is open is harmed too, where the mode is to refuse."""
        self.mode = mode
        if mode == REFUSE:
            self.cut()

    def cut(self) -> None:
        """Every open connection ends now, in mid-whatever."""
        with self._lock:
            held, self._open = self._open, set()
        self.struck["cut while open"] += len(held) // 2
        for one in held:
            _end(one)

    def mend(self) -> None:
        """What hung in silence is cut now: that is how such connections end."""
        silent = self.mode == SILENT
        self.mode = PASS
        if silent:
            self.cut()

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                near, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        mode = self.mode
        if mode == REFUSE:
            self.struck[REFUSE] += 1
            _end(near)
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.to), timeout=20)
        except OSError:
            _end(near)
            return
        far.settimeout(None)
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {near, far}
        cut = threading.Event()
        back = threading.Thread(target=self._back, args=(far, near, cut), daemon=True)
        back.start()
        self._there(near, far, cut)
        back.join()
        with self._lock:
            self._open -= {near, far}
        _end(near)
        _end(far)

    def _there(self, near: socket.socket, far: socket.socket, cut: threading.Event) -> None:
        """What the caller sends. In mid-body: a part of one piece still goes on, and no answer to it comes back."""
        with suppress(OSError):
            while piece := near.recv(CHUNK):
                mode = self.mode
                if mode == SILENT:
                    self.struck[SILENT] += 1
                    while self.mode == SILENT and not self._over.is_set():
                        time.sleep(0.02)
                    break
                if mode == MID_BODY and len(piece) > 1:
                    self.struck[MID_BODY] += 1
                    cut.set()
                    far.sendall(piece[: self._chance.randrange(1, len(piece))])
                    break
                far.sendall(piece)
        _end(far)
        _end(near)

    def _back(self, far: socket.socket, near: socket.socket, cut: threading.Event) -> None:
        """What is answered. Lost: the other side has done what it was asked, and the caller never hears of it."""
        with suppress(OSError):
            while piece := far.recv(CHUNK):
                if cut.is_set():
                    break
                if self.mode == NO_ANSWER:
                    self.struck[NO_ANSWER] += 1
                    break
                if self.mode == SILENT:
                    continue
                near.sendall(piece)
        _end(near)
        _end(far)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
