"""Which certificates does this machine show others, and until when are they good?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Fact, Gaps, Model
from collectors.linux.certificate_users import ASK, Server
from collectors.linux.certificates import first_certificate, unverified
from collectors.linux.presence import programs
from collectors.transports.base import Shell

User = Literal[
    "nginx", "apache", "postfix", "dovecot", "postgresql", "mysql", "cockpit", "letsencrypt", "default", "http-sys", "rdp", "store",
]  # fmt: skip

COLUMNS = ("subject", "issuer", "not_before", "not_after", "key_type", "key_bits", "signature_hash", "self_signed")


class Certificate(Model):
    """A certificate a server is configured to show. All but the first two are None where it could not be read."""

    path: str = Field(
        description="The file, or its place in a store of Windows; a server's name in brackets where its configuration could not be read"
    )
    used_by: tuple[User, ...] = Field(
        description="Whose configuration names it; letsencrypt: kept by certbot; default: made at installation; http-sys: IIS, WinRM and others of "
        "Windows' own HTTPS; rdp: Remote Desktop; store: ready with its key in the machine's store, for any service to take"
    )
    subject: str | None = Field(default=None, description="Whom it names, as in RFC 4514")
    issuer: str | None = Field(default=None, description="Who signed it, as in RFC 4514")
    not_before: datetime | None = Field(default=None, description="Good from, UTC")
    not_after: datetime | None = Field(default=None, description="Good until, UTC")
    key_type: Literal["rsa", "ec", "ed25519", "ed448", "dsa", "other"] | None = Field(default=None, description="Kind of its key")
    key_bits: int | None = Field(default=None, description="Size of its key, bits")
    signature_hash: str | None = Field(
        default=None, description="Hash its signature rests on: sha256, sha1 ...; ed25519 and ed448 have their own"
    )
    self_signed: bool | None = Field(default=None, description="Signed by its own key")


class Certificates(Fact):
    """The certificates of the web, mail and database servers set up here."""

    NAME: ClassVar[str] = "certificates"

    certificates: tuple[Certificate, ...] | None = Field(
        description=(
            "Those that nginx, Apache, Postfix, Dovecot, PostgreSQL, MySQL, Cockpit and certbot name; on Windows those of the machine's "
            "store that have a key, and of Remote Desktop; none where none does"
        )
    )


def linux(shell: Shell) -> Certificates:
    """Follow each server's configuration to its certificate files. No private key is read.

    A configuration or file that could not be read stands as a row of its own, with nothing known: left out, it would look
    as if there were one certificate less to care for. What applications carry in stores of their own is not looked at.
    """
    programs(shell)  # a tree of data only has no servers and proves nothing
    gaps = Gaps()
    users: dict[str, list[Server]] = {}
    rows: list[Certificate] = []
    for server, ask in ASK.items():
        try:
            for named in ask(shell):
                users.setdefault(named.path, []).append(named.server)
        except CollectError as error:
            rows.append(_unread(gaps, f"({server})", [server], error))
    known: dict[str, Certificate] = {}
    for path in sorted(users):
        try:
            text = shell.read(path, root=True)
            if text is None:
                raise Unparsable(f"{path}: a server's configuration names it, but there is no such file")
            facts = first_certificate(text, path)
        except CollectError as error:
            rows.append(_unread(gaps, path, users[path], error))
            continue
        earlier = known.get(facts.fingerprint)
        # certbot's cert.pem and the fullchain.pem a server names are one certificate
        both = sorted({*users[path], *(earlier.used_by if earlier else ())})
        values = facts._asdict()
        del values["fingerprint"]
        if facts.self_signed is None:
            gaps.note("certificates[].self_signed", "unsupported", unverified(path, facts))
        known[facts.fingerprint] = Certificate(path=earlier.path if earlier else path, used_by=tuple(both), **values)
    return Certificates(certificates=tuple(sorted((*rows, *known.values()), key=lambda row: row.path)), unseen=gaps.unseen)


def _unread(gaps: Gaps, path: str, servers: list[Server], error: CollectError) -> Certificate:
    gaps.note(tuple(f"certificates[].{column}" for column in COLUMNS), error.outcome, str(error))
    return Certificate(path=path, used_by=tuple(sorted(set(servers))))
