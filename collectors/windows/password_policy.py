"""What Windows demands of passwords of its own accounts; on a domain member the domain's policy has already overwritten it.

Accounts of the domain follow the domain's policy, which a domain controller would tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from collectors.errors import Denied, Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit, once
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import Shell
from collectors.windows.document import Document, document
from collectors.windows.registry import CV, FOREVER, Registry

_DAY: Final = 86400
_WARN_DAYS: Final = 5
"""PasswordExpiryWarning where nothing is said, since Windows Vista."""
_KNOWN: Final = re.compile(r"^(\w+)\s*=\s*(-?\d+)$", re.M)


def password_policy(shell: Shell) -> PasswordPolicy:
    """From secedit's export where the account is an administrator, else from ADSI, which tells all but complexity."""
    answers = document(shell)
    gaps = Gaps()
    exported = once(lambda: _exported(answers))
    numbers = once(lambda: local_policy(answers))
    complexity = gaps.attempt(("quality_enforced", "min_classes"), lambda: _complexity(exported()))
    lock = gaps.attempt(("failed_logins_before_lock", "lock_minutes", "lock_window_minutes"), numbers)
    for field in ("dictionary_check", "applies_to_root", "umask", "inactive_days"):
        gaps.note(field, "unsupported", "Windows has no such setting of its own")
    gaps.note(
        "empty_passwords_accepted",
        "unsupported",
        "Windows does not refuse a password because it is empty; see min_length and LimitBlankPasswordUse",
    )
    gaps.note("lock_applies_to_root", "unsupported", "whether the built-in administrator locks too is not read yet")
    gaps.note("hash_algorithm", "unsupported", "Windows stores NT hashes; nothing can be chosen")
    if lock is not None and lock["failed_logins_before_lock"] == "unlimited":
        gaps.note(("lock_minutes", "lock_window_minutes"), "unsupported", "nothing locks")
    return PasswordPolicy(
        quality_enforced=complexity,
        min_length=gaps.attempt("min_length", lambda: _whole(numbers(), "min_length")),
        min_classes=None if complexity is None else 3 if complexity else 0,
        history=gaps.attempt("history", lambda: _whole(numbers(), "history")),
        max_age_days=gaps.attempt("max_age_days", lambda: numbers()["max_age_days"]),
        min_age_days=gaps.attempt("min_age_days", lambda: _whole(numbers(), "min_age_days")),
        warn_days=gaps.attempt("warn_days", lambda: _warning(answers)),
        failed_logins_before_lock=lock["failed_logins_before_lock"] if lock else None,
        lock_minutes=lock.get("lock_minutes") if lock else None,
        lock_window_minutes=lock.get("lock_window_minutes") if lock else None,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def local_policy(answers: Document) -> Mapping[str, Limit]:
    """min_length, history, max_age_days, min_age_days, failed_logins_before_lock and, where it locks, lock_minutes, lock_window_minutes."""
    try:
        return _from_export(_exported(answers))
    except Unparsable:
        raise
    except (Denied, Unsupported) as refused:  # an ordinary account: ADSI tells it too
        if answers.found("ageing") is None:
            raise refused from None
        return _from_adsi(answers)


def _exported(answers: Document) -> Mapping[str, int]:
    """[System Access] of secedit's export: keys are the same in every language."""
    lines = answers.section("secedit").texts("lines")
    found = {name: int(value) for name, value in _KNOWN.findall("\n".join(line.strip() for line in lines))}
    if "MinimumPasswordLength" not in found or "LockoutBadCount" not in found:
        raise Unparsable("secedit: its export holds no MinimumPasswordLength or no LockoutBadCount")
    return found


def _from_export(said: Mapping[str, int]) -> Mapping[str, Limit]:
    policy: dict[str, Limit] = {
        "min_length": _natural(said, "MinimumPasswordLength"),
        "history": _natural(said, "PasswordHistorySize"),
        "min_age_days": _natural(said, "MinimumPasswordAge"),
        "max_age_days": "unlimited" if said.get("MaximumPasswordAge") in (-1, 0) else _natural(said, "MaximumPasswordAge"),
    }
    count = _natural(said, "LockoutBadCount")
    policy["failed_logins_before_lock"] = count or "unlimited"
    if count:
        # -1 (0 in the policy editor): until an administrator unlocks
        duration = said.get("LockoutDuration")
        policy["lock_minutes"] = "unlimited" if duration in (-1, 0) else _natural(said, "LockoutDuration")
        policy["lock_window_minutes"] = _natural(said, "ResetLockoutCount")
    return policy


def _natural(said: Mapping[str, int], name: str) -> int:
    value = said.get(name)
    if value is None or value < 0:
        raise Unparsable(f"secedit: {name} is {'missing' if value is None else value}")
    return value


def _from_adsi(answers: Document) -> Mapping[str, Limit]:
    part = answers.section("ageing").part("policy")

    def told(name: str) -> int:
        value = part.number(name)
        if value is None:
            raise Unsupported(f"ADSI does not tell {name}")
        return value & FOREVER

    def days(name: str) -> Limit:
        return "unlimited" if told(name) == FOREVER else told(name) // _DAY

    policy: dict[str, Limit] = {
        "min_length": told("MinPasswordLength"),
        "history": told("PasswordHistoryLength"),
        "min_age_days": days("MinPasswordAge"),
        "max_age_days": days("MaxPasswordAge"),
        "failed_logins_before_lock": told("MaxBadPasswordsAllowed") or "unlimited",
    }
    if told("MaxBadPasswordsAllowed"):
        unlock, window = told("AutoUnlockInterval"), told("LockoutObservationInterval")
        policy["lock_minutes"] = "unlimited" if unlock in (FOREVER, 0) else unlock // 60
        policy["lock_window_minutes"] = "unlimited" if window == FOREVER else window // 60
    return policy


def _complexity(said: Mapping[str, int]) -> bool:
    value = said.get("PasswordComplexity")
    if value not in (0, 1):
        raise Unparsable(f"secedit: PasswordComplexity is {value}")
    return value == 1


def _whole(policy: Mapping[str, Limit], name: str) -> int:
    value = policy[name]
    if not isinstance(value, int):
        raise Unparsable(f"{name} has no end")
    return value


def _warning(answers: Document) -> int:
    found = Registry(answers).dword(rf"{CV}\Winlogon", "PasswordExpiryWarning")
    return _WARN_DAYS if found is None else found
