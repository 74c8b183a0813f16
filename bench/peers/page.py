"""docs/agreement.md from the figures in bench/results/agreement.json."""

from __future__ import annotations

from collections import Counter
from typing import Any

OUTCOMES = ("agree", "disagree", "only theirs", "only ours", "neither")
TOOLS = {"oscap": "OpenSCAP, CIS level 2 server", "lynis": "Lynis", "counts": "apt, needrestart, dnf"}
WHO = {"ours": "rasoat", "theirs": "the other tool", "both": "both: different questions"}


def page(told: dict[str, Any]) -> str:
    parts = [_head(told), _summary(told["rows"]), _explained(told["rows"]), _tables(told["rows"]), _without(told["without"])]
    return "\n".join(parts).rstrip() + "\n"


def _head(told: dict[str, Any]) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    host = "; ".join(f"{name}: {value}" for name, value in told["host"].items())
    lines = [
        "<!-- Made by bench/agreement.py; do not edit. The explanations stand in bench/peers/*.yaml. -->",
        "",
        "# Agreement with independent tools",
        "",
        f"rasoat {told['rasoat']}, level {told['level']}, on the day {told['day']}. {tools}.",
        f"Machine: {host}.",
        "",
        "Each tool ran once on the same machine as one `rasoat scan --level 5`, in two scenes: the machine as it is, and a copy of it in an",
        "overlay, hardened by the files in `bench/peers/hardened.yaml` and thrown away afterwards, so that both directions are held against each",
        "other. The script exits with 1 while a disagreement has no explanation or a finding of another tool has no place.",
        "",
        f"The guide's condition that a kernel package is installed was taken out in {told['loosened']} places: the kernel of this virtual machine comes from",
        "outside, and the guide would leave a third of its rules out as on a container. Not run, because they walk the whole disk: "
        + "; ".join(f"`{rule}`" for rule in told["left_out"]) + ".",
        "Debian has no update-notifier-common; what Ubuntu's `apt-check` counts was counted with python3-apt.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _summary(rows: list[dict[str, str]]) -> str:
    lines = [
        "## Figures",
        "",
        "| tool | scene | compared | " + " | ".join(OUTCOMES) + " |",
        "|---|---|" + "---:|" * (len(OUTCOMES) + 1),
    ]
    for tool, title in TOOLS.items():
        for scene in dict.fromkeys(row["scene"] for row in rows if row["tool"] == tool):
            counts = Counter(row["outcome"] for row in rows if (row["tool"], row["scene"]) == (tool, scene))
            lines.append(
                f"| {title} | {scene} | {sum(counts.values())} | " + " | ".join(str(counts[word]) for word in OUTCOMES) + " |"
            )
    right = Counter(row["right"] for row in rows if row["outcome"] == "disagree")
    lines += ["", "Of the disagreements: " + "; ".join(f"right is {WHO[who]}: {right[who]}" for who in WHO) + ".", ""]
    return "\n".join(lines)


def _explained(rows: list[dict[str, str]]) -> str:
    lines = ["## Disagreements, each explained", ""]
    reasons: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        if row["outcome"] == "disagree":
            reasons.setdefault((row["tool"], row["reason"]), []).append(row)
    for (tool, reason), found in sorted(
        reasons.items(), key=lambda item: (list(TOOLS).index(item[0][0]), -len(item[1]), item[0][1])
    ):
        subjects = "; ".join(
            dict.fromkeys(f"`{row['subject']}` {row['theirs']}, `{row['check']}` {row['ours']}" for row in found)
        )
        lines += [
            f"### {TOOLS[tool]}: {reason or 'UNEXPLAINED'}",
            "",
            f"{found[0]['explanation']} Right: {WHO.get(found[0]['right'], '?')}.",
            "",
            subjects + ".",
            "",
        ]
    return "\n".join(lines)


def _tables(rows: list[dict[str, str]]) -> str:
    lines = []
    for tool, title in TOOLS.items():
        lines += [
            f"## {title}: all rows",
            "",
            "| scene | subject | they say | check | rasoat says | outcome | why |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            if row["tool"] == tool:
                subject = row["subject"].replace("|", ": ")
                lines.append(
                    f"| {row['scene']} | {subject} | {row['theirs']} | {row['check']} | {row['ours']} | {row['outcome']} | {row['reason']} |"
                )
        lines.append("")
    return "\n".join(lines)


def _without(topics: list[dict[str, Any]]) -> str:
    lines = ["## No counterpart in rasoat", "", "| tool | topic | findings | reason |", "|---|---|---:|---|"]
    for topic in topics:
        lines.append(f"| {TOOLS[topic['tool']]} | {topic['topic']} | {len(topic['findings'])} | {topic['reason']} |")
    lines += ["", "The findings of each topic are listed in `bench/results/agreement.json`.", ""]
    return "\n".join(lines)
