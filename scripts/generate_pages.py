"""Write what is made from code, data and measurements: docs/{facts,commands,checks,coverage,crosswalk,
benchmarks,devices,views,cli,api-reference}.md, the pages of messages, the figures in the READMEs.

`--check` writes nothing and ends with 1 when a page is not current.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from baselines.loader import builtin, load
from baselines.model import LEVELS, Baseline, Requirement
from collectors.catalog import platforms_of
from collectors.facts import FACTS
from scripts import api_page, benchmarks_page, cli_page, commands_page, device_matrix, faults_page, troubleshooting_page
from scripts.commands_page import ROOT, cell
from server.analysts.definitions import page as views_page

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
            yield f"| {name} | {_type(info.annotation)} | {cell(info.description or '')} |"


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
    return cell(text)


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


def checks_page() -> str:
    checks = {check.id: check for pack in builtin() for check in load(pack).checks.values()}
    lines = [NOTE + "# Kiểm tra tự động · Automated checks\n", f"{len(checks)} checks.\n"]
    fact = ""
    for check in sorted(checks.values(), key=lambda check: check.id):
        if check.id.partition(".")[0] != fact:
            fact = check.id.partition(".")[0]
            lines += [f"\n## {fact}\n", "| id | kiểm tra | check | severity | asset kinds |", "|---|---|---|---|---|"]
        kinds = ", ".join(check.kinds)
        lines.append(f"| {check.id} | {cell(check.title.vi)} | {cell(check.title.en)} | {check.severity} | {kinds} |")
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
        yield f"\n### {cell(group.title.vi)} · {cell(group.title.en)}\n\n{clauses}\n"
        yield "| requirement | levels | coverage | checks |"
        yield "|---|---|---|---|"
        for requirement in group.requirements:
            levels = ",".join(map(str, requirement.levels))
            coverage = requirement.coverage.replace("_", " ")
            yield f"| {cell(requirement.title.en)} | {levels} | {coverage} | {', '.join(requirement.checks)} |"
        excepted = [(requirement, one) for requirement in group.requirements for one in requirement.exceptions]
        if excepted:
            yield "\n| excepted | assets | type | lý do | reason |\n|---|---|---|---|---|"
        for requirement, one in excepted:
            assets = ", ".join(one.kinds) + (f" ({', '.join(one.platforms)})" if one.platforms else "")
            reasons = f"{cell(one.reason.vi)} | {cell(one.reason.en)}"
            yield f"| {cell(requirement.title.en)} | {assets} | {one.type.replace('_', ' ')} | {reasons} |"


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
        yield f"\n### {cell(group.title.vi)} · {cell(group.title.en)}\n"
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
    return f"{cell(requirement.title.vi)} · {cell(requirement.title.en)}"


PAGES = {
    "facts": facts_page,
    "commands": lambda: NOTE + commands_page.page(),
    "checks": checks_page,
    "coverage": coverage_page,
    "crosswalk": crosswalk_page,
    "benchmarks": lambda: NOTE + benchmarks_page.page(),
    "devices": lambda: NOTE + device_matrix.page(),
    "faults": lambda: NOTE + faults_page.page(),
    "views": lambda: "\n".join(views_page()) + "\n",
    "cli": lambda: NOTE + cli_page.page(),
    "api-reference": lambda: NOTE + api_page.page(),
    "vi/khac-phuc-loi": lambda: NOTE + troubleshooting_page.page("vi"),
    "en/troubleshooting": lambda: NOTE + troubleshooting_page.page("en"),
}


def main(check: bool) -> int:
    stale = []
    made = {ROOT / "docs" / f"{name}.md": page for name, page in PAGES.items()}
    made |= {ROOT / name: partial(benchmarks_page.readme, name) for name in benchmarks_page.READMES} | {
        ROOT / "baselines/checks/ids.txt": released_ids
    }
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
