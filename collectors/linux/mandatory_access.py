"""SELinux and AppArmor: what the kernel enforces now, and what the next start will bring."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

Running = Literal["enforcing", "permissive", "disabled"]
Configured = Literal["enforcing", "permissive", "disabled", "none"]

_PROFILE = re.compile(r".+ \((enforce|complain|kill|prompt|user|unconfined)\)")


def selinux(shell: Shell) -> Running:
    """SELinux of the running kernel.

    `getenforce` prints Disabled too where selinuxfs is only not mounted (a container, a rescue system); the kernel lists
    that file system exactly when SELinux was on at boot.
    """
    texts = shell.read_all("/sys/fs/selinux/enforce", "/proc/filesystems")
    enforce = texts.get("/sys/fs/selinux/enforce")
    if enforce is not None:
        state: Running | None = {"1": "enforcing", "0": "permissive"}.get(enforce.strip())  # type: ignore[assignment]
        if state is None:
            raise Unparsable("/sys/fs/selinux/enforce: neither 0 nor 1")
        return state
    if "/proc/filesystems" not in texts:
        raise Unsupported("/proc: no running kernel is seen here")
    if "selinuxfs" in texts["/proc/filesystems"].split():
        raise Unsupported("SELinux is in the kernel, but /sys/fs/selinux is not mounted here")
    return "disabled"


def selinux_configured(shell: Shell) -> Configured:
    """SELINUX= of /etc/selinux/config; none where there is no such file. The last line of that name counts."""
    text = shell.read("/etc/selinux/config")
    if text is None:
        return "none"
    found = re.findall(r"(?m)^[ \t]*SELINUX[ \t]*=[ \t]*(\S*)[ \t]*$", text)
    if not found:
        raise Unparsable("/etc/selinux/config: no line SELINUX=")
    state = found[-1].lower()
    if state not in ("enforcing", "permissive", "disabled"):
        raise Unparsable("/etc/selinux/config: SELINUX= is none of its three words")
    return state  # type: ignore[no-any-return]


def apparmor(shell: Shell) -> bool:
    """Is AppArmor on in the running kernel? A kernel without it has no /sys/module/apparmor."""
    texts = shell.read_all("/sys/module/apparmor/parameters/enabled", "/proc/filesystems")
    enabled = texts.get("/sys/module/apparmor/parameters/enabled")
    if enabled is None:
        if "/proc/filesystems" not in texts:
            raise Unsupported("/proc: no running kernel is seen here")
        if shell.stat("/sys/module") is None:
            raise Unsupported("/sys is not mounted here, so whether AppArmor is on is not seen")
        return False
    if enabled.strip() not in ("Y", "N"):
        raise Unparsable("/sys/module/apparmor/parameters/enabled: neither Y nor N")
    return enabled.strip() == "Y"


def apparmor_profiles(shell: Shell) -> Mapping[str, int]:
    """Mode -> number of loaded profiles. `aa-status` is silent, with status 0, where securityfs is not mounted."""
    text = shell.read("/sys/kernel/security/apparmor/profiles", root=True)
    if text is None:
        raise Unsupported("AppArmor is on, but /sys/kernel/security is not mounted here")
    return profile_modes(text)


def profile_modes(text: str) -> Mapping[str, int]:
    """`name (mode)` lines of the kernel."""
    modes: Counter[str] = Counter()
    for line in text.splitlines():
        found = _PROFILE.fullmatch(line)
        if not found:
            raise Unparsable("/sys/kernel/security/apparmor/profiles: line not understood")
        modes[found[1]] += 1
    return modes
