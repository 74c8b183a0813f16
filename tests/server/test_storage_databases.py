"""PostgreSQL in place of SQLite: by one setting, with the same answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from server.journal import models as journal


@pytest.mark.on_both
@pytest.mark.django_db
def test_every_model_has_its_migration(database: str) -> None:
    assert connection.vendor == database
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("migrate", check_unapplied=True, verbosity=0)


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_journal_stays_one_chain_when_many_write_at_once() -> None:
    def write(number: int) -> None:
        try:
            with transaction.atomic():
                journal.write("user.log-on", f"person-{number}", number=number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    assert journal.Entry.objects.count() == 60
    assert journal.broken_at() is None
