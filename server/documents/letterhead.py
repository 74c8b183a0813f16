"""Whose paper it is, and how it is headed and signed: a unit's letterhead with what it inherits, as it was called on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from server.documents.models import Letterhead
from server.documents.report import Front
from server.documents.texts import Texts
from server.units.models import Unit

PATTERNS = {"letter_pattern": "/{abbreviation}-{drafting}", "paper_pattern": "/{type}-{abbreviation}"}


class NoSigner(ValueError):
    """The unit has not said who signs its papers."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        super().__init__(unit.name)

    @property
    def advice(self) -> str:
        """What to do, in the language of whoever asks: papers are made in Vietnamese."""
        return _(
            "%(unit)s has not said who signs its papers. Enter title and name of the signer under Units > %(unit)s > "
            'Organisation data (or: rasoat server letterhead set --unit "%(unit)s" --signer-title ... --signer-name ...), '
            "or leave the place marked and blank (--blank-signer)."
        ) % {"unit": self.unit.name}


@dataclass(frozen=True)
class Desk:
    """A unit's papers on a day."""

    unit: Unit
    """Whose name stands over them."""
    above: tuple[str, ...]
    issuer: tuple[str, ...]
    values: dict[str, str]
    contacts: tuple[dict[str, str], ...]
    internal: bool
    named: str
    """The body in running text."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("__") or name not in self.values:
            raise AttributeError(name)
        return self.values[name]

    def lines(self, name: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in self.values[name].splitlines() if line.strip())

    def front(self, subject: str, addressees: tuple[str, ...] = (), type: str = "", short: str = "", year: int = 0, blank_signer: bool = False) -> Front:  # fmt: skip
        """The head and foot of a paper. Raises NoSigner."""
        if not blank_signer and not (self.values["signer_title"] and self.values["signer_name"]):
            raise NoSigner(self.unit)
        say = Texts("paper.yaml")
        return Front(
            above=self.above, issuer=self.issuer, symbol=self.symbol(short), place=self.values["place"] or str(say.at("place_blank")),
            year=year or timezone.localdate().year, type=type, subject=subject, addressees=addressees,
            receivers=self.receivers(say, bool(addressees)), authority=self.lines("authority"), signer_title=self.values["signer_title"],
            signer_name=self.values["signer_name"], mark=str(say.at("internal")) if self.internal else "",
        )  # fmt: skip

    def symbol(self, short: str) -> str:
        """What follows the number; `short`: BC and so on, empty for a letter."""
        pattern = self.values["paper_pattern" if short else "letter_pattern"]
        parts = {"type": short, "abbreviation": self.values["abbreviation"], "drafting": self.values["drafting"]}
        for name, value in parts.items():
            pattern = pattern.replace(f"{{{name}}}", value)
        # a part that the unit has not said leaves no sign of itself
        return pattern.replace("--", "-").replace("/-", "/").rstrip("-")

    def receivers(self, say: Texts, addressed: bool) -> tuple[str, ...]:
        """`addressed`: somebody stands under Kính gửi, whom "Như trên" (as above) speaks of."""
        told = self.lines("receivers") or tuple(say("receivers_default", drafting=self.values["drafting"]).splitlines())
        if not addressed:
            told = tuple(line for line in told if "như trên" not in line.casefold())
        return tuple(line if line.startswith("-") else f"- {line}" for line in told)


def desk(unit: Unit, day: date | None = None) -> Desk:
    """Organisation data of a unit on a day: its own words before those of the units above."""
    day = day or timezone.localdate()
    line = unit.line_on(day)
    kept = {one.unit_id: one for one in Letterhead.objects.filter(unit__in=line)}
    issuing = len(line) - 1
    while issuing > 0 and (held := kept.get(line[issuing].pk)) is not None and held.through_above:
        issuing -= 1
    body = line[issuing]
    own = kept.get(body.pk) or Letterhead(unit=body)
    chain = [kept[one.pk] for one in reversed(line) if one.pk in kept]
    values = {name: getattr(own, name) for name in Letterhead.OWN}
    for name in ("abbreviation", "drafting", "letter_pattern", "paper_pattern", "place", "addressees", "receivers", "wording", "scanned_by", "relation"):  # fmt: skip
        values[name] = next((found for one in chain if (found := getattr(one, name))), PATTERNS.get(name, ""))
    over = body.parent_on(day)
    above = _lines(own.above) or ((over.name_on(day),) if over else ())
    issuer = _lines(own.issuer) or (body.name_on(day),)
    contacts: list[dict[str, str]] = next((one.contacts for one in chain if one.contacts), [])
    internal = next((one.internal for one in chain if one.internal is not None), False)
    return Desk(body, above, issuer, values, tuple(contacts), bool(internal), " ".join(issuer))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
