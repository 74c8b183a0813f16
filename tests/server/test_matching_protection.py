"""Protection against malware is held against the site's table: behind, nothing newer known, or not known; never current for want of data."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from collectors.facts.antivirus import Antivirus, AntivirusProduct
from collectors.model import Record
from server.feeds.matching import protection
from server.feeds.matching.codes import PROTECTION_TITLES
from server.feeds.matching.protection import BEHIND, CURRENT, UNKNOWN, Newest, Standing, Table, standings
from server.feeds.models import AntivirusRelease
from server.ingest.models import Machine
from tests.server.feeds_given import given
from tests.server.people import Host, made, send

TODAY = date(2026, 11, 29)
TABLE = Table(
    {"clamav": (Newest("1.0.9"), Newest("1.4.3", TODAY)), "withsecure": (Newest("", TODAY),), "x": (Newest("R7"),)}, TODAY
)


def stands(known: Table = TABLE, **told: Any) -> Standing:
    row = {
        "id": "clamav",
        "name": "ClamAV",
        "version": "1.4.3",
        "signatures_dated": "2026-11-28T23:00:00Z",
        "has_signatures": True,
    }
    (found,) = standings([row | told], known)
    return found


@pytest.mark.parametrize(
    ("told", "version", "signatures", "why"),
    [
        ({}, CURRENT, CURRENT, ()),
        ({"version": "1.4.10"}, CURRENT, CURRENT, ()),
        ({"version": "1.4.2"}, BEHIND, CURRENT, ()),
        ({"version": "1.0.9"}, CURRENT, CURRENT, ()),  # the train of long support has a row of its own
        ({"version": "1.0.8"}, BEHIND, CURRENT, ()),
        ({"version": "1.3.9"}, BEHIND, CURRENT, ()),  # no row of its train: the newest of all
        ({"version": "1.4.3.0"}, CURRENT, CURRENT, ()),
        ({"version": None}, UNKNOWN, CURRENT, ("version-not-seen",)),
        ({"version": "1.4.3-rc1"}, UNKNOWN, CURRENT, ("no-order",)),
        ({"signatures_dated": "2026-11-26T00:00:00Z"}, CURRENT, CURRENT, ()),
        ({"signatures_dated": "2026-11-25T23:00:00Z"}, CURRENT, BEHIND, ()),
        ({"signatures_dated": None}, CURRENT, UNKNOWN, ("signatures-not-seen",)),
        ({"signatures_dated": None, "has_signatures": False}, CURRENT, BEHIND, ()),
        ({"id": "withsecure", "version": "25.1"}, UNKNOWN, CURRENT, ("version-not-in-table",)),
        ({"id": "bkav"}, UNKNOWN, UNKNOWN, ("not-in-table",)),
        ({"id": "x", "version": "R7"}, CURRENT, UNKNOWN, ("signatures-not-in-table",)),
        ({"id": "x", "version": "R6"}, UNKNOWN, UNKNOWN, ("no-order", "signatures-not-in-table")),
    ],
)
def test_what_is_behind_and_what_is_not_known(told: dict[str, Any], version: str, signatures: str, why: tuple[str, ...]) -> None:
    found = stands(**told)
    assert (found.version, found.signatures, found.why) == (version, signatures, why)


def test_one_half_that_is_not_known_is_never_current_and_never_hides_the_other() -> None:
    assert stands().answer == CURRENT
    assert stands(version=None).answer == stands(signatures_dated=None).answer == stands(id="bkav").answer == UNKNOWN
    assert stands(version=None, has_signatures=False, signatures_dated=None).answer == BEHIND
    assert all(stands(Table({}, None, why)).answer == UNKNOWN for why in ("no-table", "table-old"))


def test_every_word_has_a_text() -> None:
    words = {BEHIND, UNKNOWN, CURRENT, "no-table", "table-old", "not-in-table"}
    words |= {"version-not-in-table", "version-not-seen", "no-order", "signatures-not-in-table", "signatures-not-seen"}
    assert set(PROTECTION_TITLES) == words


@pytest.mark.django_db
def test_a_table_over_its_limit_carries_nothing() -> None:
    today = timezone.localdate()
    assert protection.table(today).why == "no-table"
    given("antivirus", AntivirusRelease(product="clamav", version="1.4.3"), kind="antivirus", age=14)
    assert protection.table(today) == Table({"clamav": (Newest("1.4.3"),)}, today - timedelta(days=14))
    assert protection.table(today + timedelta(days=1)) == Table({}, None, "table-old")


@pytest.mark.django_db
def test_the_page_says_what_is_behind_and_what_is_not_known(as_admin: Client, host: Host) -> None:
    ages = iter(range(9, 0, -1))

    def page(products: Any, **gaps: Any) -> str:
        fact = made(Antivirus, products=products)
        data = fact.model_dump(mode="json") | gaps
        seen = host.snapshot(timedelta(hours=next(ages)), extra=(Record(fact="antivirus", outcome="seen", data=data),))
        records = tuple(one for one in seen.records[:-1] if one.fact != "antivirus") + seen.records[-1:]
        assert send(as_admin, host.seal(seen.model_copy(update={"records": records}))).status_code == 201
        response = as_admin.get(f"/machines/{Machine.objects.get().pk}/vulnerabilities/")
        assert response.status_code == 200
        return response.content.decode()

    old = made(AntivirusProduct, id="clamav", name="ClamAV", version="1.4.2", running=True, realtime=True, signatures_dated=None)
    assert "Chưa nhập bảng phiên bản" in page((old,))
    given("antivirus", AntivirusRelease(product="clamav", version="1.4.3"), kind="antivirus")
    shown = page((old,))
    assert "cũ hơn bản mới nhất đã biết" in shown
    assert "1.4.3" in shown
    assert "Bảng không có phần mềm này." in page((old.model_copy(update={"id": "bkav", "name": "Bkav"}),))
    assert "Không tìm thấy phần mềm phòng chống mã độc nào." in page(())
    gap = {"field": "products", "outcome": "denied", "reason": "quyền không đủ"}
    blind = page(None, unseen=[gap])
    assert "quyền không đủ" in blind
    assert "Không tìm thấy phần mềm" not in blind
