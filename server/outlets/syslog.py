"""Syslog: RFC 5424 lines over TLS (RFC 5425), TCP with counted octets (RFC 6587) or UDP (RFC 5426).

Syslog has no receipts. Over TCP and TLS a slice counts as delivered once the receiver, told that nothing more comes, has read to
the end and closed its side in order; a close before that, a reset or silence means that the slice comes again. Over UDP nothing is known: what was sent counts.

Structured data: an SD-ID without `@` has to be registered with IANA, one with it needs the sender's own private enterprise number.
rasoat has none, and 32473 is for examples alone. So lines carry the registered `origin`, and the content is JSON (or CEF) in MSG;
an organisation that gives its own number gets `rasoat@NUMBER` besides.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import unicodedata
from dataclasses import replace
from datetime import UTC
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from collectors import VERSION
from server.outlets import cef, reach
from server.outlets.messages import Message
from server.outlets.models import Outlet
from server.outlets.reach import Failed

EXAMPLES = 32473
"""Private enterprise number for documentation (RFC 5612)."""
BOM = b"\xef\xbb\xbf"
LIMITS = {"tls": 8192, "tcp": 8192, "udp": 2048}
"""Octets of a line that receivers take (RFC 5425 and 5424); longer ones are shortened here, or they are cut there."""
_LEVELS = {"critical": 2, "high": 3, "medium": 4, "low": 5, "info": 6}
ALERT, NOTICE = 1, 5


def send(outlet: Outlet, messages: list[Message]) -> None:
    """Raises Failed."""
    where = urlsplit(outlet.address)
    host, port = where.hostname or "", where.port or 0
    lines = [fitted(message, outlet, LIMITS[where.scheme]) for message in messages]
    if where.scheme == "udp":
        _datagrams(host, port, lines)
        return
    data = b"".join(b"%d %s" % (len(line), line) for line in lines)
    plain = reach.connect(host, port)
    try:
        _deliver(plain if where.scheme == "tcp" else _secured(plain, host, outlet), data)
    except Failed as error:
        raise Failed(f"{host}:{port}: {error}", error.hopeless) from None
    finally:
        plain.close()


def level(message: Message) -> int:
    """Severity of syslog: 1 alarms, 2 to 5 verdicts by the severity of their rule, 5 what got better, 6 what is neither and the journal."""
    if message.better:
        return NOTICE
    if message.kind in ("alarm", "skipped"):
        return ALERT if message.severity != "info" else NOTICE
    return _LEVELS[message.weight]


def line(message: Message, outlet: Outlet) -> bytes:
    """One message in the form of RFC 5424, without framing."""
    priority = int(outlet.option("facility", 16)) * 8 + level(message)
    stamp = message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{priority}>1 {stamp} {_host()} rasoat - {_printable(message.action, 32)} {_data(message, outlet)} "
    if outlet.option("format", "json") == "cef":
        # no BOM: CEF is UTF-8 by its own word, and its readers want the header at the first octet
        return head.encode() + cef.text(message).encode()
    text = as_json(message.document())
    return head.encode() + (b"" if text.isascii() else BOM) + text.encode()


def fitted(message: Message, outlet: Outlet, limit: int) -> bytes:
    """The same, shortened where it is longer than receivers take; its id and what it is about stay."""
    found = line(message, outlet)
    if len(found) <= limit:
        return found
    known: dict[str, Any] = {
        name: str(message.detail[name])[:200] for name in ("requirement", "check", "was", "now", "kind") if name in message.detail
    }
    for room in (1000, 300, 100, 30):
        short = replace(
            message,
            text=message.text[:room],
            machine=message.machine[:room],
            unit=message.unit[:room],
            detail={**known, "shortened": True},
        )
        found = line(short, outlet)
        if len(found) <= limit:
            break
    return found


def as_json(document: Any) -> str:
    """On one line, and without any character that moves a cursor, turns the writing round or is none."""
    return "".join(
        char if char.isprintable() or char == " " else _escaped(char) for char in json.dumps(document, ensure_ascii=False)
    )


def _escaped(char: str) -> str:
    code = ord(char)
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"


def _data(message: Message, outlet: Outlet) -> str:
    found = f'[origin software="rasoat" swVersion="{VERSION}"]'
    number = int(outlet.option("enterprise", 0) or 0)
    if number:
        values = {
            "id": message.id,
            "kind": message.kind,
            "severity": message.severity,
            "machine": message.machine,
            "unit": message.unit_code,
        }
        found += f"[rasoat@{number} " + " ".join(f'{name}="{_value(text)}"' for name, text in values.items() if text) + "]"
    return found


def _value(text: str) -> str:
    """Of a parameter: `\\`, `"` and `]` are escaped, and nothing that does not print is in it."""
    clean = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return "".join(f"\\{char}" if char in '\\"]' else char for char in clean)


def _printable(text: str, most: int) -> str:
    """A header field: visible ASCII, `-` where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(char for char in plain if "!" <= char <= "~")[:most] or "-"


@cache
def _host() -> str:
    return _printable(socket.getfqdn(), 255)


def _secured(plain: socket.socket, host: str, outlet: Outlet) -> ssl.SSLSocket:
    context = reach.context(outlet.ca)
    if pair := outlet.secret:
        _take_pair(context, pair)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError) as error:
        raise Failed(reach.why(error), hopeless=isinstance(error, ssl.SSLCertVerificationError)) from None


def _take_pair(context: ssl.SSLContext, pair: str) -> None:
    """Certificate and key of the client, from memory: they are not to lie on a disk in clear."""
    handle = os.memfd_create("rasoat", os.MFD_CLOEXEC)
    try:
        os.write(handle, pair.encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    except ssl.SSLError:
        raise Failed("its client certificate and key do not belong together, or are not PEM", hopeless=True) from None
    finally:
        os.close(handle)


def _deliver(stream: socket.socket, data: bytes) -> None:
    """Write it all, say that nothing more comes, and wait until the other side has read to there and closes too."""
    try:
        stream.sendall(data)
        if _closed(stream):
            raise Failed("it closed the connection before the last line: whether it took them is not known")
        if isinstance(stream, ssl.SSLSocket):
            with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                stream.unwrap().recv(1)
            _whole(stream)
        else:
            stream.shutdown(socket.SHUT_WR)
            for _answer in range(64):
                if not stream.recv(4096):
                    _whole(stream)
                    return
            raise Failed("it answers, which no receiver of syslog does")
    except TimeoutError:
        raise Failed("it did not close the connection after the last line: whether it took them is not known") from None
    except OSError as error:
        raise Failed(reach.why(error)) from None
    finally:
        stream.close()


def _closed(stream: socket.socket) -> bool:
    """Whether the other side has ended it already, which is no answer to an end of ours. Raises OSError."""
    patience = stream.gettimeout()
    stream.settimeout(0)
    try:
        # TLS has no peeking; what it may hold unread are tickets of the session, which are no content
        return not (stream.recv(1) if isinstance(stream, ssl.SSLSocket) else stream.recv(1, socket.MSG_PEEK))
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        stream.settimeout(patience)


def _whole(stream: socket.socket) -> None:
    """An end in order, and no reset right behind it. Raises Failed."""
    if code := stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise Failed(os.strerror(code))


def _datagrams(host: str, port: int, lines: list[bytes]) -> None:
    place = reach.places(host, port, socket.SOCK_DGRAM)[0]
    with socket.socket(place.family, socket.SOCK_DGRAM) as out:
        for one in lines:
            try:
                out.sendto(one, place.address)
            except OSError as error:
                raise Failed(f"{host}:{port}: {error.strerror}") from None
