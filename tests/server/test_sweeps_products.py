"""What letters say of updates, products and versions, held against what stored reports tell of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.updates import PendingUpdate, Updates
from collectors.model import Kind, Record
from server.feeds.models import Superseded, WindowsBuild
from server.sweeps.codes import CANNOT_TELL, CLOSED, NOT_AFFECTED, OPEN
from tests.server import sweeping
from tests.server.feeds_given import given
from tests.server.people import made
from tests.server.sweeping import data, letter, one, record, reports, software, told
from tests.server.test_matching_stored import match

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]


def identity(os_id: str, family: str, version: str = "", **fields: Any) -> Record:
    return record(made(Identity, hostname="x", os_id=os_id, os_name=os_id, os_version=version, os_family=family, **fields))


def windows(build: str, pending: tuple[str, ...] | None = (), programs: tuple[tuple[str, str], ...] = ()) -> tuple[Record, ...]:
    missing = None if pending is None else tuple(
        made(PendingUpdate, name=kb, arch="", installed="", candidate="", security=True, held=False, phased=False) for kb in pending
    )  # fmt: skip
    return (
        identity("windows-server", "windows", "2022", kernel_release=f"10.0.{build}"),
        record(made(Updates, manager="windows-update", running_kernel=build, pending=missing)),
        software(*programs, manager="windows", origin=None),
    )


# ── updates of Windows ───────────────────────────────────────────────────────────────────────────────────────────────


DAY = date(2026, 11, 10)
TABLE = (
    WindowsBuild(build=20348, series="server", ubr=4405, kb="KB5070001", released=DAY, security=True),
    WindowsBuild(build=17763, series="server", ubr=8027, kb="KB5070002", released=DAY, security=True),
    WindowsBuild(build=26100, series="server", ubr=7171, kb="KB5070003", released=DAY, security=True),
    Superseded(kb="KB5060001", by="KB5070009"),
)


@pytest.mark.parametrize(
    ("build", "pending", "kb", "expected"),
    [
        ("20348.4405", (), "KB5070001", (NOT_AFFECTED, "update-there")),
        ("20348.4400", (), "KB5070001", (OPEN, "build-below")),
        ("20348.4400", (), "KB5070001 KB5070002", (OPEN, "build-below")),
        ("20348.4405", (), "KB5070002", (NOT_AFFECTED, "other-build")),
        ("19045.1", (), "KB5070002", (CANNOT_TELL, "update-not-known")),  # the data know no update of this build
        ("20348.4405", ("KB5069999",), "KB5069999", (OPEN, "update-missing")),
        ("20348.4405", ("KB5070009",), "KB5060001", (OPEN, "update-missing")),
        ("20348.4405", (), "KB5069999", (CANNOT_TELL, "update-not-known")),
        ("20348.4405", None, "KB5069999", (CANNOT_TELL, "updates-not-seen")),
    ],
)
def test_updates_are_told_by_the_build_and_by_what_windows_misses(
    client: Any, host: Any, build: str, pending: tuple[str, ...] | None, kb: str, expected: tuple[str, str]
) -> None:
    given("windows", *TABLE, kind="windows", limit=45)
    machine = reports(client, host, *windows(build, pending))
    warned = letter({"kb": kb})
    assert told(warned, machine) == [expected]


@pytest.mark.parametrize(
    ("build", "ubr", "expected"),
    [
        ("20348.4400", 4300, (NOT_AFFECTED, "by-data")),  # the table names a lower build now
        ("20348.4405", 4405, (CLOSED, "")),
        ("20348.4410", 4402, (CLOSED, "")),
    ],
)
def test_another_table_of_builds_closes_nothing(client: Any, host: Any, build: str, ubr: int, expected: tuple[str, str]) -> None:
    given("windows", *TABLE, kind="windows", limit=45)
    reports(client, host, *windows("20348.4400"), age=timedelta(hours=2))
    warned = letter({"kb": "KB5070001"})
    row = WindowsBuild(build=20348, series="server", ubr=ubr, kb="KB5070001", released=DAY, security=True)
    given("windows", row, *TABLE[1:], kind="windows", limit=45)
    machine = reports(client, host, *windows(build))
    match()
    sweeping.weigh()
    assert [(each.state, each.note) for each in one(warned, machine).standings] == [expected]


def test_an_update_of_windows_is_no_matter_of_other_systems_once_the_system_was_seen(
    client: Any, host: Any, another: Any
) -> None:
    given("windows", *TABLE, kind="windows", limit=45)
    debian = reports(client, host, software())
    unseen = reports(client, another("may-2"), Record(fact="identity", outcome="denied", reason="no"))
    warned = letter({"kb": "KB5070001", "product": "Windows Server 2022"})
    assert told(warned, debian) == [(NOT_AFFECTED, "other-system")]
    assert told(warned, unseen) == [(CANNOT_TELL, "system-not-seen")]


# ── products and versions ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"product": "7-Zip", "version": "trước 24.07"}, (OPEN, "version-below")),
        ({"product": "7-Zip", "fixed_version": "24.07"}, (OPEN, "version-below")),
        ({"product": "7-zip", "version": "trước 22.01"}, (NOT_AFFECTED, "version-clear")),
        ({"product": "7-Zip", "version": "22 trở về trước"}, (CANNOT_TELL, "version-no-rule")),  # 22.01 may be meant
        ({"product": "7-Zip", "version": "22.00", "fixed_version": "24.07"}, (CANNOT_TELL, "version-no-rule")),  # lies between
        ({"product": "7-Zip", "version": "22.00", "fixed_version": "22.01"}, (NOT_AFFECTED, "version-clear")),
        ({"product": "7-Zip", "version": "bản cũ"}, (CANNOT_TELL, "version-not-read")),
        ({"product": "7-Zip"}, (CANNOT_TELL, "version-not-said")),
        ({"product": "Google Chrome", "version": "< 131"}, (CANNOT_TELL, "name-not-known")),
        ({"product": "WinRAR Zip"}, (CANNOT_TELL, "name-alike")),
        ({"product": "FortiOS", "version": "trước 7.2.7"}, (NOT_AFFECTED, "other-system")),
        ({"product": "Windows Server 2022"}, (CANNOT_TELL, "nothing-named")),
    ],
)
def test_programs_of_windows_by_their_makers_versions(
    client: Any, host: Any, item: dict[str, str], expected: tuple[str, str]
) -> None:
    machine = reports(client, host, *windows("20348.4405", programs=(("7-Zip 22.01 (x64)", "22.01"),)))
    assert told(letter(item), machine) == [expected]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"product": "OpenSSL", "version": "< 3.0.15"}, (CANNOT_TELL, "own-versions")),  # mended within 3.0.14
        ({"product": "OpenSSL", "version": "< 3.0.14"}, (NOT_AFFECTED, "version-clear")),
        ({"product": "zlib", "version": "< 9"}, (NOT_AFFECTED, "not-installed")),
        ({"product": "Apache Tomcat", "version": "< 9"}, (CANNOT_TELL, "name-not-known")),
        ({"product": "Oracle", "version": "< 9"}, (CANNOT_TELL, "name-alike")),
    ],
)
def test_packages_of_a_distribution_are_mended_within_its_own_versions(
    client: Any, host: Any, item: dict[str, str], expected: tuple[str, str]
) -> None:
    data()
    machine = reports(client, host, software(("openssl", "3.0.14-1~deb12u2"), others=("oracle-instantclient",)))
    match()
    assert told(letter(item), machine) == [expected]


def test_a_package_of_its_maker_is_compared_by_its_makers_version(client: Any, host: Any) -> None:
    data()
    machine = reports(client, host, software(("docker-ce", "5:27.5.1-1~debian.12~bookworm"), origin="Docker"))
    match()
    warned = letter({"product": "docker-ce", "version": "< 28.0"}, {"product": "docker-ce", "version": "< 27.5"})
    assert told(warned, machine) == [(OPEN, "version-below"), (NOT_AFFECTED, "version-clear")]


def test_without_a_list_of_packages_no_product_is_ruled_out(client: Any, host: Any) -> None:
    data()
    machine = reports(client, host)
    match()
    assert told(letter({"product": "zlib", "version": "< 9"}), machine) == [(CANNOT_TELL, "packages-not-seen")]


@pytest.mark.parametrize(
    ("version", "fixed", "expected"),
    [
        ("7.2.0 - 7.2.6; 7.4.0 - 7.4.2", "", (OPEN, "version-below")),
        ("7.2.0 đến 7.2.4", "", (NOT_AFFECTED, "version-clear")),
        ("7.2.0 đến 7.2.4", "7.2.7", (NOT_AFFECTED, "version-clear")),
        ("7.2.0", "7.2.7", (CANNOT_TELL, "version-no-rule")),  # lies between the one that is named and the mended one
        ("7.2.0", "7.2.5", (NOT_AFFECTED, "version-clear")),
        ("7.4.0 đến 7.4.2", "", (CANNOT_TELL, "train-not-known")),
        ("tất cả phiên bản", "", (OPEN, "version-below")),
        ("7.2", "", (CANNOT_TELL, "version-no-rule")),
    ],
)
def test_releases_of_network_systems_compare_within_their_train(
    client: Any, another: Any, version: str, fixed: str, expected: tuple[str, str]
) -> None:
    wall = another("tuong-lua", kind=Kind.FIREWALL)
    seen = record(made(Firmware, version="7.2.5"))
    machine = reports(client, wall, identity("fortinet_fortios", "network", "7.2.5"), seen)
    assert told(letter({"product": "FortiGate", "version": version, "fixed_version": fixed}), machine) == [expected]
