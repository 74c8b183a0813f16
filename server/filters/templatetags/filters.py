"""The saved filters of a list, as links, and the form that keeps one more."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from server.filters.models import SavedFilter, kept, may_share
from server.units.rights import ADMINISTER, HANDLE

register = template.Library()


@register.inclusion_tag("filters/bar.html", takes_context=True)
def saved_filters(context: Context, page: str) -> dict[str, Any]:
    """`page`: name of the list's address."""
    request, user = context["request"], context["user"]
    query = kept(request.GET.urlencode())
    found = SavedFilter.objects.visible_to(user).filter(page=page).select_related("owner", "unit")
    rows = [
        (one, one.query == query, one.owner_id == user.pk or (one.unit is not None and user.may(ADMINISTER, one.unit)))
        for one in found
    ]
    return {
        "rows": rows, "page": page, "query": query, "units": may_share(user, HANDLE), "mine": user.pk, "request": request,
        "csrf_token": context.get("csrf_token"),
    }  # fmt: skip
