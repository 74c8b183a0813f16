"""accounts: what no single case can say. Garbage and cut files never pass for a clean machine, and no hash gets out."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable
from collectors.facts import accounts
from collectors.linux.logons import count_keys, parse_lastlog
from collectors.linux.passwd import classify, parse_group, parse_passwd, parse_shadow
from collectors.linux.sudoers import Sudoers, parse_files, parse_json
from collectors.transports.local import RootShell

PASSWD = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nan:x:1000:1000::/home/an:/bin/bash\nbinh:x:1001:1001::/home/binh:/bin/sh\n"
SHADOW = "root:*:20000:0:99999:7:::\ndaemon:*:20000:0:99999:7:::\nan:$6$saltsalt$Wq9ZxWq9ZxWq9ZxWq9ZxWq9Zx:20000:0:90:7:30:20849:\nbinh::20000:0:99999:7:::\n"
GROUP = "root:x:0:\nsudo:x:27:an\n"
SUDOERS = "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n"

crypt_text = st.text("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=22, max_size=86)
prefixes = st.sampled_from(["$6$", "$y$j9T$", "$1$", "$2b$12$", "$7$", "$gy$", "", "!", "!!$6$", "_", "x", "$99$", "*"])
noise = st.text(st.sampled_from("abrotx:!*$0159,+-#%= \t\\\"'()\n@ếạ\x00\u2028"), max_size=120)


def asked(**files: str) -> accounts.Accounts:
    """The fact of an unpacked system with these files under /etc."""
    with tempfile.TemporaryDirectory() as directory:
        etc = Path(directory, "etc")
        etc.mkdir()
        for name, text in files.items():
            (etc / name.replace("_", ".")).write_bytes(text.encode("utf-8", "surrogateescape"))
        return accounts.linux(RootShell(directory))


@given(prefixes, crypt_text, st.sampled_from(["shadow", "passwd", "shadow-cut", "group", "sudoers"]), st.integers(0, 200))
@settings(max_examples=150, deadline=None)
def test_no_hash_leaves_the_collector(prefix: str, secret: str, where: str, cut: int) -> None:
    field = prefix + secret
    files = {"passwd": PASSWD, "shadow": SHADOW, "group": GROUP, "sudoers": SUDOERS}
    if where.startswith("shadow"):
        line = f"an:{field}:20000:0:90:7:30:20849:\n"
        files["shadow"] = SHADOW.replace(SHADOW.splitlines(True)[2], line[:cut] + "\n" if where == "shadow-cut" else line)
    elif where == "passwd":
        files["passwd"] = PASSWD.replace("an:x:", f"an:{field}:")
    elif where == "group":
        files["group"] = GROUP.replace("sudo:x:", f"sudo:{field}:")
    else:
        files["sudoers"] = SUDOERS + f"an:{field}\n"
    try:
        told = asked(**files).model_dump_json()
    except CollectError as error:
        told = str(error)
    assert secret not in told


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("passwd", "shadow", "group", "sudoers", "login_defs", "nsswitch_conf"), noise)
    )
)
@settings(max_examples=300, deadline=None)
def test_garbage_gives_a_fact_or_a_reason(files: dict[str, str]) -> None:
    try:
        fact = asked(**{"passwd": PASSWD, **files})
    except CollectError:
        return
    named = {entry.field for entry in fact.unseen}
    for field in ("administrators", "sudo_rules", "directory", "root_locked"):
        assert getattr(fact, field) is not None or field in named
    if any(user.password is None for user in fact.users):
        assert "users[].password" in named


@given(st.integers(0, len(SHADOW)))
@settings(deadline=None)
def test_a_cut_shadow_never_makes_a_password_look_better(at: int) -> None:
    truth = {user.name: user.password for user in asked(passwd=PASSWD, shadow=SHADOW).users}
    fact = asked(passwd=PASSWD, shadow=SHADOW[:at])
    for user in fact.users:
        assert user.password in (None, truth[user.name])
    if any(user.password is None for user in fact.users):
        assert any(entry.field == "users[].password" for entry in fact.unseen)


@given(st.integers(0, len(PASSWD)))
@settings(deadline=None)
def test_a_cut_passwd_never_makes_a_person_a_service(at: int) -> None:
    truth = {line.name: line for line in parse_passwd(PASSWD).lines}
    try:
        lines = parse_passwd(PASSWD[:at]).lines
    except CollectError:
        return
    for line in lines:
        assert line.uid == truth[line.name].uid
        assert accounts.interactive(line.shell) or not accounts.interactive(truth[line.name].shell)


@given(noise, st.sampled_from([parse_passwd, parse_shadow, parse_group, parse_lastlog, parse_json]))
@settings(deadline=None)
def test_parsers_raise_nothing_but_collect_errors(text: str, parse: object) -> None:
    with suppress(CollectError):
        assert parse(text) is not None  # type: ignore[operator]


json_noise = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "User_Specs",
                    "Defaults",
                    "Options",
                    "Cmnd_Specs",
                    "User_List",
                    "Commands",
                    "username",
                    "command",
                    "authenticate",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["User_Specs", "Defaults", "User_Aliases", "Command_Aliases"]), json_noise))
@settings(deadline=None)
def test_odd_json_of_cvtsudoers_is_unparsable_not_a_crash(document: object) -> None:
    with suppress(Unparsable):
        assert isinstance(parse_json(json.dumps(document)), Sudoers)


@given(
    st.lists(
        st.sampled_from(
            [
                "an",
                "%sudo",
                "ALL",
                "=",
                "(",
                ")",
                "NOPASSWD:",
                ",",
                ":",
                "!",
                "\\",
                "\n",
                " ",
                "#1000",
                "Defaults",
                "User_Alias",
                "A1",
                '"',
                "/bin/ls",
                "@includedir",
                "/x",
            ]
        ),
        max_size=14,
    )
)
def test_sudoers_of_any_words_give_rules_or_unparsable(words: list[str]) -> None:
    with suppress(Unparsable):
        assert all(
            grant.who and grant.commands
            for grant in parse_files("/etc/sudoers", "".join(words), lambda target, directory: {}).grants
        )


SUDOERS_TEXTS = (
    SUDOERS,
    "an ALL=(ALL) NOPASSWD: ALL\n",
    "an, binh ALL = (root) NOPASSWD: /usr/bin/apt update, PASSWD: /usr/bin/systemctl restart nginx, /bin/ls -l \\, x\n",
    "User_Alias OPS = an, binh\nCmnd_Alias EVERY = ALL\nOPS ALL = NOPASSWD: EVERY\n",
    "#1000 ALL=(root) ALL # not a comment at its start\n%#27 ALL=ALL, !/bin/su\n",
    "Defaults:an !authenticate\nDefaults targetpw, timestamp_timeout=5\nALL ALL=(ALL) ALL\n",
    "an ALL=() ALL\nbinh ALL=(:adm) NOPASSWD: ALL\n",
    "an ALL=(www-data) ALL : binh = (:adm) /bin/true\n",
    "dung ALL=(ALL) \\\n  SETENV: NOPASSWD: /bin/sh, NOEXEC: /usr/bin/vi\n",
    "@includedir /nowhere\n+ops ALL=(ALL) ALL\n",
)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("cvtsudoers", path="/usr/bin:/usr/sbin") is None, reason="sudo is not installed")
@pytest.mark.parametrize("text", SUDOERS_TEXTS)
def test_our_reading_of_sudoers_is_that_of_sudo(text: str, tmp_path: Path) -> None:
    file = tmp_path / "sudoers"
    file.write_text(text)
    said = subprocess.run(
        ["cvtsudoers", "-f", "json", str(file)],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/usr/sbin"},
    )
    theirs, ours = parse_json(said.stdout), parse_files("/etc/sudoers", text, lambda target, directory: {})

    def rows(rules: Sudoers) -> list[tuple[str, tuple[str, ...], str, bool | None]]:
        return [
            (grant.who, grant.run_as, command.replace("\\,", ","), grant.nopasswd)
            for grant in rules.grants
            for command in grant.commands
        ]

    assert rows(ours) == rows(theirs)
    assert (ours.user_aliases, ours.command_aliases) == (theirs.user_aliases, theirs.command_aliases)
    assert {(option.name, option.on, option.users) for option in ours.defaults} == {
        (option.name, option.on, option.users) for option in theirs.defaults
    }


@pytest.mark.parametrize(
    ("field", "state", "kind"),
    [
        ("", "empty", None),
        ("!", "unusable", None),
        ("!!", "unusable", None),
        ("!*", "unusable", None),
        ("*", "unusable", None),
        ("*LK*", "unusable", None),
        ("$y$j9T$abc$def", "set", "yescrypt"),
        ("!$6$abc$def", "locked", "sha512"),
        ("$2b$12$abc", "set", "bcrypt"),
        ("abJnggxhB/yWI", "set", "des"),
        ("NP", "set", "unknown"),
        ("$sha1$1$abc$def", "set", "unknown"),
    ],
)
def test_password_fields(field: str, state: str, kind: str | None) -> None:
    assert classify(field) == (state, kind)


def test_keys_are_counted_as_sshd_reads_them() -> None:
    text = '# comment\n\nssh-rsa AAAAB3 a\nfrom="10.0.0.1",no-pty ssh-ed25519 AAAAC3 b\n#ssh-rsa AAAAB3 c\nsk-ssh-ed25519@openssh.com AAAAG d\nnot a key\n'
    assert count_keys(text) == 3
