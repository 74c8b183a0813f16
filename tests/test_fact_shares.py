"""What recorded cases of `shares` cannot say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable
from collectors.facts.shares import linux
from collectors.linux.share_configs import everyone, exports, rsync_modules, sections, smb_shares, user_share, vsftpd
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("shares")
PARSERS: list[Callable[[str], Any]] = [
    lambda text: list(exports(text, "/etc/exports")),
    lambda text: list(rsync_modules(text)),
    lambda text: list(smb_shares(sections(text, "smb.conf"))),
    lambda text: list(smb_shares(sections(text, "testparm"))),
    lambda text: user_share(text, "/var/lib/samba/usershares/x"),
    lambda text: vsftpd(text, "/etc/vsftpd.conf"),
]


@pytest.mark.parametrize("parser", PARSERS, ids=["exports", "rsyncd", "smb", "testparm", "usershare", "vsftpd"])
@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words(parser: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(CollectError):
        parser(text)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_what_is_none_says_why(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for field in type(fact).model_fields:
        assert getattr(fact, field) is not None or field in named, field


@settings(deadline=None)
@given(
    transcript=st.sampled_from(
        [one for one in TRANSCRIPTS if any(run["argv"][0] == "testparm" and run.get("out") for run in one["run"])]
    ),
    share=st.floats(0, 1),
)
def test_a_cut_answer_of_testparm_is_not_believed(transcript: dict[str, Any], share: float) -> None:
    """testparm is a program that can be cut off; then the file speaks, or nobody, but never half an answer."""
    runs = [
        {**run, "out": run["out"][: int(len(run["out"]) * share)].rstrip("\n")} if run["argv"][0] == "testparm" else run
        for run in transcript["run"]
    ]
    fact = linux(changed({**transcript, "run": runs}, 0, lambda text: text))
    assert fact.smb_effective is not True


@pytest.mark.parametrize(
    ("line", "client", "wanted"),
    [
        ("/srv host(rw)", "host", {"rw"}),
        ("/srv host (rw)", "*", {"rw"}),
        ("/srv -rw,no_root_squash host(ro)", "host", {"no_root_squash"}),
        ("/srv host(rw,ro)", "host", set()),
        ("/srv host(insecure,secure)", "host", set()),
        ("/srv", "*", set()),
    ],
)
def test_options_of_an_export(line: str, client: str, wanted: set[str]) -> None:
    found = {row.client: row.options for row in exports(line, "/etc/exports")}
    assert found[client] & {"rw", "no_root_squash", "insecure"} == wanted


@pytest.mark.parametrize(
    ("client", "all_of_them"), [("*", True), ("0.0.0.0/0", True), ("::/0", True), ("*.lan.example", False), ("10.0.0.0/8", False)]
)
def test_who_is_everyone(client: str, all_of_them: bool) -> None:
    assert everyone(client) is all_of_them


@pytest.mark.parametrize(
    ("settings_of_share", "guest", "writable"),
    [
        ("guest ok = yes", True, False),
        ("Public = True\nwrite ok = 1", True, True),
        ("read only = no", False, True),
        ("writeable = yes\nread only = yes", False, False),
        ("GuestOK=no", False, False),
    ],
)
def test_samba_knows_each_setting_by_several_names(settings_of_share: str, guest: bool, writable: bool) -> None:
    (share,) = smb_shares(sections(f"[x]\npath = /x\n{settings_of_share}\n", "smb.conf"))
    assert (share.guest, share.writable) == (guest, writable)


def test_what_stands_in_global_holds_for_each_share_that_says_nothing_else() -> None:
    text = "[global]\nguest ok = yes\n[a]\npath = /a\n[b]\npath = /b\nguest ok = no\n"
    assert {share.name: share.guest for share in smb_shares(sections(text, "smb.conf"))} == {"a": True, "b": False}


@pytest.mark.parametrize("line", ["include = /etc/samba/x", "registry shares = yes", "config file = /x", "copy = template"])
def test_settings_from_elsewhere_are_not_left_out_in_silence(line: str) -> None:
    with pytest.raises(Unparsable):
        sections(f"[global]\n{line}\n", "smb.conf")


def test_the_backslash_of_testparm_joins_no_lines() -> None:
    found = sections("[global]\n\twinbind separator = \\\n\tserver min protocol = NT1\n", "testparm")
    assert found["global"]["serverminprotocol"] == "NT1"
