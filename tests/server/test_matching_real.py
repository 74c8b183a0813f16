"""A real Debian root with deliberately old packages has exactly what a table checked by hand names, and nothing more.

The root is bootstrapped from the archive, its facts are those of `rasoat scan --root`, the data go through the real parser.
Packages are made old in dpkg's own status: older versions are in no archive within reach of the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from server.feeds import store
from server.feeds.matching import host as hosts
from server.feeds.matching.match import match
from server.feeds.matching.tables import Tables
from tests import throwaway
from tests.server.feeding import SAMPLES, Unhurried

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.django_db,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a system of its own: needs root"),
    pytest.mark.skipif(not shutil.which("debootstrap"), reason="debootstrap is not installed"),
    pytest.mark.xdist_group("throwaway"),
]

OLD = {
    "libc6": "2.36-9+deb12u2",
    "libc-bin": "2.36-9+deb12u2",
    "perl-base": "5.36.0-7+deb12u1",
    "passwd": "1:4.13+dfsg1-1",
    "login": "1:4.13+dfsg1-1",
    "zlib1g": "1:1.2.13.dfsg-1",
    "libzstd1": "1.5.6+dfsg-1~bpo12+1",
}
ADDED = """\
Package: sudo
Status: deinstall ok config-files
Architecture: amd64
Version: 1.9.13p3-1+deb12u1

Package: docker-ce
Status: install ok installed
Architecture: amd64
Version: 5:20.10.24~3-0~debian-bookworm

"""
TABLE = {
    # what                    where         installed           mended in               answer
    ("CVE-2023-4911", "glibc", "2.36-9+deb12u2", "2.36-9+deb12u3", "fix"),
    ("CVE-2024-2961", "glibc", "2.36-9+deb12u2", "2.36-9+deb12u6", "fix"),
    ("CVE-2024-56406", "perl", "5.36.0-7+deb12u1", "5.36.0-7+deb12u2", "fix"),
    ("CVE-2023-4641", "shadow", "1:4.13+dfsg1-1", "1:4.13+dfsg1-1+deb12u1", "fix"),
    ("CVE-2023-45853", "zlib", "1:1.2.13.dfsg-1", "", "will-not-fix"),
    ("TEMP-0000000-A1B2C3", "util-linux", "", "", "undetermined"),
}
"""Checked by hand against the security announcements named in the data. Not in it, and why: CVE-2021-33574 and CVE-2022-37434
(mended long before, the latter by its epoch), CVE-2023-47038 and CVE-2024-0553 (backported), CVE-2019-1010022 and CVE-2005-2541
(unimportant), CVE-2024-3094 (never in a release), CVE-2025-32462 (only configuration files are left), CVE-2024-1086 (no
kernel), CVE-2026-999999 (from backports, not assessed)."""


@pytest.fixture
def records(tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    with throwaway.unpacked(throwaway.bootstrapped("debian12"), tmp_path) as root:
        status = root / "var/lib/dpkg/status"
        text = status.read_text()
        for name, version in OLD.items():
            text, changed = re.subn(rf"(?ms)^(Package: {name}\n(?:(?!^$).)*?^Version: )\S+$", rf"\g<1>{version}", text)
            assert changed == 1, name
        # packages of one source are of one version, or the rest would still be matched as new
        assert {*re.findall(r"(?m)^Source: (?:glibc|shadow|perl)(?: \(.*)?$", text)} == {
            "Source: glibc",
            "Source: perl",
            "Source: shadow",
        }
        status.write_text(text + ADDED)
        told = subprocess.run(
            [sys.executable, "-c", "from agent.cli import main; main()", "scan", "--root", str(root), "--format", "json", "--quiet"],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        yield json.loads(told.stdout)["snapshot"]["records"]


def test_an_old_root_has_exactly_what_the_table_names(records: list[dict[str, Any]]) -> None:
    sample = SAMPLES / "debian_bookworm.json"
    file = store.File("debian", "debian", sample, sample.name, timezone.localdate(), store.sha256(sample))
    assert store.take(file, Unhurried(), "test")
    found = match(hosts.read(records), Tables())
    assert found.ecosystem == "debian:12"
    assert not found.reason
    named = {
        (one.identifier, one.package, "" if one.package == "util-linux" else one.installed, one.fixed, one.answer)
        for one in found.matches
    }
    assert named == TABLE
    assert {one.decided_by for one in found.matches} == {"source-package"}
    assert {(one.package, one.why) for one in found.left} == {("docker-ce", "no-publisher"), ("libzstd1", "third-party")}
    assert found.assessed > 50
