"""How hard does the kernel make it: what is switched off, kept out, confined, and guarded from boot on?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Limit, Model, once
from collectors.linux import boot_loader, core_dumps, kernel_modules, mandatory_access, sysctls
from collectors.linux.systemd_config import settings
from collectors.transports.base import Shell


class KernelModule(Model):
    """A kernel module that few machines need and attackers like."""

    name: str = Field(description="With underscores, as the kernel writes it")
    kind: Literal["file_system", "protocol", "device"] = Field(description="What it is for")
    state: Literal["loaded", "built_in", "loadable", "blocked", "absent"] | None = Field(
        description="In use now · part of the kernel · would load when asked for · kept out by an install line or "
        "kernel.modules_disabled · not there"
    )


class Kernel(Fact):
    """The kernel's settings in force, its access control, its modules, and what guards the start."""

    NAME: ClassVar[str] = "kernel"

    aslr: int | None = Field(description="kernel.randomize_va_space: 0 off, 1 part, 2 all of a program's memory")
    ptrace_scope: int | None = Field(description="kernel.yama.ptrace_scope; 0, too, for a kernel without Yama")
    kptr_restrict: int | None = Field(
        description="kernel.kptr_restrict: 0 shows kernel addresses to everybody, 1 to root, 2 to nobody"
    )
    dmesg_restricted: bool | None = Field(description="Only root reads the kernel's messages (kernel.dmesg_restrict)")
    suid_dumpable: int | None = Field(
        description="fs.suid_dumpable: 0 never dumps set-user-id programs, 1 does, 2 for root's eyes"
    )
    unprivileged_bpf: bool | None = Field(description="Plain users may load BPF programs")
    kexec_allowed: bool | None = Field(description="Root may start another kernel from the running one, past the boot loader")
    sysrq: int | None = Field(description="kernel.sysrq: 0 no key commands, 1 all, else a bit mask; 0 for a kernel without them")
    protected_links: bool | None = Field(description="fs.protected_hardlinks and fs.protected_symlinks are both on")

    ipv4_accept_redirects: bool | None = Field(
        description="An interface believes ICMP redirects: `all` or its own switch, `all` and its own on a router"
    )
    ipv4_send_redirects: bool | None = Field(description="An interface may send ICMP redirects: `all` or its own switch")
    ipv4_source_route: bool | None = Field(description="An interface takes source-routed packets: `all` and its own switch")
    ipv4_reverse_path: int | None = Field(
        description="Weakest check of source addresses on any interface (the higher of `all` and its own): 0 none, 1 strict, 2 loose"
    )
    ipv4_log_martians: bool | None = Field(
        description="Every interface logs packets with impossible addresses: `all` or its own switch"
    )
    ignores_broadcast_ping: bool | None = Field(description="Pings to a broadcast address get no answer")
    ignores_bogus_errors: bool | None = Field(description="Senseless ICMP errors are not logged")
    syn_cookies: bool | None = Field(description="A flood of connection requests is met with SYN cookies")
    ipv6_accept_redirects: bool | None = Field(
        description="An interface believes IPv6 redirects (its own switch alone); False where there is no IPv6"
    )

    selinux: Literal["enforcing", "permissive", "disabled"] | None = Field(description="SELinux of the running kernel")
    selinux_configured: Literal["enforcing", "permissive", "disabled", "none"] | None = Field(
        description="SELINUX= of /etc/selinux/config, for the next start; none without that file"
    )
    apparmor: bool | None = Field(description="AppArmor is on in the running kernel")
    apparmor_enforced: int | None = Field(description="Loaded AppArmor profiles that are enforced (enforce and kill)")
    apparmor_complain: int | None = Field(description="Loaded AppArmor profiles that only complain")

    modules: tuple[KernelModule, ...] | None = Field(description="The modules watched, each with its state")

    core_handler: Literal["file", "systemd-coredump", "apport", "abrt", "other", "none"] | None = Field(
        description="Who gets the memory of a crashed program; none when it is thrown away"
    )
    core_limit_kb: Limit | None = Field(
        description="Hard limit for the dumps of everybody's sessions (pam_limits), KiB; people named apart and services have their own"
    )
    core_storage: Literal["external", "journal", "none"] | None = Field(
        description="Where systemd-coredump keeps them, or would if it were the handler"
    )

    lockdown: Literal["none", "integrity", "confidentiality"] | None = Field(
        description="How far root is kept from changing the running kernel"
    )
    firmware: Literal["uefi", "bios"] | None = Field(description="What started the machine; bios for anything that is no UEFI")
    secure_boot: bool | None = Field(description="UEFI Secure Boot is on; False without UEFI")
    boot_loader: Literal["grub", "other", "none"] | None = Field(
        description="What starts the system; none where /boot is empty: a container, or a VM whose kernel comes from outside"
    )
    boot_password: bool | None = Field(description="GRUB asks for a password before boot entries are edited")
    ctrl_alt_del_reboots: bool | None = Field(description="Ctrl-Alt-Del at the console restarts the machine (target not masked)")
    ctrl_alt_del_burst: str | None = Field(
        description="What pressing it seven times within two seconds does (CtrlAltDelBurstAction); none is nothing"
    )


_KINDS: tuple[tuple[Literal["file_system", "protocol", "device"], tuple[str, ...]], ...] = (
    ("file_system", kernel_modules.FILE_SYSTEMS),
    ("protocol", kernel_modules.PROTOCOLS),
    ("device", kernel_modules.DEVICES),
)
_INTERFACES = (
    "ipv4_accept_redirects", "ipv4_send_redirects", "ipv4_source_route", "ipv4_reverse_path", "ipv4_log_martians",
)  # fmt: skip


def linux(shell: Shell) -> Kernel:
    """Ask the running kernel for its settings in force; files only for what happens at the next start.

    Of an unpacked system only the files are seen: its settings in force would be those of another kernel.
    """
    gaps = Gaps()
    seen: dict[str, object] = {}
    seen |= _settings(shell, gaps)
    seen |= _access_control(shell, gaps)
    seen["modules"] = _modules(shell, gaps)
    seen |= _dumps(shell, gaps)
    seen |= _start(shell, gaps)
    return Kernel.model_validate({**seen, "unseen": gaps.unseen})


def _settings(shell: Shell, gaps: Gaps) -> dict[str, object]:
    texts = once(lambda: sysctls.kernel_texts(shell))
    ipv4 = once(lambda: sysctls.ipv4(texts()))
    joined = gaps.attempt(_INTERFACES, ipv4)

    def number(field: str, path: str, absent: int | None = None) -> int | None:
        def ask() -> int:
            return absent if absent is not None and path not in texts() else sysctls.number(texts(), path)

        return gaps.attempt(field, ask)

    def on(field: str, path: str) -> bool | None:
        value = number(field, path)
        return None if value is None else value > 0

    bpf = number("unprivileged_bpf", sysctls.KERNEL + "unprivileged_bpf_disabled", absent=1)
    return {
        "aslr": number("aslr", sysctls.KERNEL + "randomize_va_space"),
        "ptrace_scope": number("ptrace_scope", sysctls.KERNEL + "yama/ptrace_scope", absent=0),
        "kptr_restrict": number("kptr_restrict", sysctls.KERNEL + "kptr_restrict"),
        "dmesg_restricted": on("dmesg_restricted", sysctls.KERNEL + "dmesg_restrict"),
        "suid_dumpable": number("suid_dumpable", "/proc/sys/fs/suid_dumpable"),
        "unprivileged_bpf": None if bpf is None else bpf == 0,
        "kexec_allowed": gaps.attempt("kexec_allowed", lambda: sysctls.allows_kexec(texts())),
        "sysrq": number("sysrq", sysctls.KERNEL + "sysrq", absent=0),
        "protected_links": gaps.attempt("protected_links", lambda: _protected_links(shell, texts())),
        **dict(zip(_INTERFACES, joined or (None,) * len(_INTERFACES), strict=True)),
        "ignores_broadcast_ping": on("ignores_broadcast_ping", "/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts"),
        "ignores_bogus_errors": on("ignores_bogus_errors", "/proc/sys/net/ipv4/icmp_ignore_bogus_error_responses"),
        "syn_cookies": on("syn_cookies", "/proc/sys/net/ipv4/tcp_syncookies"),
        "ipv6_accept_redirects": gaps.attempt("ipv6_accept_redirects", lambda: sysctls.ipv6_accepts_redirects(texts())),
        "core_handler": gaps.attempt("core_handler", lambda: _handler(texts())),
    }


def _handler(texts: Mapping[str, str]) -> core_dumps.Handler:
    path = sysctls.KERNEL + "core_pattern"
    if path not in texts:
        return "none"  # a kernel built without dumps
    return core_dumps.handler(texts[path])


def _protected_links(shell: Shell, _running: Mapping[str, str]) -> bool:
    paths = ("/proc/sys/fs/protected_hardlinks", "/proc/sys/fs/protected_symlinks")
    texts = shell.read_all(*paths, root=True)  # a plain user may not even read them
    return all(sysctls.number(texts, path) == 1 for path in paths)


def _access_control(shell: Shell, gaps: Gaps) -> dict[str, object]:
    apparmor = gaps.attempt("apparmor", lambda: mandatory_access.apparmor(shell))
    counts = ("apparmor_enforced", "apparmor_complain")
    modes: Mapping[str, int] | None = {}
    if apparmor is None:
        gaps.note(counts, "unsupported", "whether AppArmor is on could not be seen")
        modes = None
    elif apparmor:
        modes = gaps.attempt(counts, lambda: mandatory_access.apparmor_profiles(shell))
    return {
        "selinux": gaps.attempt("selinux", lambda: mandatory_access.selinux(shell)),
        "selinux_configured": gaps.attempt("selinux_configured", lambda: mandatory_access.selinux_configured(shell)),
        "apparmor": apparmor,
        "apparmor_enforced": None if modes is None else modes.get("enforce", 0) + modes.get("kill", 0),
        "apparmor_complain": None if modes is None else modes.get("complain", 0),
    }


def _modules(shell: Shell, gaps: Gaps) -> tuple[KernelModule, ...] | None:
    states = gaps.attempt("modules", lambda: kernel_modules.module_states(shell))
    if states is None:
        return None
    if any(name not in states for _, names in _KINDS for name in names):
        gaps.note("modules[].state", "unsupported", "the modules of the running kernel do not lie in /lib/modules here")
    return tuple(KernelModule(name=name, kind=kind, state=states.get(name)) for kind, names in _KINDS for name in names)


def _dumps(shell: Shell, gaps: Gaps) -> dict[str, object]:
    return {
        "core_limit_kb": gaps.attempt("core_limit_kb", lambda: core_dumps.session_limit(shell)),
        "core_storage": gaps.attempt("core_storage", lambda: core_dumps.storage(shell)),
    }


def _start(shell: Shell, gaps: Gaps) -> dict[str, object]:
    loader = gaps.attempt("boot_loader", lambda: boot_loader.boot_loader(shell))
    password = None
    if loader == "grub":
        password = gaps.attempt("boot_password", lambda: boot_loader.grub_password(shell))
    else:
        words = {"none": "there is no boot loader here", "other": "only GRUB's passwords are known here"}
        gaps.note("boot_password", "unsupported", words.get(loader or "", "which boot loader starts the system was not seen"))
    firmware = gaps.attempt("firmware", lambda: _firmware(shell))
    return {
        "lockdown": gaps.attempt("lockdown", lambda: _lockdown(shell)),
        "firmware": firmware,
        "secure_boot": gaps.attempt("secure_boot", lambda: _secure_boot(shell, firmware)),
        "boot_loader": loader,
        "boot_password": password,
        "ctrl_alt_del_reboots": gaps.attempt("ctrl_alt_del_reboots", lambda: _ctrl_alt_del(shell)),
        "ctrl_alt_del_burst": gaps.attempt("ctrl_alt_del_burst", lambda: _burst(shell)),
    }


def _lockdown(shell: Shell) -> str:
    texts = shell.read_all("/sys/kernel/security/lockdown", "/sys/kernel/security/lsm")
    text = texts.get("/sys/kernel/security/lockdown")
    if text is None:
        active = texts.get("/sys/kernel/security/lsm")
        if active is not None and "lockdown" not in active.split(","):
            return "none"
        raise Unsupported("/sys/kernel/security: the kernel does not say here whether it is locked down")
    chosen = [word[1:-1] for word in text.split() if word.startswith("[") and word.endswith("]")]
    if len(chosen) != 1 or chosen[0] not in ("none", "integrity", "confidentiality"):
        raise Unparsable("/sys/kernel/security/lockdown: not understood")
    return chosen[0]


def _firmware(shell: Shell) -> str:
    found = shell.names("/sys/firmware/*")
    if not found:  # hidden from containers, and an unpacked system has none
        raise Unsupported("/sys/firmware: nothing is seen of the firmware here")
    return "uefi" if "/sys/firmware/efi" in found else "bios"


def _secure_boot(shell: Shell, firmware: str | None) -> bool:
    if firmware is None:
        raise Unsupported("what started the machine was not seen")
    if firmware == "bios":
        return False
    path = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    text = shell.read(path)
    if text is None:
        if shell.names("/sys/firmware/efi/efivars/*"):
            return False  # firmware older than Secure Boot
        raise Unsupported("/sys/firmware/efi/efivars is not mounted here")
    # four bytes of attributes, one byte of value
    if len(text) != 5 or text[4] not in "\x00\x01":
        raise Unparsable("the firmware's variable SecureBoot is not understood")
    return text[4] == "\x01"


def _ctrl_alt_del(shell: Shell) -> bool:
    _require_systemd(shell)
    for folder in ("/etc/systemd/system", "/run/systemd/system"):
        target = shell.link(f"{folder}/ctrl-alt-del.target")
        if target is not None:
            return target != "/dev/null"
    return True


def _burst(shell: Shell) -> str:
    _require_systemd(shell)
    values = settings(shell, "system", "Manager").get("CtrlAltDelBurstAction", ())
    return values[-1] if values else "reboot-force"


def _require_systemd(shell: Shell) -> None:
    """The running init, or of an unpacked system the one that would be."""
    if shell.stat("/run/systemd/system") is not None:
        return
    if shell.stat("/proc/sys/kernel") is not None or shell.stat("/lib/systemd/systemd") is None:
        raise Unsupported("systemd is not the init system here")
