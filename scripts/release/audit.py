"""`make audit`: is anything known against the versions in constraints.txt? And what of their licences?

Exit codes: 0 looked, and nothing is known · 1 something is · 3 could not look, at one of them or at all. pip-audit by itself
ends with 0 when it found no package at all where it asked: what it skipped is counted here as not looked at.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from scripts.release.dependencies import ROOT, Unknown, asked_for, closure, of_group, pinned, project, refused

GOOD, FOUND, UNSEEN = 0, 1, 3
SECONDS = 600


class Answer(NamedTuple):
    """What looking brought."""

    known: dict[str, list[str]]
    """`name version` -> what is known against it."""
    unseen: dict[str, str]
    """What could not be looked at, and why."""

    @property
    def code(self) -> int:
        return FOUND if self.known else UNSEEN if self.unseen else GOOD


def judged(document: Any, wanted: dict[str, str]) -> Answer:
    """pip-audit's JSON, held against everything that was to be looked at."""
    known: dict[str, list[str]] = {}
    unseen = dict.fromkeys(wanted, "not in the answer")
    for row in document["dependencies"]:
        name = canonicalize_name(row["name"])
        if name not in wanted:
            continue
        if "skip_reason" in row:
            unseen[name] = str(row["skip_reason"])
        elif row.get("version") != wanted[name]:
            unseen[name] = f"it answered for {row.get('version')}"
        else:
            del unseen[name]
            if row["vulns"]:
                known[f"{name} {wanted[name]}"] = [one["id"] for one in row["vulns"]]
    return Answer(known, unseen)


def advisories(program: Sequence[str | Path], service: str) -> Answer:
    """Ask. Whatever goes wrong is something that was not looked at."""
    wanted = pinned()
    words = [
        "-r",
        ROOT / "constraints.txt",
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "-s",
        service,
        "-f",
        "json",
    ]
    try:
        done = subprocess.run([*program, *words], capture_output=True, text=True, check=False, timeout=SECONDS)
        return judged(json.loads(done.stdout), wanted)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    except (ValueError, KeyError, TypeError):
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        why = lines[-1][-200:]
    return Answer({}, dict.fromkeys(wanted, why))


def licences() -> Answer:
    """Of everything that is installed here by any extra or group."""
    found: dict[str, list[str]] = {}
    try:
        wanted = [*asked_for(tuple(project()["project"]["optional-dependencies"])), *of_group("dev")]
        for part in closure(wanted).values():
            if wrong := refused(part.licence):
                found[f"{part.name} {part.version}"] = wrong
    except Unknown as error:
        return Answer(found, {"licences": str(error)})
    return Answer(found, {})


def pip_audit() -> list[str | Path]:
    """The one beside this Python, else the one on PATH."""
    beside = Path(sys.executable).with_name("pip-audit")
    return [beside if beside.exists() else shutil.which("pip-audit") or "pip-audit"]


def _say(what: str, answer: Answer) -> None:
    for name, told in sorted(answer.known.items()):
        print(f"{what}: {name}: {', '.join(told)}")
    reasons = sorted({why.partition(": ")[0] for why in answer.unseen.values()})
    if answer.unseen:
        print(f"{what}: {len(answer.unseen)} could not be looked at: {reasons[0]}" + (f" (and {len(reasons) - 1} other reasons)" if reasons[1:] else ""))  # fmt: skip
    if answer.code == GOOD:
        print(f"{what}: looked at all, nothing found")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.release.audit", description=__doc__)
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi", help="whose list of vulnerabilities is asked")
    parser.add_argument("--pip-audit", metavar="FILE", help="the program, where it is not beside this Python or on PATH")
    options = parser.parse_args(argv)
    answers = {
        "advisories": advisories([options.pip_audit] if options.pip_audit else pip_audit(), options.service),
        "licences": licences(),
    }
    for what, answer in answers.items():
        _say(what, answer)
    codes = {answer.code for answer in answers.values()}
    return FOUND if FOUND in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
