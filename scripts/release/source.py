"""What a release is made of: the committed files in a clean copy, one version and one moment, whoever builds it and wherever."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "release"
DIST = ROOT / "dist"
_HEADING = re.compile(r"^## (?P<version>\S+) \((?P<day>\d{4}-\d\d-\d\d)\)$", re.M)
_MADE_HERE = shutil.ignore_patterns(".*", "__pycache__", "dist", "build", "*.mo", "ready")


def version() -> str:
    """As collectors/__init__.py says, which is what the built program will say of itself."""
    text = (ROOT / "collectors" / "__init__.py").read_text("utf-8")
    found = re.search(r'^VERSION = "([^"]+)"$', text, re.M)
    assert found
    return found[1]


def moment() -> int:
    """SOURCE_DATE_EPOCH: what the caller says, else midnight (UTC) of the day in CHANGELOG.md. Raises SystemExit without one."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    newest = _HEADING.search((ROOT / "CHANGELOG.md").read_text("utf-8"))
    if newest is None or newest["version"] != version():
        raise SystemExit(f"CHANGELOG.md: the newest heading should be '## {version()} (YEAR-MONTH-DAY)'")
    return int(datetime.strptime(newest["day"], "%Y-%m-%d").replace(tzinfo=UTC).timestamp())


def environment() -> dict[str, str]:
    """What builders get: the same moment, the same order of sets, the same language."""
    kept = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "TEMP", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "SOURCE_DATE_EPOCH": str(moment()),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def copied(folder: Path) -> Path:
    """The committed files, copied there; from an unpacked source archive, which has no history, the files as they are.

    What is not committed, and what earlier builds left lying about, gets into no release.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not (ROOT / ".git").exists():
        shutil.copytree(ROOT, folder, ignore=_MADE_HERE, dirs_exist_ok=True)
        shutil.copyfile(ROOT / ".gitignore", folder / ".gitignore")
        return folder
    packed = subprocess.run(["git", "-C", ROOT, "archive", "--format=tar", "HEAD"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-C", folder, "-x"], check=True, input=packed)
    changed = subprocess.run(["git", "-C", ROOT, "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    if changed:
        print(f"not committed, so not in it: {len(changed.splitlines())} files", file=sys.stderr)
    return folder


if __name__ == "__main__":
    print(moment())
