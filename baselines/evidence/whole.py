"""The bundle as a whole: every member against its digests, and numbers against what they count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from baselines.evidence import form
from baselines.evidence.archive import Archive, Damaged
from baselines.evidence.form import Campaign, CampaignRow, Coverage, Manifest
from baselines.evidence.held import Held
from baselines.evidence.lines import Line, fails, holds, note, unchecked

if TYPE_CHECKING:
    from baselines.evidence.seal import Sealed

TABLES = frozenset(
    {
        form.README,
        form.MANIFEST,
        form.SUMS,
        form.MACHINES,
        form.HOSTS,
        form.JOURNAL,
        form.WAIVERS,
        form.ATTESTATIONS,
        form.COVERAGE,
    }
    | {form.FEEDS, form.CAMPAIGN, form.ROWS}
)
_SUM = re.compile(rb"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._/-]{0,254})")


def members(archive: Archive, manifest: Manifest | None, sealed: Sealed) -> Iterator[Line]:
    """Each member against SHA256SUMS and the manifest; what is in no list; what is in a list and not there."""
    listed, problems = _listed(sealed.sums)
    yield from problems
    if (
        manifest is not None
        and sealed.sums
        and not sealed.sums.startswith(f"{form.head_of(manifest.id, _text(manifest))}\n".encode())
    ):
        yield fails("other-manifest", manifest.id)
    told = {one.name: one for one in manifest.members} if manifest else {}
    if manifest is not None and len(told) != len(manifest.members):
        yield fails("manifest", why="twice")
    good = 0
    for name, entry in archive.entries.items():
        if name == form.SUMS or name in form.SEAL:
            continue
        if name not in listed:
            yield fails("not-listed", name)
            continue
        try:
            found = archive.sha256(name)
        except Damaged as error:
            yield fails("damaged", name, why=str(error))
            continue
        if found != listed[name]:
            yield fails("altered", name, found=found[:12], said=listed[name][:12])
        elif name != form.MANIFEST and manifest is not None and (name not in told or (told[name].sha256, told[name].size) != (found, entry.size)):  # fmt: skip
            yield fails("manifest-differs", name)
        elif name.startswith("attachments/") and name != f"attachments/{found}":
            yield fails("attachment", name)
        else:
            good += 1
    for name in sorted((listed.keys() | told.keys()) - archive.entries.keys()):
        yield fails("missing", name)
    if good:
        yield holds("members", str(good))


def _text(manifest: Manifest) -> str:
    return manifest.made_at.isoformat()


def _listed(sums: bytes) -> tuple[dict[str, str], list[Line]]:
    """Member -> digest, as SHA256SUMS has it."""
    found: dict[str, str] = {}
    problems = []
    head, *rows = sums.split(b"\n")
    if sums and (not head.startswith(f"{form.HEAD} ".encode()) or rows[-1:] != [b""]):
        problems.append(fails("line", f"{form.SUMS}:1", why="head"))
    for number, row in enumerate(rows[:-1], 2):
        match = _SUM.fullmatch(row)
        name = match[2].decode() if match else ""
        if match is None or name in found:
            problems.append(fails("line", f"{form.SUMS}:{number}", why="twice" if match else "no-sum"))
        else:
            found[name] = match[1].decode()
    return found, problems


def nobodys(held: Held) -> Iterator[Line]:
    """Members that no line speaks of, and reports that are not there. Packs and what the collector laid in are looked at one by one."""
    reports = {one.member for one in held.manifest.reports}
    for name in sorted(reports - held.archive.entries.keys()):
        yield fails("missing", name)
    for name in held.archive.entries:
        folder, slash, _rest = name.partition("/")
        looked_at = (
            name in TABLES or name in form.SEAL or name in held.named or (slash and folder in ("packs", "tailorings", "centre"))
        )
        if not looked_at and not (folder == "reports" and name in reports):
            yield fails("nobody's", name)


def counts(held: Held) -> Iterator[Line]:
    """What the manifest says it counts."""
    said, found = held.manifest.counts, dict(held.met)
    found["snapshots"] = sum(name.startswith("snapshots/") for name in held.archive.entries)
    found["attachments"] = sum(name.startswith("attachments/") for name in held.archive.entries)
    wrong = {name: number for name, number in said.items() if found.get(name, 0) != number}
    wrong |= {name: said.get(name, 0) for name, number in found.items() if number and name not in said}
    for name, number in sorted(wrong.items()):
        yield fails("count", name, said=number, found=found.get(name, 0))
    if not wrong:
        yield holds("counts", str(sum(said.values())))


def coverage(held: Held) -> Iterator[Line]:
    """Who is missing: as many names as the numbers leave open."""
    told = held.one(form.COVERAGE, Coverage)
    if told is None:
        yield fails("missing", form.COVERAGE)
    if not isinstance(told, Coverage):
        if told is not None:
            yield told
        return
    here = {key for key, moment in held.judged if moment == "now"} | held.silent
    gone = told.expected - told.seen
    names = sum(one.why in ("listed", "never", "ambiguous") for one in told.missing)
    unopened = sum(one.why in ("unopened", "pruned", "moved") for one in told.missing)
    yield from _numbers(held, told)
    if names != gone or len(here) + unopened != told.seen:
        yield fails("coverage", str(told.expected), seen=told.seen, here=len(here), gone=gone, names=names)
    else:
        yield holds("coverage-sum", str(told.expected), seen=told.seen, fresh=told.fresh, judged=told.judged, gone=gone)
    for one in told.missing:
        yield note("missing-machine", one.name, unit=one.unit, why=one.why)


def _numbers(held: Held, told: Coverage) -> Iterator[Line]:
    """Numbers that nobody else counts again."""
    whys = Counter(one.why for one in told.missing)
    judged = held.carry
    late = told.seen - told.fresh
    if told.at != held.manifest.made_at:
        yield fails("count", f"{form.COVERAGE} at", said=told.at.isoformat(), found=held.manifest.made_at.isoformat())
    # of a campaign, whose snapshot is kept no longer and who was moved are late as well, or not
    most = whys["stale"] + whys["missing-now"] + (whys["pruned"] + whys["moved"] if held.manifest.scope.kind == "campaign" else 0)
    for name, said, found, right in (
        ("judged", told.judged, judged, told.judged == judged),
        ("excused", told.excused, whys["excused"], told.excused == whys["excused"]),
        (
            "fresh",
            told.fresh,
            told.seen - whys["stale"] - whys["missing-now"],
            whys["stale"] + whys["missing-now"] <= late <= most,
        ),
    ):
        if not right:
            yield fails("count", f"{form.COVERAGE} {name}", said=said, found=found)


def campaign(held: Held) -> Iterator[Line]:
    """The account: its rows add up to its numbers, and each row says what its snapshot says."""
    told = held.one(form.CAMPAIGN, Campaign)
    wanted = held.manifest.scope.kind == "campaign"
    if not isinstance(told, Campaign):
        if told is not None:
            yield told
        elif wanted:
            yield fails("missing", form.CAMPAIGN)
        return
    states: Counter[str] = Counter()
    seen: set[int] = set()
    machines: set[int] = set()
    good = 0
    for row in held.lines(form.ROWS, CampaignRow):
        if isinstance(row, Line):
            yield row
            continue
        states[row.state] += 1
        found = [*_row(held, row, told, "now"), *_row(held, row, told, "start"), *_state(held, row, told)]
        if row.row in seen or row.machine in machines:
            found.append(fails("row-twice", row.name))
        seen.add(row.row)
        machines |= {row.machine} if row.machine is not None else set()
        yield from found
        good += not found
    said = {state: number for state, number in told.states.items() if number}
    covered = held.one(form.COVERAGE, Coverage)
    if wanted and isinstance(covered, Coverage) and covered.expected != sum(states.values()):
        yield fails("count", form.ROWS, said=covered.expected, found=sum(states.values()))
    if said != dict(states):
        yield fails("campaign-sum", told.number, said=said, found=dict(states))
    else:
        yield holds("campaign", told.number, good=good, of=sum(states.values()))


def _row(held: Held, row: CampaignRow, account: Campaign, moment: str) -> Iterator[Line]:
    """What the account says of a machine at one moment, against what its snapshot says."""
    snapshot, checks = (row.snapshot, row.checks) if moment == "now" else (row.before_snapshot, row.before_checks)
    if not checks:
        return
    judged = held.judged.get((row.machine or 0, "now" if snapshot == row.snapshot else moment))
    if judged is None or judged.line.judged is None or judged.line.snapshot != snapshot:
        yield unchecked("row-unseen", row.name, moment=moment)
        return
    written = (account.sealed_at or account.looked_at) if moment == "now" else account.started_at
    if written is not None and judged.line.judged.judged_at > written:
        yield unchecked("row-later", row.name, moment=moment)
        return
    if moment == "now":  # one that is left out of the row would not be counted
        checks = dict.fromkeys((check for check in account.checks if check in judged.verdicts), "–") | checks
    for check, verdict in sorted(checks.items()):
        found = judged.verdicts.get(check)
        if found is None or found.value != verdict:
            yield fails("row", row.name, check=check, moment=moment, said=verdict, found=str(found or "–"))


def _state(held: Held, row: CampaignRow, account: Campaign) -> Iterator[Line]:
    """Done is who passes all that is asked, by what was collected after the start. Nothing else needs a proof but an exemption."""
    if row.state != "done":
        return
    judged = held.judged.get((row.machine or 0, "now"))
    if not row.checks or judged is None or judged.line.snapshot != row.snapshot:
        yield unchecked("row-unseen", row.name, moment="now")
    elif (
        set(row.checks.values()) != {"pass"}
        or not row.before_checks.keys() <= row.checks.keys()
        or account.started_at is None
        or judged.at <= account.started_at
    ):
        yield fails("row-state", row.name, state=row.state)
