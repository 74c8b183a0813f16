"""Local accounts of a Windows machine. Known by SID: "Administrator" and "Administrators" are other words in other languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.facts.accounts import Account, Accounts
from collectors.facts.base import Gaps, Limit, once
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.password_policy import local_policy
from collectors.windows.registry import Registry, sid
from collectors.windows.release import release

ADMINISTRATOR = 500
_FIRST_OWN = 1000
"""Ids below are those of accounts Windows makes itself."""
_NEVER_EXPIRES = 0x10000


class _Ageing(NamedTuple):
    """What ADSI adds to an account."""

    flags: int
    changed: datetime | None
    last_logon: datetime | None


class _Member(NamedTuple):
    """One member of the administrators' group."""

    sid: str | None
    name: str


def accounts(shell: Shell) -> Accounts:
    """Raises Unsupported on a domain controller, which has no accounts of its own, and CollectError where CIM lists none."""
    answers = document(shell)
    registry = Registry(answers)
    if release(registry).controller:
        raise Unsupported(
            "a domain controller has no accounts of its own; those of the directory are looked at with the directory's tools"
        )
    rows = answers.section("users").rows()
    if not rows:
        raise Unparsable("no local account is listed: every Windows has some")
    gaps = Gaps()
    admins = gaps.attempt(("administrators", "users[].administrator"), lambda: _members(answers))
    ageing = gaps.attempt(
        ("users[].changed", "users[].last_logon", "users[].max_age_days", "users[].min_age_days"), lambda: _ageing(answers)
    )
    limits = once(lambda: local_policy(answers))
    ages = gaps.attempt(("users[].max_age_days", "users[].min_age_days"), limits) if ageing is not None else None
    if any(row.yes("Disabled") is False for row in rows):
        gaps.note("users[].hash", "unsupported", "Windows keeps NT hashes and shows nobody")
    gaps.note(("users[].inactive_days", "users[].keys"), "unsupported", "Windows has no such setting for an account")
    gaps.note("sudo_rules", "unsupported", "there is no sudo")
    users = tuple(sorted((_account(row, admins, ageing or {}, ages) for row in rows), key=lambda user: user.uid))
    return Accounts(
        users=users,
        root_equivalents=(),
        duplicate_ids=(),
        administrators=None if admins is None else _others(admins, users),
        sudo_rules=None,
        directory=gaps.attempt("directory", lambda: _directory(answers)),
        root_locked=gaps.attempt("root_locked", lambda: _locked(users)),
        unseen=gaps.unseen,
    )


def _account(
    row: Section,
    admins: tuple[_Member, ...] | None,
    ageing: Mapping[str, _Ageing],
    ages: Mapping[str, Limit] | None,
) -> Account:
    name, number = row.text("Name"), row.text("SID")
    disabled, required = row.yes("Disabled"), row.yes("PasswordRequired")
    if name is None or number is None or disabled is None:
        raise Unparsable("a local account has no name, no SID, or does not say whether it is disabled")
    more = ageing.get(number)
    never = row.yes("PasswordExpires") is False or bool(more and more.flags & _NEVER_EXPIRES)
    maximum, minimum = (ages["max_age_days"], ages["min_age_days"]) if ages else (None, None)
    last: datetime | Literal["never"] | None = None
    if more is not None:
        last = more.last_logon or "never"
    uid = relative_id(number)
    return Account(
        name=name,
        uid=uid,
        system=uid < _FIRST_OWN,
        shell="",
        interactive=not disabled,
        password="locked" if disabled else None if required is None else "required" if required else "optional",
        changed=more.changed.date() if more and more.changed else None,
        max_age_days="unlimited" if never else maximum,
        min_age_days=minimum if isinstance(minimum, int) else None,
        last_logon=last,
        administrator=None if admins is None else any(member.sid == number for member in admins),
    )


def relative_id(text: str) -> int:
    """The last part of S-1-5-21-...-500. Raises Unparsable."""
    head, _, last = text.rpartition("-")
    if not head.startswith("S-1-") or not last.isascii() or not last.isdigit():
        raise Unparsable(f"{text[:80]!r} is no SID")
    return int(last)


def _ageing(answers: Document) -> Mapping[str, _Ageing]:
    """Ages count back from the moment the script ran."""
    now = answers.section("host").date("collected_at")
    if now is None:
        raise Unparsable("the document does not say when it was written")
    found = {}
    for row in answers.section("ageing").rows():
        raw, flags, age = row.hexed("sid"), row.number("flags"), row.number("password_age")
        if raw is None or flags is None:
            raise Unparsable("ageing: an account without SID or flags")
        changed = None if age is None or age < 0 else now - timedelta(seconds=age)
        found[sid(raw)] = _Ageing(flags, changed, row.date("last_logon"))
    return found


def _members(answers: Document) -> tuple[_Member, ...]:
    section = answers.section("administrators")
    rows = section.rows()
    if not rows:
        raise Unparsable("the administrators' group has no member: the built-in one can never be taken out")
    return tuple(_member(row) for row in rows)


def _member(row: Section) -> _Member:
    path, raw = row.text("path"), row.hexed("sid")
    if path is None or not path.startswith("WinNT://"):
        raise Unparsable("administrators: a member without a name")
    parts = path.removeprefix("WinNT://").split("/")
    # WinNT://DOMAIN/PC01/name for an account of this machine, WinNT://DOMAIN/name for one of the domain, WinNT://S-1-5-... for a lost one
    name = parts[-1] if len(parts) != 2 else "\\".join(parts)
    return _Member(sid(raw) if raw else (name if name.startswith("S-1-") else None), name)


def _others(admins: tuple[_Member, ...], users: tuple[Account, ...]) -> tuple[str, ...]:
    own = {user.name.lower() for user in users if user.uid == ADMINISTRATOR}
    return tuple(
        sorted({m.name for m in admins if not (m.sid and m.sid.endswith(f"-{ADMINISTRATOR}")) and m.name.lower() not in own})
    )


def _directory(answers: Document) -> bool:
    joined = answers.section("computer").only().yes("PartOfDomain")
    if joined is None:
        raise Unsupported("whether the machine belongs to a domain was not told")
    return joined


def _locked(users: tuple[Account, ...]) -> bool:
    for user in users:
        if user.uid == ADMINISTRATOR:
            return not user.interactive
    raise Unsupported("no local account has the id of the built-in administrator")
