"""What do /etc/login.defs and /etc/default/useradd say for accounts that are made now?"""

from __future__ import annotations

from collections.abc import Mapping

from collectors.errors import Unparsable
from collectors.facts.base import Limit
from collectors.transports.base import Shell

LOGIN_DEFS = "/etc/login.defs"
_VENDOR = "/usr/etc/login.defs"
USERADD = "/etc/default/useradd"
_VENDOR_USERADD = "/usr/etc/default/useradd"

NEVER_DAYS = 99999
"""shadow's customary word for "never": 273 years."""


def login_defs(shell: Shell) -> Mapping[str, str] | None:
    """Name -> value as written; None when the machine has no login.defs (then shadow's compiled-in defaults hold).

    The last of two equal names wins, as in shadow itself. SUSE keeps the vendor's file in /usr/etc and lets
    /etc/login.defs.d add to it; elsewhere such drop-ins are dead text and are not counted.
    """
    texts = shell.read_all(LOGIN_DEFS, _VENDOR, "/etc/login.defs.d/*.defs")
    chosen = [texts[path] for path in (LOGIN_DEFS, _VENDOR) if path in texts][:1]
    if not chosen:
        return None
    if _VENDOR in texts:
        chosen += [text for path, text in texts.items() if path.startswith("/etc/login.defs.d/")]
    values: dict[str, str] = {}
    for text in chosen:
        for line in text.splitlines():
            name, *rest = line.split(None, 1)[:2] if line.strip() else ("#",)
            if not name.startswith("#"):
                values[name] = rest[0].strip().strip('"') if rest else ""
    return values


def useradd_inactive(shell: Shell) -> Limit:
    """Days from INACTIVE; unlimited for -1, for an empty value, and where nothing is set (shadow's own default)."""
    texts = shell.read_all(USERADD, _VENDOR_USERADD)
    text = texts.get(USERADD, texts.get(_VENDOR_USERADD, ""))
    value = ""
    for line in text.splitlines():
        name, equals, rest = line.strip().partition("=")
        if equals and name == "INACTIVE":
            value = rest.strip().strip("\"'")
    if value == "":
        return "unlimited"
    days = whole(value, f"{USERADD}: INACTIVE")
    return "unlimited" if days < 0 else days


def whole(text: str, what: str) -> int:
    """The number in `text`, decimal, octal (022) or hexadecimal as shadow reads it. Raises Unparsable naming `what`."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    if not (digits.isascii() and digits.isalnum() and len(digits) <= 10):
        raise Unparsable(f"{what} is not a number")
    try:
        if digits.lower().startswith("0x"):
            return sign * int(digits[2:], 16)
        return sign * (int(digits, 8) if digits.startswith("0") and len(digits) > 1 else int(digits, 10))
    except ValueError:
        raise Unparsable(f"{what} is not a number") from None


def days_limit(values: Mapping[str, str], name: str) -> Limit:
    """A day count that -1, 99999 or silence makes unlimited."""
    days = whole(values.get(name) or "-1", f"{LOGIN_DEFS}: {name}")
    return "unlimited" if days < 0 or days >= NEVER_DAYS else days


def days_floor(values: Mapping[str, str], name: str) -> int:
    """A day count that -1 or silence makes 0."""
    return max(0, whole(values.get(name) or "-1", f"{LOGIN_DEFS}: {name}"))
