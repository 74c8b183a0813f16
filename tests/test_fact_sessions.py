"""What recorded cases of `sessions` cannot say: no text makes the readers crash, and nothing broken makes a screen look locked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.facts.sessions import Sessions, linux
from collectors.linux.auto_logon import auto_logons
from collectors.transports.replay import ReplayShell
from tests.garbled import NOISE, Elsewhere, changed, transcripts

TRANSCRIPTS = transcripts("sessions")


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 60), text=NOISE)
def test_a_garbled_answer_costs_only_what_rests_on_it(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for field in Sessions.model_fields:
        assert getattr(fact, field) is not None or field in named, field


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 60), share=st.floats(0, 1))
def test_a_cut_off_answer_never_enforces_a_lock(transcript: dict[str, Any], which: int, share: float) -> None:
    whole = linux(changed(transcript, 0, lambda text: text))
    cut = linux(changed(transcript, which, lambda text: text[: int(len(text) * share)]))
    enforced = {desktop.name for desktop in whole.desktops or () if desktop.lock_enforced}
    assert {desktop.name for desktop in cut.desktops or () if desktop.lock_enforced} <= enforced


@pytest.mark.parametrize(
    ("path", "text", "users"),
    [
        ("/etc/gdm3/custom.conf", "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=an\n", ["an"]),
        ("/etc/gdm3/custom.conf", "[daemon]\nAutomaticLogin=an\n", []),
        ("/etc/gdm/custom.conf", "[daemon]\n#AutomaticLoginEnable=true\nAutomaticLogin=an\n", []),
        ("/etc/lightdm/lightdm.conf", "[Seat:seat0]\nautologin-user=an\n", ["an"]),
        ("/etc/lightdm/lightdm.conf", "[Seat:*]\nautologin-guest=true\n", ["guest"]),
        ("/etc/sddm.conf", "[Autologin]\nUser=an\n", ["an"]),
        ("/etc/systemd/system/getty@.service", "[Service]\nExecStart=-/sbin/agetty -a an --noclear %I\n", ["an"]),
        ("/etc/systemd/system/getty@.service", "[Service]\nExecStart=-/sbin/agetty --autologin=an %I\n", ["an"]),
        ("/etc/systemd/system/getty@.service", "[Service]\n#ExecStart=-/sbin/agetty --autologin an %I\n", []),
        ("/etc/inittab", "1:2345:respawn:/sbin/agetty --autologin root tty1 linux\n", ["root"]),
        ("/etc/sysconfig/displaymanager", 'DISPLAYMANAGER_AUTOLOGIN=""\n', []),
    ],
)
def test_who_is_logged_on_without_a_question(path: str, text: str, users: list[str]) -> None:
    assert [row.user for row in auto_logons(_only(path, text))] == users


def _only(path: str, text: str) -> ReplayShell:
    """A machine with this one file: it answers to the pattern that fits."""
    pattern = path if not path.startswith("/etc/systemd") else "/etc/systemd/system/*getty*.service"
    return Elsewhere({"read": {path: text}, "read_all": {pattern: [path]}})


def test_a_tree_of_data_shows_no_text_before_log_on() -> None:
    fact = linux(Elsewhere({"read": {"/etc/os-release": 'ID=debian\nPRETTY_NAME="Debian 12"\n'}, "run": []}))
    assert fact.banners is None
