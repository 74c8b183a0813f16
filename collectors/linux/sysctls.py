"""Kernel parameters in force, read from /proc/sys: what a file in /etc/sysctl.d says may never have been loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

KERNEL = "/proc/sys/kernel/"
_CONF = "/proc/sys/net/ipv4/conf/"
_CONF6 = "/proc/sys/net/ipv6/conf/"
_ASKED = (
    "osrelease", "randomize_va_space", "yama/ptrace_scope", "kptr_restrict", "dmesg_restrict", "unprivileged_bpf_disabled",
    "kexec_load_disabled", "sysrq", "modules_disabled", "core_pattern",
)  # fmt: skip
_PER_INTERFACE = ("accept_redirects", "forwarding", "send_redirects", "accept_source_route", "rp_filter", "log_martians")


class Interfaces(NamedTuple):
    """What the network settings of all interfaces (loopback aside) and of those yet to come amount to.

    A setting under `all` is no default: the kernel joins it with the interface's own by a rule of each setting's own
    (Documentation/networking/ip-sysctl). Told is the weakest outcome of any interface; `default` counts as one, because
    the next interface starts with it.
    """

    accept_redirects: bool
    send_redirects: bool
    source_route: bool
    reverse_path: int
    log_martians: bool


def kernel_texts(shell: Shell) -> Mapping[str, str]:
    """path -> text of the parameters that any user may read. Unsupported where no kernel runs (an unpacked system)."""
    texts = shell.read_all(
        *(KERNEL + name for name in _ASKED),
        "/proc/sys/fs/suid_dumpable",
        "/proc/sys/net/ipv4/tcp_syncookies",
        "/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts",
        "/proc/sys/net/ipv4/icmp_ignore_bogus_error_responses",
        "/sys/kernel/kexec_loaded",
        *(f"{_CONF}*/{name}" for name in _PER_INTERFACE),
        f"{_CONF6}*/accept_redirects",
        f"{_CONF6}*/forwarding",
        f"{_CONF6}*/disable_ipv6",
    )
    if KERNEL + "osrelease" not in texts:
        raise Unsupported("/proc/sys: no running kernel is seen here")
    return texts


def number(texts: Mapping[str, str], path: str) -> int:
    """The value of a parameter. Unsupported when this kernel has none of that name."""
    if path not in texts:
        raise Unsupported(f"{path}: this kernel has no such parameter")
    return _whole(texts[path], path)


def allows_kexec(texts: Mapping[str, str]) -> bool:
    """May root start another kernel from the running one? A kernel without /sys/kernel/kexec_loaded cannot do it at all."""
    path = KERNEL + "kexec_load_disabled"
    if path in texts:
        return _whole(texts[path], path) == 0
    return "/sys/kernel/kexec_loaded" in texts


def ipv4(texts: Mapping[str, str]) -> Interfaces:
    """The IPv4 settings of all interfaces together."""
    names = _interfaces(texts, _CONF, "rp_filter")

    def value(name: str, setting: str) -> int:
        return number(texts, f"{_CONF}{name}/{setting}")

    def either(setting: str) -> bool:
        return bool(value("all", setting)) or any(value(name, setting) for name in names)

    def accepts(name: str) -> bool:
        # a router needs both switches on to believe a redirect, a host only one of them
        join: Callable[[tuple[bool, bool]], bool] = all if value(name, "forwarding") else any
        return join((bool(value("all", "accept_redirects")), bool(value(name, "accept_redirects"))))

    return Interfaces(
        accept_redirects=any(accepts(name) for name in names),
        send_redirects=either("send_redirects"),
        source_route=bool(value("all", "accept_source_route")) and any(value(name, "accept_source_route") for name in names),
        reverse_path=min(max(value("all", "rp_filter"), value(name, "rp_filter")) for name in names),
        # a martian is logged where either switch is on: the weakest interface is one with its own switch off
        log_martians=bool(value("all", "log_martians")) or all(value(name, "log_martians") for name in names),
    )


def ipv6_accepts_redirects(texts: Mapping[str, str]) -> bool:
    """Does any interface believe IPv6 redirects? False where the kernel speaks no IPv6.

    Only the interface's own switch counts here (`all` is not joined in), and a forwarding interface believes none.
    """
    if not any(path.startswith(_CONF6) for path in texts):
        return False
    return any(
        number(texts, f"{_CONF6}{name}/accept_redirects") and not number(texts, f"{_CONF6}{name}/forwarding")
        for name in _interfaces(texts, _CONF6, "accept_redirects")
        if not number(texts, f"{_CONF6}{name}/disable_ipv6")
    )


def _interfaces(texts: Mapping[str, str], folder: str, setting: str) -> tuple[str, ...]:
    ending = f"/{setting}"
    found = (path[len(folder) : -len(ending)] for path in texts if path.startswith(folder) and path.endswith(ending))
    names = tuple(name for name in found if name not in ("all", "lo"))
    if "default" not in names:
        raise Unsupported(f"{folder}: the settings of interfaces are not seen here")
    return names


def _whole(text: str, path: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Unparsable(f"{path}: not a number") from None
