"""How a Windows machine can be reached from afar."""

from __future__ import annotations

from typing import Final

from collectors.errors import CollectError, Unsupported
from collectors.facts.base import Gaps, Limit, once
from collectors.facts.remote_access import RemoteAccess
from collectors.transports.base import Shell
from collectors.windows.document import Document, document
from collectors.windows.registry import CONTROL, POLICIES, SERVICES, Registry
from collectors.windows.release import Release, release
from collectors.windows.services import services

_TS: Final = rf"{CONTROL}\Terminal Server"
_RDP: Final = rf"{_TS}\WinStations\RDP-Tcp"
_TS_POLICY: Final = rf"{POLICIES}\Windows NT\Terminal Services"
_WINRM_POLICY: Final = rf"{POLICIES}\Windows\WinRM\Service"
_WINRM: Final = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Service"
_SMB: Final = rf"{SERVICES}\LanmanServer\Parameters"
_SSH_SETTINGS: Final = (
    "permit_root_login", "password_authentication", "permit_empty_passwords", "max_auth_tries", "login_grace_seconds",
    "client_alive_interval", "client_alive_count_max", "max_sessions", "max_startups", "x11_forwarding", "tcp_forwarding", "host_based",
    "use_pam", "strict_modes", "log_level", "banner", "users_restricted", "one_factor_ways", "match_blocks", "ciphers", "macs", "key_exchanges",
)  # fmt: skip


def remote_access(shell: Shell) -> RemoteAccess:
    answers = document(shell)
    registry = Registry(answers)
    gaps = Gaps()
    found = release(registry)
    known = once(lambda: services(answers))
    installed = gaps.attempt("ssh_installed", lambda: "sshd" in known())
    if installed is not None:
        reason = "OpenSSH for Windows is installed; its settings are not read yet" if installed else "no SSH server is installed"
        gaps.note(("effective", "ports", *_SSH_SETTINGS), "unsupported", reason)
    gaps.note(
        "shell_timeout_seconds", "unsupported", "Windows has no idle limit of a shell; see rdp_idle_seconds and the screen lock"
    )
    return RemoteAccess(
        ssh_installed=installed,
        ssh_running=gaps.attempt("ssh_running", lambda: "sshd" in known() and known()["sshd"].running),
        effective=None,
        rdp_enabled=gaps.attempt("rdp_enabled", lambda: _required(registry, "fDenyTSConnections", _TS_POLICY, _TS) == 0),
        rdp_nla=gaps.attempt("rdp_nla", lambda: _required(registry, "UserAuthentication", _TS_POLICY, _RDP) == 1),
        rdp_tls=gaps.attempt("rdp_tls", lambda: _required(registry, "SecurityLayer", _TS_POLICY, _RDP) == 2),
        rdp_strong_encryption=gaps.attempt(
            "rdp_strong_encryption", lambda: _required(registry, "MinEncryptionLevel", _TS_POLICY, _RDP) in (3, 4)
        ),
        rdp_port=gaps.attempt("rdp_port", lambda: _required(registry, "PortNumber", _RDP)),
        rdp_idle_seconds=gaps.attempt("rdp_idle_seconds", lambda: rdp_limit(registry, "MaxIdleTime")),
        winrm_running=gaps.attempt("winrm_running", lambda: "winrm" in known() and known()["winrm"].running),
        # absent: Basic and plain messages are off in the service as Windows ships it
        winrm_basic=gaps.attempt("winrm_basic", lambda: _winrm(registry, "AllowBasic", "auth_basic")),
        winrm_unencrypted=gaps.attempt(
            "winrm_unencrypted", lambda: _winrm(registry, "AllowUnencryptedTraffic", "allow_unencrypted")
        ),
        smb1=gaps.attempt("smb1", lambda: smb1(answers, registry)),
        smb_signing_required=gaps.attempt("smb_signing_required", lambda: signing(answers, registry, found, "smb_server", _SMB)),
        unseen=gaps.unseen,
    )


def _required(registry: Registry, name: str, *paths: str) -> int:
    """The policy's value, else what was set by hand. Windows writes these at installation; absent means we do not know."""
    found = registry.first(name, *paths)
    if found is None:
        raise Unsupported(f"{name} stands neither in the policy nor in {paths[-1]}")
    return found


def rdp_limit(registry: Registry, name: str) -> Limit:
    """MaxIdleTime or MaxDisconnectionTime, in milliseconds; 0 or absent: never. Beside a policy the connection's own value counts only
    where it is told not to take each account's (fInherit... is 0)."""
    policy = registry.dword(_TS_POLICY, name)
    if policy is not None:
        return -(-policy // 1000) or "unlimited"
    own = registry.dword(_RDP, name)
    if not own:
        return "unlimited"
    if registry.dword(_RDP, f"fInherit{name}") != 0:
        raise Unsupported(f"{name} stands in {_RDP}, but each account's own limit comes before it (fInherit{name} is not 0)")
    return -(-own // 1000)


def _winrm(registry: Registry, policy: str, own: str) -> bool:
    found = registry.dword(_WINRM_POLICY, policy)
    if found is None:
        found = registry.dword(_WINRM, own)
    return bool(found)


def smb1(answers: Document, registry: Registry) -> bool:
    """The server's own word (administrators), else the registry and whether the feature is installed: absent value means on."""
    try:
        told = answers.section("smb_server").yes("EnableSMB1Protocol")
        if told is not None:
            return told
    except CollectError:
        pass  # the registry and the features say it too
    if registry.dword(_SMB, "SMB1") == 0:
        return False
    rows = [row for row in answers.section("features").rows() if (row.text("Name") or "").lower() in _SMB1_FEATURES]
    states = [row.number("InstallState") for row in rows]
    if not states or None in states:
        raise Unsupported("neither the file server nor the list of features says whether SMB 1 is on")
    return 1 in states


_SMB1_FEATURES: Final = frozenset({"smb1protocol", "smb1protocol-server", "fs-smb1"})


def signing(answers: Document, registry: Registry, found: Release, section: str, path: str) -> bool:
    """Signed messages are demanded: the service's own word, else the registry; EnableSecuritySignature means nothing since SMB 2."""
    try:
        told = answers.section(section).yes("RequireSecuritySignature")
        if told is not None:
            return told
    except CollectError:
        pass
    value = registry.dword(path, "RequireSecuritySignature")
    if value is not None:
        return value == 1
    if found.build >= 26100:
        raise Unsupported("RequireSecuritySignature is not set, and its default differs between editions since Windows 11 24H2")
    return found.controller and section == "smb_server"
