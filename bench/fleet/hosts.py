"""Simulated hosts. What they send is made of recorded snapshots and sealed, packed and delivered by the agent's own functions.

Not simulated: looking at a machine and judging it. What a host would see is put together from its template (a real scan of the
machine the bench runs on for servers; for workstations the Windows facts of tests/cases, authored from documentation), with its
own name, hardware, versions of packages and settings; the digest of its verdicts is worked out once for all hosts whose settings
are the same. The spool is kept in memory, as the files of agents are tested elsewhere (tests/server/test_account.py).
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent import upload
from agent.acknowledged import WORTH
from baselines.evaluate import evaluate
from baselines.loader import load
from baselines.tailoring import Tailoring
from collectors.model import Snapshot, new_id
from collectors.seal import seal, unpack
from collectors.seal_delta import make

SERVERS = 0.04
"""A thousand of the model customer's twenty-five thousand."""
CHANGED = 0.01
"""Of the packages, at each later report; and one setting in about 150 verdicts, two from the second later report on: the last one turns back."""
SECONDS = 6
"""That a scan takes: each source has its own time, and all of them are others at each report."""
IMAGES = 16
"""Ways in which offices set up their machines."""
SETTINGS = {
    "server": (
        "updates.automatic", "updates.point_release_behind", "password_policy.quality_enforced", "password_policy.dictionary_check",
        "remote_access.x11_forwarding", "remote_access.banner", "remote_access.users_restricted", "clock.synchronised",
        "firewall.refusals_logged", "kernel.dmesg_restricted", "kernel.syn_cookies", "kernel.ipv4_log_martians",
    ),
    "workstation": (
        "clock.synchronised", "firewall.active", "updates.reboot_required", "updates.automatic", "windows_hardening.llmnr",
        "windows_hardening.netbios", "windows_hardening.smb_client_signing_required", "windows_hardening.autorun_disabled",
        "windows_hardening.system_encrypted", "windows_hardening.command_line_auditing", "windows_hardening.lsa_protected",
        "windows_hardening.logon_banner",
    ),
}  # fmt: skip
"""Facts whose change turns one or two verdicts."""
_SLOT = re.compile(rb'"@@([a-z_]+(?::\d+)?)@@"')


class Held(NamedTuple):
    """What a host is held to, as the collector told it."""

    baseline: str
    digest: str
    level: int
    tailoring: str = ""


class Template:
    """The bytes of a snapshot with holes in them."""

    def __init__(self, document: dict[str, Any], kind: str) -> None:
        self.kind = kind
        normal = json.loads(Snapshot.from_bytes(_dumps(document)).to_bytes())
        facts = {record["fact"]: record["data"] for record in normal["records"] if record["data"] is not None}
        self.settings: list[bool] = []
        for name in SETTINGS[kind]:
            fact, _dot, field = name.partition(".")
            if facts[fact][field] is not None:  # else this machine could not tell, and nor can its likes
                facts[fact][field], value = f"@@setting:{len(self.settings)}@@", facts[fact][field]
                self.settings.append(value)
        packages = facts["software"]["packages"]
        step = max(1, len(packages) // 120)
        self.versions: list[str] = []
        for number, package in enumerate(packages[::step]):
            self.versions.append(package["version"] or "1")
            package["version"] = f"@@version:{number}@@"
        self.changes = max(1, round(CHANGED * len(packages)))
        facts["identity"] |= {
            "hostname": "@@name@@",
            "machine_id": "@@machine_id@@",
            "macs": ["@@mac@@"],
            "addresses": ["@@address@@"],
        }
        if facts["identity"].get("booted_at") is not None:
            facts["identity"]["booted_at"] = "@@booted@@"
        if facts["identity"]["serial"] is not None:
            facts["identity"]["serial"] = "@@serial@@"
        sources = [source for record in normal["records"] for source in record["sources"]]
        for number, source in enumerate(sources):
            source["at"] = f"@@seen:{number * SECONDS // len(sources)}@@"
        normal |= {"id": "@@id@@", "collected_at": "@@at@@", "digest": "@@digest@@"}
        normal["target"] |= {"name": "@@name@@", "kind": kind}
        self._parts = _SLOT.split(_dumps(normal))
        self._verdicts: dict[tuple[Held, tuple[bool, ...], str], str] = {}
        self._lock = threading.Lock()

    def fill(self, slots: dict[str, str], settings: Iterable[bool], versions: Iterable[str]) -> bytes:
        values = {name: json.dumps(value, ensure_ascii=False).encode() for name, value in slots.items()}
        values |= {f"setting:{n}": b"true" if value else b"false" for n, value in enumerate(settings)}
        values |= {f"version:{n}": json.dumps(value).encode() for n, value in enumerate(versions)}
        parts = self._parts
        return b"".join([values[part.decode()] if n % 2 else part for n, part in enumerate(parts)])

    def verdicts(self, held: Held, settings: tuple[bool, ...], day: str, body: Callable[[], bytes]) -> str:
        """Digest of the verdicts of any host with these settings, worked out from the first."""
        key = held, settings, day
        with self._lock:
            if key not in self._verdicts:
                pack, tailoring = load(held.baseline), Tailoring.parse(held.tailoring) if held.tailoring else None
                assert pack.digest == held.digest, "the collector judges by another pack than this program has"
                snapshot = Snapshot.from_bytes(body())
                assert not snapshot.problems(), snapshot.problems()
                self._verdicts[key] = evaluate(snapshot, pack, held.level, tailoring).verdicts_digest()
            return self._verdicts[key]


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _dumps(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


class Made(NamedTuple):
    """All that is needed to make a snapshot's bytes again."""

    number: int
    id: str
    at: float


class Report:
    """A sealed snapshot in the spool."""

    def __init__(self, made: Made, machine: str, blob: bytes, sha256: str) -> None:
        self.made, self.id, self.machine, self.blob, self.sha256 = made, made.id, machine, blob, sha256
        self.difference: tuple[str, bytes | None] | None = None

    def read(self) -> bytes:
        return self.blob


class Host:
    """A machine with its agent: key, spool, the last snapshot that was acknowledged. Speaks like agent.spool and agent.acknowledged."""

    __slots__ = (
        "acknowledged", "agent", "base", "failures", "image", "kind", "last", "lock", "name", "number", "refused_for_good",
        "reports", "runs_in_vain", "signed", "template", "unit", "waits", "woke",
    )  # fmt: skip

    def __init__(self, number: int, template: Template, unit: str) -> None:
        self.number, self.template, self.unit, self.kind = number, template, unit, template.kind
        self.name = f"{'mc' if self.kind == 'server' else 'pc'}-{number:06}"
        self.agent = ""
        self.reports = self.failures = self.runs_in_vain = 0
        self.last: float | None = None
        self.woke = 0.0
        self.base: Made | None = None
        self.waits: list[Report] = []
        self.signed: dict[str, str] = {}
        """Id -> sha256 of header line and snapshot, of all it ever signed."""
        self.acknowledged: set[str] = set()
        self.refused_for_good: list[tuple[str, int, str]] = []
        self.lock = threading.Lock()
        chance = hashlib.sha256(f"image {number % IMAGES}".encode()).digest()
        self.image = tuple(value ^ (chance[n] < 64) for n, value in enumerate(template.settings))

    # -- looking -----------------------------------------------------------------------------------------------------

    @property
    def key(self) -> bytes:
        return hashlib.sha256(f"rasoat fleet {self.number}".encode()).digest()

    @property
    def public(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.key).public_key().public_bytes_raw()

    def settings(self, number: int) -> tuple[bool, ...]:
        """At the report of that number. After the first one of them is another each time."""
        turned = (self.number + number) % len(self.image) if number else None
        return tuple(value ^ (place == turned) for place, value in enumerate(self.image))

    def versions(self, number: int) -> list[str]:
        """Packages are updated, so many from one report to the next."""
        found = [
            f"{version}+{self.number % 7}" if self.number % 97 == n % 97 else version
            for n, version in enumerate(self.template.versions)
        ]
        for report in range(1, number + 1):
            for n in range(self.template.changes):
                place = (self.number * 7 + report * 13 + n) % len(found)
                found[place] = f"{self.template.versions[place]}+u{report}"
        return found

    def body(self, made: Made) -> bytes:
        """The snapshot, byte for byte the same each time it is asked for."""
        booted = made.at - made.at % 86400 - self.number % 300 * 3600 - 3600
        machine = hashlib.sha256(f"machine {self.number}".encode()).hexdigest()
        mac = f"02:{machine[0:2]}:{self.number >> 24 & 255:02x}:{self.number >> 16 & 255:02x}:{self.number >> 8 & 255:02x}:{self.number & 255:02x}"
        slots = {
            **{f"seen:{second}": _text(made.at - SECONDS + second) for second in range(SECONDS)},
            "id": made.id, "at": _text(made.at), "booted": _text(booted), "name": self.name, "machine_id": machine[:32], "mac": mac, "serial": machine[32:44].upper(),
            "address": f"10.{self.number >> 16 & 255}.{self.number >> 8 & 255}.{self.number & 255}",
            # of settings and versions instead of all facts: it is only there to be equal or not
            "digest": hashlib.sha256(f"{self.number} {made.number}".encode()).hexdigest(),
        }  # fmt: skip
        return self.template.fill(slots, self.settings(made.number), self.versions(made.number))

    def look(self, at: float, held: Held | None) -> Report:
        """One scan: put together, judged, sealed, in the spool. What is signed is remembered beside, for the account."""
        made = Made(self.reports, new_id(at), at)
        body = self.body(made)
        blob = seal(body, self.agent, self.key, self._judged(made, body, held))
        report = Report(made, self.name, blob, hashlib.sha256(unpack(blob)).hexdigest())
        self.reports, self.last = self.reports + 1, at
        self.signed[report.id] = report.sha256
        self.waits.append(report)
        return report

    def _judged(self, made: Made, body: bytes, held: Held | None) -> dict[str, Any] | None:
        if held is None:
            return None
        day = datetime.fromtimestamp(made.at, UTC).date().isoformat()
        verdicts = self.template.verdicts(held, self.settings(made.number), day, lambda: body)
        tailoring = hashlib.sha256(held.tailoring.encode()).hexdigest() if held.tailoring else None
        return {
            "baseline": held.baseline,
            "digest": held.digest,
            "tailoring": tailoring,
            "level": held.level,
            "verdicts": verdicts,
        }

    # -- as agent.spool.Spool ----------------------------------------------------------------------------------------

    def waiting(self) -> list[Report]:
        return list(self.waits)

    def sent(self, entry: Report) -> None:
        self.acknowledged.add(entry.id)
        self.waits.remove(entry)

    def refuse(self, entry: Report, status: int, why: str) -> None:
        self.refused_for_good.append((entry.id, status, why))
        self.waits.remove(entry)

    # -- as agent.acknowledged.Acknowledged --------------------------------------------------------------------------

    def keep(self, entry: Report) -> None:
        if self.base is None or self.base.id <= entry.id:
            self.base = entry.made

    def difference(self, entry: Report, blob: bytes) -> bytes | None:
        """As Acknowledged makes it; once, though it may be sent several times."""
        base = self.base
        if base is None or base.id == entry.id:
            return None
        if entry.difference is None or entry.difference[0] != base.id:
            found = make(unpack(blob), self.agent, base.id, self.body(base))
            entry.difference = base.id, found if found is not None and len(found) < WORTH * len(blob) else None
        return entry.difference[1]

    def refused(self, machine: str, code: str) -> bool:
        if code not in ("base-unknown", "difference-damaged", "media-type"):
            return False
        self.base = None
        return True

    # -- delivering --------------------------------------------------------------------------------------------------

    def deliver(self, collector: upload.Collector) -> upload.Delivery:
        """One attempt at all that waits, by the agent's own `deliver`; pauses between attempts are the caller's."""
        return upload.deliver(self, collector, tries=1, retry_seconds=0, bases=self)  # type: ignore[arg-type]

    def enrolment(self, token: str) -> bytes:
        import base64

        machine = hashlib.sha256(f"machine {self.number}".encode()).hexdigest()
        identity = {"hostname": self.name, "machine_id": machine[:32], "os_name": "bench"}
        asked = {
            "token": token,
            "name": self.name,
            "kind": self.kind,
            "public_key": base64.b64encode(self.public).decode(),
            "identity": identity,
        }
        return json.dumps(asked).encode()


def templates(scan: Path | None = None) -> dict[str, Template]:
    """Of a server and of a workstation."""
    import subprocess
    import sys

    from bench.rejudging import _workstation

    if scan is not None:
        text = scan.read_text("utf-8")
    else:
        rasoat = str(Path(sys.executable).parent / "rasoat")
        text = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    return {"server": Template(json.loads(text)["snapshot"], "server"), "workstation": Template(_workstation(), "workstation")}


def fleet(count: int, sites: list[str], made: dict[str, Template]) -> list[Host]:
    """So many hosts over those sites, one in twenty-five of them a server."""
    every = round(1 / SERVERS)
    return [Host(n, made["server" if n % every == 0 else "workstation"], sites[n % len(sites)]) for n in range(count)]
