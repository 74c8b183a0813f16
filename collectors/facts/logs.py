"""What is recorded, for how long, and where does it go?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Limit, Model

AuditTopic = Literal[
    "time", "identity", "logons", "sessions", "permissions", "denied-access", "deletion", "mounts", "modules", "sudoers", "mac-policy", "network"
]
"""What a loaded audit rule watches, in the words of the usual hardening guides."""


class Forward(Model):
    """A way by which records leave the machine."""

    software: str = Field(description="rsyslog, syslog-ng, journal-upload, audisp-remote, filebeat, wazuh-agent ...")
    target: str | None = Field(description="Host or address; None where the software keeps it out of reach")
    port: int | None = Field(default=None, description="Port where one is named")
    protocol: Literal["udp", "tcp", "relp", "https"] | None = Field(default=None, description="None if not stated")
    encrypted: bool | None = Field(default=None, description="The records travel under TLS")


class Logs(Fact):
    """System log, audit trail, forwarding and retention."""

    NAME: ClassVar[str] = "logs"

    system_log: Literal["rsyslog", "syslog-ng", "journald", "none"] | None = Field(description="Who keeps the system log; a syslog daemon is named before journald")
    system_log_running: bool | None = Field(description="That one runs now")
    journal_persistent: bool | None = Field(default=None, description="journald writes to disk; None when there is no journald")
    logons_recorded: bool | None = Field(description="Log-ons are written to disk: a syslog rule for auth/authpriv, or a persistent journal")
    forwards: tuple[Forward, ...] | None = Field(description="Where records are sent; () when nowhere")
    retention_days: Limit | None = Field(
        description="Days the system log stays by rotation rules (logrotate interval times count, or journald's limit); the shortest of what keeps log-ons"
    )
    oldest_record: datetime | None = Field(default=None, description="Time of the oldest record really there, UTC")
    world_readable: tuple[str, ...] | None = Field(default=None, description="Log files under /var/log that anyone may read although they hold log-ons (auth.log, secure, messages, syslog, audit)")
    audit_installed: bool | None = Field(description="auditd is installed")
    audit_running: bool | None = Field(description="auditd runs")
    audit_enabled: bool | None = Field(description="The kernel's audit is on (enabled 1 or 2)")
    audit_immutable: bool | None = Field(default=None, description="Rules are locked until restart (enabled 2)")
    audit_rules: int | None = Field(description="Rules loaded in the kernel")
    audit_topics: tuple[AuditTopic, ...] | None = Field(description="What those rules watch")
    audit_on_disk_full: str | None = Field(default=None, description="disk_full_action of auditd.conf, upper case")
    audit_max_log_file_action: str | None = Field(default=None, description="max_log_file_action of auditd.conf, upper case; ROTATE throws the oldest away")
    audit_space_mb: int | None = Field(default=None, description="max_log_file times num_logs: what the trail may hold, MiB")
