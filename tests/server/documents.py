"""An information system of 40 machines in the register, whose reports are the facts of recorded cases (tests/systems/sample.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone, translation

from collectors.model import Snapshot, new_id
from collectors.seal import seal
from server.documents.kinds import SPANS
from server.documents.models import Document, Issue, Letterhead
from server.documents.papers import writer
from server.documents.report import Column, Count, Front, Honesty, Paragraph, Report, Style, Table
from server.documents.spans import parse
from server.documents.wanted import Wanted
from server.documents.writing import Blanks
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.registers.systems import Member, System
from server.units.models import Unit, User
from tests.systems import sample

ZONES = """Vùng biên | 203.0.113.0/29 | 203.0.113.0/29
Vùng DMZ | 10.10.1.0/24
Vùng máy chủ nội bộ | 10.10.9.0/24
Vùng quản trị | 10.10.99.0/24
Vùng máy chủ cơ sở dữ liệu | 10.20.30.0/24
Vùng mạng nội bộ người dùng | 192.168.50.0/24, 10.99.0.0/24
Vùng mạng không dây | 192.168.77.0/24"""


def signed(unit: Unit, **more: object) -> Letterhead:
    """Organisation data with all that a paper needs."""
    told = {
        "abbreviation": "STTTT", "drafting": "CNTT", "place": "Tỉnh A", "authority": "KT. GIÁM ĐỐC", "signer_title": "Phó Giám đốc",
        "signer_name": "Nguyễn Văn Mẫu", "scanned_by": "Trung tâm Công nghệ thông tin", "relation": "operator", "changed_by": "test",
    }  # fmt: skip
    return Letterhead.objects.update_or_create(unit=unit, defaults=told | more)[0]


def plain(mark: str, **more: object) -> Report:
    """A paper that says little."""
    front = Front(
        above=("Sở",), issuer=(f"Phòng {mark}",), symbol="/PB-CNTT", place="Tỉnh A", year=2026, type="", subject=f"V/v {mark}",
        addressees=("Sở",), receivers=("- Như trên;", "- Lưu: VT."), signer_title="Trưởng phòng", signer_name="Nguyễn Văn Mẫu",
    )  # fmt: skip
    told = {
        "kind": "reply", "title": f"Báo cáo {mark}", "made_at": datetime.now(UTC), "front": front,
        "body": (Paragraph(style=Style.TEXT, text=f"Phòng {mark} báo cáo như sau:"),),
        "honesty": Honesty(scanned_by="", relation="not_said", program="0", since=None, until=None, counts=(Count(text="Máy", number=1),)),
    }  # fmt: skip
    return Report.model_validate(told | more)


def of_unit(kind: str, unit: Unit, period: str = "", user: User | None = None, answers: dict[str, str] | None = None, **more: Any) -> Report:  # fmt: skip
    """One of kinds.SPANS as its writer makes it, without keeping it."""
    span = parse(SPANS[kind], period, timezone.localdate())
    with translation.override("vi"):
        return writer(kind)(Wanted(unit, span, user, Blanks(answers), **more))


def table(rows: int, name: str = "máy") -> Table:
    columns = (
        Column(title="TT", share=10, align="center"),
        Column(title="Tên", share=60),
        Column(title="Số", share=30, align="right"),
    )
    return Table(
        name="Danh sách",
        columns=columns,
        rows=tuple((at, f"{name}-{at}", None if at == 2 else at * 1000) for at in range(1, rows + 1)),
    )


def paper(unit: Unit, mark: str) -> Issue:
    """A document with an issue."""
    report = plain(mark)
    document = Document.objects.create(unit=unit, kind="reply", about="campaign:0", title=report.title, made_by=f"nguoi-{mark}")
    return Issue.objects.create(
        document=document, number=1, made_by=f"nguoi-{mark}", made_at=report.made_at, sha256=report.digest, blanks=0, provisional=False,
        packed=Issue.pack(report),
    )  # fmt: skip


def system(unit: Unit, times: int = 1, **more: object) -> System:
    """With 40 machines, or some times that many; their reports are of yesterday."""
    register = sample.system().register
    told = {
        "name": register.name,
        "level_proposed": "3",
        "kind": "public",
        "zones": ZONES,
        "operator": unit.name,
        "created_by": "test",
    }
    made = System.objects.create(unit=unit, **told | more)
    snapshots = {one.target.name: one for one in sample.snapshots()}
    key = Ed25519PrivateKey.generate()
    agent = Agent.objects.create(unit=unit, name="trạm quét", public_key=key.public_key().public_bytes_raw())
    for turn in range(times):
        for asset in register.assets:
            name = asset.name if not turn else f"{asset.name}-{turn}"
            machine = Machine.objects.create(unit=unit, agent=agent, own=False, name=name, kind=asset.kind)
            if asset.name in snapshots:
                report(machine, key, snapshots[asset.name], stale=asset.name == sample.STALE)
            Member.objects.create(system=made, machine=machine, main=asset.main)
    return made


def report(machine: Machine, key: Ed25519PrivateKey, snapshot: Snapshot, stale: bool = False) -> StoredSnapshot:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=60 if stale else 1)
    target = snapshot.target.model_copy(update={"name": machine.name})
    fresh = snapshot.model_copy(update={"id": new_id(at.timestamp()), "collected_at": at, "target": target})
    stored = StoredSnapshot.objects.create(
        id=fresh.id, machine=machine, agent=machine.agent, received_at=at, collected_at=at, orders_at=at, privileged=fresh.privileged,
        seconds=fresh.seconds, collector=fresh.collector, digest=fresh.digest, sealed_sha256="0" * 64,
        sealed=seal(fresh.to_bytes(), machine.agent_id, key.private_bytes_raw(), None),
    )  # fmt: skip
    machine.follow(stored, None)
    machine.save(update_fields=["latest", "reported_at"])
    return stored
