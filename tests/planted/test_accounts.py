"""Who is on the machine, and with which rights."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, blindfold, plant, scenarios

pytestmark = MARKS

_AN = "useradd --uid 1600 --create-home --shell /bin/bash an; echo 'an:Qu3n-cu-da-ph0ng-Sau' | chpasswd -c YESCRYPT; chage -M 30 -m 1 -I 30 an; "
"""An ordinary account like the healthy one."""
_GONE = "userdel -rf an 2>/dev/null"
_SUDO = "/etc/sudoers.d/90-planted"


def sudo(name: str, line: str, red: str = "") -> Planted:
    return Planted(name, f"echo '{line}' >{_SUDO}; chmod 440 {_SUDO}; visudo -cq", f"rm {_SUDO}", red)


@scenarios(
    [
        Planted("one-more-ordinary-account-is-no-finding", _AN, _GONE),
        Planted("account-without-password", _AN + "passwd -qd an", _GONE, red="accounts.no_empty_password"),
        # a name alone in /etc/passwd, with nothing between the colons, needs no shadow at all
        Planted(
            "empty-password-in-passwd-itself",
            _AN + "sed -i 's/^an:x:/an::/' /etc/passwd",
            _GONE,
            red="accounts.no_empty_password",
        ),
        Planted(
            "second-account-with-id-0",
            "useradd --non-unique --uid 0 --no-create-home --shell /bin/bash toor; usermod -L toor",
            "sed -i '/^toor:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow",
            red="accounts.single_root accounts.unique_ids",
        ),
        Planted("two-names-for-one-id", _AN + "usermod -o -u 1500 an", "usermod -u 1600 an; " + _GONE, red="accounts.unique_ids"),
        Planted(
            "root-gets-a-password",
            "echo 'root:Qu3n-cu-da-ph0ng-Sau' | chpasswd -c YESCRYPT; chage -M 30 -m 1 root",
            "usermod -p '*' root; chage -M 99999 -m 0 root",
            red="accounts.root_password_locked",
        ),
        Planted(
            "the-only-administrator-leaves-the-group",
            "gpasswd -d nvan sudo",
            "gpasswd -a nvan sudo",
            red="accounts.named_administrator",
        ),
        Planted(
            "default-name-with-a-password",
            "useradd --uid 1601 --no-create-home --shell /bin/bash admin; echo 'admin:Qu3n-cu-da-ph0ng-Sau' | chpasswd -c YESCRYPT; chage -M 30 -m 1 -I 30 admin",
            "userdel -f admin",
            red="accounts.default_names",
        ),
        Planted(
            "service-account-with-a-key",
            "usermod -s /bin/bash -d /var/www www-data; mkdir -p /var/www/.ssh; ssh-keygen -qt ed25519 -N '' -f /tmp/key; cat /tmp/key.pub >/var/www/.ssh/authorized_keys",
            "rm -rf /var/www/.ssh /tmp/key*; usermod -s /usr/sbin/nologin www-data",
            red="accounts.system_logon",
        ),
        # and so the account never locks by itself
        Planted(
            "password-never-ends",
            "chage -M 99999 nvan",
            "chage -M 30 nvan",
            red="accounts.password_max_age accounts.inactive_lock",
        ),
        # of an account nobody works with: one of a person would count as forgotten, too, where log-ons are not recorded
        Planted(
            "password-older-than-its-period",
            "useradd --system --shell /usr/sbin/nologin old; echo 'old:Qu3n-cu-da-ph0ng-Sau' | chpasswd -c YESCRYPT; chage -M 30 -m 1 -d 2025-01-01 old",
            "userdel old",
            red="accounts.password_changed",
        ),
        Planted("password-may-be-changed-at-once", "chage -m 0 nvan", "chage -m 1 nvan", red="accounts.password_min_age"),
        Planted("account-never-locks-by-itself", "chage -I -1 nvan", "chage -I 30 nvan", red="accounts.inactive_lock"),
        Planted("weak-hash", _AN + r"usermod -p '$1$ab$qnPnTgSQB8n5cGV2ZrLrF/' an", _GONE, red="accounts.password_hash"),
        sudo("sudo-without-a-password", "nvan ALL=(ALL:ALL) NOPASSWD: ALL", "accounts.sudo_password"),
        sudo("sudo-for-one-command-without-a-password", "nvan ALL=(root) NOPASSWD: /usr/bin/true", "accounts.sudo_password"),
        sudo("sudo-without-a-password-for-one-by-defaults", "Defaults:nvan !authenticate", "accounts.sudo_password"),
        sudo("sudo-without-a-password-for-all-by-defaults", "Defaults !authenticate", "accounts.sudo_password"),
        sudo("sudo-for-everybody", "ALL ALL=(ALL:ALL) ALL", "accounts.sudo_everyone"),
        Planted(
            "accounts-come-from-a-directory",
            "sed -i 's/^passwd: files/passwd: files sss/' /etc/nsswitch.conf",
            "sed -i 's/ sss//' /etc/nsswitch.conf",
            green="accounts.central",
        ),
    ]
)
def test_account(patient: Patient, case: Planted) -> None:
    plant(patient, case)


def test_forgotten_account(patient: Patient) -> None:
    """It is told by the record of log-ons. Debian 13 keeps none unless lastlog2 is installed, and then nobody can tell."""
    kept = patient.machine.sh("command -v lastlog lastlog2 || true").strip()
    turns = (
        {"red": "accounts.password_changed accounts.dormant"}
        if kept
        else {"red": "accounts.password_changed", "unknown": "accounts.dormant"}
    )
    plant(patient, Planted("forgotten", _AN + "chage -d 2025-01-01 an", _GONE, **turns))


def test_shadow_cut_off(patient: Patient) -> None:
    """Half a file of passwords must not look like a machine without bad ones."""
    lost = ("no_empty_password", "password_hash", "password_max_age", "password_changed", "password_min_age", "inactive_lock")
    cut = "cp -p /etc/shadow /srv/shadow; sed -i '/^nvan:/d' /etc/shadow"
    blindfold(
        patient, Planted("cut", cut, "cp -p /srv/shadow /etc/shadow", unknown=" ".join(f"accounts.{name}" for name in lost))
    )
