"""What rpm systems, Windows and network systems have by what publishers say, and what their facts tell for it."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.devices.releases import Advisory, Row
from collectors.model import Platform
from server.feeds.codes import END_OF_LIFE, FIXED, NOT_AFFECTED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.matching import host as hosts
from server.feeds.matching.match import match
from server.feeds.matching.outcome import Outcome
from server.feeds.matching.said import FIX, NOT_YET, UNCERTAIN, WILL_NOT, Said
from tests.server.matching import CVE, Told, answers, deb, fixed, host, left, rpm

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


def software_of(*modules: tuple[str, str]) -> Any:
    """Host of the fact as a RHEL 8 with nodejs 18 sends it."""
    version = "18.19.0-1.module+el8.9.0+1"
    node = {
        "name": "nodejs-docs",
        "version": f"1:{version}",
        "arch": "x86_64",
        "source": "nodejs",
        "source_version": version,
        "origin": "Red Hat, Inc.",
    }
    told = {"packages": [node], "modules": [{"name": name, "stream": stream} for name, stream in modules]}
    identity = record("identity", {"os_id": "rhel", "os_version": "8.10", "os_family": "redhat"})
    return hosts.read([identity, record("software", told)])


def test_a_fix_of_another_stream_hides_no_open_one() -> None:
    fix = fixed("1:18.19.1-1.module+el8.9.0+2", module="nodejs:18")
    other = fixed("1:20.11.1-1.module+el8.9.0+2", module="nodejs:20", identifier="CVE-2026-2")
    open_here = Said("CVE-2026-2", WONT_FIX, module="nodejs:18")
    book = Told()("rhel:8", "nodejs-docs", fix, other)("rhel:8", "nodejs", open_here)

    def found(*modules: tuple[str, str]) -> dict[tuple[str, str], str]:
        return answers(match(software_of(*modules), book))

    assert found(("nodejs", "18")) == {(CVE, "nodejs-docs"): FIX, ("CVE-2026-2", "nodejs"): WILL_NOT}
    assert found(("nodejs", "20")) == {("CVE-2026-2", "nodejs-docs"): FIX}, "18 is another stream's matter there"
    assert found(("nodejs", "16")) == {}


def test_a_module_that_was_reset_after_it_was_installed_is_of_no_known_stream() -> None:
    book = Told()("rhel:8", "nodejs-docs", fixed("1:18.19.1-1.module+el8.9.0+2", module="nodejs:18"))
    for modules in ((), (("php", "8.2"),)):
        found = match(software_of(*modules), book)
        assert answers(found) == {(CVE, "nodejs-docs"): UNCERTAIN}
        assert left(found) == {"nodejs-docs": "stream-not-seen"}


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
    assert [(one.answer, one.note) for one in unknown.matches] == [(UNCERTAIN, "main-stream")]
    assert left(unknown) == {"rhel": "support-not-covered"}
    assert match(host("rhel", "8.2", sudo, stream="eus"), book).reason == "no-feed"


def redhat(name: str, version: str, source: str = "", source_version: str = "") -> Any:
    return rpm(name, version, source, source_version, origin="Red Hat, Inc.")


@pytest.mark.parametrize(
    ("said", "answer"),
    [(Said(CVE, OPEN), NOT_YET), (Said(CVE, WONT_FIX), WILL_NOT), (Said(CVE, END_OF_LIFE), WILL_NOT), (Said(CVE, UNDETERMINED), UNCERTAIN)],
)  # fmt: skip
def test_what_is_not_mended_is_named_by_the_source_and_found_in_what_is_installed(said: Said, answer: str) -> None:
    packages = redhat("openssl-libs", "1:3.2.2-6.el9_5", "openssl", "3.2.2-6.el9_5"), redhat("openssl", "1:3.2.2-6.el9_5")
    found = match(host("rhel", "9.5", *packages[:1]), Told()("rhel:9", "openssl", said))
    assert [(one.package, one.installed, one.answer) for one in found.matches] == [("openssl", "3.2.2-6.el9_5", answer)]
    # mended in what is installed, whatever is said of the source
    mended = Told()("rhel:9", "openssl", said)("rhel:9", "openssl-libs", fixed("1:3.2.2-6.el9_5"))
    assert not match(host("rhel", "9.5", *packages[:1]), mended).matches
    # AlmaLinux names what is installed, always
    alma = host("almalinux", "9.5", packages[0]._replace(origin="AlmaLinux"))
    assert not match(alma, Told()("almalinux:9", "openssl", said)).matches


def test_what_a_publisher_says_of_the_main_stream_holds_in_part_where_it_is_silent_on_the_machines_own() -> None:
    sudo = redhat("sudo", "1.9.5p2-10.el9_4.1")
    other = Told()("rhel:9.4-eus", "bash", fixed("5-1.el9_4"))

    def found(*rows: Said, own: tuple[Said, ...] = (), version: str = "9.4", stream: str = "eus") -> list[tuple[str, str]]:
        book = Told()("rhel:9", "sudo", *rows)("rhel:9.4-eus", "sudo", *own)
        book.rows |= other.rows
        return [(one.answer, one.note) for one in match(host("rhel", version, sudo, stream=stream), book).matches]

    assert found(Said(CVE, OPEN)) == [(NOT_YET, "main-stream")]
    assert found(Said(CVE, WONT_FIX)) == [(WILL_NOT, "main-stream")]
    assert found(fixed("1.9.5p2-11.el9_6")) == [(UNCERTAIN, "main-stream")], "whether 9.4 gets it is not told"
    assert found(fixed("1.9.5p2-11.el9")) == [(UNCERTAIN, "main-stream")], "of which minor release is not told"
    assert found(fixed("1.9.5p2-11.el9_4")) == [(FIX, "")], "came while 9.4 was the main stream"
    assert found(fixed("1.9.5p2-9.el9_3")) == []
    # its own stream's word outweighs the main one's, whichever it is
    assert found(Said(CVE, OPEN), own=(fixed("1.9.5p2-10.el9_4.1"),)) == []
    assert found(fixed("1.9.5p2-9.el9"), own=(Said(CVE, WONT_FIX),)) == [(WILL_NOT, "")]
    assert found(Said(CVE, OPEN), own=(Said(CVE, NOT_AFFECTED),)) == []
    assert found(Said(CVE, OPEN), own=(fixed("1.9.5p2-10.el9_4.1"),), stream="aus eus") == [], "each of its streams counts"
    assert found(Said(CVE, OPEN)) == found(Said(CVE, OPEN), stream="e4s")


def test_a_source_that_is_not_mended_in_its_own_stream_is_not_hidden_by_a_fix_of_the_main_one() -> None:
    book = Told()("rhel:9", "openssl-libs", fixed("1:3.2.2-7.el9_6"))("rhel:9.4-e4s", "openssl", Said(CVE, WONT_FIX))
    libs = redhat("openssl-libs", "1:3.0.7-28.el9_4", "openssl", "3.0.7-28.el9_4")
    assert [(one.package, one.answer) for one in match(host("rhel", "9.4", libs, stream="e4s"), book).matches] == [
        ("openssl", WILL_NOT)
    ]


def test_els_is_a_stream_of_a_whole_major_release() -> None:
    book = Told()("rhel:7", "sudo", Said(CVE, END_OF_LIFE))("rhel:7-els", "sudo", fixed("1.8.23-10.el7_9.4"))
    mended = host("rhel", "7.9", redhat("sudo", "1.8.23-10.el7_9.4"), stream="els")
    assert not match(mended, book).matches
    assert [one.answer for one in match(mended._replace(stream=""), book).matches] == [WILL_NOT]


def test_the_kernels_unmended_rows_are_of_its_source_and_kinds_of_kernel_are_told_apart() -> None:
    book = Told()("rhel:8", "kernel", Said(CVE, WONT_FIX))(
        "rhel:8", "kernel-rt-core", fixed("4.18.0-553.rt7.9.el8_10", identifier="CVE-2026-2")
    )
    plain = redhat("kernel-core", "4.18.0-500.el8_10", "kernel")
    real_time = redhat("kernel-rt-core", "4.18.0-500.rt7.1.el8_10", "kernel-rt")

    def found(running: str | None, *images: Any, stream: str = "") -> list[tuple[str, str, str]]:
        seen = host("rhel", "8.10", *images, running_kernel=running, stream=stream)
        return sorted((one.package, one.identifier, one.answer) for one in match(seen, book).matches)

    assert found("4.18.0-500.el8_10", plain) == [("kernel", CVE, WILL_NOT)]
    assert found("4.18.0-500.el8_10", plain, real_time) == [("kernel", CVE, WILL_NOT)]
    assert found("4.18.0-500.rt7.1.el8_10", plain, real_time) == [("kernel-rt", "CVE-2026-2", FIX)]
    assert found(None, plain, real_time) == [("kernel", CVE, WILL_NOT), ("kernel-rt", "CVE-2026-2", FIX)]
    assert found("4.18.0-500.el8_10", plain, stream="eus") == [("kernel", CVE, WILL_NOT)]


def test_the_running_kernel_of_rpm_systems() -> None:
    book = Told()("rocky:9", "kernel", fixed("5.14.0-503.40.1.el9_5"))
    old = rpm("kernel-core", "5.14.0-503.14.1.el9_5", "kernel")
    new = rpm("kernel-core", "5.14.0-503.40.1.el9_5", "kernel")
    kin = rpm("kernel-headers", "5.14.0-503.14.1.el9_5", "kernel")
    found = match(host("rocky", "9.5", old, new, kin, running_kernel="5.14.0-503.14.1.el9_5"), book)
    assert [(one.package, one.note) for one in found.matches] == [("kernel", "restart")]
    assert not match(host("rocky", "9.5", old, new, kin, running_kernel="5.14.0-503.40.1.el9_5"), book).matches


def test_headers_of_rpm_systems_without_a_kernel_are_not_thereby_safe() -> None:
    book = Told()("rocky:9", "kernel", fixed("5.14.0-503.40.1.el9_5"))
    kin = rpm("kernel-headers", "5.14.0-503.14.1.el9_5", "kernel"), rpm("kernel-modules-core", "5.14.0-503.14.1.el9_5", "kernel")
    found = match(host("rocky", "9.5", *kin), book)
    assert not found.matches
    assert left(found) == {"kernel": "kernel-not-packaged"}


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


def test_what_is_said_of_windows_without_a_build_is_read() -> None:
    def found(*rows: Said, pending: tuple[str, ...] | None = ()) -> list[tuple[str, str]]:
        book = Told()(SERVER, "windows", fixed("26100.1", identifier="CVE-2026-2"))("windows:0:server", "windows", *rows)
        outcome = match(pc(running_kernel="26100.3000", pending=pending), book)
        return [(one.answer, one.decided_by) for one in outcome.matches]

    named = Said(CVE, UNDETERMINED, advisory="KB1")
    assert found(named, pending=("KB1",)) == [(FIX, "windows-update")]
    assert found(named, pending=None) == [(UNCERTAIN, "windows-update")]
    assert found(named) == []
    assert found(Said(CVE, UNDETERMINED)) == [(UNCERTAIN, "build")], "neither build nor update: nothing tells"
    assert found(Said("CVE-2026-2", UNDETERMINED)) == [], "of its own build something is said"


@pytest.mark.parametrize(
    ("state", "answer"), [(OPEN, NOT_YET), (WONT_FIX, WILL_NOT), (UNDETERMINED, UNCERTAIN), (FIXED, UNCERTAIN)]
)
@pytest.mark.parametrize("running", ["26100.3000", "26100"])
def test_windows_that_no_update_mends_has_it(state: int, answer: str, running: str) -> None:
    book = Told()(SERVER, "windows", Said(CVE, state))
    assert [one.answer for one in match(pc(running_kernel=running, pending=()), book).matches] == [answer]


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
        ("rhel-9-for-x86_64-appstream-e4s-rpms", "e4s"),
        ("rhel-7-server-els-rpms", "els"),
    ],
)
def test_the_stream_shows_by_the_repositories(name: str, stream: str) -> None:
    assert hosts.read([IDENTITY, record("updates", {"sources": [{"name": name, "host": None}]})]).stream == stream
