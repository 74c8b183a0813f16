"""The outlets of a person's units, for those who administer there."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from server.ingest.access import address_of
from server.outlets import making
from server.outlets.forms import FORMS
from server.outlets.making import Wrong
from server.outlets.models import Outlet
from server.outlets.tasks import test
from server.units.rights import ADMINISTER
from server.web.requests import user_of


@require_http_methods(["GET", "HEAD", "POST"])
def outlets(request: HttpRequest) -> HttpResponse:
    """The kind is chosen first. A secret that was typed is never shown again, not even when the form comes back."""
    user = user_of(request)
    if not user.does(ADMINISTER):
        raise PermissionDenied
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    form = FORMS[kind](request.POST or None, user=user) if kind in FORMS else None
    if request.method == "POST" and form is None:
        raise Http404
    if form is not None and form.is_valid():
        try:
            making.make(form.cleaned_data["unit"], form.wish(), user.username, address_of(request))
        except Wrong as error:
            form.add_error(None, str(error))
        else:
            return redirect("outlets")
    if form is not None and form.is_bound:
        shown = request.POST.copy()
        shown["secret"] = ""
        form.data = shown
    rows = Outlet.objects.visible_to(user, ADMINISTER).select_related("unit")
    context = {"form": form, "kind": kind, "kinds": Outlet.KINDS, "rows": rows, "nav": "outlets"}
    return render(request, "outlets/outlets.html", context)


@require_POST
def act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    user = user_of(request)
    outlet = get_object_or_404(Outlet.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    if act == "test":
        test.enqueue(by=user.username, unit=outlet.unit, subject=outlet.name, key=f"outlets.test/{outlet.pk}", outlet=outlet.pk)
        return redirect("jobs")
    done = {"pause": making.pause, "resume": making.resume, "remove": making.remove}.get(act)
    if done is None:
        raise Http404
    done(outlet, user.username, address_of(request))
    return redirect("outlets")
