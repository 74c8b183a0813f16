"""The settings behind windows_hardening: each with what its absence means, because absent is not off."""

from __future__ import annotations

from typing import Final, Literal

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit, once
from collectors.facts.windows_hardening import ScreenLock, Volume, WindowsHardening
from collectors.transports.base import Shell
from collectors.windows.accounts import relative_id
from collectors.windows.document import Document, Section, document
from collectors.windows.logs import audit_policy
from collectors.windows.registry import CONTROL, CV, POLICIES, SERVICES, WINDOWS_POLICIES, Registry
from collectors.windows.release import Release, release
from collectors.windows.remote_access import signing

_SYSTEM: Final = rf"{WINDOWS_POLICIES}\System"
_LSA: Final = rf"{CONTROL}\Lsa"
_LAPS: Final = (
    r"HKLM:\SOFTWARE\Microsoft\Policies\LAPS",
    rf"{WINDOWS_POLICIES}\LAPS",
    r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\LAPS\Config",
)
_OLD_LAPS: Final = r"HKLM:\SOFTWARE\Policies\Microsoft Services\AdmPwd"
_OLD_LAPS_EXTENSION: Final = rf"{CV}\Winlogon\GPExtensions\{{D76B9641-3288-4f75-942D-087DE603E3EA}}"
_REMOVABLE: Final = rf"{POLICIES}\Windows\RemovableStorageDevices"
_DISKS: Final = rf"{_REMOVABLE}\{{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}}"
_POWERSHELL: Final = rf"{POLICIES}\Windows\PowerShell"
_SCHANNEL: Final = rf"{CONTROL}\SecurityProviders\SCHANNEL\Protocols"
_NETBT: Final = rf"{SERVICES}\NetBT\Parameters\Interfaces"
_SECURE_BOOT: Final = rf"{CONTROL}\SecureBoot\State"
_CREDENTIAL_GUARD, _MEMORY_INTEGRITY = 1, 2
_PROCESS_CREATION: Final = "0cce922b"
_POWERSHELL_2: Final = frozenset({"microsoftwindowspowershellv2root", "microsoftwindowspowershellv2"})
_WINDOWS_8_1, _WINDOWS_10_1607, _WINDOWS_11_22H2, _WINDOWS_11_24H2 = 9600, 14393, 22621, 26100


def hardening(shell: Shell) -> WindowsHardening:
    answers = document(shell)
    registry = Registry(answers)
    found = release(registry)
    gaps = Gaps()

    def value(path: str, name: str, default: int) -> int:
        told = registry.dword(path, name)
        return default if told is None else told

    volumes = once(lambda: _volumes(answers))
    return WindowsHardening(
        uac_enabled=gaps.attempt("uac_enabled", lambda: value(_SYSTEM, "EnableLUA", 1) == 1),
        uac_admin_prompt=gaps.attempt("uac_admin_prompt", lambda: value(_SYSTEM, "ConsentPromptBehaviorAdmin", 5) != 0),
        uac_secure_desktop=gaps.attempt("uac_secure_desktop", lambda: value(_SYSTEM, "PromptOnSecureDesktop", 1) == 1),
        remote_admin_filtered=gaps.attempt(
            "remote_admin_filtered",
            lambda: value(_SYSTEM, "LocalAccountTokenFilterPolicy", 0) != 1 and value(_SYSTEM, "EnableLUA", 1) == 1,
        ),
        llmnr=gaps.attempt("llmnr", lambda: value(rf"{POLICIES}\Windows NT\DNSClient", "EnableMulticast", 1) != 0),
        mdns=gaps.attempt("mdns", lambda: _mdns(registry, found)),
        netbios=gaps.attempt("netbios", lambda: _netbios(registry)),
        smb_client_signing_required=gaps.attempt(
            "smb_client_signing_required",
            lambda: signing(answers, registry, found, "smb_client", rf"{SERVICES}\LanmanWorkstation\Parameters"),
        ),
        smb_insecure_guest=gaps.attempt("smb_insecure_guest", lambda: _insecure_guest(answers, registry)),
        autorun_disabled=gaps.attempt("autorun_disabled", lambda: autorun_disabled(registry)),
        usb_storage=gaps.attempt("usb_storage", lambda: _usb(registry)),
        volumes=gaps.attempt("volumes", volumes),
        system_encrypted=gaps.attempt("system_encrypted", lambda: _system_encrypted(answers, volumes())),
        laps=gaps.attempt("laps", lambda: _laps(registry)),
        powershell_script_logging=gaps.attempt(
            "powershell_script_logging", lambda: value(rf"{_POWERSHELL}\ScriptBlockLogging", "EnableScriptBlockLogging", 0) == 1
        ),
        powershell_module_logging=gaps.attempt(
            "powershell_module_logging", lambda: value(rf"{_POWERSHELL}\ModuleLogging", "EnableModuleLogging", 0) == 1
        ),
        powershell_transcription=gaps.attempt(
            "powershell_transcription", lambda: value(rf"{_POWERSHELL}\Transcription", "EnableTranscripting", 0) == 1
        ),
        powershell_v2=gaps.attempt("powershell_v2", lambda: _powershell_2(answers)),
        command_line_auditing=gaps.attempt("command_line_auditing", lambda: _command_lines(answers, registry)),
        lsa_protected=gaps.attempt("lsa_protected", lambda: _lsa(registry, found)),
        wdigest_plaintext=gaps.attempt("wdigest_plaintext", lambda: _wdigest(registry, found)),
        ntlm_level=gaps.attempt("ntlm_level", lambda: value(_LSA, "LmCompatibilityLevel", 3)),
        anonymous_sam_restricted=gaps.attempt("anonymous_sam_restricted", lambda: value(_LSA, "RestrictAnonymousSAM", 1) == 1),
        blank_passwords_local_only=gaps.attempt(
            "blank_passwords_local_only", lambda: value(_LSA, "LimitBlankPasswordUse", 1) == 1
        ),
        credential_guard=gaps.attempt("credential_guard", lambda: _guarded(answers, _CREDENTIAL_GUARD)),
        memory_integrity=gaps.attempt("memory_integrity", lambda: _guarded(answers, _MEMORY_INTEGRITY)),
        secure_boot=gaps.attempt("secure_boot", lambda: _secure_boot(registry)),
        guest_enabled=gaps.attempt("guest_enabled", lambda: _guest(answers)),
        auto_logon=gaps.attempt("auto_logon", lambda: auto_logon(registry)),
        machine_lock_seconds=gaps.attempt(
            "machine_lock_seconds", lambda: value(_SYSTEM, "InactivityTimeoutSecs", 0) or "unlimited"
        ),
        screen_locks=gaps.attempt("screen_locks", lambda: screen_locks(answers)),
        logon_banner=gaps.attempt("logon_banner", lambda: bool((registry.text(_SYSTEM, "legalnoticetext") or "").strip())),
        legacy_tls=gaps.attempt("legacy_tls", lambda: _legacy_tls(registry, found)),
        unseen=gaps.unseen,
    )


# --- network ------------------------------------------------------------------------------------------------------------------


def _mdns(registry: Registry, found: Release) -> bool:
    told = registry.dword(rf"{SERVICES}\Dnscache\Parameters", "EnableMDNS")
    return found.build >= 17763 if told is None else told != 0


def _netbios(registry: Registry) -> bool:
    """NetbiosOptions of each card: 0 as DHCP says, 1 on, 2 off."""
    cards = [path for path in registry.under(_NETBT) if path.rpartition("\\")[2].startswith("Tcpip_")]
    if not cards:
        raise Unsupported("NetBT names no network card")
    return any(registry.dword(path, "NetbiosOptions") != 2 for path in cards)


def _insecure_guest(answers: Document, registry: Registry) -> bool:
    try:
        told = answers.section("smb_client").yes("EnableInsecureGuestLogons")
        if told is not None:
            return told
    except CollectError:
        pass  # the registry says it too
    value = registry.first(
        "AllowInsecureGuestAuth", rf"{POLICIES}\Windows\LanmanWorkstation", rf"{SERVICES}\LanmanWorkstation\Parameters"
    )
    if value is None:
        raise Unsupported("AllowInsecureGuestAuth is not set, and its default differs between editions")
    return value == 1


def _legacy_tls(registry: Registry, found: Release) -> tuple[str, ...]:
    """Enabled says it where it is set; DisabledByDefault alone only keeps programs that do not ask from it, so it counts as spoken."""
    spoken = []
    for name in ("SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"):
        told = registry.dword(rf"{_SCHANNEL}\{name}\Server", "Enabled")
        if told is None:
            told = int(_default_tls(name, found))
        if told:
            spoken.append(name)
    return tuple(spoken)


def _default_tls(name: str, found: Release) -> bool:
    if name == "SSL 2.0":
        return found.build < 9200
    if name == "SSL 3.0":
        return found.build < _WINDOWS_10_1607
    if found.build >= _WINDOWS_11_24H2:
        raise Unsupported(
            f"{name} is not set, and whether this build has it on by itself is not known: Microsoft is switching it off step by step"
        )
    return True


# --- devices ------------------------------------------------------------------------------------------------------------------


def autorun_disabled(registry: Registry) -> bool:
    """Bits of kinds of drives; 0x91 where nothing is set."""
    told = registry.dword(rf"{WINDOWS_POLICIES}\Explorer", "NoDriveTypeAutoRun")
    return (0x91 if told is None else told) & 0xFF == 0xFF


def _usb(registry: Registry) -> Literal["allowed", "read-only", "denied"]:
    """By policy, or by switching the driver off."""
    denied = registry.dword(_REMOVABLE, "Deny_All") == 1 or registry.dword(_DISKS, "Deny_Read") == 1
    if denied or registry.dword(rf"{SERVICES}\USBSTOR", "Start") == 4:
        return "denied"
    return "read-only" if registry.dword(_DISKS, "Deny_Write") == 1 else "allowed"


def _volumes(answers: Document) -> tuple[Volume, ...]:
    section = answers.found("bitlocker")
    if section is None:
        return ()
    system = (section.text("system_drive") or "C:").upper()
    rows = []
    for row in section.rows():
        protection, conversion, kind = row.number("protection"), row.number("conversion"), row.number("volume_type")
        if protection is None or conversion is None:
            raise Unparsable("BitLocker does not tell whether a volume is protected")
        drive = row.text("drive")
        if kind == 2:  # removable
            continue
        protected = protection == 1 and conversion == 1
        rows.append(Volume(drive=drive, system=(drive or "").upper() == system, protected=protected))
    return tuple(sorted(rows, key=lambda volume: volume.drive or "~"))


def _system_encrypted(answers: Document, volumes: tuple[Volume, ...]) -> bool:
    if answers.found("bitlocker") is None:
        return False  # not installed: nothing of BitLocker's protects
    for volume in volumes:
        if volume.system:
            return volume.protected
    raise Unsupported("BitLocker does not list the volume Windows starts from")


def _guarded(answers: Document, service: int) -> bool:
    """Runs, by Windows' own word, in the part of memory that the hypervisor keeps apart."""
    return service in answers.section("device_guard").only().numbers("SecurityServicesRunning")


def _secure_boot(registry: Registry) -> bool:
    """Windows writes the key on machines that start by UEFI; without it the machine starts the old way, where nothing is checked."""
    key = registry.key(_SECURE_BOOT)
    if key is None:
        return False
    told = key.number("UEFISecureBootEnabled")
    if told is None:
        raise Unparsable("SecureBoot: the key is there without its value")
    return told == 1


# --- passwords and secrets ------------------------------------------------------------------------------------------------------


def _laps(registry: Registry) -> Literal["windows", "legacy", "none"]:
    """The first key that is there decides, as it does for Windows: its BackupDirectory is 1 (Entra) or 2 (the directory), else off."""
    for path in _LAPS:
        if registry.exists(path):
            told = registry.dword(path, "BackupDirectory")
            if told in (1, 2):
                return "windows"
            if told is not None:
                break
    if registry.dword(_OLD_LAPS, "AdmPwdEnabled") == 1 and registry.exists(_OLD_LAPS_EXTENSION):
        return "legacy"
    return "none"


def _lsa(registry: Registry, found: Release) -> bool:
    told = registry.dword(_LSA, "RunAsPPL")
    if told is None:
        if found.build >= _WINDOWS_11_22H2 and not found.server:
            raise Unsupported(
                "RunAsPPL is not set; new installations of Windows 11 protect LSA by themselves, upgraded ones do not"
            )
        return False
    return told in (1, 2)


def _wdigest(registry: Registry, found: Release) -> bool:
    told = registry.dword(rf"{CONTROL}\SecurityProviders\WDigest", "UseLogonCredential")
    return found.build < _WINDOWS_8_1 if told is None else told != 0


def _guest(answers: Document) -> bool:
    for row in answers.section("users").rows():
        number, disabled = row.text("SID"), row.yes("Disabled")
        if number is not None and relative_id(number) == 501:
            if disabled is None:
                raise Unparsable("whether the guest account is disabled was not told")
            return not disabled
    raise Unsupported("no local account has the id of the guest")


def auto_logon(registry: Registry) -> bool:
    """REG_SZ "1". The password beside it is not read."""
    key = registry.key(rf"{CV}\Winlogon")
    if key is None:
        raise Unparsable("Winlogon: the key that every Windows has is not there")
    return (key.text("AutoAdminLogon") or "0").strip() not in ("0", "")


# --- what is recorded -----------------------------------------------------------------------------------------------------------


def _command_lines(answers: Document, registry: Registry) -> bool:
    if registry.dword(rf"{_SYSTEM}\Audit", "ProcessCreationIncludeCmdLine_Enabled") != 1:
        return False
    audit = audit_policy(answers)
    if _PROCESS_CREATION not in audit:
        raise Unparsable("auditpol: its backup lacks process creation")
    return bool(audit[_PROCESS_CREATION] & 1)


def _powershell_2(answers: Document) -> bool:
    rows = [row for row in answers.section("features").rows() if (row.text("Name") or "").lower() in _POWERSHELL_2]
    states = [row.number("InstallState") for row in rows]
    if None in states:
        raise Unparsable("features: PowerShell 2 has no state")
    return 1 in states  # where it is not listed it has been taken out of Windows


# --- screens ---------------------------------------------------------------------------------------------------------------------


def screen_locks(answers: Document) -> tuple[ScreenLock, ...]:
    section = answers.section("users_screen")
    return tuple(sorted((_lock(sid, section.part(sid)) for sid in section.names), key=lambda row: row.user))


def _lock(sid: str, person: Section) -> ScreenLock:
    """Policy before what the person chose. Windows writes numbers as text here."""
    keys = [key for key in (person.state("policy"), person.state("own")) if key is not None]

    def told(name: str) -> str:
        return next((text for key in keys if (text := key.text(name)) is not None), "0")

    seconds = told("ScreenSaveTimeOut")
    if not seconds.isascii() or not seconds.isdigit():
        raise Unparsable(f"ScreenSaveTimeOut is {seconds[:20]!r}")
    after: Limit = int(seconds) or "unlimited"
    locks = told("ScreenSaveActive") == "1" and told("ScreenSaverIsSecure") == "1" and after != "unlimited"
    return ScreenLock(user=relative_id(sid), locks=locks, seconds=after)
