"""What do the quality modules of a PAM password stack demand: pwquality, cracklib, passwdqc?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from collectors.errors import Unparsable
from collectors.linux.pam import Entry, settings
from collectors.transports.base import Shell

PWQUALITY = "/etc/security/pwquality.conf"
_CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")
_DEFAULTS = {"minlen": 8, "minclass": 0, "dictcheck": 1, "enforcing": 1, **dict.fromkeys(_CREDITS, 0)}
_LEGACY = {**_DEFAULTS, "minlen": 9, **dict.fromkeys(_CREDITS, 1)}
"""Before libpwquality 1.3 (RHEL 7, Amazon Linux 2, SLES 12), and in pam_cracklib: each class of characters shortens by one."""
_PASSES = ("difok", "maxrepeat", "maxclassrepeat", "maxsequence", "gecoscheck", "usercheck", "usersubstr", "retry")
_TEXTS = ("badwords", "dictpath", "local_users_only", "enforce_for_root")
_BASE = 6
"""A smaller minlen is raised to this by libpwquality."""
_CRACKLIB_BASE = 5
_CLASSES = 4
_PASSWDQC = "disabled,24,11,8,7"
_SHIPPED_LEGACY = re.compile(r"^#\s*[dulo]credit\s*=\s*1\s*$", re.M)


class Quality(NamedTuple):
    """What one module demands."""

    min_length: int
    min_classes: int
    dictionary: bool
    root: bool


def quality(shell: Shell, stack: tuple[Entry, ...], old_release: bool) -> tuple[Quality, ...]:
    """One entry for each module that can really refuse a password; () when none does.

    A module whose control only advises, or that is told not to enforce, is none.
    """
    found = []
    for entry in stack:
        reader = _READERS.get(entry.module)
        if reader is not None and entry.binding:
            demand = reader(shell, entry, old_release)
            if demand is not None:
                found.append(demand)
    return tuple(found)


def shortest(minlen: int, credits: tuple[int, ...]) -> int:
    """Letters of the shortest password accepted.

    A positive credit counts letters of its class twice, up to its number, so minlen 12 with four credits of 1 accepts
    8 letters. A negative one demands that many of its class and shortens nothing.
    """
    bonus = sum(credit for credit in credits if credit > 0)
    demanded = sum(-credit for credit in credits if credit < 0)
    return max(minlen - bonus, (minlen + 1) // 2, demanded, 0)


def _pwquality(shell: Shell, entry: Entry, old_release: bool) -> Quality | None:
    """Arguments of the module win over pwquality.conf, and that wins over its drop-ins: the opposite of systemd and sshd."""
    texts = shell.read_all(PWQUALITY, f"{PWQUALITY}.d/*.conf")
    main = texts.get(PWQUALITY, "")
    given: dict[str, str] = {}
    for text in (*(text for path, text in texts.items() if path != PWQUALITY), main):
        given.update({name.lower(): value for name, value in settings(text).items()})
    given.update(_arguments(entry))
    values = dict(_LEGACY if old_release or _SHIPPED_LEGACY.search(main) else _DEFAULTS)
    for name, value in given.items():
        if name in values:
            values[name] = _whole(value, f"pwquality: {name}")
        elif name not in _PASSES and name not in _TEXTS:
            # the library stops reading at a name it does not know: what holds after it is not what the file says
            raise Unparsable(f"pwquality: unknown setting {name[:40]}")
    if values["enforcing"] == 0:
        return None
    return _credited(values, _BASE, values["dictcheck"] != 0, "enforce_for_root" in given)


def _cracklib(shell: Shell, entry: Entry, old_release: bool) -> Quality | None:
    values = dict(_LEGACY)
    for name, value in _arguments(entry).items():
        if name in values:
            values[name] = _whole(value, f"pam_cracklib: {name}")
    return _credited(values, _CRACKLIB_BASE, True, entry.flag("enforce_for_root"))


def _credited(values: Mapping[str, int], base: int, dictionary: bool, root: bool) -> Quality:
    credits = tuple(values[name] for name in _CREDITS)
    demanded = len([credit for credit in credits if credit < 0])
    classes = max(demanded, min(values["minclass"], _CLASSES), 0)
    return Quality(shortest(max(values["minlen"], base), credits), classes, dictionary, root)


def _passwdqc(shell: Shell, entry: Entry, old_release: bool) -> Quality | None:
    """min=N0,N1,N2,N3,N4: lengths for one class, two classes, a passphrase, three and four classes; `disabled` refuses that kind."""
    given: dict[str, str] = {}
    for arg in entry.args:
        name, _, value = arg.partition("=")
        if name == "config":
            text = shell.read(value) if value.startswith("/") else None
            if text is None:
                raise Unparsable(f"pam_passwdqc: its file {value[:80]} does not exist")
            given.update(settings(text))
        else:
            given[name] = value
    kinds = given.get("min", _PASSWDQC).split(",")
    if len(kinds) != 5:
        raise Unparsable("pam_passwdqc: min does not hold five values")
    lengths = [None if kind.strip() == "disabled" else _whole(kind.strip(), "pam_passwdqc: min") for kind in kinds]
    allowed = [length for length in lengths if length is not None]
    if given.get("enforce") == "none":
        return None
    if not allowed:
        raise Unparsable("pam_passwdqc: min refuses every kind of password")
    # a passphrase is words of small letters with blanks between: two classes
    by_classes = ((1, lengths[0]), (2, lengths[1]), (2, lengths[2]), (3, lengths[3]), (4, lengths[4]))
    classes = min(count for count, length in by_classes if length is not None)
    return Quality(min(allowed), classes, True, given.get("enforce", "everyone") == "everyone")


def _arguments(entry: Entry) -> Mapping[str, str]:
    return {name: value for name, _, value in (arg.partition("=") for arg in entry.args) if name not in _OF_PAM}


_OF_PAM = (
    "debug", "authtok_type", "type", "use_authtok", "use_first_pass", "try_first_pass", "reject_username", "gecoscheck", "difignore",
)  # fmt: skip


def _whole(value: str, what: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,6}", value):
        raise Unparsable(f"{what} is not a number")
    return int(value)


_READERS = {"pam_pwquality": _pwquality, "pam_cracklib": _cracklib, "pam_passwdqc": _passwdqc}
