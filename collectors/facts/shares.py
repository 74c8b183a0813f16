"""Which folders does the machine offer to others, to whom, and how well guarded?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from pydantic import Field

from collectors.errors import CollectError, Unsupported
from collectors.facts.base import Fact, Gaps, Model, once
from collectors.linux import share_configs
from collectors.linux.presence import Running, programs
from collectors.linux.share_configs import Section, everyone
from collectors.transports.base import Shell


class SmbShare(Model):
    """One share of Samba or Windows; home folders, printers and Windows' own shares (C$, ADMIN$) are left out."""

    name: str = Field(description="Name of the share")
    path: str = Field(description="Folder it offers")
    guest: bool | None = Field(
        description="Let in without a password (guest ok); Windows: the guest account or a session without a name gets in"
    )
    writable: bool = Field(description="Files may be changed")
    hosts_restricted: bool = Field(description="Only for some addresses (hosts allow); Windows knows no such limit of a share")
    open_to_all: bool | None = Field(
        default=None,
        description="Windows: everybody with an account may change files, by the rights of the share and of its folder (Everyone, Users ...)",
    )


class NfsExport(Model):
    """One folder exported over NFS to one client."""

    path: str = Field(description="Folder")
    client: str = Field(description="Host, network or pattern as written")
    everyone: bool = Field(description="The client is anybody who can reach the machine")
    writable: bool = Field(description="Files may be changed (rw)")
    root_squash: bool = Field(description="root of the client is nobody here")
    privileged_ports: bool = Field(description="Only programs of the client's root may ask (secure)")


class RsyncModule(Model):
    """One module of rsync's daemon."""

    name: str = Field(description="Name of the module")
    path: str = Field(description="Folder")
    writable: bool = Field(description="Files may be changed")
    authenticated: bool = Field(description="Asks for a name and a password (auth users)")
    hosts_restricted: bool = Field(description="Only for some addresses (hosts allow)")


class Shares(Fact):
    """File services. A configuration counts even while its server is stopped: it speaks at the next start."""

    NAME: ClassVar[str] = "shares"

    smb_installed: bool | None = Field(description="A file server for SMB is installed: Samba, or the Server service of Windows")
    smb_running: bool | None = Field(default=None, description="It runs now")
    smb_effective: bool | None = Field(
        default=None,
        description="testparm, or the service itself, told the settings in force; False: only the file or the registry was read",
    )
    smb_min_protocol: str | None = Field(default=None, description="Oldest protocol it speaks, such as SMB2_02 or NT1")
    smb_signing: str | None = Field(
        default=None, description="server signing, such as mandatory, auto, default; Windows: mandatory or auto"
    )
    smb_encryption: str | None = Field(default=None, description="smb encrypt: required, desired, off, default")
    smb_ntlm: str | None = Field(default=None, description="ntlm auth: ntlmv2-only, ntlmv1-permitted ...")
    smb_shares: tuple[SmbShare, ...] | None = Field(description="Shares of Samba or Windows")
    nfs_running: bool | None = Field(default=None, description="The NFS server runs now")
    nfs_exports: tuple[NfsExport, ...] | None = Field(
        description="Exports in the files and those in force, sorted by folder and client"
    )
    rsync_running: bool | None = Field(default=None, description="rsync runs as a daemon now")
    rsync_modules: tuple[RsyncModule, ...] | None = Field(
        description="Modules of /etc/rsyncd.conf; not seen where a daemon runs by another file"
    )
    ftp_installed: bool | None = Field(description="An FTP server is installed")
    ftp_running: bool | None = Field(default=None, description="It runs now")
    ftp_anonymous: bool | None = Field(default=None, description="It lets in without a password (vsftpd)")
    ftp_tls: bool | None = Field(
        default=None, description="It refuses passwords in the clear (vsftpd: ssl_enable with force_local_logins_ssl)"
    )


_FTP = ("vsftpd", "proftpd", "pure-ftpd", "in.ftpd", "ftpd")
_UNITS = {
    "smb": (("smbd.service", "smb.service"), ("smbd",)),
    "nfs": (("nfs-server.service", "nfs-kernel-server.service"), ("nfsd",)),
    "rsync": (("rsync.service", "rsyncd.service"), ()),
    "ftp": (("vsftpd.service", "proftpd.service", "pure-ftpd.service"), ("vsftpd", "proftpd", "pure-ftpd")),
}


def linux(shell: Shell) -> Shares:
    """Configurations from files, Samba's from testparm where it is there; what runs from systemd or the process list."""
    gaps = Gaps()
    running = once(lambda: Running(shell, *[unit for units, _ in _UNITS.values() for unit in units]))
    present = once(lambda: programs(shell))
    smb_installed = gaps.attempt("smb_installed", lambda: "smbd" in present())
    ftp_installed = gaps.attempt("ftp_installed", lambda: not present().isdisjoint(_FTP))
    found: dict[str, object] = {
        **_smb(shell, gaps, smb_installed),
        **_ftp(shell, gaps, ftp_installed),
        "smb_installed": smb_installed,
        "ftp_installed": ftp_installed,
        "nfs_exports": gaps.attempt("nfs_exports", lambda: _exports(shell, present)),
        "unseen": (),
    }
    for service, (units, names) in _UNITS.items():
        field = f"{service}_running"
        found[field] = gaps.attempt(field, lambda units=units, names=names: _runs(running, units, names))  # type: ignore[misc]
    runs = found["rsync_running"] is True
    found["rsync_modules"] = gaps.attempt("rsync_modules", lambda: _modules(shell, present, runs))
    if found["smb_shares"]:
        gaps.note("smb_shares[].open_to_all", "unsupported", "who is meant by Samba's lists of users is not worked out")
    return Shares.model_validate({**found, "unseen": gaps.unseen})


def _runs(running: Callable[[], Running], units: tuple[str, ...], names: tuple[str, ...]) -> bool:
    if not names and running().units is None:
        raise Unsupported(
            "an rsync that runs as a daemon is told from other rsyncs by its unit alone, and systemd does not answer here"
        )
    return running().runs(units, names)


# --- Samba ------------------------------------------------------------------------------------------------------------

_SMB = ("smb_effective", "smb_min_protocol", "smb_signing", "smb_encryption", "smb_ntlm", "smb_shares")


def _smb(shell: Shell, gaps: Gaps, installed: bool | None) -> Mapping[str, object]:
    if installed is False:
        gaps.note(_SMB[:-1], "unsupported", "Samba's file server is not installed")
        return {"smb_shares": ()}
    if installed is None:
        gaps.note(_SMB, "unsupported", "whether Samba is installed could not be seen")
        return {"smb_shares": None}
    told = gaps.attempt(_SMB, lambda: _smb_config(shell))
    if told is None:
        return {"smb_shares": None}
    config, effective = told
    common = config["global"]
    found: dict[str, object] = {"smb_effective": effective}
    keys = {
        "smb_min_protocol": ("serverminprotocol", "minprotocol"),
        "smb_signing": ("serversigning",),
        "smb_encryption": ("serversmbencrypt", "smbencrypt"),
        "smb_ntlm": ("ntlmauth",),
    }
    for field, names in keys.items():
        found[field] = next(
            (common[name].lower() if field != "smb_min_protocol" else common[name].upper() for name in names if name in common),
            None,
        )
        if found[field] is None:
            gaps.note(
                field, "unsupported", "not set in smb.conf, and its default depends on the version of Samba; testparm would tell"
            )
    found["smb_shares"] = gaps.attempt("smb_shares", lambda: _smb_shares(shell, config))
    return found


def _smb_shares(shell: Shell, config: Mapping[str, Section]) -> tuple[SmbShare, ...]:
    """Those of the configuration, and those that users made themselves."""
    texts = shell.read_all("/var/lib/samba/usershares/*", root=True)
    own = [share_configs.user_share(text, path) for path, text in texts.items()]
    return tuple(SmbShare.model_validate(share._asdict()) for share in (*share_configs.smb_shares(config), *own))


def _smb_config(shell: Shell) -> tuple[Mapping[str, Section], bool]:
    """(settings, in force). testparm knows the defaults of its version and follows what smb.conf takes in."""
    try:
        text = shell.run("testparm", "-s", "-v").require()
        if "[global]" in text and text.endswith("\n"):
            return share_configs.sections(text, "testparm"), True
    except CollectError:
        pass  # too old, absent, or nothing runs here: the file says less, and that is noted field by field
    text = shell.read("/etc/samba/smb.conf") or ""
    if not text.strip():
        raise Unsupported("/etc/samba/smb.conf is absent or empty, and testparm does not tell")
    return share_configs.sections(text, "smb.conf"), False


# --- the others -------------------------------------------------------------------------------------------------------


def _exports(shell: Shell, present: Callable[[], object]) -> tuple[NfsExport, ...]:
    """Files, and /var/lib/nfs/etab, which holds what is in force: also what somebody exported by hand."""
    texts = shell.read_all("/etc/exports", "/etc/exports.d/*.exports", "/var/lib/nfs/etab")
    if not texts:
        present()  # a tree of data only exports nothing and proves nothing
    rows = {(row.path, row.client): row for path, text in texts.items() for row in share_configs.exports(text, path)}
    return tuple(
        NfsExport(
            path=row.path,
            client=row.client,
            everyone=everyone(row.client),
            writable="rw" in row.options,
            root_squash="no_root_squash" not in row.options,
            privileged_ports="insecure" not in row.options,
        )
        for _, row in sorted(rows.items())
    )


def _modules(shell: Shell, present: Callable[[], object], runs: bool) -> tuple[RsyncModule, ...]:
    text = shell.read("/etc/rsyncd.conf")
    if text is None:
        present()  # a tree of data only offers nothing and proves nothing
        if runs:
            raise Unsupported("an rsync daemon runs without /etc/rsyncd.conf: its modules stand in a file that is not known")
        return ()
    return tuple(RsyncModule.model_validate(module._asdict()) for module in share_configs.rsync_modules(text))


def _ftp(shell: Shell, gaps: Gaps, installed: bool | None) -> Mapping[str, object]:
    if installed is not True:
        reason = "no FTP server is installed" if installed is False else "whether an FTP server is installed could not be seen"
        gaps.note(("ftp_anonymous", "ftp_tls"), "unsupported", reason)
        return {}
    settings = gaps.attempt(("ftp_anonymous", "ftp_tls"), lambda: _vsftpd(shell))
    if settings is None:
        return {}
    # vsftpd's own defaults let everybody in and encrypt nothing
    anonymous = gaps.attempt(
        "ftp_anonymous", lambda: share_configs.truth(settings.get("anonymous_enable", "YES"), "anonymous_enable")
    )
    tls = gaps.attempt(
        "ftp_tls",
        lambda: (
            share_configs.truth(settings.get("ssl_enable", "NO"), "ssl_enable")
            and share_configs.truth(settings.get("force_local_logins_ssl", "YES"), "force_local_logins_ssl")
        ),
    )
    return {"ftp_anonymous": anonymous, "ftp_tls": tls}


def _vsftpd(shell: Shell) -> Mapping[str, str]:
    texts = shell.read_all("/etc/vsftpd.conf", "/etc/vsftpd/vsftpd.conf")
    if not texts:
        raise Unsupported("the configuration of this FTP server is not understood: only vsftpd's is")
    path, text = next(iter(texts.items()))
    return share_configs.vsftpd(text, path)
