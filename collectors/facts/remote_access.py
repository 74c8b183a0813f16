"""How can the machine be reached from afar, and how well is that door kept?"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Limit
from collectors.linux import sshd_server
from collectors.linux.pam import Pam
from collectors.linux.presence import processes, programs, units
from collectors.linux.second_factor import one_factor_ways
from collectors.linux.shell_timeout import shell_timeout
from collectors.linux.sshd_config import (
    algorithms,
    boolean,
    number,
    seconds,
)
from collectors.linux.sshd_server import DEFAULTS, RootLogin, Server
from collectors.transports.base import Shell

T = TypeVar("T")


class RemoteAccess(Fact):
    """The SSH server's settings in force, and the shell's idle limit; on Windows also Remote Desktop, WinRM and SMB."""

    NAME: ClassVar[str] = "remote_access"

    ssh_installed: bool | None = Field(description="An SSH server program is installed")
    ssh_running: bool | None = Field(description="It runs, or its socket waits")
    effective: bool | None = Field(
        description="True: the server itself was asked (sshd -T, or -G). False: read from its files with OpenSSH's rules, because it could not be asked"
    )
    ports: tuple[int, ...] | None = Field(default=None, description="Ports it is told to listen on")
    permit_root_login: RootLogin | None = Field(
        default=None,
        description="sshd -T prints prohibit-password as without-password; here always prohibit-password. The weakest that the general part or any Match block sets",
    )
    password_authentication: bool | None = Field(
        default=None,
        description="Passwords are accepted (also counts keyboard-interactive through PAM), generally or in any Match block",
    )
    permit_empty_passwords: bool | None = Field(
        default=None, description="Accounts without a password may log on, generally or in any Match block"
    )
    max_auth_tries: int | None = Field(
        default=None, description="Tries within one connection; the most that the general part or any Match block allows"
    )
    login_grace_seconds: Limit | None = Field(
        default=None, description="Time allowed for logging on; unlimited when 0 is configured"
    )
    client_alive_interval: int | None = Field(
        default=None,
        description="Seconds between signs of life asked of a silent client; 0: never asked, generally or in any Match block",
    )
    client_alive_count_max: int | None = Field(
        default=None,
        description="Unanswered signs of life until the session ends; 0: the session never ends by this, generally or in any Match block",
    )
    max_sessions: int | None = Field(
        default=None, description="Sessions within one connection; the most that the general part or any Match block allows"
    )
    max_startups: str | None = Field(default=None, description="start:rate:full of connections not yet logged on")
    x11_forwarding: bool | None = Field(default=None, description="Screens may be forwarded, generally or in any Match block")
    tcp_forwarding: str | None = Field(
        default=None, description="yes, no, local, remote; the weakest that the general part or any Match block sets"
    )
    host_based: bool | None = Field(
        default=None, description="Trust in other hosts' word (HostbasedAuthentication, or rhosts not ignored)"
    )
    use_pam: bool | None = Field(default=None, description="Log-ons pass through PAM, so its lock-out and ageing apply")
    strict_modes: bool | None = Field(default=None, description="Keys in files that others can write are refused")
    log_level: str | None = Field(
        default=None,
        description="Upper case, such as INFO or VERBOSE; the quietest that the general part or any Match block sets",
    )
    banner: bool | None = Field(default=None, description="A warning text is shown before log-on, in every Match block too")
    users_restricted: bool | None = Field(
        default=None,
        description="AllowUsers or AllowGroups name who may come in, in every Match block too; a pattern of * alone names nobody, and DenyUsers lets all others in",
    )
    one_factor_ways: tuple[str, ...] | None = Field(
        default=None,
        description="Alternatives of AuthenticationMethods that one factor opens, for anybody: a key alone, or a password where PAM asks for no one-time code; () when each asks for two different factors. PAM is asked only where sshd's own settings name none, so there may be more",
    )
    match_blocks: bool | None = Field(
        default=None, description="The files hold Match blocks: for some users or addresses other settings hold"
    )
    ciphers: tuple[str, ...] | None = Field(default=None, description="Ciphers offered")
    macs: tuple[str, ...] | None = Field(default=None, description="Message authentication codes offered")
    key_exchanges: tuple[str, ...] | None = Field(default=None, description="Key exchanges offered")
    shell_timeout_seconds: Limit | None = Field(
        default=None, description="TMOUT set for every shell by /etc/profile, profile.d or bashrc; unlimited when nothing sets it"
    )
    rdp_enabled: bool | None = Field(default=None, description="Windows: Remote Desktop lets people in")
    rdp_nla: bool | None = Field(
        default=None,
        description="Windows: Remote Desktop asks who it is before it shows a desktop (network level authentication)",
    )
    rdp_tls: bool | None = Field(
        default=None, description="Windows: Remote Desktop speaks TLS only (SecurityLayer 2), not its own old protocol"
    )
    rdp_strong_encryption: bool | None = Field(default=None, description="Windows: MinEncryptionLevel is 3 (high) or 4 (FIPS)")
    rdp_port: int | None = Field(default=None, description="Windows: port of Remote Desktop")
    rdp_idle_seconds: Limit | None = Field(
        default=None,
        description="Windows: seconds until a silent Remote Desktop session is cut off; unlimited where nothing says",
    )
    winrm_running: bool | None = Field(default=None, description="Windows: the remote management service (WinRM) runs")
    winrm_basic: bool | None = Field(default=None, description="Windows: WinRM takes a password sent as it is (Basic)")
    winrm_unencrypted: bool | None = Field(default=None, description="Windows: WinRM accepts messages that are not encrypted")
    smb1: bool | None = Field(default=None, description="Windows: the file server still speaks SMB 1")
    smb_signing_required: bool | None = Field(
        default=None, description="Windows: the file server refuses messages that are not signed"
    )


_OF_WINDOWS = (
    "rdp_enabled", "rdp_nla", "rdp_tls", "rdp_strong_encryption", "rdp_port", "rdp_idle_seconds", "winrm_running", "winrm_basic",
    "winrm_unencrypted", "smb1", "smb_signing_required",
)  # fmt: skip
_UNITS = ("ssh.service", "sshd.service", "ssh.socket", "sshd.socket")

_ROOT_LOGINS: tuple[RootLogin, ...] = ("no", "forced-commands-only", "prohibit-password", "yes")
"""From strict to loose."""
_FORWARDINGS = ("no", "local", "remote", "yes")
_LOG_LEVELS = ("QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3")


_SSH_FIELDS: tuple[tuple[str, Callable[[Server], object]], ...] = (
    ("permit_root_login", lambda server: _weakest_root_login(server)),
    ("password_authentication", lambda server: _anywhere(server, _passwords)),
    ("permit_empty_passwords", lambda server: _anywhere(server, lambda one: _read(one, "permitemptypasswords", boolean))),
    ("max_auth_tries", lambda server: _weakest(server, lambda one: _read(one, "maxauthtries", number), lambda tries: -tries)),
    ("login_grace_seconds", lambda server: _read(server, "logingracetime", seconds) or "unlimited"),
    (
        "client_alive_interval",
        lambda server: _weakest(server, lambda one: _read(one, "clientaliveinterval", seconds), _zero_last),
    ),
    (
        "client_alive_count_max",
        lambda server: _weakest(server, lambda one: _read(one, "clientalivecountmax", number), _zero_last),
    ),
    ("max_sessions", lambda server: _weakest(server, lambda one: _read(one, "maxsessions", number), lambda most: -most)),
    ("max_startups", lambda server: _read(server, "maxstartups", _startups)),
    ("x11_forwarding", lambda server: _anywhere(server, _x11)),
    ("tcp_forwarding", lambda server: _weakest(server, _tcp_forwarding, lambda word: -_FORWARDINGS.index(word))),
    ("host_based", lambda server: _anywhere(server, _host_based)),
    ("use_pam", lambda server: _read(server, "usepam", boolean)),
    ("strict_modes", lambda server: _read(server, "strictmodes", boolean)),
    ("log_level", lambda server: _weakest(server, lambda one: _read(one, "loglevel", _log_level), _LOG_LEVELS.index)),
    ("users_restricted", lambda server: not _anywhere(server, lambda one: not _users_restricted(one))),
    ("match_blocks", lambda server: _match_blocks(server)),
    ("ciphers", lambda server: _read(server, "ciphers", algorithms)),
    ("macs", lambda server: _read(server, "macs", algorithms)),
    ("key_exchanges", lambda server: _read(server, "kexalgorithms", algorithms)),
)
_FROM_SERVER = ("effective", "ports", "banner", "one_factor_ways", *(name for name, _ in _SSH_FIELDS))


def linux(shell: Shell) -> RemoteAccess:
    """Asks `sshd -T` (root), else `sshd -G` (OpenSSH 9.3, any user), else reads the files; TMOUT from the shell's start files.

    `sshd -T` knows nothing of Match blocks, nor of options on sshd's command line: both are read from the files and
    laid over its answer. What a Match block loosens counts: of everything such a block may set the weakest value that
    holds for anybody is told. Raises Unsupported where there is neither sshd nor a start file.
    """
    gaps = Gaps()
    software = gaps.attempt("ssh_installed", lambda: _software(shell))
    running = gaps.attempt("ssh_running", lambda: _running(shell)) if software != "none" else False
    fields: dict[str, object] = {}
    if software == "none":
        gaps.note(_FROM_SERVER, "unsupported", "no SSH server is installed")
    elif software == "dropbear":
        gaps.note(_FROM_SERVER, "unsupported", "the SSH server is dropbear, whose settings are not read")
    else:
        server = gaps.attempt(_FROM_SERVER, lambda: sshd_server.ask(shell))
        if server is not None:
            fields = _fields(shell, server, gaps)
    timeout = gaps.attempt("shell_timeout_seconds", lambda: shell_timeout(shell))
    gaps.note(_OF_WINDOWS, "unsupported", "a setting of Windows")
    if software is None and not fields and timeout is None:
        raise Unsupported("neither an SSH server nor the shell's start files are seen here")
    known = None if software is None else software != "none"
    return RemoteAccess.model_validate(
        {
            "ssh_installed": known,
            "ssh_running": running,
            "effective": None,
            "ports": None,
            **fields,
            "shell_timeout_seconds": timeout,
            "unseen": gaps.unseen,
        }
    )


def _fields(shell: Shell, server: Server, gaps: Gaps) -> dict[str, object]:
    found: dict[str, object] = {"effective": server.effective}
    for name, read in _SSH_FIELDS:
        found[name] = gaps.attempt(name, lambda read=read: read(server))  # type: ignore[misc]
    found["ports"] = gaps.attempt("ports", lambda: _ports(shell, server))
    found["one_factor_ways"] = gaps.attempt("one_factor_ways", lambda: one_factor_ways(server, lambda: Pam(shell)))
    found["banner"] = gaps.attempt("banner", lambda: not _anywhere(server, lambda one: not _banner(shell, one)))
    return found


# --- is it there, does it run -----------------------------------------------------------------------------------------


def _software(shell: Shell) -> Literal["openssh", "dropbear", "none"]:
    names = programs(shell)
    if "sshd" in names:
        return "openssh"
    # one that was built by hand lies elsewhere
    if shell.names("/usr/local/*bin/sshd"):
        return "openssh"
    try:
        names |= processes(shell)
    except Unsupported:
        pass  # nothing runs here; hidden processes are another matter, and end in "not seen"
    except CollectError:
        if "dropbear" not in names:
            raise
    return "openssh" if "sshd" in names else "dropbear" if "dropbear" in names else "none"


def _running(shell: Shell) -> bool:
    """By systemd's word for yes; for no the process list must say so too: a server may be started by other means."""
    try:
        known = units(shell, *_UNITS)
        if any(unit.active in ("active", "reloading") for unit in known.values()):
            return True
    except CollectError:
        known = {}
    try:
        return not processes(shell).isdisjoint(("sshd", "dropbear"))
    except CollectError:
        if any(unit.loaded for unit in known.values()):
            return False
        raise


# --- settings ---------------------------------------------------------------------------------------------------------


def _read(server: Server, keyword: str, convert: Callable[[str], T]) -> T:
    value = server.one(keyword)
    try:
        return convert(value)
    except Unparsable as error:
        raise Unparsable(f"{keyword} {value[:40]!r}: {error}") from None


def _anywhere(server: Server, ask: Callable[[Server], bool]) -> bool:
    if ask(server):
        return True
    if server.blind is not None:
        raise server.blind
    return any(ask(server.under(block)) for block in server.matches)


def _weakest(server: Server, ask: Callable[[Server], T], strength: Callable[[T], float]) -> T:
    """The value that holds for those whom the general part or some Match block treats best."""
    if server.blind is not None:
        raise server.blind
    return min((ask(view) for view in (server, *(server.under(block) for block in server.matches))), key=strength)


def _weakest_root_login(server: Server) -> RootLogin:
    general = _read(server, "permitrootlogin", _root_login)
    if general == "yes":
        return general
    return _weakest(server, lambda one: _read(one, "permitrootlogin", _root_login), lambda word: -_ROOT_LOGINS.index(word))


def _zero_last(value: int) -> float:
    """Strength of a number of which less is stricter, save 0, which switches off."""
    return -value if value else float("-inf")


def _match_blocks(server: Server) -> bool:
    if server.blind is not None:
        raise server.blind
    return bool(server.matches)


def _root_login(value: str) -> RootLogin:
    word = {"without-password": "prohibit-password"}.get(value.lower(), value.lower())
    if word not in _ROOT_LOGINS:
        raise Unparsable("not a value that OpenSSH knows")
    return word


def _passwords(server: Server) -> bool:
    if _read(server, "passwordauthentication", boolean):
        return True
    # keyboard-interactive asks PAM, which asks for the password
    pam = "usepam" in server.values or not server.effective
    return pam and _read(server, "usepam", boolean) and _read(server, "kbdinteractiveauthentication", boolean)


def _host_based(server: Server) -> bool:
    return _read(server, "hostbasedauthentication", boolean) or server.one("ignorerhosts").lower() not in ("yes", "true")


def _forwarding_off(server: Server) -> bool:
    return "disableforwarding" in server.values and _read(server, "disableforwarding", boolean)


def _x11(server: Server) -> bool:
    return _read(server, "x11forwarding", boolean) and not _forwarding_off(server)


def _tcp_forwarding(server: Server) -> str:
    return "no" if _forwarding_off(server) else _read(server, "allowtcpforwarding", _forwarding)


def _forwarding(value: str) -> str:
    word = {"all": "yes", "true": "yes", "false": "no"}.get(value.lower(), value.lower())
    if word not in _FORWARDINGS:
        raise Unparsable("not a value that OpenSSH knows")
    return word


def _startups(value: str) -> str:
    if re.fullmatch(r"\d{1,6}:\d{1,3}:\d{1,6}", value, re.A):
        return value
    alone = number(value)
    return f"{alone}:100:{alone}"


def _log_level(value: str) -> str:
    """`sshd -T` prints QUIET as SILENT, its other name, which no manual mentions."""
    word = {"SILENT": "QUIET"}.get(value.upper(), value.upper())
    if word not in _LOG_LEVELS:
        raise Unparsable("not a value that OpenSSH knows")
    return word


def _users_restricted(server: Server) -> bool:
    """Either list is enough: sshd asks for both. `*@10.0.0.1` names a place and nobody; DenyUsers lets everybody else in."""
    for keyword in ("allowusers", "allowgroups"):
        allowed = [pattern for value in server.values.get(keyword, ()) for pattern in value.split()]
        if allowed and all(pattern.partition("@")[0].strip("*?") for pattern in allowed):
            return True
    return False


def _ports(shell: Shell, server: Server) -> tuple[int, ...]:
    """From the socket unit where systemd listens for sshd (Ubuntu since 22.10), else from ListenAddress, else from Port."""
    socket = _socket_ports(shell)
    if socket:
        return socket
    general = [number(value) for value in server.values.get("port", (DEFAULTS["port"],))]
    found: set[int] = set()
    for value in server.values.get("listenaddress", ()):
        named = re.fullmatch(r"(?:\[[^\]]*\]|[^:\s]*):(\d{1,5})(?:\s.*)?", value, re.A)
        found |= {int(named[1])} if named else set(general)
    return tuple(sorted(found or set(general)))


def _socket_ports(shell: Shell) -> tuple[int, ...]:
    try:
        known = units(shell, *_UNITS)
    except CollectError:
        return ()
    if not any(name.endswith(".socket") and unit.active == "active" for name, unit in known.items()):
        return ()
    said = shell.run("systemctl", "show", "ssh.socket", "sshd.socket", "-p", "Listen").require()
    return tuple(sorted({int(port) for port in re.findall(r"^Listen=.*?(\d{1,5}) \(Stream\)", said, re.M | re.A)}))


def _banner(shell: Shell, server: Server) -> bool:
    """A file that is absent or empty shows nothing."""
    path = server.one("banner")
    if path.lower() == "none":
        return False
    if not path.startswith("/") or "\0" in path:
        raise Unparsable(f"banner {path[:40]!r}: not a path from the root")
    return bool((shell.read(path, root=True) or "").strip())
