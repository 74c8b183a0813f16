"""The healthy copy: what passes there, and what cannot."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient

pytestmark = MARKS

_SUBJECTS = (
    "accounts",
    "antivirus",
    "clock",
    "firewall",
    "identity",
    "listening",
    "logs",
    "password_policy",
    "remote_access",
    "services",
    "updates",
)

_NOT_GREEN = {
    "accounts.central": "fail",  # no directory to join
    "antivirus.managed": "unknown",  # ClamAV does not say
    "antivirus.full_scan": "unknown",  # nor this
    "updates.automatic": "fail",  # unattended-upgrades is started by systemd, which does not run in the copy
    "services.none_failed": "unknown",  # nor does anything else keep a list of what failed
    "remote_access.two_factors": "fail",  # a key alone opens: there is nobody to type a code
    "firewall.refusals_logged": "fail",  # would be written to the log of the machine that lends its kernel
    "updates.sources_signed": "fail",  # the copy's own repository is signed by nobody
    "updates.reboot": "unknown",  # where the running kernel is none of the machine's packages: in a container
}


def test_nearly_everything_passes(patient: Patient) -> None:
    red = {
        check: verdict for check, verdict in patient.healthy.items() if check.partition(".")[0] in _SUBJECTS and verdict != "pass"
    }
    assert red.items() <= _NOT_GREEN.items()
    assert sum(verdict == "pass" for verdict in patient.healthy.values()) > 100


def test_nothing_of_the_copy_reaches_this_machine(patient: Patient) -> None:
    with open("/proc/sys/kernel/hostname") as name, open("/etc/passwd") as names:  # noqa: PTH123
        assert name.read().strip() != patient.machine.sh("hostname").strip()
        assert "nvan" not in names.read()
    assert patient.machine.sh(f"touch {__file__} 2>&1 || echo refused").endswith("refused\n")
