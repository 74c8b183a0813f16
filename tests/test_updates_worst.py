"""Patch state at its worst: twenty thousand packages, damaged databases, commands that never end, other languages."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.facts import updates
from collectors.linux import zypper
from collectors.transports.base import MAX_BYTES, Answer
from collectors.transports.local import LocalShell, RootShell
from collectors.transports.replay import ReplayShell
from collectors.transports.witness import Witness
from tests import throwaway
from tests.test_updates_real import asked_dnf, asked_zypper, dnf_system, rpms, zypper_system
from tests.throwaway import overlaid, sh

__all__ = ["rpms"]  # a fixture

MANY = 20_000


def real(test: Callable[..., None]) -> Callable[..., None]:
    """Marks of a test that makes a system of its own."""
    for mark in (
        pytest.mark.root,
        pytest.mark.system,
        pytest.mark.skipif(os.geteuid() != 0, reason="makes systems of its own: needs root"),
        pytest.mark.xdist_group("throwaway"),
    ):
        test = mark(test)
    return test


def large_debian(root: Path, padding: int) -> Path:
    """A Debian 12 of twenty thousand packages: every tenth has an update, every hundredth one for security."""
    names = ["dpkg", *(f"package-{number:05}" for number in range(1, MANY))]
    text = "x" * padding
    status = root / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    with status.open("w") as stream:
        for name in names:
            stream.write(
                f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nDescription: {text}\n\n"
            )
    lists = root / "var/lib/apt/lists"
    lists.mkdir(parents=True)
    (root / "var/lib/dpkg/info").mkdir()
    for name in names:
        (root / f"var/lib/dpkg/info/{name}.list").touch()
    for suite, label, every in (("bookworm", "Debian", 10), ("bookworm-security", "Debian-Security", 100)):
        head = (
            f"Origin: Debian\nLabel: {label}\nSuite: x\nCodename: {suite}\nVersion: 12.15\nDate: Sat, 21 Nov 2026 10:00:00 UTC\n"
        )
        (lists / f"mirror.example_{suite}_InRelease").write_text(head)
        with (lists / f"mirror.example_{suite}_main_binary-amd64_Packages").open("w") as stream:
            for number, name in enumerate(names):
                version = "1.0-1" if number % every else f"1.0-{2 if suite == 'bookworm' else 3}"
                stream.write(f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDescription: {text}\n\n")
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n')
    return root


@pytest.mark.parametrize("padding", [100, 900])
def test_twenty_thousand_packages(tmp_path: Path, padding: int) -> None:
    root = large_debian(tmp_path, padding)
    assert ((root / "var/lib/dpkg/status").stat().st_size > MAX_BYTES) is (padding == 900)
    fact = updates.apt(RootShell(str(root)))
    assert (fact.installed_count, fact.pending_count, fact.security_count) == (MANY, MANY // 10, MANY // 100)


@pytest.mark.parametrize("cut", [0.3, 0.99])
def test_a_large_status_that_is_cut_off_is_not_fewer_packages(tmp_path: Path, cut: float) -> None:
    root = large_debian(tmp_path, 1500)
    status = root / "var/lib/dpkg/status"
    os.truncate(status, int(status.stat().st_size * cut))
    fact = updates.apt(RootShell(str(root)))
    assert (fact.installed_count, fact.pending, fact.security_count) == (None, None, None)


def test_twenty_thousand_rpm_packages() -> None:
    """What rpm and dnf say of them stays far below what one answer may hold."""
    transcript = ReplayShell.load(Path(__file__).parent / "cases/updates/rocky9--security-pending/transcript.yaml")._transcript
    more = "".join(f"a-package-of-many-{number:05}\t(none)\t1.0.{number}\t1.el9\tx86_64\t1795323058\n" for number in range(MANY))
    offers = "".join(f"a-package-of-many-{number:05}|0|1.0.{number}|2.el9|x86_64\n" for number in range(0, MANY, 10))
    runs = []
    for run in transcript["run"]:
        added = more if run["argv"][0] == "rpm" else offers if "repoquery" in run["argv"] else ""
        runs.append({**run, "out": run["out"] + added})
        assert len(runs[-1]["out"]) < MAX_BYTES // 8
    fact = updates.dnf(ReplayShell({**transcript, "run": runs}))
    assert (fact.installed_count, fact.pending_count, fact.security_count) == (MANY + 7, MANY // 10 + 6, 3)


# ── real tools in trouble ────────────────────────────────────────────────────────────────────────────────────────────

DATABASE = Path("/var/lib/rpm/rpmdb.sqlite")


def garbled() -> None:
    raw = bytearray(DATABASE.read_bytes())
    raw[200:] = b"\xa5" * (len(raw) - 200)
    DATABASE.write_bytes(raw)


def cut_short() -> None:
    os.truncate(DATABASE, DATABASE.stat().st_size // 3)


def emptied() -> None:
    shutil.rmtree(DATABASE.parent)
    DATABASE.parent.mkdir()
    sh("rpm", "--initdb")


def gone() -> None:
    shutil.rmtree(DATABASE.parent)


@real
@pytest.mark.parametrize("system", ["dnf", "zypper"])
@pytest.mark.parametrize("damage", [garbled, cut_short, emptied, gone])
def test_a_damaged_rpm_database_is_never_up_to_date(rpms: Path, damage: Callable[[], None], system: str) -> None:
    def ask() -> dict[str, Any]:
        (dnf_system if system == "dnf" else zypper_system)(rpms)
        for leftover in DATABASE.parent.glob("*-wal"):
            sh("python3", "-c", f"import sqlite3; sqlite3.connect({str(DATABASE)!r}).execute('pragma wal_checkpoint(truncate)')")
            leftover.unlink(missing_ok=True)
        damage()
        return asked_dnf() if system == "dnf" else asked_zypper()

    fact = overlaid(ask)
    told = {entry["field"] for entry in fact["unseen"]}
    for field in ("installed_count", "pending", "security_count"):
        assert fact[field] is None, field
        assert field in told


def sleeping() -> list[str]:
    """What the command started and left behind."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().startswith(b"sleep\x0098765\x00"):
                found.append(path.parent.name)
    return found


@real
@pytest.mark.parametrize("program", ["rpm", "dnf", "zypper"])
def test_a_command_that_never_ends_is_no_answer(rpms: Path, program: str) -> None:
    def ask() -> tuple[dict[str, Any], list[str]]:
        (zypper_system if program == "zypper" else dnf_system)(rpms)
        path = Path(f"/usr/bin/{program}")
        path.unlink()
        path.write_text("#!/bin/sh\nsleep 98765 &\nwait\n")
        path.chmod(0o755)
        witness = Witness(LocalShell())
        witness.allow(2.0)
        fact = (updates.zypper if program == "zypper" else updates.dnf)(witness).model_dump(mode="json")
        left = sleeping()
        for _ in range(100):  # a killed process may take a moment to go
            if not left:
                break
            time.sleep(0.05)
            left = sleeping()
        return fact, left

    fact, left = overlaid(ask)
    assert (fact["pending"], fact["security_count"]) == (None, None)
    assert {entry["outcome"] for entry in fact["unseen"] if entry["field"] == "pending"} == {"unreachable"}
    assert left == []


@real
@pytest.mark.parametrize("locale", ["fr_FR", "vi_VN"])
def test_zypper_in_another_language_says_the_same(rpms: Path, locale: str) -> None:
    if not Path(f"/usr/share/i18n/locales/{locale}").exists():
        pytest.skip("the sources of locales are not installed")

    def ask() -> tuple[dict[str, Any], dict[str, Any], str, str]:
        zypper_system(rpms)
        sh("localedef", "-i", locale, "-f", "UTF-8", f"/usr/lib/locale/{locale}.UTF-8")
        plain = asked_zypper()
        tongue = {"LC_ALL": f"{locale}.UTF-8", "LANGUAGE": locale[:2], "LANG": f"{locale}.UTF-8"}
        os.environ.update(tongue)
        Path("/etc/default/locale").write_text(f"LANG={locale}.UTF-8\n")
        said = sh("zypper", "--xmlout", "--non-interactive", "--no-refresh", "list-updates", **tongue)
        return plain, asked_zypper(), said, sh("zypper", "--non-interactive", "--no-refresh", "list-updates", **tongue)

    plain, foreign, said, words = overlaid(ask)
    assert plain == foreign
    assert plain["pending_count"] == 6
    if Path(f"/usr/share/locale/{locale[:2]}/LC_MESSAGES/zypper.mo").exists():
        assert "Reading installed packages" not in words  # it did speak the other language
    # and where a host forces its language upon us, what we read of the answer is not translated
    rows = zypper._document(Answer(("zypper",), 0, said, ""), "update-status").iter("update")
    assert {row.get("edition") for row in rows} == {row["candidate"].removeprefix("0:") for row in plain["pending"]}


@real
def test_garbage_in_dpkgs_status_is_never_up_to_date(tmp_path: Path) -> None:
    with throwaway.unpacked(throwaway.bootstrapped("debian12"), tmp_path) as root:
        status = root / "var/lib/dpkg/status"
        raw = bytearray(status.read_bytes())
        middle = len(raw) // 2
        raw[middle : middle + 400] = b"\xa5\x00\n\xff" * 100
        status.write_bytes(raw)
        fact = updates.apt(RootShell(str(root)))
        installed = len(list((root / "var/lib/dpkg/info").glob("*.list")))
    # the damage hits a package's own words, or only its description
    assert fact.pending is None or fact.installed_count == installed
