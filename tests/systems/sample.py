"""The snapshots of the sample system: facts of recorded cases and devices, put together under the names of its assets.

What a machine says is recorded or authored as its case tells; that these machines form one system is made up, and so are the
host names and addresses of servers and workstations. `python -m tests.systems.sample FOLDER` writes a file for each.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from baselines.systems.register import System
from baselines.tailoring import Tailoring
from collectors.facts import FACTS
from collectors.model import Kind, Platform, Record, Snapshot, Source, Target, digest_of

TESTS = Path(__file__).parents[1]
FOLDER = Path(__file__).with_name("sample")
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SEEN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)

DEVICES = {
    "rtr-01": "cisco_ios--router-edge-hsrp-ospf-bgp",
    "rtr-02": "hpe_comware--router-ipv6-false-lines-in-banner",
    "core-01": "cisco_ios--stack-ipv6-open-false-lines-in-banner",
    "core-02": "huawei_vrp--cloudengine-ipv6",
    "acc-01": "cisco_ios--switch-hardened",
    "acc-02": "huawei_vrp--switch-old-messy",
    "acc-03": "hpe_comware--switch-factory-default",
    "acc-04": "aruba_aoscx--switch-factory-default",
    "acc-05": "aruba_aoss--switch-hardened",
    "fw-01": "fortinet_fortios--hardened",
    "fw-02": "fortinet_fortios--hardened",
    "fw-db": "fortinet_fortios--multi-vdom-ipv6",
    "fw-br": "fortinet_fortios--vietnamese-banner",
    "fw-wifi": "fortinet_fortios--low-rights",
    "fw-pa": "paloalto_panos--hardened",
    "fw-cp": "checkpoint_gaia--hardened",
}
LINUX = {
    "identity": "debian12--small-virtual-machine",
    "updates": "debian12--up-to-date-and-automatic",
    "antivirus": "ubuntu22.04--mdatp-protects",
    "accounts": "debian12--as-installed",
    "password_policy": "debian12--faillock-conf",
    "remote_access": "debian12--as-installed",
    "logs": "debian12--syslog-ng-forwards-under-tls",
    "clock": "debian12--chrony-follows-a-server",
    "firewall": "debian12--ufw-active",
    "listening": "debian12--sshd-and-chronyd",
    "services": "debian12--failed-not-found-and-inactive-units",
    "backup": "debian12--borg-by-a-timer-that-ended-well",
    "sessions": "debian12--server-with-stock-texts",
    "storage": "debian12--everything-on-lvm-inside-luks",
}
REDHAT = LINUX | {
    "identity": "rocky9--physical-server",
    "updates": "rocky9--up-to-date",
    "antivirus": "rocky9--sentinelone-protects",
    "password_policy": "rocky9--authselect-with-faillock-and-pwhistory",
    "logs": "rocky9--forwards-under-tls-with-locked-audit-rules",
    "clock": "rocky9--chrony-follows-one-of-two",
    "backup": "rocky9--veeam-agent-and-a-stopped-bacula",
}
SERVER = {
    "identity": "windowsserver2019--domain-controller",
    "updates": "windowsserver2022--wsus-and-table-agree",
    "antivirus": "windowsserver2022--trend-deep-security",
    "accounts": "windowsserver2019--domain-controller",
    "password_policy": "windowsserver2022--hardened",
    "remote_access": "windowsserver2019--domain-controller-signs",
    "logs": "windowsserver2019--hardened-and-forwarded",
    "clock": "windowsserver2022--follows-the-site",
    "firewall": "windowsserver2022--domain-profile-off",
    "backup": "windowsserver2019--wbadmin-ended-well",
}
DESKTOP = {
    "identity": "windows11--productname-says-windows-10",
    "updates": "windows11--nothing-missing-at-microsoft",
    "antivirus": "windows11--defender-alone",
    "accounts": "windows11--domain-groups-and-a-lost-sid",
    "password_policy": "windows10--as-installed",
    "clock": "windows11--domain-member",
    "firewall": "windows11--on-everywhere",
    "storage": "windows11--bitlocker-on-every-volume",
    "sessions": "windows11--machine-locks-for-everybody",
}
LINUX_DESKTOP = {name: case for name, case in LINUX.items() if name not in ("backup",)}
ODD = {
    "web-02": {"antivirus": "debian12--clamav-enabled-but-inactive-signatures-stale"},
    "web-03": {"remote_access": "debian12--match-block-loosens-all-it-may", "updates": "debian12--security-updates-pending"},
    "app-01": {"password_policy": "debian12--as-installed"},
    "app-04": {"updates": "rocky9--security-pending", "firewall": "rocky9--nothing-loaded-and-nft-never-asked"},
    "db-02": {"services": "rocky9--telnet-socket-and-vsftpd"},
    "log-01": {"accounts": "debian12--without-root", "logs": "debian12--asked-without-root"},
    "ws-03": {"antivirus": "windows10--bkav-installed-not-running"},
    "ws-04": {"updates": "windows11--updates-paused-by-policy"},
    "ws-05": {"firewall": "windows10--lets-in-by-default", "antivirus": "windows10--expired-product"},
}
"""Where a machine differs from its like."""
SILENT, STALE, MISSING = "nms-01", "mail-01", "wlc-01"
"""Nobody answers · looked at two months ago · never looked at."""


@cache
def system() -> System:
    return System.parse((FOLDER / "system.yaml").read_text("utf-8"), "system.yaml")


@cache
def tailoring() -> Tailoring:
    return Tailoring.parse((FOLDER / "tailoring.yaml").read_text("utf-8"), "tailoring.yaml")


@cache
def snapshots() -> tuple[Snapshot, ...]:
    """One for each asset but MISSING, in the order of the register."""
    return tuple(_snapshot(asset.name) for asset in system().register.assets if asset.name != MISSING)


def _snapshot(name: str) -> Snapshot:
    asset = next(one for one in system().register.assets if one.name == name)
    at = SEEN - timedelta(days=60) if name == STALE else SEEN
    if name in DEVICES:
        folder = TESTS / "devices" / DEVICES[name] / "expected"
        platform = Platform(DEVICES[name].partition("--")[0])
        records = [_record(path.stem, path, at) for path in sorted(folder.glob("*.json"))]
    else:
        platform = asset.platform or Platform.LINUX
        cases = _cases(asset.kind, platform) | ODD.get(name, {})
        records = [_record(fact, TESTS / "cases" / fact / case / "expected.json", at) for fact, case in cases.items()]
        own = {"hostname": name, "addresses": list(asset.addresses)}
        records = [_under(record, own) if record.fact == "identity" else record for record in records]
    if name == SILENT:
        records = [Record(fact=record.fact, outcome="unreachable", reason="no answer within 10 s") for record in records]
    return Snapshot(
        id=_id(name, at),
        target=Target(name=name, kind=asset.kind, platform=platform, via="replay"),
        collected_at=at,
        seconds=1.0,
        collector="sample",
        privileged=True,
        records=tuple(records),
        digest=digest_of(tuple(records)),
    )


def _cases(kind: Kind, platform: Platform) -> dict[str, str]:
    if platform is Platform.WINDOWS:
        return SERVER if kind is Kind.SERVER else DESKTOP
    if kind is Kind.WORKSTATION:
        return LINUX_DESKTOP
    return REDHAT if platform is Platform.REDHAT else LINUX


def _record(fact: str, path: Path, at: datetime) -> Record:
    raw = path.read_bytes()
    data: dict[str, Any] = json.loads(raw)
    source = Source(kind="file", what=str(path.relative_to(TESTS)), sha256=hashlib.sha256(raw).hexdigest(), at=at)
    if set(data) == {"outcome", "reason"}:
        return Record(fact=fact, outcome=data["outcome"], reason=data["reason"], sources=(source,))
    return Record(fact=fact, version=FACTS[fact].VERSION, outcome="seen", data=data, sources=(source,))


def _under(record: Record, changes: dict[str, Any]) -> Record:
    return record.model_copy(update={"data": (record.data or {}) | changes})


def _id(name: str, at: datetime) -> str:
    text = hashlib.sha256(name.encode()).hexdigest()
    time = f"{int(at.timestamp() * 1000):012x}"
    return f"{time[:8]}-{time[8:]}-7{text[:3]}-8{text[3:6]}-{text[6:18]}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for made in snapshots():
        (target / f"{made.target.name}.json").write_bytes(made.to_bytes())
