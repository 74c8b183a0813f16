"""What people said: waivers and attestations, within their terms, as two people decided them, with their files."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date, datetime

from baselines.evidence import form
from baselines.evidence.form import AttestationLine, JournalRow, WaiverLine, Word
from baselines.evidence.held import NEAR, Held, Judged
from baselines.evidence.lines import Line, fails, holds, note, unchecked


def waivers(held: Held) -> Iterator[Line]:
    """Each as it was asked for and agreed to. Those that hold by themselves go into `held.waivers`."""
    ids: set[int] = set()
    requests: set[int] = set()
    for waiver in held.lines(form.WAIVERS, WaiverLine):
        if isinstance(waiver, Line):
            yield waiver
            continue
        about = f"{waiver.id} {waiver.requirement} {waiver.check}".rstrip()
        found = [
            *_term(held, waiver, about),
            *_agreed(held, waiver, about),
            *_row(held, waiver, about),
            *_ended(held, waiver, about),
        ]
        if waiver.id in ids or waiver.request.id in requests:
            found.append(fails("waiver-twice", about, request=waiver.request.id))
        ids.add(waiver.id)
        requests.add(waiver.request.id)
        yield from found
        if not any(line.outcome == "fails" for line in found):
            held.waivers[waiver.id] = waiver
            yield holds("waiver", about, until=waiver.until.isoformat(), asked=waiver.asked_by, approved=waiver.approved_by)


def _term(held: Held, word: Word, about: str) -> Iterator[Line]:
    day, made = held.manifest.day, held.manifest.made_at
    if not word.on <= day <= word.until or (word.ended_at is not None and word.ended_at <= made):
        yield fails("term", about, on=word.on.isoformat(), until=word.until.isoformat(), day=day.isoformat())
    held.named |= {f"attachments/{word.file}"} if word.file else set()
    if word.file and f"attachments/{word.file}" not in held.archive:
        yield fails("file-gone", about, file=word.file_name)
    packs = [pack for pack in held.baselines.values() if pack.id == word.baseline]
    if packs and not any(word.requirement in pack.requirements for pack in packs):
        yield fails("no-requirement", about, baseline=word.baseline)


def _agreed(held: Held, waiver: WaiverLine, about: str) -> Iterator[Line]:
    """The request's digest binds what was asked; the waiver says nothing else."""
    request = waiver.request
    if request.seal() != request.digest:
        yield fails("request-altered", about, request=request.id)
        return
    try:
        other = _edited(waiver)
    except (ValueError, TypeError):  # a payload of another kind
        other = True
    if other:
        yield fails("waiver-edited", about, request=request.id)
    elif (request.payload.get("whole") and not waiver.whole) or request.payload.get("unit") != waiver.unit_number:
        # a unit that was merged leaves its waiver to the machines it had: those were not named in the request
        merged = {form.last_of(row.unit_path) for row in held.journal.get("unit.merged", ())}
        yield (note if request.payload.get("unit") in merged else unchecked)("waiver-merged", about)
    if _folded(request.asked_by) == _folded(request.decided_by) and not request.alone:
        yield fails("one-person", about, who=request.asked_by)
    elif request.alone:
        yield note("alone", about, who=request.asked_by)


def _edited(waiver: WaiverLine) -> bool:
    """It says something else than the request. Raises ValueError, TypeError."""
    request, asked = waiver.request, waiver.request.payload
    said = {
        "requirement": waiver.requirement, "check": waiver.check, "type": waiver.type, "measure": waiver.measure,
        "document": waiver.document, "baseline": waiver.baseline, "level": waiver.level, "until": waiver.until.isoformat(),
        "system": waiver.system,
    }  # fmt: skip
    decided = (waiver.reason, waiver.file, waiver.asked_by, waiver.approved_by)
    if request.kind != "waiver":
        return True
    if any(asked.get(name) != value for name, value in said.items()) or waiver.on < date.fromisoformat(str(asked.get("on"))):
        return True
    if decided != (request.reason, request.attachment, request.asked_by, request.decided_by):
        return True
    if asked.get("whole"):
        return waiver.whole and asked.get("unit") != waiver.unit_number
    return (
        waiver.whole or not set(waiver.machines) <= set(asked.get("machines") or ()) or len(waiver.names) != len(waiver.machines)
    )


def _row(held: Held, waiver: WaiverLine, about: str) -> Iterator[Line]:
    """The journal tells of the decision, with the same digest."""
    decided = [*held.journal.get("request.approved", ()), *held.journal.get("request.alone", ())]
    rows = [row for row in decided if row.detail.get("request") == waiver.request.id]
    if not rows:
        yield unchecked("waiver-unseen", about, request=waiver.request.id)
    elif not _told_alike(rows[0], waiver):
        yield fails("waiver-journal", about, row=rows[0].id)


def _told_alike(row: JournalRow, waiver: WaiverLine) -> bool:
    """What was decided, by whom, at whose wish, whether alone, when, and of which unit."""
    request = waiver.request
    said = (row.detail.get("digest"), row.actor, row.detail.get("asked", waiver.asked_by), row.action == "request.alone")
    at = _moment(row.at)
    return (
        said == (request.digest, waiver.approved_by, waiver.asked_by, request.alone)
        and (at is not None and request.decided_at is not None and abs(at - request.decided_at) <= NEAR)
        and form.last_of(row.unit_path) == request.payload.get("unit")
    )


def _ended(held: Held, waiver: WaiverLine, about: str) -> Iterator[Line]:
    """The journal knows of no end of it. Rows of before they named the request speak of any waiver of that rule and unit."""
    for row in _by_then(held, "waiver.ended"):
        named = row.detail.get("request")
        alike = (row.subject, form.last_of(row.unit_path)) == (
            f"{waiver.requirement} {waiver.check}".rstrip(),
            waiver.unit_number,
        )
        after = waiver.request.decided_at is None or (at := _moment(row.at)) is None or at >= waiver.request.decided_at
        if named == waiver.request.id:
            yield fails("word-ended", about, row=row.id)
        elif named is None and alike and after:
            yield unchecked("word-ended-maybe", about, row=row.id)


def _by_then(held: Held, action: str) -> Iterator[JournalRow]:
    """Rows of what had happened when the bundle was made; of one that says no time it is not known that it came later."""
    for row in held.journal.get(action, ()):
        at = _moment(row.at)
        if at is None or at <= held.manifest.made_at:
            yield row


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _folded(name: str) -> str:
    """Two spellings of one name are one person."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def attestations(held: Held) -> Iterator[Line]:
    """Each within its term, with its file, and as the journal has it."""
    for word in held.lines(form.ATTESTATIONS, AttestationLine):
        if isinstance(word, Line):
            yield word
            continue
        about = f"{word.id} {word.requirement}"
        found = list(_term(held, word, about))
        rows = [
            row
            for row in held.journal.get("attestation.said", ())
            if row.actor == word.by and row.subject == f"{word.requirement}: {word.state}" and row.detail.get("until") == word.until.isoformat()
        ]  # fmt: skip
        if not rows:
            found.append(unchecked("attestation-unseen", about))
        elif not any(_said_alike(held, row, word) for row in rows):
            older = any("digest" not in row.detail for row in rows)
            found.append(unchecked("attestation-older", about) if older else fails("attestation-edited", about, row=rows[0].id))
        ended = [row for row in _by_then(held, "attestation.ended") if row.detail.get("digest") == word.seal()]
        found += [fails("word-ended", about, row=row.id) for row in ended]
        yield from found
        if not found:
            yield holds("attestation", about, state=word.state, by=word.by, until=word.until.isoformat())


def _said_alike(held: Held, row: JournalRow, word: AttestationLine) -> bool:
    """What was said, when, and in which unit; one on a machine goes along with it when its unit is merged."""
    at, unit = _moment(row.at), form.last_of(row.unit_path)
    merged = {form.last_of(one.unit_path) for one in held.journal.get("unit.merged", ())}
    near = at is not None and abs(at - word.said_at) <= NEAR
    return row.detail.get("digest") == word.seal() and near and (unit == word.unit_number or unit in merged)


def _renamed(judged: Judged, waiver: WaiverLine) -> bool:
    """Two people read names; a number alone could be another machine's."""
    asked = waiver.request.payload
    try:
        names = dict(zip(asked.get("machines") or (), asked.get("names") or (), strict=True))
    except (TypeError, ValueError):
        return True
    return not waiver.whole and not asked.get("whole") and names.get(judged.line.machine) != judged.line.name


def bearing(held: Held) -> Iterator[Line]:
    """Which waivers bear which fails: as the table says, and no other. A verdict is changed by none of them."""
    borne = 0
    for judged in held.judged.values():
        said = judged.line.judged.borne if judged.line.judged else {}
        found = _bearing(held, judged) if judged.line.moment == "now" else {}
        for number in sorted({number for numbers in found.values() for number in numbers}):
            if _renamed(judged, held.waivers[number]):
                yield unchecked("waiver-name", judged.line.name, waiver=number)
        for check in sorted(said.keys() | found.keys()):
            if sorted(said.get(check, ())) != found.get(check, []):
                told = ", ".join(map(str, sorted(said.get(check, ())))) or "–"
                here = ", ".join(map(str, found.get(check, ()))) or "–"
                yield fails("borne", judged.line.name, check=check, said=told, found=here)
            else:
                borne += 1
    if borne:
        yield holds("bearing", str(borne))


def _bearing(held: Held, judged: Judged) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    line = judged.line
    for waiver in held.waivers.values():
        covers = line.path.startswith(waiver.path) and (waiver.whole or line.machine in waiver.machines)
        if not covers or waiver.baseline != judged.baseline or judged.level > waiver.level:
            continue
        for check, requirements in judged.failing.items():
            if waiver.requirement in requirements and waiver.check in ("", check):
                found.setdefault(check, []).append(waiver.id)
    return {check: sorted(ids) for check, ids in found.items()}
