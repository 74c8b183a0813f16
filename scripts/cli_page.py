"""docs/cli.md: every command and option, out of the parsers themselves. Rendered here: argparse's own form differs between Pythons."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from scripts.command_lines import parsers, speaking, subcommands
from scripts.commands_page import cell

LEFT_OUT = ("help", "quiet", "verbose", "lang", "data", "child")
"""Told once at the top, or hidden."""

HEAD = """\
# Dòng lệnh · Command line

Mọi lệnh, đối số và tùy chọn. Nói chung cho mọi lệnh: `--lang vi|en` chọn ngôn ngữ (mặc định theo máy), `--quiet` bỏ phần tiến độ và ghi chú, `--verbose` thêm chi tiết,
`--help` giải thích ngay tại chỗ. Lệnh của máy chủ thu thập nhận thêm `--data DIR`, thư mục dữ liệu (mặc định `$RASOAT_DATA` hoặc `/var/lib/rasoat-server`).
`rasoat feed`, `campaign`, `register` và `dossier` là cách gọi ngắn của `rasoat server feed` và các lệnh tương ứng. Mã thoát: [Khắc phục lỗi](vi/khac-phuc-loi.md#ma-thoat).

Every command, argument and option. All of them take `--lang vi|en` (by default what the machine speaks), `--quiet` without progress and remarks, `--verbose` with more detail,
`--help`. Commands of the collector take `--data DIR` too, its data directory (by default `$RASOAT_DATA` or `/var/lib/rasoat-server`). `rasoat feed`, `campaign`,
`register` and `dossier` are short for `rasoat server feed` and so on. Exit codes: [Troubleshooting](en/troubleshooting.md#exit-codes).
"""


def page() -> str:
    with speaking("vi"):
        vietnamese = {name: parser for word, parser in parsers().items() for name, parser in _leaves(f"rasoat {word}", parser)}
    with speaking("en"):
        english = parsers()
    lines = [HEAD]
    for word, parser in english.items():
        lines.append(f"\n## rasoat {word}\n")
        own = subcommands(parser)
        if own:
            lines.append(f"{_both(_purpose(vietnamese[f'rasoat {word}']), _purpose(parser))}\n")
        for name, leaf in _leaves(f"rasoat {word}", parser):
            if not subcommands(leaf):
                lines += _command(name, leaf, vietnamese[name], heading=bool(own))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _leaves(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for word, sub in subcommands(parser).items():
        yield from _leaves(f"{name} {word}", sub)


def _command(name: str, parser: argparse.ArgumentParser, other: argparse.ArgumentParser, heading: bool) -> Iterator[str]:
    if heading:
        yield f"\n### {name}\n"
    yield f"{_both(_purpose(other), _purpose(parser))}\n"
    pairs = [(one, two) for one, two in zip(parser._actions, other._actions, strict=True) if _shown(one)]
    yield f"    {' '.join([name, *(_usage(one) for one, _two in pairs)])}\n"
    if pairs:
        yield "| | nghĩa | meaning |\n|---|---|---|"
    for one, two in pairs:
        yield f"| {_names(one)} | {cell(_help(two))} | {cell(_help(one))} |"
    if pairs:
        yield "\n"


def _shown(action: argparse.Action) -> bool:
    return action.dest not in LEFT_OUT and action.help is not argparse.SUPPRESS


def _purpose(parser: argparse.ArgumentParser) -> str:
    return (parser.description or "").strip()


def _both(vietnamese: str, english: str) -> str:
    return english if vietnamese in ("", english) else f"{vietnamese} · {english}"


def _help(action: argparse.Action) -> str:
    return action.help % {**vars(action), "prog": ""} if action.help else ""


def _value(action: argparse.Action) -> str:
    """What stands for the value; empty for a switch."""
    if action.nargs == 0:
        return ""
    metavar = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    choices = "|".join(map(str, action.choices)) if action.choices is not None else ""
    if len(choices) > 60 and metavar is None:
        choices = ""
    return metavar or choices or (action.dest.upper() if action.option_strings else action.dest)


def _usage(action: argparse.Action) -> str:
    value = _value(action)
    many = " ..." if action.nargs in ("*", "+", argparse.REMAINDER) or type(action).__name__ == "_AppendAction" else ""
    if not action.option_strings:
        return f"[{value}{many}]" if action.nargs in ("*", "?") else value + many
    text = " ".join(filter(None, [action.option_strings[-1], value])) + many
    return text if action.required else f"[{text}]"


def _names(action: argparse.Action) -> str:
    value = _value(action)
    shown = [f"`{' '.join(filter(None, [name, value]))}`" for name in action.option_strings] or [f"`{value}`"]
    given = action.metavar is not None or "|" not in value
    if action.choices is not None and given and len(list(action.choices)) > 1:
        shown.append(f"({', '.join(map(str, action.choices))})")
    return cell(", ".join(shown[:-1]) + " " + shown[-1] if shown[-1].startswith("(") else ", ".join(shown))
