"""What every format says alike of a system: names in the reader's language, what there is to do, whose word it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from agent.language import _, mark, plural
from agent.report.digest import SEVERITIES, seen, text
from agent.report.system.reasons import told
from baselines.model import Finding, Verdict
from baselines.remedies import for_platform
from baselines.systems.register import Attestation, Waiver
from baselines.systems.result import AssetLine, Idle, RequirementLine, Standing, State, SystemAssessment
from baselines.systems.words import word
from baselines.tailoring import NotApplicable
from collectors.model import Kind

ORDER = (State.NOT_MET, State.UNDETERMINED, State.PARTLY, State.MET, State.NOT_APPLICABLE)
"""As the counts are shown, worst first."""
COLOURS = {State.NOT_MET: "red", State.UNDETERMINED: "yellow", State.PARTLY: "yellow", State.MET: "green"}
MAX_FINDINGS = 3
WHY_NOBODY = mark("the register names no asset of the kinds it speaks of")
WAITS = mark("a person has to answer for it, or for the rest of it")


def called(group: str, name: object) -> str:
    """A word of the law in the reader's language."""
    return text(word(group, str(name)))


def label(line: RequirementLine) -> str:
    """The clause number; the requirement's id where the standard gives none."""
    return line.clause or line.requirement.id


def cited(line: RequirementLine, assessment: SystemAssessment) -> str:
    """What may be cited: clause and the title of its group. The wording of the requirement is ours."""
    return f"{line.clause} {text(assessment.baseline.group_of[line.requirement.id].title)}".strip()


def counted(line: RequirementLine) -> str:
    """x of y, and what keeps the others from it."""
    counts = line.counts
    if not counts["applicable"]:
        return ""
    parts = [_("%(passed)d of %(applicable)d assets pass") % {"passed": counts["pass"], "applicable": counts["applicable"]}]
    for name, some in (("fail", "waived"), ("unknown", "stale"), ("not_reached", ""), ("excused", "")):
        if counts[name]:
            among = f" ({counts[some]} {called('standing', some)})" if some and counts[some] else ""
            parts.append(f"{counts[name]} {called('standing', name)}{among}")
    return "; ".join(parts)


def of(line: RequirementLine, *standings: Standing) -> list[AssetLine]:
    """Assets that stand so."""
    return [asset for asset in line.assets if asset.standing in standings]


def to_do(line: RequirementLine, assessment: SystemAssessment) -> list[tuple[str, list[str]]]:
    """(check, assets on which it fails), worst severity first, then most assets."""
    found: dict[str, list[str]] = {}
    for asset in of(line, Standing.FAIL):
        for one in asset.checks:
            if one.result.verdict is Verdict.FAIL and one.result.check:
                found.setdefault(one.result.check, []).append(asset.asset)
    checks = assessment.baseline.checks
    return sorted(found.items(), key=lambda item: (SEVERITIES.index(checks[item[0]].severity), -len(item[1]), item[0]))


def remedy(check: str, assets: Iterable[str], assessment: SystemAssessment) -> str:
    """What to do about a check on these assets: their own lines of the remedy where all are of one platform."""
    names = set(assets)
    platforms = {one.snapshot.target.platform for one in assessment.assets if one.asset.name in names and one.snapshot}
    alike = platforms.pop() if len(platforms) == 1 else None
    return text(for_platform(assessment.baseline.checks[check].remedy, alike))


def attested(word_: Attestation) -> str:
    """Who said so, until when, on what."""
    return _("%(state)s by %(by)s (%(role)s) on %(on)s, until %(until)s: %(document)s") % {
        "state": called("state", word_.state),
        "by": word_.by,
        "role": word_.role,
        "on": word_.on.isoformat(),
        "until": word_.until.isoformat(),
        "document": word_.document,
    }


def waived(word_: Waiver) -> str:
    """What is borne, with what measure, who agreed, until when."""
    return _("%(id)s, %(type)s: %(measure)s; approved by %(by)s and %(second)s, from %(on)s until %(until)s") % {
        "id": word_.id,
        "type": called("waiver", word_.type),
        "measure": word_.measure,
        "by": word_.approved_by,
        "second": word_.second,
        "on": word_.on.isoformat(),
        "until": word_.until.isoformat(),
    }


def excused(word_: NotApplicable) -> str:
    """Why it does not apply, and whose word that is."""
    return f"{called('ground', word_.type)}: {word_.reason} ({word_.by})"


def idle(one: Idle) -> str:
    """A word that counts as nothing, and why."""
    if isinstance(one.word, Waiver):
        said = _("waiver %s") % one.word.id
    else:
        said = _("attestation of %(requirement)s by %(by)s") % {"requirement": one.word.requirement, "by": one.word.by}
    dates = f"{one.word.on.isoformat()} – {one.word.until.isoformat()}"
    return f"{said} ({dates}): {called('idle', one.why)}"


def waivers(assessment: SystemAssessment) -> list[Waiver]:
    """Those that bear some fail, each once."""
    found = {one.id: one for line in assessment.lines for asset in line.assets for one in asset.waivers}
    return [found[name] for name in sorted(found)]


def layout(line: RequirementLine, assessment: SystemAssessment) -> Iterator[str]:
    """How the system itself stands under it, and whose word that is: the register's alone, or machines' too."""
    for asset in line.assets:
        if asset.kind is Kind.SYSTEM and asset.standing is not Standing.EXCUSED:
            for one in asset.checks:
                said = [_layout(finding) for finding in one.result.findings[:MAX_FINDINGS]]
                title = text(assessment.baseline.checks[str(one.result.check)].title)
                yield f"{called('standing', one.result.verdict)}: {title}; " + "; ".join(dict.fromkeys(said))


def _layout(finding: Finding) -> str:
    if finding.observed is None:
        return told(finding.reason)
    why = f" ({told(finding.reason)})" if finding.reason.startswith("unsupported: ") else ""
    return seen(Finding(finding.fact, finding.field, finding.op, finding.expected, finding.observed)) + why


def why_undetermined(line: RequirementLine) -> Iterator[str]:
    """Each reason once."""
    if line.nobody:
        yield _(WHY_NOBODY)
    if line.waits_for_person:
        yield _(WAITS)
    for standing in (Standing.NOT_REACHED, Standing.STALE, Standing.UNKNOWN):
        if names := [asset.asset for asset in of(line, standing)]:
            yield f"{called('standing', standing)}: {shortened(names)}"


def shortened(names: Iterable[str], most: int = 6) -> str:
    """The first few names, and how many more."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (" " + plural("and %d more", "and %d more", more) % more if more > 0 else "")


def work(assessment: SystemAssessment) -> list[tuple[str, int]]:
    """(asset, requirements that it keeps from being met), the busiest first."""
    busy = Counter(asset.asset for line in assessment.lines for asset in of(line, Standing.FAIL) if not asset.borne)
    return sorted(busy.items(), key=lambda item: (-item[1], item[0]))
