"""The audit trail. Rows are only ever added; each carries the digest of the one before, so a changed or missing row shows."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.database import alone, clean
from server.journal.export import ROW, digest
from server.units.scope import Scoped

if TYPE_CHECKING:
    from server.units.models import User

ACTIONS = {
    "server.init": _("Collector set up"),
    "user.log-on": _("Logged on"),
    "user.log-off": _("Logged off"),
    "user.refused": _("Log-on refused"),
    "user.locked-out": _("Log-on locked after repeated failures"),
    "user.password": _("Password changed"),
    "user.second-factor": _("Second factor accepted"),
    "user.second-factor-on": _("Second factor switched on"),
    "user.second-factor-off": _("Second factor switched off"),
    "user.recovery": _("New recovery codes"),
    "user.new": _("Account created"),
    "user.reset": _("Password reset"),
    "user.disabled": _("Account disabled"),
    "user.rights": _("Rights changed"),
    "user.signon": _("Let in by the directory or the log-on service"),
    "user.signon-refused": _("Not let in by the directory or the log-on service"),
    "user.group-role": _("Role given by a group"),
    "user.group-role-lost": _("Role of a group taken away"),
    "user.linked": _("Account linked with an identity elsewhere"),
    "user.unlinked": _("Account no longer linked with an identity elsewhere"),
    "unit.new": _("Unit created"),
    "unit.changed": _("Unit changed"),
    "unit.renamed": _("Unit renamed"),
    "unit.moved": _("Unit moved under another one"),
    "unit.merged": _("Unit merged into another one"),
    "unit.split": _("Unit split"),
    "unit.closed": _("Unit closed"),
    "unit.imported": _("Organisation tree imported"),
    "machine.moved": _("Machine moved to another unit"),
    "token.new": _("Enrolment token created"),
    "token.revoked": _("Enrolment token revoked"),
    "agent.enrolled": _("Machine enrolled"),
    "agent.again": _("Machine enrolled again with the same key"),
    "agent.revoked": _("Machine's agent revoked"),
    "relay.invited": _("Relay invited"),
    "relay.enrolled": _("Relay enrolled"),
    "relay.refused": _("Relay's enrolment refused"),
    "relay.revoked": _("Relay taken out of service"),
    "agent.refused": _("Enrolment refused"),
    "snapshot.refused": _("Upload refused"),
    "alarm.raised": _("Alarm raised"),
    "alarm.closed": _("Alarm closed"),
    "assess.rejudged": _("Stored facts judged again"),
    "machine.kind": _("Kind of a scanned target changed"),
    "scan.asked": _("Scan of a target asked for"),
    "job.cancelled": _("Background job cancelled"),
    "job.again": _("Background job started again"),
    "server.backup": _("Backup made"),
    "export.made": _("Written for another program"),
    "views.made": _("Views for analysts made"),
    "views.dropped": _("Views for analysts removed"),
    "views.granted": _("Role of the database may read the views for analysts"),
    "server.restored": _("Collector restored from a backup"),
    "server.moved": _("Database moved"),
    "server.key": _("Another key of the collector put in force"),
    "pack.changed": _("Pack of one's own changed"),
    "pack.refused": _("Pack refused; what was in force before stays so"),
    "findings.pruned": _("Old turns of verdicts removed"),
    "snapshot.pruned": _("Old snapshots removed"),
    "feed.imported": _("Feed imported"),
    "feed.refused": _("Feed refused; the data before stay in force"),
    "feed.bundle": _("Bundle of feeds believed"),
    "configuration.exported": _("Configuration downloaded"),
    "agent.approved": _("Machine let in"),
    "agent.turned-away": _("Machine turned away"),
    "machine.retired": _("Machine taken out of service"),
    "machine.restored": _("Machine back in service"),
    "machine.united": _("Machine taken for one installed anew"),
    "key.new": _("Key for a program made"),
    "key.revoked": _("Key for a program revoked"),
    "coverage.list": _("List of machines taken over"),
    "coverage.excuse": _("Excuse of a listed machine"),
    "configuration.pruned": _("Old configuration versions removed"),
    "scan.asked-all": _("Scan of all machines of a unit asked for"),
    "schedule.changed": _("Schedule changed"),
    "silence.raised": _("Reports of a site are missing"),
    "silence.closed": _("A site reports again"),
    "rollout.started": _("Rollout begun"),
    "rollout.widened": _("Rollout led on to the next ring"),
    "rollout.halted": _("Rollout halted"),
    "rollout.ended": _("Rollout ended"),
    "outlet.new": _("Outlet made"),
    "outlet.removed": _("Outlet removed"),
    "outlet.paused": _("Outlet paused"),
    "outlet.resumed": _("Outlet goes on"),
    "outlet.failing": _("An outlet does not get through"),
    "outlet.recovered": _("An outlet gets through again"),
    "outlet.skipped": _("What waited too long for an outlet was left out"),
    "request.asked": _("Asked for a second person's approval"),
    "request.approved": _("Request approved and carried out"),
    "request.alone": _("Request approved by the asker alone, as the settings allow"),
    "request.refused": _("Request refused"),
    "request.withdrawn": _("Request withdrawn"),
    "request.expired": _("Request ran out unanswered"),
    "request.impossible": _("Approved request could not be carried out"),
    "register.import": _("File taken over into a register"),
    "stocktake.new": _("Stock-take begun"),
    "stocktake.closed": _("Stock-take closed"),
    "waiver.begun": _("Waiver granted"),
    "waiver.ends-soon": _("Waiver ends soon"),
    "waiver.ended": _("Waiver ended"),
    "attestation.said": _("Attestation given"),
    "attestation.ends-soon": _("Attestation ends soon"),
    "attestation.ended": _("Attestation ended or taken back"),
    "work.new": _("Finding taken up"),
    "work.changed": _("Work on a finding changed"),
    "work.comment": _("Comment on a finding"),
    "work.passed": _("Finding closed: a new scan passed"),
    "work.ended": _("Finding ended without a pass"),
    "work.reopened": _("Finding fails again"),
    "work.due": _("Reminder of findings that are due"),
    "filter.shared": _("Filter shared with a unit"),
    "calendar.own": _("Deadline of a unit's own written down"),
    "calendar.own-removed": _("Deadline of a unit's own removed"),
    "calendar.settings": _("Unit's deadlines and lead days changed"),
    "calendar.done": _("Deadline said to be met"),
    "calendar.taken-back": _("Word on a deadline taken back"),
    "calendar.reminder": _("Reminder of deadlines"),
    "campaign.new": _("Campaign prepared"),
    "campaign.changed": _("Campaign changed"),
    "campaign.removed": _("Draft of a campaign removed"),
    "campaign.started": _("Campaign started"),
    "campaign.frozen": _("Account of a campaign written down"),
    "campaign.received": _("Letter of a campaign received"),
    "campaign.roster": _("Duty roster for a campaign"),
    "campaign.handed-in": _("Part of a campaign handed in"),
    "campaign.reminder": _("Reminder of a campaign"),
    "campaign.closed": _("Campaign closed"),
    "document.made": _("Document made"),
    "document.routine": _("Paper to be prepared by itself"),
    "document.routine-removed": _("Paper no longer prepared by itself"),
    "document.not-prepared": _("Paper that was due could not be prepared"),
    "document.reviewed": _("Document reviewed"),
    "letterhead.changed": _("Organisation data for papers changed"),
    "evidence.made": _("Evidence bundle made"),
    "evidence.taken": _("Evidence bundle downloaded"),
    "evidence.refused": _("Evidence bundle could not be made"),
}

DETAILS = {
    "left_out": _("left out"),
    "states": _("states"),
    "data_date": _("date of the data"),
    "records": _("records"),
    "bundle": _("bundle"),
    "said": _("because"),
    "asked": _("asked by"),
    "days": _("days left"),
    "digest": _("digest"),
    "ended": _("ended"),
    "request": _("request"),
    "until": _("until"),
    "warned": _("warned of"),
    "approved": _("approved by"),
    "missing": _("missing"),
    "percent": _("per cent"),
    "address": _("address"),
    "agent": _("agent"),
    "baseline": _("pack"),
    "bytes": _("bytes"),
    "before": _("before"),
    "code": _("reason"),
    "changes": _("changes"),
    "collected_at": _("collected at"),
    "collector_verdicts": _("the collector's verdicts"),
    "date": _("from date"),
    "decision": _("decision"),
    "failed": _("could not be judged"),
    "hours": _("hours valid"),
    "identity": _("identity elsewhere"),
    "factor": _("second factor"),
    "interval": _("seconds between reports"),
    "into": _("into"),
    "judged": _("judged"),
    "key": _("key"),
    "kind": _("kind"),
    "level": _("level"),
    "machine_verdicts": _("the machine's verdicts"),
    "machines": _("machines"),
    "pack": _("pack"),
    "people": _("people"),
    "owner": _("owner"),
    "findings": _("findings"),
    "overdue": _("overdue"),
    "received_at": _("received at"),
    "removed": _("removed"),
    "role": _("role"),
    "rows": _("rows"),
    "serial": _("serial number"),
    "snapshot": _("snapshot"),
    "tailoring": _("stricter values"),
    "target": _("target"),
    "token": _("token"),
    "unit": _("unit"),
    "unit_code": _("unit code"),
    "uses": _("machines"),
    "version": _("version"),
    "versions": _("versions"),
    "limit": _("limit"),
    "allowed": _("allowed"),
    "taken": _("taken"),
    "doing": _("at the step"),
    "stopped_at": _("stopped at"),
}


def described(detail: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, value, whole value) of each detail, for the page; digests are cut to what the eye compares."""
    rows = []
    for key, value in detail.items():
        whole = "" if value is None else str(value)
        rows.append((str(DETAILS.get(key, key)), f"{whole[:12]}…" if len(whole) == 64 else whole, whole))
    return rows


class AppendOnly(models.QuerySet["Entry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("the journal is append-only")

    def delete(self) -> NoReturn:
        raise TypeError("the journal is append-only")


class Entries(Scoped["Entry"]):
    """A row carries the path its unit had then. What concerns no unit is read by those who may read the journal of the root."""

    def get_queryset(self) -> AppendOnly:
        return AppendOnly(self.model, using=self._db)

    def condition(self, user: User, action: str) -> Q:
        reached = user.reach_of(self.model.REACHED_BY, action, former=True)
        return reached | Q(unit_path="") if any(path.count("/") == 2 for path in user.parts(action)) else reached


class Entry(models.Model):
    """One thing that somebody or something did. Names are kept as text: the row outlives the account."""

    REACHED_BY = "unit_path"

    at = models.DateTimeField(default=timezone.now, db_index=True)
    action = models.CharField(max_length=40, db_index=True)
    actor = models.CharField(max_length=200, help_text="User name, agent id, or `console`")
    unit_path = models.CharField(
        max_length=400,
        blank=True,
        db_index=True,
        help_text="Who administers this unit may read it; empty: the root's administrators",
    )
    subject = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)
    digest = models.CharField(max_length=64, editable=False)

    objects: ClassVar[Entries] = Entries()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("the journal is append-only")
        # as it can be stored anywhere, or the digest would be of something else
        self.actor, self.subject, self.detail = clean(self.actor), clean(self.subject), clean(self.detail)
        with transaction.atomic():
            alone("journal")  # two rows after the same one would break the chain
            last = Entry.objects.order_by("-pk").values_list("digest", flat=True).first()
            self.digest = self.seal(last or "")
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("the journal is append-only")

    def seal(self, previous: str) -> str:
        """sha256 over the row before and this one."""
        return digest(previous, self.row())

    def row(self) -> list[Any]:
        """What the digest is over: export.ROW."""
        return [self.at.astimezone(UTC).isoformat(), *(getattr(self, name) for name in ROW[1:])]

    @property
    def title(self) -> str:
        return str(ACTIONS.get(self.action, self.action))

    @property
    def details(self) -> list[tuple[str, str, str]]:
        return described(self.detail)


def write(action: str, actor: str, *, unit_path: str = "", subject: str = "", address: str = "", **detail: Any) -> Entry:
    """Add a row. `detail` never holds a secret: not a password, a token or a key."""
    if action not in ACTIONS:
        raise ValueError(f"{action} is not in ACTIONS")
    return Entry.objects.create(
        action=action, actor=actor[:200], unit_path=unit_path, subject=subject[:300], detail=detail, address=address[:45]
    )


def write_sparingly(
    action: str, actor: str, *, address: str = "", every: timedelta = timedelta(minutes=1), **rest: Any
) -> Entry | None:
    """The same, at most once per `every` for one action and address: a stranger must not be able to fill the disk."""
    since = timezone.now() - every
    if Entry.objects.filter(action=action, address=address, at__gt=since).exists():
        return None
    return write(action, actor, address=address, **rest)


def broken_at(using: str = "default") -> int | None:
    """Id of the first row that does not follow from the one before it; None when the chain holds."""
    previous = ""
    for entry in Entry.objects.using(using).order_by("pk").iterator():
        if entry.digest != entry.seal(previous):
            return entry.pk
        previous = entry.digest
    return None
