"""A relay of TCP that counts: what goes through it is what goes over the wire, TLS and the heads of requests included."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass

ETHERNET_MSS = 1448
"""Bytes of one segment on Ethernet; loopback would carry sixty thousand at once."""
HEADERS = 52
"""Bytes of the heads of IPv4 and TCP (with its time stamps) on each segment."""


@dataclass
class Counted:
    """What went through."""

    connections: int = 0
    sent: int = 0
    """Bytes from whoever connected."""
    received: int = 0
    segments: int = 0
    """Of TCP, both ways, those that carry nothing but an acknowledgement too."""

    @property
    def bytes(self) -> int:
        return self.sent + self.received

    @property
    def with_headers(self) -> int:
        return self.bytes + HEADERS * self.segments

    def since(self, before: Counted) -> Counted:
        return Counted(*(getattr(self, name) - getattr(before, name) for name in self.__dataclass_fields__))


class ByteCounter:
    """Listens on a port of its own and passes everything on to `port` of this machine."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._counted, self._lock = Counted(), threading.Lock()
        self._open: set[threading.Thread] = set()
        self._listener = socket.socket()
        # before listen: what is accepted inherits it, and so the other end is told too
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, ETHERNET_MSS)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def counted(self) -> Counted:
        """So far; connections that are open are waited for."""
        for thread in list(self._open):
            thread.join(10)
        with self._lock:
            return Counted(**vars(self._counted))

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._relay, args=(near,), daemon=True)
                self._open.add(thread)
                thread.start()

    def _relay(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._to)) as far:
            sizes = [0, 0]
            back = threading.Thread(target=_copy, args=(far, near, sizes, 1), daemon=True)
            back.start()
            _copy(near, far, sizes, 0)
            back.join()
            info = near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)
        out, into = struct.unpack_from("II", info, 136)  # tcpi_segs_out, tcpi_segs_in of linux/tcp.h
        with self._lock:
            self._counted.connections += 1
            self._counted.sent += sizes[0]
            self._counted.received += sizes[1]
            self._counted.segments += out + into
        self._open.discard(threading.current_thread())


def _copy(source: socket.socket, to: socket.socket, sizes: list[int], which: int) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            sizes[which] += len(piece)
            to.sendall(piece)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)
