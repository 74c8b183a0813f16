"""The system log of a real rsyslog, its way to the collector, its rotation; the audit trail of a real auditd.

What is left out: the kernel's part of the audit. There is one for all namespaces and its rules are never touched, so
`auditctl` is a stand-in here that says what a kernel was recorded to say.
"""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, plant, scenarios

pytestmark = MARKS

_CENTRAL = "/etc/rsyslog.d/90-central.conf"
_WAYS = "logs.forwarded logs.logons_forwarded logs.forward_encrypted"
_AUDIT = "logs.audit_rules logs.audit_identity logs.audit_logons logs.audit_time logs.audit_access logs.audit_changes"
_OBEYED = "logs.audit_disk_full logs.audit_kept"
"""What auditd.conf promises: worth nothing while auditd does not run."""
_CONF, _STATUS, _RULES = "/etc/audit/auditd.conf", "/srv/audit/status", "/srv/audit/rules"


def forwarding(name: str, text: str, red: str = "", unknown: str = "") -> Planted:
    return Planted(
        name,
        f"cp {_CENTRAL} /srv/kept; printf '{text}\\n' >{_CENTRAL}; log-restart",
        f"cp /srv/kept {_CENTRAL}; log-restart",
        red,
        unknown,
    )


def edited(name: str, path: str, edit: str, red: str = "", unknown: str = "", then: str = ":") -> Planted:
    return Planted(
        name,
        f"cp -p {path} /srv/kept; sed -i '{edit}' {path}; ! cmp -s {path} /srv/kept; {then}",
        f"cp -p /srv/kept {path}; {then}",
        red,
        unknown,
    )


@scenarios(
    [
        Planted(
            "rsyslog-stopped", "stop rsyslogd", "log-restart", red=f"logs.system_log logs.logons_recorded logs.persistent {_WAYS}"
        ),
        forwarding("nothing-is-sent", "# nothing", _WAYS),
        forwarding("sent-in-the-clear-by-udp", "*.* @192.0.2.10", "logs.forward_encrypted"),
        forwarding("sent-in-the-clear-by-tcp", "*.* @@192.0.2.10:6514", "logs.forward_encrypted"),
        forwarding("sent-to-this-machine-itself", "*.* @@127.0.0.1:6514", _WAYS),
        forwarding(
            "only-the-mail-log-is-sent",
            'mail.* action(type="omfwd" target="192.0.2.10" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")',
            "logs.logons_forwarded",
        ),
        forwarding(
            "log-ons-are-dropped-before-they-are-sent",
            'authpriv.* stop\\n*.* action(type="omfwd" target="192.0.2.10" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")',
            "logs.logons_forwarded logs.logons_recorded logs.persistent",
            "logs.retention",
        ),
        forwarding(
            "tls-switched-off-in-the-rule",
            '*.* action(type="omfwd" target="192.0.2.10" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="0")',
            "logs.forward_encrypted",
        ),
        forwarding(
            "a-second-way-in-the-clear",
            '*.* @192.0.2.11\\n*.* action(type="omfwd" target="192.0.2.10" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")',
            "logs.forward_encrypted",
        ),
        forwarding(
            "tls-for-the-whole-daemon", "$DefaultNetstreamDriver gtls\\n$ActionSendStreamDriverMode 1\\n*.* @@192.0.2.10:6514"
        ),
        # rsyslogd -N1 says so; what the daemon does with the rest of the file nobody can tell from the file
        forwarding(
            "line-that-rsyslog-does-not-take",
            '*.* action(type="omfwd" target="192.0.2.10" prt="6514")',
            unknown=f"logs.logons_recorded logs.persistent {_WAYS}",
        ),
        edited(
            "log-ons-are-not-written",
            "/etc/rsyslog.conf",
            "/auth.log/d",
            "logs.logons_recorded logs.persistent",
            "logs.retention",
            "log-restart",
        ),
        edited("kept-for-four-weeks", "/etc/logrotate.d/rsyslog", "s/daily/weekly/;s/rotate 400/rotate 4/", "logs.retention"),
        edited("kept-until-a-maximum-age", "/etc/logrotate.d/rsyslog", "s/compress/maxage 30/", "logs.retention"),
        edited("kept-by-size", "/etc/logrotate.d/rsyslog", "s/daily/size 10M/", unknown="logs.retention"),
        Planted(
            "nobody-rotates",
            "mv /etc/logrotate.d/rsyslog /srv/kept",
            "mv /srv/kept /etc/logrotate.d/rsyslog",
            unknown="logs.retention",
        ),
        Planted(
            "log-of-log-ons-open-to-all",
            "chmod 644 /var/log/auth.log",
            "chmod 640 /var/log/auth.log",
            red="logs.not_world_readable",
        ),
        Planted(
            "audit-log-open-to-all",
            "chmod 755 /var/log/audit; touch /var/log/audit/audit.log; chmod 644 /var/log/audit/audit.log",
            "chmod 750 /var/log/audit; chmod 600 /var/log/audit/audit.log",
            red="logs.not_world_readable",
        ),
        # auditd and its auditctl are removed, as on a fresh Debian; of the kernel's rules nothing is seen then
        Planted(
            "no-audit",
            "stop auditd; mv /usr/sbin/auditd /usr/sbin/auditctl /srv; rm /etc/rc2.d/S01auditd",
            "mv /srv/auditd /srv/auditctl /usr/sbin; audit-start; ln -s ../init.d/auditd /etc/rc2.d/S01auditd",
            red=f"logs.audit_running services.audit_at_boot {_AUDIT}",
            unknown=f"logs.audit_immutable {_OBEYED}",
        ),
        Planted("auditd-stopped", "stop auditd", "audit-start", red="logs.audit_running", unknown=_OBEYED),
        Planted(
            "auditd-does-not-start-at-boot",
            "rm /etc/rc2.d/S01auditd",
            "ln -s ../init.d/auditd /etc/rc2.d/S01auditd",
            red="services.audit_at_boot",
        ),
        edited(
            "kernel-told-to-be-silent", _STATUS, "s/^enabled.*/enabled 0/", f"logs.audit_running logs.audit_immutable {_AUDIT}"
        ),
        edited("rules-may-be-changed", _STATUS, "s/^enabled.*/enabled 1/", "logs.audit_immutable"),
        Planted("auditctl-says-nothing", f"cp {_RULES} /srv/kept; : >{_RULES}", f"cp /srv/kept {_RULES}", unknown=_AUDIT),
        Planted("no-rules-loaded", f"cp {_RULES} /srv/kept; echo 'No rules' >{_RULES}", f"cp /srv/kept {_RULES}", red=_AUDIT),
        edited("nobody-watches-the-shadow-file", _RULES, "/shadow/d", "logs.audit_identity"),
        edited("nobody-watches-sudoers", _RULES, "/sudoers/d", "logs.audit_identity"),
        edited("nobody-watches-log-ons", _RULES, "/key=logins\\|-k logins/d", "logs.audit_logons"),
        edited("nobody-watches-the-clock", _RULES, "/time-change/d", "logs.audit_time"),
        edited("nobody-watches-deletions", _RULES, "/key=delete/d", "logs.audit_access"),
        edited("nobody-watches-modules", _RULES, "/modules/d", "logs.audit_changes"),
        Planted(
            "audit-denied-as-in-a-container",
            "mv /usr/sbin/auditctl /srv/kept; printf '#!/bin/sh\\necho \"Error sending status request (Operation not permitted)\" >&2; exit 1\\n' >/usr/sbin/auditctl; chmod 755 /usr/sbin/auditctl",
            "mv /srv/kept /usr/sbin/auditctl",
            unknown=f"logs.audit_running logs.audit_immutable {_AUDIT}",
        ),
        edited(
            "audit-stops-in-silence-when-the-disk-is-full",
            _CONF,
            "s/^disk_full_action.*/disk_full_action = SUSPEND/",
            "logs.audit_disk_full",
        ),
        edited("audit-records-overwritten", _CONF, "s/^max_log_file_action.*/max_log_file_action = ROTATE/", "logs.audit_kept"),
    ]
)
def test_logs(patient: Patient, case: Planted) -> None:
    plant(patient, case)
