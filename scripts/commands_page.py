"""docs/commands.md: every question put to a host, a device, an agent or a network, as it stands in the code that asks."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from collectors.catalog import DEVICES, device_os
from collectors.devices import snmp_identity
from collectors.transports import nmap

ROOT = Path(__file__).resolve().parent.parent


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def page() -> str:
    """Every question put to a host, as it stands in the code. A command that is no constant is an error."""
    lines = [
        "# What rasoat asks of a host\n",
        "Every command and every file, from the code that asks. All are read-only; they run with LC_ALL=C, a fixed PATH and no standard",
        "input. `…` is a value found on the host before (a package, a path). Root: asked through `sudo -n` where the account is not root.\n",
    ]
    for path in sorted([*ROOT.glob("collectors/facts/*.py"), *ROOT.glob("collectors/linux/*.py")]):
        asked = sorted(set(_asked(path)))
        if asked:
            lines += [f"\n## {path.parent.name}/{path.stem}\n", "| asks | what | root |", "|---|---|---|"]
            lines += [f"| {verb} | `{cell(what)}` | {'yes' if root else ''} |" for verb, what, root in asked]
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
            yield f"| after log-on | `{cell(command)}` |"
        if os.rights:
            yield f"| to raise rights | `{cell(os.rights.command)}` |"
        for command, resolved in os.configuration:
            yield f"| configuration{', values in force' if resolved else ''} | `{cell(command)}` |"
        paths = sorted([*ROOT.glob(f"collectors/devices/{stem}.py"), *ROOT.glob(f"collectors/devices/{stem}/*.py")])
        for command in sorted({what for path in paths for verb, what, _ in _asked(path) if verb == "ask"}):
            yield f"| question | `{cell(command)}` |"


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
        yield f"| registry | `{cell(plain(first or second))}`: {(values or others).replace(',', ', ') or 'whether it is there'} |"
    for namespace, kind in re.findall(r"Get-Rows '([^']+)' '([^']+)'", body):
        yield f"| class | `{namespace}` {kind} |"
    for cmdlet in sorted(
        set(re.findall(r"\bGet-(?:Net|Smb|Win|Scheduled)\w+|\bGet-(?:Process|Service|CimInstance)\b|Invoke-CimMethod", body))
    ):
        yield f"| cmdlet | `{cmdlet}` |"
    for kind in sorted(set(re.findall(r"New-Object -ComObject ([\w.]+)", body))):
        yield f"| object | {kind} |"
    for program, rest in re.findall(r"System32\\(\w+\.exe)\" ([^}|)]*)", body):
        yield f"| program | `{program} {cell(rest.strip())}` |"


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
