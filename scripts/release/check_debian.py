"""The Debian package in throwaway roots: installed, used, upgraded, removed, purged. Needs root and debootstrap; see check.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.release import debian_package, source

SYSTEMS = ("debian12", "debian13", "ubuntu22.04", "ubuntu24.04")
NEWER = f"{source.version()}+check1"
_OF_DPKG = ("/var/lib/dpkg/", "/var/log/", "/var/cache/", "/proc/", "/dev/", "/sys/", "/tmp/", "/run/")

Say = Callable[[str, bool], None]


class Root:
    """An unpacked system, entered for each command in namespaces of its own: what starts in it ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        for name in ("proc", "dev"):
            (self.folder / name).mkdir(exist_ok=True)
        inside = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.folder}/proc", "chroot", self.folder, *argv]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": "/root",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        return subprocess.run(inside, env=environment, capture_output=True, text=True, check=False)

    def files(self) -> set[str]:
        found = set()
        for place, _folders, names in os.walk(self.folder):
            found |= {f"{place.removeprefix(str(self.folder))}/{name}" for name in names}
        return {path for path in found if not path.startswith(_OF_DPKG)}

    def holds(self, path: str) -> bool:
        return os.path.lexists(f"{self.folder}{path}")

    def write(self, path: str, text: str) -> None:
        place = Path(f"{self.folder}{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")


def newer_one(place: Path) -> Path:
    """The same content under a newer version, to be upgraded to."""
    packed = source.WORK / "folder" / debian_package.NAME
    return debian_package.build(packed, debian_package.units_of_the_release(), NEWER, place / "newer.deb", compression="none")


def check(package: Path, newer: Path, tarball: Path, say: Say) -> None:
    """One life of the package on one system."""
    source.WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=source.WORK) as place:
        root = Root(Path(place) / "root")
        root.folder.mkdir()
        subprocess.run(["tar", "-C", root.folder, "-xf", tarball], check=True)
        shutil.copy(package, root.folder / "old.deb")
        shutil.copy(newer, root.folder / "new.deb")
        before = root.files()
        _installed(root, say)
        _used(root, say)
        _upgraded(root, say)
        _removed(root, before, say)


def _installed(root: Root, say: Say) -> None:
    done = root.run("dpkg", "-i", "/old.deb")
    if done.returncode:
        say(f"dpkg -i refuses: {' '.join(done.stderr.split())[-200:]}", False)
        return
    say(
        "installs, and says how to enrol" if "agent enrol" in done.stdout else "installs without a word on enrolment",
        "agent enrol" in done.stdout,
    )
    started = [path for path in root.files() if path.startswith("/etc/systemd/system/") and "rasoat" in path]
    say("nothing is started before enrolment" if not started else f"starts by itself: {started}", not started)


def _used(root: Root, say: Say) -> None:
    told = root.run("rasoat", "version")
    say(f"rasoat version: {told.stdout.strip() or told.stderr.strip()[-200:]}", source.version() in told.stdout)
    scan = root.run("rasoat", "scan", "--level", "2", "--format", "json", "--quiet")
    try:
        document = json.loads(scan.stdout)
    except ValueError:
        say(f"scan: exit {scan.returncode}, {scan.stderr.strip()[-200:]}", False)
        return
    system = next((r["data"]["os_name"] for r in document["snapshot"]["records"] if r["fact"] == "identity" and r["data"]), None)
    bugs = [record["fact"] for record in document["snapshot"]["records"] if record["outcome"] == "bug"]
    say(f"scans {system}: {document['summary']}", scan.returncode in (0, 1, 3) and not bugs)
    shown = root.run("rasoat", "agent", "service", "install", "--print").stdout
    kept = [
        Path(f"{root.folder}/usr/lib/systemd/system/{name}").read_text("utf-8") for name in ("rasoat.service", "rasoat.timer")
    ]
    same = all(text in shown for text in kept)
    say("its units are what `agent service install` writes" if same else "its units differ from `agent service install`", same)


def _upgraded(root: Root, say: Say) -> None:
    root.write("/var/lib/rasoat/identity.json", "{}")
    root.write("/etc/rasoat/ca.pem", "an administrator's own")
    settings = Path(f"{root.folder}/etc/rasoat/agent.yaml")
    settings.write_text(settings.read_text("utf-8") + "spool_mb: 65\n", "utf-8")
    done = root.run("dpkg", "-i", "/new.deb")
    version = root.run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "rasoat-agent").stdout
    kept = "spool_mb: 65" in settings.read_text("utf-8") and root.holds("/var/lib/rasoat/identity.json")
    say(
        f"upgrade to {version}: settings and state {'stay' if kept else 'are lost'}",
        not done.returncode and kept and version == f"{NEWER} installed",
    )
    damaged = root.run("dpkg", "--verify", "rasoat-agent").stdout
    say("dpkg --verify finds the changed settings alone" if damaged.split()[-1:] == ["/etc/rasoat/agent.yaml"] else f"dpkg --verify: {damaged}",
        len(damaged.splitlines()) == 1)  # fmt: skip


def _removed(root: Root, before: set[str], say: Say) -> None:
    root.write("/etc/systemd/system/rasoat.service", f"[Service]\nExecStart={debian_package.PROGRAM} agent once\n")
    done = root.run("dpkg", "--remove", "rasoat-agent")
    kept = root.holds("/etc/rasoat/agent.yaml") and root.holds("/var/lib/rasoat/identity.json")
    gone = not root.holds("/usr/lib/rasoat-agent") and not root.holds("/etc/systemd/system/rasoat.service")
    say(
        f"remove: program {'gone' if gone else 'left behind'}, settings and state {'stay' if kept else 'are lost'}",
        not done.returncode and gone and kept,
    )
    done = root.run("dpkg", "--purge", "rasoat-agent")
    left = sorted(root.files() - before)
    say(f"purge leaves {', '.join(left) or 'nothing'}", not done.returncode and left == ["/etc/rasoat/ca.pem"])
    missing = sorted(before - root.files())
    say("nothing of the system is missing" if not missing else f"missing afterwards: {missing[:5]}", not missing)
