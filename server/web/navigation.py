"""The headings of every page: a few groups, and of the group a page belongs to its pages. One line for each page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from server.units.models import User
from server.units.rights import ADMINISTER, APPROVE, JOURNAL

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Page(NamedTuple):
    """A page that is offered on all others. A view says by `nav` which of them it belongs to."""

    nav: str
    title: _StrPromise
    url: str = ""
    """Name of its address where it is not called as `nav` says."""
    right: str = ""
    """Who may do this anywhere is offered the page (server/units/rights.py); empty: everybody."""

    @property
    def name(self) -> str:
        return self.url or self.nav


class Group(NamedTuple):
    """Pages under one heading, which leads to the first of them."""

    title: _StrPromise
    pages: tuple[Page, ...]

    def holds(self, nav: str) -> bool:
        return any(page.nav == nav for page in self.pages)


GROUPS = (
    Group(_("Overview"), (
        Page("overview", _("Overview")),
        Page("matrix", _("Requirements and levels")),
    )),
    Group(_("Machines"), (
        Page("machines", _("Machines")),
        Page("configurations", _("Configurations")),
        Page("coverage", _("Coverage")),
        Page("registers", _("Registers")),
    )),
    Group(_("Risks"), (
        Page("vulnerabilities", _("Vulnerabilities")),
        Page("feeds", _("Feeds")),
        Page("sweeps", _("Indicators and warnings")),
    )),
    Group(_("Handling"), (
        Page("work", _("Work")),
        Page("calendar", _("Deadlines")),
        Page("campaigns", _("Campaigns")),
        Page("waivers", _("Waivers")),
        Page("evidence", _("Evidence"), right=JOURNAL),
        Page("documents", _("Documents")),
        Page("approvals", _("Approvals"), url="requests"),
    )),
    Group(_("Organisation"), (
        Page("units", _("Units")),
        Page("schedules", _("Schedules")),
        Page("tokens", _("Enrolment"), right=ADMINISTER),
        Page("enrolment-waiting", _("Waiting to be let in"), right=APPROVE),
        Page("relays", _("Relays")),
    )),
    Group(_("System"), (
        Page("outlets", _("Outlets"), right=ADMINISTER),
        Page("jobs", _("Background work"), right=ADMINISTER),
        Page("journal", _("Journal"), right=JOURNAL),
    )),
)  # fmt: skip


def offered(user: User) -> list[Group]:
    """What this person may open; a group of which nothing is left is left out."""
    found = (Group(one.title, tuple(page for page in one.pages if not page.right or user.does(page.right))) for one in GROUPS)
    return [one for one in found if one.pages]
