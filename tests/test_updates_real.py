"""Patch state held against apt, dnf and zypper themselves, package for package, on systems and repositories made here.

The first run bootstraps the Debian and Ubuntu roots (one to two minutes each) and keeps them; see throwaway.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.facts import updates
from collectors.transports.local import LocalShell
from collectors.transports.witness import Witness
from tests import throwaway
from tests.throwaway import Advisory, Package, build, install, overlaid, repository, rpm, sh, within

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes systems of its own: needs root"),
    pytest.mark.xdist_group("throwaway"),
]

Row = tuple[str, str, str]
"""Name, installed version, candidate."""


# ── Debian and Ubuntu, bootstrapped ──────────────────────────────────────────────────────────────────────────────────

AGED = ("hostname", "findutils", "ncurses-bin")
"""Packages whose installed version is set back, so that something is pending on any day."""


@pytest.fixture(scope="module", params=sorted(throwaway.RELEASES))
def aged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A minimal system with updates pending, one of them held."""
    for program in ("debootstrap", "tar"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    with throwaway.unpacked(throwaway.bootstrapped(request.param), tmp_path_factory.mktemp(request.param)) as root:
        status = root / "var/lib/dpkg/status"
        text = status.read_text()
        for name in AGED:
            text = re.sub(rf"(?ms)^(Package: {name}\n(?:(?!^$).)*?^Version: )\S+$", r"\g<1>0:0.1~old1", text)
        status.write_text(text)
        within(root, lambda: sh("apt-mark", "hold", "hostname"))
        yield root


def upgradable(root: Path) -> set[Row]:
    listed = within(root, lambda: sh("apt", "list", "--upgradable"))
    return {
        (name, old, new) for name, new, old in re.findall(r"^([^/\s]+)/\S+ (\S+) \S+ \[upgradable from: (\S+)\]", listed, re.M)
    }


def simulated(root: Path) -> dict[Row, str]:
    """What dist-upgrade would install in place of something installed -> where from."""
    said = within(root, lambda: sh("apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade"))
    found = re.findall(r"^Inst (\S+?)(?::\S+)? \[([^\]]*)\] \((\S+) ([^)]*)\)", said, re.M)
    return {(name, old, new): origins for name, old, new, origins in found}


def scanned(root: Path) -> dict[str, Any]:
    """The fact as `rasoat scan --root` tells it, from files alone."""
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "scan", "--root", str(root), "--format", "json", "--quiet"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    return fact_in(json.loads(done.stdout))


def fact_in(told: Any) -> dict[str, Any]:
    records = told["snapshot"]["records"]
    found = next(record for record in records if record["fact"] == "updates")
    assert found["outcome"] == "seen", found["reason"]
    return dict(found["data"])


def asked_inside(root: Path) -> dict[str, Any]:
    return within(root, lambda: updates.apt(Witness(LocalShell())).model_dump(mode="json"))


def rows(fact: dict[str, Any]) -> set[Row]:
    assert fact["pending"] is not None, fact["unseen"]
    return {(row["name"], row["installed"], row["candidate"]) for row in fact["pending"]}


@pytest.mark.parametrize("ask", [scanned, asked_inside])
def test_pending_is_what_apt_says_package_for_package(aged: Path, ask: Callable[[Path], dict[str, Any]]) -> None:
    fact = ask(aged)
    listed, installing = upgradable(aged), simulated(aged)
    assert {row[0] for row in listed} >= set(AGED)
    assert rows(fact) == listed
    # dist-upgrade is silent about what is held; everything else it names, we name
    held = {(row["name"], row["installed"], row["candidate"]) for row in fact["pending"] if row["held"]}
    assert {row[0] for row in held} == {"hostname"}
    assert rows(fact) - held == set(installing)


@pytest.mark.parametrize("ask", [scanned, asked_inside])
def test_security_is_what_apt_takes_from_a_security_pocket(aged: Path, ask: Callable[[Path], dict[str, Any]]) -> None:
    fact = ask(aged)
    ours = {row["name"] for row in fact["pending"] if row["security"]}
    theirs = {row[0] for row, origins in simulated(aged).items() if re.search(r"Debian-Security|-security", origins)}
    assert theirs <= ours
    # what is ours alone has an older version in a security pocket, below the candidate, or is held
    for name in ours - theirs:
        table = within(aged, lambda name=name: sh("apt-cache", "policy", name))  # type: ignore[misc]
        assert re.search(r"-security/|security\S* \S+-security", table), name
    assert fact["security_count"] == len(ours)
    assert fact["security_source"] is True


# ── repositories of rpm packages ─────────────────────────────────────────────────────────────────────────────────────

OLD = (
    Package("bash", "5.1.8", "6.1"),
    Package("bind-libs", "9.16.23", "14", epoch="32"),
    Package("curl", "7.76.1", "26"),
    Package("a-package-with-a-very-long-name-indeed-to-see-how-columns-wrap", "1.0", "1", "noarch"),
    Package("openssl-libs", "3.0.7", "24"),
    Package("tzdata", "2024a", "1", "noarch"),
    Package("left-alone", "1", "1", "noarch"),
)
NEW = (
    Package("bash", "5.1.8", "9.1"),
    Package("bind-libs", "9.16.23", "15", epoch="32"),
    Package("curl", "7.76.1", "31"),
    Package("a-package-with-a-very-long-name-indeed-to-see-how-columns-wrap", "1.0", "10", "noarch"),
    Package("openssl-libs", "3.0.7", "25"),
    Package("openssl-libs", "3.0.7", "27"),
    Package("tzdata", "2024b", "1", "noarch"),
    Package("not-installed", "1", "1", "noarch"),
)
ADVISORIES = (
    # the version that mends is below the newest one
    Advisory("SA-2026:1", "security", "Important", (NEW[4],)),
    Advisory("SA-2026:2", "security", "Critical", (NEW[1],)),
    Advisory("SA-2026:3", "security", "Moderate", (NEW[2],)),
    Advisory("BA-2026:4", "bugfix", "None", (NEW[0],)),
    Advisory("SA-2026:5", "security", "Low", (NEW[7],)),
)
SECURITY = {"openssl-libs", "bind-libs", "curl"}
ROCKY = 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\nPRETTY_NAME="Rocky Linux 9.6"\n'
LEAP = 'NAME="openSUSE Leap"\nID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="16.0"\nPRETTY_NAME="openSUSE Leap 16.0"\n'


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """old/ with what is installed; repo/ with what is new and its advisories; bare/ with neither advisory."""
    for program in ("rpmbuild", "createrepo_c", "dnf", "zypper"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("rpms")
    build(OLD, folder / "old")
    repository(folder / "repo", NEW, ADVISORIES)
    repository(folder / "bare", NEW)
    return folder


def dnf_system(rpms: Path, repo: str = "repo", fetch: bool = True, config: str = "") -> None:
    """Within `overlaid`: a Rocky Linux with one repository."""
    install(tuple(rpms / "old" / package.file for package in OLD), ROCKY)
    folder = Path("/etc/yum.repos.d")
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    shutil.rmtree("/var/cache/dnf", ignore_errors=True)
    (folder / "site.repo").write_text(f"[baseos]\nname=x\nbaseurl=file://{rpms}/{repo}\ngpgcheck=0\n{config}")
    if fetch:
        sh("dnf", "-q", "makecache")


def zypper_system(rpms: Path, repo: str = "repo", fetch: bool = True, config: str = "") -> None:
    """Within `overlaid`: an openSUSE Leap with one repository."""
    install(tuple(rpms / "old" / package.file for package in OLD), LEAP)
    folder = Path("/etc/zypp/repos.d")
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    shutil.rmtree("/var/cache/zypp", ignore_errors=True)
    Path("/etc/zypp/locks").unlink(missing_ok=True)
    (folder / "site.repo").write_text(
        f"[repo-update]\nname=x\nautorefresh=1\nbaseurl=dir://{rpms}/{repo}\ntype=rpm-md\ngpgcheck=0\n{config}"
    )
    if fetch:
        sh("zypper", "--non-interactive", "refresh")


def asked_dnf() -> dict[str, Any]:
    return updates.dnf(Witness(LocalShell())).model_dump(mode="json")


def asked_zypper() -> dict[str, Any]:
    return updates.zypper(Witness(LocalShell())).model_dump(mode="json")


def test_pending_is_what_dnf_says_package_for_package(rpms: Path) -> None:
    def both() -> tuple[dict[str, Any], str, str]:
        dnf_system(rpms)
        checked = subprocess.run(["dnf", "-q", "-C", "check-update"], capture_output=True, text=True, env=throwaway.ENVIRONMENT)
        assert checked.returncode == 100
        return asked_dnf(), checked.stdout, sh("dnf", "-q", "-C", "updateinfo", "list", "--security")

    fact, checked, advised = overlaid(both)
    words = checked.split()
    theirs = {(name.rpartition(".")[0], evr) for name, evr in zip(words[::3], words[1::3], strict=True)}
    assert {(name, candidate) for name, _, candidate in rows(fact)} == theirs
    assert len(theirs) == 6
    assert {row["name"] for row in fact["pending"] if row["security"]} == SECURITY
    assert {(row["advisory"], row["name"]) for row in fact["pending"] if row["security"]} == {
        (line.split()[0], re.sub(r"-(?:\d+:)?[^-]+-[^-]+$", "", line.split()[2])) for line in advised.splitlines()
    }


def test_pending_is_what_zypper_says_package_for_package(rpms: Path) -> None:
    def both() -> tuple[dict[str, Any], str, str, int]:
        zypper_system(rpms)
        z = ("zypper", "--terse", "--non-interactive", "--no-refresh")
        checked = subprocess.run([*z, "patch-check"], capture_output=True, text=True, env=throwaway.ENVIRONMENT, check=False)
        return asked_zypper(), sh(*z, "list-updates"), checked.stdout, checked.returncode

    fact, listed, checked, status = overlaid(both)
    cells = [[cell.strip() for cell in line.split("|")] for line in listed.splitlines() if line.startswith("v ")]
    theirs = {(name, old, new) for _, _, name, old, new, _ in cells}
    assert rows(fact) == theirs
    assert len(theirs) == 6
    assert status == 101
    assert "(3 security patches)" in checked
    assert {row["name"] for row in fact["pending"] if row["security"]} == SECURITY
    assert {row["advisory"] for row in fact["pending"] if row["security"]} == {"SA-2026:1", "SA-2026:2", "SA-2026:3"}


def test_after_the_updates_are_installed_nothing_is_pending(rpms: Path) -> None:
    def ask(system: Callable[[Path], None], question: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        system(rpms)
        newest = [rpms / "repo" / package.file for package in NEW if package not in (NEW[4], NEW[7])]
        rpm("-U", *newest)
        return question()

    for fact in (overlaid(lambda: ask(dnf_system, asked_dnf)), overlaid(lambda: ask(zypper_system, asked_zypper))):
        assert (fact["pending"], fact["security_count"], fact["security_source"]) == ([], 0, True), fact["unseen"]


def test_a_lock_hides_nothing(rpms: Path) -> None:
    def zypper() -> tuple[dict[str, Any], str]:
        zypper_system(rpms)
        sh("zypper", "--non-interactive", "addlock", "curl", "tz*")
        sh("zypper", "--non-interactive", "addlock", "-t", "patch", "SA-2026:1")
        return asked_zypper(), sh("zypper", "--non-interactive", "--no-refresh", "list-updates")

    def dnf() -> tuple[dict[str, Any], str]:
        dnf_system(rpms, config="excludepkgs=curl, tz*\n")
        done = subprocess.run(["dnf", "-q", "-C", "check-update"], capture_output=True, text=True, env=throwaway.ENVIRONMENT)
        return asked_dnf(), done.stdout

    for fact, silent in (overlaid(zypper), overlaid(dnf)):
        assert "curl" not in silent
        assert {row["name"] for row in fact["pending"] if row["held"]} == {"curl", "tzdata"}
        assert (fact["pending_count"], fact["security_count"], fact["held_security_count"]) == (6, 3, 1)
        assert {"curl", "tzdata"} <= set(fact["held"])


def test_an_update_of_zypper_itself_does_not_hide_the_patches_it_blocks(tmp_path: Path, rpms: Path) -> None:
    old, new = Package("zypper", "1.14.70", "1"), Package("zypper", "1.14.71", "1")
    repository(tmp_path / "repo", (*NEW, new), (*ADVISORIES, Advisory("RU-2026:9", "recommended", "low", (new,))))
    build((old,), tmp_path / "old")
    # what makes a patch one of the update stack
    mark = "<filename>zypper-1.14.71-1.x86_64.rpm</filename>"
    text = (tmp_path / "repo/updateinfo.xml").read_text()
    (tmp_path / "repo/updateinfo.xml").write_text(text.replace(mark, mark + "<restart_suggested>True</restart_suggested>"))
    sh("modifyrepo_c", "--mdtype=updateinfo", tmp_path / "repo/updateinfo.xml", tmp_path / "repo/repodata")

    def ask() -> tuple[dict[str, Any], str]:
        zypper_system(rpms, fetch=False)
        rpm("-i", tmp_path / "old" / old.file)
        site = Path("/etc/zypp/repos.d/site.repo")
        site.write_text(site.read_text().replace(f"{rpms}/repo", f"{tmp_path}/repo"))
        sh("zypper", "--non-interactive", "refresh")
        return asked_zypper(), sh("zypper", "--xmlout", "--non-interactive", "--no-refresh", "list-patches")

    fact, said = overlaid(ask)
    first, _, blocked = said.partition("<blocked-update-list>")
    assert 'category="security"' not in first
    assert blocked.count('category="security"') == 3
    assert fact["security_count"] == 3


# ── "no updates" that means "no data": each tool ends well, and each answer is unknown with its reason ───────────────


def no_repository_dnf(rpms: Path) -> dict[str, Any]:
    dnf_system(rpms, config="enabled=0\n")
    assert sh("dnf", "-q", "-C", "updateinfo", "list", "--security") == ""
    return asked_dnf()


def nothing_fetched_dnf(rpms: Path) -> dict[str, Any]:
    dnf_system(rpms, fetch=False, config="skip_if_unavailable=1\n")
    assert sh("dnf", "-q", "-C", "updateinfo", "list", "--security") == ""
    return asked_dnf()


def no_advisories_dnf(rpms: Path) -> dict[str, Any]:
    dnf_system(rpms, "bare")
    assert sh("dnf", "-q", "-C", "updateinfo", "list", "--security") == ""
    return asked_dnf()


def no_repository_zypper(rpms: Path) -> dict[str, Any]:
    zypper_system(rpms, fetch=False, config="enabled=0\n")
    assert "No updates found." in sh("zypper", "--non-interactive", "--no-refresh", "list-updates")
    assert "0 patches needed" in sh("zypper", "--non-interactive", "--no-refresh", "patch-check")
    return asked_zypper()


def nothing_fetched_zypper(rpms: Path) -> dict[str, Any]:
    zypper_system(rpms, "nowhere", fetch=False)
    fact = asked_zypper()
    assert not Path("/var/cache/zypp/raw").exists(), "asking made zypper download"
    argv = ["zypper", "--xmlout", "--non-interactive", "--no-refresh", "list-patches"]
    done = subprocess.run(argv, capture_output=True, text=True, env=throwaway.ENVIRONMENT, check=False)
    assert "<update " not in done.stdout
    return fact


def no_patches_zypper(rpms: Path) -> dict[str, Any]:
    zypper_system(rpms, "bare")
    assert "0 patches needed" in sh("zypper", "--non-interactive", "--no-refresh", "patch-check")
    return asked_zypper()


def unregistered_zypper(rpms: Path) -> dict[str, Any]:
    zypper_system(rpms, fetch=False)
    Path("/etc/zypp/repos.d/site.repo").unlink()
    assert "No updates found." in sh("zypper", "--non-interactive", "--no-refresh", "list-updates")
    return asked_zypper()


def held_release_amazon(rpms: Path) -> dict[str, Any]:
    dnf_system(rpms)
    rpm("-U", *(rpms / "repo" / NEW[at].file for at in (1, 2, 5)))
    Path("/etc/os-release").write_text('NAME="Amazon Linux"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n')
    assert sh("dnf", "-q", "-C", "updateinfo", "list", "--security") == ""
    return asked_dnf()


@pytest.mark.parametrize(
    ("situation", "unseen", "reason"),
    [
        (no_repository_dnf, {"pending", "security_count", "security_source"}, "no package repository is enabled"),
        (nothing_fetched_dnf, {"pending", "security_count", "security_source"}, "nothing was ever fetched"),
        (no_advisories_dnf, {"security_count"}, "come without advisories"),
        (no_repository_zypper, {"pending", "security_count", "security_source"}, "no package repository is enabled"),
        (nothing_fetched_zypper, {"pending", "security_count", "security_source"}, "nothing was ever fetched"),
        (no_patches_zypper, {"security_count"}, "come without patches"),
        (unregistered_zypper, {"pending", "security_count"}, "not registered with SUSE"),
        (held_release_amazon, {"pending", "security_count"}, "holds its repositories at the installed release"),
    ],
)
def test_no_data_of_rpm_is_never_no_updates(
    rpms: Path, situation: Callable[[Path], dict[str, Any]], unseen: set[str], reason: str
) -> None:
    fact = overlaid(lambda: situation(rpms))
    told = {entry["field"]: entry["reason"] for entry in fact["unseen"]}
    for field in unseen:
        assert fact[field] is None
        assert reason in told[field]


def empty_lists(root: Path) -> None:
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)


def no_security_source(root: Path) -> None:
    sources = root / "etc/apt/sources.list"
    sources.write_text("".join(line for line in sources.read_text().splitlines(True) if "-security" not in line))
    for path in (root / "var/lib/apt/lists").glob("*-security_*"):
        path.unlink()


def security_lists_without_packages(root: Path) -> None:
    for path in (root / "var/lib/apt/lists").glob("*-security_*_Packages*"):
        path.unlink()


def one_source_never_fetched(root: Path) -> None:
    for path in (root / "var/lib/apt/lists").glob("*-security_*"):
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "unseen", "reason"),
    [
        (empty_lists, {"pending", "security_count", "security_source", "lists_dated"}, "no package lists"),
        (no_security_source, {"security_count"}, "no list of a security pocket"),
        (security_lists_without_packages, {"pending", "security_count"}, "missing"),
        (one_source_never_fetched, {"pending", "security_count"}, "fetched|no list of a security pocket"),
    ],
)
def test_no_data_of_apt_is_never_no_updates(
    tmp_path: Path, damage: Callable[[Path], None], unseen: set[str], reason: str
) -> None:
    with throwaway.unpacked(throwaway.bootstrapped("debian12"), tmp_path) as root:
        damage(root)
        said = within(root, lambda: sh("apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade"))
        assert "Debian-Security" not in said  # apt ends well and names no security update
        for fact in (scanned(root), asked_inside(root)):
            told = {entry["field"]: entry["reason"] for entry in fact["unseen"]}
            for field in unseen:
                assert fact[field] is None
                assert re.search(reason, told[field])


def test_a_dead_release_is_told_by_its_date(tmp_path: Path) -> None:
    """The frozen pocket downloads as well as a living one: only its date and the end of support tell."""
    with throwaway.unpacked(throwaway.bootstrapped("debian12"), tmp_path) as root:
        for path in (root / "var/lib/apt/lists").glob("*-security_InRelease"):
            path.write_text(
                re.sub(r"^(Date|Valid-Until): .*$", r"\1: Fri, 30 Aug 2024 10:00:00 UTC", path.read_text(), flags=re.M)
            )
        (root / "etc/os-release").unlink()
        (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="11"\nVERSION_CODENAME=bookworm\n')
        fact = asked_inside(root)
    assert fact["lists_dated"] == "2024-08-30T10:00:00Z"
    assert fact["support_ends"] == "2024-08-14"
