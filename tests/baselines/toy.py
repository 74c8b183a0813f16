"""A pack of two requirements, small enough to read beside the tests that use it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from collectors.facts.base import Outcome
from collectors.model import Kind, Record, Snapshot, Target, digest_of, new_id

STANDARD = """\
id: toy
title: {vi: Bộ thử, en: Toy}
version: "1"
edition: TOY 1
status: {vi: Để thử, en: For tests}
levels:
  2: {title: {vi: Cấp độ 2, en: Level 2}}
  3: {title: {vi: Cấp độ 3, en: Level 3}}
"""

GROUPS = """\
groups:
- id: servers.authentication
  reference_id: may_chu.xac_thuc
  title: {vi: Xác thực, en: Authentication}
  part: technical
  clauses: {2: "6.2.2.1", 3: "7.2.2.1"}
  requirements:
  - id: servers.authentication.lockout
    reference_id: may_chu.xac_thuc.khoa
    levels: [2, 3]
    title: {vi: Khóa tài khoản, en: Lock accounts}
    confidence: derived
    kinds: [server]
    coverage: automated
    params:
      max_failed_logins: {levels: {2: 10, 3: 5}, origin: house, stricter: lower, unit: tries}
    checks: [accounts.lockout]
  - id: servers.authentication.review
    reference_id: may_chu.xac_thuc.ra_soat
    levels: [3]
    title: {vi: Rà soát, en: Review}
    confidence: memory
    kinds: []
    coverage: manual
    guidance: {vi: Biên bản, en: Minutes}
"""

CHECKS = """\
- id: accounts.lockout
  title: {vi: Khóa tài khoản khi đăng nhập sai, en: Accounts lock after failed log-ons}
  kinds: [server, workstation]
  severity: high
  assert: {fact: password_policy, field: failed_logins_before_lock, op: at_most, value: {param: max_failed_logins}}
  examples:
  - {verdict: pass, params: {max_failed_logins: 5}, seen: {password_policy: {failed_logins_before_lock: 5}}}
  - {verdict: fail, params: {max_failed_logins: 5}, seen: {password_policy: {failed_logins_before_lock: unlimited}}}
  - {verdict: unknown, params: {max_failed_logins: 5}, seen: {}}
  remedy: {vi: Đặt deny=5, en: Set deny=5}
"""


def texts(standard: str = STANDARD, groups: str = GROUPS, checks: str = CHECKS) -> dict[str, str]:
    return {"toy/standard.yaml": standard, "toy/servers.yaml": groups, "checks/password_policy.yaml": checks}


def snapshot(kind: Kind = Kind.SERVER, outcome: Outcome = "seen", version: int = 1, **facts: dict[str, Any]) -> Snapshot:
    """A snapshot holding these facts; with another outcome than seen it holds their names only."""
    records = tuple(
        Record(
            fact=name,
            version=version,
            outcome=outcome,
            data=data if outcome == "seen" else None,
            reason="" if outcome == "seen" else "why not",
        )
        for name, data in facts.items()
    )
    return Snapshot(
        id=new_id(),
        target=Target(name="toy", kind=kind),
        collected_at=datetime(2026, 11, 22, tzinfo=UTC),
        seconds=0.1,
        collector="test",
        privileged=True,
        records=records,
        digest=digest_of(records),
    )
