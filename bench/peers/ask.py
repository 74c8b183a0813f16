"""Run each tool once and hand back its findings as plain words. Nothing here installs anything or judges who is right."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}
PROFILE = "xccdf_org.ssgproject.content_profile_cis_level2_server"
RULE = "xccdf_org.ssgproject.content_rule_"
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
KERNEL_WORDS = frozenset(("system_with_kernel", "machine", "not_container", "not_bootc"))

APT_CHECK = """
import apt_pkg
apt_pkg.init()
cache = apt_pkg.Cache(None)
depends = apt_pkg.DepCache(cache)
depends.upgrade(True)
pending = security = 0
for package in cache.packages:
    if package.current_ver and depends.is_upgradable(package):
        pending += 1
        places = [place for version in package.version_list if version > package.current_ver for place, _ in version.file_list]
        security += any(place.label == "Debian-Security" for place in places)
print(pending, security)
"""
"""What Ubuntu's apt-check counts, in ten lines of python3-apt: Debian has no update-notifier-common."""


class Said(NamedTuple):
    """One finding of another tool."""

    subject: str
    title: str
    word: str
    """pass, fail, or the tool's own word for not having judged."""


def missing(guide: Path) -> list[str]:
    """What has to be installed first, as a person would type it."""
    programs = {
        "lynis": "lynis", "oscap": "openscap-scanner", "needrestart": "needrestart", "dnf": "dnf", "rpmbuild": "rpm", "createrepo_c": "createrepo-c",
        "sshd": "openssh-server",
    }  # fmt: skip
    absent = [package for program, package in programs.items() if not shutil.which(program)]
    if run("/usr/bin/python3", "-c", "import apt_pkg").returncode != 0:
        absent.append("python3-apt")
    if not guide.exists():
        absent.append(f"{guide} (ssg-debian from 0.1.79; `dpkg -x` unpacks it anywhere, then --guide FILE)")
    return absent


def run(*argv: str, timeout: int = 900) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        errors="replace",
    )


def rasoat(level: int = 5) -> dict[str, Any]:
    """The scan of this program as JSON; run by its own interpreter so that it also works within an overlay."""
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "scan", "--format", "json", "--level", str(level), "--quiet"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if not done.stdout:
        raise SystemExit(f"rasoat scan said nothing: {done.stderr[-500:]}")
    return dict(json.loads(done.stdout))


# ── OpenSCAP ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def loosened(guide: str) -> tuple[str, int]:
    """The guide without its condition that a kernel package is installed, and how many places lost it.

    A virtual machine whose kernel comes from outside has no kernel package; the guide takes it for a container and leaves a
    third of its rules out. Conditions on other packages stay.
    """
    defined = set(re.findall(r'<[\w.:-]*platform id="([^"]*)"', guide))
    count = 0

    def loosen(found: re.Match[str]) -> str:
        nonlocal count
        words = found[1].split("_and_")
        kept = "_and_".join(word for word in words if word not in KERNEL_WORDS)
        if kept == found[1]:
            return found[0]
        count += 1
        return found[0].replace(found[1], kept) if kept in defined else ""

    return re.sub(r'<[\w.:-]*platform idref="#([^"]*)"\s*/>', loosen, guide), count


class Guide(NamedTuple):
    """The guide as it is run."""

    version: str
    titles: dict[str, str]
    """Rule of the profile -> title."""
    loosened: int


def read_guide(path: Path) -> Guide:
    tree = ElementTree.parse(path)
    profile = next(node for node in tree.iter(XCCDF + "Profile") if node.get("id") == PROFILE)
    chosen = {node.get("idref") for node in profile.findall(XCCDF + "select") if node.get("selected") == "true"}
    titles = {
        str(node.get("id")).removeprefix(RULE): str(node.findtext(XCCDF + "title")).strip()
        for node in tree.iter(XCCDF + "Rule")
        if node.get("id") in chosen
    }
    version = next((str(node.text) for node in tree.iter(XCCDF + "version") if node.text), "")
    return Guide(version, titles, loosened(path.read_text("utf-8"))[1])


def oscap(path: Path, guide: Guide, left_out: set[str]) -> list[Said]:
    with tempfile.TemporaryDirectory() as folder:
        loose = Path(folder) / "guide.xml"
        loose.write_text(loosened(path.read_text("utf-8"))[0], "utf-8")
        skipped = [word for rule in sorted(left_out) for word in ("--skip-rule", RULE + rule)]
        done = run("oscap", "xccdf", "eval", "--progress", "--profile", PROFILE, *skipped, str(loose))
    words = dict(line.removeprefix(RULE).rsplit(":", 1) for line in done.stdout.splitlines() if line.startswith(RULE))
    if len(words) < len(guide.titles) // 2:
        raise SystemExit(f"oscap ended early, status {done.returncode}: {done.stderr[-500:]}")
    return [Said(rule, title, words.get(rule, "not run")) for rule, title in guide.titles.items()]


# ── Lynis ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class LynisReport(NamedTuple):
    tests: frozenset[str]
    """Ids of the tests that were performed."""
    findings: tuple[str, ...]
    """`ID|text` of each warning, suggestion and differing setting."""


def lynis() -> LynisReport:
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder) / "report.dat", Path(folder) / "lynis.log"
        run("lynis", "audit", "system", "--quick", "--no-colors", "--report-file", str(report), "--log-file", str(log))
        return read_lynis(report.read_text("utf-8", "replace"))


def read_lynis(report: str) -> LynisReport:
    """The warnings, suggestions and differing settings of a report."""
    tests = re.search(r"^tests_executed=(.*)$", report, re.M)
    if not tests:
        raise SystemExit("lynis ended early: its report lists no test")
    findings = []
    for line in report.splitlines():
        kind, _, rest = line.partition("[]=")
        columns = rest.split("|")
        if kind in ("warning", "suggestion") and len(columns) > 1:
            # the sum of a test whose single settings stand in the details
            if columns[0] not in ("KRNL-6000", "SSH-7408"):
                findings.append(f"{columns[0]}|{columns[1]}")
        elif kind == "details" and len(columns) > 2:
            field = re.search(r"field:([^;]+);prefval:([^;]*);value:([^;]*);", columns[2])
            findings.append(
                f"{columns[0]}|{field[1]} is {field[3]}, preferred {field[2]}" if field else f"{columns[0]}|{columns[2]}"
            )
    return LynisReport(frozenset(filter(None, tests[1].split("|"))), tuple(dict.fromkeys(findings)))


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def apt_counts() -> dict[str, str]:
    said = run("/usr/bin/python3", "-c", APT_CHECK).stdout.split()
    if len(said) != 2:
        raise SystemExit("python3-apt gave no counts")
    simulated = re.findall(r"^Inst (\S+?) \[", run("apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade").stdout, re.M)
    return {"apt-check pending": said[0], "apt-check security": said[1], "apt-get -s dist-upgrade": str(len(simulated))}


def needrestart() -> dict[str, str]:
    said = run("needrestart", "-b", "-r", "l").stdout
    state = re.search(r"^NEEDRESTART-KSTA: (\d)", said, re.M)
    words = {"0": "unknown", "1": "no", "2": "yes", "3": "yes"}
    services = len(re.findall(r"^NEEDRESTART-SVC: ", said, re.M))
    return {"kernel": words[state[1]] if state else "unknown", "services": str(services)}


def dnf() -> dict[str, tuple[str, str]]:
    """Counts of dnf and of rasoat on a Rocky Linux made for the question: rpm's database, one repository, advisories.

    Same packages as tests/test_updates_real.py, where each row is compared, not only the counts.
    """
    sys.path.insert(0, str(ROOT))
    from tests import test_updates_real as real
    from tests.throwaway import build, overlaid, repository

    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        build(real.OLD, folder / "old")
        repository(folder / "repo", real.NEW, real.ADVISORIES)

        def ask() -> tuple[str, str, dict[str, Any]]:
            real.dnf_system(folder)
            return (
                run("dnf", "-q", "-C", "check-update").stdout,
                run("dnf", "-q", "-C", "updateinfo", "list", "--security").stdout,
                fact(rasoat(), "updates"),
            )

        checked, advised, ours = overlaid(ask)
    pending = [line for line in _unwrapped(checked) if len(line.split()) == 3]
    # an advisory for a version in between names the same package once more
    security = {re.sub(r"-[^-]+-[^-]+$", "", line.split()[2]) for line in advised.splitlines() if len(line.split()) == 3}
    return {
        "dnf check-update": (str(len(pending)), str(ours["pending_count"])),
        "dnf updateinfo list --security": (str(len(security)), str(ours["security_count"])),
    }


def _unwrapped(table: str) -> list[str]:
    """dnf breaks a row whose name is too long."""
    return re.sub(r"\n\s+", " ", table).splitlines()


def fact(scan: dict[str, Any], name: str) -> dict[str, Any]:
    record = next(row for row in scan["snapshot"]["records"] if row["fact"] == name)
    return dict(record["data"] or {})


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────


def versions(guide: Guide) -> dict[str, str]:
    def first(pattern: str, *argv: str) -> str:
        done = run(*argv)
        found = re.search(pattern, done.stdout + done.stderr)
        return found[1] if found else "?"

    return {
        "Lynis": first(r"([\d.]+)", "lynis", "show", "version"),
        "OpenSCAP": first(r"([\d.]+)", "oscap", "--version"),
        "SCAP Security Guide": guide.version,
        "needrestart": first(r"needrestart ([\d.]+)", "needrestart", "--version"),
        "apt": first(r"apt ([\d.]+)", "apt-get", "--version"),
        "python3-apt": first(r"(.+)", "/usr/bin/python3", "-c", "import apt_pkg; print(apt_pkg.VERSION)"),
        "dnf": first(r"([\d.]+)", "dnf", "--version"),
    }


def machine() -> dict[str, str]:
    """What it was measured on, without a name of it."""
    release = dict(re.findall(r'^(\w+)="?(.*?)"?$', Path("/etc/os-release").read_text(), re.M))
    minor = Path("/etc/debian_version")
    virtual = run("systemd-detect-virt").stdout.strip() or "unknown"
    packages = len(run("dpkg-query", "-W", "-f", "${db:Status-Status}\n").stdout.split())
    return {
        "system": f"{release.get('PRETTY_NAME', '?')} (point release {minor.read_text().strip() if minor.exists() else '?'})",
        "kernel": os.uname().release,
        "virtualisation": virtual,
        "process 1": "systemd" if Path("/run/systemd/system").is_dir() else "not systemd",
        "packages": str(packages),
    }
