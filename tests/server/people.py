"""Machines and people of the tests: agents with real keys, snapshots with real fact types."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from baselines.evaluate import evaluate
from collectors.facts.accounts import Account, Accounts
from collectors.facts.antivirus import Antivirus, AntivirusProduct
from collectors.facts.base import Fact, Model
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.identity import Identity
from collectors.facts.password_policy import PasswordPolicy
from collectors.facts.remote_access import RemoteAccess
from collectors.model import Kind, Platform, Record, Snapshot, Source, Target, digest_of, new_id, utcnow
from collectors.seal import request_token, seal
from server.assess import packs

PASSWORD = "một câu mật khẩu rất dài 9"
MEDIA_TYPE = "application/vnd.rasoat.snapshot"


T = TypeVar("T", bound=Model)


def made(cls: type[T], **given: Any) -> T:
    """A fact of which only some fields matter here; the others were not seen."""
    return cls.model_validate(
        dict.fromkeys((name for name, info in cls.model_fields.items() if info.is_required()), None) | given
    )


def source(what: str, kind: str = "command") -> Source:
    digest = hashlib.sha256(what.encode()).hexdigest()
    return Source.model_validate(
        {"kind": kind, "what": what, "status": 0 if kind == "command" else None, "sha256": digest, "at": utcnow()}
    )


def facts(name: str, **changes: Any) -> list[Record]:
    """Records of a tolerable machine: at level 2 of the mini pack one high fail (root over SSH) and one unknown (the clock)."""
    seen: list[tuple[Fact, Source]] = [
        (
            made(Identity,
                hostname=name, os_id="debian", os_name="Debian GNU/Linux 12 (bookworm)", os_version="12", os_family="debian",
                kernel_release="6.1.0-28-amd64", kernel_version="#1 SMP", architecture="x86_64", machine_id="ab" * 16, serial=None,
                macs=("52:54:00:12:34:56",), addresses=("10.0.0.5",),
            ),
            source("/etc/os-release", "file"),
        ),
        (
            made(Accounts,
                users=(
                    made(Account, name="root", uid=0, system=True, shell="/bin/bash", interactive=True, password="locked", administrator=True),
                    made(Account, name="vận-hành", uid=1000, system=False, shell="/bin/bash", interactive=True, password="set", administrator=True),
                ),
                root_equivalents=tuple(changes.get("root_equivalents", ())), duplicate_ids=(), administrators=("vận-hành",),
                sudo_rules=(), directory=False, root_locked=True,
            ),
            source("/etc/passwd", "file"),
        ),
        (
            made(RemoteAccess, ssh_installed=True, ssh_running=True, effective=True, ports=(22,), permit_root_login=changes.get("permit_root_login", "yes")),
            source("sshd -T -C user=root"),
        ),
        (
            made(PasswordPolicy,
                quality_enforced=True, min_length=changes.get("min_length", 10), min_classes=3, history=5, max_age_days=90, min_age_days=1,
                failed_logins_before_lock=5, empty_passwords_accepted=False, hash_algorithm="yescrypt",
            ),
            source("/etc/security/pwquality.conf", "file"),
        ),
        (
            made(Antivirus,
                products=(made(AntivirusProduct, id="clamav", name="ClamAV", version="1.4.2", running=True, realtime=False, signatures_dated=None),)
                if changes.get("antivirus", True) else ()
            ),
            source("clamscan --version"),
        ),
    ]  # fmt: skip
    records = [
        Record(fact=f.NAME, version=f.VERSION, outcome="seen", data=f.model_dump(mode="json"), sources=(s,)) for f, s in seen
    ]
    if changes.get("synchronised") is None:
        records.append(
            Record(
                fact="clock", outcome="denied", reason="chronyc: 506 Cannot talk to daemon", sources=(source("chronyc tracking"),)
            )
        )
    else:
        clock = made(Clock,
            software="chrony", running=True, synchronised=changes["synchronised"],
            servers=(made(TimeServer, address="ntp.example", selected=True, reachable=True),),
        )  # fmt: skip
        records.append(
            Record(fact="clock", outcome="seen", data=clock.model_dump(mode="json"), sources=(source("chronyc tracking"),))
        )
    return records


@dataclass
class Host:
    """A machine with an agent on it."""

    name: str = "may-chu-01"
    kind: Kind = Kind.SERVER
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    agent: str = ""

    @property
    def private(self) -> bytes:
        return self.key.private_bytes_raw()

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def request(self, token: str, **changes: Any) -> dict[str, Any]:
        """The body of an enrolment."""
        return {
            "token": token,
            "name": self.name,
            "kind": str(self.kind),
            "public_key": base64.b64encode(self.public).decode(),
            "identity": {"hostname": self.name, "machine_id": "ab" * 16, "os_name": "Debian GNU/Linux 12 (bookworm)"},
        } | changes

    def enrol(self, client: Client, token: str) -> Any:
        response = client.post("/api/v1/enrol", self.request(token), content_type="application/json")
        if response.status_code == 201:
            self.agent = response.json()["agent_id"]
        return response

    def snapshot(self, age: timedelta = timedelta(), extra: tuple[Record, ...] = (), **changes: Any) -> Snapshot:
        at = (datetime.now(UTC) - age).replace(microsecond=0)
        records = (*facts(self.name, **changes), *extra)
        return Snapshot(
            id=new_id(at.timestamp()), target=Target(name=self.name, kind=self.kind, platform=Platform.DEBIAN), collected_at=at,
            seconds=1.25, collector="0.1.0", privileged=True, records=records, digest=digest_of(records),
        )  # fmt: skip

    def judged(self, snapshot: Snapshot, level: int = 2, pack: str = "mini", **changes: Any) -> dict[str, Any]:
        """What an honest agent says of its own judgement."""
        assessment = evaluate(snapshot, packs.get(pack), level)
        said = {
            "baseline": pack,
            "digest": assessment.digest,
            "tailoring": None,
            "level": level,
            "verdicts": assessment.verdicts_digest(),
        }
        return said | changes

    def seal(self, snapshot: Snapshot, judged: dict[str, Any] | None = None, key: Ed25519PrivateKey | None = None) -> bytes:
        return seal(snapshot.to_bytes(), self.agent, (key or self.key).private_bytes_raw(), judged)

    def authorization(self, path: str, skew: int = 0, key: Ed25519PrivateKey | None = None) -> str:
        now = int(datetime.now(UTC).timestamp()) + skew
        return request_token(self.agent, (key or self.key).private_bytes_raw(), "GET", path, now)


def send(client: Client, blob: bytes, **extra: Any) -> Any:
    return client.post("/api/v1/snapshots", blob, content_type=extra.pop("content_type", MEDIA_TYPE), **extra)
