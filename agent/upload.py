"""Talking to the collector: one request at a time over TLS, and sending what waits in the spool.

What the collector may answer, and what it means for a snapshot:

    201, 200 with its id    stored, or was stored before: it leaves the spool
    202 with its id         a relay keeps it: it stays here until the centre says that it has it (custody.py)
    412, 415 to a difference    sent whole at once (acknowledged.py)
    429, 5xx, no answer     tried again, with pauses that double and are drawn at random (full jitter)
    other 4xx               never sent again: it goes to refused/ with the reason
    anything else           not our collector (a captive portal answers 200 to everything): tried again

The agent sends and asks; it obeys nothing. No answer makes it run a command.
"""

from __future__ import annotations

import email.utils
import json
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

import urllib3

from agent.bandwidth import Bucket, Paced
from agent.errors import Refusal
from agent.language import _
from agent.spool import Spool, Waiting

if TYPE_CHECKING:
    from agent.acknowledged import Acknowledged
    from agent.custody import Custody

MEDIA_TYPE = "application/vnd.rasoat.snapshot"
DIFFERENCE = "application/vnd.rasoat.snapshot-delta"
ABOUT, MACHINE = "Rasoat-About", "Rasoat-Machine"
"""Headers that name what is sent, for what stands between; a collector asked directly has no use for them."""
SEND_AGAIN = ("altered", "base-unknown", "difference-damaged")
"""Refusals of the way or the form a snapshot came in, not of the snapshot."""
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
MAX_REPLY = 32 * 1024 * 1024
MAX_PAUSE = 300.0


class Offline(Exception):
    """The collector gave no usable answer. `hopeless`: trying again at once cannot help."""

    def __init__(self, message: str, hopeless: bool = False, pause: float | None = None) -> None:
        super().__init__(message)
        self.hopeless = hopeless
        self.pause = pause
        """Seconds the collector asked us to wait."""


class Reply(NamedTuple):
    """An answer of the collector that we understand."""

    status: int
    document: dict[str, Any]
    skew: float
    """Seconds its clock is ahead of ours; 0 when it did not say."""
    tag: str = ""
    """By which it knows this answer again."""

    @property
    def complaint(self) -> str:
        """What the collector says is wrong, on one line."""
        said = self.document.get("message") or self.document.get("detail") or self.document.get("error") or ""
        return " ".join(str(said).split())[:300] or f"HTTP {self.status}"


class Collector:
    """The central collector, as this agent knows it."""

    def __init__(self, url: str, ca_file: Path | None = None, proxy: str | None = None) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in ("https", "http"):
            raise Refusal(_("%s is no address of a collector. Write it like https://collector.example") % url)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise Refusal(_("%s is not encrypted. Only https:// is used, except on this machine itself.") % url)
        if ca_file is not None and not ca_file.is_file():
            raise Refusal(
                _("%s: there is no such file. It should hold the certificate of the authority that signed the collector's.")
                % ca_file
            )
        self.url = url.rstrip("/")
        self.base = parts.path.rstrip("/")
        self._host = parts.netloc
        self._bucket: Bucket | None = None
        options: dict[str, Any] = {"timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), "retries": False}
        if parts.scheme == "https":
            try:
                options["ssl_context"] = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
            except ssl.SSLError:
                raise Refusal(_("%s holds no certificate in PEM form") % ca_file) from None
        self._pool: urllib3.PoolManager = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def at_most(self, bytes_per_second: int | None) -> None:
        """Send no faster from now on; None: as fast as the line is."""
        self._bucket = Bucket(bytes_per_second) if bytes_per_second else None

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request, not repeated. Raises Offline when no answer came, or one that no collector gives."""
        sent = {"User-Agent": "rasoat", "Accept": "application/json", **(headers or {})}
        content: bytes | IO[Any] | None = body
        if body and self._bucket is not None:
            content = cast(IO[Any], Paced(body, self._bucket))
            sent["Content-Length"] = str(len(body))  # else it would be sent in chunks, which no collector takes
        try:
            answer = self._pool.request(
                method, self.url + path, body=content, headers=sent, redirect=False, preload_content=False
            )
            try:
                raw = answer.read(MAX_REPLY + 1)
            except urllib3.exceptions.HTTPError:
                answer.close()
                raise
            if len(raw) > MAX_REPLY:
                answer.close()
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise self._offline(error) from None
        if answer.status == 304:
            return Reply(304, {}, _skew(answer.headers.get("Date")), answer.headers.get("ETag") or "")
        if 300 <= answer.status < 400:
            to = answer.headers.get("Location", "?")
            raise Offline(
                _("%(host)s sends us on to %(to)s: correct the collector's address") % {"host": self._host, "to": to},
                hopeless=True,
            )
        if answer.status == 429 or answer.status >= 500:
            raise Offline(
                _("%(host)s cannot take it now (HTTP %(status)d)") % {"host": self._host, "status": answer.status},
                pause=_pause(answer.headers.get("Retry-After")),
            )
        try:
            document = json.loads(raw) if len(raw) <= MAX_REPLY else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            if answer.status >= 400:
                return Reply(answer.status, {}, _skew(answer.headers.get("Date")))
            raise Offline(_("%s answers, but not like a collector: is something in between?") % self._host)
        return Reply(answer.status, document, _skew(answer.headers.get("Date")), answer.headers.get("ETag") or "")

    def _offline(self, error: urllib3.exceptions.HTTPError) -> Offline:
        cause: BaseException = error
        while isinstance(getattr(cause, "reason", None), BaseException):
            cause = cause.reason  # type: ignore[attr-defined]
        what = str(cause)
        if isinstance(cause, (ssl.SSLCertVerificationError, urllib3.exceptions.SSLError)) or "CERTIFICATE_VERIFY_FAILED" in what:
            return Offline(
                _(
                    "the certificate of %(host)s is not trusted here: %(why)s. Give its authority's certificate with --ca or ca_file."
                )
                % {"host": self._host, "why": getattr(cause, "verify_message", "") or what},
                hopeless=True,
            )
        if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return Offline(_("the name %s is not known here") % self._host)
        refused = isinstance(cause, urllib3.exceptions.NewConnectionError)  # which is a kind of ConnectTimeoutError
        if isinstance(cause, (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.ReadTimeoutError)) and not refused:
            return Offline(_("%s does not answer in time") % self._host)
        why = cause.__cause__ or cause
        return Offline(
            _("%(host)s cannot be reached: %(why)s") % {"host": self._host, "why": getattr(why, "strerror", None) or what}
        )


def _pause(header: str | None) -> float | None:
    return min(float(header), MAX_PAUSE) if header and header.isdecimal() else None


def _skew(header: str | None) -> float:
    if not header:
        return 0.0
    try:
        return email.utils.parsedate_to_datetime(header).timestamp() - time.time()
    except ValueError:
        return 0.0


@dataclass
class Delivery:
    """What came of sending."""

    sent: list[str] = field(default_factory=list)
    """Ids the collector has now."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(id, reason) of those it will never take."""
    left: int = 0
    error: str = ""
    """Why some are left."""
    agrees: dict[str, bool | None] = field(default_factory=dict)
    """Id -> whether the collector's verdicts are the same as ours."""
    kept: list[str] = field(default_factory=list)
    """Ids a relay keeps for the centre; our copies stay."""
    bases: Acknowledged | None = None
    """Where what the collector has becomes what the next one is a difference to; None: all travel whole."""

    def settle(self, spool: Spool, entry: Waiting, reply: Reply) -> None:
        """What the collector said of one: it leaves the spool, or goes to refused/, or waits to be sent in another way."""
        if reply.status in (200, 201):
            agrees = reply.document.get("verdicts_agree")
            self.sent.append(entry.id)
            self.agrees[entry.id] = agrees if isinstance(agrees, bool) else None
            if self.bases is not None:
                self.bases.keep(entry)
            spool.sent(entry)
        elif self.bases is not None and self.bases.refused(entry.machine, str(reply.document.get("error"))):
            return  # through a relay, of a difference: it still waits, and goes whole next time
        elif reply.status >= 400 and reply.document.get("error") not in SEND_AGAIN:
            self.refused.append((entry.id, reply.complaint))
            spool.refuse(entry, reply.status, reply.complaint)


def send(collector: Collector, snapshot: str, blob: bytes, machine: str = "", form: str = MEDIA_TYPE) -> Reply:
    """Send one. Raises Offline unless it is stored or refused for good."""
    reply = collector.ask("POST", "/api/v1/snapshots", blob, {"Content-Type": form, ABOUT: snapshot, MACHINE: machine})
    if reply.status < 400 and (reply.status not in (200, 201, 202) or reply.document.get("id") != snapshot):
        # whatever answered did not store this snapshot
        raise Offline(_("the answer does not name the snapshot that was sent: is something in between?"))
    return reply


def deliver(
    spool: Spool,
    collector: Collector,
    tries: int,
    retry_seconds: float,
    sleep: Callable[[float], object] = time.sleep,
    custody: Custody | None = None,
    bases: Acknowledged | None = None,
) -> Delivery:
    """Send what waits, oldest first, until the spool is empty or `tries` attempts in a row have failed."""
    result = Delivery(bases=bases)
    failures = 0
    whole: set[str] = set()
    todo = [entry for entry in spool.waiting() if custody is None or not custody.holds(entry.id)]
    while todo:
        entry = todo[0]
        try:
            blob = entry.read()
        except FileNotFoundError:
            todo.pop(0)  # another run sent it
            continue
        try:
            difference = bases.difference(entry, blob) if bases is not None and entry.id not in whole else None
            if difference is None:
                reply = send(collector, entry.id, blob, entry.machine)
            else:
                reply = send(collector, entry.id, difference, entry.machine, DIFFERENCE)
        except Offline as offline:
            failures += 1
            result.error = str(offline)
            if offline.hopeless or failures >= tries:
                break
            sleep(pause(failures, retry_seconds) if offline.pause is None else spread(offline.pause))
            continue
        failures, result.error = 0, ""
        if difference is not None and bases is not None and reply.status >= 400:
            # whatever is wrong with it: only of the whole snapshot a refusal is final
            bases.refused(entry.machine, str(reply.document.get("error")))
            whole.add(entry.id)
            known = {one.id for one in todo}  # what it no longer has lies in the spool again
            todo += [one for one in spool.waiting() if one.id not in known and not (custody and custody.holds(one.id))]
            continue
        if reply.status == 202 and custody is not None:
            custody.took(entry.id, str(reply.document.get("custody", "")))
            result.kept.append(entry.id)
        else:
            result.settle(spool, entry, reply)
        todo.pop(0)
    result.left = len(todo)
    return result


def pause(failures: int, retry_seconds: float) -> float:
    """Seconds to wait after so many failures in a row: anything from 0 to a ceiling that doubles (full jitter).

    Agents that lost the collector at the same moment must not come back at the same moment.
    """
    return random.uniform(0, min(MAX_PAUSE, retry_seconds * 2 ** (failures - 1)))  # noqa: S311  (no secret)


def spread(asked: float) -> float:
    """Seconds to wait when the collector named a time: never less, and up to twice as long.

    Whom it turned away together must not come back together.
    """
    return random.uniform(asked, 2 * asked)  # noqa: S311  (no secret)
