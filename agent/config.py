"""How this agent is set up: /etc/rasoat/agent.yaml, then the environment, then flags; the later wins.

url: https://collector.example       # normally learnt at enrolment
ca_file: /etc/rasoat/ca.pem          # the authority that signed the collector's certificate, if it is a private one
state_dir: /var/lib/rasoat
spool_mb: 64                         # most that waits here while the collector cannot be reached
interval_seconds: 21600              # overrides what the collector asks for
jitter_seconds: 3600                 # scans are spread over this much of the interval; fixed for each agent
bytes_per_second: 65536              # most that is sent; where the collector says less, that counts
proxy: http://proxy.example:3128     # used only when written here: the environment's proxies are not
seal_for_centre: true                # false only for a centre that lost its keys: whoever stands between may then read and answer
send_differences: true               # to what the collector acknowledged last; false: every snapshot travels whole
work_max_days: 7                     # how old the centre's instructions may be when a relay repeats them
tries: 5                             # per run, before the rest is left for the next run
retry_seconds: 2.0                   # upper end of the first pause; doubles each time, up to five minutes
limit_minutes: 15                    # a run that looks ends itself when it takes longer (a station: as long as its targets take),
limit_cpu_seconds: 120               # more CPU time (a station: as much as its targets take),
limit_memory_mb: 400                 # or more resident memory (a station: 800), its commands included: docs/footprint.md

A scan station also looks at the machines and devices of a targets file (`rasoat inventory check` reads it the same way):

station_targets: /etc/rasoat/targets.yaml
station_interval_seconds: 86400      # each once in so long and on the last day of each month; without it as often as the collector asks
station_window: 22:00-05:00          # local time in which a target may be begun; without it at any time
station_parallel: 8                  # targets at a time
station_per_minute: 60               # targets begun per minute at one site; a site is a label of the targets file
copies_recipient: age1...            # public keys to which full configurations are encrypted; without one none is kept
copies_dir: /var/lib/rasoat/copies   # where those copies lie (default: beside the state)
copies_keep_days: 400                # how long all of them stay; the last one of each month stays longer
credential_key_file: /etc/rasoat/credential.key    # opens `rasoat credential`'s store: see vault/store.py
vault_url, vault_ca_file, vault_mount, vault_namespace, vault_token_file, vault_role_id, vault_secret_id_file: vault/hashicorp.py
cyberark_url, cyberark_ca_file, cyberark_app_id, cyberark_certificate_file, cyberark_key_file: vault/cyberark.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from agent import here
from agent.errors import Refusal
from agent.language import _, mark
from agent.station_plan import Window

DEFAULT_FILE, SYSTEM_STATE = here.folders()
_CREDENTIAL_KEY = DEFAULT_FILE.with_name("credential.key")
MAX_INTERVAL = 30 * 86400


def default_state_dir() -> Path:
    """Where an agent's state is: the machine's own, or a person's where the machine has none.

    Where root has enrolled the machine, somebody else must be told to come as root, not that it is not enrolled.
    """
    if here.of_the_machine() or SYSTEM_STATE.exists():
        return SYSTEM_STATE
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "rasoat"


@dataclass(frozen=True)
class Config:
    """Settings with their defaults. None: not set here."""

    url: str | None = None
    ca_file: Path | None = None
    state_dir: Path = SYSTEM_STATE
    spool_mb: float = 64
    interval_seconds: int | None = None
    jitter_seconds: int = 3600
    bytes_per_second: int | None = None
    proxy: str | None = None
    seal_for_centre: bool = True
    send_differences: bool = True
    work_max_days: float = 7
    tries: int = 5
    retry_seconds: float = 2.0
    limit_minutes: float | None = None
    limit_cpu_seconds: int | None = None
    limit_memory_mb: int | None = None
    station_targets: Path | None = None
    station_interval_seconds: int | None = None
    station_window: Window | None = None
    station_parallel: int = 8
    station_per_minute: int = 60
    copies_recipient: str | None = None
    copies_dir: Path | None = None
    copies_keep_days: int = 400
    credential_key_file: Path = _CREDENTIAL_KEY
    vault_url: str | None = None
    vault_ca_file: Path | None = None
    vault_mount: str = "secret"
    vault_namespace: str | None = None
    vault_token_file: Path | None = None
    vault_role_id: str | None = None
    vault_secret_id_file: Path | None = None
    cyberark_url: str | None = None
    cyberark_ca_file: Path | None = None
    cyberark_app_id: str | None = None
    cyberark_certificate_file: Path | None = None
    cyberark_key_file: Path | None = None

    @property
    def copies_folder(self) -> Path:
        return self.copies_dir or self.state_dir / "copies"

    @property
    def spool_bytes(self) -> int:
        return int(self.spool_mb * 1024 * 1024)


def _number(low: float, high: float, whole: bool) -> Callable[[str], Any]:
    def read(value: str) -> float:
        number = int(value) if whole else float(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return read


def _address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError
    return value.rstrip("/")


def _recipients(value: str) -> str:
    if not value or not all(word.startswith("age1") for word in value.split()):
        raise ValueError
    return value


def _word(value: str) -> str:
    if not value or not value.isprintable() or value != value.strip() or " " in value:
        raise ValueError
    return value


def _yes_or_no(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError
    return value == "true"


def _path(value: str) -> Path:
    path = Path(value)
    if not path.is_absolute():
        raise ValueError
    return path


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "url": (_address, mark("an address that starts with https://")),
    "ca_file": (_path, mark("an absolute path")),
    "state_dir": (_path, mark("an absolute path")),
    "spool_mb": (_number(0.01, 100_000, whole=False), mark("a number of megabytes")),
    "interval_seconds": (_number(60, MAX_INTERVAL, whole=True), mark("whole seconds from 60 to 2592000")),
    "jitter_seconds": (_number(0, MAX_INTERVAL, whole=True), mark("whole seconds from 0 to 2592000")),
    "bytes_per_second": (_number(256, 1 << 32, whole=True), mark("whole bytes per second, at least 256")),
    "proxy": (_address, mark("an address that starts with http:// or https://")),
    "seal_for_centre": (_yes_or_no, mark("true or false")),
    "send_differences": (_yes_or_no, mark("true or false")),
    "work_max_days": (_number(0.01, 366, whole=False), mark("days from 0.01 to 366")),
    "tries": (_number(1, 100, whole=True), mark("a whole number from 1 to 100")),
    "retry_seconds": (_number(0, 3600, whole=False), mark("seconds from 0 to 3600")),
    "limit_minutes": (_number(0.1, 7 * 1440, whole=False), mark("minutes from 0.1 to 10080")),
    "limit_cpu_seconds": (_number(5, 86400, whole=True), mark("whole seconds from 5 to 86400")),
    "limit_memory_mb": (_number(100, 1 << 20, whole=True), mark("whole megabytes, at least 100")),
    "station_targets": (_path, mark("an absolute path")),
    "station_interval_seconds": (_number(60, MAX_INTERVAL, whole=True), mark("whole seconds from 60 to 2592000")),
    "station_window": (Window.parse, mark("two times of day such as 22:00-05:00")),
    "station_parallel": (_number(1, 256, whole=True), mark("a whole number from 1 to 256")),
    "station_per_minute": (_number(1, 10_000, whole=True), mark("a whole number from 1 to 10000")),
    "copies_recipient": (_recipients, mark("one or more public keys that start with age1")),
    "copies_dir": (_path, mark("an absolute path")),
    "copies_keep_days": (_number(1, 36_500, whole=True), mark("whole days from 1 to 36500")),
    **dict.fromkeys(
        (
            "credential_key_file",
            "vault_ca_file",
            "vault_token_file",
            "vault_secret_id_file",
            "cyberark_ca_file",
            "cyberark_certificate_file",
            "cyberark_key_file",
        ),
        (_path, mark("an absolute path")),
    ),
    **dict.fromkeys(("vault_url", "cyberark_url"), (_address, mark("an address that starts with https://"))),
    **dict.fromkeys(("vault_mount", "vault_namespace", "vault_role_id", "cyberark_app_id"), (_word, mark("one word"))),
}


def load(environment: Mapping[str, str] = os.environ, **flags: Any) -> Config:
    """The settings in force. Raises Refusal with all mistakes at once, each with its place."""
    mistakes: list[str] = []
    named = environment.get("RASOAT_CONFIG")
    found: dict[str, Any] = {"state_dir": default_state_dir()}
    found |= _from_file(Path(named) if named else DEFAULT_FILE, bool(named), mistakes)
    for name in _READERS:
        value = environment.get(f"RASOAT_{name.upper()}")
        if value:
            _take(found, name, value, f"RASOAT_{name.upper()}", mistakes)
    if mistakes:
        raise Refusal(_("the agent's settings have mistakes:") + "\n" + "\n".join(mistakes))
    return replace(Config(**found), **{name: value for name, value in flags.items() if value is not None})


def _from_file(path: Path, required: bool, mistakes: list[str]) -> dict[str, Any]:
    try:
        body = path.read_text("utf-8")
    except FileNotFoundError:
        if required:
            mistakes.append(_("%s: there is no such file") % path)
        return {}
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(_("%(file)s cannot be read: %(why)s") % {"file": path, "why": getattr(error, "strerror", None) or error})
        return {}
    import yaml

    try:
        node = yaml.compose(body, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        mistakes.append(f"{path}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', None) or error}")
        return {}
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        mistakes.append(f"{path}:1: " + _("expected lines of the form `name: value`"))
        return {}
    found: dict[str, Any] = {}
    known = [field.name for field in fields(Config)]
    for key, value in node.value:
        place = f"{path}:{key.start_mark.line + 1}"
        if key.value not in known:
            mistakes.append(
                _("%(place)s: unknown setting %(name)s; known: %(known)s")
                % {"place": place, "name": key.value, "known": ", ".join(known)}
            )
        elif key.value in found:
            mistakes.append(_("%(place)s: %(name)s stands twice") % {"place": place, "name": key.value})
        else:
            _take(found, key.value, value.value if isinstance(value, yaml.ScalarNode) else "", place, mistakes)
    return found


def _take(found: dict[str, Any], name: str, value: str, place: str, mistakes: list[str]) -> None:
    read, wanted = _READERS[name]
    try:
        found[name] = read(value.strip())
    except ValueError:
        mistakes.append(
            _("%(place)s: %(name)s is not %(wanted)s: %(value)r")
            % {"place": place, "name": name, "wanted": _(wanted), "value": "..." if "SECRET" in value.upper() else value}
        )
