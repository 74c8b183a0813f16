"""Which ways into SSH one factor opens: sshd's alternatives, and PAM stacks played through as libpam does it."""

from __future__ import annotations

import pytest

from tests.test_fact_remote_access import asked

DEBIAN = """\
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
auth optional pam_cap.so
"""
RHEL = """\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth [default=1 ignore=ignore success=ok] pam_localuser.so
auth sufficient pam_unix.so nullok
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth sufficient pam_sss.so forward_pass
auth required pam_deny.so
"""
GOOGLE = "auth required pam_google_authenticator.so\n"
KEY_AND_PAM = "UsePAM yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive:pam\n"
PAM_ALONE = "UsePAM yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive:pam\n"


def ways(config: str, sshd: str = "@include common-auth\n", **more: str) -> tuple[str, ...] | None:
    """None where it cannot be told; the fact names the reason then."""
    files = {"etc/pam.d/sshd": sshd, "etc/pam.d/common-auth": DEBIAN, "etc/pam.d/password-auth": RHEL}
    fact = asked(**{"etc/ssh/sshd_config": config, **files, **more})
    reasons = [entry.reason for entry in fact.unseen if entry.field == "one_factor_ways"]
    assert (fact.one_factor_ways is None) == bool(reasons)
    return fact.one_factor_ways


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("", ("password", "publickey")),
        ("PasswordAuthentication no\n", ("publickey",)),
        ("UsePAM yes\nPasswordAuthentication no\n", ("publickey",)),
        ("AuthenticationMethods publickey,password\n", ()),
        ("AuthenticationMethods publickey,publickey\n", ("publickey,publickey",)),
        ("AuthenticationMethods publickey,password publickey\n", ("publickey",)),
        ("AuthenticationMethods any\nPasswordAuthentication no\n", ("publickey",)),
        ("AuthenticationMethods hostbased,publickey\nHostbasedAuthentication yes\n", ("hostbased,publickey",)),
        ("AuthenticationMethods publickey,password\nMatch User backup\n AuthenticationMethods publickey\n", ("publickey",)),
        ("AuthenticationMethods publickey,password\nMatch User backup\n X11Forwarding no\n", ()),
        ("GSSAPIAuthentication yes\nAuthenticationMethods gssapi-with-mic\n", None),
        ("AuthenticationMethods publickey,telepathy\n", None),
    ],
)
def test_alternatives_of_sshd_without_pam(config: str, expected: tuple[str, ...] | None) -> None:
    assert ways(config) == expected


def test_a_way_that_is_switched_off_is_no_way_in() -> None:
    assert ways("AuthenticationMethods publickey,password keyboard-interactive:pam\n") == ()


def test_keyboard_interactive_without_pam_lets_nobody_in_so_nothing_is_known() -> None:
    assert ways(KEY_AND_PAM.replace("UsePAM yes", "UsePAM no"), GOOGLE + "@include common-auth\n") is None


def test_two_blocks_that_are_strict_alone_are_weak_together() -> None:
    hardware = "PubkeyAuthOptions verify-required\nPubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com\n"
    first = "Match User a\n AuthenticationMethods publickey\n"
    assert ways(f"{hardware}AuthenticationMethods publickey,password\n{first}") == ()
    second = "Match Group b\n PubkeyAuthOptions none\n"
    assert ways(f"{hardware}AuthenticationMethods publickey,password\n{first}{second}") == ("publickey",)


@pytest.mark.parametrize(
    ("sshd", "expected"),
    [
        pytest.param("@include common-auth\n", ("keyboard-interactive:pam",), id="a password is enough"),
        pytest.param(GOOGLE + "@include common-auth\n", (), id="code, then password"),
        pytest.param("@include common-auth\n" + GOOGLE, (), id="password, then code"),
        pytest.param(GOOGLE, ("keyboard-interactive:pam",), id="a code is enough"),
        pytest.param(
            "@include common-auth\nauth required pam_google_authenticator.so nullok\n", ("keyboard-interactive:pam",), id="nullok"
        ),
        pytest.param("@include common-auth\nauth required pam_u2f.so nouserok\n", ("keyboard-interactive:pam",), id="nouserok"),
        pytest.param(
            "auth sufficient pam_unix.so\nauth required pam_oath.so\n",
            ("keyboard-interactive:pam",),
            id="sufficient before the code",
        ),
        pytest.param(
            "auth [success=1 default=ignore] pam_unix.so\nauth required pam_oath.so\nauth required pam_permit.so\n",
            ("keyboard-interactive:pam",),
            id="a jump over the code",
        ),
        pytest.param(
            "auth [success=1 default=die] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_oath.so\n",
            (),
            id="a jump to the code",
        ),
        pytest.param("auth optional pam_oath.so\n@include common-auth\n", ("keyboard-interactive:pam",), id="optional"),
        pytest.param(
            "auth [default=ignore] pam_oath.so\n@include common-auth\n", ("keyboard-interactive:pam",), id="only advises"
        ),
        pytest.param("auth substack password-auth\n" + GOOGLE, (), id="sufficient ends its substack only"),
        pytest.param(
            "auth include password-auth\n" + GOOGLE, ("keyboard-interactive:pam",), id="sufficient in an include ends all"
        ),
        pytest.param("auth substack password-auth\n", ("keyboard-interactive:pam",), id="as RHEL comes"),
        pytest.param(
            "auth [success=1 default=ignore] pam_succeed_if.so user ingroup no-code\n" + GOOGLE + "@include common-auth\n",
            None,
            id="a group that may be empty goes without",
        ),
        pytest.param("auth required pam_radius_auth.so\n", None, id="RADIUS may ask for anything"),
        pytest.param("auth required pam_duo.so\n@include common-auth\n", None, id="Duo asks those its own file names"),
        pytest.param("auth required pam_sss.so\n", None, id="a directory may hold tokens"),
        pytest.param("auth required pam_rootok.so\n", ("keyboard-interactive:pam",), id="sshd is root itself"),
        pytest.param("auth [success=reset default=bad] pam_unix.so\n", None, id="reset"),
        pytest.param("auth [success=maybe] pam_unix.so\n", None, id="no action of libpam"),
        pytest.param("account required pam_unix.so\n", None, id="no auth stack of its own"),
        pytest.param("auth substack nowhere\n", None, id="an include that is missing"),
    ],
)
def test_what_pam_asks_of_those_without_a_key(sshd: str, expected: tuple[str, ...] | None) -> None:
    assert ways(PAM_ALONE, sshd) == expected


def test_a_module_that_the_stack_may_do_without_counts_only_where_it_is_installed() -> None:
    stack = "-auth required pam_google_authenticator.so\n@include common-auth\n"
    there = {"usr/lib/x86_64-linux-gnu/security/pam_google_authenticator.so": ""}
    assert ways(PAM_ALONE, stack, **there) == ()
    assert ways(PAM_ALONE, stack, **{"usr/lib/x86_64-linux-gnu/security/pam_unix.so": ""}) == ("keyboard-interactive:pam",)
    assert ways(PAM_ALONE, stack) is None


def test_key_and_pam() -> None:
    assert ways(KEY_AND_PAM) == ()
    assert ways(KEY_AND_PAM, GOOGLE) == (), "a key and a token are two things to steal"
    assert ways(KEY_AND_PAM, "auth required pam_permit.so\n") == ("publickey,keyboard-interactive:pam",)


def test_a_key_passes_by_the_code_where_both_are_alternatives() -> None:
    assert ways("UsePAM yes\n", GOOGLE + "@include common-auth\n") == ("publickey",)
