"""The headings of every page: what is offered can be opened, and says where one is."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from server.units.models import Membership
from server.web.navigation import GROUPS, offered
from tests.server.waivers import on

pytestmark = pytest.mark.django_db
PAGES = [page for group in GROUPS for page in group.pages]
LINK = re.compile(r'<a href="([^"]+)"(?: aria-current="(\w+)")?>([^<]+)</a>')


def headings(page: str) -> dict[str, list[tuple[str, str, str]]]:
    """Name of the list -> its links."""
    return {
        name: LINK.findall(links)
        for name, links in re.findall(r'<nav (?:class="sub" )?aria-label="([^"]+)">(.*?)</nav>', page, re.S)
    }


def test_each_page_stands_in_one_place() -> None:
    assert len({page.nav for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("role", [role for role, _word in Membership.ROLES])
def test_what_is_offered_can_be_opened_and_says_where_one_is(person, role: str) -> None:
    user = person("người", "north", role)
    client = on(user)
    for group in offered(user):
        for page in group.pages:
            answer = client.get(reverse(page.name), follow=True)
            assert answer.status_code == 200, page.nav
            found = headings(answer.content.decode())
            first = [(url, current) for url, current, _title in found["Trình đơn chính"]]
            assert [current for _url, current in first].count("true" if len(group.pages) > 1 else "page") == 1, page.nav
            assert [url for url, _current in first] == [reverse(one.pages[0].name) for one in offered(user)]
            if len(group.pages) > 1:
                second = found[str(group.title)]
                assert [url for url, current, _title in second if current == "page"] == [reverse(page.name)], page.nav
                assert len(second) == len(group.pages)


def test_what_a_person_may_not_do_is_not_offered(person) -> None:
    names = {
        role: {page.nav for group in offered(person(role, "north", role)) for page in group.pages}
        for role, _word in Membership.ROLES
    }
    every = {page.nav for page in PAGES}
    assert names["admin"] == every
    assert every - names["viewer"] >= {"tokens", "enrolment-waiting", "outlets", "jobs", "journal"}
    assert "journal" in names["auditor"]
    assert "enrolment-waiting" in names["approver"]
    assert "enrolment-waiting" not in names["auditor"]


def test_a_page_under_no_heading_shows_the_groups_alone(person) -> None:
    found = headings(on(person("lan")).get(reverse("keys")).content.decode())
    assert list(found) == ["Trình đơn chính"]
    assert {current for _url, current, _title in found["Trình đơn chính"]} == {""}
