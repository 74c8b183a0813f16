"""A rule in words: what its check and its requirement are called, where the standard asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.loader import BaselineError
from baselines.model import Baseline, Check, Requirement
from server.assess import packs, wording
from server.findings.codes import SEVERITY_WORDS
from server.findings.models import Rule


@dataclass
class Worded:
    """A rule as people read it. Of a pack that is no longer here only the ids are left."""

    rule: Rule
    pack: Baseline | None
    check: Check | None
    requirement: Requirement | None

    @property
    def title(self) -> str:
        return wording.text(self.check.title) if self.check else self.rule.check_id

    @property
    def asked(self) -> str:
        return wording.text(self.requirement.title) if self.requirement else self.rule.requirement

    @property
    def why(self) -> str:
        return wording.text(self.check.why) if self.check else ""

    @property
    def remedy(self) -> str:
        """For every system at once: whoever opens a machine reads its own."""
        return wording.text(self.check.remedy) if self.check else ""

    @property
    def severity(self) -> str:
        return SEVERITY_WORDS.get(self.rule.severity, "")

    @property
    def severity_word(self) -> str:
        return str(wording.SEVERITIES.get(self.severity, self.severity))

    @property
    def exploited(self) -> bool:
        """It is about vulnerabilities that are known to be exploited (KEV)."""
        return bool(self.check) and str((self.check.assert_ if self.check else {}).get("field", "")).startswith("exploited")

    def clause(self, level: int) -> str:
        """Empty where the level does not ask for it, or the standard gives no number."""
        return self.pack.clause(self.requirement.id, level) if self.pack and self.requirement else ""


def worded(rule: Rule) -> Worded:
    pack = pack_of(rule.baseline)
    if pack is None:
        return Worded(rule, None, None, None)
    return Worded(rule, pack, pack.checks.get(rule.check_id), pack.requirements.get(rule.requirement))


def pack_of(name: str) -> Baseline | None:
    """The pack in force under that name; None where it is gone or cannot be read."""
    try:
        return packs.get(name)
    except (BaselineError, OSError):
        return None
