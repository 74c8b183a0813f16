"""How tightly is this Windows set up? Settings that exist on Windows only; asked of nothing else."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Limit, Model


class Volume(Model):
    """One volume that BitLocker could protect."""

    drive: str | None = Field(description="Letter with a colon; None where it has none")
    system: bool = Field(description="Windows starts from it")
    protected: bool = Field(description="Encrypted as a whole, and protection is on (not suspended), by BitLocker's own word")


class ScreenLock(Model):
    """The screen saver of one person who is logged on, whose settings are loaded."""

    user: int = Field(description="Last part of the person's SID")
    locks: bool = Field(description="It comes on by itself and asks for the password")
    seconds: Limit = Field(description="After so long without a touch; unlimited where nothing is set")


class WindowsHardening(Fact):
    """Hardening of Windows as it is in force: policy first, then what was set by hand, then Windows' own default."""

    NAME: ClassVar[str] = "windows_hardening"

    uac_enabled: bool | None = Field(
        description="User Account Control is on: administrators work without their rights until they ask"
    )
    uac_admin_prompt: bool | None = Field(
        description="An administrator is asked before rights are raised (ConsentPromptBehaviorAdmin is not 0)"
    )
    uac_secure_desktop: bool | None = Field(description="The question stands on a desktop that programs cannot reach")
    remote_admin_filtered: bool | None = Field(
        description="Local administrators who come over the network get no administrator's rights (LocalAccountTokenFilterPolicy is not 1)"
    )
    llmnr: bool | None = Field(description="Names are asked of the whole network (LLMNR): whoever answers is believed")
    mdns: bool | None = Field(default=None, description="The same by multicast DNS")
    netbios: bool | None = Field(default=None, description="NetBIOS over TCP/IP is not switched off on every network card")
    smb_client_signing_required: bool | None = Field(
        description="As a client it refuses messages of file servers that are not signed"
    )
    smb_insecure_guest: bool | None = Field(default=None, description="It accepts file servers that let it in as a guest")
    autorun_disabled: bool | None = Field(description="No kind of drive starts a program by itself (NoDriveTypeAutoRun is 0xFF)")
    usb_storage: Literal["allowed", "read-only", "denied"] | None = Field(
        description="What may be done with USB sticks and disks"
    )
    volumes: tuple[Volume, ...] | None = Field(description="Fixed volumes; () where there is none that BitLocker knows")
    system_encrypted: bool | None = Field(
        description="The volume Windows starts from is protected by BitLocker; False also where BitLocker is not installed"
    )
    laps: Literal["windows", "legacy", "none"] | None = Field(
        description="Who changes the local administrator's password by itself: Windows LAPS, the older one with its extension installed, nobody"
    )
    powershell_script_logging: bool | None = Field(description="Every block of script is recorded")
    powershell_module_logging: bool | None = Field(description="What modules do is recorded")
    powershell_transcription: bool | None = Field(description="Sessions are written down")
    powershell_v2: bool | None = Field(default=None, description="PowerShell 2, which records nothing, is installed")
    command_line_auditing: bool | None = Field(
        description="A new process is recorded with its command line: the option is on and the audit policy records process creation"
    )
    lsa_protected: bool | None = Field(description="The process that holds secrets of log-ons is protected (RunAsPPL)")
    wdigest_plaintext: bool | None = Field(description="Passwords are kept readable in memory for WDigest")
    ntlm_level: int | None = Field(
        description="LmCompatibilityLevel: 5 refuses LM and NTLM version 1, 3 still accepts them from others"
    )
    anonymous_sam_restricted: bool | None = Field(description="Nobody without a name may list accounts (RestrictAnonymousSAM)")
    blank_passwords_local_only: bool | None = Field(
        description="An account with an empty password can log on at the machine only"
    )
    credential_guard: bool | None = Field(default=None, description="Credential Guard runs")
    memory_integrity: bool | None = Field(
        default=None, description="The hypervisor checks what the kernel is given to run (memory integrity, HVCI)"
    )
    secure_boot: bool | None = Field(
        default=None,
        description="The firmware starts signed loaders only (Secure Boot); False also where the machine starts without UEFI",
    )
    guest_enabled: bool | None = Field(description="The guest account (id 501, whatever its name) is not disabled")
    auto_logon: bool | None = Field(description="Somebody is logged on at the start without being asked")
    machine_lock_seconds: Limit | None = Field(
        description="Seconds without a touch until the machine locks for everybody (InactivityTimeoutSecs); unlimited where nothing is set"
    )
    screen_locks: tuple[ScreenLock, ...] | None = Field(
        default=None, description="Screen savers of those who are logged on; () when nobody is"
    )
    logon_banner: bool | None = Field(description="A warning is shown before log-on")
    legacy_tls: tuple[str, ...] | None = Field(
        description="Of SSL 2.0, SSL 3.0, TLS 1.0 and TLS 1.1 those that servers on this machine may still speak by Schannel"
    )
