"""The table of network releases: versions of one train compare, and what the table does not know never looks supported or mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines import loader as packs
from baselines.evaluate import evaluate
from baselines.loader import builtin
from collectors.devices import releases
from collectors.devices.release_forms import FORMS, Release, reading
from collectors.devices.releases import Row, against, merged, placed, table
from collectors.errors import Unparsable
from collectors.facts.base import Fact, Unseen
from collectors.facts.firmware import Firmware
from collectors.model import Kind, Platform, Target, utcnow
from collectors.run import collect
from collectors.transports.replay import ReplayDevice, load

BUNDLED = table(releases.TABLE.read_text("utf-8"), "releases.yaml")

N = st.integers(0, 99).map(str)
L = st.sampled_from(["", "a", "b", "g"])


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*[st.just(part) if isinstance(part, str) else part for part in parts]).map("".join)


def maybe(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.just("") | joined(*parts)


WRITTEN = {
    Platform.CISCO_IOS: joined("15.2(", N, L, ")E", N, L) | joined("17.9.", N, L),
    Platform.CISCO_NXOS: joined("9.3(", N, L, ")") | joined("7.3(", N, ")N", N, "(", N, L, ")"),
    Platform.CISCO_ASA: joined("9.16(", N, ")", maybe(N)),
    Platform.JUNIPER_JUNOS: joined("21.4R", N, maybe("-S", N), maybe(".", N)) | joined("15.1X49-D", N, maybe(".", N)),
    Platform.FORTINET_FORTIOS: joined("7.4.", N),
    Platform.PALOALTO_PANOS: joined("10.2.", N, maybe("-h", N)),
    Platform.HUAWEI_VRP: joined("V200R019C10", maybe("SPC", N)),
    Platform.HPE_COMWARE: joined("7.1.070 Release 32", st.integers(10, 99).map(str), maybe("P", N)),
    Platform.MIKROTIK_ROUTEROS: joined("7.", N, maybe(".", N)),
    Platform.ARISTA_EOS: joined("4.30.", N, maybe(".", N), st.sampled_from("FM")),
    Platform.ARUBA_AOSS: joined(st.sampled_from(["", "WC.", "YA."]), "16.11.00", N),
    Platform.ARUBA_AOSCX: joined(st.sampled_from(["", "FL."]), "10.13.", N),
}

RISING = {
    Platform.CISCO_IOS: ["15.2(6)E9", "15.2(7)E", "15.2(7)E3", "15.2(7)E3a", "15.2(7)E9", "15.2(7)E10", "15.2(8)E"],
    Platform.CISCO_NXOS: ["9.3(9)", "9.3(10)", "9.3(10a)", "9.3(12)"],
    Platform.CISCO_ASA: ["9.16(3)19", "9.16(4)", "9.16(4)9", "9.16(4)18", "9.16.4.67"],
    Platform.JUNIPER_JUNOS: ["21.4R2-S7", "21.4R3", "21.4R3.9", "21.4R3-S5", "21.4R3-S5.4", "21.4R3-S10"],
    Platform.FORTINET_FORTIOS: ["7.4.2", "7.4.9", "7.4.10"],
    Platform.PALOALTO_PANOS: ["10.2.8-h3", "10.2.9", "10.2.9-h1", "10.2.9-h10", "10.2.10"],
    Platform.HUAWEI_VRP: ["V200R019C10", "V200R019C10SPC500", "V200R019C10SPC800"],
    Platform.HPE_COMWARE: ["7.1.070 Release 3208", "7.1.070 Release 3208P16", "7.1.070, Release 3210"],
    Platform.MIKROTIK_ROUTEROS: ["7.9", "7.9.2", "7.16", "7.16.1"],
    Platform.ARISTA_EOS: ["4.30.1F", "4.30.5M", "4.30.5.1M", "4.30.10M"],
    Platform.ARUBA_AOSS: ["WC.16.11.0009", "16.11.0010", "YA.16.11.0027"],
    Platform.ARUBA_AOSCX: ["FL.10.13.0005", "10.13.1000", "FL.10.13.1010"],
}

OWN = """\
dated: 2026-11-20
releases:
  - platform: cisco_ios
    train: 15.2E
    support_ends: 2027-01-31
    covers: all
    source: the maker's notice
    advisories:
      - {id: CVE-2026-0001, severity: high, exploited: false, since: 15.2(6)E, fixed: 15.2(7)E9, also: [15.2(6)E3], source: x}
      - {id: CVE-2026-0002, severity: critical, exploited: true, fixed: 15.2(7)E4, source: x}
"""


def firmware(version: str) -> Firmware:
    stale = (Unseen(field="support_ends", outcome="unsupported", reason="no table"),)
    return Firmware(version=version, train=None, support_ends=None, unseen=stale)


def open_ids(version: str, text: str = OWN) -> list[str] | None:
    found = against(table(text, "own"), Platform.CISCO_IOS, firmware(version)).open_advisories
    return None if found is None else [one.id for one in found]


def reasons(fact: Firmware) -> dict[str, str]:
    assert len({entry.field for entry in fact.unseen}) == len(fact.unseen)
    return {entry.field: entry.reason for entry in fact.unseen}


@pytest.mark.parametrize("platform", FORMS)
@given(data=st.data())
def test_releases_of_a_train_are_in_one_order(platform: Platform, data: st.DataObject) -> None:
    a, b, c = (reading(platform, data.draw(WRITTEN[platform])) for _ in range(3))
    assert (a.place < b.place) + (a.place == b.place) + (b.place < a.place) == 1
    if a.place <= b.place <= c.place:
        assert a.place <= c.place


@pytest.mark.parametrize("platform", FORMS)
def test_a_later_release_is_later(platform: Platform) -> None:
    read = [reading(platform, text) for text in RISING[platform]]
    assert len({one.train for one in read}) == 1
    assert [one.place for one in read] == sorted({one.place for one in read})


@pytest.mark.parametrize(
    ("platform", "version", "train"),
    [
        (Platform.CISCO_IOS, "15.2(7)E9", "15.2E"),
        (Platform.CISCO_IOS, "12.4(25g)", "12.4"),
        (Platform.CISCO_IOS, "17.03.04b", "17.3"),
        (Platform.CISCO_NXOS, "7.3(7)N1(1)", "7.3N"),
        (Platform.JUNIPER_JUNOS, "21.4R3-S5.4-EVO", "21.4-EVO"),
        (Platform.JUNIPER_JUNOS, "15.1X49-D110.4", "15.1X49"),
        (Platform.HUAWEI_VRP, "V200R019C10SPC500", "V200R019C10"),
        (Platform.HPE_COMWARE, "7.1.064 Release 6308P01", "7.1.064 R63xx"),
        (Platform.ARUBA_AOSCX, "GL.10.09.1020", "10.09"),
    ],
)
def test_the_train_of_a_version(platform: Platform, version: str, train: str) -> None:
    assert reading(platform, version).train == train


@pytest.mark.parametrize(
    ("platform", "version"),
    [
        (Platform.CISCO_IOS, "03.16.05.S"),
        (Platform.CISCO_IOS, "15.2(4)3"),
        (Platform.CISCO_IOS, "17.9.4a-prd1"),
        (Platform.PALOALTO_PANOS, "10.2.9-c1"),
        (Platform.MIKROTIK_ROUTEROS, "7.16rc2"),
        (Platform.HUAWEI_VRP, "V200R019C10SPC500T"),
        (Platform.FORTINET_FORTIOS, "7.4.3\n"),
        (Platform.FORTINET_FORTIOS, "7.4.\u0663"),
        (Platform.FORTINET_FORTIOS, "7.4"),
        (Platform.DRAYTEK, "4.4.7"),
    ],
)
def test_a_form_nobody_laid_down_is_not_guessed(platform: Platform, version: str) -> None:
    with pytest.raises(Unparsable):
        reading(platform, version)


@given(st.text(max_size=30), st.sampled_from(list(FORMS)))
def test_any_text_is_a_release_or_unparsable(text: str, platform: Platform) -> None:
    with suppress(Unparsable):
        assert isinstance(reading(platform, text), Release)


@pytest.mark.parametrize(
    ("version", "ids"),
    [
        ("15.2(5)E9", ["CVE-2026-0002"]),
        ("15.2(6)E", ["CVE-2026-0001", "CVE-2026-0002"]),
        ("15.2(6)E3", ["CVE-2026-0002"]),
        ("15.2(7)E3", ["CVE-2026-0001", "CVE-2026-0002"]),
        ("15.2(7)E4", ["CVE-2026-0001"]),
        ("15.2(7)E9", []),
    ],
)
def test_an_advisory_is_open_from_the_first_named_release_to_the_mended_one(version: str, ids: list[str]) -> None:
    assert open_ids(version) == ids


def test_without_a_mended_release_every_one_of_the_train_is_open() -> None:
    assert open_ids("15.2(99)E9", OWN.replace("fixed: 15.2(7)E9", "fixed: null")) == ["CVE-2026-0001"]


def test_a_table_that_is_not_whole_says_what_is_open_and_never_that_nothing_is() -> None:
    part = OWN.replace("covers: all", "covers: some")
    assert open_ids("15.2(7)E9", part) is None
    assert open_ids("15.2(7)E4", part) == ["CVE-2026-0001"]
    found = against(table(part, "own"), Platform.CISCO_IOS, firmware("15.2(7)E4"))
    assert found.known_exploited is None
    assert "not whole" in reasons(found)["known_exploited"]
    exploited = against(table(OWN.replace("covers: all", "covers: exploited"), "own"), Platform.CISCO_IOS, firmware("15.2(7)E9"))
    assert exploited.known_exploited == ()
    assert exploited.open_advisories is None


@pytest.mark.parametrize("version", ["15.7(3)M8", "03.16.05.S"])
def test_an_unknown_train_or_form_is_not_seen(version: str) -> None:
    found = against(table(OWN, "own"), Platform.CISCO_IOS, firmware(version))
    assert (found.support_ends, found.open_advisories, found.known_exploited) == (None, None, None)
    assert set(reasons(found)) == {"support_ends", "open_advisories", "known_exploited"}
    assert found.table_dated == date(2026, 11, 20)


def test_the_reason_names_the_table_and_the_train() -> None:
    found = against(table(OWN, "own"), Platform.CISCO_IOS, firmware("15.7(3)M8"))
    assert reasons(found)["support_ends"] == "the table of 2026-11-20 does not know the train 15.7M of cisco_ios"


def test_no_bundled_row_claims_that_its_list_is_whole() -> None:
    assert {row.covers for row in BUNDLED} == {"some"}


def test_other_facts_are_left_alone() -> None:
    fact = Fact()
    assert placed(Platform.CISCO_IOS, fact) is fact


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "own:1: a table of releases"),
        ("dated: 2026-01-01\nreleases: [\n", "own:"),
        ("dated: yesterday\nreleases: []\n", "own:1: a table of releases"),
        (OWN.replace("2027-01-31", "soon"), "own:5: support_ends: "),
        (OWN.replace("cisco_ios", "cisco"), "own:3: platform: "),
        (OWN.replace("cisco_ios", "draytek"), "own:3: releases of draytek"),
        (OWN.replace("severity: high", "severity: bad"), "own:9: advisories.0.severity: "),
        (OWN.replace("15.2(7)E4", "latest"), "own:10: 'latest' is no form"),
        (OWN.replace("15.2(7)E4", "15.7(3)M8"), "own:10: 15.7(3)M8 is of the train 15.7M, not 15.2E"),
        (OWN.replace("    covers: all\n", "    cover: all\n"), "own:6: cover: "),
        (OWN.replace("    source: the maker's notice\n", ""), "own:3: source: "),
        (OWN + "  - {platform: cisco_ios, train: 15.2E, source: x}\n", "own:11: cisco_ios 15.2E stands here twice"),
        (OWN + "  - 15.2E\n", "own:11: a release is a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        table(text, "own")
    assert str(caught.value).startswith(said)


def only(rows: tuple[Row, ...]) -> Row:
    (row,) = rows
    return row


def test_a_row_of_the_site_replaces_an_older_one_and_drops_no_advisory() -> None:
    old = table(OWN.replace("2026-11-20", "2026-03-05"), "x")
    new = table("dated: 2026-11-01\nreleases: [{platform: cisco_ios, train: 15.2E, support_ends: 2028-01-31, source: y}]", "own")
    row = only(merged(old, new))
    assert (row.support_ends, row.dated, row.covers) == (date(2028, 1, 31), date(2026, 11, 1), "some")
    assert [one.id for one in row.advisories] == ["CVE-2026-0001", "CVE-2026-0002"]


def test_an_older_row_of_the_site_changes_nothing() -> None:
    old = table(OWN, "x")
    assert merged(old, table(OWN.replace("2026-11-20", "2026-11-19").replace("2027", "2099"), "own")) == old


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "network_releases.yaml"
    monkeypatch.setattr(releases, "site", lambda: file)
    releases.rows.cache_clear()
    yield file
    releases.rows.cache_clear()


def test_without_a_file_of_the_site_the_bundled_table_holds(own: Path) -> None:
    assert releases.rows() == BUNDLED


def test_a_train_of_the_site_is_added_with_its_date(own: Path) -> None:
    own.write_text(OWN)
    found = placed(Platform.CISCO_IOS, firmware("15.2(7)E9"))
    assert isinstance(found, Firmware)
    assert (found.support_ends, found.table_dated, found.open_advisories) == (date(2027, 1, 31), date(2026, 11, 20), ())
    assert found.unseen == ()


def test_a_broken_file_of_the_site_hides_the_bundled_table_and_says_where(own: Path) -> None:
    own.write_text(OWN.replace("2027-01-31", "soon"))
    found = placed(Platform.FORTINET_FORTIOS, firmware("7.4.1"))
    assert isinstance(found, Firmware)
    assert (found.version, found.support_ends, found.known_exploited, found.table_dated) == ("7.4.1", None, None, None)
    assert "network_releases.yaml:5: support_ends" in reasons(found)["support_ends"]


RECORDED = Path(__file__).parent / "devices" / "cisco_ios--switch-hardened" / "transcript.yaml"
WHOLE = "releases: [{platform: cisco_ios, train: 15.2E, support_ends: 2099-01-31, covers: all, source: x}]"


@pytest.mark.parametrize(
    ("days", "rows", "verdict"),
    [(10, WHOLE, "pass"), (91, WHOLE, "unknown"), (10, "releases: []", "unknown"), (91, WHOLE.replace("2099", "2020"), "fail")],
)
def test_a_pass_rests_on_a_table_that_is_fresh_and_knows_the_train(own: Path, days: int, rows: str, verdict: str) -> None:
    own.write_text(f"dated: {utcnow().date() - timedelta(days=days)}\n{rows}")
    device = load(RECORDED)
    assert isinstance(device, ReplayDevice)
    snapshot = collect(Target(name="x", kind=Kind.SWITCH, via="replay"), device, only=["firmware"])
    for folder in builtin():
        found = {result.check: result.verdict for result in evaluate(snapshot, packs.load(folder), 4).results}
        assert found["firmware.supported"] == verdict, folder
        if verdict != "fail":
            assert found["firmware.no_known_exploited"] == found["firmware.fixed"] == verdict, folder
