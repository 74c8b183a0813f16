"""The TCVN 14423:2026 pack holds the whole catalogue it was written from, says who decides each line, and how far it
succeeds the pack of the edition before."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselines import loader
from baselines.evaluate import evaluate
from baselines.model import LEVELS, Assessment, Baseline, Group, Requirement, Text, Verdict
from collectors.model import Kind
from tests.baselines.toy import snapshot

PACK = "tcvn_14423_2026"
DATA = Path(__file__).parent / "data"
LETTERS = re.compile("[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE)
CLAUSE = re.compile(r"[3-7](\.[1-9][0-9]?){1,3}( [a-hđ])?")
ROWS = {1: 111, 2: 131, 3: 197, 4: 275, 5: 290}
"""Lines per level: those of the source's checklists, and two at each of levels 3 to 5 that were inferred."""


def catalogue(edition: str) -> dict[str, dict[str, str]]:
    text = (DATA / f"tcvn{edition}_reference_ids.csv").read_text("utf-8")
    return {row["reference_id"]: row for row in csv.DictReader(text.splitlines())}


CATALOGUE = catalogue("14423")


@pytest.fixture(scope="module")
def pack() -> Baseline:
    return loader.load(PACK)


@pytest.fixture(scope="module")
def before() -> Baseline:
    return loader.load("tcvn_11930_2017")


def lines(pack: Baseline) -> Iterator[tuple[Group, Requirement]]:
    return ((group, requirement) for group in pack.groups for requirement in group.requirements)


def texts(pack: Baseline) -> Iterator[tuple[str, Text]]:
    """Every text people read, with the id it belongs to."""
    yield from ((pack.id, text) for text in (pack.standard.title, pack.standard.status))
    for group, requirement in lines(pack):
        yield group.id, group.title
        yield from ((requirement.id, text) for text in (requirement.title, requirement.guidance, requirement.note) if text)
        yield from ((requirement.id, one.reason) for one in requirement.exceptions)


def test_every_line_of_the_catalogue_is_there_once(pack: Baseline) -> None:
    count = Counter(requirement.reference_id for _, requirement in lines(pack))
    assert set(count) == set(CATALOGUE)
    assert len(CATALOGUE) == 303
    assert max(count.values()) == 1
    assert {group.reference_id for group in pack.groups} == {row["group"] for row in CATALOGUE.values()}
    assert len(pack.groups) == 18


def test_levels_clauses_and_confidence_are_those_of_the_catalogue(pack: Baseline) -> None:
    differences = []
    for group, requirement in lines(pack):
        row = CATALOGUE[requirement.reference_id]
        ours = {
            "group": group.reference_id,
            "levels": " ".join(map(str, requirement.levels)),
            "confidence": requirement.confidence,
        } | {f"clause_{level}": requirement.clauses.get(level, "") for level in LEVELS}
        differences += [
            f"{requirement.id}.{name}: {value!r}, not {row[name]!r}" for name, value in ours.items() if value != row[name]
        ]
    assert not differences


def test_a_clause_lies_in_its_groups_and_is_what_is_cited(pack: Baseline) -> None:
    for group, requirement in lines(pack):
        assert requirement.origin == "TCVN 14423:2026"
        for level in requirement.levels:
            clause = pack.clause(requirement.id, level)
            assert CLAUSE.fullmatch(clause), (requirement.id, clause)
            assert re.match(rf"{re.escape(group.clauses[level])}[. ]", clause), (requirement.id, level, clause)
            assert clause.startswith(f"{level + 2}.")


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_the_lines_of_its_list_in_both_parts(pack: Baseline, level: int) -> None:
    asked = Counter(group.part for group, requirement in lines(pack) if level in requirement.levels)
    assert asked.total() == ROWS[level]
    assert asked["technical"] > 0
    assert asked["management"] > 0


def test_a_higher_level_does_not_hold_all_of_a_lower_one(pack: Baseline) -> None:
    """Each level is a list of its own: a device's log-on is asked at level 1 and not at level 2."""
    assert pack.requirements["network.device_logon"].levels == (1, 3, 4, 5)
    assert pack.requirements["network.remote_devices"].levels == (2, 4, 5)
    assert pack.requirements["incidents.authority_contact"].levels == (2, 3)


def test_nothing_is_called_quoted(pack: Baseline) -> None:
    """The source retells the standard: no line may be printed as its clause."""
    count = Counter(requirement.confidence for _, requirement in lines(pack))
    assert count == {"paraphrased": 301, "derived": 2}
    assert all(requirement.note for _, requirement in lines(pack) if requirement.confidence == "derived")


def test_what_no_machine_can_see_stays_with_a_person(pack: Baseline) -> None:
    assert not [r.id for _, r in lines(pack) if CATALOGUE[r.reference_id]["machine_checkable"] == "no" and r.coverage != "manual"]


def test_what_a_machine_could_see_has_a_check_or_a_reason_for_each_kind_of_asset(pack: Baseline) -> None:
    """One that speaks of the organisation has its reason under the system as a whole."""
    neither = [
        (requirement.id, str(kind))
        for _, requirement in lines(pack)
        if CATALOGUE[requirement.reference_id]["machine_checkable"] != "no"
        for kind in requirement.kinds or (Kind.SYSTEM,)
        if not any(kind in pack.checks[name].kinds for name in requirement.checks)
        and not any(kind in excepted.kinds for excepted in requirement.exceptions)
    ]
    assert neither == []


def test_nothing_waits_for_a_check_without_saying_so(pack: Baseline) -> None:
    assert not [r.id for _, r in lines(pack) if r.coverage == "not_yet"]


def test_reasons_of_exceptions_are_written_for_their_requirement(pack: Baseline) -> None:
    for language in ("vi", "en"):
        count = Counter(getattr(one.reason, language) for _, r in lines(pack) for one in r.exceptions)
        assert [text for text, number in count.items() if number > 1] == []
        assert min(map(len, count)) > 40


def test_automated_is_seen_wholly_and_on_every_kind_of_asset(pack: Baseline) -> None:
    for _, requirement in lines(pack):
        if requirement.coverage == "automated":
            assert CATALOGUE[requirement.reference_id]["machine_checkable"] == "yes", requirement.id
            assert requirement.kinds, requirement.id
            for kind in requirement.kinds:
                assert any(kind in pack.checks[name].kinds for name in requirement.checks), (requirement.id, kind)


def test_a_person_is_told_what_to_show_in_words_of_its_own(pack: Baseline) -> None:
    assert not [r.id for _, r in lines(pack) if r.guidance is None]
    for language in ("vi", "en"):
        guidance = Counter(getattr(r.guidance, language) for _, r in lines(pack))
        titles = Counter((group.id, getattr(r.title, language)) for group, r in lines(pack))
        assert [text for text, number in guidance.items() if number > 1] == []
        assert [text for text, number in titles.items() if number > 1] == []


def test_a_person_is_told_who_signs_for_what_is_theirs(pack: Baseline) -> None:
    assert not [
        r.id
        for _, r in lines(pack)
        if r.coverage == "manual" and r.guidance and not re.search(r"\bký\b|chữ ký|văn bản", r.guidance.vi)
    ]


def test_an_interval_is_told_to_whoever_keeps_it(pack: Baseline) -> None:
    for _, requirement in lines(pack):
        if "max_interval_months" in requirement.params and requirement.guidance:
            for months in requirement.params["max_interval_months"].levels.values():
                assert f"{months} tháng" in requirement.guidance.vi, requirement.id


def test_vietnamese_is_vietnamese_and_english_is_not(pack: Baseline) -> None:
    assert not [(where, text.vi) for where, text in texts(pack) if not LETTERS.search(text.vi)]
    assert not [(where, text.en) for where, text in texts(pack) if LETTERS.search(text.en)]


def test_every_threshold_says_whose_it_is(pack: Baseline) -> None:
    for _, requirement in lines(pack):
        for name, param in requirement.params.items():
            assert param.source, (requirement.id, name)
            assert param.unit, (requirement.id, name)
            assert param.stricter, (requirement.id, name)
            assert set(param.levels) == set(requirement.levels), (requirement.id, name)
            if param.origin == "standard":
                assert "theo diễn giải thứ cấp" in param.source, (requirement.id, name)
            else:
                assert not {"standard"} & set(param.origins.values()), (requirement.id, name)


def test_the_figures_everybody_asks_for(pack: Baseline) -> None:
    def levels(requirement: str, name: str) -> dict[int, object]:
        return dict(pack.requirements[requirement].params[name].levels)

    assert levels("logging.retention", "log_retention_days") == {2: 30, 3: 90, 4: 180, 5: 365}
    assert levels("accounts.admin_passwords", "max_password_age_days") == dict.fromkeys(LEVELS, 60)
    assert levels("accounts.inactive", "dormant_days") == dict.fromkeys(LEVELS, 45)
    assert levels("accounts.password_length", "min_password_length") == dict.fromkeys(LEVELS, 14)
    assert levels("vulnerabilities.scans", "max_interval_months") == {1: 12, 2: 12, 3: 6, 4: 6, 5: 3}
    assert levels("backup.restore_tests", "max_interval_months") == {4: 6, 5: 3}


def test_the_checks_of_the_edition_before_are_asked_here_too(pack: Baseline, before: Baseline) -> None:
    """One check serves both editions. What this one does not ask for is named, with the reason."""
    not_asked = {
        "remote_access.own_port",  # another port than the usual one is asked of in TCVN 11930 alone
        "remote_access.rdp_own_port",
    }
    hosts = {name for name, check in before.checks.items() if {Kind.SERVER, Kind.WORKSTATION} & set(check.kinds)}
    assert hosts - set(pack.checks) == not_asked
    assert not not_asked & set(pack.checks)


# the crosswalk -------------------------------------------------------------------------------------------------------


def test_each_line_names_its_nearest_of_the_edition_before(pack: Baseline, before: Baseline) -> None:
    assert pack.standard.succeeds == before.id
    ours = {requirement.reference_id: requirement.id for requirement in before.requirements.values()}
    for _, requirement in lines(pack):
        row = CATALOGUE[requirement.reference_id]
        links = {link.id: link.fit for link in requirement.succeeds}
        assert len(links) == len(requirement.succeeds), requirement.id
        assert set(links) <= set(before.requirements), requirement.id
        if row["predecessor"]:
            assert links[ours[row["predecessor"]]] == row["fit"], requirement.id
        close = [name for name, fit in links.items() if fit == "close"]
        assert len(close) <= 1, f"{requirement.id}: what else it touches is loose"


def test_what_nothing_succeeds_is_known(pack: Baseline, before: Baseline) -> None:
    """Requirements no line succeeds: policy and dossier, which the decree asks for itself, and a few single ones."""
    met = {link.id for _, requirement in lines(pack) for link in requirement.succeeds}
    assert set(before.requirements) - met == {
        "applications.authentication.users",
        "design.hosting_separation",
        "management.acceptance.plan_complete",
        "management.cooperation.taking_part",
        "management.design.dossier_appraised",
        "management.design.scope",
        "management.employment.rules",
        "management.malware.full_scans",
        "management.network_operation.procedure",
        "management.policy.approved",
        "management.policy.established",
        "management.policy.regulation_first",
        "management.policy.scope",
        "management.server_operation.administration",
        "management.server_operation.procedure",
        "management.users.internal_resources",
        "network.intrusion.capacity",
        "network.malware.capacity",
        "servers.access.admin_port",
    }


# judging -------------------------------------------------------------------------------------------------------------


def asked(result: Assessment, check: str) -> dict[str, Verdict]:
    """Requirement -> verdict, of one check."""
    return {line.requirement: line.verdict for line in result.results if line.check == check}


def test_one_scan_is_judged_against_both_editions(pack: Baseline, before: Baseline) -> None:
    """The same facts and the same check; each edition binds its own number."""
    seen = snapshot(password_policy={"min_length": 12, "unseen": []})
    old, new = evaluate(seen, before, 3), evaluate(seen, pack, 3)
    assert old.snapshot == new.snapshot
    assert asked(old, "password_policy.min_length")["servers.authentication.password_rules"] == "pass"
    assert asked(new, "password_policy.min_length") == {
        "accounts.password_policy": Verdict.PASS,  # a rule is set
        "accounts.password_length": Verdict.FAIL,  # 14 are advised where nobody saw a second factor
    }
    cited = {line.clause for line in new.results if line.check == "password_policy.min_length"}
    assert cited == {"5.6.2.2 a", "5.6.2.2 b"}


def test_what_was_not_seen_passes_in_neither_edition(pack: Baseline, before: Baseline) -> None:
    for baseline in (pack, before):
        for level in LEVELS:
            assert evaluate(snapshot(), baseline, level).summary()["pass"] == 0


@pytest.mark.parametrize(("level", "expected"), [(1, set()), (2, {"configuration.baseline"}), (5, {"configuration.baseline"})])
def test_a_level_that_does_not_ask_for_a_check_does_not_get_it(pack: Baseline, level: int, expected: set[str]) -> None:
    """Logging on by itself is forbidden from level 2: at level 1 a machine must not fail by it."""
    assert set(asked(evaluate(snapshot(), pack, level), "sessions.no_auto_logon")) == expected


def test_a_workstation_and_a_server_are_asked_for_their_own_idle_times(pack: Baseline) -> None:
    """15 minutes for a user's machine, 5 for administration."""

    def verdicts(kind: Kind) -> dict[str, Verdict]:
        seen = snapshot(kind, sessions={"desktops": [{"name": "gnome", "lock_seconds": 600}], "unseen": []})
        return asked(evaluate(seen, pack, 3), "sessions.screen_lock")

    assert verdicts(Kind.WORKSTATION) == {"configuration.session_lock": Verdict.PASS}
    assert verdicts(Kind.SERVER) == {"configuration.session_lock": Verdict.PASS, "network.idle_close": Verdict.FAIL}
