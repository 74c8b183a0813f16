"""E-mail: alarms at once, at most so many mails an hour, and one digest per period of what turned.

A mail goes to each recipient by itself: a server may take one, put off the next (greylisting) and refuse the third. Who has it
is noted before the next one is tried, so that nobody gets it twice for another one's sake.
"""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server.outlets import reach
from server.outlets.messages import Message
from server.outlets.models import Outlet
from server.outlets.reach import Failed

SECONDS = 30.0
HOUR = timedelta(hours=1)
SHOWN = 10
"""Lines of each unit in a digest; the others are counted."""
GATHERED = 200
"""Alarms in one mail."""


SIDES = ("worse", "neither", "better")
"""Of verdicts, in the order in which a digest shows them."""


class Mail(NamedTuple):
    """What is sent to each recipient. `id` is the same when it is sent again."""

    id: str
    subject: str
    text: str
    html: str


class Plain(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return reach.connect(host, port, timeout)


class Secured(smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(reach.connect(host, port, timeout), server_hostname=host)


class Post(EmailBackend):
    """Django's, by the authorities of the outlet and past no address that was not looked at."""

    def __init__(self, outlet: Outlet) -> None:
        where = urlsplit(outlet.address)
        self._ca = outlet.ca
        super().__init__(
            host=where.hostname, port=where.port, username=outlet.option("user"), password=outlet.secret, timeout=SECONDS,
            use_tls=where.scheme == "starttls", use_ssl=where.scheme == "smtps",
        )  # fmt: skip

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return Secured if self.use_ssl else Plain

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        return reach.context(self._ca)


def send(outlet: Outlet, mail: Mail, done: list[str], had: Callable[[str], None]) -> dict[str, str]:
    """To everybody who has not had it; `had` is told of each who has. Those refused for good, with the reason. Raises Failed."""
    post = Post(outlet)
    put_off, refused = "", {}
    try:
        post.open()
        assert post.connection is not None
        for recipient in outlet.option("recipients", []):
            if recipient in done:
                continue
            try:
                post.connection.sendmail(outlet.option("sender"), [recipient], _message(outlet, mail, recipient))
            except smtplib.SMTPRecipientsRefused as error:
                code, words = error.recipients[recipient]
                said = f"{recipient}: {code} {_words(words)}"
                if code >= 500:
                    refused[recipient] = said
                put_off = put_off if code >= 500 else said
            else:
                had(recipient)
    except smtplib.SMTPAuthenticationError as error:
        raise Failed(f"log-on refused: {error.smtp_code}", hopeless=True) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Failed(str(error), hopeless=True) from None
    except smtplib.SMTPResponseException as error:
        raise Failed(f"{error.smtp_code} {_words(error.smtp_error)}", hopeless=error.smtp_code >= 500) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Failed(
            f"{urlsplit(outlet.address).hostname}: {reach.why(error)}", hopeless=isinstance(error, ssl.SSLCertVerificationError)
        ) from None
    finally:
        _close(post)
    if put_off:
        raise Failed(put_off)
    if refused and not done and len(refused) == len(outlet.option("recipients", [])):
        raise Failed("; ".join(refused.values()), hopeless=True)
    return refused


def _close(post: Post) -> None:
    with contextlib.suppress(smtplib.SMTPException, OSError):  # what was taken was taken
        post.close()


def _message(outlet: Outlet, mail: Mail, recipient: str) -> bytes:
    host = str(outlet.option("sender")).rpartition("@")[2]
    made = EmailMultiAlternatives(
        mail.subject, mail.text, outlet.option("sender"), [recipient],
        headers={"Message-ID": f"<{mail.id}@{host}>", "Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    made.attach_alternative(mail.html, "text/html")
    raw: bytes = made.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own take it
    return raw


def of_alarms(outlet: Outlet, messages: list[Message]) -> Mail:
    """One mail of one or several alarms."""
    several = ngettext("%d alarm", "%d alarms", len(messages)) % len(messages)
    subject = messages[0].text if len(messages) == 1 else several
    told = {"outlet": outlet, "messages": messages}
    return _mail(outlet, f"{outlet.unit.name}: {subject}", "alarms", told, [message.id for message in messages])


class Digest:
    """Counts of a period, and the gravest lines of each unit. Fed with any number of messages, it holds few."""

    def __init__(self) -> None:
        self.units: dict[tuple[str, str], dict[str, Any]] = {}
        self.worse = self.better = self.neither = 0
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, message: Message) -> None:
        known = self.units.setdefault((message.unit_code, message.unit), {"worse": 0, "better": 0, "neither": 0, "lines": []})
        known[_side(message)] += 1
        setattr(self, _side(message), getattr(self, _side(message)) + 1)
        self.first, self.last = min(self.first or message.at, message.at), max(self.last or message.at, message.at)
        known["lines"] = sorted([*known["lines"], message], key=_gravity)[:SHOWN]

    def mail(self, outlet: Outlet, ends: tuple[int, int]) -> Mail:
        units = [
            {"code": code, "name": name, **counts, "more": sum(counts[side] for side in SIDES) - len(counts["lines"])}
            for (code, name), counts in sorted(self.units.items())
        ]
        said = {"unit": outlet.unit.name, "worse": self.worse, "better": self.better}
        subject = _("%(unit)s: %(worse)d verdicts got worse, %(better)d got better") % said
        return _mail(outlet, subject, "digest", {"outlet": outlet, "digest": self, "units": units}, [f"{ends[0]}-{ends[1]}"])


def _side(message: Message) -> str:
    return "worse" if message.worse else "better" if message.better else "neither"


def _gravity(message: Message) -> tuple[int, int, str]:
    return SIDES.index(_side(message)), ("critical", "high", "medium", "low", "info").index(message.severity), message.id


def _mail(outlet: Outlet, subject: str, template: str, told: dict[str, Any], parts: list[str]) -> Mail:
    digest = hashlib.sha256("\n".join([str(outlet.pk), outlet.made_at.isoformat(), template, *parts]).encode()).hexdigest()[:40]
    text = render_to_string(f"outlets/{template}.txt", told)
    return Mail(digest, in_header(subject), clean(text), clean(render_to_string(f"outlets/{template}.html", told)))


def in_header(subject: str) -> str:
    """One line: what could begin another header is no part of it."""
    return " ".join("".join(char if char.isprintable() else " " for char in subject).split())[:200]


def clean(text: str) -> str:
    """Lines, and nothing else that does not print."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text.replace("\r\n", "\n"))


def room(times: list[str], per_hour: int, now: datetime) -> tuple[list[str], datetime | None]:
    """When mails of the last hour went, and until when no further one may; None: one may go now."""
    recent = sorted(at for at in times if now - datetime.fromisoformat(at) < HOUR)
    full = len(recent) >= per_hour
    return recent, datetime.fromisoformat(recent[-per_hour]) + HOUR if full else None


def _words(raw: Any) -> str:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return in_header(text)[:150]
