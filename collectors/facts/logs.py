"""What is recorded, for how long, and where does it go?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple, TypeVar, cast

from pydantic import Field

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Limit, Model, once
from collectors.linux.audit_rules import parse_rules, topics
from collectors.linux.log_forwards import Protocol, Way, agents, audit_dispatcher, journal_upload, stays_here
from collectors.linux.logrotate import rotation, rule_for
from collectors.linux.presence import Running, programs
from collectors.linux.rsyslog_config import Config, parse_rsyslog
from collectors.linux.syslog_ng_config import parse_syslog_ng
from collectors.linux.systemd_config import seconds, settings
from collectors.transports.base import Answer, Shell

AuditTopic = Literal[
    "time",
    "identity",
    "logons",
    "sessions",
    "permissions",
    "denied-access",
    "deletion",
    "mounts",
    "modules",
    "sudoers",
    "mac-policy",
    "network",
]
"""What a loaded audit rule watches, in the words of the usual hardening guides."""


class Forward(Model):
    """A way by which records leave the machine."""

    software: str = Field(description="rsyslog, syslog-ng, journal-upload, audisp-remote, filebeat, wazuh-agent ...")
    target: str | None = Field(description="Host or address; None where the software keeps it out of reach")
    port: int | None = Field(default=None, description="Port where one is named")
    protocol: Literal["udp", "tcp", "relp", "https"] | None = Field(default=None, description="None if not stated")
    encrypted: bool | None = Field(default=None, description="The records travel under TLS, or under Kerberos for audisp-remote")
    logons: bool | None = Field(
        default=None, description="Log-on records (authpriv) go this way; None where a condition or the agent's own files decide"
    )


class EventLog(Model):
    """One of the three event logs every Windows has."""

    name: str = Field(description="Security, System or Application")
    enabled: bool = Field(description="Records are written")
    max_mb: int = Field(description="How large it may grow, MiB, rounded down")
    when_full: Literal["overwrite", "archive", "stop"] = Field(
        description="overwrite: the oldest goes · archive: the full file is kept and a new one begun · stop: nothing more is written until somebody clears it"
    )
    oldest: datetime | None = Field(default=None, description="Time of its oldest record, UTC; None when it is empty or not told")


class Logs(Fact):
    """System log, audit trail, forwarding and retention."""

    NAME: ClassVar[str] = "logs"

    system_log: Literal["rsyslog", "syslog-ng", "journald", "eventlog", "none"] | None = Field(
        description="Who keeps the system log; a syslog daemon is named before journald"
    )
    system_log_running: bool | None = Field(description="That one runs now")
    journal_persistent: bool | None = Field(default=None, description="journald writes to disk; None when there is no journald")
    logons_recorded: bool | None = Field(
        description="Log-ons are written to disk now: a running syslog daemon's rule for authpriv, or a running, persistent journal"
    )
    forwards: tuple[Forward, ...] | None = Field(
        description="Where records are sent by software that runs, this machine itself not counted; () when nowhere"
    )
    retention_days: Limit | None = Field(
        description="Days the system log stays by rotation rules (logrotate interval times count, or journald's limit); the shortest of what keeps log-ons"
    )
    retention_promised: bool | None = Field(
        default=None,
        description="Records stay as long as retention_days says. False for journald, whose limit of size (always in force) may throw them away before",
    )
    oldest_record: datetime | None = Field(default=None, description="Time of the oldest record really there, UTC")
    world_readable: tuple[str, ...] | None = Field(
        default=None,
        description="Log files under /var/log that anyone may read although they hold log-ons (auth.log, secure, messages, syslog, audit)",
    )
    audit_installed: bool | None = Field(description="auditd is installed")
    audit_running: bool | None = Field(description="auditd runs")
    audit_enabled: bool | None = Field(description="The kernel's audit is on (enabled 1 or 2)")
    audit_immutable: bool | None = Field(default=None, description="Rules are locked until restart (enabled 2)")
    audit_rules: int | None = Field(description="Rules loaded in the kernel")
    audit_topics: tuple[AuditTopic, ...] | None = Field(
        description="What those rules watch; Windows: what the audit policy's subcategories record, success and failure where both matter"
    )
    audit_on_disk_full: str | None = Field(default=None, description="disk_full_action of auditd.conf, upper case")
    audit_max_log_file_action: str | None = Field(
        default=None, description="max_log_file_action of auditd.conf, upper case; ROTATE throws the oldest away"
    )
    audit_space_mb: int | None = Field(
        default=None,
        description="max_log_file times num_logs, MiB: what the trail may hold before the oldest goes (KEEP_LOGS holds more)",
    )
    event_logs: tuple[EventLog, ...] | None = Field(
        default=None, description="Windows: the event logs Security, System and Application"
    )


T = TypeVar("T")
Ask = Callable[[], T]
"""A question answered at most once."""

Keeper = Literal["rsyslog", "syslog-ng", "journald", "none"]

_UNITS = ("rsyslog.service", "syslog-ng.service", "systemd-journald.service", "auditd.service", "systemd-journal-upload.service")
_LOGON_LOGS = ("/var/log/auth.log", "/var/log/secure", "/var/log/messages", "/var/log/syslog")
_AUDIT_LOG = "/var/log/audit/audit.log"


class _Journal(NamedTuple):
    """journald: its configuration, and whether it writes."""

    persistent: bool
    retention: int | None
    """Seconds by MaxRetentionSec; None when only size limits it."""


def linux(shell: Shell) -> Logs:
    """Put together from what runs, what rsyslog accepts, what the kernel audits, and the files that say how long.

    A configuration is worth nothing without its daemon: forwards are listed only when the daemon runs and takes the
    configuration without an error.
    """
    gaps = Gaps()
    running = Running(shell, *_UNITS)
    keeper = gaps.attempt("system_log", lambda: _keeper(shell, running))
    keeps = once(lambda: _keeps(running, keeper))
    journald = once(lambda: running.runs(("systemd-journald.service",), ("systemd-journald",)))
    journal = once(lambda: _journal(shell))
    config = once(lambda: _config(shell, keeper))
    there = once(lambda: programs(shell))
    forwards = gaps.attempt("forwards", lambda: _forwards(shell, running, keeper, keeps, config))
    audit_installed = gaps.attempt("audit_installed", lambda: "auditd" in there())
    enabled = gaps.attempt(
        ("audit_enabled", "audit_immutable"), lambda: _audit_status(_auditctl(shell.run("auditctl", "-s", root=True)))
    )
    rules = gaps.attempt(("audit_rules", "audit_topics"), lambda: parse_rules(_auditctl(shell.run("auditctl", "-l", root=True))))
    auditd = once(lambda: _auditd_conf(shell))
    retention = gaps.attempt(("retention_days", "retention_promised"), lambda: _retention(shell, keeper, config, journal))
    gaps.note("event_logs", "unsupported", "a kind of log of Windows")
    gaps.note("oldest_record", "unsupported", "not looked for: the oldest records lie in compressed files")
    return Logs(
        system_log=keeper,
        system_log_running=gaps.attempt("system_log_running", keeps),
        journal_persistent=gaps.attempt("journal_persistent", lambda: _writes_journal(journal, journald)),
        logons_recorded=gaps.attempt("logons_recorded", lambda: _logons(shell, keeper, keeps, config, journal, journald)),
        forwards=forwards,
        retention_days=retention,
        retention_promised=None if retention is None else keeper != "journald",
        world_readable=gaps.attempt("world_readable", lambda: _world_readable(shell, config)),
        audit_installed=audit_installed,
        audit_running=gaps.attempt("audit_running", lambda: running.runs(("auditd.service",), ("auditd",))),
        audit_enabled=None if enabled is None else enabled > 0,
        audit_immutable=None if enabled is None else enabled == 2,
        audit_rules=None if rules is None else len(rules),
        audit_topics=None if rules is None else cast("tuple[AuditTopic, ...]", topics(rules)),
        audit_on_disk_full=gaps.attempt("audit_on_disk_full", lambda: _said(auditd(), "disk_full_action").upper()),
        audit_max_log_file_action=gaps.attempt("audit_max_log_file_action", lambda: _said(auditd(), "max_log_file_action").upper()),
        audit_space_mb=gaps.attempt("audit_space_mb", lambda: _whole(auditd(), "max_log_file") * _whole(auditd(), "num_logs")),
        unseen=gaps.unseen,
    )  # fmt: skip


# --- who keeps the log -------------------------------------------------------------------------------------------------


def _keeper(shell: Shell, running: Running) -> Keeper:
    """A syslog daemon that runs, or is installed and not switched off; then journald."""
    there = programs(shell)
    daemons: tuple[tuple[Keeper, str], ...] = (("rsyslog", "rsyslogd"), ("syslog-ng", "syslog-ng"))
    installed = [name for name, program in daemons if program in there]
    for name in installed:
        try:
            if running.runs((f"{name}.service",), ("rsyslogd" if name == "rsyslog" else "syslog-ng",)):
                return name
        except CollectError:
            break  # then the first one that may be meant
    meant = [name for name in installed if not running.switched_off(f"{name}.service")]
    if meant:
        return meant[0]
    return "journald" if shell.stat("/lib/systemd/systemd-journald") is not None else installed[0] if installed else "none"


def _keeps(running: Running, keeper: Keeper | None) -> bool:
    if keeper is None:
        raise Unsupported("which software keeps the system log was not seen")
    process = {"rsyslog": "rsyslogd", "syslog-ng": "syslog-ng", "journald": "systemd-journald"}.get(keeper)
    unit = "systemd-journald.service" if keeper == "journald" else f"{keeper}.service"
    return process is not None and running.runs((unit,), (process,))


def _config(shell: Shell, keeper: Keeper | None) -> Config:
    """What the syslog daemon's files say, whether it accepts them or not."""
    if keeper == "rsyslog":
        return parse_rsyslog(
            shell.read_all("/etc/rsyslog.conf", "/etc/rsyslog.d/*.conf", root=True),
            lambda pattern: shell.read_all(pattern, root=True),
        )
    if keeper == "syslog-ng":
        return parse_syslog_ng(
            shell.read_all("/etc/syslog-ng/syslog-ng.conf", "/etc/syslog-ng/conf.d/*.conf", root=True),
            lambda pattern: shell.read_all(pattern, root=True),
        )
    raise Unsupported("no syslog daemon keeps the log")


def _accepted(shell: Shell, keeper: Keeper) -> None:
    """The daemon's own check of its configuration. A line it cannot load does nothing, though its text is there."""
    answer = (
        shell.run("rsyslogd", "-N1", root=True) if keeper == "rsyslog" else shell.run("syslog-ng", "--syntax-only", root=True)
    )
    if answer.status == 0 or answer.missing:
        answer.require()
        return
    if answer.refused:
        raise Denied(f"{keeper}: its configuration can only be checked as root")
    wrong = [line for line in (answer.err + answer.out).splitlines() if "error" in line.lower()]
    raise Unparsable(
        f"{keeper} does not accept its configuration, so what it does is not what the files say: {(wrong or ['no message'])[0][:200]}"
    )


# --- what becomes of records ----------------------------------------------------------------------------------------------


def _forwards(
    shell: Shell, running: Running, keeper: Keeper | None, keeps: Ask[bool], config: Ask[Config]
) -> tuple[Forward, ...]:
    ways: list[Way] = []
    if keeper not in ("journald", "none") and keeps():
        _accepted(shell, cast("Keeper", keeper))
        for send in config().sends:
            if not stays_here(send.target):
                ways.append(
                    Way(
                        cast("str", keeper),
                        send.target,
                        send.port,
                        cast("Protocol | None", send.protocol),
                        send.encrypted,
                        send.logons,
                    )
                )
    elif keeper is None:
        keeps()
    ways += [*journal_upload(shell, running), *audit_dispatcher(shell), *agents(shell)]
    return tuple(Forward(**way._asdict()) for way in ways)


def _journal(shell: Shell) -> _Journal | None:
    """None when there is no journald."""
    if shell.stat("/lib/systemd/systemd-journald") is None:
        programs(shell)  # a tree of data only does not show that journald is absent
        return None
    said = settings(shell, "journald", "Journal")
    storage = (said.get("Storage") or ("auto",))[-1].lower()
    if storage not in ("auto", "persistent", "volatile", "none"):
        raise Unparsable(f"journald.conf: Storage={storage[:40]} is not known")
    kept = seconds((said.get("MaxRetentionSec") or ("0",))[-1])
    persistent = storage == "persistent" or (storage == "auto" and shell.stat("/var/log/journal") is not None)
    return _Journal(persistent, kept or None)


def _writes_journal(journal: Ask[_Journal | None], journald: Ask[bool]) -> bool | None:
    found = journal()
    return None if found is None else found.persistent and journald()


def _logons(
    shell: Shell, keeper: Keeper | None, keeps: Ask[bool], config: Ask[Config], journal: Ask[_Journal | None], journald: Ask[bool]
) -> bool:
    """True as soon as one of syslog and journal writes them; False only when both were seen not to."""
    reasons: list[CollectError] = []
    try:
        if _writes_journal(journal, journald):
            return True
    except CollectError as error:
        reasons.append(error)
    try:
        if keeper is None or (keeper in ("rsyslog", "syslog-ng") and keeps()):
            _accepted(shell, cast("Keeper", keeper)) if keeper else keeps()
            written = config().logons
            if written:
                return True
            if written is None:
                raise Unparsable(f"{keeper}: conditions decide whether log-on records are written")
    except CollectError as error:
        reasons.append(error)
    if reasons:
        raise reasons[-1]
    return False


def _retention(shell: Shell, keeper: Keeper | None, config: Ask[Config], journal: Ask[_Journal | None]) -> Limit:
    """The shortest time any file with log-ons is kept; journald's limit where no syslog daemon keeps the log."""
    if keeper in (None, "none"):
        raise Unsupported("nothing that keeps a system log was seen")
    if keeper == "journald":
        found = journal()
        if found is None or not found.persistent:
            raise Unsupported("the journal is kept in memory: it ends with the next start")
        if found.retention is None:
            raise Unsupported("journald limits its journal by size (SystemMaxUse), not by time (MaxRetentionSec)")
        return found.retention // 86400
    files = config().logon_files
    if not files:
        raise Unsupported(f"{keeper} writes log-on records to no file whose name is fixed")
    rules = rotation(shell)
    days: list[Limit] = []
    for path in files:
        rule = rule_for(rules, path)
        if rule is None:
            raise Unsupported(f"no rule of logrotate covers {path}: who removes old records is not known")
        days.append(rule.keeps_days())
    return _shortest(days)


def _shortest(days: Iterable[Limit]) -> Limit:
    counted = [limit for limit in days if limit != "unlimited"]
    return min(counted) if counted else "unlimited"


def _world_readable(shell: Shell, config: Ask[Config]) -> tuple[str, ...]:
    """Files with log-ons whose mode lets anyone read. A directory nobody else may enter protects what is in it."""
    try:
        paths = dict.fromkeys((*_LOGON_LOGS, *config().logon_files))
    except CollectError:
        paths = dict.fromkeys(_LOGON_LOGS)
    if shell.stat("/var/log") is None:
        raise Unsupported("/var/log does not exist")
    found = [path for path in paths if (stat := shell.stat(path)) is not None and stat.mode & 0o004]
    directory = shell.stat("/var/log/audit")
    if directory is not None and directory.mode & 0o001 and (stat := shell.stat(_AUDIT_LOG)) is not None and stat.mode & 0o004:
        found.append(_AUDIT_LOG)
    return tuple(found)


# --- audit -------------------------------------------------------------------------------------------------------------


def _auditctl(answer: Answer) -> str:
    """In a container even root may not ask: audit belongs to the first process namespace. That is "denied", not "off"."""
    if "Operation not permitted" in answer.err or "must be root" in answer.err:
        raise Denied(f"auditctl: {answer.err.strip().splitlines()[-1][:200]}")
    return answer.require()


def _audit_status(text: str) -> int:
    """`enabled` of `auditctl -s`: 0 off, 1 on, 2 on and locked. Old versions print all on one line as enabled=1."""
    for line in text.splitlines():
        words = line.replace("=", " ").split()
        if "enabled" in words[:-1]:
            value = words[words.index("enabled") + 1]
            if value in ("0", "1", "2"):
                return int(value)
    raise Unparsable("auditctl -s: does not state `enabled`")


def _auditd_conf(shell: Shell) -> dict[str, str]:
    text = shell.read("/etc/audit/auditd.conf", root=True)
    if text is None:
        raise Unsupported("/etc/audit/auditd.conf does not exist")
    said = {}
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        key, equals, value = bare.partition("=")
        if not equals:
            raise Unparsable(f"/etc/audit/auditd.conf line {number}: not a setting")
        said[key.strip().lower()] = value.strip()
    return said


def _said(conf: dict[str, str], key: str) -> str:
    """auditd's own defaults differ by version, so a setting that is not there is not guessed."""
    if key not in conf:
        raise Unsupported(f"/etc/audit/auditd.conf does not state {key}")
    return conf[key]


def _whole(conf: dict[str, str], key: str) -> int:
    value = _said(conf, key)
    if not value.isdecimal() or len(value) > 9:
        raise Unparsable(f"/etc/audit/auditd.conf: {key} is no number")
    return int(value)
