"""One question to a vault over HTTPS: certificate checked, no redirect followed, no proxy used, short of patience."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3

from agent.vault import SecretError

SECONDS = urllib3.Timeout(connect=5.0, read=15.0)
MAX_REPLY = 1024 * 1024


class Reply(NamedTuple):
    """What came: never shown, because secrets may stand in it."""

    status: int
    document: dict[str, Any]


class Line:
    """The way to one vault."""

    def __init__(
        self, what: str, url: str, ca_file: Path | None, certificate: Path | None = None, private_key: Path | None = None
    ) -> None:
        self._what = what
        parts = urlsplit(url)
        self._url = url.rstrip("/")
        self._host = parts.netloc
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
            raise SecretError("not-set-up", f"{what}: {url} is not encrypted; write an address that starts with https://")
        options: dict[str, Any] = {"timeout": SECONDS, "retries": False}
        if parts.scheme == "https":
            try:
                context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
                if certificate is not None:
                    context.load_cert_chain(certificate, private_key)
            except (ssl.SSLError, OSError) as error:
                why = getattr(error, "strerror", None) or "no certificate in PEM form"
                raise SecretError("not-set-up", f"{what}: its certificates cannot be used: {why}") from None
            options["ssl_context"] = context
        self._pool = urllib3.PoolManager(**options)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, str] | None = None) -> Reply:
        """The answer. Raises SecretError("unreachable") when none came that a vault gives."""
        sent = {"User-Agent": "rasoat", "Accept": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(method, self._url + path, body=data, headers=sent, redirect=False, preload_content=False)
            raw = answer.read(MAX_REPLY + 1)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise SecretError("unreachable", f"{self._what} at {self._host}: {_why(error)}") from None
        if 300 <= answer.status < 400:
            raise SecretError("unreachable", f"{self._what} at {self._host} sends us elsewhere; correct its address")
        try:
            document = json.loads(raw) if len(raw) <= MAX_REPLY else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            if answer.status < 400:
                raise SecretError(
                    "unreachable", f"{self._what} at {self._host} answers, but not like one; is something in between?"
                )
            document = {}
        return Reply(answer.status, document)


def _why(error: urllib3.exceptions.HTTPError) -> str:
    """In our own words: an exception's may quote the address, and a query with it."""
    cause: BaseException = error
    while isinstance(getattr(cause, "reason", None), BaseException):
        cause = cause.reason  # type: ignore[attr-defined]
    if isinstance(cause, (ssl.SSLError, urllib3.exceptions.SSLError)) or "CERTIFICATE" in str(cause):
        verify = getattr(cause, "verify_message", "") or "TLS could not be agreed on"
        return f"its certificate is not trusted here: {verify}"
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return "its name is not known here"
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return "nothing listens there"
    if isinstance(cause, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return f"the connection failed ({type(cause).__name__})"
