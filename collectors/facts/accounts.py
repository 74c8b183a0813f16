"""Who can log on, who is administrator, and which accounts should not be there?"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Limit, Model


class Account(Model):
    """One local account. The password itself, or its hash, is never collected: only its class."""

    name: str = Field(description="Log-on name")
    uid: int = Field(description="Numeric id")
    system: bool = Field(description="Id below the system's first user id (UID_MIN), root included; nobody counts as system")
    shell: str = Field(description="Log-on shell, empty if none is named")
    interactive: bool = Field(description="The shell lets a person work (not nologin, false, sync ...)")
    password: Literal["empty", "locked", "unusable", "set"] | None = Field(
        description="empty: logs on without one · locked: a password with ! before it · unusable: never had one (* or !) · set"
    )
    hash: Literal["yescrypt", "gost-yescrypt", "sha512", "sha256", "bcrypt", "scrypt", "md5", "des", "unknown"] | None = Field(
        default=None, description="How the password is hashed; None when there is none or it was not seen"
    )
    changed: date | None = Field(default=None, description="Day of the last password change; None when never recorded or not seen")
    max_age_days: Limit | None = Field(default=None, description="Days after which the password must be changed")
    min_age_days: int | None = Field(default=None, description="Days before it may be changed again")
    inactive_days: Limit | None = Field(default=None, description="Days after the password's end until the account locks")
    expires: date | None = Field(default=None, description="Day the account ends; None when never or not seen")
    last_logon: datetime | Literal["never"] | None = Field(default=None, description="Last log-on, UTC; never if the record says so; None if there is no record")
    administrator: bool = Field(description="uid 0, or member of sudo, wheel, admin, or named with ALL in sudoers")
    keys: int | None = Field(default=None, description="Number of keys in authorized_keys; None if not seen")


class SudoRule(Model):
    """One line of sudoers that gives rights, already merged from all its files."""

    who: str = Field(description="User, %group, #uid or alias as written")
    commands: str = Field(description="Commands as written, ALL included")
    nopasswd: bool = Field(description="Runs without asking for a password")


class Accounts(Fact):
    """Local accounts and administrators."""

    NAME: ClassVar[str] = "accounts"

    users: tuple[Account, ...] = Field(description="Every line of /etc/passwd")
    root_equivalents: tuple[str, ...] = Field(description="Names other than root with uid 0")
    duplicate_ids: tuple[int, ...] = Field(description="Ids that more than one name has")
    administrators: tuple[str, ...] | None = Field(description="Names that are administrator, root left out")
    sudo_rules: tuple[SudoRule, ...] | None = Field(description="() when sudo is not installed")
    directory: bool | None = Field(description="Accounts also come from a directory (sss, ldap, winbind in nsswitch.conf): those are not listed here")
    root_locked: bool | None = Field(description="root has no usable password: nobody logs on as root with one")
