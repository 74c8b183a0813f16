"""People who ask for waivers, people who agree, and what they ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from server.approvals import deciding, files
from server.approvals.models import Request
from server.ingest.models import Machine
from server.units.models import Unit, User
from server.waivers import asking
from server.waivers.asking import Wish
from server.waivers.models import Waiver

REQUIREMENT, CHECK = "access.root", "remote_access.no_root"
"""What every machine of the tests fails at level 2 of the mini pack."""
WHAT = f"{REQUIREMENT}|{CHECK}"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\n"


def wish(days: int = 30, begin: int = 0, **changes: Any) -> Wish:
    on = timezone.localdate() + timedelta(days=begin)
    given = {
        "requirement": REQUIREMENT, "check": CHECK, "type": "compensating", "reason": "Phần mềm nghiệp vụ cần đăng nhập root.",
        "measure": "Chỉ máy quản trị được phép kết nối SSH.", "document": "12/QĐ-CNTT", "on": on, "until": on + timedelta(days=days - 1),
    }  # fmt: skip
    return Wish(**given | changes)


def form(days: int = 30, **changes: Any) -> dict[str, Any]:
    """The same as a browser sends it, for one machine."""
    asked = wish(days)
    given = {
        **asked._asdict(),
        "what": WHAT,
        "on": asked.on.isoformat(),
        "until": asked.until.isoformat(),
        "system": "",
        "others": "",
    }
    return given | changes


def paper(name: str = "quyết định.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "application/pdf")


def asked(unit: Unit, by: User, machines: list[Machine] | None = None, **changes: Any) -> Request:
    return asking.ask(unit, by, wish(**changes), machines or [])


def granted(unit: Unit, by: User, second: User, machines: list[Machine] | None = None, **changes: Any) -> Waiver:
    request = asked(unit, by, machines, **changes)
    deciding.approve(request.pk, second, request.digest)
    return request.waiver


def with_file(unit: Unit, by: User, second: User, machine: Machine) -> Waiver:
    request = asking.ask(unit, by, wish(), [machine], file=files.Kept("giay.pdf", "pdf", PDF))
    deciding.approve(request.pk, second, request.digest)
    return request.waiver


def on(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
