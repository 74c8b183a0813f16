"""The Debian package of the agent, from the packed folder: `python -m scripts.release.debian_package`.

Made with dpkg-deb alone; the same bytes each time. Its units are those that `rasoat agent service install` writes: the packed
release is asked for them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

from scripts.release import source
from scripts.release.archive import files_of, mode_of

PARTS = Path(__file__).with_name("debian")
HOME = "usr/lib/rasoat-agent"
PROGRAM = f"/{HOME}/rasoat"
NAME = "rasoat-agent"
STATE = "/var/lib/rasoat"


def build(folder: Path, units: dict[str, str], version: str, target: Path, compression: str = "xz") -> Path:
    """The package of the packed folder and its units, under that version."""
    root = target.parent / f".{target.name}"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(folder, root / HOME, symlinks=True)
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "rasoat").symlink_to(f"../lib/{NAME}/rasoat")
    systemd = root / "usr" / "lib" / "systemd" / "system"
    systemd.mkdir(parents=True)
    for name, text in units.items():
        (systemd / name).write_text(text, "utf-8")
    (root / "etc" / "rasoat").mkdir(parents=True)
    shutil.copy(PARTS / "agent.yaml", root / "etc" / "rasoat")
    _documents(root, version)
    _control(root, version)
    for path in [root, *files_of(root)]:
        if not path.is_symlink():
            path.chmod(mode_of(path))
        os.utime(path, (source.moment(),) * 2, follow_symlinks=False)
    # one thread: several compress in other pieces
    environment = source.environment() | {"DPKG_DEB_THREADS_MAX": "1"}
    command = ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", str(root), str(target)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return target


def architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def least_glibc(folder: Path) -> str:
    """The newest glibc that anything in the folder asks for: where an older one is, the package does not install."""
    found = {(2, 17)}
    for path in files_of(folder):
        if path.is_file() and path.open("rb").read(4) == b"\x7fELF":
            told = subprocess.run(["objdump", "-T", path], check=True, capture_output=True, text=True).stdout
            found |= {(int(major), int(minor)) for major, minor in re.findall(r"\bGLIBC_(\d+)\.(\d+)", told)}
    return ".".join(map(str, max(found)))


def units_of_the_release() -> dict[str, str]:
    """As the packed release writes them itself."""
    ask = "import json, sys, pathlib; from agent.service import units; print(json.dumps(units(sys.argv[1], pathlib.Path(sys.argv[2]))))"
    python = source.WORK / "environment" / "bin" / "python"
    done = subprocess.run([python, "-I", "-c", ask, PROGRAM, STATE], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _documents(root: Path, version: str) -> None:
    place = root / "usr" / "share" / "doc" / NAME
    place.mkdir(parents=True)
    parts = " ".join(sorted(path.name for path in (root / HOME / "licences").iterdir()))
    text = (PARTS / "copyright").read_text("utf-8").replace("@PARTS@", textwrap.indent(textwrap.fill(parts, 76), "  "))
    (place / "copyright").write_text(text, "utf-8")
    day = datetime.fromtimestamp(source.moment(), UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    change = f"{NAME} ({version}) stable; urgency=medium\n\n  * Release {version}; what is in it: CHANGELOG.md of rasoat.\n\n"
    change += f" -- {_maintainer()}  {day}\n"
    (place / "changelog.Debian.gz").write_bytes(gzip.compress(change.encode(), 9, mtime=0))


def _control(root: Path, version: str) -> None:
    size = sum(path.stat().st_size for path in files_of(root) if path.is_file() and not path.is_symlink())
    told = {
        "VERSION": version,
        "ARCHITECTURE": architecture(),
        "SIZE": str(-(-size // 1024)),
        "GLIBC": least_glibc(root / HOME),
    }
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in files_of(root)
        if path.is_file() and not path.is_symlink() and path.relative_to(root).parts[0] != "etc"
    ]
    place = root / "DEBIAN"
    place.mkdir()
    control = re.sub(r"@(\w+)@", lambda found: told[found[1]], (PARTS / "control").read_text("utf-8"))
    (place / "control").write_text(control, "utf-8")
    (place / "conffiles").write_text("/etc/rasoat/agent.yaml\n")
    (place / "md5sums").write_text("".join(sums), "utf-8")
    for script in ("postinst", "prerm", "postrm"):
        shutil.copy(PARTS / script, place)
        (place / script).chmod(0o755)


def _maintainer() -> str:
    found = re.search(r"^Maintainer: (.*)$", (PARTS / "control").read_text("utf-8"), re.M)
    assert found
    return found[1]


def main() -> int:
    os.umask(0o022)
    folder = source.WORK / "folder" / NAME
    if not folder.is_dir():
        raise SystemExit("the packed folder is not there: python -m scripts.release.packed_agent")
    for old in source.DIST.glob(f"{NAME}_*.deb"):
        old.unlink()
    print(
        build(folder, units_of_the_release(), source.version(), source.DIST / f"{NAME}_{source.version()}_{architecture()}.deb")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
