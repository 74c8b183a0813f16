"""Installs and starts every artefact of dist/ and says what it saw: `python -m scripts.release.check [wheel agent archive debian]`.

Takes minutes: the collector comes out of the wheel, the packed agent scans this machine, enrols at that collector on loopback
and reports, the Debian package lives once in each throwaway system that is to be had. As root; without it the last is left out and said so.
Exit code 1 when anything is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from scripts.release import source

JUDGED = (0, 1, 3)
"""Exit codes of a scan that came to its end."""


class Report:
    """What was seen, told as it is seen."""

    def __init__(self) -> None:
        self.wrong = 0

    def say(self, artefact: str, text: str, fine: bool = True) -> None:
        self.wrong += not fine
        print(f"{'ok  ' if fine else 'BAD '} {artefact:<22} {text}", flush=True)


def run(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {name: value for name, value in os.environ.items() if not name.startswith("RASOAT_")}
    return subprocess.run(
        [str(word) for word in argv], env=told | environment, capture_output=True, text=True, check=False, cwd="/"
    )


def only(pattern: str) -> Path:
    """The one file of that name in dist/. Raises SystemExit when there is none, or several."""
    found = sorted(source.DIST.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"dist/{pattern}: {len(found)} files; `make dist` makes one")
    return found[0]


def wheel(report: Report, place: Path) -> Path:
    """The command of the wheel with the collector, installed anew."""
    path = only(f"rasoat-{source.version()}-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "wheel"], check=True)
    python = place / "wheel" / "bin" / "python"
    done = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--constraint", source.ROOT / "constraints.txt", f"{path}[server]"
    )  # fmt: skip
    report.say(
        path.name, f"installs with [server]{'' if not done.returncode else ': ' + done.stderr[-300:]}", not done.returncode
    )
    command = python.with_name("rasoat")
    said = run(command, "version").stdout.strip()
    report.say(path.name, said, source.version() in said)
    vietnamese = run(command, "--lang", "vi", "--help").stdout
    report.say(path.name, "speaks Vietnamese", "rà soát" in vietnamese.lower())
    return command


def scanned(command: Path, place: Path) -> tuple[int, dict[str, Any]]:
    target = place / "scan.json"
    done = run(command, "scan", "--level", "3", "--format", "json", "--output", target)
    if done.returncode not in JUDGED:
        raise SystemExit(f"{command} scan: exit {done.returncode}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(target.read_text("utf-8"))
    return done.returncode, found


def verdicts(document: dict[str, Any]) -> str:
    lines = sorted(f"{row['requirement']}|{row['check']}|{row['verdict']}" for row in document["results"])
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def like_the_wheel(report: Report, name: str, command: Path, other: Path, place: Path) -> None:
    """Same machine, same moment: the same verdicts, and every fact seen or not seen alike."""
    (code, mine), (theirs_code, theirs) = scanned(command, place), scanned(other, place)
    same = verdicts(mine) == verdicts(theirs) and code == theirs_code
    report.say(name, f"scan: {mine['summary']}, verdicts {verdicts(mine)[:12]}, the wheel's {verdicts(theirs)[:12]}", same)
    outcomes = [{row["fact"]: row["outcome"] for row in one["snapshot"]["records"]} for one in (mine, theirs)]
    equal = outcomes[0] == outcomes[1] and "bug" not in outcomes[0].values()
    report.say(
        name,
        f"{len(outcomes[0])} facts, {sum(value == 'seen' for value in outcomes[0].values())} seen, as the wheel sees them",
        equal,
    )


def children_are_clean(report: Report, name: str, command: Path) -> None:
    """Programs of this machine that a scan starts must not be given the libraries that the packed agent brought along."""
    seen, bad = set(), set()
    with subprocess.Popen([command, "scan", "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        if child.exe() != str(command.resolve()):
                            seen.add(child.name())
                            bad |= {child.name()} if "LD_LIBRARY_PATH" in child.environ() else set()
            time.sleep(0.001)
    report.say(
        name,
        f"{len(seen)} programs it started were caught; with its LD_LIBRARY_PATH: {', '.join(sorted(bad)) or 'none'}",
        bool(seen) and not bad,
    )


@contextlib.contextmanager
def collector(command: Path, place: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(address, environment for its own commands) of a collector on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"RASOAT_DATA": str(place / "server")}
    done = run(command, "server", "init", "--unit", "Check", **settings)
    if done.returncode:
        raise SystemExit(f"server init: {done.stderr[-2000:]}")
    with (place / "server.log").open("w") as log:
        process = subprocess.Popen(
            [command, "server", "run", "--host", "127.0.0.1", "--port", str(port)], env=os.environ | settings, stdout=log, stderr=log, cwd="/"
        )  # fmt: skip
        try:
            for _ in range(240):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        break
                time.sleep(0.5)
            else:
                raise SystemExit(f"the collector did not start: {(place / 'server.log').read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}", settings
        finally:
            process.terminate()
            process.wait()


def reports(report: Report, name: str, command: Path, served: Path, place: Path) -> None:
    """Enrolment, a run by its own loop, a run by hand, and an evidence bundle checked by the packed agent."""
    state = {"RASOAT_STATE_DIR": str(place / "state"), "RASOAT_CONFIG": "/dev/null"}
    with collector(served, place) as (url, settings):
        token = place / "token"
        token.write_text(run(served, "server", "token", "new", "--quiet", "--uses", "1", "--hours", "1", **settings).stdout)
        token.chmod(0o600)
        done = run(command, "agent", "enrol", url, "--token-file", token, **state)
        report.say(name, (done.stdout + done.stderr).strip().splitlines()[-1], not done.returncode)
        told = _by_its_loop(command, place, state)
        report.say(name, f"agent run: its own child scanned and sent; verdicts agree with the collector's: {told}", told is True)
        done = run(command, "agent", "once", "--quiet", **state)
        report.say(name, f"agent once: exit {done.returncode}", done.returncode in JUDGED)
        bundle = place / "evidence.zip"
        made = run(served, "server", "evidence", "make", "--unit", "Check", "-o", bundle, **settings)
        key = run(served, "server", "evidence", "key", **settings).stdout
        fingerprint = re.search(r"\b[0-9a-f]{40}\b", key)
        checked = run(command, "verify", bundle, "--key", fingerprint[0] if fingerprint else "-", "--format", "json")
        report.say(
            name,
            f"verify: exit {checked.returncode} {(made.stderr + checked.stderr).strip()[-200:]}",
            checked.returncode in (0, 3),
        )


def _by_its_loop(command: Path, place: Path, state: dict[str, str]) -> object:
    process = subprocess.Popen([command, "agent", "run", "--quiet"], env=os.environ | state, cwd="/")
    try:
        for _ in range(240):
            with contextlib.suppress(OSError, ValueError):
                contact = json.loads((place / "state" / "contact.json").read_text("utf-8"))
                if "verdicts_agree" in contact:
                    return contact["verdicts_agree"]
            time.sleep(0.5)
        return None
    finally:
        process.terminate()
        process.wait()


def agent(report: Report, place: Path, served: Path) -> None:
    path = only("rasoat-agent")
    said = run(path, "--help")
    report.say(
        path.name,
        f"{path.stat().st_size / 1e6:.1f} MB; --help: exit {said.returncode}",
        not said.returncode and "scan" in said.stdout,
    )
    refused = run(path, "server", "run")
    report.say(
        path.name,
        f"has no collector in it, and says so: exit {refused.returncode}",
        refused.returncode == 2 and not refused.stdout,
    )
    like_the_wheel(report, path.name, path, served, place)
    children_are_clean(report, path.name, path)
    reports(report, path.name, path, served, place)


def archive(report: Report, place: Path, served: Path) -> None:
    path = only(f"rasoat-agent-{source.version()}-linux-*.tar.xz")
    with tarfile.open(path) as opened:
        opened.extractall(place / "archive", filter="data")
    like_the_wheel(report, path.name, place / "archive" / "rasoat-agent" / "rasoat", served, place)


def debian(report: Report, place: Path) -> None:
    import pytest

    from scripts.release import check_debian
    from tests.throwaway import bootstrapped

    path = only(f"rasoat-agent_{source.version()}_*.deb")
    if os.geteuid() != 0:
        report.say(path.name, "not installed anywhere: that needs root", False)
        return
    newer = check_debian.newer_one(place)
    for name in check_debian.SYSTEMS:
        try:
            tarball = bootstrapped(name)
        except pytest.skip.Exception as why:
            report.say(path.name, f"{name}: not tried ({why})")
            continue
        check_debian.check(path, newer, tarball, lambda text, fine, name=name: report.say(path.name, f"{name}: {text}", fine))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", choices=("wheel", "agent", "archive", "debian"), default=[], help="default: all")
    wanted = parser.parse_args(argv).which or ["wheel", "agent", "archive", "debian"]
    report = Report()
    with tempfile.TemporaryDirectory(prefix="rasoat-check-") as folder:
        place = Path(folder)
        if set(wanted) - {"debian"}:
            served = wheel(report, place)
            if "agent" in wanted:
                agent(report, place, served)
            if "archive" in wanted:
                archive(report, place, served)
        if "debian" in wanted:
            debian(report, place)
    print(f"{report.wrong} wrong" if report.wrong else "all as it should be")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
