from __future__ import annotations

import pytest
from hypothesis import settings

# how long an example takes says nothing on a machine that others use too
settings.register_profile("untimed", deadline=None, derandomize=True)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=15)
# `make hunt`: other examples each time; what it finds becomes a test of its own
settings.register_profile("hunt", deadline=None, max_examples=400)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write expected files anew, for review")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes longer than a word stay out of a test's name: an archive made while tests are collected holds the second it was made in,
    and two workers must come to the same names."""
    return argname if isinstance(val, bytes) and len(val) > 32 else None


DEEP = {
    "agent": ("test_oscal.py", "test_baselines.py", "test_walkthrough.py", "test_language.py", "test_policy.py", "test_system.py", "test_full_copies.py", "test_discover.py", "test_schedule_hours.py", "test_polling.py", "test_relay.py"),
    "baselines": ("test_ready.py", "test_retired.py", "test_mutation.py", "test_schema.py", "test_tailoring.py"),
    "systems": ("test_sample.py",),
    "tests": (
        "test_windows_document.py", "test_transport_snmp.py", "test_snmp.py", "test_devices.py", "test_updates_worst.py",
        "test_transport_posix_files.py", "test_agreement_mapping.py", "test_discovery.py", "test_transport_nmap.py",
        "test_network_releases.py", "test_bench_fleet.py", "test_no_secrets.py", "test_fact_remote_access.py", "test_docs_site.py", "test_docs_troubleshooting.py", "test_files_of_releases.py",
    ),
}  # fmt: skip
"""Files that take more than a few seconds each: `make test` runs them, `make check` does not. Nor those of the server: each of
them needs a database."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name = item.path.name
        if name in DEEP.get(item.path.parent.name, ()) or name.startswith(("test_device_", "test_secrets_", "test_syntax_")):
            item.add_marker("deep")
