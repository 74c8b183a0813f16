"""What a machine has by what publishers say. Each test is a way in which such comparisons go wrong elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from server.feeds.codes import END_OF_LIFE, NOT_AFFECTED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.matching.match import match
from server.feeds.matching.outcome import Cache
from server.feeds.matching.said import FIX, NOT_YET, UNCERTAIN, WILL_NOT, Said
from tests.server.matching import CVE, Told, answers, deb, fixed, host, left

# ── debs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("installed", "has_it"),
    [
        ("3.0.15-1~deb12u1", True),
        ("3.0.16-1~deb12u1", False),
        ("3.0.16-1~deb12u10", False),
        ("3.0.16-1~", True),
        ("1:3.0.15-1", False),  # an epoch outweighs everything after it
    ],
)
def test_the_source_version_decides_epoch_and_all(installed: str, has_it: bool) -> None:
    book = Told()("debian:12", "openssl", fixed("3.0.16-1~deb12u1", advisory="DSA-1"))
    found = match(host("debian", "12", deb("libssl3", "9", "openssl", installed)), book)
    assert answers(found) == ({(CVE, "openssl"): FIX} if has_it else {})
    assert found.whole
    assert found.assessed == 1
    if has_it:
        assert found.matches[0][2:] == (installed, "3.0.16-1~deb12u1", FIX, "source-package", "", "DSA-1")


def test_a_fix_that_was_backported_is_no_vulnerability_whatever_upstream_says() -> None:
    # upstream mended it in 2.38; the distribution in its own 2.36
    book = Told()("debian:12", "glibc", fixed("2.36-9+deb12u3"))
    assert not match(host("debian", "12", deb("libc6", "2.36-9+deb12u9", "glibc")), book).matches


def test_several_packages_of_one_source_are_one_match() -> None:
    book = Told()("debian:12", "openssl", fixed("3.0.16-1"))
    both = host("debian", "12", deb("libssl3", "3.0.15-1", "openssl"), deb("openssl", "3.0.15-1"))
    assert len(match(both, book).matches) == 1


@pytest.mark.parametrize(
    ("said", "answer", "note"),
    [
        (Said(CVE, OPEN), NOT_YET, ""),
        (Said(CVE, OPEN, note="postponed"), NOT_YET, "postponed"),
        (Said(CVE, OPEN, note="no_dsa postponed: minor issue, not ignored for ever"), NOT_YET, "postponed"),
        (Said(CVE, WONT_FIX, note="no_dsa ignored: contrib not built"), WILL_NOT, "ignored"),
        (Said(CVE, OPEN, note="ignored: minizip is not built"), WILL_NOT, "ignored"),
        (Said(CVE, WONT_FIX, note="no_fix_planned"), WILL_NOT, ""),
        (Said(CVE, END_OF_LIFE), WILL_NOT, "end-of-life"),
        (Said(CVE, UNDETERMINED), UNCERTAIN, ""),
    ],
)
def test_what_is_not_mended_keeps_its_reason(said: Said, answer: str, note: str) -> None:
    found = match(host("debian", "12", deb("zlib1g", "1:1.2.13-1", "zlib")), Told()("debian:12", "zlib", said))
    assert [(one.answer, one.note, one.fixed) for one in found.matches] == [(answer, note, "")]


@pytest.mark.parametrize(
    "said",
    [
        fixed("0"),
        Said(CVE, NOT_AFFECTED),
        Said(CVE, OPEN, urgency="unimportant"),
        fixed("9", urgency="unimportant"),
        fixed("9", introduced="2"),
        Said(CVE, OPEN, introduced="2"),
    ],
)
def test_what_does_not_concern_a_version_is_no_match(said: Said) -> None:
    assert not match(host("debian", "12", deb("a", "1-1")), Told()("debian:12", "a", said)).matches


def test_ranges_are_judged_each_alone_and_the_last_fix_counts() -> None:
    book = Told()("debian:12", "a", fixed("1.5-1"), fixed("3.2-1", introduced="3.0-1"), fixed("1.7-1"))

    def fixes(version: str) -> list[str]:
        return [one.fixed for one in match(host("debian", "12", deb("a", version)), book).matches]

    assert fixes("1.0-1") == ["1.7-1"]
    assert fixes("1.8-1") == []
    assert fixes("3.1-1") == ["3.2-1"]
    assert fixes("3.2-1") == []


def test_a_version_no_rule_can_place_is_said_and_never_passed_over() -> None:
    book = Told()("debian:12", "a", fixed("2-1"))("debian:12", "b", fixed("2_1"))
    found = match(host("debian", "12", deb("a", "1_0"), deb("b", "1-1")), book)
    assert left(found) == {"a": "no-rule"}
    assert not found.whole
    assert [(one.package, one.answer, one.note) for one in found.matches] == [("b", UNCERTAIN, "no-rule")]


@pytest.mark.parametrize(
    ("package", "why"),
    [
        (deb("docker-ce", "5:20.10-3", origin="Docker"), "third-party"),
        (deb("a", "1-1~bpo12+1", origin="Debian Backports"), "third-party"),
        (deb("a", "1-1~bpo12+1", origin=None), "third-party"),
        (deb("a", "1-1.pgdg120+1", origin=None), "third-party"),
        (deb("a", "1-1", origin=""), "no-publisher"),
    ],
)
def test_what_the_distribution_did_not_publish_is_not_assessed_and_listed(package: Any, why: str) -> None:
    book = Told()("debian:12", "a", fixed("2-1"))("debian:12", "docker-ce", fixed("9:1"))
    found = match(host("debian", "12", package), book)
    assert not found.matches
    assert found.assessed == 0
    assert left(found) == {package.name: why}


def test_where_lists_are_missing_packages_are_matched_and_doubted() -> None:
    found = match(host("debian", "12", deb("a", "1-1", origin=None)), Told()("debian:12", "a", fixed("2-1")))
    assert [(one.answer, one.note) for one in found.matches] == [(FIX, "publisher-not-seen")]
    assert left(found) == {"a": "publisher-not-seen"}


@pytest.mark.parametrize(
    ("os_id", "version", "reason", "detail"),
    [
        ("ubuntu", "22.04", "no-feed", "ubuntu:22.04"),
        ("debian", "11", "no-feed", "debian:11"),
        ("debian", "", "no-feed", "debian:"),
        ("linuxmint", "12", "no-feed-for-system", "Linux Mint 12"),
        ("kali", "2026.3", "no-feed-for-system", "kali 2026.3"),
        ("sles", "15.6", "no-feed-for-system", "SUSE Linux Enterprise Server 15.6"),
        ("ol", "9.5", "no-feed-for-system", "Oracle Linux 9.5"),
        ("amzn", "2023", "no-feed-for-system", "Amazon Linux 2023"),
        ("arch", "", "no-feed-for-system", "arch"),
    ],
)
def test_data_of_one_release_are_held_against_no_other(os_id: str, version: str, reason: str, detail: str) -> None:
    book = Told()("debian:12", "a", fixed("2-1"))(f"{os_id}:0", "a", fixed("2-1"))
    found = match(host(os_id, version, deb("a", "1-1")), book)
    assert not found.matches
    assert (found.reason, found.detail, found.assessed) == (reason, detail, 0)
    assert not found.whole


def test_a_fix_that_comes_with_ubuntu_pro_says_so_and_outweighs_that_there_is_none_for_everybody() -> None:
    book = Told()("ubuntu:22.04", "a", Said(CVE, OPEN), fixed("1-1ubuntu0.1~esm2", needs="esm-infra"))

    def found(version: str, *has: str) -> list[tuple[str, str]]:
        seen = host("ubuntu", "22.04", deb("a", version, origin="Ubuntu"), has=frozenset(has))
        return [(one.answer, one.note) for one in match(seen, book).matches]

    assert found("1-1") == [(FIX, "needs-esm")]
    assert found("1-1", "esm-infra") == [(FIX, "")]
    assert found("1-1ubuntu0.1~esm1") == [(FIX, "needs-esm")]
    assert found("1-1ubuntu0.1~esm2") == []


def test_fixes_of_other_lines_of_versions_are_not_ours() -> None:
    book = Told()(
        "ubuntu:22.04", "a", fixed("1-1ubuntu0.2"), fixed("1-1ubuntu0.2~esm1", needs="esm"), fixed("1-1ubuntu0.2+Fips1", needs="fips")
    )  # fmt: skip

    def found(version: str, *has: str) -> list[tuple[str, str]]:
        seen = host("ubuntu", "22.04", deb("a", version, origin="Ubuntu"), has=frozenset(has))
        return [(one.fixed, one.note) for one in match(seen, book).matches]

    assert found("1-1ubuntu0.2") == []
    assert found("1-1ubuntu0.1") == [("1-1ubuntu0.2", "")]
    assert found("1-1ubuntu0.2~esm1", "esm") == []
    assert found("1-1ubuntu0.1", "esm") == [("1-1ubuntu0.2", "")]
    only_fips = Told()("ubuntu:22.04", "a", fixed("9-1", needs="fips"))
    assert not match(host("ubuntu", "22.04", deb("a", "1-1", origin="Ubuntu")), only_fips).matches


def test_a_fix_out_of_reach_does_not_hide_that_there_is_none() -> None:
    fips = Told()("ubuntu:22.04", "a", Said(CVE, OPEN), fixed("1-1ubuntu0.2+Fips1", needs="fips"))

    def found(*has: str) -> list[tuple[str, str]]:
        seen = host("ubuntu", "22.04", deb("a", "1-1", origin="Ubuntu"), has=frozenset(has))
        return [(one.answer, one.fixed) for one in match(seen, fips).matches]

    assert found() == [(NOT_YET, "")]
    assert found("fips") == [(FIX, "1-1ubuntu0.2+Fips1")]


def test_a_fix_of_a_later_range_says_nothing_of_the_first_versions() -> None:
    book = Told()("debian:12", "a", Said(CVE, UNDETERMINED), fixed("2.5-1", introduced="2.0-1"))
    found = {version: match(host("debian", "12", deb("a", version)), book).matches for version in ("1.0-1", "2.1-1")}
    assert [one.answer for one in found["1.0-1"]] == [UNCERTAIN]
    assert [one.answer for one in found["2.1-1"]] == [FIX]


# ── kernels ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def image(version: str, abi: str) -> Any:
    return deb(f"linux-image-6.1.0-{abi}-amd64", version, "linux-signed-amd64", version.replace("-", "+"))


KERNELS = Told()("debian:12", "linux", fixed("6.1.119-1"))
OLD, NEW = image("6.1.100-1", "25"), image("6.1.119-1", "28")


@pytest.mark.parametrize(
    ("images", "runs", "expected"),
    [
        ((OLD,), "6.1.100-1", [("6.1.100-1", "running-kernel", "")]),
        ((OLD, NEW), "6.1.100-1", [("6.1.100-1", "running-kernel", "restart")]),
        ((OLD, NEW), "6.1.119-1", []),
        ((NEW,), "6.1.119-1", []),
    ],
)
def test_a_kernel_is_mended_once_it_runs(images: tuple[Any, ...], runs: str, expected: list[tuple[str, str, str]]) -> None:
    found = match(host("debian", "12", *images, running_kernel=runs), KERNELS)
    assert [(one.installed, one.decided_by, one.note) for one in found.matches] == expected
    assert found.whole


def test_what_runs_and_was_not_seen_may_be_older_than_all_that_is_installed() -> None:
    found = match(host("debian", "12", NEW, reasons=(("updates.running_kernel", "unsupported: unpacked"),)), KERNELS)
    assert not found.matches
    assert [(one.why, one.detail) for one in found.left] == [("kernel-not-seen", "unsupported: unpacked")]
    old = match(host("debian", "12", OLD), KERNELS)
    assert [one.decided_by for one in old.matches] == ["newest-kernel"]
    assert left(old) == {"linux": "kernel-not-seen"}


def test_a_running_kernel_of_no_package_is_not_assessed() -> None:
    found = match(host("debian", "12", NEW, running_kernel="6.1.99-1"), KERNELS)
    assert not found.matches
    assert left(found) == {"linux": "kernel-not-packaged"}


def test_a_live_patch_is_told_and_ends_no_match() -> None:
    found = match(host("debian", "12", OLD, running_kernel="6.1.100-1", livepatched=True), KERNELS)
    assert [one.note for one in found.matches] == ["livepatched"]


def test_headers_and_the_like_are_no_kernels() -> None:
    kin = (
        deb("linux-libc-dev", "6.1.100-1", "linux"),
        deb("linux-perf", "6.1.100-1", "linux"),
        deb("linux-image-amd64", "6.1.100-1", "linux-signed-amd64", "6.1.100+1"),
        deb("linux-headers-6.1.0-25-amd64", "6.1.100-1", "linux"),
    )
    found = match(host("debian", "12", *kin, NEW, running_kernel="6.1.119-1"), KERNELS)
    assert not found.matches
    assert found.assessed == 1


def test_what_belongs_to_a_kernel_without_a_kernel_is_not_thereby_safe() -> None:
    headers, modules = deb("linux-libc-dev", "6.1.100-1", "linux"), deb("linux-modules-6.1.0-25-amd64", "6.1.100-1", "linux")
    found = match(host("debian", "12", headers, modules), KERNELS)
    assert not found.matches
    assert [(one.package, one.why, one.detail) for one in found.left] == [("linux", "kernel-not-packaged", "linux-libc-dev")]
    assert not found.whole
    # a kernel made from another source is the one that runs
    book = Told()("ubuntu:22.04", "linux", fixed("9-1"))
    hwe = deb("linux-image-6.5.0-35-generic", "6.5.0-35.35~22.04.1", "linux-signed-hwe-6.5", origin="Ubuntu")
    seen = host("ubuntu", "22.04", headers._replace(origin="Ubuntu"), hwe, running_kernel="6.5.0-35.35~22.04.1")
    assert match(seen, book).whole


def test_of_two_kinds_of_kernel_the_running_one_counts() -> None:
    book = Told()("ubuntu:22.04", "linux", fixed("5.15.0-102.112"))("ubuntu:22.04", "linux-hwe-6.5", fixed("6.5.0-30.30~22.04.1"))
    generic = deb("linux-image-5.15.0-101-generic", "5.15.0-101.111", "linux-signed", origin="Ubuntu")
    hwe = deb("linux-image-6.5.0-35-generic", "6.5.0-35.35~22.04.1", "linux-signed-hwe-6.5", origin="Ubuntu")
    assert not match(host("ubuntu", "22.04", generic, hwe, running_kernel="6.5.0-35.35~22.04.1"), book).matches
    found = match(host("ubuntu", "22.04", generic, hwe, running_kernel="5.15.0-101.111"), book)
    assert [one.package for one in found.matches] == ["linux"]


def test_the_cache_changes_no_answer() -> None:
    book = Told()("debian:12", "a", fixed("2-1"))("debian:12", "linux", fixed("6.1.119-1"))
    cache: Cache = {}
    machines = [
        host("debian", "12", deb("a", "1-1")),
        host("debian", "12", deb("a", "1-1", origin=None)),
        host("debian", "12", deb("a", "2-1"), OLD, running_kernel="6.1.100-1"),
        host("debian", "12", deb("a", "1-1"), has=frozenset({"esm"})),
    ]
    for _ in range(2):
        for machine in machines:
            assert match(machine, book, cache) == match(machine, book)
