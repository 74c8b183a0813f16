"""What Windows does with a session nobody sits before, and what it shows before log-on."""

from __future__ import annotations

import re

from collectors.errors import Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.sessions import AutoLogon, Banner, Desktop, Sessions
from collectors.transports.base import Shell
from collectors.windows.document import Document, document
from collectors.windows.hardening import auto_logon, autorun_disabled, screen_locks
from collectors.windows.registry import CV, WINDOWS_POLICIES, Registry
from collectors.windows.remote_access import rdp_limit

_SYSTEM = rf"{WINDOWS_POLICIES}\System"
_SCREEN_SAVER = ("ScreenSaveActive", "ScreenSaverIsSecure", "ScreenSaveTimeOut")


def sessions(shell: Shell) -> Sessions:
    answers = document(shell)
    registry = Registry(answers)
    gaps = Gaps()
    for field, reason in {
        "idle_action": "a setting of systemd-logind",
        "usb_authorized": "a setting of Linux; see usb_storage of windows_hardening",
        "usbguard": "a program for Linux; see usb_storage of windows_hardening",
        "usbguard_default": "a program for Linux; see usb_storage of windows_hardening",
        "desktops[].automount": "Windows gives every disk a letter; see usb_storage of windows_hardening for those that are kept out",
    }.items():
        gaps.note(field, "unsupported", reason)
    return Sessions(
        desktops=(
            Desktop(
                name="windows",
                lock_seconds=gaps.attempt("desktops[].lock_seconds", lambda: _lock(answers, registry)),
                lock_enforced=gaps.attempt("desktops[].lock_enforced", lambda: _enforced(answers, registry)),
                automount=None,
                autorun=gaps.attempt("desktops[].autorun", lambda: not autorun_disabled(registry)),
            ),
        ),
        auto_logons=gaps.attempt("auto_logons", lambda: _auto_logons(registry)),
        idle_action=None,
        stop_idle_seconds=gaps.attempt("stop_idle_seconds", lambda: rdp_limit(registry, "MaxIdleTime")),
        disconnected_seconds=gaps.attempt("disconnected_seconds", lambda: rdp_limit(registry, "MaxDisconnectionTime")),
        usb_authorized=None,
        usbguard=None,
        usbguard_default=None,
        banners=gaps.attempt("banners", lambda: _banners(registry)),
        unseen=gaps.unseen,
    )


def _machine(registry: Registry) -> int:
    """InactivityTimeoutSecs: locks for everybody; 0 where nothing is set."""
    return registry.dword(_SYSTEM, "InactivityTimeoutSecs") or 0


def _lock(answers: Document, registry: Registry) -> Limit:
    """The machine's limit, else the slowest screen saver of those who are logged on: of others nothing is known."""
    if _machine(registry):
        return _machine(registry)
    locks = screen_locks(answers)
    if not locks:
        raise Unsupported(
            "nothing locks the machine for everybody, and nobody is logged on whose screen saver could be looked at"
        )
    seconds = [lock.seconds if lock.locks else "unlimited" for lock in locks]
    numbers = [one for one in seconds if one != "unlimited"]
    return max(numbers) if len(numbers) == len(seconds) else "unlimited"


def _enforced(answers: Document, registry: Registry) -> bool:
    if _machine(registry):
        return True
    section = answers.section("users_screen")
    if not section.names:
        raise Unsupported("nothing locks the machine for everybody, and nobody is logged on whose policy could be looked at")
    policies = [section.part(name).state("policy") for name in section.names]
    return all(policy is not None and all(name in policy for name in _SCREEN_SAVER) for policy in policies)


def _auto_logons(registry: Registry) -> tuple[AutoLogon, ...]:
    """The name alone; the password that may stand beside it is not read."""
    if not auto_logon(registry):
        return ()
    return (AutoLogon(by="winlogon", user=registry.text(rf"{CV}\Winlogon", "DefaultUserName") or ""),)


def _banners(registry: Registry) -> tuple[Banner, ...]:
    text = " ".join(registry.text(_SYSTEM, name) or "" for name in ("legalnoticecaption", "legalnoticetext"))
    named = re.search(r"(?i)\bwindows\b", text)
    words = len(re.findall(r"[^\W\d_]{2,}", re.sub(r"(?i)\b(?:microsoft|windows(?: server)?)\b", " ", text)))
    return (Banner(file="winlogon", words=words, tells_system=named is not None),)
