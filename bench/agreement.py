"""Agreement with independent tools on this machine: OpenSCAP with Debian's guide, Lynis, apt, needrestart and dnf.

Each runs once beside one `rasoat scan`; bench/peers/*.yaml says which finding asks the same as which check and explains every
difference. Writes bench/results/agreement.json and docs/agreement.md. Exit status 1: a disagreement is unexplained or a finding
has no place in the mapping. Needs root; installs nothing and says what is missing. `--guide FILE`: the guide of Debian 12 (see
host_scan.py). `--page`: write the page again from the figures. `--keep FILE`: keep what the tools said; a file that exists is
judged again instead of asking them, which is how explanations are written. `--apart`: in a process namespace of its own, for a
machine on which other work starts and ends daemons meanwhile. Takes four to ten minutes: not part of `make bench`.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from measure import RESULTS, arguments
from peers import ask, mapping, page

GUIDE = "/usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml"
APART = "RASOAT_BENCH_APART"
PAGE = Path(__file__).parents[1] / "docs" / "agreement.md"
Raw = tuple[dict[str, Any], list[ask.Said], ask.LynisReport]


class Heard(NamedTuple):
    """Everything the tools said, unjudged."""

    day: str
    guide: ask.Guide
    versions: dict[str, str]
    host: dict[str, str]
    raws: dict[str, Raw]
    apt: dict[str, str]
    needrestart: dict[str, str]
    dnf: dict[str, tuple[str, str]]


def listen(path: Path) -> Heard:
    guide = ask.read_guide(path)
    left_out = set(mapping.load("oscap").left_out)
    raws = {"as it is": look(path, guide, left_out)}
    apt, restart = ask.apt_counts(), ask.needrestart()
    raws["hardened copy"] = hardened(path, guide, left_out)
    day = datetime.now(UTC).date().isoformat()
    return Heard(day, guide, ask.versions(guide), host(), raws, apt, restart, ask.dnf())


def host() -> dict[str, str]:
    apart = "those of the bench alone (a namespace of its own)" if os.environ.get(APART) else "all of the machine"
    return {**ask.machine(), "processes seen": apart}


def look(path: Path, guide: ask.Guide, left_out: set[str]) -> Raw:
    """The scan, and right after it the others."""
    return ask.rasoat(), ask.oscap(path, guide, left_out), ask.lynis()


def hardened(path: Path, guide: ask.Guide, left_out: set[str]) -> Raw:
    """The same in a copy of this machine that is thrown away, with the files of hardened.yaml and an SSH server on the loopback."""
    sys.path.insert(0, str(ask.ROOT))
    from tests.throwaway import overlaid

    files = yaml.safe_load((mapping.FOLDER / "hardened.yaml").read_text("utf-8"))["files"]
    text = path.read_bytes()

    def within() -> Raw:
        for name, content in files.items():
            place = Path(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            mode = place.stat().st_mode & 0o777 if place.exists() else 0o600
            place.write_text(content["text"] if isinstance(content, dict) else content)
            place.chmod(int(content["mode"], 8) if isinstance(content, dict) else mode)
        copy = Path("/var/tmp/guide.xml")  # the original may lie where the overlay does not reach
        copy.write_bytes(text)
        Path("/run/sshd").mkdir(exist_ok=True)
        server = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-o", "ListenAddress=127.0.0.1", "-p", "58022"], stderr=subprocess.DEVNULL
        )
        try:
            return look(copy, guide, left_out)
        finally:
            server.terminate()
            server.wait(10)

    raw: Raw = overlaid(within)
    return raw


def counts(scan: dict[str, Any], heard: Heard) -> list[mapping.Row]:
    """apt, needrestart and dnf: numbers and words held against the same fields of our fact."""
    told = yaml.safe_load((mapping.FOLDER / "counts.yaml").read_text("utf-8"))
    updates = ask.fact(scan, "updates")
    pairs = [
        ("apt-check pending", heard.apt["apt-check pending"], "pending_count", str(updates.get("pending_count"))),
        ("apt-check security", heard.apt["apt-check security"], "security_count", str(updates.get("security_count"))),
        ("apt-get -s dist-upgrade", heard.apt["apt-get -s dist-upgrade"], "pending_count", str(updates.get("pending_count"))),
        ("needrestart kernel", heard.needrestart["kernel"], "reboot_required", _word(updates.get("reboot_required"))),
        ("needrestart services", heard.needrestart["services"], "", "not asked"),
    ]
    rows = [_counted(told, "as it is", *pair) for pair in pairs]
    fields = {"dnf check-update": "pending_count", "dnf updateinfo list --security": "security_count"}
    return rows + [_counted(told, "made for dnf", name, theirs, fields[name], ours) for name, (theirs, ours) in heard.dnf.items()]


def _counted(told: dict[str, Any], scene: str, subject: str, theirs: str, name: str, ours: str) -> mapping.Row:
    field = f"updates.{name}" if name else ""
    if theirs == ours:
        return mapping.Row("counts", scene, subject, theirs, field, ours, "agree")
    outcome = "only theirs" if ours in ("not asked", "unknown") else "only ours" if theirs == "unknown" else "disagree"
    reason = told["explain"].get(subject, {}).get(outcome, {})
    right, text = reason.get("right", ""), reason.get("text", "")
    return mapping.Row(
        "counts", scene, subject, theirs, field, ours, outcome, right, text, f"{subject}: {outcome}" if text else ""
    )


def _word(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--guide", type=Path, default=Path(GUIDE))
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--apart", action="store_true")
    options = parser.parse_args(argv)
    if options.apart and not os.environ.get(APART):
        words = sys.argv[1:] if argv is None else argv
        inside = ["unshare", "--fork", "--pid", "--mount-proc", sys.executable, __file__, *words]
        return subprocess.run(inside, env={**os.environ, APART: "1"}, check=False).returncode
    results = RESULTS / "agreement.json"
    if options.page:
        PAGE.write_text(page.page(json.loads(results.read_text("utf-8"))), "utf-8")
        return 0
    if options.keep and options.keep.exists():
        heard = Heard(*pickle.loads(options.keep.read_bytes()))
    else:
        if absent := ask.missing(options.guide):
            print("missing: " + ", ".join(absent))
            return 2
        heard = listen(options.guide)
        if options.keep:
            options.keep.write_bytes(pickle.dumps(tuple(heard)))
    told = judged(heard)
    if not options.no_result:
        results.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
        PAGE.write_text(page.page(told), "utf-8")
    return verdict(told)


def judged(heard: Heard) -> dict[str, Any]:
    scap, lynis = mapping.load("oscap"), mapping.load("lynis")
    scan = heard.raws["as it is"][0]
    rows = counts(scan, heard)
    for scene, (scanned, said, report) in heard.raws.items():
        ours = mapping.Ours(scanned)
        rows += mapping.compare(scap, scene, mapping.oscap_words(said), ours)
        rows += mapping.compare(lynis, scene, mapping.lynis_words(lynis, report), ours)
    findings = list(dict.fromkeys(finding for raw in heard.raws.values() for finding in raw[2].findings))
    rules = [rule for rule in heard.guide.titles if rule not in scap.left_out]
    without = [
        {"tool": one.tool, **topic} for one, names in ((scap, rules), (lynis, findings)) for topic in mapping.counted(one, names)
    ]
    return {
        "day": heard.day,
        "rasoat": scan["rasoat"],
        "level": scan["baseline"]["level"],
        "versions": heard.versions,
        "host": heard.host,
        "loosened": heard.guide.loosened,
        "left_out": scap.left_out,
        "rows": [asdict(row) for row in rows],
        "without": without,
        "unplaced": mapping.unplaced(scap, rules) + mapping.unplaced(lynis, findings),
    }


def verdict(told: dict[str, Any]) -> int:
    """0 when nothing is left to explain; otherwise says what, and 1."""
    open_rows = mapping.unexplained(mapping.Row(**row) for row in told["rows"])
    for row in open_rows:
        print(f"unexplained: {row.tool}, {row.scene}: {row.subject} {row.theirs} / {row.check} {row.ours}")
    for finding in told["unplaced"]:
        print(f"no place in the mapping: {finding}")
    print(f"{len(told['rows'])} rows, {len(open_rows)} unexplained, {len(told['unplaced'])} unplaced; docs/agreement.md written")
    return 1 if open_rows or told["unplaced"] else 0


if __name__ == "__main__":
    sys.exit(main())
