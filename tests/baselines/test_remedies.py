"""What is printed beside a fail is for the machine that failed."""

from __future__ import annotations

import pytest

from baselines.loader import builtin, load
from baselines.model import Check, Text
from baselines.remedies import for_platform
from collectors.model import Platform

CHECKS = {check.id: check for pack in builtin() for check in load(pack).checks.values()}
REMEDY = Text(
    vi="Debian/Ubuntu: `apt`\nWindows: `Set`\nThiết bị mạng: Cisco `ntp`\nRồi khởi động lại.",
    en="Debian/Ubuntu: `apt`\nWindows: `Set`\nNetwork devices: Cisco `ntp`\nThen restart.",
)


@pytest.mark.parametrize(
    ("platform", "vi", "en"),
    [
        (Platform.REDHAT, "Debian/Ubuntu: `apt`\nRồi khởi động lại.", "Debian/Ubuntu: `apt`\nThen restart."),
        (Platform.WINDOWS, "Windows: `Set`\nRồi khởi động lại.", "Windows: `Set`\nThen restart."),
        (Platform.HUAWEI_VRP, "Thiết bị mạng: Cisco `ntp`\nRồi khởi động lại.", "Network devices: Cisco `ntp`\nThen restart."),
        (Platform.OUTSIDE, REMEDY.vi, REMEDY.en),
        (None, REMEDY.vi, REMEDY.en),
    ],
)
def test_a_machine_is_told_its_own_lines(platform: Platform | None, vi: str, en: str) -> None:
    assert for_platform(REMEDY, platform) == Text(vi=vi, en=en)


def test_where_no_line_is_for_it_all_are_told() -> None:
    only = Text(vi="Cisco IOS: `no ip http server`.", en="Cisco IOS: `no ip http server`.")
    assert for_platform(only, Platform.HUAWEI_VRP) == only


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_both_languages_have_the_same_lines(check: Check) -> None:
    """The labels are read in English and applied to both."""
    assert len(check.remedy.vi.splitlines()) == len(check.remedy.en.splitlines())
    for platform in Platform:
        own = for_platform(check.remedy, platform)
        assert own.vi.strip()
        assert own.en.strip()
        assert len(own.vi.splitlines()) == len(own.en.splitlines())
