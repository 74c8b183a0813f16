"""The SSH server's settings in force, as the real sshd tells them, and the shell's idle limit."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, plant, scenarios

pytestmark = MARKS

_FIRST = "/etc/ssh/sshd_config.d/00-planted.conf"
_MAIN = "/etc/ssh/sshd_config"


def first(name: str, lines: str, red: str = "", unknown: str = "") -> Planted:
    """A drop-in that is read before the healthy one, so its values win."""
    return Planted(name, f"printf '{lines}\\n' >{_FIRST}; sshd -t", f"rm {_FIRST}", red, unknown)


def main(name: str, lines: str, red: str = "", unknown: str = "") -> Planted:
    """Lines at the end of the main file."""
    return Planted(name, f"cp {_MAIN} /srv/kept; printf '{lines}\\n' >>{_MAIN}; sshd -t", f"cp /srv/kept {_MAIN}", red, unknown)


_ROOT = "remote_access.root_login remote_access.root_password_login"


@scenarios(
    [
        first("root-log-on", "PermitRootLogin yes", _ROOT),
        first("root-log-on-with-a-key", "PermitRootLogin prohibit-password", "remote_access.root_login"),
        # the first value wins: what stands behind the drop-ins changes nothing
        main("root-log-on-behind-the-drop-in-does-nothing", "PermitRootLogin yes"),
        main("match-block-lets-root-in", "Match Address 10.0.0.0/8\\n    PermitRootLogin yes", _ROOT),
        main("match-block-lets-passwords-in", "Match User nvan\\n    PasswordAuthentication yes", "remote_access.keys_only"),
        main("match-block-that-tightens", "Match User nvan\\n    MaxAuthTries 1\\n    PermitRootLogin no"),
        main(
            "match-block-loosens-the-rest",
            "Match Group sudo\\n    MaxAuthTries 20\\n    X11Forwarding yes\\n    AllowTcpForwarding yes\\n    MaxSessions 100\\n    Banner none\\n    ClientAliveInterval 0\\n    LogLevel QUIET",
            "remote_access.max_auth_tries remote_access.x11_forwarding remote_access.tcp_forwarding remote_access.max_sessions remote_access.banner remote_access.dead_sessions remote_access.log_level",
        ),
        first("passwords", "PasswordAuthentication yes", "remote_access.keys_only"),
        first("passwords-by-keyboard-interactive", "KbdInteractiveAuthentication yes", "remote_access.keys_only"),
        first("empty-passwords", "PermitEmptyPasswords yes", "remote_access.empty_passwords"),
        first("many-tries", "MaxAuthTries 20", "remote_access.max_auth_tries"),
        first("no-time-limit-for-logging-on", "LoginGraceTime 0", "remote_access.login_grace"),
        first("dead-sessions-stay", "ClientAliveInterval 0", "remote_access.dead_sessions"),
        first("count-of-0-never-ends-a-session", "ClientAliveCountMax 0", "remote_access.dead_sessions"),
        first("many-sessions", "MaxSessions 100", "remote_access.max_sessions"),
        first("screens-forwarded", "X11Forwarding yes", "remote_access.x11_forwarding"),
        first("ports-forwarded", "AllowTcpForwarding local", "remote_access.tcp_forwarding"),
        first("forwarding-switched-off-at-large", "AllowTcpForwarding yes\\nX11Forwarding yes\\nDisableForwarding yes"),
        first("other-hosts-trusted", "HostbasedAuthentication yes", "remote_access.host_based"),
        first("without-pam", "UsePAM no", "remote_access.use_pam"),
        first("keys-in-open-files", "StrictModes no", "remote_access.strict_modes"),
        first("log-ons-not-recorded", "LogLevel QUIET", "remote_access.log_level"),
        first("no-banner", "Banner none", "remote_access.banner"),
        Planted(
            "banner-file-is-empty",
            "cp /etc/issue.net /srv/kept; : >/etc/issue.net",
            "cp /srv/kept /etc/issue.net",
            red="remote_access.banner",
        ),
        Planted(
            "everybody-may-come-in",
            "sed -i /AllowGroups/d /etc/ssh/sshd_config.d/50-local.conf",
            "echo 'AllowGroups sudo' >>/etc/ssh/sshd_config.d/50-local.conf",
            red="remote_access.users_restricted",
        ),
        first("default-port-too", "Port 22", "remote_access.own_port"),
        first("weak-cipher", "Ciphers aes256-ctr,3des-cbc", "remote_access.ciphers"),
        first("weak-mac", "MACs hmac-sha2-512,hmac-sha1", "remote_access.macs"),
        first("short-mac", "MACs umac-64-etm@openssh.com", "remote_access.macs"),
        first("weak-key-exchange", "KexAlgorithms curve25519-sha256,diffie-hellman-group14-sha1", "remote_access.key_exchanges"),
        Planted(
            "options-on-the-command-line",
            "echo 'SSHD_OPTS=\"-o PermitRootLogin=yes\"' >/etc/default/ssh",
            "rm /etc/default/ssh",
            red=_ROOT,
        ),
        Planted(
            "no-idle-limit",
            "rm /etc/profile.d/tmout.sh",
            "echo 'readonly TMOUT=60; export TMOUT' >/etc/profile.d/tmout.sh",
            red="remote_access.idle_timeout",
        ),
        Planted(
            "idle-limit-taken-back",
            "echo 'TMOUT=0' >/etc/profile.d/zz.sh",
            "rm /etc/profile.d/zz.sh",
            red="remote_access.idle_timeout",
        ),
        Planted(
            "idle-limit-under-a-condition",
            "echo 'if [ -n \"$SSH_TTY\" ]; then TMOUT=30; fi' >/etc/profile.d/tmout.sh",
            "echo 'readonly TMOUT=60; export TMOUT' >/etc/profile.d/tmout.sh",
            unknown="remote_access.idle_timeout",
        ),
    ]
)
def test_ssh(patient: Patient, case: Planted) -> None:
    plant(patient, case)


def test_broken_configuration(patient: Patient) -> None:
    """sshd does not start with it. Its files are read instead, and a setting no file of it names is not known."""
    plant(patient, Planted("broken", f"echo 'Nonsense yes' >{_FIRST}; ! sshd -t 2>/dev/null", f"rm {_FIRST}"))
