"""remote_access: files of any words, Match blocks that loosen, the forms TMOUT is written in."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable
from collectors.facts import remote_access
from collectors.linux.shell_timeout import shell_timeout
from collectors.linux.sshd_config import overrides, parse_effective, parse_files, seconds
from collectors.transports.local import RootShell

words = st.sampled_from(
    ["PermitRootLogin", "PasswordAuthentication", "PermitEmptyPasswords", "Match", "User", "all", "Include", "sshd_config.d/*.conf", "yes", "no", "không",
     "prohibit-password", "Port", "22", "22x", "ListenAddress", "[::]:22", "Ciphers", "+aes128-cbc", "aes256-ctr", "MaxStartups", "10:30:100", "LoginGraceTime",
     "2m", "=", '"', "#", "\n", "\n", "\n", "Banner", "/etc/issue", "none", "IgnoreRhosts", "DisableForwarding", "\\", "\x00", "LogLevel", "loud"]
)  # fmt: skip
configs = st.lists(words, max_size=40).map(" ".join)


def asked(**files: str) -> remote_access.RemoteAccess:
    with tempfile.TemporaryDirectory() as directory:
        for name, text in {
            "usr/sbin/sshd": "",
            "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
            "etc/profile": "",
            **files,
        }.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return remote_access.linux(RootShell(directory))


@given(configs, configs, st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_configuration_gives_a_fact_whose_gaps_are_named(main: str, drop_in: str, options: str) -> None:
    fact = asked(
        **{"etc/ssh/sshd_config": main, "etc/ssh/sshd_config.d/a.conf": drop_in, "etc/default/ssh": f"SSHD_OPTS={options}"}
    )
    named = {entry.field for entry in fact.unseen}
    for field in set(type(fact).model_fields) - {"unseen"}:
        assert (getattr(fact, field) is None) == (field in named), field


@given(
    st.permutations(
        [
            "PermitRootLogin no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitEmptyPasswords no",
            "X11Forwarding no",
        ]
    ),
    st.integers(0, 2),
)
@settings(deadline=None)
def test_what_a_match_block_loosens_is_never_hidden(strict: list[str], place: int) -> None:
    loose = "Match User backup\n PermitRootLogin yes\n PasswordAuthentication yes\n PermitEmptyPasswords yes\n"
    main = "Include /etc/ssh/sshd_config.d/*.conf\n" + "\n".join(strict) + "\n" + (loose if place == 0 else "")
    drop_in = loose if place == 1 else ""
    fact = asked(**{"etc/ssh/sshd_config": main, "etc/ssh/sshd_config.d/90.conf": drop_in})
    weak = (fact.permit_root_login, fact.password_authentication, fact.permit_empty_passwords, fact.match_blocks)
    assert weak == (("no", False, False, False) if place == 2 else ("yes", True, True, True))


def test_a_match_block_of_an_included_file_ends_with_it() -> None:
    main = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n"
    fact = asked(
        **{
            "etc/ssh/sshd_config": main,
            "etc/ssh/sshd_config.d/1.conf": "Match User a\nX11Forwarding no\n",
            "etc/ssh/sshd_config.d/2.conf": "MaxAuthTries 3\n",
        }
    )
    assert (fact.permit_root_login, fact.max_auth_tries) == ("yes", 3)


def test_the_first_value_wins() -> None:
    assert parse_files(
        "/etc/ssh/sshd_config", "MaxAuthTries=3\nmaxauthtries 9\nPort 22\nPort 2222\n", lambda pattern: {}
    ).values == {"maxauthtries": ("3",), "port": ("22", "2222")}


def test_files_that_include_themselves_are_unparsable() -> None:
    with pytest.raises(Unparsable):
        parse_files("a", "Include /b\n", lambda pattern: {"/b": "Include /b\n"})


@given(st.text(max_size=200))
@settings(deadline=None)
def test_text_that_is_no_list_of_settings_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        parse_effective(text)


@given(st.text(max_size=80))
@settings(deadline=None)
def test_start_options_of_any_text(text: str) -> None:
    try:
        values, _ = overrides(f"OPTIONS={text}", ("OPTIONS",))
    except CollectError:
        return
    assert all(keyword == keyword.lower() and value for keyword, value in values.items())


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("2m", 120), ("1h30m", 5400), ("0", 0)])
def test_times(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "2 m", "m", "-1", "1y", "hai phút"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Unparsable):
        seconds(text)


UNDECIDED = "undecided"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("TMOUT=900\nreadonly TMOUT\nexport TMOUT\n", 900),
        ("readonly TMOUT=600 ; export TMOUT\n", 600),
        ("typeset -xr TMOUT=900\n", 900),
        ("declare -xr TMOUT='300'\n", 300),
        ("export TMOUT=1800 # nửa giờ\n", 1800),
        ("#TMOUT=900\n", "unlimited"),
        ("TMOUT=0\n", "unlimited"),
        ("TMOUT=\n", "unlimited"),
        ("TMOUT=900\nunset TMOUT\n", "unlimited"),
        ("unset TMOUT\nTMOUT=900\n", 900),
        ("TMOUT=300\nTMOUT=900\n", 900),
        ("MYTMOUT=900\n", "unlimited"),
        ("echo $TMOUT\n", "unlimited"),
        (': "${TMOUT:=600}"\n', 600),
        ('[ -z "$TMOUT" ] && TMOUT=600\n', 600),
        ('if [ "$PS1" ]; then\n  TMOUT=600\nfi\n', 600),
        ("case $- in\n  *i*) TMOUT=600 ;;\nesac\n", 600),
        ("TMOUT=$IDLE\n", UNDECIDED),
        ('if [ "$(id -u)" -ne 0 ]; then TMOUT=600; fi\n', UNDECIDED),
        ('[ "$USER" = root ] || TMOUT=600\n', UNDECIDED),
        ("idle() {\n  TMOUT=600\n}\n", UNDECIDED),
        ("for i in a b; do\n  echo done\n  TMOUT=600\ndone\n", UNDECIDED),
        ('if [ "$UID" = 0 ]; then\n echo x\nfi\nTMOUT=600\n', 600),
    ],
)
def test_forms_of_tmout(script: str, expected: int | str, tmp_path: Path) -> None:
    (tmp_path / "etc/profile.d").mkdir(parents=True)
    (tmp_path / "etc/profile.d/tmout.sh").write_text(script, "utf-8")
    if expected == UNDECIDED:
        with pytest.raises(Unparsable):
            shell_timeout(RootShell(str(tmp_path)))
    else:
        assert shell_timeout(RootShell(str(tmp_path))) == expected
