"""The boot loader and what guards it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from collectors.errors import Unparsable, Unsupported
from collectors.linux.presence import programs
from collectors.transports.base import Shell

Loader = Literal["grub", "other", "none"]

_OTHERS = frozenset(
    f"{folder}/{name}"
    for folder in ("/boot", "/boot/efi", "/efi")
    for name in ("loader", "extlinux", "syslinux", "refind_linux.conf", "cmdline.txt")
)
_SUPERUSERS = re.compile(r"(?m)^\s*set\s+superusers=[\"']?([^\"'\n]*)[\"']?\s*$")
_PASSWORD = re.compile(r"(?m)^\s*password(?:_pbkdf2)?\s+(\S+)\s+(\S+)")
_MENU = re.compile(r"(?m)^\s*(?:menuentry|blscfg|submenu|linux(?:16|efi)?)\b")
_FORWARD = re.compile(r"(?m)^\s*(?:configfile|source)\b")


def boot_loader(shell: Shell) -> Loader:
    """Which loader starts this system; none where /boot holds nothing at all: a container, or a VM started from outside.

    Raises Unsupported where kernels lie there and nothing known starts them.
    """
    found = shell.names("/boot/*", root=True)
    if shell.names("/boot/grub*/grub.cfg", root=True) or shell.names("/boot/efi/EFI/*/grub.cfg", root=True):
        return "grub"
    partition = (*shell.names("/boot/efi/*", root=True), *shell.names("/efi/*", root=True))
    if not _OTHERS.isdisjoint((*found, *partition)):
        return "other"
    if not partition and {"/boot/efi", "/boot/grub", "/boot/grub2"}.issuperset(found):
        there = programs(shell)  # a tree of data only has no boot loader and proves nothing
        if not there.isdisjoint(("grub-install", "grub2-install")):
            raise Unsupported("/boot is empty, but GRUB is installed: its file system is not mounted now")
        return "none"
    raise Unsupported("/boot holds files, but no boot loader known here")


def grub_password(shell: Shell) -> bool:
    """Does GRUB ask for a password before entries are edited or a shell opens? Every menu on the machine must.

    RHEL writes the lines always and fills them from user.cfg: `${GRUB2_PASSWORD}` counts only where that file sets it.
    """
    menus = shell.read_all("/boot/grub*/grub.cfg", "/boot/efi/EFI/*/grub.cfg", root=True)
    users = shell.read_all("/boot/grub*/user.cfg", "/boot/efi/EFI/*/user.cfg", root=True)
    return guarded(menus, users)


def guarded(menus: Mapping[str, str], users: Mapping[str, str]) -> bool:
    """True when each of the menus has a superuser with a password; forwarders to another menu are no menus."""
    set_by_user = any(re.search(r"(?m)^\s*GRUB2_PASSWORD=\S", text) for text in users.values())
    real = {path: text for path, text in menus.items() if _MENU.search(text) or not _FORWARD.search(text)}
    if not real or any(not _MENU.search(text) for text in real.values()):
        raise Unparsable("grub.cfg: no menu in it")
    return all(_guards(text, set_by_user) for text in real.values())


def _guards(text: str, set_by_user: bool) -> bool:
    superusers = {name for names in _SUPERUSERS.findall(text) for name in re.split(r"[\s,;|&]+", names) if name}
    for name, secret in _PASSWORD.findall(text):
        by_variable = "GRUB2_PASSWORD" in secret
        if name.strip("\"'") in superusers and (set_by_user if by_variable else not secret.startswith("$")):
            return True
    return False
