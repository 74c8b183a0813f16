"""password_policy: lengths by brute force, stacks of any words, and no lock-out where no module locks."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts import password_policy
from collectors.linux.pam import parse_line
from collectors.linux.pam_quality import shortest
from collectors.transports.local import RootShell

AUTH = "auth required pam_faillock.so preauth\nauth [success=2 default=ignore] pam_unix.so nullok\nauth [default=die] pam_faillock.so authfail\nauth requisite pam_deny.so\nauth required pam_permit.so\n"
ACCOUNT = "account required pam_faillock.so\naccount required pam_unix.so\n"
PASSWORD = "password requisite pam_pwquality.so retry=3\npassword [success=1 default=ignore] pam_unix.so use_authtok yescrypt\npassword requisite pam_deny.so\n"

words = st.sampled_from(
    ["auth", "account", "password", "-auth", "required", "requisite", "sufficient", "optional", "include", "substack", "@include", "[success=1 default=ignore]",
     "[", "pam_unix.so", "pam_faillock.so", "pam_pwquality.so", "pam_cracklib.so", "pam_passwdqc.so", "pam_pwhistory.so", "pam_tally2.so", "pam_deny.so",
     "preauth", "authfail", "deny=3", "deny=x", "deny=0", "unlock_time=never", "minlen=14", "minlen=ếch", "min=1,2", "min=disabled,24,11,8,7", "remember=5",
     "nullok", "sha512", "dcredit=-1", "common-auth", "common-password", "\\", "#", "\n", "\n", "\n", "\t", "\x00"]
)  # fmt: skip
stacks = st.lists(words, max_size=40).map(" ".join)


def asked(**files: str) -> password_policy.PasswordPolicy:
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            path = Path(directory, "etc", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return password_policy.linux(RootShell(directory))


def policy(auth: str = AUTH, account: str = ACCOUNT, password: str = PASSWORD, **conf: str) -> password_policy.PasswordPolicy:
    both = auth + account
    return asked(
        **{"pam.d/sshd": both, "pam.d/login": both, "pam.d/passwd": password, "login.defs": "PASS_MAX_DAYS 90\n", **conf}
    )


@given(stacks, stacks, stacks, st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_stack_gives_a_fact_or_a_reason(auth: str, password: str, common: str, defs: str) -> None:
    files = {
        "pam.d/sshd": auth,
        "pam.d/passwd": password,
        "pam.d/common-auth": common,
        "pam.d/common-password": common,
        "login.defs": defs,
    }
    try:
        fact = asked(**files)
    except CollectError:
        return
    named = {entry.field for entry in fact.unseen}
    for field in set(type(fact).model_fields) - {"unseen"}:
        assert (getattr(fact, field) is None) == (field in named), field


@given(stacks.filter(lambda text: "faillock" not in text and "tally" not in text))
@settings(deadline=None)
def test_nothing_locks_without_a_module_that_locks(auth: str) -> None:
    with suppress(CollectError):
        assert asked(**{"pam.d/sshd": auth}).failed_logins_before_lock in (None, "unlimited")


@given(st.sets(st.sampled_from((AUTH + ACCOUNT).splitlines(True)), min_size=1))
@settings(deadline=None)
def test_a_lock_counts_only_when_it_refuses_counts_and_clears(left_out: set[str]) -> None:
    kept = "".join(line for line in (AUTH + ACCOUNT).splitlines(True) if line not in left_out)
    whole = all(text in kept for text in ("preauth", "authfail", "account required pam_faillock"))
    assert asked(**{"pam.d/sshd": kept}).failed_logins_before_lock == (3 if whole else "unlimited")


@given(st.integers(5, 20), st.tuples(*[st.integers(-3, 6)] * 4))
@settings(deadline=None)
def test_the_shortest_password_by_trying_all_mixtures(minlen: int, credits: tuple[int, ...]) -> None:
    def accepted(counts: tuple[int, ...]) -> bool:
        bonus = sum(min(count, credit) for count, credit in zip(counts, credits, strict=True) if credit > 0)
        demanded = all(count >= -credit for count, credit in zip(counts, credits, strict=True) if credit < 0)
        return demanded and sum(counts) + bonus >= minlen

    lengths = (sum(counts) for counts in itertools.product(range(7), repeat=4) if accepted(counts))
    assert shortest(minlen, credits) <= min(lengths, default=99)


def test_the_formula_is_exact_where_pwscore_was_asked() -> None:
    # pwscore 1.4.5 on Debian 12: refused below, accepted from these lengths
    assert shortest(12, (1, 1, 1, 1)) == 8
    assert shortest(12, (1, 0, 0, 0)) == 11
    assert shortest(14, (-1, -1, -1, -1)) == 14


@given(st.text(max_size=60))
@settings(deadline=None)
def test_a_line_of_any_text_is_a_line_or_none(line: str) -> None:
    found = parse_line(line)
    assert found is None or found[0] in ("auth", "account", "password", "session", "*")


def test_arguments_win_over_the_file_and_a_number_out_of_range_is_passed_over() -> None:
    conf = {"security/faillock.conf": "deny = 9\nunlock_time = 1200\n"}
    fact = policy(
        auth=AUTH.replace("preauth", "preauth deny=4 unlock_time=700000").replace(
            "authfail", "authfail deny=4 unlock_time=700000"
        ),
        **conf,
    )
    assert (fact.failed_logins_before_lock, fact.lock_minutes) == (4, 20)


def test_of_two_lines_the_weaker_counts() -> None:
    assert policy(auth=AUTH.replace("authfail", "authfail deny=20")).failed_logins_before_lock == 20
    assert policy(auth=AUTH.replace("authfail", "authfail deny=0")).failed_logins_before_lock == "unlimited"


def test_a_closed_umask_counts_only_where_pam_umask_applies_it_at_every_door() -> None:
    defs = {"login.defs": "UMASK 027\n"}
    silent = policy(**defs)
    assert silent.umask is None
    assert "pam_umask" in next(gap.reason for gap in silent.unseen if gap.field == "umask")
    applied = "session optional pam_umask.so\n"
    assert policy(account=ACCOUNT + applied, **defs).umask == "027"
    assert asked(**{"pam.d/sshd": AUTH + applied, "pam.d/login": AUTH, **defs}).umask is None
    # an argument of the line comes before login.defs
    assert policy(account=ACCOUNT + "session optional pam_umask.so umask=022\n", **defs).umask is None
    # an open value is one, whoever applies it
    assert policy(**{"login.defs": "UMASK 022\n"}).umask == "022"
