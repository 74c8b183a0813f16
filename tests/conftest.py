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


DEEP = {
    "agent": ("test_oscal.py", "test_baselines.py", "test_walkthrough.py", "test_language.py", "test_policy.py", "test_system.py", "test_full_copies.py", "test_discover.py", "test_schedule_hours.py", "test_polling.py", "test_relay.py"),
    "baselines": ("test_ready.py", "test_retired.py", "test_mutation.py", "test_schema.py", "test_tailoring.py"),
    "systems": ("test_sample.py",),
    "server": ("test_evidence.py", "test_evidence_altered.py", "test_evidence_said.py", "test_evidence_hostile.py", "test_evidence_pages.py", "test_evidence_stamp.py", "test_evidence_verify.py", "test_documents.py", "test_documents_reply.py", "test_documents_level.py", "test_documents_said.py", "test_documents_handed.py", "test_pictures.py", "test_sweep_in_browser.py", "test_overview.py", "test_search.py", "test_background.py", "test_units_import.py", "test_units_pages.py", "test_feeds_bundle.py", "test_feeds_store.py", "test_feeds_killed.py", "test_approvals.py", "test_waivers.py", "test_campaigns.py", "test_campaigns_written.py", "test_campaigns_rights.py", "test_campaigns_killed.py", "test_registers_large.py", "test_registers_stocktake.py", "test_campaigns_truth.py", "test_waivers_asking.py", "test_waivers_words.py", "test_schedules.py", "test_rollouts.py", "test_coverage.py", "test_scan_now.py", "test_background_processes.py", "test_outlets.py", "test_outlets_delivery.py", "test_outlets_at_once.py", "test_outlets_killed.py", "test_outlets_mail.py", "test_outlets_pages.py", "test_outlets_syslog.py", "test_outlets_webhook.py", "test_matching_real.py", "test_matching_stored.py", "test_matching_pages.py", "test_matching_programs.py", "test_sweeps_look.py", "test_sweeps_letters.py", "test_sweeps_products.py", "test_sweeps_pages.py", "test_matching_versions.py", "test_background_rejudge.py", "test_ingest.py", "test_work.py", "test_pages.py", "test_people.py", "test_configurations.py", "test_device_fleet.py", "test_whatif.py", "test_programs.py", "test_programs_csv.py", "test_analysts.py", "test_analysts_roles.py", "test_exports.py", "test_metrics.py", "test_enrolment.py", "test_second_factor.py", "test_signon_oidc.py", "test_signon_oidc_answers.py", "test_signon_ldap.py", "test_signon_ldap_later.py", "test_deploy.py", "test_upgrade.py", "test_rights.py", "test_schedules_live.py", "test_findings.py", "test_findings_counts.py", "test_findings_live.py", "test_relay_live.py", "test_relay_attacks.py", "test_relay_kills.py", "test_differences.py", "test_admission.py", "test_account.py", "test_away.py", "test_keys.py", "test_packs_change.py", "test_worker_steps.py", "test_faults.py", "test_storage_databases.py", "test_storage_backup.py", "test_storage_move.py", "test_storage_retention.py", "test_storage_same_answers.py"),
    "tests": (
        "test_windows_document.py", "test_transport_snmp.py", "test_snmp.py", "test_devices.py", "test_updates_worst.py",
        "test_transport_posix_files.py", "test_agreement_mapping.py", "test_discovery.py", "test_transport_nmap.py",
        "test_network_releases.py", "test_bench_fleet.py",
    ),
}  # fmt: skip
"""Files that take more than a few seconds each: `make test` runs them, `make check` does not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name = item.path.name
        if name in DEEP.get(item.path.parent.name, ()) or name.startswith(("test_device_", "test_secrets_", "test_syntax_")):
            item.add_marker("deep")
