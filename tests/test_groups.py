"""Tests that look for each other's processes, or use one name on this machine, run one after the other (pytest-xdist's groups)."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("named")
def test_a_group_is_known_to_what_deals_out_the_tests(request: pytest.FixtureRequest) -> None:
    """By the test's name alone it deals them out. pytest 9.2 let the name stay as it was, and every group was dealt out piecemeal."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not dealt out by groups (--dist loadgroup)")
    assert request.node.nodeid.endswith("@named")
