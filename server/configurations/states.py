"""What a device's configuration is in need of, as conditions for a query and as words for one device."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.configurations.keep import NETWORK
from server.configurations.models import Standing
from server.ingest.models import Machine

RECENT = timedelta(hours=24)
STATES = {
    "unsaved": _("Running configuration not saved"),
    "changed": _("Changed in the last 24 hours"),
    "never": _("Never backed up"),
    "missed": _("Last try brought none"),
}


def conditions(now: datetime) -> dict[str, Q]:
    """Condition on a Machine for each state. `never` is said of network devices only: a host has no such configuration."""
    never = Q(configuration__isnull=True) | Q(configuration__seen_at__isnull=True)
    return {
        "unsaved": Q(configuration__saved=False),
        "changed": Q(configuration__changed_at__gte=now - RECENT),
        "never": never,
        "missed": Q(configuration__seen_at__isnull=False) & ~Q(configuration__outcome="seen"),
    }


def states(machine: Machine, now: datetime) -> list[tuple[str, str]]:
    """(code, words) of each state the device is in; the same conditions, on one that is loaded already."""
    standing: Standing | None = getattr(machine, "configuration", None)
    if standing is None or standing.seen_at is None:
        found = ["never"] if standing is not None or machine.kind in NETWORK else []
    else:
        found = ["unsaved"] if standing.saved is False else []
        found += ["changed"] if standing.changed_at is not None and standing.changed_at >= now - RECENT else []
        found += ["missed"] if standing.outcome != "seen" else []
    return [(code, str(STATES[code])) for code in found]


def told(machine: Machine) -> bool:
    """It is a network device, or told a configuration all the same: it has a page of versions."""
    return machine.kind in NETWORK or getattr(machine, "configuration", None) is not None
