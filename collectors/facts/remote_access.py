"""How can the machine be reached from afar, and how well is that door kept?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Limit


class RemoteAccess(Fact):
    """The SSH server's settings in force, and the shell's idle limit."""

    NAME: ClassVar[str] = "remote_access"

    ssh_installed: bool | None = Field(description="An SSH server program is installed")
    ssh_running: bool | None = Field(description="It runs, or its socket waits")
    effective: bool | None = Field(
        description="True: the server itself was asked (sshd -T). False: read from its files with OpenSSH's rules, because it could not be asked"
    )
    ports: tuple[int, ...] | None = Field(default=None, description="Ports it is told to listen on")
    permit_root_login: Literal["yes", "no", "prohibit-password", "forced-commands-only"] | None = Field(
        default=None, description="sshd -T prints prohibit-password as without-password; here always prohibit-password"
    )
    password_authentication: bool | None = Field(default=None, description="Passwords are accepted (also counts keyboard-interactive through PAM)")
    permit_empty_passwords: bool | None = Field(default=None, description="Accounts without a password may log on")
    max_auth_tries: int | None = Field(default=None, description="Tries within one connection")
    login_grace_seconds: Limit | None = Field(default=None, description="Time allowed for logging on; unlimited when 0 is configured")
    client_alive_interval: int | None = Field(default=None, description="Seconds between signs of life asked of a silent client; 0: never asked")
    client_alive_count_max: int | None = Field(default=None, description="Unanswered signs of life until the session ends; 0: the session never ends by this")
    max_sessions: int | None = Field(default=None, description="Sessions within one connection")
    max_startups: str | None = Field(default=None, description="start:rate:full of connections not yet logged on")
    x11_forwarding: bool | None = Field(default=None, description="Screens may be forwarded")
    tcp_forwarding: str | None = Field(default=None, description="yes, no, local, remote")
    host_based: bool | None = Field(default=None, description="Trust in other hosts' word (HostbasedAuthentication, or rhosts not ignored)")
    use_pam: bool | None = Field(default=None, description="Log-ons pass through PAM, so its lock-out and ageing apply")
    strict_modes: bool | None = Field(default=None, description="Keys in files that others can write are refused")
    log_level: str | None = Field(default=None, description="Upper case, such as INFO or VERBOSE")
    banner: bool | None = Field(default=None, description="A warning text is shown before log-on")
    users_restricted: bool | None = Field(default=None, description="AllowUsers, AllowGroups, DenyUsers or DenyGroups narrow who may come in")
    match_blocks: bool | None = Field(default=None, description="The files hold Match blocks: for some users or addresses other settings hold")
    ciphers: tuple[str, ...] | None = Field(default=None, description="Ciphers offered")
    macs: tuple[str, ...] | None = Field(default=None, description="Message authentication codes offered")
    key_exchanges: tuple[str, ...] | None = Field(default=None, description="Key exchanges offered")
    shell_timeout_seconds: Limit | None = Field(
        default=None, description="TMOUT set for every shell by /etc/profile, profile.d or bashrc; unlimited when nothing sets it"
    )
