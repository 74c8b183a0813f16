"""Pages of long lists: each way finds what Django's own does."""

from __future__ import annotations

import pytest
from django.core.paginator import Paginator

from server.units.models import Unit
from server.web.paging import AtOnce, Keyed

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


@pytest.mark.parametrize("number", [None, "", "1", "2", "3", "9", "x", "-1", "²", "9" * 30])
@pytest.mark.parametrize("many", [0, 1, 4, 5])
def test_a_page_is_the_same_found_by_keys_or_at_once(number: str | None, many: int) -> None:
    for place in range(many):
        Unit.objects.create(name=f"Phòng {place}")
    found = Unit.objects.order_by("-name")
    plain = Paginator(found, 2).get_page(number)
    for page in (AtOnce(found, 2).get_page(number), Keyed(found, Unit.objects.all(), 2).get_page(number)):
        assert [one.name for one in page] == [one.name for one in plain]
        assert (page.number, page.paginator.num_pages, page.paginator.count) == (plain.number, plain.paginator.num_pages, many)
