"""A system of two servers judged against a pack of four requirements: automated, manual, partial and of the whole system."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from baselines.loader import load_texts
from baselines.systems.judge import judge_system
from baselines.systems.register import System
from baselines.systems.result import RequirementLine, SystemAssessment
from collectors.model import Kind, Record, Snapshot, Target, digest_of, new_id
from tests.baselines.toy import CHECKS, GROUPS, texts

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOCKOUT, REVIEW, ROOT, ZONE, TAP = (
    "servers.authentication.lockout",
    "servers.authentication.review",
    "servers.authentication.root",
    "servers.authentication.zone",
    "servers.authentication.tap",
)
MORE = """\
  - id: servers.authentication.root
    reference_id: may_chu.xac_thuc.root
    levels: [3]
    title: {vi: Không vào thẳng root, en: No direct root}
    confidence: memory
    kinds: [server]
    coverage: partial
    checks: [remote_access.root]
    guidance: {vi: Biên bản, en: Minutes}
  - id: servers.authentication.zone
    reference_id: may_chu.xac_thuc.vung
    levels: [2, 3]
    title: {vi: Có DMZ, en: There is a DMZ}
    confidence: memory
    kinds: [system]
    coverage: automated
    checks: [system_design.dmz]
  - id: servers.authentication.tap
    reference_id: may_chu.xac_thuc.tap
    levels: [3]
    title: {vi: Tường lửa khóa tài khoản, en: Firewalls lock accounts}
    confidence: memory
    kinds: [firewall]
    coverage: automated
    checks: [accounts.lockout]
    params:
      max_failed_logins: {levels: {3: 5}, origin: house, stricter: lower, unit: tries}
"""
ROOT_CHECK = """\
- id: remote_access.root
  title: {vi: root không vào thẳng, en: root does not log on}
  kinds: [server]
  severity: high
  assert: {fact: remote_access, field: permit_root_login, op: eq, value: "no"}
  examples:
  - {verdict: pass, seen: {remote_access: {permit_root_login: "no"}}}
  - {verdict: fail, seen: {remote_access: {permit_root_login: "yes"}}}
  - {verdict: unknown, seen: {}}
  remedy: {vi: Sửa, en: Mend}
- id: system_design.dmz
  title: {vi: Có DMZ, en: DMZ}
  kinds: [system]
  severity: high
  assert: {some: {fact: system_design, rows: zones, where: {field: type, op: eq, value: dmz}}}
  examples:
  - {verdict: pass, seen: {system_design: {zones: [{name: a, type: dmz}]}}}
  - {verdict: fail, seen: {system_design: {zones: []}}}
  - {verdict: unknown, seen: {}}
  remedy: {vi: Sửa, en: Mend}
"""
PACK = load_texts(
    texts(
        groups=GROUPS + MORE,
        checks=CHECKS.replace("kinds: [server, workstation]", "kinds: [server, workstation, firewall]") + ROOT_CHECK,
    )
)
HEAD = """\
name: Hệ thống thử
level: 3
baseline: toy
zones:
  - {id: dmz, type: dmz, addresses: [192.0.2.0/24]}
assets:
  - {name: web-01, kind: server, zone: dmz}
  - {name: web-02, kind: server, zone: dmz}
"""


def attestation(
    requirement: str = ROOT, state: str = "met", on: str = "2026-01-01", until: str = "2026-12-31", more: str = ""
) -> str:
    return f"  - {{requirement: {requirement}, state: {state}, by: A, role: B, on: {on}, until: {until}, document: C{more}}}\n"


def waiver(
    requirement: str = LOCKOUT, assets: str = "web-02", until: str = "2026-12-31", more: str = "", name: str = "MT-1"
) -> str:
    return (
        f"  - {{id: {name}, requirement: {requirement}, assets: [{assets}], type: accepted, measure: Chỉ vào từ vùng quản trị, "
        f"approved_by: A, second: B, on: 2026-01-01, until: {until}{more}}}\n"
    )


def system(attestations: str = "", waivers: str = "", excuses: str = "", head: str = HEAD) -> System:
    parts = (("attestations", attestations), ("waivers", waivers), ("not_applicable", excuses))
    return System.parse(head + "".join(f"{name}:\n{text}" for name, text in parts if text))


def machine(name: str = "web-01", tries: object = 5, root: str | None = "no", days: float = 1, **target: Any) -> Snapshot:
    """A server that locks after so many tries and lets root in or not."""
    facts = {"password_policy": {"failed_logins_before_lock": tries}, "remote_access": {"permit_root_login": root}}
    records = tuple(Record(fact=fact, outcome="seen", data=data) for fact, data in facts.items())
    at = AT - timedelta(days=days)
    return Snapshot(
        id=new_id(at.timestamp()),
        target=Target(name=name, **({"kind": Kind.SERVER} | target)),
        collected_at=at,
        seconds=0.1,
        collector="test",
        privileged=True,
        records=records,
        digest=digest_of(records),
    )


def silent(name: str = "web-01") -> Snapshot:
    """Nobody answered."""
    records = (Record(fact="password_policy", outcome="unreachable", reason="no answer"),)
    return machine(name).model_copy(update={"records": records})


def judged(*snapshots: Snapshot, at: datetime = AT, level: int = 3, **words: str) -> SystemAssessment:
    return judge_system(system(**words), snapshots, PACK, level, at)


def line(assessment: SystemAssessment, requirement: str) -> RequirementLine:
    return next(one for one in assessment.lines if one.requirement.id == requirement)
