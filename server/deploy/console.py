"""`rasoat server check`"""

from __future__ import annotations

import argparse
import json
import sys

from django.conf import settings
from django.utils.translation import gettext as _

from server.deploy.check import look
from server.deploy.line import BAD, GOOD, UNKNOWN, WARN
from server.storage import keys

CODES = {GOOD: 0, WARN: 0, UNKNOWN: 3, BAD: 1}


def check(options: argparse.Namespace) -> int:
    """0 nothing bad · 1 something is · 3 nothing bad, but not everything could be looked at."""
    if options.accept_keys:
        keys.accept(settings.DATA)
    lines = list(look(options.deploy))
    if options.format == "json":
        sys.stdout.write(json.dumps([line._asdict() for line in lines], ensure_ascii=False, indent=1) + "\n")
    else:
        words = {GOOD: _("good"), WARN: _("look"), BAD: _("bad"), UNKNOWN: _("not seen")}
        for line in lines:
            sys.stdout.write(f"{words[line.state]:10}  {line.name:14}  {line.seen}\n")
            if line.do:
                sys.stdout.write(f"{'':28}→ {line.do}\n")
    states = {line.state for line in lines}
    return 1 if BAD in states else 3 if UNKNOWN in states else 0
