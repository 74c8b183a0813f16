"""The agent under systemd: a service that runs once, and a timer that starts it.

The timer ticks every quarter of an hour and `--if-due` decides, so an interval changed at the collector holds without
touching the machine, and what waits in the spool is tried again. Nothing stays in memory in between.

The hardening leaves every fact visible. What was left out on purpose:
  ProtectSystem=strict     package managers and chronyc must be able to write their locks and sockets under /var and /run
  PrivateDevices=          would hide disks, and a hidden disk would look like an absent one
  ProtectKernelModules=    would hide /usr/lib/modules
  ProtectProc=, ProcSubset=, PrivateUsers=, PrivateNetwork=    would hide processes, accounts and sockets
  ProtectHome=yes          would hide the keys and settings of accounts; read-only does not
  PrivateTmp=              would hide how /tmp is mounted
A fact about mounts must read /proc/1/mounts: the protections below are mounts of our own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from agent import files, limits
from agent.errors import Refusal
from agent.language import _

FOLDER = Path("/etc/systemd/system")
PACKAGED = Path("/usr/lib/systemd/system")
"""Where a package of the distribution brings its units."""
CAPABILITIES = "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_NET_ADMIN CAP_AUDIT_CONTROL CAP_SETUID CAP_SETGID CAP_CHOWN CAP_FOWNER"


def units(command: str, state_dir: Path, limit: limits.Limits = limits.USUAL) -> dict[str, str]:
    """File name -> text of the two units. What systemd allows is a little more than what a run allows itself: where systemd or
    the kernel has to end it, nobody says why."""
    longest = "infinity" if limit.minutes is None else f"{int(limit.minutes * 60) + 60}s"
    memory = int(limit.memory_mb * limits.SLACK)
    service = f"""\
[Unit]
Description=rasoat: look at this machine, judge it, report to the collector
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={command} agent once --if-due --quiet --state-dir {state_dir}
# 1: a check failed; 3: something could not be seen. Both are findings, not failures of the service. 6, a run beyond its limits, is one.
SuccessExitStatus=1 3
TimeoutStartSec={longest}
Nice={limits.NICE}
IOSchedulingClass=idle
MemoryMax={memory}M
OOMPolicy=continue
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet={CAPABILITIES}
ProtectSystem=full
ProtectHome=read-only
ReadWritePaths=-{state_dir}
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
"""
    timer = """\
[Unit]
Description=rasoat: ask every quarter of an hour whether a scan is due

[Timer]
OnBootSec=2min
OnUnitInactiveSec=15min
RandomizedDelaySec=5min
AccuracySec=1min

[Install]
WantedBy=timers.target
"""
    return {"rasoat.service": service, "rasoat.timer": timer}


def own_command() -> str:
    """How systemd starts this very program. Raises Refusal when it is not installed under a fixed path."""
    started = Path(sys.executable if getattr(sys, "frozen", False) else sys.argv[0]).resolve()
    if started.name == "__main__.py":
        started = Path(sys.executable).with_name("rasoat")
    if not started.is_file():
        raise Refusal(_("%s is not there: install rasoat first, so that systemd has something to start.") % started)
    if any(letter.isspace() or letter in "%\"'\\$" for letter in str(started)):
        raise Refusal(_("systemd cannot start %s: install rasoat under a path without spaces and quotes.") % started)
    return str(started)


def install(texts: dict[str, str]) -> None:
    """Write the units and start the timer. Raises Refusal without systemd or without root."""
    _systemd()
    for name, body in texts.items():
        try:
            if _packaged(name) == body:  # one of our own would outlive the package's next version
                (FOLDER / name).unlink(missing_ok=True)
                continue
            files.write(FOLDER / name, body.encode(), mode=0o644)
        except OSError as error:
            raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": FOLDER / name, "why": error.strerror}) from None
    _systemctl("daemon-reload")
    _systemctl("enable", "--now", "rasoat.timer")


def remove() -> list[str]:
    """Stop the timer and remove the units; which were there."""
    _systemd()
    present = [name for name in ("rasoat.timer", "rasoat.service") if (FOLDER / name).exists()]
    packaged = ["rasoat.timer"] if _packaged("rasoat.timer") else []
    if present or packaged:
        _systemctl("disable", "--now", "rasoat.timer")
        for name in present:
            (FOLDER / name).unlink(missing_ok=True)
        _systemctl("daemon-reload")
    return present or packaged


def _packaged(name: str) -> str | None:
    try:
        return (PACKAGED / name).read_text("utf-8")
    except OSError:
        return None


def _systemd() -> None:
    # /run/systemd/system exists exactly while systemd is the init (sd_booted(3))
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        raise Refusal(_("systemd does not run here. Let your init start `rasoat agent run`, or print the units with --print."))


def _systemctl(*words: str) -> None:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(_("systemctl %(words)s failed: %(why)s") % {"words": " ".join(words), "why": done.stderr.strip()})
