"""Our version order is dpkg's and rpm's own: compared with both programs, and with pairs whose order their documents state."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.linux import versions

DEBIAN_ASCENDING = [
    "0.9~~", "0.9~", "0.9-0.1", "0.9-1~bpo12+1", "0.9-1", "0.9-1ubuntu1", "0.9-1+b1", "0.9-1+deb12u1", "0.9-1.1", "0.9a", "0.9a1", "0.9+b1",
    "0.10", "1.0-1", "2:0.1", "10:0",
]  # fmt: skip
RPM_ASCENDING = ["1.0~rc1", "1.0", "1.0^git2", "1.0^20240101", "1.0a", "1.0.1", "1.1", "1.10"]


@pytest.mark.parametrize(("older", "newer"), list(pairwise(DEBIAN_ASCENDING)))
def test_debian_order_of_known_pairs(older: str, newer: str) -> None:
    assert versions.debian(older) < versions.debian(newer)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0-0"), ("1.0", "0:1.0"), ("1.01", "1.1"), ("1a", "1a0")])
def test_debian_spellings_of_one_version(one: str, other: str) -> None:
    assert versions.debian(one) == versions.debian(other)


@pytest.mark.parametrize(("older", "newer"), list(pairwise(RPM_ASCENDING)))
def test_rpm_order_of_known_pairs(older: str, newer: str) -> None:
    assert versions.rpm(older) < versions.rpm(newer)


def test_rpm_epoch_wins_over_version_and_version_over_release() -> None:
    assert versions.rpm("9", "9", "(none)") < versions.rpm("1", "1", "1")
    assert versions.rpm("5.14.0", "362.8.1.el9_3") < versions.rpm("5.14.0", "427.13.1.el9_4")
    assert versions.rpm("1.0", "2") < versions.rpm("1.1", "1")


UPSTREAM = st.text("0129aAz.+~", min_size=0, max_size=8).map(lambda text: "1" + text)
REVISION = st.text("019az.+~", min_size=1, max_size=4)
DEBIAN_VERSION = st.builds(
    lambda epoch, upstream, revision: epoch + upstream + revision,
    st.sampled_from(["", "1:"]),
    UPSTREAM,
    st.just("") | REVISION.map("-{}".format),
)
RPM_VERSION = st.text("0129aAzZ.+_~^", min_size=1, max_size=8)


@pytest.mark.system
@pytest.mark.skipif(not shutil.which("dpkg"), reason="no dpkg to ask")
@settings(max_examples=120, deadline=None)
@given(DEBIAN_VERSION, DEBIAN_VERSION)
def test_debian_order_is_dpkgs_own(one: str, other: str) -> None:
    assert (versions.debian(one) < versions.debian(other)) == _dpkg(one, "lt", other)
    assert (versions.debian(one) == versions.debian(other)) == _dpkg(one, "eq", other)


def _dpkg(one: str, relation: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0


@pytest.mark.system
@pytest.mark.skipif(not shutil.which("rpm"), reason="no rpm to ask")
@settings(max_examples=100, deadline=None)
@given(RPM_VERSION, RPM_VERSION)
def test_rpm_order_is_rpms_own(one: str, other: str) -> None:
    said = subprocess.run(
        ["rpm", "--eval", f'%{{lua:print(rpm.vercmp("{one}","{other}"))}}'], capture_output=True, text=True, check=True
    ).stdout
    assert _sign(versions.rpm(one), versions.rpm(other)) == int(said)


@given(DEBIAN_VERSION, DEBIAN_VERSION, DEBIAN_VERSION)
def test_debian_order_is_an_order(a: str, b: str, c: str) -> None:
    low, middle, high = sorted((a, b, c), key=versions.debian)
    assert versions.debian(low) <= versions.debian(middle) <= versions.debian(high)
    assert versions.debian(low) <= versions.debian(high)


@given(st.text(max_size=12), st.text(max_size=12))
def test_no_text_breaks_the_comparison(one: str, other: str) -> None:
    assert _sign(versions.debian(one), versions.debian(other)) == -_sign(versions.debian(other), versions.debian(one))
    assert _sign(versions.rpm(one, other), versions.rpm(other, one)) == -_sign(versions.rpm(other, one), versions.rpm(one, other))


def _sign(one: Any, other: Any) -> int:
    return (one > other) - (one < other)
