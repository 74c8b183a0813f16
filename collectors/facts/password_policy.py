"""What does the machine demand of passwords, and when does it lock an account?"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from collectors.facts.base import Fact, Limit


class PasswordPolicy(Fact):
    """Rules in force for a password that is set now, and for wrong ones that are tried. From the PAM stack really used."""

    NAME: ClassVar[str] = "password_policy"

    quality_enforced: bool | None = Field(description="A quality module (pwquality, cracklib, passwdqc) stands in the password stack")
    min_length: int | None = Field(description="Shortest password accepted, credits taken into account; what pam_unix alone demands if no quality module is used")
    min_classes: int | None = Field(description="Character classes demanded at least (0 to 4), from minclass or from negative credits")
    dictionary_check: bool | None = Field(default=None, description="Words of a dictionary are refused")
    applies_to_root: bool | None = Field(default=None, description="root is held to the quality rules too (enforce_for_root)")
    history: int | None = Field(description="Earlier passwords that are refused; 0 when none is remembered")
    max_age_days: Limit | None = Field(description="PASS_MAX_DAYS of login.defs, for new accounts")
    min_age_days: int | None = Field(description="PASS_MIN_DAYS of login.defs, for new accounts")
    warn_days: int | None = Field(default=None, description="Days of warning before a password ends")
    failed_logins_before_lock: Limit | None = Field(description="Wrong tries until the account locks; unlimited when no lock module stands in the auth stack")
    lock_minutes: Limit | None = Field(
        default=None, description="Minutes until a locked account opens by itself; unlimited: an administrator must; None when nothing locks"
    )
    lock_window_minutes: int | None = Field(default=None, description="Minutes within which wrong tries are counted together")
    lock_applies_to_root: bool | None = Field(default=None, description="root locks too (even_deny_root)")
    empty_passwords_accepted: bool | None = Field(description="pam_unix carries nullok: an account with an empty password can log on")
    hash_algorithm: str | None = Field(description="How new passwords are hashed: yescrypt, sha512, sha256, md5, des ...")
    inactive_days: Limit | None = Field(default=None, description="INACTIVE of useradd: days after a password's end until a new account locks")
    umask: str | None = Field(default=None, description="UMASK of login.defs, octal text")
