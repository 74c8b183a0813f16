"""The packed agent, which needs no Python on the machine: `python -m scripts.release.packed_agent`, on Linux or on Windows.

It is packed in an environment of its own from the released wheel, so what developers have installed cannot get in. The file
needs at least the glibc of the machine it is packed on: pack on the oldest distribution that is served.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.release import source
from scripts.release.archive import pack, pack_for_windows

ON_WINDOWS = sys.platform == "win32"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Debian and Windows call them


def packing_environment(wheel: Path, folder: Path) -> Path:
    """Python of a new environment that holds the wheel with the agent's base, and PyInstaller."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / ("Scripts/python.exe" if ON_WINDOWS else "bin/python")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check",
            "--constraint", source.ROOT / "constraints.txt", "--group", f"{source.ROOT / 'pyproject.toml'}:release", wheel,
        ],
        check=True,
    )  # fmt: skip
    return python


def build(wheel: Path, work: Path) -> tuple[Path, Path]:
    """(the single file, the folder)."""
    python = packing_environment(wheel, work / "environment")
    spec = Path(__file__).parent / "pyinstaller" / "rasoat-agent.spec"
    out = work / "packed"
    shutil.rmtree(out, ignore_errors=True)
    command = [str(python), "-m", "PyInstaller", "--clean", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(out), "--workpath", str(work / "pyinstaller"), str(spec)]
    done = subprocess.run(command, env=source.environment(), cwd=work, capture_output=True, text=True, check=False)
    if done.returncode or " ERROR: " in done.stderr:  # a module it did not find is an error it goes on after
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-5000:]}")
    folder = work / "folder" / "rasoat-agent"
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.parent.mkdir()
    return out / ("rasoat-agent.exe" if ON_WINDOWS else "rasoat-agent"), (out / "rasoat-agent-folder").rename(folder)


def main() -> int:
    os.umask(0o022)
    wheels = sorted(source.DIST.glob(f"rasoat-{source.version()}-*.whl"))
    if not wheels:
        raise SystemExit("dist/ holds no wheel of this version: python -m scripts.release.wheel")
    single, folder = build(wheels[0], source.WORK)
    target = source.DIST / single.name
    shutil.copy(single, target)
    print(target)
    system, kind, packer = ("windows", "zip", pack_for_windows) if ON_WINDOWS else ("linux", "tar.xz", pack)
    for old in source.DIST.glob(f"rasoat-agent-*-{system}-*"):
        old.unlink()
    machine = platform.machine().lower()
    name = f"rasoat-agent-{source.version()}-{system}-{_MACHINES.get(machine, machine)}.{kind}"
    print(packer(folder, source.DIST / name, source.moment()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
