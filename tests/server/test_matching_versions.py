"""Versions in their order: dpkg's and rpm's own, held against both over thousands of pairs; what no rule places has no order."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from server.feeds.matching import versions
from server.feeds.matching.versions import NoRule

_WHOLE = ["0", "1", "2", "9", "10", "01", "007", "20240101", "3.1", "1.0", "1.10", "5.36.0", "2.36", "6.1.119"]
_TAILS = [
    "",
    "~rc1",
    "~",
    "~~",
    "a",
    "b",
    "A",
    "z1",
    "+b1",
    "+dfsg",
    "+deb12u1",
    "+deb12u10",
    "~bpo12+1",
    ".0",
    ".",
    "+~cs1",
    "+git2~x",
]
_REVISIONS = ["", "-0", "-1", "-1.1", "-1~", "-1~exp1", "-2+b3", "-0ubuntu1", "-0ubuntu0.22.04.1~esm2", "-1ubuntu1.10", "-1-2"]
_RPM_TAILS = ["", "~rc1", "~", "~~", "^", "^git1", "^20240101.a", "a", "A", "ab1", ".1", "_1", "+x", "..2", "~rc1^git2", "z"]
_RELEASES = ["1", "1.el9", "10.el9_4", "10.el9_3.0.1", "362.8.1.el9_3", "1.module+el8.9.0+1+abc", "1~b", "1^b", "01"]


def _deb_pairs(count: int) -> list[tuple[str, str]]:
    picks = random.Random(7)
    known = [
        picks.choice(["", "", "0:", "1:", "2:"]) + picks.choice(_WHOLE) + picks.choice(_TAILS) + picks.choice(_TAILS) + picks.choice(_REVISIONS)
        for _ in range(count)
    ]  # fmt: skip
    near = sorted(set(known), key=versions.deb)
    return [*pairwise(near), *((picks.choice(known), picks.choice(known)) for _ in range(count - len(near) + 1))]


def _sign(rule: Callable[[str], Any], one: str, other: str) -> int:
    return int(rule(one) > rule(other)) - int(rule(one) < rule(other))


@pytest.mark.system
@pytest.mark.skipif(not shutil.which("dpkg"), reason="no dpkg to ask")
def test_order_of_deb_is_dpkgs_own() -> None:
    pairs = _deb_pairs(250)
    script = """
while read -r one other; do
  if dpkg --compare-versions "$one" lt "$other"; then echo -1
  elif dpkg --compare-versions "$one" eq "$other"; then echo 0
  else echo 1; fi
done"""
    said = subprocess.run(
        ["sh", "-c", script], input="".join(f"{a} {b}\n" for a, b in pairs), capture_output=True, text=True, check=True
    )
    wrong = [pair for pair, sign in zip(pairs, said.stdout.split(), strict=True) if _sign(versions.deb, *pair) != int(sign)]
    assert not wrong, wrong[:10]


@pytest.mark.system
def test_order_of_deb_is_apts_over_many_thousands_of_pairs() -> None:
    program = (
        "import apt_pkg, json, sys\napt_pkg.init_system()\n"
        "print(json.dumps([apt_pkg.version_compare(a, b) for a, b in json.load(sys.stdin)]))"
    )
    pairs = _deb_pairs(20_000)
    said = subprocess.run(
        ["/usr/bin/python3", "-c", program], input=json.dumps(pairs), capture_output=True, text=True, check=False
    )
    if "ModuleNotFoundError" in said.stderr or "FileNotFoundError" in said.stderr:
        pytest.skip("python3-apt is not installed")
    signs = json.loads(said.stdout)
    wrong = [pair for pair, sign in zip(pairs, signs, strict=True) if _sign(versions.deb, *pair) != (sign > 0) - (sign < 0)]
    assert not wrong, wrong[:10]


@pytest.mark.system
@pytest.mark.skipif(not shutil.which("rpm"), reason="no rpm to ask")
def test_order_of_rpm_is_librpms_over_many_thousands_of_pairs(tmp_path: Path) -> None:
    picks = random.Random(11)
    words = [picks.choice(_WHOLE) + picks.choice(_RPM_TAILS) + picks.choice(_RPM_TAILS) for _ in range(8000)]
    words += [picks.choice(_RELEASES) + picks.choice(_RPM_TAILS) for _ in range(2000)]
    near = sorted(set(words), key=lambda word: versions.rpm(f"{word}-1"))
    pairs = [*pairwise(near), *((picks.choice(words), picks.choice(words)) for _ in range(20_000))]
    listed = tmp_path / "pairs"
    listed.write_text("".join(f"{one} {other}\n" for one, other in pairs))
    lua = f'for line in io.lines("{listed}") do local a, b = line:match("^(%S+) (%S+)$") print(rpm.vercmp(a, b) .. " ") end'
    said = subprocess.run(["rpm", "--eval", f"%{{lua:{lua}}}"], capture_output=True, text=True, check=True)
    signs = [int(word) for word in said.stdout.split()]
    # once as versions, once as releases
    for rule in (lambda word: versions.rpm(f"{word}-1"), lambda word: versions.rpm(f"1-{word}")):
        wrong = [pair for pair, sign in zip(pairs, signs, strict=True) if _sign(rule, *pair) != sign]
        assert not wrong, wrong[:10]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9-9", "1:1-1"),
        ("0:9-9", "1:1-1"),
        ("(none):1-1", "1-2"),
        ("5.14.0-427.13.1.el9_4", "5.14.0-427.16.1.el9_4"),
        ("8:1.9.9-11.el9_3", "8:1.9.9-11.el9_3.0.1"),
    ],
)
def test_epoch_then_version_then_release(older: str, newer: str) -> None:
    assert versions.rpm(older) < versions.rpm(newer)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1.0 ", "1:", ":1", "x:1.0", "1.0-", "1.0_2", "1.0/2", "версия", "1.0\n", "-1", "~1", "1" * 300, "99999999999:1"],
)
def test_no_rule_places_what_is_no_version_of_a_deb(text: str) -> None:
    with pytest.raises(NoRule):
        versions.deb(text)


@pytest.mark.parametrize(
    "text", ["", "1.0", "1.0-", "-1", "x:1-1", "1 0-1", "1.0-1-1", "1:-1", "1.0-1\n", "1/2-1", "1" * 300 + "-1"]
)
def test_no_rule_places_what_is_no_version_of_an_rpm(text: str) -> None:
    with pytest.raises(NoRule):
        versions.rpm(text)


@pytest.mark.parametrize("text", ["", "26100", "26100.", ".4061", "10.0.26100.4061", "26100.x", "26100.4061 "])
def test_no_rule_places_what_is_no_build(text: str) -> None:
    with pytest.raises(NoRule):
        versions.windows(text)


def test_ubr_is_a_number() -> None:
    assert versions.windows("26100.999") < versions.windows("26100.4061")
