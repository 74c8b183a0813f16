"""Three provinces in a campaign, for tests: their machines report through the real doors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from server.background import delivery
from server.campaigns import freezing, leading
from server.campaigns.models import SCOPE, Campaign, Part, Row
from server.coverage.models import Expected
from server.ingest.models import EnrolmentToken, Machine, StoredSnapshot
from server.units.models import Membership, Unit, User
from tests.server import waivers
from tests.server.people import PASSWORD, Host, send

CHECKS = ["remote_access.no_root", "antivirus.present", "accounts.one_root"]
GOOD = {"permit_root_login": "no"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def letter(**changes: Any) -> dict[str, Any]:
    """What a letter of the kind says, in words of our own."""
    today = timezone.localdate()
    return {
        "number": "2070/BHXH-CNTT", "date": today - DAY, "subject": "Rà soát bản vá trước kỳ nghỉ", "issuer": "BHXH Việt Nam",
        "deadline": today + 5 * DAY, "grace_days": 3, "remind_days": [5, 2, 0], "kinds": ["server", "workstation"], "checks": CHECKS,
        "units": [], "contacts": [{"name": "Đội ứng cứu", "email": "ung-cuu@example.vn", "phones": "024.3000000"}], "roster": [],
        "lists": ["12/DS"], "note": "",
    } | changes  # fmt: skip


def running(unit: Unit, office: Unit, machine: Machine, mark: str) -> Part:
    """A campaign of `unit` in which `office` takes part, with that machine in its account; as the background leaves it."""
    today, now = timezone.localdate(), timezone.now()
    campaign = Campaign.objects.create(
        unit=unit, pattern="patches", number=f"so-{mark}", date=today, subject=mark, issuer=mark, state="running", deadline=today,
        started_at=now, frozen_at=now, made_by=mark, changed_by=mark, checks=["x"], kinds=["server"],
    )  # fmt: skip
    part = Part.objects.create(
        campaign=campaign, unit=office, name=office.name, path=office.path, answers=True, level=2, baseline="mini"
    )
    Row.objects.create(campaign=campaign, part=part, machine=machine, name=machine.name, kind="server")
    return part


class Land:
    """Three provinces with machines: of one all are mended later, of one some, of one nobody is heard of."""

    def __init__(self, client: Client, root: Unit) -> None:
        self.client, self.root, self.ago = client, root, timedelta(minutes=50)
        self.units = {name: Unit.objects.create(name=f"Tỉnh {name}", code=name, parent=root) for name in ("A", "B", "C")}
        self.hosts = {name: self.host(name) for name in ("a-1", "a-2", "b-1", "b-2", "b-3", "c-1")}
        for host in self.hosts.values():
            self.report(host.name, age=2 * HOUR)
        StoredSnapshot.objects.update(received_at=timezone.now() - 2 * HOUR)
        self.listed = Expected.objects.create(unit=self.units["C"], name="c-chưa-thấy", hostname="c-chua-thay", kind="server")
        self.excused = Expected.objects.create(unit=self.units["C"], name="c-thanh-lý", excuse="scrapped", excused_by="cũ")
        Expected.objects.update(first_at=timezone.now() - DAY)
        Machine.objects.update(created_at=timezone.now() - DAY)

    def host(self, name: str) -> Host:
        host = Host(name)
        _row, text = EnrolmentToken.issue(self.units[name[0].upper()], 1, 1, "test")
        assert host.enrol(self.client, text).status_code == 201
        return host

    def report(self, name: str, age: timedelta | None = None, **changes: Any) -> None:
        """Each of a later second than the one before: of one second nobody could say which is newer."""
        if age is None:
            self.ago -= timedelta(seconds=30)
            age = self.ago
        host = self.hosts[name]
        assert send(self.client, host.seal(host.snapshot(age=age, **changes))).status_code == 201

    def started(self, **changes: Any) -> Campaign:
        made = leading.make(self.root, "patches", letter(**changes), "người lập")
        leading.start(made, "người lập")
        # by a clock of the test's own: reports of now are of after the start
        Campaign.objects.filter(pk=made.pk).update(started_at=timezone.now() - HOUR)
        work()
        made.refresh_from_db()
        assert made.state == Campaign.RUNNING
        return made


def work() -> None:
    delivery.take("tests", 0.05, until_empty=True, signals=False)


def look(campaign: Campaign) -> dict[str, tuple[str, str]]:
    freezing.look(campaign, timezone.now())
    rows = Row.objects.filter(campaign=campaign, place=SCOPE).values_list("name", "state", "why")
    return {name: (state, why) for name, state, why in rows}


def closed(campaign: Campaign) -> Campaign:
    leading.close(campaign, "người lập")
    work()
    campaign.refresh_from_db()
    assert campaign.state == Campaign.CLOSED
    return campaign


def person(name: str, role: str = "", unit: Unit | None = None) -> User:
    user = User.objects.create_user(name, PASSWORD, must_change=False)
    if unit:
        Membership.objects.create(user=user, unit=unit, role=role)
    return user


def on(user: User) -> Client:
    client = waivers.on(user)
    client.cookies["rasoat_language"] = "en"
    return client


def body(response: Any) -> str:
    return (b"".join(response) if response.streaming else response.content).decode()
