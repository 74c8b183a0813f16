"""What do the configurations of file servers say? Samba, the kernel's NFS server, rsync as a daemon, vsftpd."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable

Section = Mapping[str, str]

# --- files of sections: smb.conf, testparm, rsyncd.conf ------------------------------------------------------------------


def sections(text: str, name: str) -> dict[str, Section]:
    """Section -> settings; what stands before the first section is `global`. Names of settings without blanks, in lower case.

    Both programs compare the names so. Raises Unparsable at a line that is neither section nor setting, and at one that
    takes in another file, whose settings would be missing.
    """
    found: dict[str, dict[str, str]] = {"global": {}}
    here = found["global"]
    # testparm joins no lines, and says `winbind separator = \`
    joined = text if name == "testparm" else re.sub(r"\\\r?\n", "", text)
    for number, raw in enumerate(joined.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            here = found.setdefault(line[1:-1].strip(), {}) if line[1:-1].strip().lower() != "global" else found["global"]
            continue
        key, equals, value = line.partition("=")
        key = re.sub(r"[\s_-]+", "", key).lower() if name == "rsyncd.conf" else re.sub(r"\s+", "", key).lower()
        elsewhere = key in ("include", "configfile", "copy") or (
            key == "registryshares" and value.strip().lower() in ("yes", "true", "1")
        )
        # testparm has followed it already
        if name != "testparm" and (line.startswith("&") or (elsewhere and value.strip())):
            raise Unparsable(f"{name}, line {number}: takes in another file or share, which is not followed")
        if not equals:
            raise Unparsable(f"{name}, line {number}: neither a section nor a setting")
        here[key] = value.strip()
    return dict(found)


def truth(value: str, name: str) -> bool:
    """Yes, true, on, 1 and their opposites, as Samba and rsync read them."""
    word = value.strip().lower()
    if word in ("yes", "true", "on", "1"):
        return True
    if word in ("no", "false", "off", "0"):
        return False
    raise Unparsable(f"{name}: {value[:40]!r} is neither yes nor no")


_NO_SHARES = frozenset({"global", "homes", "printers", "print$"})


class SmbShare(NamedTuple):
    """One share of Samba."""

    name: str
    path: str
    guest: bool
    writable: bool
    hosts_restricted: bool


def smb_shares(config: Mapping[str, Section]) -> Iterator[SmbShare]:
    """The shares but homes and printers, with the values of [global] where they have none of their own."""
    common = config.get("global", {})
    for name, own in config.items():
        if name.lower() in _NO_SHARES:
            continue
        share = {**common, **own}
        if truth(_first(share, "no", "printable", "printok"), name) or not truth(_first(share, "yes", "available"), name):
            continue
        yield SmbShare(
            name=name,
            path=_first(share, "", "path", "directory"),
            guest=truth(_first(share, "no", "guestok", "public"), name),
            writable=_writable(own, name) if _says_writable(own) else _writable(common, name),
            hosts_restricted=bool(_first(share, "", "hostsallow", "allowhosts")),
        )


def user_share(text: str, name: str) -> SmbShare:
    """A share that a user made with `net usershare`: no smb.conf names it."""
    fields = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line and not line.startswith("#"))
    if not fields.get("path") or fields.get("guest_ok") not in ("y", "n"):
        raise Unparsable(f"{name}: not a user share of Samba")
    writable = any(entry.strip().upper().endswith(":F") for entry in fields.get("usershare_acl", "").split(","))
    return SmbShare(
        fields.get("sharename") or name.rpartition("/")[2], fields["path"], fields["guest_ok"] == "y", writable, False
    )


def _says_writable(settings: Section) -> bool:
    return any(key in settings for key in ("readonly", "writable", "writeable", "writeok"))


def _writable(settings: Section, name: str) -> bool:
    if "readonly" in settings:
        return not truth(settings["readonly"], name)
    return truth(_first(settings, "no", "writable", "writeable", "writeok"), name)


def _first(settings: Section, otherwise: str, *keys: str) -> str:
    return next((settings[key] for key in keys if key in settings), otherwise)


class RsyncModule(NamedTuple):
    """One module of rsync's daemon."""

    name: str
    path: str
    writable: bool
    authenticated: bool
    hosts_restricted: bool


def rsync_modules(text: str) -> Iterator[RsyncModule]:
    """The modules of rsyncd.conf."""
    config = sections(text, "rsyncd.conf")
    common = config["global"]
    for name, own in config.items():
        if name == "global":
            continue
        module = {**common, **own}
        yield RsyncModule(
            name=name,
            path=module.get("path", ""),
            writable=not truth(module.get("readonly", "yes"), name),
            authenticated=bool(module.get("authusers")),
            hosts_restricted=bool(module.get("hostsallow")) and module["hostsallow"].strip() != "*",
        )


# --- NFS ------------------------------------------------------------------------------------------------------------------


class Export(NamedTuple):
    """One directory for one client, with the options in force."""

    path: str
    client: str
    options: frozenset[str]


_EXPORT_PATH = re.compile(r'"([^"]+)"|(\S+)')
_CLIENT = re.compile(r"([^\s()]*)(?:\(([^()]*)\))?(?=\s|$)")
_OPPOSITES = (("rw", "ro"), ("no_root_squash", "root_squash"), ("insecure", "secure"))


def exports(text: str, name: str) -> Iterator[Export]:
    """The exports of a file. `client (rw)` with a blank is the classic trap: those options are then everybody's."""
    for number, line in enumerate(re.sub(r"\\\r?\n", " ", text).splitlines(), 1):
        line = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if not line:
            continue
        found = _EXPORT_PATH.match(line)
        if not found:
            raise Unparsable(f"{name}, line {number}: no directory")
        path = (found[1] or found[2]).replace("\\040", " ")
        if not path.startswith("/"):
            raise Unparsable(f"{name}, line {number}: {path[:40]!r} is no directory")
        yield from _clients(path, line[found.end() :].strip(), f"{name}, line {number}")


def _clients(path: str, rest: str, where: str) -> Iterator[Export]:
    common: list[str] = []
    met = False
    while rest:
        found = _CLIENT.match(rest)
        if not found or not found.group():
            raise Unparsable(f"{where}: cannot place {rest[:40]!r}")
        client, options = found[1], (found[2] or "").split(",")
        rest = rest[found.end() :].strip()
        if client.startswith("-"):
            common = client[1:].split(",")
            continue
        met = True
        yield Export(path, client or "*", _options(common, options))
    if not met:
        yield Export(path, "*", _options(common, []))


def _options(common: list[str], own: list[str]) -> frozenset[str]:
    """The last of two opposites wins; what is not said is read-only, root squashed, privileged ports."""
    state = {loose: False for loose, _strict in _OPPOSITES}
    others = set()
    for option in (option.strip() for option in [*common, *own]):
        pair = next(((loose, strict) for loose, strict in _OPPOSITES if option in (loose, strict)), None)
        if pair:
            state[pair[0]] = option == pair[0]
        elif option:
            others.add(option)
    return frozenset(others | {loose for loose, on in state.items() if on})


def everyone(client: str) -> bool:
    """The client is the whole world."""
    return client in ("*", "0.0.0.0/0", "::/0", "0.0.0.0/0.0.0.0", "world") or set(client) <= {"*", "."}


# --- vsftpd ---------------------------------------------------------------------------------------------------------------


def vsftpd(text: str, name: str) -> dict[str, str]:
    """Settings of vsftpd.conf, which allows no blanks round the = and says NO or YES."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.strip().partition("=")
        if not equals or not re.fullmatch(r"[a-z_0-9]+", key):
            raise Unparsable(f"{name}, line {number}: not a setting of vsftpd")
        found[key] = value.strip()
    return found
