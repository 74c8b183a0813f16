"""What matters most of the other files' tests, once more on PostgreSQL: the same functions under other names.

All of them run there with: RASOAT_TEST_DATABASE=postgresql pytest tests/server
"""

from __future__ import annotations

import importlib

import pytest

from tests.server.test_configurations import seen

__all__ = ["seen"]

pytestmark = [pytest.mark.django_db, pytest.mark.on_postgresql]

CHOSEN = {
    "ingest": (
        "it_works",
        "the_same_again_is_stored_once",
        "replayed_id_with_other_contents_is_refused",
        "another_machine_cannot_take_an_id",
        "wrongly_signed_is_refused_and_raises_an_alarm",
        "a_clock_ahead_is_kept_and_marked_and_does_not_stay_newest",
        "spooled_snapshots_come_late_and_do_not_displace_newer_ones",
        "what_a_station_saw_elsewhere_is_a_machine_of_its_own",
        "a_bug_in_judging_loses_no_facts",
    ),
    "enrol": (
        "it_works",
        "an_answer_lost_on_the_way_costs_nothing",
        "a_token_lets_in_as_many_as_it_says",
        "guessing_is_stopped_and_does_not_fill_the_journal",
    ),
    "people": (
        "failures_lock_the_log_on_and_only_from_there",
        "a_given_password_must_be_changed_first",
        "vietnamese_passwords_work_from_every_keyboard",
    ),
    "work": ("it_works", "polling_costs_no_write_each_time", "the_unit_nearest_to_the_machine_decides"),
    "configurations": (
        "what_arrives_late_finds_its_place",
        "the_last_copy_of_each_month_outlives_the_others",
        "a_target_under_two_names_raises_an_alarm_once",
        "a_bug_in_keeping_loses_no_facts",
    ),
}

for room, names in CHOSEN.items():
    module = importlib.import_module(f"tests.server.test_{room}")
    globals().update({f"test_{room}_{name}": getattr(module, f"test_{name}") for name in names})
