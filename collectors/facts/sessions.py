"""What happens to a session nobody sits before, to a disk somebody plugs in, and what is shown before log-on?"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Limit, Model, once
from collectors.linux import auto_logon as logons
from collectors.linux.dconf import SystemSettings, boolean, seconds
from collectors.linux.ini import Sections, merged, truth
from collectors.linux.os_release import os_release
from collectors.linux.presence import Running, programs
from collectors.linux.systemd_config import seconds as span
from collectors.linux.systemd_config import settings
from collectors.transports.base import Shell


class Desktop(Model):
    """A graphical environment that is installed, as the system sets it up for users."""

    name: Literal["gnome", "kde", "windows", "other"] = Field(description="Which; other: one whose settings are not read here")
    lock_seconds: Limit | None = Field(description="Seconds without input until the screen is locked; unlimited when it never is")
    lock_enforced: bool | None = Field(description="Users cannot lengthen that or switch it off")
    automount: bool | None = Field(description="A disk that is plugged in is mounted by itself")
    autorun: bool | None = Field(description="Programs on a disk that is plugged in are offered to run, or run")


class AutoLogon(Model):
    """Somebody who is logged on without being asked."""

    by: Literal["gdm", "lightdm", "sddm", "getty", "displaymanager", "winlogon"] = Field(
        description="Whose configuration says so"
    )
    user: str = Field(description="Who")


class Banner(Model):
    """A text shown at log-on."""

    file: str = Field(description="Which file; winlogon: the message Windows shows")
    words: int = Field(description="Words in it besides names of the system and what getty fills in; 0 without the file")
    tells_system: bool = Field(description="It names the system or its version (by name, or by getty's \\s \\S \\r \\v \\m)")


class Sessions(Fact):
    """Screen locks, removable disks, log-ons without a question, and texts before log-on."""

    NAME: ClassVar[str] = "sessions"

    desktops: tuple[Desktop, ...] | None = Field(description="Graphical environments installed; none on a server without one")
    auto_logons: tuple[AutoLogon, ...] | None = Field(description="Log-ons without a question, as configured")
    idle_action: str | None = Field(description="What systemd-logind does with an idle machine (IdleAction)")
    stop_idle_seconds: Limit | None = Field(
        description=(
            "Seconds after which systemd-logind ends idle sessions (StopIdleSessionSec, since release 252), as configured; Windows: after "
            "which Remote Desktop cuts off a silent session"
        )
    )
    disconnected_seconds: Limit | None = Field(
        default=None,
        description="Windows: seconds until a Remote Desktop session that its person has left without logging off is ended",
    )
    usb_authorized: bool | None = Field(
        description="A USB device works as soon as it is plugged in, on some controller; False without USB controllers"
    )
    usbguard: Literal["running", "stopped", "none"] | None = Field(description="USBGuard, which decides device by device")
    usbguard_default: Literal["allow", "block", "reject"] | None = Field(
        description="What USBGuard does with a device no rule speaks of (ImplicitPolicyTarget); not seen without USBGuard"
    )
    banners: tuple[Banner, ...] | None = Field(description="/etc/issue, /etc/issue.net and /etc/motd; Windows: winlogon")


_OTHER_MANAGERS = frozenset({"lxdm", "greetd", "slim", "nodm", "ly", "kdm", "entranced", "emptty", "lemurs", "lidm", "cdm"})
"""Display managers that can log somebody on, by settings that are not read here."""
_SHELLS = {"gnome-shell": "gnome", "plasmashell": "kde"}
_BANNERS = ("/etc/issue", "/etc/issue.net", "/etc/motd")
_ESCAPE = re.compile(r"\\(?:\d\{[^}]*\}|[a-zA-Z](?:\{[^}]*\})?|\\)")
_REVEALING = re.compile(r"\\[sSrvm]")
_FAMILIAR = re.compile(
    r"(?i)\b(?:debian|ubuntu|red\s*hat|rhel|centos|rocky|alma\s*linux|oracle linux|suse|sles|fedora|amazon linux|gnu/linux|kernel [\d\\])"
)


def linux(shell: Shell) -> Sessions:
    """Read what the system sets up for everybody; what each user chose lies in their own folders and is not looked at."""
    gaps = Gaps()
    login = once(lambda: settings(shell, "logind", "Login"))
    guard = gaps.attempt("usbguard", lambda: _usbguard(shell))
    default = None
    if guard in (None, "none"):
        gaps.note(
            "usbguard_default", "unsupported", "there is no USBGuard here" if guard else "whether USBGuard is there was not seen"
        )
    else:
        default = gaps.attempt("usbguard_default", lambda: _usbguard_default(shell))
    found = gaps.attempt("auto_logons", lambda: _auto_logons(shell))
    gaps.note("disconnected_seconds", "unsupported", "a limit of Remote Desktop on Windows")
    return Sessions.model_validate(
        {
            "desktops": gaps.attempt("desktops", lambda: _desktops(shell, gaps)),
            "auto_logons": None if found is None else tuple(AutoLogon(**row._asdict()) for row in found),
            "idle_action": gaps.attempt("idle_action", lambda: (login().get("IdleAction") or ("ignore",))[-1]),
            "stop_idle_seconds": gaps.attempt(
                "stop_idle_seconds", lambda: _limit((login().get("StopIdleSessionSec") or ("",))[-1])
            ),
            "usb_authorized": gaps.attempt("usb_authorized", lambda: _usb_authorized(shell)),
            "usbguard": guard,
            "usbguard_default": default,
            "banners": gaps.attempt("banners", lambda: _banners(shell)),
            "unseen": gaps.unseen,
        }
    )


def _auto_logons(shell: Shell) -> tuple[logons.AutoLogon, ...]:
    there = programs(shell)  # a tree of data only logs nobody on and proves nothing
    found = logons.auto_logons(shell)
    if not found and (others := sorted(there & _OTHER_MANAGERS)):
        raise Unsupported(f"{others[0]} may log somebody on by itself, and its settings are not read here")
    return found


def _limit(value: str) -> int | Literal["unlimited"]:
    if value.lower() in ("", "infinity", "0"):
        return "unlimited"
    return span(value)


def _desktops(shell: Shell, gaps: Gaps) -> tuple[Desktop, ...]:
    there = programs(shell)
    names = sorted({name for program, name in _SHELLS.items() if program in there})
    rows = []
    for name in names:
        try:
            rows.append(_gnome(shell) if name == "gnome" else _kde(shell))
        except CollectError as error:
            rows.append(
                Desktop(
                    name="gnome" if name == "gnome" else "kde",
                    lock_seconds=None,
                    lock_enforced=None,
                    automount=None,
                    autorun=None,
                )
            )
            for column in ("lock_seconds", "lock_enforced", "automount", "autorun"):
                gaps.note(f"desktops[].{column}", error.outcome, str(error))
    if "kde" in names:
        gaps.note("desktops[].autorun", "unsupported", "what Plasma does with programs on a disk is not read here")
    kinds = (*shell.names("/usr/share/xsessions/*.desktop"), *shell.names("/usr/share/wayland-sessions/*.desktop"))
    others = [path for path in kinds if not re.search(r"/(?:gnome|ubuntu|plasma|kde|lightdm-xsession|default\.)[^/]*$", path)]
    if others or (kinds and not names):
        rows.append(Desktop(name="other", lock_seconds=None, lock_enforced=None, automount=None, autorun=None))
        reason = f"the settings of {(others or list(kinds))[0].rpartition('/')[2].removesuffix('.desktop')} are not read here"
        for column in ("lock_seconds", "lock_enforced", "automount", "autorun"):
            gaps.note(f"desktops[].{column}", "unsupported", reason)
    return tuple(rows)


def _gnome(shell: Shell) -> Desktop:
    system = SystemSettings(shell)
    idle = system.setting("org/gnome/desktop/session", "idle-delay")
    delay = system.setting("org/gnome/desktop/screensaver", "lock-delay")
    enabled = system.setting("org/gnome/desktop/screensaver", "lock-enabled")
    disabled = system.setting("org/gnome/desktop/lockdown", "disable-lock-screen")
    automount = system.setting("org/gnome/desktop/media-handling", "automount")
    never = system.setting("org/gnome/desktop/media-handling", "autorun-never")
    # GNOME's own defaults where nobody set anything
    wait = seconds(idle.value or "300")
    locks = boolean(enabled.value or "true") and not boolean(disabled.value or "false") and wait > 0
    return Desktop(
        name="gnome",
        lock_seconds=wait + seconds(delay.value or "0") if locks else "unlimited",
        lock_enforced=idle.locked and delay.locked and enabled.locked,
        automount=boolean(automount.value or "true"),
        autorun=not boolean(never.value or "false"),
    )


def _kde(shell: Shell) -> Desktop:
    """KDE marks what users cannot change with `[$i]`, behind a key, a section, or alone for the whole file."""
    texts = shell.read_all("/etc/xdg/kscreenlockerrc", "/etc/xdg/kded_device_automounterrc")
    lock = merged({path: text for path, text in texts.items() if "kscreenlockerrc" in path})
    mount = merged({path: text for path, text in texts.items() if "automounter" in path})
    timeout, fixed_timeout = _kde_value(lock, "Daemon", "Timeout", "5")
    locks, fixed_lock = _kde_value(lock, "Daemon", "Autolock", "true")
    grace, fixed_grace = _kde_value(lock, "Daemon", "LockGrace", "5")
    automount, _ = _kde_value(mount, "General", "AutomountEnabled", "false")
    if not (timeout.isdecimal() and timeout.isascii() and grace.isdecimal() and grace.isascii()):
        raise Unparsable("/etc/xdg/kscreenlockerrc: not a number")
    lasting = truth(locks) and int(timeout) > 0
    return Desktop(
        name="kde",
        lock_seconds=int(timeout) * 60 + int(grace) if lasting else "unlimited",
        lock_enforced=fixed_timeout and fixed_lock and fixed_grace,
        automount=truth(automount),
        autorun=None,
    )


def _kde_value(found: Sections, section: str, key: str, default: str) -> tuple[str, bool]:
    """(value, users cannot change it)."""
    whole = "$i" in found
    for name in (section, f"{section}][$i"):
        for written, fixed in ((key, False), (f"{key}[$i]", True)):
            if written in found.get(name, {}):
                return found[name][written], whole or fixed or name.endswith("[$i")
    return default, whole or f"{section}][$i" in found


def _usb_authorized(shell: Shell) -> bool:
    texts = shell.read_all("/sys/bus/usb/devices/usb*/authorized_default")
    if not texts:
        if shell.stat("/sys/bus") is None:
            raise Unsupported("/sys: no running kernel is seen here")
        return False
    return any(text.strip() != "0" for text in texts.values())


def _usbguard(shell: Shell) -> Literal["running", "stopped", "none"]:
    if "usbguard-daemon" not in programs(shell):
        return "none"
    return "running" if Running(shell, "usbguard.service").runs(("usbguard.service",), ("usbguard-daemon",)) else "stopped"


def _usbguard_default(shell: Shell) -> str:
    text = shell.read("/etc/usbguard/usbguard-daemon.conf", root=True)
    found = re.findall(r"(?m)^\s*ImplicitPolicyTarget\s*=\s*(\w+)\s*$", text or "")
    word = found[-1].lower() if found else "block"
    if word not in ("allow", "block", "reject"):
        raise Unparsable("usbguard-daemon.conf: ImplicitPolicyTarget is none of its three words")
    return str(word)


def _banners(shell: Shell) -> tuple[Banner, ...]:
    """agetty adds every file of issue.d to the text, and vendors keep theirs under /usr/lib or /run."""
    texts = shell.read_all(
        *_BANNERS, "/etc/issue.d/*.issue", "/run/issue.d/*.issue", "/usr/lib/issue.d/*.issue", "/usr/lib/issue"
    )
    if not texts:
        programs(shell)  # a tree of data only shows nobody anything and proves nothing
    own = [path for path in texts if path not in _BANNERS]
    if "/etc/issue" in texts:
        own = [path for path in own if path != "/usr/lib/issue"]
    release = os_release(shell)
    names = [name for key in ("PRETTY_NAME", "NAME") if (name := release.get(key, ""))]
    rows = []
    for file in _BANNERS:
        parts = [file] if file in texts else []
        text = "\n".join(texts[path] for path in [*parts, *(own if file == "/etc/issue" else ())])
        named = any(name.lower() in text.lower() for name in names) or bool(_FAMILIAR.search(text))
        rest = _ESCAPE.sub(" ", text)
        for name in names:
            rest = re.sub(re.escape(name), " ", rest, flags=re.IGNORECASE)
        words = len(re.findall(r"[^\W\d_]{2,}", rest))
        rows.append(
            Banner(file=file, words=words, tells_system=named or (file == "/etc/issue" and bool(_REVEALING.search(text))))
        )
    return tuple(rows)
