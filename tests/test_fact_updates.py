"""Patch state: the counts of five real systems, agreement with apt itself, and that damage never looks like "up to date"."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable
from collectors.facts import updates
from collectors.linux import apt_config, apt_lists, apt_sources, dnf, dnf_repos, dpkg, rpm
from collectors.linux.apt import security_pockets
from collectors.linux.support import support, table
from collectors.transports.local import ENVIRONMENT, LocalShell, RootShell
from collectors.transports.replay import ReplayShell
from collectors.transports.witness import Witness

HERE = Path(__file__).parent
CASES = HERE / "cases" / "updates"
on_debian = pytest.mark.skipif(not shutil.which("apt-get"), reason="no apt to ask")


@pytest.mark.parametrize(
    ("root", "pending", "security"),
    [("bullseye", 28, 28), ("bookworm", 6, 6), ("trixie", 8, 7), ("jammy", 65, 61), ("noble", 65, 42)],
)
def test_counts_of_unpacked_systems(root: str, pending: int, security: int) -> None:
    fact = updates.apt(RootShell(str(HERE / "roots" / f"root-{root}")))
    assert (fact.pending_count, fact.security_count) == (pending, security)


def test_a_field_that_is_none_has_its_reason() -> None:
    fact = updates.apt(RootShell(str(HERE / "roots" / "root-bookworm")))
    told = {entry.field for entry in fact.unseen}
    assert {name for name, value in fact if value is None} <= told


# ── agreement with apt itself, on the machine the tests run on ───────────────────────────────────────────────────────


def ask(*argv: str, **environment: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, env={**ENVIRONMENT, **environment}, check=True).stdout


@pytest.mark.system
@on_debian
def test_pending_is_what_apt_lists_as_upgradable() -> None:
    fact = updates.apt(Witness(LocalShell()))
    listed = re.findall(r"^([^/\s]+)/\S+ (\S+) (\S+) \[upgradable from: (\S+)\]", ask("apt", "list", "--upgradable"), re.M)
    if fact.pending is None:
        assert any(entry.field == "pending" and entry.reason for entry in fact.unseen)
    else:
        assert {(row.name, row.candidate, row.arch, row.installed) for row in fact.pending} == set(listed)


@pytest.mark.system
@on_debian
def test_security_is_what_apt_would_install_from_a_security_pocket() -> None:
    fact = updates.apt(Witness(LocalShell()))
    simulated = ask("apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade")
    named = {
        name.partition(":")[0]
        for name in re.findall(r"^Inst (\S+) \[[^\]]*\] \([^)]*(?:Debian-Security|-security)[^)]*\)", simulated, re.M)
    }
    # what apt would install is a part: held packages are missing there, and an older security version below the candidate
    assert named <= {row.name for row in fact.pending or () if row.security}
    assert fact.security_count is not None or not named


@pytest.mark.system
@on_debian
def test_names_of_lists_are_foretold_as_apt_makes_them(tmp_path: Path) -> None:
    sources = tmp_path / "sources.list"
    sources.write_text(
        "deb http://mirror.example/flat2 sub/dir/\n"
        "deb http://mirror.example:3142/debian buster/updates main\n"
        "deb [arch=amd64] file:///srv/a_b stable main contrib # comment\n"
        "deb http://mirror.example/~x/debian/ bookworm main\n"
        "deb file:/srv/c ./\n"
    )
    said = ask(
        "apt-get", "update", "--print-uris", "-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-",
        "-o", f"Dir::State::Lists={tmp_path}/lists", "-o", "APT::Architecture=amd64",
    )  # fmt: skip
    made = {name.removesuffix("InRelease") for name in re.findall(r"^\S+ (\S+_InRelease) ", said, re.M)}
    text = sources.read_text()
    foretold = {entry.prefix("amd64") for entry in apt_sources.entries(ReplayShell(_sources(text)))}
    assert foretold == made


@pytest.mark.system
@on_debian
def test_configuration_is_merged_as_apt_merges_it(tmp_path: Path) -> None:
    parts = tmp_path / "etc/apt/apt.conf.d"
    parts.mkdir(parents=True)
    (parts / "10first").write_text(
        '// comment\nAPT::Periodic { Unattended-Upgrade "1"; /* no */ Enable "1"; };\nX::List { "a"; "b"; };\nY { Z "1"; };'
    )
    (parts / "20second.conf").write_text(
        '# comment\napt::periodic::unattended-upgrade "0";\nX::List:: "c";\n#clear Y;\nY::W "2";\n'
    )
    (parts / "30ignored.bak").write_text('APT::Periodic::Unattended-Upgrade "1";\n')
    (parts.parent / "apt.conf").write_text('APT { Periodic { Update-Package-Lists "always" ; } ; } ;\n')
    (tmp_path / "env.conf").write_text(f'Dir::Etc::parts "{parts}/";\nDir::Etc::main "{parts.parent}/apt.conf";\n')
    dumped = ask("apt-config", "dump", APT_CONFIG=str(tmp_path / "env.conf"))
    theirs: dict[str, list[str]] = {}
    for key, value in re.findall(r'^(\S+) "(.*)";$', dumped, re.M):
        theirs.setdefault(key.lower().removesuffix("::"), []).append(value)
    ours = apt_config.config(RootShell(str(tmp_path)))
    assert ours
    for key, values in ours.items():
        assert tuple(value for value in theirs[key] if value) == values
    assert "y::z" not in ours


def _sources(text: str) -> dict[str, Any]:
    path = "/etc/apt/sources.list"
    return {
        "read": {path: text},
        "read_all": {path: [path], "/etc/apt/sources.list.d/*.list": [], "/etc/apt/sources.list.d/*.sources": []},
    }


# ── rules that need more than one recording to say ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "security"),
    [
        ("Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security", True),
        ("Origin: Debian\nLabel: Debian-Security\nSuite: oldoldstable\nCodename: buster", True),
        ("Origin: Debian\nLabel: Debian\nSuite: oldstable-updates\nCodename: bookworm-updates", False),
        ("Origin: Ubuntu\nLabel: Ubuntu\nSuite: jammy-security\nCodename: jammy", True),
        ("Origin: Ubuntu\nLabel: Ubuntu\nSuite: jammy-updates\nCodename: jammy", False),
        ("Origin: UbuntuESM\nLabel: UbuntuESM\nSuite: jammy-infra-security\nCodename: jammy", True),
        ("Origin: Docker\nLabel: Docker CE\nSuite: bookworm\nCodename: bookworm", False),
    ],
)
def test_which_pocket_is_for_security(head: str, security: bool) -> None:
    assert _lists(head).releases[0].security is security


def test_a_pocket_of_another_release_protects_nobody() -> None:
    lists = _lists("Origin: Debian\nLabel: Debian-Security\nSuite: oldoldstable-security\nCodename: bullseye-security")
    assert security_pockets(lists, {"ID": "debian", "VERSION_CODENAME": "bookworm"}) == ()
    assert security_pockets(lists, {"ID": "debian", "VERSION_CODENAME": "bullseye"}) == lists.releases


def _lists(head: str, entries: tuple[apt_sources.Entry, ...] = ()) -> apt_lists.Lists:
    path = "/var/lib/apt/lists/mirror.example_dists_x_InRelease"
    transcript = {
        "read": {path: head + "\n"},
        "read_all": {"/var/lib/apt/lists/*_InRelease": [path], "/var/lib/apt/lists/*_Release": []},
        "names": {"/var/lib/apt/lists/*_Packages*": []},
    }
    return apt_lists.lists(ReplayShell(transcript), entries, ("amd64",))


def test_a_release_without_package_lists_is_a_fault() -> None:
    assert _lists("Origin: Debian\nSuite: stable").faults


def test_priorities_of_not_automatic_suites() -> None:
    assert _lists("Origin: x\nNotAutomatic: yes").releases[0].priority == 1
    assert _lists("Origin: x\nNotAutomatic: yes\nButAutomaticUpgrades: yes").releases[0].priority == 100


@pytest.mark.parametrize(
    ("name", "version", "free"),
    [
        ("debian", "12", "2026-07-11"),
        ("ubuntu", "22.04", "2027-06-01"),
        ("rhel", "9.3", "2032-05-31"),
        ("ol", "8.10", "2029-07-31"),
        ("sles", "15.6", "2025-12-31"),
    ],
)
def test_support_is_found_by_the_longer_version_first(name: str, version: str, free: str) -> None:
    assert str(support({"ID": name, "VERSION_ID": version}).free) == free


def test_centos_stream_is_not_centos() -> None:
    assert (
        support({"ID": "centos", "VERSION_ID": "8", "NAME": "CentOS Stream"}).free
        > support({"ID": "centos", "VERSION_ID": "8"}).free
    )


def test_an_unknown_release_has_no_date() -> None:
    with pytest.raises(CollectError, match="does not know"):
        support({"ID": "debian", "VERSION_ID": "99"})


def test_extended_support_ends_after_the_free_one() -> None:
    rows = [dates for versions in table().releases.values() for dates in versions.values()]
    assert len(rows) > 40
    assert all(dates.extended is None or dates.extended > dates.free for dates in rows)


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────

RECORDED: dict[str, Any] = {
    case.name: yaml.safe_load((case / "transcript.yaml").read_text("utf-8"))
    for case in sorted(CASES.iterdir())
    if case.name in ("debian12--security-updates-pending", "rocky9--security-pending")
}
DEBIAN, ROCKY = RECORDED.values()


def damaged(transcript: dict[str, Any], path: str, text: str) -> ReplayShell:
    return ReplayShell({**transcript, "read": {**transcript["read"], path: text}})


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_cut_dpkg_status_is_never_fewer_updates(data: st.DataObject) -> None:
    whole = DEBIAN["read"][dpkg.STATUS]
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    fact = updates.apt(damaged(DEBIAN, dpkg.STATUS, cut))
    assert fact.pending is None
    assert fact.security_count is None
    assert fact.installed_count is None


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_cut_answer_of_dnf_is_an_error_or_a_whole_number_of_lines(data: st.DataObject) -> None:
    whole = next(run["out"] for run in ROCKY["run"] if "updateinfo" in run["argv"])
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        rows = list(dnf._advisories(cut))
    except Unparsable:
        return
    assert [row.id for row in rows] == [line.split()[0] for line in cut.splitlines()]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(path for path, text in DEBIAN["read"].items() if isinstance(text, str))),
    st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "replace")),
)
def test_garbage_in_a_debian_file_is_no_crash(path: str, garbage: str) -> None:
    fact = updates.apt(damaged(DEBIAN, path, garbage))
    assert fact.security_count in (None, 6)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(path for path, text in ROCKY["read"].items() if isinstance(text, str))), st.text(max_size=200))
def test_garbage_in_a_rocky_file_is_no_crash(path: str, garbage: str) -> None:
    fact = updates.dnf(damaged(ROCKY, path, garbage))
    assert fact.security_count in (None, 3)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(ROCKY["run"]) - 1), st.text(min_size=1, max_size=120).filter(str.strip))
def test_garbage_from_a_command_is_never_a_smaller_count(index: int, garbage: str) -> None:
    runs = [{**run, "out": garbage} if number == index else run for number, run in enumerate(ROCKY["run"])]
    fact = updates.dnf(ReplayShell({**ROCKY, "run": runs}))
    assert fact.security_count in (None, 3)


@given(st.text("[]=\n abcdeb0:/.#{};\"'", max_size=120))
def test_configuration_parsers_end_with_a_value_or_a_collect_error(text: str) -> None:
    dnf_files = {pattern: [] for pattern in dnf_repos.CONFIG} | {"/etc/dnf/dnf.conf": ["/etc/dnf/dnf.conf"]}
    apt_files = {"/etc/apt/apt.conf.d/*": ["/etc/apt/apt.conf.d/10x"], "/etc/apt/apt.conf": []}
    for ask_one in (
        lambda: apt_sources.entries(ReplayShell(_sources(text))),
        lambda: apt_config.config(ReplayShell({"read": {"/etc/apt/apt.conf.d/10x": text}, "read_all": apt_files})),
        lambda: dnf_repos.config(ReplayShell({"read": {"/etc/dnf/dnf.conf": text}, "read_all": dnf_files})),
        lambda: rpm.nevra(text),
    ):
        with suppress(CollectError):
            ask_one()


@pytest.mark.parametrize("line", ["name-1:2.3-4.el9.x86_64", "a-b-c-2.3-4.x86_64", "kernel-core-5.14.0-427.13.1.el9_4.noarch"])
def test_a_package_written_by_dnf_is_read_back(line: str) -> None:
    found = rpm.nevra(line)
    assert f"{found.name}-{found.evr}.{found.arch}" == line


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@on_debian
def test_an_unprivileged_user_sees_the_same_updates() -> None:
    pid = os.fork()
    expected = updates.apt(LocalShell())
    if pid == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        seen = updates.apt(LocalShell())
        os._exit(0 if (seen.pending, seen.security_count) == (expected.pending, expected.security_count) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
