"""Certificates of the machine: those its own HTTPS and Remote Desktop show, and those that lie ready with their keys."""

from __future__ import annotations

from typing import Final

from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Gaps
from collectors.facts.certificates import COLUMNS, Certificate, Certificates, User
from collectors.linux.certificates import Facts, bare_certificate, unverified
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.registry import CONTROL, POLICIES, Registry

_OTHERS: Final[dict[str, User]] = {
    "nginx": "nginx", "httpd": "apache", "postgres": "postgresql", "mysqld": "mysql", "mariadbd": "mysql",
}  # fmt: skip
"""Servers that keep their certificates in files, whose configuration is not read on Windows."""
_TERMINAL: Final = rf"{CONTROL}\Terminal Server"
_TERMINAL_POLICY: Final = rf"{POLICIES}\Windows NT\Terminal Services"
_STORES: Final = ("My", "WebHosting")
_REMOTE_DESKTOP: Final = "Remote Desktop"


def certificates(shell: Shell) -> Certificates:
    """What a server that is no part of Windows shows stands as a row of its own, with nothing known, where it is seen to run."""
    answers = document(shell)
    gaps = Gaps()
    rows: list[Certificate] = []
    users: dict[str, list[User]] = {}
    kept = {}
    for row in answers.section("certificates").rows():
        thumbprint, store = (row.text("thumbprint") or "").upper(), row.text("store")
        if not thumbprint or store is None:
            raise Unparsable("certificates: one has no thumbprint, or its store is not told")
        kept[thumbprint] = row
        if store in _STORES and row.yes("has_key"):
            users.setdefault(thumbprint, []).append("store")
    for user, ask in (("http-sys", _https), ("rdp", _rdp)):
        name: User = "rdp" if user == "rdp" else "http-sys"
        try:
            for thumbprint in ask(answers):
                users.setdefault(thumbprint, []).append(name)
        except CollectError as error:
            rows.append(_unread(gaps, f"({name})", (name,), error))
    for thumbprint, named in users.items():
        both = tuple(sorted(set(named)))
        row_of = kept.get(thumbprint)
        if row_of is None:
            lost = Unparsable(
                f"certificate {thumbprint}: it is bound to a port, but in none of the machine's stores that were read"
            )
            rows.append(_unread(gaps, f"({thumbprint})", both, lost))
            continue
        rows.append(_certificate(row_of, thumbprint, both, gaps))
    rows += _foreign(answers, gaps)
    return Certificates(certificates=tuple(sorted(rows, key=lambda row: row.path)), unseen=gaps.unseen)


def _certificate(row: Section, thumbprint: str, users: tuple[User, ...], gaps: Gaps) -> Certificate:
    path = rf"Cert:\LocalMachine\{row.text('store')}\{thumbprint}"
    try:
        raw = row.hexed("der")
        if raw is None:
            raise Unparsable(f"{path}: the certificate itself did not come")
        found: Facts = bare_certificate(raw, path)
    except CollectError as error:
        return _unread(gaps, path, users, error)
    values = found._asdict()
    del values["fingerprint"]
    if found.self_signed is None:
        gaps.note("certificates[].self_signed", "unsupported", unverified(path, found))
    return Certificate(path=path, used_by=users, **values)


def _https(answers: Document) -> tuple[str, ...]:
    """Of http.sys: IIS, WinRM over HTTPS, web services of Windows."""
    found = []
    for row in answers.section("https_bindings").rows():
        digest = row.hexed("hash")
        if not digest:
            raise Unparsable(f"https_bindings: {str(row.text('name'))[:60]} names no certificate")
        found.append(digest.hex().upper())
    return tuple(found)


def _rdp(answers: Document) -> tuple[str, ...]:
    """Of Remote Desktop, where it lets people in."""
    if Registry(answers).first("fDenyTSConnections", _TERMINAL_POLICY, _TERMINAL) == 1:
        return ()
    found = [(row.text("SSLCertificateSHA1Hash") or "").upper() for row in answers.section("rdp_certificate").rows()]
    if not found or not all(found):
        raise Unparsable("rdp_certificate: Remote Desktop does not tell which certificate it shows")
    return tuple(found)


def _foreign(answers: Document, gaps: Gaps) -> list[Certificate]:
    try:
        programs = {(row.text("program") or "").lower() for row in answers.section("sockets").rows()}
    except CollectError:
        return []  # checks ask who holds the ports as well, and then decide nothing
    rows = []
    for program in sorted(programs & set(_OTHERS)):
        error = Unparsable(f"{program} keeps its certificates in files, and its configuration is not read on Windows")
        rows.append(_unread(gaps, f"({program})", (_OTHERS[program],), error))
    return rows


def _unread(gaps: Gaps, path: str, users: tuple[User, ...], error: CollectError) -> Certificate:
    gaps.note(tuple(f"certificates[].{column}" for column in COLUMNS), error.outcome, str(error))
    return Certificate(path=path, used_by=users)
