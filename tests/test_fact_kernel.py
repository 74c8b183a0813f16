"""What recorded cases of `kernel` cannot say: no text makes the readers crash, and nothing broken makes a kernel look guarded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError, Unsupported
from collectors.facts.kernel import Kernel, linux
from collectors.linux.boot_loader import boot_loader, guarded
from collectors.linux.core_dumps import handler, hard_core_limit
from collectors.linux.kernel_modules import install_commands, module_states
from collectors.linux.mandatory_access import apparmor, profile_modes
from collectors.linux.sysctls import Interfaces, ipv4
from tests.garbled import NOISE, Elsewhere, changed, transcripts

TRANSCRIPTS = transcripts("kernel")
READERS: dict[str, Callable[[str], Any]] = {
    "grub.cfg": lambda text: guarded({"/boot/grub/grub.cfg": text}, {"/boot/grub/user.cfg": text}),
    "core_pattern": handler,
    "limits.conf": lambda text: hard_core_limit({"/etc/security/limits.conf": text}),
    "modprobe.d": lambda text: install_commands({"/etc/modprobe.d/a.conf": text}),
    "apparmor": profile_modes,
}
CONF = "/proc/sys/net/ipv4/conf/"
SETTINGS = ("accept_redirects", "forwarding", "send_redirects", "accept_source_route", "rp_filter", "log_martians")


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words(reader: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(CollectError):
        reader(text)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 40), text=NOISE)
def test_a_garbled_answer_costs_only_what_rests_on_it(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for field in Kernel.model_fields:
        assert getattr(fact, field) is not None or field in named, field


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 40), share=st.floats(0, 1))
def test_a_cut_off_answer_never_guards_more(transcript: dict[str, Any], which: int, share: float) -> None:
    whole = linux(changed(transcript, 0, lambda text: text))
    cut = linux(changed(transcript, which, lambda text: text[: int(len(text) * share)]))
    assert not cut.boot_password or whole.boot_password
    assert (cut.apparmor_enforced or 0) <= (whole.apparmor_enforced or 0)
    assert cut.core_limit_kb != 0 or whole.core_limit_kb == 0
    blocked = {module.name for module in whole.modules or () if module.state in ("blocked", None)}
    assert {module.name for module in cut.modules or () if module.state == "blocked"} <= blocked


def conf(**values: dict[str, int]) -> dict[str, str]:
    plain = dict.fromkeys(SETTINGS, 0)
    return {
        f"{CONF}{name}/{setting}": f"{value}\n"
        for name in ("all", "default", "lo", "eth0", *values)
        for setting, value in (plain | values.get(name, {})).items()
    }


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, Interfaces(False, False, False, 0, False)),
        # a host believes a redirect when either switch is on, a router when both are
        ({"eth0": {"accept_redirects": 1}}, Interfaces(True, False, False, 0, False)),
        ({"eth0": {"accept_redirects": 1, "forwarding": 1}}, Interfaces(False, False, False, 0, False)),
        (
            {"all": {"accept_redirects": 1}, "eth0": {"accept_redirects": 1, "forwarding": 1}},
            Interfaces(True, False, False, 0, False),
        ),
        ({"default": {"send_redirects": 1}}, Interfaces(False, True, False, 0, False)),
        # source routing needs both
        ({"all": {"accept_source_route": 1}}, Interfaces(False, False, False, 0, False)),
        ({"all": {"accept_source_route": 1}, "eth0": {"accept_source_route": 1}}, Interfaces(False, False, True, 0, False)),
        # the higher of the two counts; then the weakest interface
        ({"all": {"rp_filter": 2}, "eth0": {"rp_filter": 1}}, Interfaces(False, False, False, 2, False)),
        ({"default": {"rp_filter": 1}, "eth0": {"rp_filter": 1}}, Interfaces(False, False, False, 1, False)),
        ({"default": {"rp_filter": 1}, "eth0": {"rp_filter": 1}, "eth1": {}}, Interfaces(False, False, False, 0, False)),
        ({"default": {"log_martians": 1}}, Interfaces(False, False, False, 0, False)),
        ({"all": {"log_martians": 1}}, Interfaces(False, False, False, 0, True)),
        # loopback never counts
        ({"lo": dict.fromkeys(SETTINGS, 1)}, Interfaces(False, False, False, 0, False)),
    ],
)
def test_the_kernel_joins_all_and_an_interfaces_own_by_each_settings_rule(
    values: dict[str, dict[str, int]], wanted: Interfaces
) -> None:
    assert ipv4(conf(**values)) == wanted


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("* hard core 0", 0),
        ("*\t-\tcore\t0 # for everybody", 0),
        ("* soft core 0", "unlimited"),
        ("root hard core 0\n@staff hard core 0", "unlimited"),
        ("* hard core 0\n* hard core unlimited", "unlimited"),
        ("ftp -", "unlimited"),
    ],
)
def test_only_a_hard_limit_for_everybody_counts(text: str, limit: object) -> None:
    assert hard_core_limit({"/etc/security/limits.conf": text}) == limit


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("/bin/false", "blocked"),
        ("/usr/bin/true # not wanted", "blocked"),
        # what leads nowhere first and loads the module after is no block
        ("/bin/true ; /sbin/modprobe --ignore-install udf", "loadable"),
        ("/bin/false || modprobe -i udf", "loadable"),
        ("/bin/true $(modprobe -i udf)", "loadable"),
        ("/bin/true & modprobe -i udf", "loadable"),
    ],
)
def test_an_install_line_blocks_only_where_nothing_follows(command: str, state: str) -> None:
    read = {
        "/proc/sys/kernel/osrelease": "6.1.0-28-amd64\n",
        "/proc/filesystems": "\text4\n",
        "/proc/modules": "ext4 1 1 - Live 0x0\n",
        "/lib/modules/6.1.0-28-amd64/modules.dep": "kernel/fs/udf/udf.ko:\n",
        "/etc/modprobe.d/a.conf": f"install udf {command}\n",
    }
    patterns = {path: [path] for path in read} | {"/etc/modprobe.d/*.conf": ["/etc/modprobe.d/a.conf"]}
    assert module_states(Elsewhere({"read": read, "read_all": patterns}))["udf"] == state


def test_an_empty_boot_beside_grub_is_a_file_system_not_mounted_now() -> None:
    assert boot_loader(Elsewhere({"names": {"/usr/*bin/*": ["/usr/bin/bash"]}})) == "none"
    with pytest.raises(Unsupported, match="not mounted"):
        boot_loader(Elsewhere({"names": {"/usr/*bin/*": ["/usr/bin/bash", "/usr/sbin/grub2-install"]}}))


def test_apparmor_is_not_called_off_where_sys_is_hidden() -> None:
    seen = {"read": {"/proc/filesystems": "\text4\n"}, "read_all": {"/proc/filesystems": ["/proc/filesystems"]}}
    with pytest.raises(Unsupported, match="/sys"):
        apparmor(Elsewhere(seen))
    folder = {"mode": "0755", "uid": 0, "gid": 0, "size": 0, "mtime": 0, "directory": True}
    assert apparmor(Elsewhere({**seen, "stat": {"/sys/module": folder}})) is False
