"""What Windows records: the event logs and the audit policy by subcategory, known by GUID in every language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from collectors.errors import Unparsable
from collectors.facts.base import Gaps, Limit, once
from collectors.facts.logs import AuditTopic, EventLog, Forward, Logs
from collectors.transports.base import Shell
from collectors.windows.document import Document, document
from collectors.windows.registry import POLICIES, Registry
from collectors.windows.services import WindowsService, services

LOGS: Final = ("Security", "System", "Application")
_MODES: Final[dict[int, Literal["overwrite", "archive", "stop"]]] = {0: "overwrite", 1: "archive", 2: "stop"}
_SUFFIX = "-69ae-11d9-bed3-505054503030"
_ROW = re.compile(r"\{(0cce92[0-9a-f]{2}-69ae-11d9-bed3-505054503030)\}.*,\s*\"?(\d+)\"?\s*$", re.I)
_SUCCESS, _BOTH = 1, 3

_TOPICS: Final[dict[AuditTopic, tuple[tuple[str, int], ...]]] = {
    "time": (("0cce9210", _SUCCESS),),  # Security State Change: the clock was set
    "identity": (("0cce9235", _SUCCESS), ("0cce9237", _SUCCESS)),  # User Account and Security Group Management
    "logons": (("0cce9215", _BOTH),),
    "sessions": (("0cce9216", _SUCCESS), ("0cce921b", _SUCCESS)),  # Logoff, Special Logon
    "permissions": (("0cce9231", _SUCCESS),),  # Authorization Policy Change
    "mounts": (("0cce9245", _BOTH),),  # Removable Storage
    "modules": (("0cce9211", _SUCCESS),),  # Security System Extension
    "sudoers": (("0cce9237", _SUCCESS), ("0cce9228", _BOTH)),  # Security Group Management, Sensitive Privilege Use
    "mac-policy": (("0cce922f", _SUCCESS),),  # Audit Policy Change
    "network": (("0cce9232", _BOTH),),  # MPSSVC Rule-Level Policy Change
}
"""Topic -> subcategories that must all record. denied-access and deletion rest on each file's own list (SACL), which is not seen."""

_AGENTS: Final = (
    ("wazuh-agent", ("wazuhsvc", "ossecsvc")),
    ("splunk", ("splunkforwarder",)),
    ("winlogbeat", ("winlogbeat",)),
    ("elastic-agent", ("elastic agent",)),
    ("nxlog", ("nxlog",)),
    ("snare", ("snare",)),
    ("azure-monitor", ("azuremonitoragent", "healthservice")),
)
_SUBSCRIPTIONS: Final = rf"{POLICIES}\Windows\EventLog\EventForwarding\SubscriptionManager"


def logs(shell: Shell) -> Logs:
    answers = document(shell)
    registry = Registry(answers)
    gaps = Gaps()
    known = once(lambda: services(answers))
    audit = once(lambda: audit_policy(answers))
    running = gaps.attempt(("system_log_running", "audit_running"), lambda: known()["eventlog"].running)
    kept = gaps.attempt("event_logs", lambda: tuple(_event_log(answers, name) for name in LOGS))
    security = gaps.attempt(("retention_days", "retention_promised", "oldest_record"), lambda: _event_log(answers, "Security"))
    gaps.note("journal_persistent", "unsupported", "there is no journald; event logs are always on disk")
    gaps.note(
        "world_readable", "unsupported", "who may read an event log stands in its own list of rights, which is not read yet"
    )
    for field in ("audit_immutable", "audit_on_disk_full", "audit_max_log_file_action", "audit_space_mb"):
        gaps.note(field, "unsupported", "a setting of auditd; see event_logs")
    oldest = security.oldest if security else None
    if security is not None and oldest is None:
        gaps.note("oldest_record", "unsupported", "the log Security is empty")
    days = None if security is None else _days(gaps, security)
    return Logs(
        system_log="eventlog",
        system_log_running=running,
        journal_persistent=None,
        logons_recorded=gaps.attempt("logons_recorded", lambda: known()["eventlog"].running and _records(audit(), "logons")),
        forwards=gaps.attempt("forwards", lambda: _forwards(registry, known())),
        retention_days=days,
        retention_promised=None if days is None else True,
        oldest_record=oldest,
        world_readable=None,
        audit_installed=True,
        audit_running=running,
        audit_enabled=gaps.attempt("audit_enabled", lambda: any(audit().values())),
        audit_rules=gaps.attempt("audit_rules", lambda: sum(1 for value in audit().values() if value)),
        audit_topics=gaps.attempt("audit_topics", lambda: tuple(topic for topic in _TOPICS if _records(audit(), topic))),
        event_logs=kept,
        unseen=gaps.unseen,
    )


def audit_policy(answers: Document) -> Mapping[str, int]:
    """First part of a subcategory's GUID -> 0 nothing, 1 success, 2 failure, 3 both; from auditpol /backup."""
    found = {}
    for line in answers.section("auditpol").texts("lines"):
        # rows of options and of the global list of rights have other GUIDs or none
        row = _ROW.search(line.replace("\0", ""))
        if row:
            value = int(row[2])
            if value > _BOTH:
                raise Unparsable(f"auditpol: a subcategory has setting {value}")
            found[row[1].lower().removesuffix(_SUFFIX)] = value
    needed = {guid for parts in _TOPICS.values() for guid, _ in parts}
    if missing := needed - set(found):
        raise Unparsable(
            f"auditpol: its backup lacks {len(missing)} subcategories that every Windows has, such as {min(missing)}"
        )
    return found


def _records(audit: Mapping[str, int], topic: AuditTopic) -> bool:
    return all(audit[guid] & wanted == wanted for guid, wanted in _TOPICS[topic])


def _event_log(answers: Document, name: str) -> EventLog:
    section = answers.section(f"log_{name}")
    enabled, size, mode = section.yes("enabled"), section.number("max_bytes"), section.number("mode")
    if enabled is None or size is None or mode not in _MODES:
        raise Unparsable(f"event log {name}: size, mode {mode} or whether it is on is not told")
    return EventLog(name=name, enabled=enabled, max_mb=size >> 20, when_full=_MODES[mode], oldest=_day(section.date("oldest")))


def _day(when: datetime | None) -> datetime | None:
    # a full log loses its oldest records each minute; to the day, equal systems give equal facts
    return None if when is None else when.replace(hour=0, minute=0, second=0)


def _days(gaps: Gaps, security: EventLog) -> Limit | None:
    if security.when_full == "archive":
        return "unlimited"
    if security.when_full == "stop":
        gaps.note(
            ("retention_days", "retention_promised"),
            "unsupported",
            "the log Security stops when it is full: old records stay, new ones are lost",
        )
    else:
        gaps.note(
            ("retention_days", "retention_promised"),
            "unsupported",
            "Windows limits its logs by size, not by time; the oldest record shows how far they reach",
        )
    return None


def _forwards(registry: Registry, known: Mapping[str, WindowsService]) -> tuple[Forward, ...]:
    """Agents whose service runs, and subscriptions of event forwarding."""
    found = [
        Forward(software=name, target=None)
        for name, wanted in _AGENTS
        if any(one in known and known[one].running for one in wanted)
    ]
    if not ("winrm" in known and known["winrm"].running):
        return tuple(found)  # event forwarding travels by WinRM
    key = registry.key(_SUBSCRIPTIONS)
    for text in [] if key is None else [key.text(name) for name in key.names]:
        server = re.search(r"Server=(https?)://([^/:,\s]+)(?::(\d{1,5}))?", text or "", re.I)
        if text and not server:
            raise Unparsable("event forwarding: a subscription manager names no server")
        if server:
            # over http the messages themselves are encrypted by Kerberos
            found.append(
                Forward(software="event-forwarding", target=server[2], port=int(server[3]) if server[3] else None, encrypted=True)
            )
    return tuple(found)
