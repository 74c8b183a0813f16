"""Write what is made from code, data and measurements: docs/{facts,commands,checks,coverage,crosswalk,devices}.md, the figures in the READMEs.

`--check` writes nothing and ends with 1 when a page is not current.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from baselines.loader import builtin, load
from baselines.model import LEVELS, Baseline, Requirement
from collectors.catalog import DEVICES, device_os, platforms_of
from collectors.devices import snmp_identity
from collectors.facts import FACTS
from collectors.transports import nmap
from scripts import device_matrix

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Made by scripts/generate_pages.py; do not edit. -->\n\n"


def facts_page() -> str:
    lines = [
        NOTE + "# Facts\n",
        "What rasoat can learn of a machine. None means: not seen, with the reason beside it; it never means nothing.\n",
    ]
    for name, fact in FACTS.items():
        platforms = sorted(platform.value for platform in platforms_of(name))
        lines += [f"\n## {name}\n", f"{_first(fact)} Version {fact.VERSION}. Platforms: {', '.join(platforms or ['outside'])}.\n"]
        lines += ["| field | type | meaning |", "|---|---|---|", *_fields(fact)]
        for row in _rows(fact):
            lines += [
                f"\n### {name}: {row.__name__}\n",
                f"{_first(row)}\n",
                "| field | type | meaning |",
                "|---|---|---|",
                *_fields(row),
            ]
    return "\n".join(lines) + "\n"


def _first(cls: type) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0]


def _fields(cls: type[BaseModel]) -> Iterator[str]:
    for name, info in cls.model_fields.items():
        if name != "unseen":
            yield f"| {name} | {_type(info.annotation)} | {_cell(info.description or '')} |"


def _type(annotation: Any) -> str:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    text = str(annotation)
    for noise in (
        "typing.",
        "collectors.facts.base.",
        "datetime.",
        "Annotated[int, FieldInfo(annotation=NoneType, required=True, metadata=[Ge(ge=0)])]",
    ):
        text = text.replace(noise, "int" if noise.startswith("Annotated") else "")
    for fact in FACTS.values():
        text = text.replace(f"{fact.__module__}.", "")
    return _cell(text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _rows(cls: type[BaseModel]) -> list[type[BaseModel]]:
    found = []
    for info in cls.model_fields.values():
        todo = [info.annotation]
        while todo:
            option = todo.pop()
            if isinstance(option, type) and issubclass(option, BaseModel) and option.__name__ != "Unseen" and option not in found:
                found.append(option)
            todo += get_args(option)
    return found


def commands_page() -> str:
    """Every question put to a host, as it stands in the code. A command that is no constant is an error."""
    lines = [
        NOTE + "# What rasoat asks of a host\n",
        "Every command and every file, from the code that asks. All are read-only; they run with LC_ALL=C, a fixed PATH and no standard",
        "input. `…` is a value found on the host before (a package, a path). Root: asked through `sudo -n` where the account is not root.\n",
    ]
    for path in sorted([*ROOT.glob("collectors/facts/*.py"), *ROOT.glob("collectors/linux/*.py")]):
        asked = sorted(set(_asked(path)))
        if asked:
            lines += [f"\n## {path.parent.name}/{path.stem}\n", "| asks | what | root |", "|---|---|---|"]
            lines += [f"| {verb} | `{_cell(what)}` | {'yes' if root else ''} |" for verb, what, root in asked]
    return "\n".join([*lines, *_windows(), *_devices(), *_agents(), *_outside()]) + "\n"


def _outside() -> Iterator[str]:
    """What discovery runs: nmap's options are constants, the rest are networks and numbers."""
    yield "\n# What rasoat asks of a network\n"
    yield "Run by `rasoat discover`, within the approved ranges, window and rate. `…` is the networks asked and the packets a second; `-6` is"
    yield "added for IPv6.\n"
    yield "| when | command |\n|---|---|"
    for when, options in (
        ("who is there", nmap.HOSTS),
        ("who is there, without raw sockets", nmap.HOSTS_OTHERS),
        ("what they offer", nmap.SERVICES_ROOT),
        ("what they offer, without raw sockets", nmap.SERVICES_OTHERS),
    ):
        yield f"| {when} | `nmap … {nmap.COMMON} --min-rate … --max-rate … {options}` |"


def _devices() -> Iterator[str]:
    """What each network OS is asked on its command line: the log-on from its DeviceOs, the questions from the code."""
    yield "\n# What rasoat asks of a network device\n"
    yield "All commands read; none enters a configuration mode. Paging is switched off for the session alone. Whatever does not begin with"
    yield "one of the words after *allowed* is not sent.\n"
    for platform, module in DEVICES.items():
        os = device_os(platform)
        stem = module.rpartition(".")[2]
        yield f"\n## {platform}\n"
        yield f"Allowed: {', '.join(f'`{word}`' for word in os.allowed)}.\n"
        yield "| when | command |\n|---|---|"
        for command in os.prepare:
            yield f"| after log-on | `{_cell(command)}` |"
        if os.rights:
            yield f"| to raise rights | `{_cell(os.rights.command)}` |"
        for command, resolved in os.configuration:
            yield f"| configuration{', values in force' if resolved else ''} | `{_cell(command)}` |"
        paths = sorted([*ROOT.glob(f"collectors/devices/{stem}.py"), *ROOT.glob(f"collectors/devices/{stem}/*.py")])
        for command in sorted({what for path in paths for verb, what, _ in _asked(path) if verb == "ask"}):
            yield f"| question | `{_cell(command)}` |"


def _agents() -> Iterator[str]:
    """What SNMP agents are asked: the constants of collectors/snmp, and the objects the table of makers names."""
    yield "\n# What rasoat asks of an SNMP agent\n"
    yield "GET and GETBULK alone; nothing is ever set. A number that ends in `.0` is one value, every other is a column of a table. Numbers of"
    yield "a maker are asked only of agents whose sysObjectID or sysDescr the table of makers knows, or that show none."
    for path in sorted(ROOT.glob("collectors/snmp/*.py")):
        if found := asked_of_agents(path):
            yield f"\n## snmp/{path.stem}\n"
            yield "| name in the code | OID |\n|---|---|"
            yield from (f"| {name} | `{oid}` |" for name, oid in found)
    yield "\n## Makers (collectors/devices/snmp_identity.yaml)\n"
    yield "| maker | OIDs |\n|---|---|"
    makers: dict[str, list[str]] = {}
    for entry in snmp_identity.entries():
        asked = [*([entry.shows] if entry.shows else []), *entry.oids()]
        makers.setdefault(entry.vendor, []).extend(asked)
    for maker, oids in sorted((maker or "any", oids) for maker, oids in makers.items()):
        if oids:
            yield f"| {maker} | {', '.join(f'`{oid}`' for oid in dict.fromkeys(oids))} |"


def asked_of_agents(path: Path) -> list[tuple[str, str]]:
    """(name, OID) of each constant of a file of collectors/snmp. Raises ValueError for one that a function hides."""
    tree = ast.parse(path.read_text("utf-8"))
    names: list[str] = []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            names += [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for called in ast.walk(node):
                if isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute) and called.func.attr == "walk":
                    for arg in called.args:
                        if not isinstance(arg, ast.Name | ast.Starred):
                            raise ValueError(f"{path}:{arg.lineno}: an OID that is no constant")
    module = importlib.import_module(f"collectors.snmp.{path.stem}") if path.stem != "__init__" else None
    values = {name: getattr(module, name, None) for name in names}
    return [
        (name, value) for name, value in values.items() if isinstance(value, str) and re.fullmatch(r"1\.3\.6\.1(?:\.\d+)+", value)
    ]


def _windows() -> Iterator[str]:
    """What collect.ps1 asks of Windows: its own head, then registry values, classes, cmdlets and programs out of its text."""
    text = ROOT.joinpath("collectors/windows/collect.ps1").read_text("ascii")
    head, _, body = text.partition("\n\n")
    yield "\n## windows/collect.ps1\n"
    yield "\n".join(line.removeprefix("#").removeprefix(" ") for line in head.splitlines())
    names = dict(re.findall(r"^\$(\w+) = ['\"]([^'\"]*)['\"]$", body, re.M))

    def plain(path: str) -> str:
        for _ in range(3):
            path = re.sub(r"\$(\w+)", lambda found: names.get(found[1], f"<{found[1]}>"), path)
        return path

    yield "\n| asks | what |\n|---|---|"
    keys = re.findall(r"^    ['\"]([^'\"]+)['\"] = '([^']*)'$|\$Wanted\[\"([^\"]+)\"\] = '([^']*)'", body, re.M)
    for first, values, second, others in keys:
        yield f"| registry | `{_cell(plain(first or second))}`: {(values or others).replace(',', ', ') or 'whether it is there'} |"
    for namespace, kind in re.findall(r"Get-Rows '([^']+)' '([^']+)'", body):
        yield f"| class | `{namespace}` {kind} |"
    for cmdlet in sorted(
        set(re.findall(r"\bGet-(?:Net|Smb|Win)\w+|\bGet-(?:Process|Service|CimInstance)\b|Invoke-CimMethod", body))
    ):
        yield f"| cmdlet | `{cmdlet}` |"
    for program, rest in re.findall(r"System32\\(\w+\.exe)\" ([^}|)]*)", body):
        yield f"| program | `{program} {_cell(rest.strip())}` |"


def _asked(path: Path) -> Iterator[tuple[str, str, bool]]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        verb, asked = node.func.attr, ast.unparse(node.func.value)
        if asked == "cli" and verb == "ask":
            command = "".join(_constants(node.args[0], names))
            if command.startswith("…") or "…" in command.partition(" ")[0]:
                raise SystemExit(f"{path}:{node.lineno}: the command is not a constant")
            yield verb, command, False
            continue
        if not asked.endswith("shell") or verb not in ("run", "read", "read_all", "names", "stat", "link", "stanzas"):
            continue
        words = [word for arg in node.args for word in _constants(arg, names)]
        if verb == "run" and (not words or words[0] == "…"):
            raise SystemExit(f"{path}:{node.lineno}: the command is not a constant")
        root = any(
            keyword.arg == "root" and isinstance(keyword.value, ast.Constant) and keyword.value.value for keyword in node.keywords
        )
        if verb == "run":
            yield "command", " ".join(words), root
        else:
            for word in words if verb != "stanzas" else words[:1]:
                if word != "…":
                    yield {"stanzas": "package list"}.get(verb, "file"), word, root


def _constants(arg: ast.expr, names: dict[str, ast.expr]) -> list[str]:
    if isinstance(arg, ast.Constant):
        return [str(arg.value)]
    if isinstance(arg, ast.Name) and arg.id in names:
        return _constants(names[arg.id], {})
    if isinstance(arg, ast.Starred):
        return _constants(arg.value, names)
    if isinstance(arg, ast.Tuple | ast.List):
        return [word for part in arg.elts for word in _constants(part, names)]
    if isinstance(arg, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in arg.values)]
    return ["…"]


def checks_page() -> str:
    checks = {check.id: check for pack in builtin() for check in load(pack).checks.values()}
    lines = [NOTE + "# Kiểm tra tự động · Automated checks\n", f"{len(checks)} checks.\n"]
    fact = ""
    for check in sorted(checks.values(), key=lambda check: check.id):
        if check.id.partition(".")[0] != fact:
            fact = check.id.partition(".")[0]
            lines += [f"\n## {fact}\n", "| id | kiểm tra | check | severity | asset kinds |", "|---|---|---|---|---|"]
        kinds = ", ".join(check.kinds)
        lines.append(f"| {check.id} | {_cell(check.title.vi)} | {_cell(check.title.en)} | {check.severity} | {kinds} |")
    return "\n".join(lines) + "\n"


def coverage_page() -> str:
    lines = [
        NOTE + "# Coverage\n",
        "Who answers each requirement. automated: checks decide it · partial: checks decide some of it, a person the rest · manual: a person",
        "decides · not yet: a machine could see it, and rasoat has no check for it yet; until then a person decides.\n",
        "Exceptions name the assets of which checks do not decide a requirement, or not all of it. elsewhere: the answer lies on another system ·",
        "person: it takes a person's knowledge or decision · not collected: rasoat does not collect it (yet).\n",
    ]
    for pack in map(load, builtin()):
        lines += [f"\n## {pack.standard.edition}\n", f"{pack.standard.status.en}\n", *_by_level(pack), "", *_by_group(pack)]
    return "\n".join(lines) + "\n"


def _by_level(pack: Baseline) -> Iterator[str]:
    yield "| level | requirements | automated | partial | manual | not yet |"
    yield "|---|---|---|---|---|---|"
    for level in LEVELS:
        counts = Counter(r.coverage for r in pack.requirements.values() if level in r.levels)
        total = sum(counts.values())
        yield f"| {level} | {total} | {counts['automated']} | {counts['partial']} | {counts['manual']} | {counts['not_yet']} |"


def _by_group(pack: Baseline) -> Iterator[str]:
    for group in pack.groups:
        clauses = (
            ", ".join(f"{level}: {clause}" for level, clause in sorted(group.clauses.items())) or "no clause of the standard"
        )
        yield f"\n### {_cell(group.title.vi)} · {_cell(group.title.en)}\n\n{clauses}\n"
        yield "| requirement | levels | coverage | checks |"
        yield "|---|---|---|---|"
        for requirement in group.requirements:
            levels = ",".join(map(str, requirement.levels))
            coverage = requirement.coverage.replace("_", " ")
            yield f"| {_cell(requirement.title.en)} | {levels} | {coverage} | {', '.join(requirement.checks)} |"
        excepted = [(requirement, one) for requirement in group.requirements for one in requirement.exceptions]
        if excepted:
            yield "\n| excepted | assets | type | lý do | reason |\n|---|---|---|---|---|"
        for requirement, one in excepted:
            assets = ", ".join(one.kinds) + (f" ({', '.join(one.platforms)})" if one.platforms else "")
            reasons = f"{_cell(one.reason.vi)} | {_cell(one.reason.en)}"
            yield f"| {_cell(requirement.title.en)} | {assets} | {one.type.replace('_', ' ')} | {reasons} |"


def released_ids() -> str:
    """Every id a check ever had: new ones join, none ever leaves (one that is gone has its entry in baselines/retired.yaml)."""
    known = set((ROOT / "baselines/checks/ids.txt").read_text("utf-8").split())
    now = {
        found
        for path in ROOT.glob("baselines/checks/*.yaml")
        for found in re.findall(r"^- id: (\S+)$", path.read_text("utf-8"), re.M)
    }
    return "".join(f"{name}\n" for name in sorted(known | now))


def crosswalk_page() -> str:
    """Each edition beside the one before: what succeeds what, and what nothing succeeds."""
    lines = [
        NOTE + "# Đối chiếu hai bản tiêu chuẩn · Crosswalk of editions\n",
        "Mỗi yêu cầu của bản mới và yêu cầu gần nhất của bản trước. *close*: cùng nội dung; *loose*: cùng vấn đề, nội dung khác. Không dòng nào khẳng định",
        "tương đương: đạt yêu cầu cũ chưa phải là đạt yêu cầu mới. Số mục ghi ở cấp độ thấp nhất có yêu cầu.\n",
        "Each requirement of the newer edition with the nearest of the one before. *close*: asks the same; *loose*: touches the same matter. No line claims that",
        "they are equal: whoever meets the old one does not thereby meet the new one. Clauses are those of the lowest level that asks.\n",
    ]
    packs = {pack.id: pack for pack in map(load, builtin())}
    for pack in packs.values():
        if pack.standard.succeeds in packs:
            lines += _crosswalk(pack, packs[pack.standard.succeeds])
    return "\n".join(lines) + "\n"


def _crosswalk(pack: Baseline, before: Baseline) -> Iterator[str]:
    links = [link for requirement in pack.requirements.values() for link in requirement.succeeds]
    met = {link.id for link in links}
    fits = Counter(max((link.fit == "close" for link in one.succeeds), default=None) for one in pack.requirements.values())
    yield f"\n## {pack.standard.edition} ← {before.standard.edition}\n"
    yield f"{len(pack.requirements)} requirements: {fits[True]} with a close predecessor, {fits[False]} with a loose one only, {fits[None]} new."
    yield f"Of the {len(before.requirements)} of the edition before, {len(set(before.requirements) - met)} have no successor."
    for group in sorted(pack.groups, key=lambda group: [int(part) for part in group.clauses[max(group.clauses)].split(".")]):
        yield f"\n### {_cell(group.title.vi)} · {_cell(group.title.en)}\n"
        yield f"| {pack.standard.edition} | levels | requirement | fit | {before.standard.edition} | earlier requirement |\n|---|---|---|---|---|---|"
        for one in group.requirements:
            new = f"| {_lowest(pack, one)} | {', '.join(map(str, one.levels))} | {_both(one)}"
            for link in one.succeeds:
                yield f"{new} | {link.fit} | {_lowest(before, before.requirements[link.id])} | {_both(before.requirements[link.id])} |"
                new = "| | | "
            if not one.succeeds:
                yield f"{new} | new | | |"
    yield "\n### Chưa thấy yêu cầu kế thừa · No successor found\n"
    yield "Nguồn dùng để lập bộ yêu cầu mới bỏ qua phần lớn các mục chung, nên không thấy chưa có nghĩa là bản mới không yêu cầu. · The source of the newer"
    yield "pack skips most general sub-clauses: that no successor was found does not say that nothing is asked.\n"
    yield f"| {before.standard.edition} | levels | requirement |\n|---|---|---|"
    for one in before.requirements.values():
        if one.id not in met:
            yield f"| {_lowest(before, one)} | {', '.join(map(str, one.levels))} | {_both(one)} |"


def _lowest(pack: Baseline, requirement: Requirement) -> str:
    return pack.clause(requirement.id, min(requirement.levels)) or requirement.id


def _both(requirement: Requirement) -> str:
    return f"{_cell(requirement.title.vi)} · {_cell(requirement.title.en)}"


READMES = {
    "README.md": ("against", "wall time", "CPU time", "times as much", "rasoat itself", "peak memory {peak:.0f} MiB", "bare Python reading the same files and running the same commands, understanding none of it",
                  "`rasoat --help` takes {help:.1f} bare interpreter starts. One core judges {rate:,} snapshots a second ({checks} checks each)."),
    "README.vi.md": ("so với", "thời gian", "thời gian CPU", "lần", "bản thân rasoat", "bộ nhớ cao nhất {peak:.0f} MiB", "Python trần đọc cùng các tệp, chạy cùng các lệnh mà không hiểu gì",
                     "`rasoat --help` bằng {help:.1f} lần khởi động trình thông dịch trần. Một lõi đánh giá {rate:,} bản ghi mỗi giây ({checks} phép kiểm tra mỗi bản)."),
}  # fmt: skip
MARK, END = "<!-- bench -->", "<!-- /bench -->"


def readme(name: str) -> str:
    """The README with the figures of bench/results between its marks: it quotes nothing a script did not print."""
    against, wall, cpu, times, ours, peak, limit, last = READMES[name]
    scan, startup, judging = (_result(part) for part in ("host_scan", "startup", "judging"))
    own = scan["rasoat"]
    rows = [
        f"| {program} | {scan[program]['wall_s'] / own['wall_s']:.0f} {times} | {scan[program]['cpu_s'] / own['cpu_s']:.0f} {times} | {scan[program]['peak_mib']:.0f} MiB |"
        for program in ("lynis", "oscap CIS level 2")
        if program in scan
    ]
    alone, floor = scan["rasoat beside the limit"], scan["limit"]
    figures = {
        "help": startup["rasoat --help"]["wall_s"] / startup["bare interpreter"]["wall_s"],
        "rate": judging["per_second"],
        "checks": judging["checks"],
    }
    block = [
        MARK, "", f"| {against} | {wall} | {cpu} | |", "|---|---|---|---|", *rows,
        f"| {limit} | {floor['wall_s'] / alone['wall_s']:.2f} {times} | {floor['cpu_s'] / alone['cpu_s']:.2f} {times} | {floor['peak_mib']:.0f} MiB |",
        f"| {ours} | 1 | 1 | {peak.format(peak=own['peak_mib'])} |", "", last.format(**figures), "", END,
    ]  # fmt: skip
    text = (ROOT / name).read_text("utf-8")
    start = text.index(MARK)
    stop = text.index(END) + len(END) if END in text else start + len(MARK)
    return text[:start] + "\n".join(block) + text[stop:]


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text("utf-8"))
    return found


PAGES = {
    "facts": facts_page,
    "commands": commands_page,
    "checks": checks_page,
    "coverage": coverage_page,
    "crosswalk": crosswalk_page,
    "devices": lambda: NOTE + device_matrix.page(),
}


def main(check: bool) -> int:
    stale = []
    made = {ROOT / "docs" / f"{name}.md": page for name, page in PAGES.items()}
    made |= {ROOT / name: partial(readme, name) for name in READMES} | {ROOT / "baselines/checks/ids.txt": released_ids}
    for path, page in made.items():
        text = page()
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(text, "utf-8")
    if check and stale:
        print(f"not current: {', '.join(map(str, stale))}; run `make pages`", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
