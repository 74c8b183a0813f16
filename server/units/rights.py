"""What each role may do, in one table. Everything else asks `user.may(...)`, `user.reach_of(...)` or `Model.objects.visible_to(user)`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

VIEWER, OPERATOR, APPROVER, AUDITOR, ADMIN = "viewer", "operator", "approver", "auditor", "admin"
ROLES = [
    (ADMIN, _("administrator")),
    (OPERATOR, _("operator")),
    (APPROVER, _("approver")),
    (AUDITOR, _("auditor")),
    (VIEWER, _("viewer")),
]

SEE, SCAN, HANDLE, APPROVE, JOURNAL, ADMINISTER = "see", "scan", "handle", "approve", "read-journal", "administer"
ACTIONS = {
    SEE: _("see machines, verdicts, facts and evidence"),
    SCAN: _("ask for a scan"),
    HANDLE: _("handle findings and alarms, ask for a waiver"),
    APPROVE: _("approve, as the second person, what another one asked for"),
    JOURNAL: _("read the journal"),
    ADMINISTER: _("units, people, tokens and agents"),
}

RIGHTS: dict[str, frozenset[str]] = {
    VIEWER: frozenset({SEE}),
    OPERATOR: frozenset({SEE, SCAN, HANDLE}),
    APPROVER: frozenset({SEE, APPROVE}),
    AUDITOR: frozenset({SEE, JOURNAL}),
    ADMIN: frozenset(ACTIONS),
}
"""A right holds in the unit of the membership and everything below. That the approver is another person than the one who
asked is seen to where something is approved: no role frees anybody from it."""


def roles_for(wanted: str | None) -> frozenset[str]:
    """The roles meant by an action, by a role itself, or by nothing (every role). Raises KeyError for a word that is neither."""
    if wanted is None:
        return frozenset(RIGHTS)
    if wanted in RIGHTS:
        return frozenset({wanted})
    if wanted not in ACTIONS:
        raise KeyError(wanted)
    return frozenset(role for role, actions in RIGHTS.items() if wanted in actions)
