"""What a Windows machine offers others: its SMB shares with their rights, and whether servers of NFS, rsync and FTP are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps, once
from collectors.facts.shares import NfsExport, RsyncModule, Shares, SmbShare
from collectors.transports.base import Shell
from collectors.windows.accounts import relative_id
from collectors.windows.document import Document, Section, document
from collectors.windows.registry import CONTROL, SERVICES, Registry
from collectors.windows.release import Release, release
from collectors.windows.remote_access import signing, smb1
from collectors.windows.rights import ALL_ACCOUNTS, ANONYMOUS, EVERYONE, GUESTS, Entry, may, rights
from collectors.windows.services import WindowsService, matching, services

_PARAMETERS: Final = rf"{SERVICES}\LanmanServer\Parameters"
_LSA: Final = rf"{CONTROL}\Lsa"
_WITHOUT_NTLM1: Final = 26100
_DISK: Final = 0
_NFS: Final = ("nfsservice",)
_RSYNC: Final = ("rsync*", "cwrsync*", "deltacopy*")
_FTP: Final = (
    "ftpsvc",
    "msftpsvc",
    "filezilla server",
    "filezilla-server",
    "serv-u*",
    "crushftp*",
    "wing ftp*",
    "wftpserver*",
    "xlight*",
    "cerberus ftp*",
)
_FTP_PORT, _RSYNC_PORT = 21, 873


def shares(shell: Shell) -> Shares:
    answers = document(shell)
    registry = Registry(answers)
    gaps = Gaps()
    found = release(registry)
    known = once(lambda: services(answers))
    server = once(lambda: known().get("lanmanserver"))
    installed = gaps.attempt("smb_installed", lambda: server() is not None)
    ftp = gaps.attempt("ftp_installed", lambda: _installed(answers, known, _FTP, _FTP_PORT))
    reason = "no FTP server is installed" if ftp is False else "the settings of FTP servers on Windows are not read"
    gaps.note(("ftp_anonymous", "ftp_tls"), "unsupported", reason)
    return Shares(
        smb_installed=installed,
        smb_running=gaps.attempt("smb_running", lambda: bool(server() and server().running)),  # type: ignore[union-attr]
        # what the registry says is in force; the service's own word is asked where administrators ask
        smb_effective=gaps.attempt("smb_effective", lambda: answers.section("smb_server").yes("EnableSMB2Protocol") is not None),
        smb_min_protocol=gaps.attempt("smb_min_protocol", lambda: "NT1" if smb1(answers, registry) else "SMB2_02"),
        smb_signing=gaps.attempt(
            "smb_signing", lambda: "mandatory" if signing(answers, registry, found, "smb_server", _PARAMETERS) else "auto"
        ),
        smb_encryption=gaps.attempt("smb_encryption", lambda: _encryption(answers)),
        smb_ntlm=gaps.attempt("smb_ntlm", lambda: _ntlm(registry, found)),
        smb_shares=gaps.attempt("smb_shares", lambda: _shares(answers, registry, gaps)),
        nfs_running=gaps.attempt("nfs_running", lambda: _running(known, _NFS)),
        nfs_exports=gaps.attempt("nfs_exports", lambda: _no_exports(known)),
        rsync_running=gaps.attempt("rsync_running", lambda: _running(known, _RSYNC)),
        rsync_modules=gaps.attempt("rsync_modules", lambda: _no_modules(answers, known)),
        ftp_installed=ftp,
        ftp_running=gaps.attempt("ftp_running", lambda: _running(known, _FTP)),
        unseen=gaps.unseen,
    )


# --- the file server ----------------------------------------------------------------------------------------------------


def _encryption(answers: Document) -> str:
    """EncryptData alone still lets in those who cannot encrypt, where RejectUnencryptedAccess is off."""
    section = answers.section("smb_server")
    encrypts, rejects = section.yes("EncryptData"), section.yes("RejectUnencryptedAccess")
    if encrypts is None or rejects is None:
        raise Unparsable("smb_server: EncryptData or RejectUnencryptedAccess is not told")
    return ("required" if rejects else "desired") if encrypts else "off"


def _ntlm(registry: Registry, found: Release) -> str:
    """5 refuses NTLM 1; less accepts it from others, as long as Windows has it."""
    level = registry.dword(_LSA, "LmCompatibilityLevel")
    if level is not None and level >= 5:
        return "ntlmv2-only"
    if found.build >= _WITHOUT_NTLM1:
        raise Unsupported(
            "NTLM 1 has been taken out of this Windows; below 5 LmCompatibilityLevel no longer tells what it accepts"
        )
    return "ntlmv1-permitted"


def _shares(answers: Document, registry: Registry, gaps: Gaps) -> tuple[SmbShare, ...]:
    """Special shares (C$, ADMIN$, IPC$) are for administrators and services alone; printers are left out.

    Whoever is no administrator is told of the shares, not of their rights; "there is none" they are told as well.
    """
    try:
        rows = answers.section("smb_shares").rows()
    except CollectError:
        plain = answers.section("shares").rows()
        if any(row.number("Type") is None for row in plain):
            raise Unparsable("shares: one does not tell of what type it is") from None
        if plain and not any(row.number("Type") == _DISK for row in plain):
            return ()
        raise
    kept = [row for row in rows if row.yes("special") is not True and row.number("kind") == _DISK]
    if any(row.number("kind") is None or row.yes("special") is None for row in rows):
        raise Unparsable("smb_shares: one does not tell of what kind it is")
    guests = gaps.attempt("smb_shares[].guest", lambda: _guests(answers, registry)) if kept else None
    return tuple(sorted((_share(row, guests, gaps) for row in kept), key=lambda share: share.name))


class _Guests:
    """Who may come in without a password, before the rights of a share are looked at."""

    def __init__(self, account: bool, anonymous: frozenset[str], null_sessions: tuple[str, ...] | None) -> None:
        self.account = account
        self.anonymous = anonymous
        self.null_sessions = null_sessions
        """Names of the shares that sessions without a name may open, lower case; None: all."""

    def may_enter(self, name: str, entries: tuple[Entry, ...] | None) -> bool:
        itself = {entry.sid for entry in entries or () if entry.sid.endswith("-501")}
        if self.account and may(entries, GUESTS | {EVERYONE, "S-1-5-2"} | itself, write=False):
            return True
        open_to_nobody = self.null_sessions is None or name.lower() in self.null_sessions
        return open_to_nobody and may(entries, self.anonymous, write=False)


def _guests(answers: Document, registry: Registry) -> _Guests:
    """The guest account, where it is on, stands for whoever gives a name that is not known here; RestrictNullSessAccess is on by itself."""
    account = None
    for row in answers.section("users").rows():
        number, disabled = row.text("SID"), row.yes("Disabled")
        if number is not None and relative_id(number) == 501 and disabled is not None:
            account = not disabled
    if account is None:
        raise Unsupported("whether the guest account is on was not told")
    everyone = registry.dword(_LSA, "EveryoneIncludesAnonymous") == 1
    key = registry.key(_PARAMETERS)
    restricted = registry.dword(_PARAMETERS, "RestrictNullSessAccess") != 0
    names = tuple(name.lower() for name in key.texts("NullSessionShares")) if key is not None else ()
    return _Guests(account, frozenset({ANONYMOUS, EVERYONE} if everyone else {ANONYMOUS}), names if restricted else None)


def _share(row: Section, guests: _Guests | None, gaps: Gaps) -> SmbShare:
    name, path = row.text("name"), row.text("path")
    if name is None:
        raise Unparsable("smb_shares: one has no name")
    entries = rights(row.text("rights") or "")
    folder = gaps.attempt("smb_shares[].open_to_all", lambda: _folder(row))
    return SmbShare(
        name=name,
        path=path or "",
        guest=None if guests is None else guests.may_enter(name, entries),
        writable=any(entry.allows and entry.write for entry in entries) if entries is not None else True,
        hosts_restricted=False,
        open_to_all=None
        if folder is None
        else may(entries, ALL_ACCOUNTS, write=True) and may(folder[0], ALL_ACCOUNTS, write=True),
    )


def _folder(row: Section) -> tuple[tuple[Entry, ...] | None]:
    """The rights of the folder itself, which hold as well; in a tuple, because None says that there are no limits at all."""
    text = row.text("folder_rights")
    if text is None:
        raise Unsupported("the rights of a shared folder could not be read, or it is no longer there")
    return (rights(text),)


# --- the others ---------------------------------------------------------------------------------------------------------


def _running(known: Callable[[], dict[str, WindowsService]], names: tuple[str, ...]) -> bool:
    return any(service.running for service in matching(known(), names))


def _listens(answers: Document, port: int) -> bool:
    return any(row.number("port") == port and row.text("protocol") == "tcp" for row in answers.section("sockets").rows())


def _installed(answers: Document, known: Callable[[], Mapping[str, WindowsService]], names: tuple[str, ...], port: int) -> bool:
    """By its service; a server started otherwise shows by its port."""
    return bool(matching(dict(known()), names)) or _listens(answers, port)


def _no_exports(known: Callable[[], dict[str, WindowsService]]) -> tuple[NfsExport, ...]:
    if matching(known(), _NFS):
        raise Unsupported("Server for NFS is installed; its exports are not read on Windows")
    return ()


def _no_modules(answers: Document, known: Callable[[], dict[str, WindowsService]]) -> tuple[RsyncModule, ...]:
    if _installed(answers, known, _RSYNC, _RSYNC_PORT):
        raise Unsupported("an rsync server is here; its modules are not read on Windows")
    return ()
