"""What does the machine demand of passwords, and when does it lock an account?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, TypeVar

from pydantic import Field

from collectors.errors import CollectError, Unsupported
from collectors.facts.base import Fact, Gaps, Limit
from collectors.linux.login_defs import LOGIN_DEFS, days_floor, days_limit, login_defs, useradd_inactive, whole
from collectors.linux.os_release import family, os_release
from collectors.linux.pam import Entry, Pam, settings
from collectors.linux.pam_lockout import lockout, worst
from collectors.linux.pam_quality import quality
from collectors.transports.base import Shell

T = TypeVar("T")


class PasswordPolicy(Fact):
    """Rules in force for a password that is set now, and for wrong ones that are tried. From the PAM stack really used."""

    NAME: ClassVar[str] = "password_policy"

    quality_enforced: bool | None = Field(
        description="A quality module (pwquality, cracklib, passwdqc) stands in the password stack; Windows: complexity is demanded"
    )
    min_length: int | None = Field(
        description="Shortest password accepted, credits taken into account; what pam_unix alone demands if no quality module is used"
    )
    min_classes: int | None = Field(
        description="Character classes demanded at least (0 to 4), from minclass or from negative credits; Windows with complexity: 3"
    )
    dictionary_check: bool | None = Field(default=None, description="Words of a dictionary are refused")
    applies_to_root: bool | None = Field(default=None, description="root is held to the quality rules too (enforce_for_root)")
    history: int | None = Field(description="Earlier passwords that are refused; 0 when none is remembered")
    max_age_days: Limit | None = Field(
        description="PASS_MAX_DAYS of login.defs, for new accounts; Windows: for all local accounts not exempted"
    )
    min_age_days: int | None = Field(description="PASS_MIN_DAYS of login.defs, for new accounts")
    warn_days: int | None = Field(default=None, description="Days of warning before a password ends")
    failed_logins_before_lock: Limit | None = Field(
        description="Wrong tries until the account locks, the weakest of sshd and login; unlimited when one of them has no lock module that works"
    )
    lock_minutes: Limit | None = Field(
        default=None,
        description="Minutes until a locked account opens by itself; unlimited: an administrator must; None when nothing locks",
    )
    lock_window_minutes: Limit | None = Field(
        default=None,
        description="Minutes within which wrong tries are counted together; unlimited: until a log-on succeeds (pam_tally2)",
    )
    lock_applies_to_root: bool | None = Field(default=None, description="root locks too (even_deny_root)")
    empty_passwords_accepted: bool | None = Field(
        description="pam_unix carries nullok: an account with an empty password can log on"
    )
    hash_algorithm: str | None = Field(description="How new passwords are hashed: yescrypt, sha512, sha256, md5, des ...")
    inactive_days: Limit | None = Field(
        default=None, description="INACTIVE of useradd: days after a password's end until a new account locks"
    )
    umask: str | None = Field(
        default=None,
        description="UMASK of login.defs, octal text; a closed one counts only where pam_umask applies it to each log-on",
    )


LOGON_SERVICES = ("sshd", "login")
"""The doors a person comes in by. What is not installed has no file in pam.d and is passed over."""

_UNIX = ("pam_unix", "pam_unix2", "pam_tcb")
_OPEN_UMASK = 0o022
"""What Linux gives a session to which nobody says anything."""
_DEBIAN_MIN_LENGTH = 6
"""pam_unix(8) of Debian: "The default value is 6", with obscure or without (tried on Debian 12). Linux-PAM itself demands nothing (pass_min_len = 0)."""
_ALGORITHMS = {
    "yescrypt": "yescrypt", "gost_yescrypt": "gost-yescrypt", "sha512": "sha512", "sha256": "sha256", "blowfish": "bcrypt",
    "bcrypt": "bcrypt", "md5": "md5", "bigcrypt": "des", "des": "des",
}  # fmt: skip
_REMEMBER = 10
"""remember of pam_pwhistory where nothing is said."""
PWHISTORY = "/etc/security/pwhistory.conf"

_FROM_PASSWORD_STACK = ("quality_enforced", "min_length", "min_classes", "dictionary_check", "applies_to_root")
_FROM_LOCK = ("failed_logins_before_lock", "lock_minutes", "lock_window_minutes", "lock_applies_to_root")
_FROM_PAM = (*_FROM_PASSWORD_STACK, "history", *_FROM_LOCK, "empty_passwords_accepted", "hash_algorithm")
_FROM_LOGIN_DEFS = ("max_age_days", "min_age_days", "warn_days", "umask")


class _Rules(NamedTuple):
    """What the password stack demands of a new password."""

    enforced: bool
    min_length: int
    min_classes: int
    dictionary: bool
    root: bool


class _Lock(NamedTuple):
    tries: Limit
    minutes: Limit | None
    window: Limit | None
    root: bool | None


def linux(shell: Shell) -> PasswordPolicy:
    """Follows the PAM stacks of passwd, sshd and login; login.defs and useradd give what holds for new accounts.

    An installed module or a filled-in pwquality.conf proves nothing: only what stands in the stack in use counts.
    All of it is readable without root. Raises Unsupported where there is neither PAM nor login.defs.
    """
    gaps = Gaps()
    pam, why = _or_why(lambda: Pam(shell))
    defs = gaps.attempt(_FROM_LOGIN_DEFS, lambda: _defs(shell))
    if why is not None:
        if defs is None:
            raise Unsupported(f"{why}; nor is there a {LOGIN_DEFS}")
        gaps.note(_FROM_PAM, why.outcome, str(why))

    def ask(fields: str | tuple[str, ...], question: Callable[[Pam], T]) -> T | None:
        return None if pam is None else gaps.attempt(fields, lambda: question(pam))

    def define(field: str, question: Callable[[Mapping[str, str]], T]) -> T | None:
        return None if defs is None else gaps.attempt(field, lambda: question(defs))

    release = gaps.attempt((), lambda: os_release(shell)) or {"ID": "linux"}
    rules = ask(_FROM_PASSWORD_STACK, lambda pam: _rules(shell, pam, release))
    lock = ask(_FROM_LOCK, lambda pam: _lock(shell, pam))
    if lock is not None and lock.minutes is None:
        gaps.note(_FROM_LOCK[1:], "unsupported", "nothing locks an account here")
    return PasswordPolicy(
        quality_enforced=rules.enforced if rules else None,
        min_length=rules.min_length if rules else None,
        min_classes=rules.min_classes if rules else None,
        dictionary_check=rules.dictionary if rules else None,
        applies_to_root=rules.root if rules else None,
        history=ask("history", lambda pam: _history(shell, pam, release)),
        max_age_days=define("max_age_days", lambda defs: days_limit(defs, "PASS_MAX_DAYS")),
        min_age_days=define("min_age_days", lambda defs: days_floor(defs, "PASS_MIN_DAYS")),
        warn_days=define("warn_days", lambda defs: days_floor(defs, "PASS_WARN_AGE")),
        failed_logins_before_lock=lock.tries if lock else None,
        lock_minutes=lock.minutes if lock else None,
        lock_window_minutes=lock.window if lock else None,
        lock_applies_to_root=lock.root if lock else None,
        empty_passwords_accepted=ask("empty_passwords_accepted", _nullok),
        hash_algorithm=ask("hash_algorithm", lambda pam: _algorithm(pam, defs or {})),
        inactive_days=gaps.attempt("inactive_days", lambda: useradd_inactive(shell)),
        umask=define("umask", lambda defs: _umask(defs, pam)),
        unseen=gaps.unseen,
    )


def _or_why(ask: Callable[[], T]) -> tuple[T | None, CollectError | None]:
    try:
        return ask(), None
    except CollectError as error:
        return None, error


def _defs(shell: Shell) -> Mapping[str, str]:
    values = login_defs(shell)
    if values is None:
        raise Unsupported(f"{LOGIN_DEFS} does not exist")
    return values


def _umask(defs: Mapping[str, str], pam: Pam | None) -> str:
    """login.defs gives pam_umask its default and useradd the mode of homes; without pam_umask a session never sees it.

    Debian 12 comes without pam_umask in any stack. An open value stays an open one: nothing there makes it stricter.
    """
    value = defs.get("UMASK") or "022"
    number = whole(value, f"{LOGIN_DEFS}: UMASK")
    if number > _OPEN_UMASK and not _umask_applies(pam):
        raise Unsupported(
            f"{LOGIN_DEFS}: UMASK {value} is not applied to log-ons by pam_umask; the start files of shells were not looked at"
        )
    return value


def _umask_applies(pam: Pam | None) -> bool:
    return pam is not None and all(
        any(entry.module == "pam_umask" and entry.value("umask") is None for entry in pam.stack(door, "session"))
        for door in _doors(pam)
    )


# --- a new password ---------------------------------------------------------------------------------------------------


def _password_stack(pam: Pam) -> tuple[Entry, ...]:
    stack = pam.stack("passwd", "password")
    if not stack:
        raise Unsupported("PAM has no password stack for passwd: passwords are not changed through PAM here")
    return stack


def _rules(shell: Shell, pam: Pam, release: Mapping[str, str]) -> _Rules:
    stack = _password_stack(pam)
    demands = quality(shell, stack, _old_pwquality(release))
    unix = [entry for entry in stack if entry.module in _UNIX]
    own = max((_own_length(entry, release) for entry in unix), default=0)
    return _Rules(
        enforced=bool(demands),
        min_length=max((own, *(demand.min_length for demand in demands))),
        min_classes=max((demand.min_classes for demand in demands), default=0),
        dictionary=any(demand.dictionary for demand in demands),
        root=any(demand.root for demand in demands),
    )


def _own_length(entry: Entry, release: Mapping[str, str]) -> int:
    given = entry.value("minlen")
    if given is not None:
        return whole(given, f"{entry.module}: minlen")
    return _DEBIAN_MIN_LENGTH if entry.module == "pam_unix" and family(release) == "debian" else 0


def _version(release: Mapping[str, str]) -> tuple[int, int]:
    numbers = re.findall(r"\d{1,6}", release.get("VERSION_ID", ""))
    return (int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0) if numbers else (0, 0)


def _old_pwquality(release: Mapping[str, str]) -> bool:
    """libpwquality before 1.3, with credits by default: RHEL 7, Amazon Linux 2, SLES 12."""
    major = _version(release)[0]
    if release["ID"] in ("amzn", "fedora"):
        return release["ID"] == "amzn" and major == 2
    return 0 < major <= {"redhat": 7, "suse": 12}.get(family(release), 0)


def _history(shell: Shell, pam: Pam, release: Mapping[str, str]) -> int:
    remembered = [0]
    for entry in _password_stack(pam):
        if entry.module == "pam_pwhistory" and entry.binding:
            given = entry.value("remember")
            if given is None and _reads_pwhistory_conf(release):
                given = settings(shell.read(f"/{(entry.value('conf') or PWHISTORY).lstrip('/')}") or "").get("remember")
            remembered.append(_REMEMBER if given is None else whole(given, "pam_pwhistory: remember"))
        elif entry.module in _UNIX and (given := entry.value("remember")) is not None:
            remembered.append(whole(given, f"{entry.module}: remember"))
    return max(remembered)


def _reads_pwhistory_conf(release: Mapping[str, str]) -> bool:
    """Linux-PAM reads pwhistory.conf since 1.5.3. Before Debian 13 and Ubuntu 24.04 such a file is dead text."""
    first = {"debian": (13, 0), "ubuntu": (24, 4)}.get(release["ID"])
    return first is None or _version(release) >= first


def _algorithm(pam: Pam, defs: Mapping[str, str]) -> str:
    """pam_unix's own word, the last if several; only without one does it look at login.defs."""
    unix = [entry for entry in _password_stack(pam) if entry.module in _UNIX]
    if not unix:
        raise Unsupported("no pam_unix stands in the password stack: what hashes new passwords is not known")
    named = [_ALGORITHMS[arg] for arg in unix[-1].args if arg in _ALGORITHMS]
    if named:
        return named[-1]
    method = defs.get("ENCRYPT_METHOD", "").lower() or ("md5" if defs.get("MD5_CRYPT_ENAB", "").lower() == "yes" else "")
    if method not in _ALGORITHMS:
        raise Unsupported("neither pam_unix nor ENCRYPT_METHOD of login.defs names an algorithm; it depends on the version then")
    return _ALGORITHMS[method]


# --- a log-on ---------------------------------------------------------------------------------------------------------


def _doors(pam: Pam) -> tuple[str, ...]:
    doors = tuple(service for service in LOGON_SERVICES if pam.has(service))
    if not doors:
        raise Unsupported("PAM knows neither sshd nor login here")
    return doors


def _lock(shell: Shell, pam: Pam) -> _Lock:
    found = [lockout(shell, pam.stack(door, "auth"), pam.stack(door, "account")) for door in _doors(pam)]
    locks = tuple(lock for lock in found if lock is not None)
    if len(locks) < len(found):
        return _Lock("unlimited", None, None, None)
    weakest = worst(locks)
    return _Lock(weakest.tries, weakest.minutes, weakest.window, weakest.root)


def _nullok(pam: Pam) -> bool:
    """nullok_secure (Debian before 11) accepts them at the console."""
    return any(
        entry.module in _UNIX and (entry.flag("nullok") or entry.flag("nullok_secure"))
        for door in _doors(pam)
        for entry in pam.stack(door, "auth")
    )
