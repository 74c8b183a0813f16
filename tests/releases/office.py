"""Fills a collector with something of everything: by its own commands, its pages, and reports that come in by its own door.

The machines of the register are those of the sample system (tests/systems): facts of recorded cases of Linux, Windows and
network devices. The others are the tests' own.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyotp
from django.test import Client
from django.utils import timezone

from collectors.facts.configuration import Configuration
from collectors.model import Record, Snapshot, digest_of, new_id
from collectors.seal import seal, unpack
from collectors.seal_delta import MEDIA_TYPE, make
from server.assess import packs
from server.cli import main
from server.evidence.making import sealing_keys
from server.ingest.models import Machine, StoredSnapshot
from server.registers.installed import Program
from tests.server import evidence, waivers
from tests.server.campaigns import GOOD, Land, closed, work
from tests.server.documents import ZONES, signed
from tests.server.feeding import PASSPHRASE, SAMPLES, Maker
from tests.server.people import PASSWORD, Host, made, send
from tests.server.registers import bring, given, on, sheet, take
from tests.server.sweeping import reports, software
from tests.server.test_rights import Place
from tests.systems import sample

BRANCH, MARK = "Trung tâm thử nghiệm", "mauthu"
STRICTER = "name: Sở\nparams:\n  access.password: {min_length: 16}\n"
RELEASES = Path(__file__).parents[2] / "collectors/devices/releases.yaml"
AGAIN = ("web-01", "web-03", "app-01", "core-01", "fw-01", "ws-03")
"""Targets that report twice: the second time as a difference."""
MORE = {
    "web-01": {
        "certificates": "debian12--nginx-shows-what-certbot-keeps",
        "software": "debian12--packages-from-elsewhere",
        "hardware": "debian12--virtual-machine-without-firmware-tables",
    },
    "ws-03": {"hardware": "windows11--laptop-with-wifi-bluetooth-and-a-stick"},
    "app-01": {"hardware": "rocky9--server-with-raid-sata-nvme-and-a-stick"},
}
"""Facts that come with the second report."""
OLD = (("policykit-1", "0.105-31"), ("zlib", "1.2.13"))
MENDED = (("policykit-1", "0.105-31.1"), ("zlib", "1.2.13"))
"""Packages of a machine, before and after its updates, by the words of tests/server/feeds/debian.json."""


def command(*words: str, well: tuple[int, ...] = (0,)) -> None:
    code = main([*words, "--lang", "vi"])
    assert code in well, f"rasoat server {' '.join(words)}: {code}"


class Office:
    """What was made, for whoever tells of it afterwards."""

    def __init__(self, work: Path) -> None:
        from server.units.models import Unit, User

        self.work, self.client = work, Client()
        self.root = Unit.objects.get(parent=None)
        self.admin = User.objects.get(username="admin")
        self.hosts: dict[str, Host] = {}
        self.maker: Maker

    def fill(self) -> None:
        # the campaigns first: their tests turn back when reports were received, of all that are there
        for step in (
            self.people, self.units, self.outlets, self.campaigns, self.places, self.station, self.reporting, self.registers, self.feeds,
            self.papers, self.background, self.mended,
        ):  # fmt: skip
            step()

    def people(self) -> None:
        """The administrator logs on and chooses a password; others have a second factor, an account elsewhere, a key."""
        from server.people.models import SecondFactor
        from server.signon.models import Identity, Tries
        from server.units.models import Membership, User

        self.admin.set_password(PASSWORD)
        self.admin.must_change = False
        self.admin.save()
        page = Client()
        assert page.post("/log-on/", {"username": "admin", "password": PASSWORD}).status_code == 302
        assert page.get("/").status_code == 200
        Client().post("/log-on/", {"username": "admin", "password": "không phải mật khẩu này"})
        for name, role in (("van-hanh", "operator"), ("duyet", "approver"), ("kiem-toan", "auditor"), ("xem", "viewer")):
            command("user", "new", name, "--name", f"Người {name}", "--role", role)
        User.objects.exclude(pk=self.admin.pk).update(must_change=False)
        second = User.objects.get(username="duyet")
        factor = SecondFactor.begin(second)
        assert factor.accepts(pyotp.TOTP(factor.secret).at(time.time()))
        factor.confirmed_at = timezone.now()
        factor.save()
        factor.new_recovery()
        Identity.objects.create(
            user=User.objects.get(username="kiem-toan"), kind="ldap", issuer="ldap", subject="5f1c", name="CN=Kiểm toán,DC=so,DC=example,DC=vn"
        )  # fmt: skip
        Tries.take("5f1d", 5, timedelta(minutes=5))
        command("user", "grant", "xem", "--role", "viewer", "--until", str(timezone.localdate() + timedelta(days=90)))
        assert Membership.objects.filter(until__isnull=False).exists()

    def units(self) -> None:
        from server.schedules import rollouts
        from server.units.models import Unit

        for name, code in (("Bệnh viện A", "BVA"), ("Bệnh viện B", "BVB"), ("Trạm C", "TC")):
            command("unit", "new", name, "--code", code, "--kind", "base_office", "--from", "2026-01-01")
        command("unit", "rename", "BVB", "Bệnh viện đa khoa B", "--decision", "01/QĐ", "--since", "2026-07-01")
        self.enrol(Host("may-tram-c"), Unit.objects.get(code="TC"))
        self.report(self.hosts["may-tram-c"], timedelta(days=40))
        Machine.objects.filter(name="may-tram-c").update(created_at=timezone.now() - timedelta(days=41))
        command("unit", "merge", "TC", "--into", "BVA", "--decision", "02/QĐ")
        command("unit", "new", BRANCH, "--code", "TN", "--baseline", "mini", "--level", "2")
        self.branch = Unit.objects.get(code="TN")
        self.hospital = Unit.objects.get(code="BVA")
        rollouts.start(self.branch, "admin", tailoring=STRICTER, percents=[100])
        command("schedule", "set", "BVA", "--interval", "1d", "--hours", "mon-fri 11:30-13:00", "--bandwidth", "64k")
        command("token", "new", "--unit", "BVA", "--uses", "20", "--hours", "2000", "--note", "Đợt 1")
        csv = self.work / "may.csv"
        csv.write_text("name,hostname\nweb-01,web-01\nmay-chua-thay,may-chua-thay\n", "utf-8")
        command("coverage", "import", str(csv), "--source", "csv", "--unit", "BVA")

    def places(self) -> None:
        """One of each thing there is, in the branch that is judged by a pack of its own."""
        from server.calendar.models import Setting
        from server.units.models import Unit

        self.place = Place.of(self.client, self.branch, MARK)
        waivers.asked(self.place["office"], self.admin, [self.place["machine"]])
        host = Host("may-co-cu")
        self.enrol(host, self.place["office"])
        for days, permit in ((40, "no"), (20, "yes"), (3, "no")):
            self.report(host, timedelta(days=days), permit_root_login=permit)
        config = ("hostname cũ\n", "hostname mới\n")
        for days, text in zip((40, 3), config, strict=True):
            told = made(Configuration, lines=1, digest=f"{days:064}", text=text, saved=days == 3)
            record = Record(fact="configuration", outcome="seen", data=told.model_dump(mode="json"))
            self.report(host, timedelta(days=days - 1), extra=(record,))
        assert send(self.client, host.seal(host.snapshot(), key=Host().key)).status_code == 401

        silent = [Host(f"may-im-{number}") for number in range(3)]
        for one in silent:
            self.enrol(one, Unit.objects.get(code="BVB"))
            self.report(one, timedelta(days=30))
        Setting.objects.create(unit=self.hospital, lead_days=[30, 7], on=[], off={"x": "không thuộc phạm vi"}, changed_by="admin")
        changed = given(unit=self.place["office"].pk, name="thiết bị đổi tên", version=1)
        page = on(self.admin)
        for book, one in (
            ("equipment", self.place["item"]),
            ("software", self.place["program"]),
            ("systems", self.place["system"]),
        ):
            said = changed | {"rules": "curl\n@Debian", "name": f"{one.name} (đổi)", "device_class": "printer"}
            assert page.post(f"/registers/{book}/{one.pk}/edit/", said).status_code == 302, book

    def enrol(self, host: Host, unit: Any) -> None:
        from server.ingest.models import EnrolmentToken

        assert host.enrol(self.client, EnrolmentToken.issue(unit, 1, 1, "admin")[1]).status_code == 201
        self.hosts[host.name] = host

    def report(self, host: Host, age: timedelta, **changes: Any) -> None:
        snapshot = host.snapshot(age, **changes)
        assert send(self.client, host.seal(snapshot, host.judged(snapshot))).status_code == 201

    def station(self) -> None:
        """A scan station reports what it saw on 40 targets; some of it a second time, as differences."""
        station = Host("tram-quet")
        self.enrol(station, self.hospital)
        known: dict[str, Snapshot] = {}
        for one in sample.snapshots():
            age = timedelta(days=60 if one.target.name == sample.STALE else 2)
            known[one.target.name] = fresh = self.of_now(one, age)
            assert send(self.client, self.sealed(station, fresh)).status_code == 201, one.target.name
        for name in AGAIN:
            before = known[name]
            newer = self.of_now(self.more(before), timedelta(hours=3))
            delta = make(unpack(self.sealed(station, newer)), station.agent, before.id, before.to_bytes())
            assert delta is not None
            assert send(self.client, delta, content_type=MEDIA_TYPE).status_code == 201, name

    @staticmethod
    def more(snapshot: Snapshot) -> Snapshot:
        """The same machine, looked at by a version that asks for more."""
        added = [
            sample._record(fact, sample.TESTS / "cases" / fact / case / "expected.json", sample.SEEN)
            for fact, case in MORE.get(snapshot.target.name, {}).items()
        ]
        records = (*snapshot.records, *added)
        return snapshot.model_copy(update={"records": records, "digest": digest_of(records)})

    @staticmethod
    def of_now(snapshot: Snapshot, age: timedelta) -> Snapshot:
        at = (timezone.now() - age).replace(microsecond=0)
        return snapshot.model_copy(update={"id": new_id(at.timestamp()), "collected_at": at})

    @staticmethod
    def sealed(host: Host, snapshot: Snapshot) -> bytes:
        return seal(snapshot.to_bytes(), host.agent, host.private, None)

    def reporting(self) -> None:
        """A machine with an agent that goes on after the release: what the tests report of it next."""
        host = Host("may-di-tiep")
        self.enrol(host, self.branch)
        self.report(host, timedelta(days=1))
        newer = host.snapshot(timedelta(hours=5), permit_root_login="no")
        assert send(self.client, host.seal(newer, host.judged(newer))).status_code == 201
        self.going_on = host, newer
        old = Host("may-cu-goi")
        self.enrol(old, self.branch)
        reports(self.client, old, software(*OLD), age=timedelta(hours=6))
        Program.objects.create(unit=self.branch, name="Polkit", rules="policykit-1", licence_count=1, created_by="admin")

    def registers(self) -> None:
        from server.registers.systems import Member, System

        told = sample.system().register
        system = System.objects.create(
            unit=self.hospital, name=told.name, code="HT01", level_proposed="3", kind="public", zones=ZONES, operator=self.hospital.name,
            created_by="admin",
        )  # fmt: skip
        main = {asset.name: asset.main for asset in told.assets}
        for machine in Machine.objects.filter(name__in=main, own=False):
            Member.objects.create(system=system, machine=machine, main=main[machine.name])
        page = on(self.admin)
        heading = ("Tên thiết bị", "Đơn vị sử dụng", "Số seri", "Ngày trang bị", "Thời hạn bảo hành")
        take(page, bring(page, self.hospital, sheet(heading, ("Máy in", "BVA", "S-1", "2024-05-02", "2027-05-02"))))
        command("register", "stocktake", "new", "Kiểm kê cuối năm", "--unit", "BVA", "--decision", "09/QĐ")
        command("machine", "retire", "ws-04", "--why", "Thanh lý")

    def feeds(self) -> None:
        """A bundle of what publishers say; a list of indicators and a letter, by the console."""
        self.maker = Maker(self.work / "maker")
        for name, kind, file in (
            ("debian", "debian", "debian.json"), ("kev", "kev", "kev.json"), ("epss", "epss", "epss.csv"), ("msrc", "msrc", "msrc.json"),
            ("csaf", "csaf", "csaf.json"), ("osv", "osv", "osv.jsonl"), ("windows", "windows", "windows.csv"),
            ("distro-info", "end-of-life", "debian.csv"), ("antivirus", "antivirus", "antivirus.csv"),

        ):  # fmt: skip
            self.maker.feed(name, kind, file)
        shutil.copy(RELEASES, self.maker.files)
        self.maker.feeds.append({"name": "network", "kind": "network", "file": RELEASES.name})
        self.maker.build(self.work / "feeds.zip")
        command("feed", "import", str(self.work / "feeds.zip"), "--fingerprint", self.maker.fingerprint, "--now")
        day = str(timezone.localdate() - timedelta(days=1))
        for kind, file in (("indicators", "indicators.csv"), ("warnings", "letter.csv")):
            words = ("--kind", kind, "--number", f"1/{kind}", "--date", day, "--issuer", "Cục ATTT", "--now")
            command("feed", "import-list", str(SAMPLES / file), *words)

    def campaigns(self) -> None:
        """One that is closed and one that runs."""
        from server.approvals import deciding
        from server.campaigns import excusing
        from server.campaigns.models import Row
        from server.units.models import User

        land = Land(self.client, self.branch)
        first = land.started()
        for name in ("a-1", "a-2", "b-1"):
            land.report(name, **GOOD)
        closed(first)
        second = land.started(number="2071/BHXH-CNTT")
        rows = [*Row.objects.filter(campaign=second, name="b-2").select_related("part__unit")]
        asked = excusing.ask(second, rows, self.admin, "Thiết bị y tế, hãng không cho cập nhật", "17/BVA")
        deciding.approve(asked.pk, User.objects.get(username="duyet"), asked.digest)
        for row in StoredSnapshot.objects.select_related("agent"):
            StoredSnapshot.objects.filter(pk=row.pk).update(received_at=row.agent.enrolled_at + timedelta(seconds=1))
        self.hosts |= land.hosts

    def outlets(self) -> None:
        """One that is told of verdicts and waits: what it has not delivered is kept."""
        from server.outlets import making
        from server.outlets.making import Wish
        from server.outlets.models import Outlet

        wish = Wish("webhook", "Phòng trực", "https://203.0.113.9/hook", tells=("alarms", "verdicts"), severity=1, direction="both", secret=PASSPHRASE)  # fmt: skip
        waiting = making.make(self.branch, wish, "admin")
        command("outlet", "pause", str(waiting.pk))
        assert Outlet.objects.exists()
        command("views", "make")

    def papers(self) -> None:
        signed(self.root)
        signed(self.hospital)
        signed(self.branch)
        out = self.work / "papers"
        out.mkdir()
        month = f"{timezone.localdate():%Y-%m}"
        command("dossier", "report", "executive", "--unit", "BVA", "--output", str(out / "1.docx"), well=(0, 1))
        command("dossier", "report", "monthly", "--unit", "TN", "--period", month, "--output", str(out / "2.docx"), well=(0, 1))
        command("dossier", "level", "HT01", "--output", str(out / "3.docx"), well=(0, 1))
        command("dossier", "routine", "add", "--unit", "BVA", "--kind", "monthly")
        own = frozenset(packs.get(name).digest for name in packs.names())
        for code in ("BVA", "BVB", "B"):
            bundle = self.work / "evidence.zip"
            bundle.unlink(missing_ok=True)
            command("evidence", "make", "--unit", code, "--output", str(bundle))
            found = evidence.checked(bundle, packs=own)
            if evidence.code(found) == 0:
                return
            sys.stderr.write("\n".join(str(line) for line in found.lines if line.outcome not in ("holds", "note")) + "\n")
        raise AssertionError("no bundle holds")

    def background(self) -> None:
        """Everything a worker does in a day, done once."""
        from server.background.declare import TASKS
        from server.background.periodic import COLLECTOR, TABLE, ask
        from server.coverage.models import Expected

        Expected.objects.filter(name="may-chua-thay").update(first_at=timezone.now() - timedelta(days=9))
        ask(starting=True)
        for entry in TABLE:
            TASKS[entry.task].enqueue(by=COLLECTOR, key=entry.task)
        with patch("server.outlets.reach.socket.getaddrinfo", side_effect=OSError("no names here"), create=True):
            work()

    def mended(self) -> None:
        """A machine installs its updates: what it had, it has no longer."""
        from server.background.declare import TASKS

        reports(self.client, self.hosts["may-cu-goi"], software(*MENDED), age=timedelta(minutes=5))
        for name in ("matching.match", "registers.read", "findings.count", "search.catch-up"):
            TASKS[name].enqueue(by="admin", key=name)
        work()


def told(office: Office) -> dict[str, Any]:
    """What tests need to know of it: who goes on reporting, and how one comes in."""
    host, newest = office.going_on
    return {
        "host": {"name": host.name, "agent": host.agent, "key": base64.b64encode(host.private).decode(), "snapshot": newest.id},
        "feed_root": office.maker.fingerprint,
        "evidence_key": sealing_keys().public.fingerprint,
        "packs": {name: packs.get(name).digest for name in packs.names()},
        "password": PASSWORD,
    }


def stored() -> dict[str, Any]:
    """What every stored report says, opened: differences too."""
    rows = StoredSnapshot.objects.select_related("agent", "base").order_by("pk")
    return {"snapshots": {row.pk: hashlib.sha256(row.open().snapshot).hexdigest() for row in rows}}
