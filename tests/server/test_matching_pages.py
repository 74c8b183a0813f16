"""What people see of vulnerabilities: worst first, what is not known beside it, and nothing of another part of the tree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.feeds.codes import OPEN
from server.feeds.matching.models import Carried, Matched
from server.feeds.models import Affected, Exploited, Likelihood, Vulnerability
from server.ingest.models import Machine
from server.ingest.serving import serving
from tests.server.feeds_given import given, mended
from tests.server.test_matching_stored import match, reports

pytestmark = pytest.mark.django_db

ATTACKED, LIKELY, QUIET = "CVE-2024-1086", "CVE-2026-2", "CVE-2026-3"


@pytest.fixture
def fleet(client: Client, another: Any) -> dict[str, Machine]:
    """One machine in the north with all three, one in the south with the quiet one alone."""
    rows = [
        mended("a", "2-1", ATTACKED),
        mended("b", "2-1", LIKELY),
        Affected(ecosystem="debian:12", package="c", identifier=QUIET, state=OPEN),
    ]
    given("debian", *rows, Vulnerability(identifier=QUIET, title="lỗi nhỏ", severity=1))
    given("kev", Exploited(identifier=ATTACKED, added=timezone.localdate(), ransomware=True), kind="kev")
    given(
        "epss",
        Likelihood(identifier=LIKELY, epss=0.5, percentile=0.9),
        Likelihood(identifier=QUIET, epss=0.001, percentile=0.1),
        kind="epss",
    )
    found = {
        "north": reports(client, another("may-bac", "north"), ("a", "1-1"), ("b", "1-1"), ("c", "1-1")),
        "south": reports(client, another("may-nam", "south"), ("c", "1-1")),
    }
    match()
    return found


def seen(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def test_a_machine_shows_what_to_mend_first(fleet: dict[str, Machine], as_admin: Client) -> None:
    page = seen(as_admin, f"/machines/{fleet['north'].pk}/vulnerabilities/")
    assert page.index(ATTACKED) < page.index(LIKELY) < page.index(QUIET)
    assert "không có nghĩa là an toàn" in page
    assert "debian" in page
    fixable = seen(as_admin, f"/machines/{fleet['north'].pk}/vulnerabilities/?answer=fix")
    assert ATTACKED in fixable
    assert QUIET not in fixable


def test_the_list_begins_with_what_is_attacked_and_finds_the_rest_by_number(fleet: dict[str, Machine], as_admin: Client) -> None:
    page = seen(as_admin, "/vulnerabilities/")
    assert ATTACKED in page
    assert LIKELY not in page
    assert LIKELY in seen(as_admin, "/vulnerabilities/?shown=likely")
    assert QUIET in seen(as_admin, "/vulnerabilities/?q=2026-3")


def test_one_vulnerability_names_its_machines(fleet: dict[str, Machine], as_admin: Client) -> None:
    page = seen(as_admin, f"/vulnerabilities/{QUIET}/")
    assert "may-bac" in page
    assert "may-nam" in page
    assert as_admin.get("/vulnerabilities/CVE-1999-1/").status_code == 404


def test_everybody_sees_their_own_part(fleet: dict[str, Machine], person: Any) -> None:
    client = Client()
    client.force_login(person("nam", "south"), backend="django.contrib.auth.backends.ModelBackend")
    page = seen(client, f"/vulnerabilities/{QUIET}/")
    assert "may-nam" in page
    assert "may-bac" not in page
    assert client.get(f"/vulnerabilities/{ATTACKED}/").status_code == 404, "that somebody else has it is not theirs to know"
    assert ATTACKED not in seen(client, "/vulnerabilities/?shown=likely")
    assert client.get(f"/machines/{fleet['north'].pk}/vulnerabilities/").status_code == 404


def test_a_machine_out_of_service_is_counted_nowhere(fleet: dict[str, Machine], as_admin: Client) -> None:
    Machine.objects.filter(pk=fleet["north"].pk).update(retired_at=timezone.now())
    assert ATTACKED not in seen(as_admin, "/vulnerabilities/")
    assert as_admin.get(f"/vulnerabilities/{ATTACKED}/").status_code == 404


@pytest.mark.on_both
@pytest.mark.parametrize("retired", [None, "north", "south"])
@pytest.mark.parametrize("whose", ["root", "north"])
@pytest.mark.parametrize("of", [None, "root", "north", "south"])
def test_the_way_for_the_whole_tree_finds_what_the_way_for_a_part_finds(
    fleet: dict[str, Machine], tree: Any, person: Any, retired: str | None, whose: str, of: str | None
) -> None:
    if retired:
        Machine.objects.filter(pk=fleet[retired].pk).update(retired_at=timezone.now())
    user, unit = person("lan", whose), tree[of] if of else None
    places = {name for name in fleet if whose in ("root", name) and of in (None, "root", name) and name != retired}
    expected = {fleet[name].pk for name in places}
    assert set(serving(Matched.objects.all(), user, unit).values_list("machine", flat=True)) == expected
    assert set(serving(Carried.objects.all(), user, unit).values_list("machine", flat=True)) == expected


def test_a_page_counts_what_it_shows(fleet: dict[str, Machine], as_admin: Client) -> None:
    """The quiet one is on two machines: of each number the page of one tells the same as the list."""
    held = {row.weakness.identifier: (row.machines, row.since) for row in as_admin.get("/vulnerabilities/?q=CVE").context["rows"]}
    assert {name: machines for name, (machines, _since) in held.items()} == {ATTACKED: 1, LIKELY: 1, QUIET: 2}
    for name, (machines, since) in held.items():
        told = as_admin.get(f"/vulnerabilities/{name}/").context
        assert told["machines"] == machines
        assert min(row.since for row in told["page"]) == since
        assert len(told["page"]) == told["page"].paginator.count == machines


def test_nothing_known_is_not_nothing_found(client: Client, host: Any, as_admin: Client) -> None:
    machine = reports(client, host, ("a", "1-1"))
    url = f"/machines/{machine.pk}/vulnerabilities/"
    assert "Chưa đối chiếu" in seen(as_admin, url)
    match()
    page = seen(as_admin, url)
    assert "Không có nguồn dữ liệu nào" in page
    assert "không có nghĩa là không có lỗ hổng" in page


def test_that_none_is_exploited_is_not_said_without_a_list_of_those(client: Client, host: Any, as_admin: Client) -> None:
    given("debian", mended("a", "2-1"))
    machine = reports(client, host, ("a", "1-1"))
    match()
    for url in (f"/machines/{machine.pk}/vulnerabilities/", "/vulnerabilities/"):
        page = seen(as_admin, url)
        assert "không thấy được" in page
        assert "(KEV) còn hiệu lực" in page
    given("kev", Exploited(identifier="CVE-1999-1", added=timezone.localdate()), kind="kev", limit=30)
    match()
    for url in (f"/machines/{machine.pk}/vulnerabilities/", "/vulnerabilities/"):
        assert "(KEV) còn hiệu lực" not in seen(as_admin, url)


def test_a_machine_shows_how_old_its_facts_are_and_when_they_were_matched(client: Client, host: Any, as_admin: Client) -> None:
    given("debian", mended("a", "2-1"))
    machine = reports(client, host, ("a", "1-1"), age=timedelta(days=3))
    match()
    url = f"/machines/{machine.pk}/vulnerabilities/"
    page = seen(as_admin, url)
    assert "(3 ngày trước)" in page
    assert "Đối chiếu lúc" in page
    assert "chưa được đối chiếu" not in page
    reports(client, host, ("a", "2-1"))
    assert "chưa được đối chiếu" in seen(as_admin, url)
    Matched.objects.update(snapshot="gone")
    assert "không biết đã cũ bao lâu" in seen(as_admin, url)


def test_data_over_their_limit_are_said_to_be(fleet: dict[str, Machine], as_admin: Client) -> None:
    url = f"/machines/{fleet['north'].pk}/vulnerabilities/"
    assert "quá hạn" not in seen(as_admin, url)
    Matched.objects.update(carries_until=timezone.localdate() - timedelta(days=1))
    assert "quá hạn" in seen(as_admin, url)
