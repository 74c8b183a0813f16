"""Protection against malware: stand-ins for ClamAV's programs and processes, and for AIDE; see the package's docstring."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, plant, scenarios

pytestmark = MARKS


@scenarios(
    [
        Planted(
            "not-installed",
            "stop clamd clamonacc; mv /usr/sbin/clamd /usr/bin/clamscan /srv",
            "mv /srv/clamd /usr/sbin; mv /srv/clamscan /usr/bin; stand-in clamd; stand-in clamonacc",
            red="antivirus.installed antivirus.running antivirus.realtime antivirus.signatures_fresh antivirus.licence antivirus.managed antivirus.full_scan",
        ),
        Planted(
            "stopped",
            "stop clamd clamonacc",
            "stand-in clamd; stand-in clamonacc",
            red="antivirus.running antivirus.realtime antivirus.signatures_fresh antivirus.managed",
        ),
        Planted("on-access-scanner-stopped", "stop clamonacc", "stand-in clamonacc", red="antivirus.realtime"),
        Planted("daemon-stopped-behind-the-on-access-scanner", "stop clamd", "stand-in clamd", red="antivirus.realtime"),
        Planted(
            "no-path-is-watched",
            "cp /etc/clamav/clamd.conf /srv/kept; : >/etc/clamav/clamd.conf",
            "cp /srv/kept /etc/clamav/clamd.conf",
            unknown="antivirus.realtime",
        ),
        Planted("signatures-of-last-month", "signatures '30 days ago'", "signatures now", red="antivirus.signatures_fresh"),
        # copying a file makes its own time new, not its contents
        Planted(
            "old-signatures-in-a-new-file",
            "signatures '30 days ago'; touch /var/lib/clamav/daily.cld",
            "signatures now",
            red="antivirus.signatures_fresh",
        ),
        Planted("no-signatures", "rm /var/lib/clamav/daily.cld", "signatures now", red="antivirus.signatures_fresh"),
        Planted(
            "signatures-damaged",
            "echo rubbish >/var/lib/clamav/daily.cld",
            "signatures now",
            unknown="antivirus.signatures_fresh",
        ),
        Planted("nobody-watches-system-files", "mv /usr/bin/aide /srv", "mv /srv/aide /usr/bin", red="antivirus.integrity_tool"),
    ]
)
def test_antivirus(patient: Patient, case: Planted) -> None:
    plant(patient, case)
