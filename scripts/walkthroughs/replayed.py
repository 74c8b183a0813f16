"""Machines that are not there: recorded answers of tests/cases, played through the collectors' own functions, each under the name of the story.

Dates of a recording are moved so that it seems to have been made today: else lists that were fresh when it was recorded would be
old when somebody reads the page. Nothing else of what was recorded is changed but the identity.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from baselines.evaluate import evaluate
from baselines.loader import load
from collectors.catalog import questions
from collectors.errors import CollectError
from collectors.model import Kind, Platform, Record, Snapshot, Target, digest_of, new_id, utcnow
from collectors.seal import seal
from collectors.transports.replay import load as recording
from collectors.transports.witness import Witness

CASES = Path(__file__).parents[2] / "tests" / "cases"
RECORDED = date(2026, 11, 21)
"""The day the recordings count from."""
SERVER = {
    "identity": "debian12--small-virtual-machine", "accounts": "debian12--as-installed", "antivirus": "debian12--clamd-runs-without-on-access",
    "backup": "debian12--borg-by-a-timer-that-ended-well", "certificates": "debian12--nginx-shows-what-certbot-keeps",
    "clock": "debian12--chrony-follows-a-server", "firewall": "debian12--ssh-from-named-addresses-refusals-logged",
    "kernel": "debian12--stock-server-with-loadable-modules", "listening": "debian12--sshd-and-chronyd",
    "logs": "debian12--journald-alone-keeps-90-days", "password_policy": "debian12--faillock-conf", "permissions": "debian12--as-installed",
    "remote_access": "debian12--as-installed", "sessions": "debian12--server-with-stock-texts",
    "storage": "debian12--one-disk-in-clear-for-everything", "updates": "debian12--up-to-date-and-automatic",
}  # fmt: skip
WORKSTATION = {
    "identity": "windows11--productname-says-windows-10", "accounts": "windows11--domain-groups-and-a-lost-sid",
    "activity": "windows11--ordinary-account", "antivirus": "windows11--defender-alone", "clock": "windows11--domain-member",
    "firewall": "windows11--on-everywhere", "hardware": "windows11--laptop-with-wifi-bluetooth-and-a-stick",
    "sessions": "windows11--machine-locks-for-everybody", "storage": "windows11--bitlocker-on-every-volume",
    "software": "windows11--what-people-installed-for-themselves", "updates": "windows11--nothing-missing-at-microsoft",
    "windows_hardening": "windows11--hardened",
}  # fmt: skip
_DAY = re.compile(r"^(20\d\d-\d\d-\d\d)(T.*)?$")


class Replayed:
    """A machine of the story with its own key; `report` sends what the named recordings say."""

    def __init__(self, name: str, unit: str, address: str, **cases: str) -> None:
        kind = "server" if "may-chu" in name else "workstation"
        self.name, self.unit, self.kind, self.address = name, unit, Kind(kind), address
        self.cases = (SERVER if kind == "server" else WORKSTATION) | cases
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"walk-through {name}".encode()).digest())
        self.agent = ""

    def snapshot(self) -> Snapshot:
        records = tuple(self._record(fact, case) for fact, case in self.cases.items())
        platform = Platform.DEBIAN if self.kind is Kind.SERVER else Platform.WINDOWS
        return Snapshot(
            id=new_id(), target=Target(name=self.name, kind=self.kind, platform=platform), collected_at=utcnow(), seconds=1.9,
            collector="0.1.0", privileged=True, records=records, digest=digest_of(records),
        )  # fmt: skip

    def enrol(self, centre: Centre, token: str) -> None:
        asked = {
            "token": token, "name": self.name, "kind": str(self.kind),
            "public_key": base64.b64encode(self.key.public_key().public_bytes_raw()).decode(),
            "identity": {"hostname": self.name, "machine_id": self._machine_id, "os_name": ""},
        }  # fmt: skip
        self.agent = centre.post("/api/v1/enrol", json.dumps(asked).encode(), "application/json")["agent_id"]

    def report(self, centre: Centre, level: int, pack: str = "tcvn_11930_2017", **cases: str) -> None:
        """Changed recordings stay changed: a machine that was mended stays mended."""
        self.cases = self.cases | cases
        snapshot = self.snapshot()
        assessment = evaluate(snapshot, load(pack), level)
        judged = {
            "baseline": pack, "digest": assessment.digest, "tailoring": None, "level": level, "verdicts": assessment.verdicts_digest(),
        }  # fmt: skip
        blob = seal(snapshot.to_bytes(), self.agent, self.key.private_bytes_raw(), judged)
        centre.post("/api/v1/snapshots", blob, "application/vnd.rasoat.snapshot")

    @property
    def _machine_id(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    def _record(self, fact: str, case: str) -> Record:
        folder = CASES / fact / case
        platform = Platform.DEBIAN if self.kind is Kind.SERVER else Platform.WINDOWS
        witness = Witness(recording(folder / "transcript.yaml"))
        try:
            found = dict(questions(platform))[fact](witness)
        except CollectError as error:
            return Record(fact=fact, outcome=error.outcome, reason=str(error), sources=witness.testimony())
        data = moved(found.model_dump(mode="json"))
        if fact == "identity":
            digits = hashlib.sha256(self.name.encode()).hexdigest()
            data |= {"hostname": self.name, "machine_id": self._machine_id, "addresses": [self.address], "serial": None}
            data["macs"] = [f"02:00:5e:{digits[0:2]}:{digits[2:4]}:{digits[4:6]}"]
        return Record(fact=fact, version=found.VERSION, outcome="seen", data=data, sources=witness.testimony())


class Centre:
    """The collector's address, for those who only deliver."""

    def __init__(self, url: str, context: Any) -> None:
        self.url, self.context = url, context

    def post(self, path: str, body: bytes, media_type: str) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": media_type})
        with urllib.request.urlopen(request, timeout=60, context=self.context) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        time.sleep(0.01)
        return found


def moved(value: Any) -> Any:
    """The same with its days moved on by as many as have passed since it was recorded."""
    if isinstance(value, dict):
        return {name: moved(one) for name, one in value.items()}
    if isinstance(value, list):
        return [moved(one) for one in value]
    if isinstance(value, str) and (day := _DAY.match(value)):
        then = date.fromisoformat(day[1])
        if abs((then - RECORDED).days) < 400:
            return f"{then + timedelta(days=(datetime.now(UTC).date() - RECORDED).days)}{day[2] or ''}"
    return value
