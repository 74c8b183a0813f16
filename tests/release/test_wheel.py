"""The wheel is the same bytes wherever and whenever it is built, and holds what an install needs and nothing beside it."""

from __future__ import annotations

import gettext
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors import VERSION
from scripts.build_hook import compile_all
from scripts.release import source, wheel

pytestmark = [pytest.mark.deep, pytest.mark.system, pytest.mark.xdist_group("wheel")]  # built once for all of them


@contextmanager
def masked(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Built from two copies: elsewhere, at another time, by somebody whose new files others may not read."""
    folder = tmp_path_factory.mktemp("wheels")
    built = []
    for place, mask, age in (("here", 0o022, 0), ("somewhere/else", 0o077, 400 * 86400)):
        with masked(mask):
            tree = source.copied(folder / place)
            for path in tree.rglob("*"):
                os.utime(path, (path.stat().st_mtime - age,) * 2, follow_symlinks=False)
            (found,) = wheel.build(tree, folder / place.replace("/", "-"), ("--wheel",))
            built.append(found)
    return built[0], built[1]


def test_two_builds_are_the_same_bytes(twice: tuple[Path, Path]) -> None:
    one, other = twice
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        assert first.namelist() == second.namelist()
        differing = [name for name in first.namelist() if first.read(name) != second.read(name)]
    assert differing == []  # said first: it names the file
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("room", ["agent", "server"])
def test_catalogs_do_not_tell_the_minute_of_their_build(room: str, tmp_path: Path) -> None:
    """Or two builds are the same bytes only where no minute ends between them."""
    shutil.copytree(source.ROOT / room / "locale", tmp_path / room / "locale", ignore=shutil.ignore_patterns("*.mo"))
    (built,) = compile_all(tmp_path)
    with built.open("rb") as opened:
        told = gettext.GNUTranslations(opened).info()
    assert told["pot-creation-date"] == "1980-01-01 00:00+0000"
    assert not any(letter.isdigit() for letter in told["po-revision-date"])


def test_it_holds_what_an_install_needs_and_nothing_beside_it(twice: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(twice[0]) as opened:
        names = opened.namelist()
        stamps = {entry.date_time for entry in opened.infolist()}
    for needed in (
        "agent/locale/vi/LC_MESSAGES/rasoat.mo", "server/locale/vi/LC_MESSAGES/django.mo", "baselines/ready/tcvn_11930_2017.json",
        "collectors/windows/collect.ps1", "collectors/windows/builds.yaml", f"rasoat-{VERSION}.dist-info/licenses/LICENSE",
    ):  # fmt: skip
        assert needed in names
    assert {name.split("/")[0] for name in names} == {"agent", "baselines", "collectors", "server", f"rasoat-{VERSION}.dist-info"}
    assert not [name for name in names if name.endswith((".pyc", ".sqlite3", ".key", ".pem"))]
    assert len(stamps) == 1


def test_what_is_not_committed_gets_into_no_release(tmp_path: Path) -> None:
    if not (source.ROOT / ".git").exists():
        pytest.skip("this tree is an unpacked source archive: it has no history to hold files against")
    tree = source.copied(tmp_path / "tree")
    assert (tree / "pyproject.toml").is_file()
    assert not (tree / ".venv").exists()
    assert not list(tree.rglob("*.mo"))
    assert not (tree / "baselines" / "ready").exists()
