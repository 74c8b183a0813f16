"""An endpoint that only decompresses and validates: what the steady rate is held against. Served as the collector is (server/serve.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from collectors.model import Snapshot
from collectors.seal import parse, unpack


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if body:
        Snapshot.from_bytes(parse(unpack(body)).snapshot)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"{}"]
