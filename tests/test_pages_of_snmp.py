"""The page of commands names every number an SNMP agent is asked, and is made from the code."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.devices import snmp_identity
from scripts.commands_page import _agents, asked_of_agents

ROOM = Path(__file__).parent.parent / "collectors" / "snmp"


def test_every_number_written_in_the_code_stands_on_the_page() -> None:
    page = "\n".join(_agents())
    shown = set(re.findall(r"`(1\.3\.6\.1[\d.]+)`", page))
    for path in ROOM.glob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            found = re.match(r"[A-Z_]+ = \"(1\.3\.6\.1[\d.]+)\"", line)
            assert found is None or found[1] in shown, line
    for entry in snmp_identity.entries():
        assert set(entry.oids()) <= shown


def test_columns_made_from_a_common_beginning_are_written_out() -> None:
    assert ("IF_NAME", "1.3.6.1.2.1.31.1.1.1.1") in asked_of_agents(ROOM / "device.py")
    assert dict(asked_of_agents(ROOM / "device.py"))["DESCR"] == "1.3.6.1.2.1.1.1.0"
