"""Two people change the tree in the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from server.units import operations
from server.units.models import Unit
from server.units.operations import By, Inconsistent

BY, DAY = By("người-thử"), date(2025, 7, 1)


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_make_no_circle() -> None:
    """Each alone is sound; whoever comes second must see what the first one did."""
    root = operations.create("Gốc", None, BY)
    one, two = (operations.create(name, root, BY, code=name) for name in ("A", "B"))
    both_began = threading.Barrier(2)

    def put(unit: Unit, parent: Unit) -> str:
        try:
            both_began.wait(timeout=30)
            operations.move(unit, parent, BY, DAY)
        except Inconsistent as error:
            return str(error)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(2) as pool:
        said = [done.result() for done in (pool.submit(put, one, two), pool.submit(put, two, one))]
    assert sorted(map(bool, said)) == [False, True]
    assert sorted(unit.path.count("/") for unit in Unit.objects.filter(code__in="AB")) == [3, 4]
