"""A PAM stack played through as libpam does it: does somebody who holds one thing only come to its end with a yes?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal, NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux.pam import ONE_TIME, Entry, Pam, Step

Held = Literal["password", "key", "token"]
Impression = Literal["none", "yes", "no"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "required": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
    "optional": {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
}
_PASSWORDS: Final = frozenset({"pam_unix", "pam_unix2", "pam_pwdfile", "pam_userdb"})
_DIRECTORIES: Final = frozenset({"pam_sss", "pam_ldap", "pam_krb5", "pam_winbind"})
"""They ask a password of their own, and may ask for more; a code for another module is not enough."""
_SILENT: Final = frozenset(
    {
        "pam_env", "pam_faildelay", "pam_warn", "pam_nologin", "pam_keyinit", "pam_cap", "pam_group", "pam_mount", "pam_gnome_keyring",
        "pam_kwallet", "pam_kwallet5", "pam_ecryptfs", "pam_echo", "pam_issue", "pam_motd", "pam_tally", "pam_tally2", "pam_sepermit",
        "pam_selinux", "pam_abl", "pam_reauthorize", "pam_shells", "pam_securetty",
    }
)  # fmt: skip
"""They keep somebody out or prepare something; nobody comes in by their word."""
_BY_ACCOUNT: Final = frozenset({"pam_localuser", "pam_usertype"})
"""They tell kinds of accounts apart, and every machine has accounts of both kinds."""
_CONDITIONS: Final = frozenset({"pam_succeed_if", "pam_listfile", "pam_access", "pam_time", "pam_wheel"})
"""They ask something of the account or its place; for whom they say yes is not known here."""
_WITHOUT_TOKEN: Final = ("nullok", "nouserok")
_YES: Final = ("success",)
_NO: Final = ("auth_err",)
_EITHER: Final = ("success", "auth_err")
_FAILURES: Final = ("auth_err", "user_unknown", "authinfo_unavail")
_MAX_JUMPS: Final = 64


class _Answers(NamedTuple):
    """What a module may return, and whose choice that is."""

    results: tuple[str, ...]
    every: bool = False
    """True: nobody here knows which of them it will be. False: some account gets each of them."""


def opens(pam: Pam, service: str, held: Held) -> bool:
    """Somebody with this one thing passes the service's auth stack.

    Raises Unsupported where that hangs on a module that is not known (RADIUS, LDAP, a directory that may ask for codes of its own)
    or on a condition; Unparsable for a control that libpam does not know.
    """
    steps = pam.steps(service, "auth")
    if not steps:
        raise Unsupported(f"PAM has no auth stack for {service}: its stack for other services decides")
    if _play(steps, held, charitable=False):
        return True
    if not _play(steps, held, charitable=True):
        return False
    unknown = sorted({step.entry.module for step in steps if step.entry is not None and _unknown(step.entry)})
    whose = f"on {', '.join(unknown)[:80]}" if unknown else "on conditions"
    raise Unsupported(
        f"whether PAM asks for a second factor of those who come by {service} hangs {whose}, which is not known here"
    )


def _play(steps: tuple[Step, ...], held: Held, charitable: bool) -> bool:
    """With `charitable` whatever is not known goes the way that lets in; without it, the way that keeps out."""

    @cache
    def reach(at: int, impression: Impression) -> bool:
        if at >= len(steps):
            return impression == "yes"
        entry = steps[at].entry
        if entry is None:  # a substack begins: its modules stand behind
            return reach(at + 1, impression)
        actions = _actions(entry)
        answers = _answers(entry, held, charitable)
        ends = (_follow(at, impression, actions.get(result, actions["default"]), result) for result in answers.results)
        return all(ends) if answers.every and not charitable else any(ends)

    def _follow(at: int, impression: Impression, action: str, result: str) -> bool:
        if action == "reset":
            raise Unsupported("a PAM stack forgets what was answered before (reset): it is not played through")
        if action in ("ok", "done"):
            if impression == "none" and result != "ignore":
                impression = "yes" if result in ("success", "new_authtok_reqd") else "no"
            elif impression == "yes" and result not in ("ignore", "success", "new_authtok_reqd"):
                impression = "no"
            return reach(_end(at) if action == "done" and impression == "yes" and result != "ignore" else at + 1, impression)
        if action in ("bad", "die"):
            return reach(_end(at) if action == "die" else at + 1, "no")
        if action == "ignore":
            return reach(at + 1, impression)
        return _jump(at, impression, int(action))

    def _end(at: int) -> int:
        """Behind the substack that the module stands in; behind everything for one that stands in none."""
        level = steps[at].level
        after = at + 1
        while after < len(steps) and steps[after].level >= level:
            after += 1
        return after

    def _jump(at: int, impression: Impression, count: int) -> bool:
        level, place = steps[at].level, at
        while count and place + 1 < len(steps) and steps[place + 1].level >= level:
            place += 1
            while place + 1 < len(steps) and steps[place + 1].level > level:
                place += 1
            count -= 1
        return reach(place + 1, "no" if count else impression)

    return reach(0, "none")


def _actions(entry: Entry) -> Mapping[str, str]:
    if entry.control in _WORDS:
        return _WORDS[entry.control]
    pairs = re.findall(r"([a-z_]+)\s*=\s*([a-z]+|[0-9]{1,2})", entry.control)
    rest = re.sub(r"([a-z_]+)\s*=\s*([a-z]+|[0-9]{1,2})|\s", "", entry.control)
    known = all(
        action in ("ok", "done", "bad", "die", "ignore", "reset") or 0 < _number(action) < _MAX_JUMPS for _, action in pairs
    )
    if not pairs or rest or not known:
        raise Unparsable(f"PAM: the control of {entry.module} is none that libpam knows")
    return {"default": "bad", **dict(pairs)}


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _unknown(entry: Entry) -> bool:
    known = _PASSWORDS | _SILENT | _BY_ACCOUNT | _CONDITIONS | ONE_TIME
    return entry.module not in known | {"pam_deny", "pam_permit", "pam_rootok", "pam_faillock"}


def _answers(entry: Entry, held: Held, charitable: bool) -> _Answers:
    module = entry.module
    if module in _PASSWORDS or module in ONE_TIME:
        if module in ONE_TIME and any(entry.flag(word) for word in _WITHOUT_TOKEN):
            return _Answers(("success", "ignore"))  # whoever has no token is let past
        mine = held == ("token" if module in ONE_TIME else "password")
        return _Answers(_YES if mine else _FAILURES if charitable else _NO)
    if module == "pam_deny" or (module in _DIRECTORIES and held == "token"):
        return _Answers(_NO)
    if module in ("pam_permit", "pam_rootok"):  # sshd asks as root
        return _Answers(_YES)
    if module == "pam_faillock":
        return _Answers(_NO if entry.flag("authfail") else _YES if entry.flag("authsucc") else ("success", "ignore"))
    if module in _SILENT:
        return _Answers(("success", "ignore") if charitable else ("ignore",))
    if module in _BY_ACCOUNT:
        return _Answers(_EITHER)
    if module in _CONDITIONS:
        return _Answers(_EITHER, every=True)
    return _Answers(("success", "ignore", *_FAILURES), every=True)
