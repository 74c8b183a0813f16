"""Sending at the end of a run, and remembering how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.acknowledged import Acknowledged
from agent.custody import Custody
from agent.errors import Undelivered
from agent.language import _, plural
from agent.run import Run, now
from agent.terminal import complain

if TYPE_CHECKING:
    from agent.upload import Collector, Delivery
    from collectors.model import Snapshot


def deliver_and_note(run: Run) -> Delivery:
    """Send what waits, and keep how that went."""
    delivery = deliver(run, run.connect())
    run.keep_contact()
    return delivery


def deliver(run: Run, collector: Collector) -> Delivery:
    """Send what waits, and close what the centre has acknowledged of what relays keep."""
    from agent.receipts import settle
    from agent.upload import Delivery, Offline
    from agent.upload import deliver as send_all

    waiting = run.spool.waiting()
    if waiting:
        run.progress.step(0, len(waiting), _("sending"))
    bases = Acknowledged(run.state) if run.config.send_differences else None
    custody, asked = Custody(run.state), Delivery(bases=bases)
    try:
        settle(collector, run.identity["agent_id"], run.state.key(), custody, run.spool, asked)
    except Offline as offline:
        run.failed(str(offline))
    delivery = send_all(run.spool, collector, run.config.tries, run.config.retry_seconds, custody=custody, bases=bases)
    delivery.sent += asked.sent
    delivery.refused += asked.refused
    delivery.agrees |= asked.agrees
    run.progress.clear()
    if delivery.sent or delivery.refused or delivery.kept:
        run.heard()
        run.contact["last_delivery"] = now() if delivery.sent else run.contact.get("last_delivery")
    if delivery.left:
        run.failed(delivery.error)
    for name, why in delivery.refused:
        complain(
            _("the collector refuses snapshot %(id)s for good: %(why)s. It is kept in %(folder)s.")
            % {"id": name, "why": why, "folder": run.spool.refused}
        )
    return delivery


def send_directly(run: Run, collector: Collector, snapshot: Snapshot, blob: bytes, delivery: Delivery) -> None:
    """The disk is full: send from memory what could not be kept. Raises Undelivered when that fails too."""
    from agent.upload import Offline, send

    try:
        reply = send(collector, snapshot.id, blob)
    except Offline as offline:
        run.failed(str(offline))
        run.keep_contact()
        raise Undelivered(
            _(
                "there was no room to keep this snapshot, and it could not be sent: %s. Nothing half-written was left; the next run looks again."
            )
            % offline
        ) from None
    if reply.status >= 400:
        delivery.refused.append((snapshot.id, reply.complaint))
        complain(_("the collector refuses snapshot %(id)s for good: %(why)s.") % {"id": snapshot.id, "why": reply.complaint})
        return
    run.heard()
    run.contact["last_delivery"] = now()
    delivery.sent.append(snapshot.id)
    agrees = reply.document.get("verdicts_agree")
    delivery.agrees[snapshot.id] = agrees if isinstance(agrees, bool) else None


def raise_if_left(run: Run, delivery: Delivery) -> None:
    """Raises Undelivered when something was not taken."""
    if delivery.left:
        waits = plural("%d snapshot waits", "%d snapshots wait", delivery.left) % delivery.left
        raise Undelivered(
            _("not delivered: %(why)s. Nothing is lost: %(waits)s in %(folder)s and will be sent by the next run.")
            % {"why": delivery.error, "waits": waits, "folder": run.spool.folder}
        )
    if delivery.refused:
        raise Undelivered(
            _(
                "not delivered: the collector refused it. See `rasoat agent status`; when the cause is gone: rasoat agent once --retry-refused"
            )
        )
