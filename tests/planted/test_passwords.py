"""What the machine demands of passwords, and when it locks: the PAM stacks in use, their files, login.defs."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, blindfold, plant, scenarios

pytestmark = MARKS

AUTH, ACCOUNT, PASSWORD = (f"/etc/pam.d/common-{kind}" for kind in ("auth", "account", "password"))
FAILLOCK, QUALITY, DEFS = "/etc/security/faillock.conf", "/etc/security/pwquality.conf", "/etc/login.defs"
_LOCK = "accounts.lockout accounts.lock_duration accounts.lock_window"
_QUALITY = "password_policy.quality_enforced password_policy.min_length password_policy.min_classes password_policy.dictionary password_policy.applies_to_root"


def edited(name: str, path: str, edit: str, red: str = "", unknown: str = "") -> Planted:
    """A sed script on one file, and the file put back. A script that changes nothing is a mistake of the test."""
    return Planted(
        name,
        f"cp -p {path} /srv/kept; sed -i '{edit}' {path}; ! cmp -s {path} /srv/kept",
        f"cp -p /srv/kept {path}",
        red,
        unknown,
    )


def added(name: str, path: str, line: str, red: str = "", unknown: str = "") -> Planted:
    return Planted(
        name,
        f"cp -p {path} /srv/kept 2>/dev/null || : >/srv/kept; echo '{line}' >>{path}",
        f"cp -p /srv/kept {path}",
        red,
        unknown,
    )


@scenarios(
    [
        edited("lock-module-taken-out-of-the-stack", AUTH, "/faillock/d", _LOCK),
        edited("wrong-tries-are-not-counted", AUTH, "/authfail/d", _LOCK),
        edited("nothing-asks-before-the-password", AUTH, "/preauth/d", _LOCK),
        edited("lock-is-never-cleared", ACCOUNT, "/faillock/d", _LOCK),
        edited("lock-count-behind-the-deny", AUTH, "/authfail/{h;d};/pam_deny/{G}", _LOCK),
        edited("lock-module-only-advises", AUTH, "s/required pam_faillock.so preauth/optional pam_faillock.so preauth/", _LOCK),
        # one door without a lock is enough
        Planted(
            "log-on-at-the-console-does-not-lock",
            "printf 'auth required pam_unix.so\naccount required pam_unix.so\n@include common-password\nsession optional pam_umask.so\n' >/etc/pam.d/login",
            "cp /etc/pam.d/sshd /etc/pam.d/login",
            _LOCK,
        ),
        edited("lock-switched-off", FAILLOCK, "s/^deny.*/deny = 0/", _LOCK),
        edited("lock-after-twenty-tries", FAILLOCK, "s/^deny.*/deny = 20/", "accounts.lockout"),
        edited("lock-of-one-minute", FAILLOCK, "s/^unlock_time.*/unlock_time = 60/", "accounts.lock_duration"),
        edited("lock-until-an-administrator-opens", FAILLOCK, "s/^unlock_time.*/unlock_time = never/"),
        edited("tries-count-for-one-minute", FAILLOCK, "s/^fail_interval.*/fail_interval = 60/", "accounts.lock_window"),
        # root has no password here, so nobody can guess it
        edited("root-does-not-lock", FAILLOCK, "/even_deny_root/d"),
        edited(
            "argument-in-the-stack-beats-the-file",
            AUTH,
            "s/pam_faillock.so preauth/pam_faillock.so preauth deny=50/",
            "accounts.lockout",
        ),
        edited("quality-module-taken-out", PASSWORD, "/pwquality/d", _QUALITY),
        # with the minus before it PAM passes over a module that is not installed, and says nothing
        edited("quality-module-neither-installed-nor-missed", PASSWORD, "s/^password requisite pam_pwquality/-&/", _QUALITY),
        edited("quality-module-only-advises", PASSWORD, "s/requisite pam_pwquality/optional pam_pwquality/", _QUALITY),
        added("quality-not-enforced", QUALITY, "enforcing = 0", _QUALITY),
        edited("short-passwords", QUALITY, "s/^minlen.*/minlen = 8/", "password_policy.min_length"),
        # credits shorten what minlen says
        edited(
            "credits-shorten-passwords",
            QUALITY,
            "s/^minlen.*/minlen = 12\\ndcredit = 3\\nucredit = 3/",
            "password_policy.min_length",
        ),
        edited(
            "argument-in-the-stack-beats-pwquality-conf",
            PASSWORD,
            "s/pam_pwquality.so/pam_pwquality.so minlen=6/",
            "password_policy.min_length",
        ),
        edited("one-class-of-characters", QUALITY, "s/^minclass.*/minclass = 1/", "password_policy.min_classes"),
        edited(
            "classes-by-negative-credits", QUALITY, "s/^minclass.*/dcredit = -1\\nucredit = -1\\nlcredit = -1\\nocredit = -1/"
        ),
        edited("dictionary-words-pass", QUALITY, "s/^dictcheck.*/dictcheck = 0/", "password_policy.dictionary"),
        edited("root-may-set-weak-ones", QUALITY, "/enforce_for_root/d", "password_policy.applies_to_root"),
        added("pwquality-conf-with-an-unknown-word", QUALITY, "minlenght = 20", unknown=_QUALITY),
        edited("history-forgotten", PASSWORD, "/pwhistory/d", "password_policy.history"),
        edited("history-of-two", PASSWORD, "s/remember=24/remember=2/", "password_policy.history"),
        edited("empty-passwords-accepted", AUTH, "s/pam_unix.so/pam_unix.so nullok/", "password_policy.no_empty_password"),
        edited("new-passwords-hashed-with-md5", PASSWORD, "s/yescrypt/md5/", "password_policy.hash"),
        # the word of the stack counts, not that of login.defs
        edited("login-defs-alone-says-des", DEFS, "s/^ENCRYPT_METHOD.*/ENCRYPT_METHOD DES/"),
        edited("new-accounts-without-maximum-age", DEFS, "/^PASS_MAX_DAYS/d", "password_policy.max_age password_policy.inactive"),
        edited("new-accounts-without-minimum-age", DEFS, "/^PASS_MIN_DAYS/d", "password_policy.min_age"),
        edited("no-warning-before-the-end", DEFS, "s/^PASS_WARN_AGE.*/PASS_WARN_AGE 1/", "password_policy.warning"),
        edited("umask-open", DEFS, "s/^UMASK.*/UMASK 022/", "password_policy.umask"),
        edited("new-accounts-never-lock", "/etc/default/useradd", "s/^INACTIVE.*/INACTIVE=-1/", "password_policy.inactive"),
    ]
)
def test_password(patient: Patient, case: Planted) -> None:
    plant(patient, case)


def test_included_file_is_gone(patient: Patient) -> None:
    """PAM refuses the whole service then; nothing of the stack may count as fine."""
    asked = f"{_LOCK} password_policy.no_empty_password"
    blindfold(patient, Planted("gone", f"mv {AUTH} /srv/kept", f"mv /srv/kept {AUTH}", unknown=asked))
