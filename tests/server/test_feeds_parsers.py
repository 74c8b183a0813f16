"""What each format's parser makes of small files of the real schema (tests/server/feeds, hand-made), and what it refuses."""

from __future__ import annotations

import json
import tarfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from server.feeds.codes import END_OF_LIFE, FIXED, NOT_AFFECTED, NOT_SAID, OPEN, SEVERITIES, STATES, UNDETERMINED, WONT_FIX
from server.feeds.parsers import KINDS, Malformed, Source
from server.feeds.parsers import rows as made
from server.feeds.parsers.indicators import kind_of, plain
from server.feeds.parsers.msrc import product_of
from server.feeds.parsers.osv import ecosystem_of
from tests.server.feeding import SAMPLES

LISTED = {"number": "15/CB", "dated": "2026-11-01"}


def read(kind: str, path: Path | str, name: str = "", **given: str) -> list[Any]:
    path = SAMPLES / path if isinstance(path, str) else path
    return [*KINDS[kind].read(Source(path, name, given))]


def affected(rows: list[Any]) -> dict[tuple[str, str, str], made.AffectedRow]:
    return {(row.ecosystem, row.package, row.identifier): row for row in rows if isinstance(row, made.AffectedRow)}


def test_debian_says_of_each_release_what_the_tracker_says() -> None:
    found = affected(read("debian", "debian.json"))
    states = {key: row.state for key, row in found.items()}
    assert states == {
        ("debian:11", "policykit-1", "CVE-2021-4034"): FIXED,
        ("debian:12", "policykit-1", "CVE-2021-4034"): FIXED,
        ("debian:12", "zlib", "CVE-2023-45853"): WONT_FIX,
        ("debian:12", "linux", "CVE-2024-1086"): FIXED,
        ("debian:12", "linux", "CVE-2020-0001"): NOT_AFFECTED,
        ("debian:12", "linux", "CVE-2020-0002"): UNDETERMINED,
        ("debian:12", "linux", "CVE-2020-0003"): UNDETERMINED,
        ("debian:12", "linux", "CVE-2020-0004"): END_OF_LIFE,
        ("debian:12", "linux", "CVE-2020-0005"): OPEN,
    }
    assert found["debian:12", "policykit-1", "CVE-2021-4034"].fixed_version == "0.105-31.1"
    never = found["debian:12", "linux", "CVE-2020-0001"]
    assert never.fixed_version == "", "0 is no version"
    assert found["debian:12", "zlib", "CVE-2023-45853"].urgency == "unimportant"
    assert "ignored" in found["debian:12", "zlib", "CVE-2023-45853"].note
    assert found["debian:12", "linux", "CVE-2020-0003"].note == "status under embargo"


def test_osv_keeps_ranges_modules_and_what_a_fix_needs() -> None:
    rows = read("osv", "osv.jsonl")
    found = affected(rows)
    assert found["ubuntu:22.04", "policykit-1", "CVE-2021-4034"].needs == ""
    assert found["ubuntu:16.04", "policykit-1", "CVE-2021-4034"].needs == "esm"
    # an advisory speaks of each of its CVEs
    for cve in ("CVE-2024-22019", "CVE-2023-46809"):
        one = found["rocky:8", "nodejs", cve]
        assert (one.module, one.advisory) == ("nodejs:18", "RLSA-2024:1234")
        assert one.fixed_version.startswith("1:18.19.1-1.module+el8")
    ranges = [(row.introduced, row.fixed_version, row.state) for row in rows if getattr(row, "package", "") == "one"]
    assert ranges == [("1.0", "1.2", FIXED), ("2.0", "", OPEN)]
    # what names no end of a range is nothing certain
    assert found["ubuntu:24.04", "two", "CVE-2020-0006"].state == UNDETERMINED
    assert found["ubuntu:24.04", "three", "CVE-2020-0006"].state == UNDETERMINED
    severities = {row.identifier: row.severity for row in rows if isinstance(row, made.VulnerabilityRow)}
    assert severities["CVE-2021-4034"] == severities["CVE-2024-22019"] == SEVERITIES["high"]
    assert severities["CVE-2020-0006"] == NOT_SAID
    assert "CVE-2020-0007" not in severities, "withdrawn"


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("Debian:12", "debian:12"),
        ("Ubuntu:22.04:LTS", "ubuntu:22.04"),
        ("Ubuntu:24.10", "ubuntu:24.10"),
        ("Ubuntu:Pro:18.04:LTS", "ubuntu:18.04"),
        ("Ubuntu:Pro:FIPS-updates:20.04:LTS", "ubuntu:20.04"),
        ("Rocky Linux:9", "rocky:9"),
        ("AlmaLinux:8", "almalinux:8"),
        ("Red Hat:enterprise_linux:9::appstream", "rhel:9"),
        ("Red Hat:rhel_eus:9.4::appstream", None),
        ("PyPI", None),
        ("Debian", None),
    ],
)
def test_ecosystems_are_told_apart(told: str, word: str | None) -> None:
    assert ecosystem_of(told) == word


def test_osv_reads_archives_and_names_the_document_that_is_wrong(tmp_path: Path) -> None:
    lines = (SAMPLES / "osv.jsonl").read_text().splitlines()
    wanted = read("osv", "osv.jsonl")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, line in enumerate(lines):
            archive.writestr(f"{number}.json", line)
    assert read("osv", tmp_path / "all.zip") == wanted
    for number, line in enumerate(lines):
        (tmp_path / f"{number}.json").write_text(line)
    for name in ("all.tar.gz", "all.tar.xz"):
        with tarfile.open(tmp_path / name, f"w:{name.rpartition('.')[2]}") as tar:
            for number in range(len(lines)):
                tar.add(tmp_path / f"{number}.json", f"osv/{number}.json")
        assert read("osv", tmp_path / name) == wanted
    raw = (tmp_path / "all.tar.gz").read_bytes()
    (tmp_path / "all.tar.gz").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(Malformed, match=r"all\.tar\.gz: byte \d+: cut off or damaged"):
        read("osv", tmp_path / "all.tar.gz")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("good.json", lines[0])
        archive.writestr("CVE-1.json", lines[1].replace('"events"', '"event"').replace('"ranges": [', '"ranges": ["x", '))
    with pytest.raises(Malformed, match=r"bad\.zip: CVE-1\.json, affected 1: an object was expected"):
        read("osv", tmp_path / "bad.zip")
    (tmp_path / "a.jsonl").write_text("\n".join([*lines[:2], lines[2][:-9]]))
    with pytest.raises(Malformed, match=r"a\.jsonl: line 3: no JSON"):
        read("osv", tmp_path / "a.jsonl")


def test_csaf_says_it_for_each_stream_of_the_platform() -> None:
    found = affected(read("csaf", "csaf.json"))
    assert {key: STATES[row.state] for key, row in found.items()} == {
        ("rhel:8", "nodejs", "CVE-2024-22019"): "fixed",
        ("rhel:7", "kernel", "CVE-2024-22019"): "wont_fix",
        ("rhel:8.6-eus", "nodejs", "CVE-2024-22019"): "undetermined",
        ("rhel:7", "polkit", "CVE-2024-22019"): "not_affected",
    }
    fixed = found["rhel:8", "nodejs", "CVE-2024-22019"]
    assert (fixed.fixed_version, fixed.module, fixed.advisory) == (
        "1:18.19.1-1.module+el8.9.0+21387", "nodejs:18", "RHSA-2024:1510",
    )  # fmt: skip


def test_packages_of_a_module_stand_in_the_module_and_that_one_in_the_platform() -> None:
    found = affected(read("csaf", "csaf_module.json"))
    assert {key[:2]: (STATES[row.state], row.module, row.fixed_version, row.advisory) for key, row in found.items()} == {
        ("rhel:8", "nodejs"): ("fixed", "nodejs:18", "1:18.19.1-1.module+el8.9.0+21387", "RHSA-2024:1510"),
        ("rhel:8", "nodejs-docs"): ("fixed", "nodejs:18", "1:18.19.1-1.module+el8.9.0+21387", "RHSA-2024:1510"),
        ("rhel:8", "npm"): ("open", "nodejs:16", "", ""),
    }


def test_a_group_csaf_does_not_know_is_nothing_certain(tmp_path: Path) -> None:
    told = (SAMPLES / "csaf.json").read_text()
    (tmp_path / "a.json").write_text(told.replace('"known_not_affected": [', '"known_to_be_fine": ['))
    found = affected(read("csaf", tmp_path / "a.json"))
    assert found["rhel:7", "polkit", "CVE-2024-22019"].state == UNDETERMINED


def test_kev_and_epss_say_their_own_date(tmp_path: Path) -> None:
    for kind, sample in (("kev", "kev.json"), ("epss", "epss.csv")):
        source = Source(SAMPLES / sample)
        found = [*KINDS[kind].read(source)]
        assert [row.identifier for row in found] == ["CVE-2021-4034", "CVE-2024-1086"]
        assert source.data_date == date(2026, 11, 27)
    told = json.loads((SAMPLES / "kev.json").read_text())
    del told["vulnerabilities"][1]
    (tmp_path / "kev.json").write_text(json.dumps(told))
    with pytest.raises(Malformed, match="2 entries are announced, 1 are there"):
        read("kev", tmp_path / "kev.json")
    (tmp_path / "epss.csv").write_text((SAMPLES / "epss.csv").read_text() + "CVE-2024-1,0.5\n")
    with pytest.raises(Malformed, match=r"epss\.csv: line 5: is not a CVE with two numbers"):
        read("epss", tmp_path / "epss.csv")
    (tmp_path / "epss.csv").write_text((SAMPLES / "epss.csv").read_text().replace("0.35", "nan"))
    with pytest.raises(Malformed, match="line 4: no number from 0 to 1"):
        read("epss", tmp_path / "epss.csv")


def test_ends_of_life_of_both_publishers(tmp_path: Path) -> None:
    found = {row.cycle: row for row in read("end-of-life", "debian.csv")}
    assert set(found) == {"11", "12", "13"}, "sid never ends"
    bookworm = found["12"]
    assert (bookworm.product, bookworm.codename, bookworm.extended_by) == ("debian", "bookworm", "lts")
    assert (bookworm.security_ends, bookworm.extended_ends) == (date(2026, 7, 11), date(2028, 6, 30))
    cycles = [
        {"cycle": "9", "releaseDate": "2022-07-14", "support": "2027-05-31", "eol": "2032-05-31"},
        {"cycle": "8", "eol": True},
        {"cycle": "10", "eol": False},
    ]
    (tmp_path / "rocky-linux.json").write_text(json.dumps(cycles))
    rocky = {row.cycle: row for row in read("end-of-life", tmp_path / "rocky-linux.json")}
    assert (rocky["9"].product, rocky["9"].security_ends, rocky["9"].ended) == ("rocky", date(2032, 5, 31), None)
    assert (rocky["8"].security_ends, rocky["8"].ended) == (None, True)
    assert (rocky["10"].security_ends, rocky["10"].ended) == (None, False)
    (tmp_path / "x.json").write_text('[{"cycle": "9", "eol": "soon"}]')
    with pytest.raises(Malformed, match="record 1: no day"):
        read("end-of-life", tmp_path / "x.json")


def test_windows_tells_client_and_server_of_one_build_apart() -> None:
    rows = read("windows", "windows.csv")
    builds = {(row.build, row.series): (row.ubr, row.kb) for row in rows if isinstance(row, made.WindowsBuildRow)}
    assert builds == {
        (26100, "client"): (4061, "KB5058411"),
        (26100, "server"): (4061, "KB5058411"),
        (9600, "server"): (None, "KB5058403"),
    }
    found = affected(rows)
    assert ("windows:26100:client", "windows", "CVE-2025-30400") in found
    assert ("windows:26100:server", "windows", "CVE-2025-30400") not in found
    rows = read("msrc", "msrc.json")
    found = affected(rows)
    assert {key[0]: row.fixed_version for key, row in found.items()} == {
        "windows:19045:client": "19045.5854",
        "windows:26100:server": "26100.4061",
        "windows:9600:server": "",
    }
    assert made.SupersededRow("KB5055518", "KB5058379") in rows
    assert next(row.severity for row in rows if isinstance(row, made.VulnerabilityRow)) == SEVERITIES["critical"]


def test_products_of_microsoft_that_are_affected_and_not_mended_are_not_lost(tmp_path: Path) -> None:
    told = json.loads((SAMPLES / "msrc.json").read_text())
    one, products = told["Vulnerability"][0], told["ProductTree"]["FullProductName"]
    products += [
        {"ProductID": "1", "Value": "Windows 10 for x64-based Systems"}, {"ProductID": "2", "Value": "Windows Server, version 20H2 (Server Core Installation)"},
        {"ProductID": "3", "Value": "Windows Server 2019"},
    ]  # fmt: skip
    one["ProductStatuses"] = [
        {"Type": 3, "ProductID": ["11929", "12436", "10048", "11573", "1", "2", "3"]},
        {"Type": 4, "ProductID": ["3"]},
    ]
    one["Remediations"] += [{"Type": 4, "ProductID": ["3"]}, {"Type": 2, "Description": {"Value": "5000001"}, "ProductID": ["2"]}]
    (tmp_path / "a.json").write_text(json.dumps(told))
    found = affected(read("msrc", tmp_path / "a.json"))
    states = {key[0]: (STATES[row.state], row.advisory) for key, row in found.items()}
    assert states == {
        "windows:19045:client": ("fixed", "KB5058379"), "windows:26100:server": ("fixed", "KB5058411"), "windows:9600:server": ("fixed", "KB5058403"),
        "windows:10240:client": ("open", ""), "windows:17763:server": ("wont_fix", ""), "windows:0:server": ("undetermined", "KB5000001"),
    }  # fmt: skip
    one["Remediations"].pop()
    (tmp_path / "a.json").write_text(json.dumps(told))
    lone = affected(read("msrc", tmp_path / "a.json"))["windows:0:server", "windows", one["CVE"]]
    assert (STATES[lone.state], lone.advisory) == ("undetermined", "")


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("Windows 10 for 32-bit Systems", ("client", 10240)),
        ("Windows 10 Version 1809 for x64-based Systems", ("client", 17763)),
        ("Windows 11 Version 24H2 for ARM64-based Systems", ("client", 26100)),
        ("Windows 11 version 21H2 for x64-based Systems", ("client", 22000)),
        ("Windows Server 2012", ("server", 9200)),
        ("Windows Server 2012 R2 (Server Core installation)", ("server", 9600)),
        ("Windows Server 2022, 23H2 Edition (Server Core installation)", ("server", 25398)),
        ("Windows Server 2022", ("server", 20348)),
        ("Windows Server 2031", ("server", 0)),
        ("Windows 11 Version 31H2 for x64-based Systems", ("client", 0)),
        ("Windows Admin Center", None),
        ("Microsoft Office 2019", None),
    ],
)
def test_products_of_microsoft_are_told_apart_by_name(name: str, product: tuple[str, int] | None) -> None:
    assert product_of(name) == product


@pytest.mark.parametrize(
    ("kind", "sample", "key"), [("msrc", "msrc.json", "Vulnerability"), ("csaf", "csaf.json", "vulnerabilities")]
)
def test_a_document_with_nothing_in_it_is_not_taken_for_read(tmp_path: Path, kind: str, sample: str, key: str) -> None:
    for empty in ({}, {key: []}):
        told = json.loads((SAMPLES / sample).read_text())
        del told[key]
        (tmp_path / "a.json").write_text(json.dumps(told | empty))
        with pytest.raises(Malformed, match=r"a\.json: document 1: a (month|document) without a vulnerability"):
            read(kind, tmp_path / "a.json")


def test_months_of_microsoft_are_of_the_day_the_one_changed_last_was_changed(tmp_path: Path) -> None:
    told = json.loads((SAMPLES / "msrc.json").read_text())
    tracking = told["DocumentTracking"]
    for number, days in enumerate((("2026-10-13", "2026-11-25"), ("2026-11-10", "2026-11-20"))):
        tracking["InitialReleaseDate"], tracking["CurrentReleaseDate"] = days
        (tmp_path / f"{number}.json").write_text(json.dumps(told))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(2):
            archive.write(tmp_path / f"{number}.json", f"{number}.json")
    source = Source(tmp_path / "a.zip")
    assert [*KINDS["msrc"].read(source)]
    assert source.data_date == date(2026, 11, 25)
    # where it does not say when it was changed, the day it came out first is not taken for that
    del tracking["CurrentReleaseDate"]
    (tmp_path / "a.json").write_text(json.dumps(told))
    source = Source(tmp_path / "a.json")
    assert [*KINDS["msrc"].read(source)]
    assert source.data_date is None


def test_network_releases_take_the_form_the_repository_has() -> None:
    path = Path(__file__).parents[2] / "collectors/devices/releases.yaml"
    rows = read("network", path)
    trains = {(row.os, row.train) for row in rows if isinstance(row, made.NetworkReleaseRow)}
    assert ("fortinet_fortios", "7.4") in trains
    assert any(row.identifier == "CVE-2024-21762" and row.exploited for row in rows if isinstance(row, made.NetworkAdvisoryRow))


def test_lists_of_indicators_in_three_forms(tmp_path: Path) -> None:
    def values(rows: list[Any]) -> set[tuple[str, str]]:
        return {(row.kind, row.value) for row in rows if isinstance(row, made.IndicatorRow)}

    rows = read("indicators", "indicators.csv", **LISTED)
    assert rows[0] == made.IndicatorListRow("15/CB", date(2026, 11, 1), "", "")
    assert values(rows) == {
        ("ip", "203.0.113.7"), ("domain", "xau.example"), ("ip", "198.51.100.0/24"), ("domain", "hai.example"),
    }  # fmt: skip
    assert rows[1].note == "máy chủ điều khiển"
    assert values(read("indicators", "stix.json", **LISTED)) == {
        ("sha256", "aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f"), ("ip", "203.0.113.9"), ("domain", "ba.example"),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e"),
    }  # fmt: skip
    (tmp_path / "a.txt").write_text("# list\nhxxp://xau[.]example/a\n203.0.113.7  # c2\n\nmau.exe\n203.0.113.7\n")
    assert values(read("indicators", tmp_path / "a.txt", **LISTED)) == {
        ("url", "http://xau.example/a"), ("ip", "203.0.113.7"), ("process", "mau.exe"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "203.0.113.7\nnot an indicator at all\n", r"a\.txt: line 2: no indicator"),
        ("a.csv", "IP,Ghi chú\nxau.example,\n", r"a\.csv: line 2: no ip: 'xau\.example'"),
        ("a.csv", "STT,Tên\n1,x\n", r"a\.csv: line 1: no heading names one of"),
        ("a.csv", "IP,Địa chỉ IP\n203.0.113.7,203.0.113.8\n", r"a\.csv: line 1: two columns mean the same"),
        ("a.json", json.dumps({"type": "bundle", "objects": [{"type": "indicator", "pattern": "[x:y = 'a']"}]}), r"object 1: x:y is not looked for"),
        (
            "a.json",
            json.dumps({"type": "bundle", "objects": [{"type": "indicator", "pattern": "[url:value = 'http://a.vn' AND url:value = 'b']"}]}),
            r"object 1: a pattern that is not read",
        ),
    ],
)  # fmt: skip
def test_a_list_with_a_line_nobody_understands_is_refused_whole(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Malformed, match=said):
        read("indicators", tmp_path / name, **LISTED)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2001:db8::1", "ip"), ("1.2.3.4", "ip"), ("d41d8cd98f00b204e9800998ecf8427e", "md5"), ("tin-tuc.example", "domain"),
        ("svchost32.exe", "process"), ("https://x.vn/?q=1", "url"), ("1.2.3", None), ("hai từ", None),
    ],
)  # fmt: skip
def test_indicators_are_known_by_their_form(text: str, kind: str | None) -> None:
    assert kind_of(plain(text)) == kind


def test_letters_come_as_csv_and_as_a_workbook(tmp_path: Path) -> None:
    from openpyxl import Workbook

    rows = read("warnings", "letter.csv", **LISTED)
    items = [row for row in rows if isinstance(row, made.WarningItemRow)]
    assert [(row.line, row.cve, row.kb) for row in items] == [
        (2, "CVE-2025-30397", "KB5058411"), (3, "CVE-2021-4034", ""), (3, "CVE-2024-1086", ""), (4, "", ""),
    ]  # fmt: skip
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Phụ lục"])
    sheet.append(["STT", "Lỗ hổng", "Phần mềm", "Mã KB"])
    sheet.append([1, "CVE-2025-30397", "Windows", 5058411])
    book.save(tmp_path / "letter.xlsx")
    found = read("warnings", tmp_path / "letter.xlsx", **LISTED)
    assert found[1] == made.WarningItemRow(3, "CVE-2025-30397", "Windows", "", "", "KB5058411", "")
    (tmp_path / "no.xlsx").write_bytes((tmp_path / "letter.xlsx").read_bytes()[:900])
    with pytest.raises(Malformed, match="no workbook"):
        read("warnings", tmp_path / "no.xlsx", **LISTED)
    with pytest.raises(Malformed, match="no number of the letter"):
        read("warnings", "letter.csv", dated="2026-11-01")
    mapped = tmp_path / "own.csv"
    mapped.write_text("Code;Thing\nCVE-2021-4034;polkit\n")
    assert read("warnings", mapped, columns="cve=Code, product=Thing", **LISTED)[1].product == "polkit"


def test_every_sheet_of_a_workbook_is_read_or_refused_by_name(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for title, cve in (("Phụ lục 1", "CVE-2025-30397"), ("Phụ lục 2", "CVE-2021-4034")):
        sheet = book.create_sheet(title)
        sheet.append(["Lỗ hổng", "Mã KB"])
        sheet.append([cve, ""])
    book.save(tmp_path / "a.xlsx")  # the first sheet is empty, as Excel leaves them
    items = [row for row in read("warnings", tmp_path / "a.xlsx", **LISTED) if isinstance(row, made.WarningItemRow)]
    assert [(row.line, row.cve) for row in items] == [(2, "CVE-2025-30397"), (2, "CVE-2021-4034")]
    sheet.append(["CVE-2024-1086", "không số"])
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(Malformed, match=r"b\.xlsx: line 3 of sheet Phụ lục 2: no KB"):
        read("warnings", tmp_path / "b.xlsx", **LISTED)
    book.create_sheet("Hướng dẫn").append(["Cập nhật ngay"])
    book.save(tmp_path / "c.xlsx")
    sheet.delete_rows(3)
    book.save(tmp_path / "c.xlsx")
    with pytest.raises(Malformed, match=r"c\.xlsx: sheet Hướng dẫn: no heading names one of"):
        read("warnings", tmp_path / "c.xlsx", **LISTED)


@pytest.mark.parametrize(
    ("own", "upstream", "identifiers", "advisory"),
    [
        ("UBUNTU-CVE-2024-12345", [], ["CVE-2024-12345"], ""),
        ("CVE-2024-12345", ["CVE-2024-9999"], ["CVE-2024-12345"], ""),
        ("X-CVE-2024-12345-2", ["CVE-2024-9999"], ["CVE-2024-9999"], "X-CVE-2024-12345-2"),
        ("LOCAL:CVE-2024-12345b", [], ["LOCAL:CVE-2024-12345b"], "LOCAL:CVE-2024-12345b"),
    ],
)
def test_a_number_that_holds_a_cve_is_not_thereby_that_cve(
    tmp_path: Path, own: str, upstream: list[str], identifiers: list[str], advisory: str
) -> None:
    package = {"ecosystem": "Ubuntu:22.04:LTS", "name": "a"}
    fixes = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}]
    told = {"id": own, "upstream": upstream, "affected": [{"package": package, "ranges": fixes}]}
    (tmp_path / "a.json").write_text(json.dumps(told))
    found = affected(read("osv", tmp_path / "a.json"))
    assert [key[2] for key in found] == identifiers
    assert {row.advisory for row in found.values()} == {advisory}


@pytest.mark.parametrize("events", [[], [{"limit": "3"}]])
def test_a_range_without_events_is_nothing_certain(tmp_path: Path, events: list[Any]) -> None:
    package = {"ecosystem": "Ubuntu:22.04:LTS", "name": "a"}
    told = {"id": "CVE-2026-1", "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]}
    (tmp_path / "a.json").write_text(json.dumps(told))
    found = affected(read("osv", tmp_path / "a.json"))["ubuntu:22.04", "a", "CVE-2026-1"]
    assert (found.state, found.note) == (UNDETERMINED, "a range without events")


def test_a_small_file_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from server.feeds.parsers import source

    monkeypatch.setattr(source, "UNPACKED_MAX", 100_000)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"{" + b" " * 1_000_000 + b"}"))
    with pytest.raises(Malformed, match="unpacks to more than"):
        read("debian", tmp_path / "a.json.gz")
