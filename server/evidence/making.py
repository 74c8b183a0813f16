"""Make a bundle: gather, write, seal. Each machine by itself, so that two hundred need no more memory than one."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import IO

import cryptography
import django
from django.conf import settings
from django.utils import timezone

from baselines.evidence import form, seal
from baselines.loader import BaselineError
from baselines.model import Result
from collectors import VERSION
from collectors.centre import CentreKeys
from collectors.model import Record, Snapshot
from collectors.seal import SealError, signed_message
from server.approvals.models import Attachment
from server.assess import kept
from server.assess.models import StoredAssessment
from server.evidence import lines, page, stamping
from server.evidence import scope as scopes
from server.evidence.models import Bundle
from server.evidence.scope import Scope
from server.evidence.zipped import Zipped, zipped
from server.ingest.models import Machine, StoredSnapshot
from server.relays.keys import keys
from server.units.models import Unit
from server.waivers import overlay

PART = 1 << 20
Progress = Callable[[int, int], None]


class NoKeys(ValueError):
    """This collector has no keys to seal with, or others may read them. The message says which."""


def make(bundle: Bundle, out: IO[bytes], progress: Progress | None = None) -> form.Manifest:
    """Write the whole bundle. Raises NoKeys, scope.TooMuch, scope.Gone, guard.Secret, zipped.Full, stamping.NoStamp, stamping.NoSignature, OSError."""
    own, now = sealing_keys(), timezone.now().replace(microsecond=0)
    scope = scopes.of(bundle, now)
    with zipped(out) as archive:
        return _Making(bundle, scope, now, archive, own, progress or (lambda _done, _of: None)).write()


def sealing_keys() -> CentreKeys:
    """The collector's own, made by `rasoat server init`. Raises NoKeys."""
    path = settings.DATA.centre_key
    found = keys()
    if found is None:
        raise NoKeys("absent")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise NoKeys(str(path))
    return found


class _Making:
    def __init__(self, bundle: Bundle, scope: Scope, now: datetime, archive: Zipped, own: CentreKeys, progress: Progress) -> None:
        self.bundle, self.scope, self.now, self.archive, self.own, self.progress = bundle, scope, now, archive, own, progress
        self.units = {unit.pk: unit for unit in Unit.objects.all()}
        self.words = lines.Words(scope, now)
        self.packs: dict[str, dict[str, str]] = {}
        self.tailorings: dict[str, str] = {}
        self.agents: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.left_out = list(self.words.left_out)
        self.judged = 0
        self._grounds: dict[tuple[str, str, str], kept.Ground] = {}

    def write(self) -> form.Manifest:
        archive, scope = self.archive, self.scope
        archive.add(form.README, page.inside(self.bundle, scope, self.now, self.own.public.fingerprint))
        reports = self._reports()
        with tempfile.TemporaryFile() as table:  # members are written one after the other, and this one grows beside others
            self._machines(table)
            table.seek(0)
            archive.stream(form.MACHINES, iter(lambda: table.read(PART), b""))
        self._judged_by()
        self._said()
        until, digest = lines.newest()
        self.counts[form.JOURNAL] = archive.lines(form.JOURNAL, lines.journal(scope, self.agents, self.words, until))
        self._reach()
        self.counts["snapshots"] = sum(name.startswith("snapshots/") for name in archive.members)
        self.counts["attachments"] = sum(name.startswith("attachments/") for name in archive.members)
        return self._seal(reports, until, digest)

    # what was handed in --------------------------------------------------------------------------------------------

    def _reports(self) -> list[form.Report]:
        found = []
        for number, (name, digest) in enumerate(self.bundle.reports, 1):
            content = bytes(Attachment.objects.get(pk=digest).content)
            member = f"reports/{number}-{page.plain_name(name)}"
            content, signed = stamping.signed_pdf(name, content)
            self.archive.add(member, content)
            found.append(form.Report(member=member, title=name, signed=signed))
        return found

    # machines ------------------------------------------------------------------------------------------------------

    def _machines(self, table: IO[bytes]) -> None:
        of = len(self.scope.machines)
        for done, (machine, stored, moment) in enumerate(lines.snapshots(self.scope), 1):
            line = self._machine(machine, stored, moment)
            if line is not None:
                table.write(form.dumps(line.model_dump(mode="json")))
                self.counts[form.MACHINES] += 1
            self.progress(done, of)

    def _machine(self, machine: Machine, stored: StoredSnapshot | None, moment: str) -> form.MachineLine | None:
        where = scopes.line_of(machine.unit, self.units)
        try:
            if stored is None:
                raise SealError("pruned", "")
            sealed = stored.open()
            snapshot = Snapshot.from_bytes(sealed.snapshot)
        except ValueError as error:  # a SealError is one
            why = "pruned" if isinstance(error, SealError) and error.code == "pruned" else "unopened"
            if moment == "now":
                self.scope.missing.append(form.Missing(name=machine.name, unit=where, why=why))
            else:
                self.left_out.append(f"{machine.name}: snapshot of the start: {why}")
            return None
        plain = sealed.plain
        self.archive.add(f"snapshots/{stored.pk}", plain)
        self.archive.add(f"signatures/{stored.pk}.message", signed_message(sealed))
        self.archive.add(f"signatures/{stored.pk}.sig", sealed.signature)
        self.agents.add(stored.agent_id)
        judged, why = self._verdicts(machine, stored, snapshot, moment)
        self.judged += judged is not None and moment == "now"
        return form.MachineLine(
            machine=machine.pk, name=machine.name, unit=where, path=machine.unit.path, own=machine.own, moment=moment,
            agent=stored.agent_id, snapshot=stored.pk, sha256=hashlib.sha256(plain).hexdigest(), received_at=stored.received_at,
            judged=judged, why=why,
        )  # fmt: skip

    def _verdicts(self, machine: Machine, stored: StoredSnapshot, snapshot: Snapshot, moment: str) -> tuple[form.Verdicts | None, str]:  # fmt: skip
        assessment: StoredAssessment | None = getattr(stored, "assessment", None)
        if assessment is None:
            return None, "no-assessment"
        try:
            ground = self._ground(assessment)
        except (LookupError, BaselineError, OSError):
            return None, "pack-not-kept"
        results = kept.again(assessment, snapshot, machine.kind, ground)
        if results is None:
            return None, "came-out-otherwise"
        borne = self._borne(results, machine, assessment) if moment == "now" else {}
        return form.Verdicts(
            baseline=assessment.baseline, version=assessment.version, digest=assessment.digest, tailoring=assessment.tailoring,
            level=assessment.level, kind=assessment.kind or machine.kind, centre=self._centre(ground.laid),
            judged_at=assessment.judged_at, results=tuple((one.requirement, one.clause, one.check, str(one.verdict)) for one in results),
            borne=borne,
        ), ""  # fmt: skip

    def _ground(self, assessment: StoredAssessment) -> kept.Ground:
        key = assessment.digest, assessment.tailoring, assessment.centre
        found = self._grounds.get(key)
        if found is None:
            found = kept.ground(assessment)
            if len(self._grounds) > 64:  # facts made here differ from machine to machine
                self._grounds.clear()
            self._grounds[key] = found
        self.packs[assessment.digest] = found.pack.files
        if found.tailoring is not None:
            self.tailorings[assessment.tailoring] = found.tailoring.text
        return found

    def _centre(self, laid: Record | None) -> str:
        if laid is None:
            return ""
        raw = laid.model_dump_json().encode()
        digest = hashlib.sha256(raw).hexdigest()
        if f"centre/{digest}.json" not in self.archive.members:
            self.archive.add(f"centre/{digest}.json", raw)
        return digest

    def _borne(self, results: list[Result], machine: Machine, assessment: StoredAssessment) -> dict[str, tuple[int, ...]]:
        """As pages show it; of waivers that are in the bundle."""
        here = {waiver.pk for waiver in self.words.waivers}
        if not here:
            return {}
        found = overlay.over(results, machine, assessment.baseline, assessment.level, self.now)
        borne = {check: tuple(sorted({one.pk for one in held.waivers} & here)) for check, held in found.items()}
        return {check: ids for check, ids in borne.items() if ids}

    # what the lines rest on ----------------------------------------------------------------------------------------

    def _judged_by(self) -> None:
        for digest, files in sorted(self.packs.items()):
            for name, text in sorted(files.items()):
                self.archive.add(f"packs/{digest}/{name}", text.encode())
        for digest, text in sorted(self.tailorings.items()):
            self.archive.add(f"tailorings/{digest}.yaml", text.encode())
        self.counts[form.FEEDS] = self.archive.lines(form.FEEDS, lines.feed_lines())

    def _said(self) -> None:
        found = list(lines.hosts(self.agents))
        self.counts[form.HOSTS] = self.archive.lines(form.HOSTS, found)
        for host in found:
            record = form.Host.model_validate_json(form.dumps(host))
            self.archive.add(f"keys/{record.agent}.pem", seal.pem(record.key))
        self.counts[form.WAIVERS] = self.archive.lines(form.WAIVERS, self.words.waiver_lines())
        self.counts[form.ATTESTATIONS] = self.archive.lines(form.ATTESTATIONS, self.words.attestation_lines())
        for digest, attachment in sorted(self.words.files.items()):
            self.archive.add(f"attachments/{digest}", bytes(attachment.content))

    def _reach(self) -> None:
        scope = self.scope
        if scope.account is not None:
            self.archive.add(
                form.CAMPAIGN, form.dumps(lines.campaign_line(scope.account.campaign, scope.account.sum(None).states))
            )
            self.counts[form.ROWS] = self.archive.lines(form.ROWS, lines.campaign_rows(scope))
        gone = sum(one.why in ("listed", "never", "ambiguous") for one in scope.missing)
        told = form.Coverage(
            at=self.now, expected=scope.expected, seen=scope.expected - gone, fresh=scope.fresh, judged=self.judged,
            excused=scope.excused, missing=tuple(scope.missing),
        )  # fmt: skip
        self.archive.add(form.COVERAGE, form.dumps(told.model_dump(mode="json")))

    # the seal ------------------------------------------------------------------------------------------------------

    def _seal(self, reports: list[form.Report], until: int, digest: str) -> form.Manifest:
        archive, public = self.archive, self.own.public
        made_at = self.now.astimezone(UTC)
        members = tuple(form.Member(name=name, size=size, sha256=sha) for name, (size, sha) in sorted(archive.members.items()))
        manifest = form.Manifest(
            rasoat="evidence 1", id=str(self.bundle.identity), made_at=made_at, day=timezone.localdate(self.now),
            made_by=self.bundle.asked_by, program=VERSION, programs=programs(), scope=self._scope(), collector=public.fingerprint,
            reports=tuple(reports), counts={name: count for name, count in self.counts.items() if count},
            left_out=tuple(self.left_out), journal_until=until, journal_digest=digest, members=members,
        )  # fmt: skip
        archive.add(form.MANIFEST, form.dumps(manifest.model_dump(mode="json")))
        listed = {name: sha for name, (_size, sha) in archive.members.items()}
        sums = form.sums(form.head_of(manifest.id, made_at.isoformat()), listed)
        archive.add(form.SUMS, sums)
        signature = sign(self.own, sums)
        archive.add(form.PEM, seal.pem(public.sign))
        archive.add(form.KEYS, public.sign + public.seal)
        archive.add(form.SIGNATURE, signature)
        for name, content in stamping.stamp(signature):
            archive.add(name, content)
        return manifest

    def _scope(self) -> form.Scope:
        scope = self.scope
        return form.Scope.model_validate(
            {
                "kind": scope.kind, "name": scope.name, "unit": scopes.line_of(scope.unit, self.units), "path": scope.unit.path,
                "number": scope.number,
            }
        )  # fmt: skip


def sign(own: CentreKeys, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(own.sign).sign(message)


def programs() -> dict[str, str]:
    """Versions of what a verdict or a seal rests on."""
    return {
        "python": platform.python_version(), "django": django.get_version(), "cryptography": cryptography.__version__,
        "pydantic": version("pydantic"), "rasoat": VERSION,
    }  # fmt: skip
