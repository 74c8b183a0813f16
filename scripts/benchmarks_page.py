"""docs/benchmarks.md, and the figures of it that the READMEs quote: from bench/targets.yaml and bench/results/*.json alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench import targets as book
from scripts.commands_page import ROOT, cell

READMES = {
    "README.md": ("against", "wall time", "CPU time", "times as much", "rasoat itself", "peak memory {peak:.0f} MiB", "bare Python reading the same files and running the same commands, understanding none of it",
                  "`rasoat --help` takes {help:.1f} bare interpreter starts. One core judges {rate:,} snapshots a second ({checks} checks each).",
                  "Of {targets} targets that can be measured {met} are met, {missed} missed and {unknown} are not measured: [docs/benchmarks.md](docs/benchmarks.md) has each beside its figure, and how to measure it again."),
    "README.vi.md": ("so với", "thời gian", "thời gian CPU", "lần", "bản thân rasoat", "bộ nhớ cao nhất {peak:.0f} MiB", "Python trần đọc cùng các tệp, chạy cùng các lệnh mà không hiểu gì",
                     "`rasoat --help` bằng {help:.1f} lần khởi động trình thông dịch trần. Một lõi đánh giá {rate:,} bản ghi mỗi giây ({checks} phép kiểm tra mỗi bản).",
                     "Trong {targets} mục tiêu đo được: {met} đạt, {missed} chưa đạt, {unknown} chưa đo; [docs/benchmarks.md](docs/benchmarks.md) ghi từng mục tiêu bên số đo được và cách đo lại."),
}  # fmt: skip
MARK, END = "<!-- bench -->", "<!-- /bench -->"
WORDS = {"met": "met · đạt", "MISSED": "**MISSED · CHƯA ĐẠT**"}
METHOD = """\
Every target of speed, size and memory that was set for rasoat (and those of loss and truth that a bench counts), beside what was last measured. · Mọi mục tiêu về tốc độ, dung lượng, bộ nhớ (và những mục tiêu về mất mát, sai sót mà một phép đo đếm được), bên số đo gần nhất.

- `make bench` runs everything (hours; needs root or sudo, installs the peers from Debian packages); each line names the script that measures it alone. `python -m bench --only TARGET` runs that
  script by the name of the target, `--list` says what it needs. Python is the one of `.venv` (`make setup`).
- Scripts run one after the other, each in a process of its own. What is compared runs in the same run and in turns, so that a slow minute of the machine falls on both; medians of the rounds
  count, for SNMP the best of them on both sides. Machines are shared and noisy: times of different runs are not compared, ratios of one run are.
- A time is that of the clock unless the line says otherwise; where seconds of a core are known they stand beside it. MB and KB are millions and thousands of bytes.
- *not measured*: no bench of it yet, no result kept, or its peer was not installed. *not measured again*: the kept result is of an earlier form of the script that did not
  print this figure. †: the figure is of such a result, which kept neither its day nor versions. *of wanted*: measured over wanted.
"""


def page() -> str:
    told = book.read()
    found = book.results(told)
    rows = [book.standing(target, found) for target in told.targets]
    machines = _machines(found)
    lines = ["# Benchmarks\n", METHOD, *_quoted(), _summary(rows), ""]
    for number, title in told.issues.items():
        lines += [f"\n## {title.en} · {title.vi}\n", *_targets(told, [row for row in rows if number in row.target.issues])]
    lines += ["\n## Scripts · Tập lệnh đo\n", *_scripts(told, found, machines)]
    lines += ["\n## Machines · Máy đo\n", *_hardware(machines)]
    return "\n".join(lines) + "\n"


def _summary(rows: list[book.Standing]) -> str:
    counts = _counts(rows)
    again = sum(row.state == "not measured again" for row in rows)
    older = sum(row.value is not None and not book.of_today(row.result or {}) for row in rows)
    return (
        f"{counts['targets']} targets: {counts['met']} met, {counts['missed']} missed, {counts['unknown']} not measured"
        f" ({again} of them not again). {older} figures are of results that kept neither day nor versions."
    )


def _counts(rows: list[book.Standing]) -> dict[str, int]:
    met, missed = (sum(row.state == state for row in rows) for state in ("met", "MISSED"))
    return {"targets": len(rows), "met": met, "missed": missed, "unknown": len(rows) - met - missed}


def _targets(told: book.Targets, rows: list[book.Standing]) -> Iterator[str]:
    yield "| target | mục tiêu · what | wanted | measured | | of wanted | peer | measured by |\n|---|---|---|---|---|---|---|---|"
    for row in rows:
        target = row.target
        what = f"{target.what.vi} · {target.what.en}" + (f" ({target.reading})" if target.reading else "")
        mark = "" if row.value is None or book.of_today(row.result or {}) else " †"
        by = f"`{command(told.scripts[target.script])}`" if target.script else "no bench yet"
        cells = (target.id, what, target.wanted, row.shown + mark, WORDS.get(row.state, row.state), row.of_target, row.peer, by)
        yield "| " + " | ".join(map(cell, cells)) + " |"


def command(script: book.Script) -> str:
    return " ".join(("python", *script.command))


def _scripts(told: book.Targets, found: Mapping[str, Any], machines: list[dict[str, Any]]) -> Iterator[str]:
    yield "| script | about | took | day | machine | versions | Debian packages | |\n|---|---|---|---|---|---|---|---|"
    for name, script in told.scripts.items():
        result = found.get(name, {})
        took = f"{result['seconds_taken'] / 60:.1f} min" if "seconds_taken" in result else "–"
        machine = _letter(machines.index(result["machine"])) if "machine" in result else "–"
        versions = ", ".join(f"{one} {version}" for one, version in result.get("versions", {}).items()) or "–"
        words = [
            script.note,
            script.by_hand and f"by hand: {script.by_hand}",
            script.without_target and f"no target: {script.without_target}",
        ]
        cells = (f"`{command(script)}`", f"{script.minutes} min", took, result.get("day", "–" if result else "never"), machine, versions,
                 " ".join(script.packages), "; ".join(filter(None, words)))  # fmt: skip
        yield "| " + " | ".join(map(cell, cells)) + " |"


def _machines(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    for result in found.values():
        if "machine" in result and result["machine"] not in seen:
            seen.append(result["machine"])
    return seen


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"A{place}"


def _hardware(machines: list[dict[str, Any]]) -> Iterator[str]:
    yield "| | CPU | cores | memory | system | kernel | Python |\n|---|---|---|---|---|---|---|"
    for place, one in enumerate(machines):
        memory = f"{one['memory_mib']:,} MiB" if "memory_mib" in one else "–"
        cells = (
            _letter(place),
            one.get("cpu") or "–",
            str(one.get("cores", "–")),
            memory,
            one.get("system") or "–",
            one["kernel"],
            one["python"],
        )
        yield "| " + " | ".join(map(cell, cells)) + " |"


def _quoted() -> list[str]:
    """What the READMEs quote, as the page has it."""
    return ["## In short · Tóm tắt\n", *_side_by_side("README.md")[:-2]]


def _side_by_side(name: str) -> list[str]:
    """Programs of one run, one scan of one machine each; and three figures more."""
    against, wall, cpu, times, ours, peak, limit, last, targets = READMES[name]
    told = book.read()
    found = book.results(told)
    scan, startup, judging = found["host_scan"], found["startup"], found["judging"]
    own, alone, floor = scan["rasoat"], scan["rasoat beside the limit"], scan["limit"]
    rows = [
        f"| {program} | {scan[program]['wall_s'] / own['wall_s']:.0f} {times} | {scan[program]['cpu_s'] / own['cpu_s']:.0f} {times} | {scan[program]['peak_mib']:.0f} MiB |"
        for program in ("lynis", "oscap CIS level 2")
        if program in scan
    ]
    figures = {
        "help": startup["rasoat --help"]["wall_s"] / startup["bare interpreter"]["wall_s"],
        "rate": judging["per_second"],
        "checks": judging["checks"],
    }
    return [
        f"| {against} | {wall} | {cpu} | |", "|---|---|---|---|", *rows,
        f"| {limit} | {floor['wall_s'] / alone['wall_s']:.2f} {times} | {floor['cpu_s'] / alone['cpu_s']:.2f} {times} | {floor['peak_mib']:.0f} MiB |",
        f"| {ours} | 1 | 1 | {peak.format(peak=own['peak_mib'])} |", "", last.format(**figures), "",
        targets.format(**_counts([book.standing(target, found) for target in told.targets])), "",
    ]  # fmt: skip


def readme(name: str) -> str:
    """The README with figures of the page between its marks: it quotes nothing a script did not print."""
    text = (ROOT / name).read_text("utf-8")
    start = text.index(MARK)
    stop = text.index(END) + len(END) if END in text else start + len(MARK)
    return text[:start] + "\n".join([MARK, "", *_side_by_side(name), END]) + text[stop:]
