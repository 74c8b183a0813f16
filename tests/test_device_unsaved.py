"""What a restart would change: the differing lines, redacted, and no more of them than a page holds."""

from __future__ import annotations

import pytest

from collectors.catalog import device_os
from collectors.devices import kept_text
from collectors.model import Platform
from tests.device_changed import fact, recording

IOS = device_os(Platform.CISCO_IOS)
CONFIG = (
    "version 15.2\nhostname R1\n!\nusername a secret 9 $9$Cu1\n!\ninterface Vlan1\n ip address 10.0.0.1 255.0.0.0\n"
    " shutdown\n!\ninterface Vlan2\n shutdown\n!\nntp clock-period 36027189\nend\n"
)


def _lines(running: str, saved: str = CONFIG) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = kept_text.unsaved(IOS, running, saved)
    return found.added, found.removed


def test_equal_texts_differ_nowhere() -> None:
    assert kept_text.unsaved(IOS, CONFIG, CONFIG) == kept_text.SAME


def test_a_line_is_named_with_those_it_stands_under() -> None:
    running = CONFIG.replace("interface Vlan2\n shutdown\n", "interface Vlan2\n")
    assert _lines(running) == ((), ("interface Vlan2 > shutdown",))
    assert _lines(CONFIG, running) == (("interface Vlan2 > shutdown",), ())


def test_clocks_and_counters_are_no_difference() -> None:
    other = CONFIG.replace("36027189", "36027190").replace("version", "! Last configuration change at 10:00:00 UTC\nversion", 1)
    assert _lines(other) == ((), ())


def test_a_secret_that_changed_shows_as_a_line_and_not_as_a_word() -> None:
    added, removed = _lines(CONFIG.replace("$9$Cu1", "$9$Moi2Moi2Moi2"))
    assert len(added) == len(removed) == 1
    assert added[0].startswith("username a secret 9 ")
    assert not any("Moi2" in line or "Cu1" in line for line in (*added, *removed))


def test_the_order_alone_differs_in_no_line() -> None:
    one, other = (
        "ip access-list standard A\n permit 10.0.0.1\n deny any\n",
        "ip access-list standard A\n deny any\n permit 10.0.0.1\n",
    )
    assert not kept_text.same(IOS, one, other)
    assert _lines(one, other) == ((), ())


def test_what_stands_twice_is_counted() -> None:
    assert _lines("a\na\n", "a\n") == (("a",), ())


def test_no_more_lines_than_a_page_holds() -> None:
    many = "".join(f"ip route 10.{n // 250}.{n % 250}.0 255.255.255.0 Null0\n" for n in range(1500))
    found = kept_text.unsaved(IOS, many, CONFIG)
    assert len(found.added) == kept_text.MOST
    assert found.left_out == 1500 - kept_text.MOST


SAVED = [
    ("cisco_ios--switch-hardened", "show startup-config"),
    ("cisco_nxos--leaf-hardened", "show startup-config"),
    ("aruba_aoscx--switch-hardened", "show startup-config"),
    ("hpe_comware--switch-hardened", "display saved-configuration"),
    ("cisco_asa--hardened", "show startup-config"),
]


@pytest.mark.parametrize(("folder", "command"), SAVED)
def test_each_system_names_what_is_not_saved(folder: str, command: str) -> None:
    text = recording(folder)["commands"][command]
    name = next(line for line in text.splitlines() if line.lstrip().startswith(("hostname", "sysname")))
    before = fact("configuration", folder)
    assert before.unsaved == (kept_text.SAME if before.saved else None)
    blank = " " * (len(name) - len(name.lstrip()))
    after = fact(
        "configuration", folder, **{command.replace(" ", "_"): text.replace(name, f"{name}\n{blank}ntp source Vlan999", 1)}
    )
    assert after.saved is False
    assert [line.split(" > ")[-1] for line in after.unsaved.removed] == ["ntp source Vlan999"]
    assert after.unsaved.added == ()


def test_what_eos_marks_itself() -> None:
    said = (
        "--- flash:/startup-config\n+++ system:/running-config\n@@ -1,3 +1,4 @@\n hostname X\n+ntp server 10.0.0.9\n"
        "-username b secret 0 BiMat77\n"
    )
    found = fact("configuration", "arista_eos--leaf-hardened", **{"show_running-config_diffs": said})
    assert found.saved is False
    assert found.unsaved.added == ("ntp server 10.0.0.9",)
    assert found.unsaved.removed == ("username b secret 0 (redacted)",)
