"""One outlet, told what there is to tell: slice by slice, each remembered once the receiver has it.

A worker that dies between the receiver's yes and our note of it makes the slice come a second time, with the same ids. Failures
are tried again after pauses that double up to hours; whoever fails longer than a quarter of an hour, or for a reason that waiting
does not mend, is an alarm of its unit. What waits longer than settings.toml allows is counted, left out, and said.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from server.journal import models as journal
from server.journal.models import Entry
from server.outlets import mail, messages, sealed, syslog, webhook
from server.outlets.messages import Message, Slice
from server.outlets.models import MAIL, SYSLOG, WEBHOOK, Outlet, Turned
from server.outlets.reach import Failed

BATCH = 100
FIRST, LONGEST = timedelta(seconds=30), timedelta(hours=4)
ALARM_AFTER = timedelta(minutes=15)
DEAD = timedelta(days=1)
SAID_EVERY = timedelta(days=1)
ENDED = "its unit has ended; make an outlet for the unit after it"
Clock = Callable[[], datetime]
Jitter = Callable[[], float]


def drawn() -> float:
    """Outlets that failed together do not come again together."""
    return random.uniform(0.5, 1)  # noqa: S311  (no secret)


class Overtaken(Exception):
    """Another job, or a person who removed it, was faster: nothing more is written."""


def deliver(outlet: Outlet, clock: Clock = timezone.now, progress: Callable[[int], None] = lambda count: None, jitter: Jitter = drawn) -> int:  # fmt: skip
    """Everything there is to tell now; how many messages. A failure is written down, not raised.

    `jitter`: a factor of the pause after a failure.
    """
    told = 0
    try:
        skip(outlet, clock())
        if outlet.paused_at is not None or ended(outlet, clock()) or (outlet.next_at is not None and outlet.next_at > clock()):
            return 0
        with translation.override(outlet.language):
            while count := (_mails if outlet.kind == MAIL else _slice)(outlet, clock):
                told += count
                progress(count)
    except (Failed, sealed.Lost) as error:
        _failed(outlet, error, clock(), jitter())
    except Overtaken:
        pass
    except DatabaseError:
        raise
    except Exception as error:  # a bug of ours must not look like an outlet that has nothing to tell
        _failed(outlet, Failed(f"a bug in rasoat: {type(error).__name__}"), clock(), jitter())
        raise
    return told


def waiting(outlet: Outlet, now: datetime) -> bool:
    """Whether there is something to tell now. What is not for this outlet is passed by."""
    if outlet.kept.get("skipped") or (outlet.kind == MAIL and _digest_due(outlet, now)):
        return True
    if outlet.kind == MAIL and _until(outlet, now) is not None:
        return False
    found = _next(outlet, 1)
    if found.messages:
        return True
    if (found.entry, found.number) != (outlet.entry, outlet.number):
        Outlet.objects.filter(pk=outlet.pk, entry=outlet.entry, number=outlet.number).update(
            entry=found.entry, number=found.number
        )
    return False


def test(outlet: Outlet, now: datetime) -> None:
    """One message by itself. Raises Failed, sealed.Lost."""
    with translation.override(outlet.language):
        message = Message(
            id=f"test-{outlet.pk}-{int(now.timestamp())}", kind="test", action="outlet.test", at=now, severity="info",
            text=_("A test of the outlet %s of rasoat") % outlet.name, unit=outlet.unit.name, unit_code=outlet.unit.code,
        )  # fmt: skip
        if outlet.kind != MAIL:
            _send(outlet, [message], now)
            return
        refused = mail.send(outlet, mail.of_alarms(outlet, [message]), [], lambda recipient: None)
    if refused:
        raise Failed("; ".join(refused.values()), hopeless=True)


def ended(outlet: Outlet, now: datetime) -> bool:
    """Its unit has gone over into another one, which may be larger than what the outlet was made for: a person decides anew."""
    if outlet.unit.open:
        return False
    if outlet.error != ENDED:
        with transaction.atomic():
            _move(outlet, alarmed_at=now, failing_since=outlet.failing_since or now, error=ENDED)
            _say("outlet.failing", outlet, code=ENDED)
    return True


def oldest_allowed(now: datetime) -> datetime:
    return now - timedelta(days=settings.CONFIG.keep_outlet_days)


def oldest_verdict_allowed(outlet: Outlet, now: datetime) -> datetime:
    """In a digest a verdict waits for its period before anything can be late."""
    return oldest_allowed(now) - (_period(outlet) if outlet.kind == MAIL and outlet.verdicts else timedelta())


def overdue(outlet: Outlet, now: datetime) -> bool:
    """Something waits for longer than it may, or was left out and has to be said."""
    entry, number = _old_ends(outlet, now)
    return entry > outlet.entry or number > outlet.number or _unsaid(outlet, now)


def skip(outlet: Outlet, now: datetime) -> None:
    """Count what waited too long and leave it out; the count is a message of its own, before all others."""
    before = oldest_allowed(now)
    entry, number = (max(ends) for ends in zip(_old_ends(outlet, now), (outlet.entry, outlet.number), strict=True))
    while (outlet.entry, outlet.number) != (entry, number):
        with translation.override(outlet.language):
            found = messages.read(outlet, BATCH, entry, number)
        kept = _without(outlet, "alarms", "digest", "mail")
        if found.messages:
            so_far = kept.get("skipped", {"count": 0, "since": found.messages[0].at.isoformat()})
            kept["skipped"] = so_far | {"count": so_far["count"] + len(found.messages), "before": before.isoformat()}
        _move(outlet, entry=found.entry, number=found.number, kept=kept)
    if _unsaid(outlet, now):
        kept = outlet.kept | {"said_at": now.isoformat()}
        kept["skipped"] = kept["skipped"] | {"said": kept["skipped"]["count"]}
        with transaction.atomic():
            _move(outlet, kept=kept)
            _say("outlet.skipped", outlet, rows=kept["skipped"]["count"])


def _unsaid(outlet: Outlet, now: datetime) -> bool:
    """The journal does not know of all that was left out. It hears so once a day: each row of it goes to all other outlets."""
    known, said_at = outlet.kept.get("skipped"), outlet.kept.get("said_at")
    if not known or known["count"] <= known.get("said", 0):
        return False
    return said_at is None or now - datetime.fromisoformat(said_at) >= SAID_EVERY


def _old_ends(outlet: Outlet, now: datetime) -> tuple[int, int]:
    """The last row of the journal, and the last number, that are older than they may be."""
    entry = Entry.objects.filter(at__lt=oldest_allowed(now)).order_by("-at", "-pk").values_list("pk", flat=True).first()
    number = (
        Turned.objects.filter(written_at__lt=oldest_verdict_allowed(outlet, now))
        .exclude(number=None)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return entry or 0, number or 0


def _skipped(outlet: Outlet) -> list[Message]:
    known = outlet.kept.get("skipped")
    if not known:
        return []
    at = datetime.fromisoformat(known["before"])
    words = _("%(count)d messages waited longer than %(days)d days for the outlet %(outlet)s and were left out")
    said = {"count": known["count"], "days": settings.CONFIG.keep_outlet_days, "outlet": outlet.name}
    return [
        Message(
            id=f"skipped-{outlet.pk}-{known['since']}-{known['count']}", kind="skipped", action="outlet.skipped", at=at, severity="high",
            text=words % said, unit=outlet.unit.name, unit_code=outlet.unit.code, detail={name: value for name, value in known.items() if name != "said"},
        )
    ]  # fmt: skip


def _next(outlet: Outlet, limit: int) -> Slice:
    """What comes next; for e-mail of the alarms alone, as the digest has its own time."""
    return messages.read(outlet, limit, number=outlet.number if outlet.kind == MAIL else None)


def _slice(outlet: Outlet, clock: Clock) -> int:
    """After a failure one message by itself: it tells whether the receiver is back, and which one it does not take."""
    found = _next(outlet, 1 if outlet.failures else BATCH)
    told = _skipped(outlet) + found.messages
    if told:
        _send(outlet, told, clock())
        outlet.kept = _without(outlet, "skipped")
        _through(outlet, clock(), len(told), entry=found.entry, number=found.number)
    else:
        _move(outlet, entry=found.entry, number=found.number)
    return len(told)


def _send(outlet: Outlet, told: list[Message], now: datetime) -> None:
    if outlet.kind == SYSLOG:
        syslog.send(outlet, told)
    else:
        assert outlet.kind == WEBHOOK, outlet.kind
        webhook.send(outlet, told, now)


# -- e-mail --------------------------------------------------------------------------------------------------------


def _mails(outlet: Outlet, clock: Clock) -> int:
    return _alarms(outlet, clock()) or _digest(outlet, clock())


def _until(outlet: Outlet, now: datetime) -> datetime | None:
    """Until when no mail of alarms may go; what is raised meanwhile goes together in the next one."""
    return mail.room(outlet.kept.get("times", []), int(outlet.option("per_hour", 10)), now)[1]


def _alarms(outlet: Outlet, now: datetime) -> int:
    if _until(outlet, now) is not None:
        return 0
    found = messages.read(outlet, mail.GATHERED, outlet.kept.get("alarms"), outlet.number)
    told = _skipped(outlet) + found.messages
    if not told:
        _move(outlet, entry=found.entry)
        return 0
    _move(outlet, kept=outlet.kept | {"alarms": found.entry})
    refused = _post(outlet, mail.of_alarms(outlet, told))
    times = mail.room(outlet.kept.get("times", []), int(outlet.option("per_hour", 10)), now)[0]
    outlet.kept = _without(outlet, "alarms", "skipped") | {"times": [*times, now.isoformat()]}
    _through(outlet, now, len(told), refused, entry=found.entry)
    return len(told)


def _digest_due(outlet: Outlet, now: datetime) -> bool:
    return outlet.verdicts and now >= next_digest(outlet)


def next_digest(outlet: Outlet) -> datetime:
    last = datetime.fromisoformat(outlet.kept.get("digest_at") or outlet.made_at.isoformat())
    return last + _period(outlet)


def _period(outlet: Outlet) -> timedelta:
    return timedelta(hours=int(outlet.option("hours", 24)))


def _digest(outlet: Outlet, now: datetime) -> int:
    """How far it reaches is written down before it is sent, so that it is the same mail when it is sent again."""
    if not _digest_due(outlet, now):
        return 0
    begin = outlet.number
    if "digest" not in outlet.kept:
        _move(outlet, kept=outlet.kept | {"digest": messages.ends()[1]})
    end = max(int(outlet.kept["digest"]), begin)
    gathered, count, number = mail.Digest(), 0, begin
    while number < end:
        reader = Outlet(unit=outlet.unit, verdicts=True, severity=outlet.severity, direction=outlet.direction, rule_changes=outlet.rule_changes, number=number)  # fmt: skip
        found = messages.read(reader, BATCH, 0, end)
        for message in found.messages:
            gathered.add(message)
        count, number = count + len(found.messages), found.number
    refused = _post(outlet, gathered.mail(outlet, (begin, end))) if count else {}
    outlet.kept = _without(outlet, "digest") | {"digest_at": now.isoformat()}
    if count:
        _through(outlet, now, count, refused, number=end)
    else:
        _move(outlet, number=end, kept=outlet.kept)
    return count


def _post(outlet: Outlet, made: mail.Mail) -> dict[str, str]:
    """Those who refused it for good, and why. Raises Failed."""
    known = outlet.kept.get("mail", {})
    done = list(known.get("done", [])) if known.get("id") == made.id else []

    def had(recipient: str) -> None:
        done.append(recipient)
        _move(outlet, kept=outlet.kept | {"mail": {"id": made.id, "done": [*done]}})

    refused = mail.send(outlet, made, [*done], had)
    outlet.kept = _without(outlet, "mail")
    return refused


# -- what is written down ------------------------------------------------------------------------------------------


def _move(outlet: Outlet, **changes: Any) -> None:
    """Only where it still stands where it was read. Raises Overtaken."""
    here = Outlet.objects.filter(pk=outlet.pk, entry=outlet.entry, number=outlet.number)
    if not here.update(**changes):
        raise Overtaken
    for name, value in changes.items():
        setattr(outlet, name, value)


def _without(outlet: Outlet, *names: str) -> dict[str, Any]:
    return {name: value for name, value in outlet.kept.items() if name not in names}


def _through(outlet: Outlet, now: datetime, count: int, refused: dict[str, str] | None = None, **reached: int) -> None:
    kept = _without(outlet, "refused")
    new = {who for who in refused or {} if who not in outlet.kept.get("refused", {})}
    recovered = outlet.alarmed_at is not None
    if refused:
        kept["refused"] = refused
    with transaction.atomic():
        _move(
            outlet, **reached, kept=kept, failures=0, failing_since=None, alarmed_at=None, next_at=None, sent=outlet.sent + count,
            sent_at=now, error="; ".join((refused or {}).values())[:300],
        )  # fmt: skip
        if recovered:
            _say("outlet.recovered", outlet)
        if new:
            _say("outlet.failing", outlet, code=outlet.error)


def _failed(outlet: Outlet, error: Exception, now: datetime, jitter: float) -> None:
    hopeless = isinstance(error, sealed.Lost) or (isinstance(error, Failed) and error.hopeless)
    pause = min(FIRST * 2 ** min(outlet.failures, 16), LONGEST) * jitter
    if isinstance(error, Failed) and error.wait is not None:
        pause = max(pause, timedelta(seconds=error.wait))
    since = outlet.failing_since or now
    alarm = outlet.alarmed_at is None and (hopeless or now - since >= ALARM_AFTER)
    try:
        with transaction.atomic():
            _move(
                outlet, failures=outlet.failures + 1, failing_since=since, next_at=now + pause, error=str(error)[:300],
                alarmed_at=now if alarm else outlet.alarmed_at,
            )  # fmt: skip
            if alarm:
                _say("outlet.failing", outlet, code=outlet.error)
    except Overtaken:
        pass


def _say(action: str, outlet: Outlet, **detail: Any) -> None:
    journal.write(action, "collector", unit_path=outlet.unit.path, subject=outlet.name, kind=outlet.kind, **detail)
