"""The table of builds: a site may add what is newer, and nothing a site writes makes a machine look better patched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.errors import Unparsable
from collectors.windows import release
from collectors.windows.release import builds, merged, table

BUNDLED = table(release.TABLE.read_text("utf-8"))
NEWER = 'builds: [{build: 20348, server: true, name: x, version: "2022", newest: {ubr: 9999, kb: KB1, date: 2026-11-10}}]'
OLDER = 'builds: [{build: 20348, server: true, name: x, version: "2022", support: {server: {ends: 2099-01-01}}, newest: {ubr: 1, kb: KB0, date: 2020-01-14}}]'


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "windows_builds.yaml"
    monkeypatch.setattr(release, "site", lambda: file)
    builds.cache_clear()
    yield file
    builds.cache_clear()


def row(rows: tuple[release.Build, ...], build: int, server: bool) -> release.Build:
    (found,) = [one for one in rows if one.build == build and one.server == server]
    return found


def test_each_build_stands_once() -> None:
    assert len({(one.build, one.server) for one in BUNDLED}) == len(BUNDLED)


def test_without_a_file_of_the_site_the_bundled_table_holds(own: Path) -> None:
    assert builds() == BUNDLED


def test_a_newer_update_of_the_site_counts(own: Path) -> None:
    own.write_text(NEWER)
    newest = row(builds(), 20348, True).newest
    assert newest is not None
    assert newest.ubr == 9999
    assert row(builds(), 20348, True).name == "Windows Server 2022"
    assert len(builds()) == len(BUNDLED)


def test_an_older_update_or_a_later_end_of_support_changes_nothing() -> None:
    assert merged(BUNDLED, table(OLDER)) == BUNDLED


def test_a_build_nobody_knew_is_added() -> None:
    found = merged(BUNDLED, table("builds: [{build: 28000, server: false, name: Windows 11, version: 26H1}]"))
    assert row(found, 28000, False).version == "26H1"
    assert len(found) == len(BUNDLED) + 1


@pytest.mark.parametrize(
    "text", ["", "builds: 3", "builds: [{build: x}]", "builds: [{build: 1, server: true, name: a, version: b, more: 1}]", "{"]
)
def test_a_file_that_is_no_table_is_said_to_be_none(own: Path, text: str) -> None:
    own.write_text(text)
    with pytest.raises(Unparsable, match=r"windows_builds\.yaml"):
        builds()


def test_clients_and_servers_of_one_number_are_two_rows() -> None:
    client, server = row(BUNDLED, 26100, False), row(BUNDLED, 26100, True)
    assert client.newest is None
    assert server.newest is not None
