"""Asking for a scan now: of a machine, or of all machines of a unit."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from server.ingest.access import address_of
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.stations import models as stations
from server.units.rights import SCAN
from server.web.requests import user_of


@require_POST
def scan_now(request: HttpRequest, pk: int) -> HttpResponse:
    """For those who may ask for scans in the machine's unit; 404 for everybody else. Its agent, or its station, hears of it when it asks."""
    user = user_of(request)
    machines = Machine.objects.visible_to(user, SCAN).filter(IN_SERVICE, agent__revoked_at=None)
    machine = get_object_or_404(machines.select_related("unit"), pk=pk)
    if stations.ask(machine, user.username):
        journal.write(
            "scan.asked", user.username, unit_path=machine.unit.path, subject=machine.name, address=address_of(request),
            agent=machine.agent_id,
        )  # fmt: skip
    return redirect("machine", pk=pk)
