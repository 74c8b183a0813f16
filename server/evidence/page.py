"""The page inside a bundle that tells people how to check it by hand, and names that every system reads alike."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from server.evidence.models import Bundle
from server.evidence.scope import Scope


def inside(bundle: Bundle, scope: Scope, now: datetime, fingerprint: str) -> bytes:
    """Vietnamese first, English beside it; each command is run by the tests."""
    here = len({pk for pk, _snapshot, moment in scope.machines if moment == "now"})
    told = {
        "bundle": bundle, "scope": scope, "unit": scope.unit.name, "at": timezone.localtime(now).isoformat(), "here": here,
        "fingerprint": fingerprint, "stamped": bool(settings.CONFIG.timestamp_url),
    }  # fmt: skip
    return render_to_string("evidence/inside.html", told).encode()


def plain_name(name: str) -> str:
    """Letters without marks, digits, dots and dashes: báo cáo.pdf becomes bao-cao.pdf."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    kept = re.sub(r"[^A-Za-z0-9._]+", "-", plain.encode("ascii", "ignore").decode())
    stem, _dot, ending = kept.strip("-._").rpartition(".")
    return f"{(stem or 'report')[:80].rstrip('-._')}.{ending[:10] or 'bin'}" if stem or ending else "report.bin"
