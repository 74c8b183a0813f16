"""Ways by which records leave the machine besides the syslog daemon: agents, the journal's own upload, the audit dispatcher."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from collectors.errors import Unparsable
from collectors.linux.presence import COMM, Running, processes
from collectors.linux.systemd_config import settings
from collectors.transports.base import Shell

Protocol = Literal["udp", "tcp", "relp", "https"]

_AGENTS = {
    "filebeat": "filebeat", "journalbeat": "journalbeat", "auditbeat": "auditbeat", "elastic-agent": "elastic-agent",
    "fluent-bit": "fluent-bit", "td-agent-bit": "fluent-bit", "fluentd": "fluentd", "td-agent": "fluentd",
    "wazuh-agentd": "wazuh-agent", "ossec-agentd": "ossec-agent", "nxlog": "nxlog", "vector": "vector", "promtail": "promtail",
    "azuremonitoragent": "azure-monitor-agent", "google_cloud_ops_agent_diagnostics": "google-ops-agent",
}  # fmt: skip
"""Process -> software. What they read and where they send it, and whether encrypted, is told by files only they read."""


class Way(NamedTuple):
    """The fields of `logs.Forward`."""

    software: str
    target: str | None
    port: int | None = None
    protocol: Protocol | None = None
    encrypted: bool | None = None
    logons: bool | None = None


def stays_here(host: str) -> bool:
    """The name or address means this machine: records sent there have not left it."""
    name = host.strip().strip("[]").lower()
    if name in ("", "localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def agents(shell: Shell) -> tuple[Way, ...]:
    """Shipping agents whose process runs."""
    there = processes(shell)
    found = {software for process, software in _AGENTS.items() if process[:COMM] in there}
    if "splunkd" in there and shell.stat("/opt/splunkforwarder") is not None:
        found.add("splunk-forwarder")  # without it the process is the indexer itself, which receives
    return tuple(Way(software, None) for software in sorted(found))


def journal_upload(shell: Shell, running: Running) -> tuple[Way, ...]:
    """systemd-journal-upload, where systemd says it is active: its process name is cut to the same letters as journald's."""
    unit = (running.units or {}).get("systemd-journal-upload.service")
    if unit is None or unit.active != "active":
        return ()
    url = (settings(shell, "journal-upload", "Upload").get("URL") or ("",))[-1]
    if not url:
        raise Unparsable("systemd-journal-upload runs, but journal-upload.conf names no URL")
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname or "", parts.port or 19532
    except ValueError:
        raise Unparsable("journal-upload.conf: URL not understood") from None
    secure = parts.scheme == "https"
    return () if stays_here(host) else (Way("journal-upload", host, port, "https" if secure else None, secure, True),)


def audit_dispatcher(shell: Shell) -> tuple[Way, ...]:
    """audisp-remote, the plug-in that sends the audit trail to another auditd; its process is there while it works."""
    if "audisp-remote" not in processes(shell):
        return ()
    texts = shell.read_all("/etc/audit/audisp-remote.conf", "/etc/audisp/audisp-remote.conf", root=True)
    said = dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*(\S+)", "\n".join(texts.values())))
    host = said.get("remote_server")
    if host is None:
        raise Unparsable("audisp-remote runs, but audisp-remote.conf names no remote_server")
    port = said.get("port", "60")
    krb5 = said.get("transport", "TCP").upper() == "KRB5" or said.get("enable_krb5", "no") == "yes"
    return () if stays_here(host) else (Way("audisp-remote", host, int(port) if port.isdecimal() else None, "tcp", krb5, None),)
