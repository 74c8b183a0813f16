"""The Debian package, made of a stand-in for the packed agent. The real one is installed by `python -m scripts.release.check debian`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent import service
from scripts.release import archive, debian_package, source

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("debian package"),  # built once for all of them
    pytest.mark.skipif(
        not shutil.which("dpkg-deb") or not shutil.which("objdump"), reason="dpkg-deb or objdump is not installed"
    ),
]
UNITS = service.units(debian_package.PROGRAM, Path(debian_package.STATE))


def packed(folder: Path, mask: int = 0o022) -> Path:
    """What the packing leaves: a program, libraries, data, licences."""
    before = os.umask(mask)
    try:
        for name in ("licences/psutil", "licences/Python", "baselines"):
            (folder / name).mkdir(parents=True)
        shutil.copy("/bin/true", folder / "rasoat")
        for name in ("licences/psutil/LICENSE", "licences/Python/LICENSE.txt", "baselines/data.yaml"):
            (folder / name).write_text(f"{name}\n")
    finally:
        os.umask(before)
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("deb")
    return debian_package.build(packed(place / "packed"), UNITS, "1.2.3", place / "one.deb")


@pytest.fixture(scope="module")
def unpacked(package: Path) -> Path:
    target = package.parent / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", package, target], check=True)
    return target


def told(package: Path, *words: str) -> str:
    return subprocess.run(["dpkg-deb", *words, package], check=True, capture_output=True, text=True).stdout


def test_the_same_bytes_by_whomever_and_whenever(package: Path, tmp_path: Path) -> None:
    again = packed(tmp_path / "elsewhere" / "packed", mask=0o077)
    for path in again.rglob("*"):
        os.utime(path, (1_000_000_000,) * 2)
    assert debian_package.build(again, UNITS, "1.2.3", tmp_path / "two.deb").read_bytes() == package.read_bytes()


def test_another_content_is_another_package(package: Path, tmp_path: Path) -> None:
    again = packed(tmp_path / "packed")
    (again / "baselines" / "data.yaml").write_text("changed\n")
    assert debian_package.build(again, UNITS, "1.2.3", tmp_path / "two.deb").read_bytes() != package.read_bytes()


def test_everything_is_root_s_and_nobody_else_writes(package: Path) -> None:
    lines = [line.split() for line in told(package, "--contents").splitlines()]
    assert {line[1] for line in lines} == {"root/root"}
    assert {line[0] for line in lines} == {"drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"}
    assert ["./usr/bin/rasoat", "->", "../lib/rasoat-agent/rasoat"] in [line[5:] for line in lines]


def test_its_units_are_those_the_agent_writes(unpacked: Path) -> None:
    kept = {path.name: path.read_text("utf-8") for path in (unpacked / "usr/lib/systemd/system").iterdir()}
    assert kept == UNITS
    assert "ExecStart=/usr/lib/rasoat-agent/rasoat agent once" in kept["rasoat.service"]


def test_it_depends_on_the_glibc_it_needs(package: Path) -> None:
    newest = max(
        tuple(map(int, word.removeprefix("GLIBC_").rstrip(")").split(".")))
        for word in subprocess.run(["objdump", "-T", "/bin/true"], check=True, capture_output=True, text=True).stdout.split()
        for word in [word.strip("()")]
        if word.startswith("GLIBC_2")
    )
    assert told(package, "--field").count(f"Depends: libc6 (>= {max(newest, (2, 17))[0]}.{max(newest, (2, 17))[1]})") == 1


def test_settings_are_the_administrator_s_and_the_agent_takes_them_as_they_come(unpacked: Path) -> None:
    from agent import config

    assert (unpacked / "DEBIAN" / "conffiles").read_text() == "/etc/rasoat/agent.yaml\n"
    shipped = unpacked / "etc" / "rasoat" / "agent.yaml"
    assert config.load({"RASOAT_CONFIG": str(shipped)}) == config.load({"RASOAT_CONFIG": "/dev/null"})
    # each line works once its mark is taken away
    offered = [line[2:] for line in shipped.read_text("utf-8").splitlines() if ":" in line and " # " in line]
    (unpacked / "all.yaml").write_text("\n".join(offered), "utf-8")
    assert len(offered) == 5
    assert config.load({"RASOAT_CONFIG": str(unpacked / "all.yaml")}).spool_mb == 64


def test_sums_are_of_all_that_is_not_settings(unpacked: Path) -> None:
    done = subprocess.run(
        ["md5sum", "--check", "--strict", "DEBIAN/md5sums"], cwd=unpacked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    named = {line.split("  ")[1] for line in (unpacked / "DEBIAN" / "md5sums").read_text().splitlines()}
    there = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file() and not path.is_symlink()}
    assert named == {path for path in there if not path.startswith(("DEBIAN/", "etc/")) and path != "all.yaml"}


def test_licences_of_all_parts_are_named(unpacked: Path) -> None:
    text = (unpacked / "usr/share/doc/rasoat-agent/copyright").read_text("utf-8")
    assert "Python psutil" in text
    assert "@" not in text


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_scripts_of_the_package_are_posix_shell(script: str) -> None:
    done = subprocess.run(["sh", "-n", debian_package.PARTS / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_archive_is_the_same_bytes_by_whomever_and_whenever(tmp_path: Path) -> None:
    made = []
    for number, mask in enumerate((0o022, 0o077)):
        folder = packed(tmp_path / str(number) / "rasoat-agent", mask)
        for path in folder.rglob("*"):
            os.utime(path, (1_000_000_000 + number,) * 2)
        for packer, kind in ((archive.pack, "tar.xz"), (archive.pack_for_windows, "zip")):
            made.append((kind, packer(folder, tmp_path / f"{number}.{kind}", source.moment()).read_bytes()))
    assert made[0] == made[2]
    assert made[1] == made[3]
    assert made[0][1] != made[1][1]
