"""The TCVN 11930:2017 pack holds the whole catalogue it was written from, and says of every line who decides it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselines import loader
from baselines.compiler import Compiler
from baselines.evaluate import evaluate
from baselines.model import LEVELS, Baseline, Check, Group, Requirement, Text
from baselines.tailoring import Tailoring
from collectors.catalog import platforms_of
from collectors.model import Kind, Platform
from tests.baselines.toy import snapshot

PACK = "tcvn_11930_2017"
LETTERS = re.compile("[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE)
CLAUSE = re.compile(r"[5-9]\.[12]\.[1-5]\.[1-9]")


def catalogue() -> dict[str, dict[str, str]]:
    """The frozen catalogue: reference id -> levels, clause at each level, confidence, whether a machine could see it, and
    of which assets it speaks."""
    text = (Path(__file__).parent / "data" / "tcvn11930_reference_ids.csv").read_text("utf-8")
    return {row["reference_id"]: row for row in csv.DictReader(text.splitlines())}


CATALOGUE = catalogue()


@pytest.fixture(scope="module")
def pack() -> Baseline:
    return loader.load(PACK)


def lines(pack: Baseline) -> Iterator[tuple[Group, Requirement]]:
    return ((group, requirement) for group in pack.groups for requirement in group.requirements)


def texts(pack: Baseline) -> Iterator[tuple[str, Text]]:
    """Every text people read, with the id it belongs to."""
    yield pack.id, pack.standard.title
    yield pack.id, pack.standard.status
    for group in pack.groups:
        yield group.id, group.title
        if group.note:
            yield group.id, group.note
        for requirement in group.requirements:
            yield from ((requirement.id, text) for text in (requirement.title, requirement.guidance, requirement.note) if text)
            yield from ((requirement.id, one.reason) for one in requirement.exceptions)


def test_every_line_of_the_catalogue_is_there_once(pack: Baseline) -> None:
    count = Counter(requirement.reference_id for _, requirement in lines(pack))
    assert set(count) == set(CATALOGUE)
    assert len(CATALOGUE) == 241
    assert max(count.values()) == 1
    assert {group.reference_id for group in pack.groups} == {row["group"] for row in CATALOGUE.values()}
    assert len(pack.groups) == 44


def test_levels_clauses_and_confidence_are_those_of_the_catalogue(pack: Baseline) -> None:
    differences = []
    for group, requirement in lines(pack):
        row = CATALOGUE[requirement.reference_id]
        ours = {
            "group": group.reference_id,
            "levels": " ".join(map(str, requirement.levels)),
            "confidence": requirement.confidence,
        } | {f"clause_{level}": group.clauses.get(level, "") for level in LEVELS}
        differences += [
            f"{requirement.id}.{name}: {value!r}, not {row[name]!r}" for name, value in ours.items() if value != row[name]
        ]
    assert not differences


def test_a_clause_number_lies_in_the_chapter_of_its_level(pack: Baseline) -> None:
    for group in pack.groups:
        for level, clause in group.clauses.items():
            if clause:
                assert CLAUSE.fullmatch(clause), (group.id, clause)
                assert clause.startswith(f"{level + 4}.{1 if group.part == 'management' else 2}."), (group.id, level, clause)


def test_only_items_of_another_instrument_lack_a_clause(pack: Baseline) -> None:
    without = {
        requirement.id: requirement.origin
        for _, requirement in lines(pack)
        for level in requirement.levels
        if not pack.clause(requirement.id, level)
    }
    assert set(without) == {
        "management.outsourced_software.secure_framework",
        "management.risk.plan",
        "management.risk.assessment",
        "management.end_of_life.plan",
    }
    assert all(origin.startswith(("TT 12/2022", "NĐ 85/2016")) for origin in without.values())
    assert all(pack.group_of[name].note for name in without), "a group without a clause says so"


def test_a_person_is_told_what_to_show_wherever_no_machine_decides_alone(pack: Baseline) -> None:
    assert not [r.id for _, r in lines(pack) if r.coverage != "automated" and r.guidance is None]


def test_guidance_is_written_for_its_requirement(pack: Baseline) -> None:
    for language in ("vi", "en"):
        count = Counter(getattr(r.guidance, language) for _, r in lines(pack) if r.guidance)
        assert [text for text, number in count.items() if number > 1] == []


def test_titles_tell_requirements_apart(pack: Baseline) -> None:
    for language in ("vi", "en"):
        count = Counter(getattr(r.title, language) for _, r in lines(pack))
        assert [text for text, number in count.items() if number > 1] == []


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


def test_what_a_machine_sees_only_in_part_is_never_called_automated(pack: Baseline) -> None:
    assert not [
        requirement.id
        for _, requirement in lines(pack)
        if requirement.coverage == "automated" and CATALOGUE[requirement.reference_id]["machine_checkable"] != "yes"
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_asks_for_both_parts(pack: Baseline, level: int) -> None:
    asked = Counter(group.part for group, requirement in lines(pack) if level in requirement.levels)
    wanted = sum(str(level) in row["levels"].split() for row in CATALOGUE.values())
    assert asked.total() == wanted
    assert asked["technical"] > 0
    assert asked["management"] > 0


def test_vietnamese_is_vietnamese_and_english_is_not(pack: Baseline) -> None:
    names = re.compile(r"NĐ|TCVN|QCVN")
    assert not [(where, text.vi) for where, text in texts(pack) if not LETTERS.search(text.vi)]
    assert not [(where, text.en) for where, text in texts(pack) if LETTERS.search(names.sub("", text.en))]


def test_every_threshold_says_whose_it_is(pack: Baseline) -> None:
    for _, requirement in lines(pack):
        for name, param in requirement.params.items():
            assert param.source, (requirement.id, name)
            assert param.unit, (requirement.id, name)
            assert set(param.levels) == set(requirement.levels), (requirement.id, name)
            assert set(param.origins) <= set(param.levels), (requirement.id, name)


def test_log_retention_is_the_standards_only_at_level_3(pack: Baseline) -> None:
    """Three months at level 3 is the one retention seen quoted; the others are named as defaults, never as the standard's."""
    retention = pack.requirements["servers.logging.retention"].params["log_retention_days"]
    assert retention.levels == {2: 30, 3: 90, 4: 180, 5: 365}
    assert {level: retention.origins.get(level, retention.origin) for level in retention.levels} == {
        2: "house",
        3: "standard",
        4: "house",
        5: "house",
    }


def test_automated_means_a_check_for_every_kind_of_asset(pack: Baseline) -> None:
    """Otherwise a workstation would be called judged by a machine that only looks at servers."""
    without = [
        (requirement.id, str(kind))
        for _, requirement in lines(pack)
        if requirement.coverage == "automated"
        for kind in requirement.kinds
        if not any(kind in pack.checks[name].kinds for name in requirement.checks)
    ]
    assert not without
    assert all(r.kinds for _, r in lines(pack) if r.coverage == "automated"), "an organisation is never judged by a machine alone"


HOSTS = {
    "linux_server": (Kind.SERVER, (Platform.DEBIAN, Platform.REDHAT, Platform.SUSE)),
    "windows_server": (Kind.SERVER, (Platform.WINDOWS,)),
    "linux_workstation": (Kind.WORKSTATION, (Platform.DEBIAN, Platform.REDHAT, Platform.SUSE)),
    "windows_workstation": (Kind.WORKSTATION, (Platform.WINDOWS,)),
}


def answers(check: Check, kind: Kind, platform: Platform) -> bool:
    """The check is asked of such an asset, and there is a collector for each fact it reads."""
    compiler = Compiler(params=None)
    compiler.rule(check.assert_)
    asked = kind in check.kinds and (not check.platforms or platform in check.platforms)
    return asked and all(platform in platforms_of(fact) for fact, _ in compiler.reads)


def test_what_a_machine_could_decide_on_a_host_is_decided_or_excepted_with_its_reason(pack: Baseline) -> None:
    """The catalogue says `yes`: then checks decide the whole of it on that kind of asset, or the pack says why they do not."""
    neither = [
        f"{requirement.id} on {asset} ({platform})"
        for _, requirement in lines(pack)
        if CATALOGUE[requirement.reference_id]["machine_checkable"] == "yes"
        for asset in CATALOGUE[requirement.reference_id]["asset_types"].split()
        if asset in HOSTS
        for kind, platforms in [HOSTS[asset]]
        for platform in platforms
        if not any(excepted.covers(kind, platform) for excepted in requirement.exceptions)
        and not (
            requirement.coverage == "automated" and any(answers(pack.checks[name], kind, platform) for name in requirement.checks)
        )
    ]
    assert neither == []


def test_an_exception_that_says_rasoat_does_not_look_is_not_beside_a_check_that_decides_all(pack: Baseline) -> None:
    assert not [r.id for _, r in lines(pack) if r.coverage == "automated" and r.exceptions]
    assert [r.id for _, r in lines(pack) if any(one.type == "not_collected" for one in r.exceptions)] == [
        "applications.authentication.transit",
        "applications.access.idle_timeout",
        "applications.access.admin_addresses",
        "applications.access.concurrent_connections",
        "applications.logging.access",
        "applications.logging.errors",
        "applications.code.error_messages",
        "data.integrity.checksums",
        "data.backup.high_availability",
        "design.nac",
        "design.wireless_security",
        "management.server_operation.network_access",
        "network.internal_access.admitted_devices",
        "network.logging.enabled",
        "network.logging.field_endpoint",
        "network.devices.authentication",
        "network.devices.secure_channel",
        "network.devices.source_addresses",
        "servers.access.source_addresses",
    ], "what is not collected yet; whoever adds a fact shortens this list"


def test_reasons_of_exceptions_are_written_for_their_requirement(pack: Baseline) -> None:
    for language in ("vi", "en"):
        count = Counter(getattr(one.reason, language) for _, r in lines(pack) for one in r.exceptions)
        assert [text for text, number in count.items() if number > 1] == []
        assert min(map(len, count)) > 40


ROLES = """\
name: Đơn vị A
params:
  design.antimalware_central:
    expected_antivirus_on_servers: [trend-deep-security, trend-apex-one]
    expected_antivirus_on_workstations: [withsecure]
"""


@pytest.mark.parametrize(
    ("kind", "product", "asked", "verdict"),
    [
        (Kind.SERVER, "trend-deep-security", "antivirus.expected_on_servers", "pass"),
        (Kind.SERVER, "withsecure", "antivirus.expected_on_servers", "fail"),
        (Kind.WORKSTATION, "withsecure", "antivirus.expected_on_workstations", "pass"),
        (Kind.WORKSTATION, "trend-apex-one", "antivirus.expected_on_workstations", "fail"),
    ],
)
def test_protection_by_role_is_asked_once_the_customer_names_it(
    pack: Baseline, kind: Kind, product: str, asked: str, verdict: str
) -> None:
    tailoring = Tailoring.parse(ROLES)
    assert tailoring.problems(pack, 3) == []
    seen = snapshot(kind, antivirus={"products": [{"id": product, "name": product, "running": True}]})
    before = [r for r in evaluate(seen, pack, 3).results if r.check and r.check.startswith("antivirus.expected")]
    after = [r for r in evaluate(seen, pack, 3, tailoring).results if r.check and r.check.startswith("antivirus.expected")]
    assert before == [], "nothing named, nothing asked: neither pass nor unknown"
    assert {(r.check, str(r.verdict)) for r in after} == {(asked, verdict)}


def test_the_unit_s_own_lists_of_software_are_asked(pack: Baseline) -> None:
    text = """\
name: Đơn vị A
params:
  management.server_operation.software:
    allowed_software: [bash, 'lib*']
    denied_software: ['*torrent*']
"""
    tailoring = Tailoring.parse(text)
    assert tailoring.problems(pack, 3) == []
    packages = [{"name": "bash"}, {"name": "libc6"}, {"name": "telnetd"}, {"name": "qbittorrent-nox"}]
    seen = snapshot(software={"packages": packages, "others": [], "recognised": []})
    found = {
        r.check: r
        for r in evaluate(seen, pack, 3, tailoring).results
        if r.requirement == "management.server_operation.software" and r.check
    }
    for check in ("software.only_allowed", "software.no_denied"):
        # the pack's list of what may not be stays, the unit's is added
        assert {finding.observed["name"] for finding in found[check].findings} == {"telnetd", "qbittorrent-nox"}
