"""Webhooks: a slice of messages as JSON, POSTed over HTTPS and signed.

    Rasoat-Signature: t=1764417600,v1=<hex of HMAC-SHA-256 over "1764417600." + body, with the outlet's signing key>
    Rasoat-Delivery: <hex>      the same when the same slice comes again

What an answer means:

    2xx                     taken
    429, 503 with a wait    tried again no earlier than asked
    408, 425, 5xx, none     tried again, with pauses that grow
    3xx, other 4xx          a person has to change something: people are told at once, and it is tried again all the same
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from collectors import VERSION
from server.outlets import reach
from server.outlets.messages import Message
from server.outlets.models import Outlet
from server.outlets.reach import Failed

READ_SECONDS = 30.0
LONGEST_WAIT = 86_400.0
AGAIN = (408, 425, 429)


class _Connection(HTTPSConnection):
    """Connects to the address that was looked at, not to what the name says a moment later."""

    def _new_conn(self) -> socket.socket:
        return reach.connect(self.host, self.port)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def body(outlet: Outlet, messages: list[Message]) -> bytes:
    document = {"version": 1, "outlet": outlet.name, "messages": [message.document() for message in messages]}
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def signature(key: str, now: datetime, data: bytes) -> str:
    stamp = str(int(now.timestamp()))
    return f"t={stamp},v1=" + hmac.digest(key.encode(), stamp.encode() + b"." + data, "sha256").hex()


def send(outlet: Outlet, messages: list[Message], now: datetime) -> None:
    """Raises Failed."""
    data = body(outlet, messages)
    where = urllib3.util.parse_url(outlet.address)
    headers = {
        "Content-Type": "application/json", "User-Agent": f"rasoat/{VERSION}", "Rasoat-Signature": signature(outlet.secret, now, data),
        "Rasoat-Delivery": hashlib.sha256(b"\n".join(message.id.encode() for message in messages)).hexdigest()[:32],
    }  # fmt: skip
    pool = _Pool(
        str(where.host), where.port or 443, ssl_context=reach.context(outlet.ca), retries=False, maxsize=1,
        timeout=urllib3.Timeout(connect=reach.SECONDS, read=READ_SECONDS),
    )  # fmt: skip
    try:
        answer = pool.request("POST", where.request_uri, body=data, headers=headers, redirect=False, preload_content=False)
        answer.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise Failed(f"{where.host}: {_why(error)}", hopeless="certificate" in _why(error)) from None
    finally:
        pool.close()
    _judge(answer.status, answer.headers, now)


def _judge(status: int, headers: Any, now: datetime) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Failed(f"HTTP {status}: redirects are not followed; give the address it points to", hopeless=True)
    wait = _wait(headers.get("Retry-After", ""), now) if status in (429, 503) else None
    raise Failed(f"HTTP {status}", hopeless=status < 500 and status not in AGAIN, wait=wait)


def _wait(text: str, now: datetime) -> float | None:
    """Seconds, from a number or a date."""
    if text.strip().isdecimal():
        return min(float(text), LONGEST_WAIT)
    try:
        return min(max((parsedate_to_datetime(text) - now).total_seconds(), 0.0), LONGEST_WAIT)
    except (ValueError, TypeError):
        return None


def _why(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error.__cause__
    if isinstance(inner, OSError):
        return reach.why(inner)
    return reach.why(inner if isinstance(inner, Exception) else error).partition(" (")[0]
