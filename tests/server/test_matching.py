"""What a machine has by what publishers say. Each test is a way in which such comparisons go wrong elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.devices.releases import Advisory, Row
from collectors.model import Platform
from server.feeds.codes import END_OF_LIFE, FIXED, NOT_AFFECTED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.matching import host as hosts
from server.feeds.matching.match import match
from server.feeds.matching.outcome import Cache, Outcome
from server.feeds.matching.said import FIX, NOT_YET, UNCERTAIN, WILL_NOT, Said
from tests.server.matching import Told, deb, host, rpm

CVE = "CVE-2026-1000"


def fixed(version: str, **more: Any) -> Said:
    return Said(more.pop("identifier", CVE), FIXED, version, **more)


def answers(outcome: Outcome) -> dict[tuple[str, str], str]:
    return {(one.identifier, one.package): one.answer for one in outcome.matches}


def left(outcome: Outcome) -> dict[str, str]:
    return {one.package: one.why for one in outcome.left}


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
    ("os_id", "version"), [("ubuntu", "22.04"), ("linuxmint", "12"), ("debian", "11"), ("debian", ""), ("kali", "2026.3")]
)
def test_data_of_one_release_are_held_against_no_other(os_id: str, version: str) -> None:
    found = match(host(os_id, version, deb("a", "1-1")), Told()("debian:12", "a", fixed("2-1")))
    assert not found.matches
    assert found.reason == "no-feed"
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
    assert not match(host("debian", "12", *kin), KERNELS).matches, "a container has its host's kernel"


def test_of_two_kinds_of_kernel_the_running_one_counts() -> None:
    book = Told()("ubuntu:22.04", "linux", fixed("5.15.0-102.112"))("ubuntu:22.04", "linux-hwe-6.5", fixed("6.5.0-30.30~22.04.1"))
    generic = deb("linux-image-5.15.0-101-generic", "5.15.0-101.111", "linux-signed", origin="Ubuntu")
    hwe = deb("linux-image-6.5.0-35-generic", "6.5.0-35.35~22.04.1", "linux-signed-hwe-6.5", origin="Ubuntu")
    assert not match(host("ubuntu", "22.04", generic, hwe, running_kernel="6.5.0-35.35~22.04.1"), book).matches
    found = match(host("ubuntu", "22.04", generic, hwe, running_kernel="5.15.0-101.111"), book)
    assert [one.package for one in found.matches] == ["linux"]


# ── rpms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rpm_matches_by_package_and_by_source_where_the_publisher_names_that() -> None:
    told = fixed("1:3.2.2-6.el9_5.1")
    libs = rpm("openssl-libs", "1:3.2.2-6.el9_5", "openssl")
    assert [one.package for one in match(host("rocky", "9.5", libs), Told()("rocky:9", "openssl", told)).matches] == ["openssl"]
    alma = rpm("openssl-libs", "1:3.2.2-6.el9_5", "openssl", origin="AlmaLinux")
    assert not match(host("almalinux", "9.5", alma), Told()("almalinux:9", "openssl", told)).matches
    assert match(host("almalinux", "9.5", alma), Told()("almalinux:9", "openssl-libs", told)).matches


def test_the_epoch_of_a_source_is_that_of_its_packages_or_not_known() -> None:
    book = Told()("rocky:9", "perl", fixed("4:5.32.1-481.el9"))
    errno = rpm("perl-Errno", "0:1.30-480.el9", "perl", "5.32.1-480.el9")
    alone = match(host("rocky", "9.5", errno), book)
    assert not alone.matches
    assert left(alone) == {"perl-Errno": "epoch-not-known"}
    beside = match(host("rocky", "9.5", errno, rpm("perl-libs", "4:5.32.1-480.el9", "perl")), book)
    assert [(one.installed, one.answer) for one in beside.matches] == [("4:5.32.1-480.el9", FIX)]
    mended = rpm("perl-Errno", "0:1.30-481.el9", "perl", "5.32.1-481.el9"), rpm("perl-libs", "4:5.32.1-481.el9", "perl")
    assert not match(host("rocky", "9.5", *mended), book).matches


@pytest.mark.parametrize(
    ("vendor", "why"), [("Fedora Project", "third-party"), ("", "no-publisher"), (None, "publisher-not-seen")]
)
def test_the_vendor_decides_who_speaks_of_an_rpm(vendor: str | None, why: str) -> None:
    found = match(host("rocky", "9.5", rpm("htop", "3.3.0-1.el9", origin=vendor)), Told()("rocky:9", "htop", fixed("9-1")))
    assert not found.matches
    assert left(found) == {"htop": why}


def test_modules_are_matched_in_the_stream_in_use() -> None:
    book = Told()(
        "almalinux:8", "nodejs", fixed("1:18.20.4-1.module_el8.10.0+1", module="nodejs:18"), fixed("1:20.16.0-1.module_el8.10.0+1", module="nodejs:20")
    )  # fmt: skip
    node = rpm("nodejs", "1:18.20.4-1.module_el8.10.0+1", origin="AlmaLinux")

    def found(modules: Any) -> Outcome:
        return match(host("almalinux", "8.10", node, modules=modules), book)

    assert found((("nodejs", "18"),)).whole
    assert not found((("nodejs", "18"),)).matches
    unseen = found(None)
    assert left(unseen) == {"nodejs": "stream-not-seen"}
    assert [one.answer for one in unseen.matches] == [UNCERTAIN]
    old = rpm("nodejs", "1:18.20.3-1.module_el8.10.0+1", origin="AlmaLinux")
    matched = match(host("almalinux", "8.10", old, modules=(("nodejs", "18"),)), book)
    assert [one.fixed for one in matched.matches] == ["1:18.20.4-1.module_el8.10.0+1"]


def test_what_is_said_of_a_module_is_not_said_of_the_plain_package() -> None:
    book = Told()("almalinux:8", "nodejs", fixed("1:20.16.0-1.module_el8.10.0+1", module="nodejs:20"))
    plain = rpm("nodejs", "1:10.24.0-1.el8", origin="AlmaLinux")
    assert not match(host("almalinux", "8.10", plain, modules=()), book).matches


def test_a_module_whose_stream_the_publisher_does_not_name_stays_open() -> None:
    book = Told()("almalinux:8", "nodejs", fixed("1:20.16.0-1.module_el8.10.0+1"))
    node = rpm("nodejs", "1:18.20.4-1.module_el8.10.0+1", origin="AlmaLinux")
    found = match(host("almalinux", "8.10", node, modules=(("nodejs", "18"),)), book)
    assert [(one.answer, one.note) for one in found.matches] == [(UNCERTAIN, "stream-not-told")]
    assert left(found) == {"nodejs": "stream-not-told"}


def test_extended_streams_have_their_own_fixes() -> None:
    book = Told()("rhel:9", "sudo", fixed("1.9.5p2-11.el9_6"))("rhel:9.4-eus", "sudo", fixed("1.9.5p2-10.el9_4.1"))
    sudo = rpm("sudo", "1.9.5p2-10.el9_4.1", origin="Red Hat, Inc.")
    assert not match(host("rhel", "9.4", sudo, stream="eus"), book).matches
    assert match(host("rhel", "9.4", sudo), book).matches
    unknown = match(host("rhel", "9.2", sudo, stream="eus"), book)
    assert unknown.reason == "no-feed"
    assert unknown.detail == "rhel:9.2-eus"


def test_the_running_kernel_of_rpm_systems() -> None:
    book = Told()("rocky:9", "kernel", fixed("5.14.0-503.40.1.el9_5"))
    old = rpm("kernel-core", "5.14.0-503.14.1.el9_5", "kernel")
    new = rpm("kernel-core", "5.14.0-503.40.1.el9_5", "kernel")
    kin = rpm("kernel-headers", "5.14.0-503.14.1.el9_5", "kernel")
    found = match(host("rocky", "9.5", old, new, kin, running_kernel="5.14.0-503.14.1.el9_5"), book)
    assert [(one.package, one.note) for one in found.matches] == [("kernel", "restart")]
    assert not match(host("rocky", "9.5", old, new, kin, running_kernel="5.14.0-503.40.1.el9_5"), book).matches


# ── Windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SERVER = "windows:26100:server"


def pc(os_id: str = "windows-server", **changes: Any) -> Any:
    return host(os_id, "2025", **changes)


def test_windows_by_build_and_ubr_of_its_own_series() -> None:
    book = Told()(SERVER, "windows", fixed("26100.4061", advisory="KB5058411"))
    found = match(pc(running_kernel="26100.3000"), book)
    assert [(one.answer, one.decided_by, one.fixed, one.advisory) for one in found.matches] == [
        (FIX, "build", "26100.4061", "KB5058411")
    ]
    assert not match(pc(running_kernel="26100.4061"), book).matches
    assert match(pc("windows", running_kernel="26100.3000"), book).reason == "no-feed"
    assert match(pc(), book).reason == "system-not-seen"


def test_where_no_ubr_counts_windows_update_and_what_holds_an_update_decide() -> None:
    book = Told()("windows:9600:server", "windows", Said(CVE, FIXED, advisory="KB1"))
    book.holders["KB1"] = frozenset({"KB2", "KB3"})

    def decided(pending: tuple[str, ...] | None) -> list[tuple[str, str]]:
        found = match(pc(running_kernel="9600.1", pending=pending), book)
        return [(one.answer, one.decided_by) for one in found.matches]

    assert decided(("KB1",)) == [(FIX, "windows-update")]
    assert decided(("KB3",)) == [(FIX, "supersedence")]
    assert decided(("KB9",)) == decided(()) == []
    assert decided(None) == [(UNCERTAIN, "windows-update")]


def test_programs_on_windows_are_listed_as_not_covered() -> None:
    seen = pc(running_kernel="26100.9999")._replace(packages=(deb("7-Zip", "22.01", origin="Igor Pavlov"),))
    assert left(match(seen, Told()(SERVER, "windows", fixed("26100.4061")))) == {"7-Zip": "not-covered"}


# ── network systems ──────────────────────────────────────────────────────────────────────────────────────────────────


def train(covers: str = "all", **changes: Any) -> Row:
    advisory = {"id": CVE, "severity": "critical", "exploited": True, "fixed": "7.2.7", "source": "test", **changes}
    return Row.model_validate(
        {
            "platform": Platform.FORTINET_FORTIOS, "train": "7.2", "covers": covers, "source": "test", "dated": "2026-11-01",
            "advisories": (Advisory.model_validate(advisory),),
        }
    )  # fmt: skip


def fortigate(version: str | None, row: Row) -> Outcome:
    book = Told()
    book.releases = (row,)
    return match(host("fortinet_fortios", "", firmware=version), book)


def test_network_systems_by_their_train() -> None:
    assert [(one.answer, one.fixed, one.decided_by) for one in fortigate("7.2.5", train()).matches] == [
        (FIX, "7.2.7", "release-train")
    ]
    assert fortigate("7.2.7", train()).whole
    assert not fortigate("7.2.5", train(since="7.2.6")).matches
    assert [one.answer for one in fortigate("7.2.5", train(fixed=None)).matches] == [NOT_YET]
    assert [one.note for one in fortigate("7.2.5", train(condition="SSL-VPN")).matches] == ["condition"]


def test_a_release_no_table_knows_is_not_safe() -> None:
    assert fortigate("7.4.3", train()).reason == "no-feed"
    assert fortigate("mười bảy", train()).reason == "no-feed"
    assert fortigate(None, train()).reason == "system-not-seen"
    assert left(fortigate("7.2.9", train("some"))) == {"fortinet_fortios": "list-not-whole"}


# ── what facts tell ──────────────────────────────────────────────────────────────────────────────────────────────────


def record(fact: str, data: dict[str, Any] | None, reason: str = "") -> dict[str, Any]:
    return {"fact": fact, "outcome": "denied" if data is None else "seen", "data": data, "reason": reason}


IDENTITY = record("identity", {"os_id": "debian", "os_version": "12", "os_family": "debian"})


def test_a_machine_whose_packages_were_not_seen_has_no_empty_list() -> None:
    seen = hosts.read([IDENTITY, record("software", None, "status is damaged")])
    found = match(seen, Told()("debian:12", "a", fixed("2-1")))
    assert (found.reason, found.detail) == ("packages-not-seen", "denied: status is damaged")
    gap = {"field": "packages", "outcome": "unparsable", "reason": "cut off"}
    partly = hosts.read([IDENTITY, record("software", {"packages": None, "unseen": [gap]})])
    assert match(partly, Told()("debian:12", "a", fixed("2-1"))).detail == "unparsable: cut off"
    assert match(hosts.read([]), Told()).reason == "system-not-seen"


def test_facts_become_a_host() -> None:
    packages = [
        {"name": "libssl3", "version": "3-1", "arch": "amd64", "source": "openssl", "source_version": "", "origin": "Debian"},
        {"name": "bash", "version": "5-1+b1", "arch": "amd64", "source": "", "source_version": "5-1", "origin": None},
    ]
    sources = [{"name": "jammy-infra-security main", "scheme": "https", "host": "esm.ubuntu.com", "signed": True}]
    updates = {"running_kernel": "6.1-1", "livepatched": True, "sources": sources, "pending": [{"name": "bash"}]}
    seen = hosts.read([IDENTITY, record("software", {"packages": packages}), record("updates", updates)])
    assert seen.packages == (deb("bash", "5-1+b1", "bash", "5-1", None), deb("libssl3", "3-1", "openssl", "3-1"))
    assert (seen.running_kernel, seen.livepatched, seen.pending, seen.modules) == ("6.1-1", True, None, None)
    assert "esm" in seen.has


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("rhel-9-for-x86_64-baseos-eus-rpms", "eus"),
        ("rhel-8-for-x86_64-appstream-aus-rpms", "aus"),
        ("rhel-9-for-x86_64-baseos-rpms", ""),
    ],
)
def test_the_stream_shows_by_the_repositories(name: str, stream: str) -> None:
    assert hosts.read([IDENTITY, record("updates", {"sources": [{"name": name, "host": None}]})]).stream == stream


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
