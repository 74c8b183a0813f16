"""What recorded cases of `storage` cannot say: no text makes the readers crash, and nothing broken makes a disk look safe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.storage import linux
from collectors.linux.block_devices import BlockDevices
from collectors.linux.mounts import mountinfo, plans, used_percents
from collectors.transports.base import Answer
from tests.garbled import NOISE, Elsewhere, changed, transcripts

TRANSCRIPTS = [transcript for transcript in transcripts("storage") if transcript["run"]]
READERS: dict[str, Callable[[str], Any]] = {
    "mountinfo": mountinfo,
    "fstab": plans,
    "df": lambda text: used_percents(Answer(("df",), 0, text, "")),
}


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
    for field in ("filesystems", "places", "planned", "swaps"):
        assert getattr(fact, field) is not None or field in named, field
    for column in ("encrypted", "used_percent"):
        if any(getattr(row, column) is None for row in fact.filesystems or ()):
            assert f"filesystems[].{column}" in named


SOUND = BlockDevices(
    by_number={"8:2": "sda2", "253:0": "dm-0", "253:1": "dm-1"},
    by_label={"secret": "dm-0", "vg-root": "dm-1"},
    identity={"dm-0": "CRYPT-LUKS2-1-secret", "dm-1": "LVM-1"},
    below={"dm-0": ("sda2",), "dm-1": ("dm-0",)},
    pools=(),
)


@pytest.mark.parametrize(
    ("identity", "below", "wanted"),
    [
        ("CRYPT-LUKS2-1-a", ("sda2",), True),
        ("CRYPT-PLAIN-a", ("sda2",), True),
        ("CRYPT-VERITY-1-a", ("sda2",), False),
        ("CRYPT-INTEGRITY-a", ("sda2",), False),
        ("LVM-1", ("dm-0",), True),
        # a volume over an encrypted and a plain disk is not encrypted
        ("LVM-1", ("dm-0", "sda2"), False),
        ("LVM-1", (), False),
        ("", ("dm-1",), False),
    ],
)
def test_all_that_lies_below_must_be_encrypted(identity: str, below: tuple[str, ...], wanted: bool) -> None:
    devices = SOUND._replace(identity={**SOUND.identity, "dm-1": identity}, below={**SOUND.below, "dm-1": below})
    assert devices.holds_secret("253:1", "/dev/mapper/vg-root") is wanted


@pytest.mark.parametrize(
    ("options", "guards"),
    [
        ("defaults", set()),
        ("nosuid,nodev", {"nosuid", "nodev"}),
        ("user", {"nosuid", "nodev", "noexec"}),
        ("user,exec", {"nosuid", "nodev"}),
        ("noexec,user,suid,dev,exec", set()),
        ("owner", {"nosuid", "nodev"}),
    ],
)
def test_words_of_fstab_that_bring_others_with_them(options: str, guards: set[str]) -> None:
    (plan,) = plans(f"/dev/sda1 /data ext4 {options} 0 2\n")
    assert plan.guards == guards


def test_what_is_used_is_rounded_up_so_that_no_threshold_is_passed_by_rounding() -> None:
    table = "Filesystem 1024-blocks Used Available Capacity Mounted on\n" + "".join(
        f"/dev/sd{letter}1 100 {share} 1 {share}% /{letter}\n"
        for letter, share in (("a", 0), ("b", 85), ("c", 86), ("d", 92), ("e", 100))
    )
    assert used_percents(Answer(("df",), 0, table, "")) == {"/a": 0, "/b": 85, "/c": 90, "/d": 95, "/e": 100}


@pytest.mark.parametrize(
    ("path", "kind", "listed"),
    [
        # a disk for docker's files stays; what docker mounts within comes and goes
        ("/var/lib/docker", "ext4", True),
        ("/var/lib/kubelet", "xfs", True),
        ("/var/lib/docker/volumes/a/_data", "ext4", False),
        ("/var/lib/docker/overlay2/a/merged", "overlay", False),
        ("/media", "ext4", False),
    ],
)
def test_a_disk_mounted_for_containers_is_one_of_the_machine(path: str, kind: str, listed: bool) -> None:
    found = mountinfo(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:17 / {path} rw - {kind} /dev/sdb1 rw\n")
    told = linux(
        Elsewhere(
            {
                "read": {
                    "/proc/1/mountinfo": f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:17 / {path} rw - {kind} /dev/sdb1 rw\n"
                },
            }
        )
    )
    assert path in found
    assert (path in {row.path for row in told.filesystems or ()}) is listed
