"""Brings the copy to a state in which nearly every check of the standard passes.

The scenarios break one thing of it each. What stays red or unknown here is listed in `test_healthy.py` with the reason.
"""

from __future__ import annotations

from pathlib import Path

from collectors.transports.replay import ReplayShell
from tests.planted.machine import REPOSITORY, Machine

_KERNEL = REPOSITORY / "tests/cases/logs/debian12--whole-set-of-audit-rules-loaded-daemon-dead/transcript.yaml"


def heal(machine: Machine) -> None:
    """Everything; a few seconds."""
    for script in (_ACCOUNTS, _PASSWORDS, _SSH, _BOOT, _FIREWALL):
        machine.sh(script)
    _logs(machine)
    _audit(machine)
    _clock(machine)
    _antivirus(machine)
    _updates(machine)
    machine.sh("until clock-follows; do sleep 0.1; done")


# --- people ------------------------------------------------------------------------------------------------------------

_ACCOUNTS = r"""
# whoever this machine belongs to is not here
for name in $(awk -F: '$3 >= 1000 && $1 != "nobody" {print $1}' /etc/passwd); do userdel -f $name; done
sed -i 's|^\([^:]*\):[^:]*:|\1:*:|' /etc/shadow
rm -rf /root/.ssh /etc/sudoers.d/*
printf 'Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n' >/etc/sudoers
chmod 440 /etc/sudoers
chmod 755 /etc/sudoers.d
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' >/etc/nsswitch.conf
groupadd -f sudo
useradd --uid 1500 --create-home --shell /bin/bash --groups sudo nvan
echo 'nvan:Ng4y-mua-tren-s0ng-Da' | chpasswd --crypt-method YESCRYPT
chage --maxdays 60 --mindays 1 --inactive 30 nvan
if command -v lastlog >/dev/null; then : >/var/log/lastlog; lastlog --set --user nvan; fi
"""

_PASSWORDS = r"""
rm -f /usr/lib/*/security/pam_pwquality.so
cat >/etc/pam.d/common-auth <<'END'
auth required pam_faillock.so preauth
auth [success=2 default=ignore] pam_unix.so
auth [default=die] pam_faillock.so authfail
auth requisite pam_deny.so
auth required pam_permit.so
END
cat >/etc/pam.d/common-account <<'END'
account required pam_faillock.so
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
END
cat >/etc/pam.d/common-password <<'END'
password requisite pam_pwquality.so retry=3
password required pam_pwhistory.so remember=24 use_authtok
password [success=1 default=ignore] pam_unix.so obscure use_authtok try_first_pass yescrypt
password requisite pam_deny.so
password required pam_permit.so
END
for door in login sshd passwd; do
    printf '@include common-auth\n@include common-account\n@include common-password\nsession optional pam_umask.so\n' >/etc/pam.d/$door
done
cat >/etc/security/faillock.conf <<'END'
deny = 3
unlock_time = 3600
fail_interval = 3600
even_deny_root
END
rm -rf /etc/security/pwquality.conf.d
cat >/etc/security/pwquality.conf <<'END'
minlen = 16
minclass = 4
dictcheck = 1
enforce_for_root
END
set_definition() { sed -i "/^\s*$1\b/d" /etc/login.defs; echo "$1 $2" >>/etc/login.defs; }
set_definition PASS_MAX_DAYS 30
set_definition PASS_MIN_DAYS 1
set_definition PASS_WARN_AGE 7
set_definition UMASK 027
useradd -D -f 30
chage --maxdays 30 nvan
"""

# --- doors -------------------------------------------------------------------------------------------------------------

_SSH = r"""
mkdir -p /run/sshd
ssh-keygen -A >/dev/null
rm -rf /etc/ssh/sshd_config.d /etc/default/ssh
mkdir /etc/ssh/sshd_config.d
printf 'Include /etc/ssh/sshd_config.d/*.conf\nSubsystem sftp /usr/lib/openssh/sftp-server\n' >/etc/ssh/sshd_config
echo 'Authorised people only. What is done here is recorded.' >/etc/issue.net
cat >/etc/ssh/sshd_config.d/50-local.conf <<'END'
Port 2222
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
MaxAuthTries 3
LoginGraceTime 30
ClientAliveInterval 60
ClientAliveCountMax 1
MaxSessions 4
X11Forwarding no
AllowTcpForwarding no
UsePAM yes
LogLevel VERBOSE
Banner /etc/issue.net
AllowGroups sudo
Ciphers aes256-gcm@openssh.com,aes256-ctr
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-512
KexAlgorithms curve25519-sha256,diffie-hellman-group16-sha512
END
echo 'readonly TMOUT=60; export TMOUT' >/etc/profile.d/tmout.sh
"""

_BOOT = r"""
# init of the System V kind: what starts at boot are these links
rm -f /etc/rc[2-5].d/S*
mkdir -p /etc/rc2.d
for service in auditd chrony nftables rsyslog ssh; do ln -s ../init.d/$service /etc/rc2.d/S01$service; done
rm -f /etc/systemd/system/display-manager.service
rm -f /usr/sbin/gdm3 /usr/sbin/lightdm /usr/bin/sddm
"""

_FIREWALL = r"""
cat >/etc/nftables.conf <<'END'
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        tcp dport 2222 accept
    }
    chain forward { type filter hook forward priority 0; policy drop; }
}
END
nft -f /etc/nftables.conf
"""

# --- logs --------------------------------------------------------------------------------------------------------------


def _logs(machine: Machine) -> None:
    """rsyslog as Debian sets it up, without imklog (it would take the kernel's messages away from the real log)."""
    machine.sh(r"""
rm -f /etc/rsyslog.d/* /etc/logrotate.d/*
rm -rf /var/log/auth.log /var/log/syslog /var/log/secure /var/log/messages
cat >/etc/rsyslog.conf <<'END'
module(load="imuxsock")
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
$WorkDirectory /var/spool/rsyslog
$IncludeConfig /etc/rsyslog.d/*.conf
*.*;auth,authpriv.none -/var/log/syslog
auth,authpriv.* /var/log/auth.log
END
cat >/etc/rsyslog.d/90-central.conf <<'END'
*.* action(type="omfwd" target="192.0.2.10" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name")
END
printf 'weekly\nrotate 4\ninclude /etc/logrotate.d\n' >/etc/logrotate.conf
printf '/var/log/syslog /var/log/auth.log {\n    daily\n    rotate 400\n    compress\n}\n' >/etc/logrotate.d/rsyslog
install -m 640 /dev/null /var/log/auth.log
install -m 640 /dev/null /var/log/syslog
""")
    machine.write("/usr/local/bin/log-restart", "#!/bin/sh -e\nstop rsyslogd\nrm -f /run/rsyslogd.pid\nrsyslogd\n", 0o755)
    machine.sh("log-restart")


def _audit(machine: Machine) -> None:
    """A real auditd that does not listen to the kernel (local_events = no), and the stand-in for auditctl."""
    recorded = ReplayShell.load(Path(_KERNEL))
    machine.write("/srv/audit/status", recorded.run("auditctl", "-s").out.replace("enabled 1", "enabled 2"))
    machine.write("/srv/audit/rules", recorded.run("auditctl", "-l").out)
    machine.write(
        "/usr/sbin/auditctl", "#!/bin/sh\ncase $1 in -s) cat /srv/audit/status;; -l) cat /srv/audit/rules;; esac\n", 0o755
    )
    machine.write(
        "/usr/local/bin/audit-start",
        "#!/bin/sh -e\nauditd -n -s nochange </dev/null >/dev/null 2>&1 &\nuntil grep -qsx auditd /proc/[0-9]*/comm; do sleep 0.02; done\n",
        0o755,
    )
    machine.sh(r"""
sed -i '/^\(local_events\|disk_full_action\|max_log_file_action\|plugin_dir\)\b/d' /etc/audit/auditd.conf
printf 'local_events = no\ndisk_full_action = SYSLOG\nmax_log_file_action = KEEP_LOGS\nplugin_dir = /srv/audit/plugins\n' >>/etc/audit/auditd.conf
mkdir -p -m 750 /var/log/audit /srv/audit/plugins
audit-start
""")


def _clock(machine: Machine) -> None:
    """Two chronyd that leave the clock alone (-x): a reference, and this machine's own that follows it four times a second."""
    machine.sh("ln -sf /usr/share/zoneinfo/Asia/Ho_Chi_Minh /etc/localtime; mkdir -p -m 750 /run/chrony /run/reference")
    machine.write("/srv/reference.conf", "local stratum 8\nport 11123\ncmdport 0\nallow 127.0.0.1\nbindaddress 127.0.0.1\nbindcmdaddress /\npidfile /run/reference/pid\n")  # fmt: skip
    machine.write("/etc/chrony/chrony.conf", "server 127.0.0.1 port 11123 iburst minpoll -2 maxpoll -2\ncmdport 0\nport 0\npidfile /run/chrony/chronyd.pid\nbindcmdaddress /run/chrony/chronyd.sock\n")  # fmt: skip
    machine.write("/usr/local/bin/clock-start", "#!/bin/sh -e\nstop chronyd\nrm -f /run/reference/* /run/chrony/*\nchronyd -x -u root -f /srv/reference.conf\nchronyd -x -u root -f /etc/chrony/chrony.conf\n", 0o755)  # fmt: skip
    machine.write(
        "/usr/local/bin/clock-follows",
        "#!/bin/sh\nchronyc -c -n sources 2>/dev/null | grep -q '^^,\\*,127.0.0.1,.*,377,'\n",
        0o755,
    )
    machine.sh("clock-start")


def _antivirus(machine: Machine) -> None:
    machine.write("/usr/bin/clamscan", "#!/bin/sh\necho ClamAV 1.4.6/28163/today\n", 0o755)
    machine.write("/usr/local/bin/signatures", "#!/bin/sh\nmkdir -p /var/lib/clamav\nprintf 'ClamAV-VDB:%s +0000:28163:' \"$(date -u -d \"$1\" '+%d %b %Y %H-%M')\" >/var/lib/clamav/daily.cld\n", 0o755)  # fmt: skip
    machine.write("/etc/clamav/clamd.conf", "OnAccessIncludePath /home\n")
    machine.write("/usr/bin/aide", "#!/bin/sh\n", 0o755)
    machine.sh("rm -rf /var/lib/clamav; touch /usr/sbin/clamd; signatures now; stand-in clamd; stand-in clamonacc")


# --- updates -----------------------------------------------------------------------------------------------------------


def _updates(machine: Machine) -> None:
    """An archive of one package on this machine's own disk, which real apt reads and from which real dpkg installs.

    `publish POCKET PROBE-VERSION DATE POINT-RELEASE` writes one pocket anew.
    """
    machine.write("/usr/local/bin/publish", _PUBLISH, 0o755)
    machine.sh(r"""
. /etc/os-release
echo $VERSION_ID.5 >/etc/debian_version
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/* /etc/apt/preferences.d/* /var/lib/apt/lists/* /var/lib/apt/periodic
dpkg --get-selections | awk '$2 == "hold" {print $1 " install"}' | dpkg --set-selections
echo 'APT::Sandbox::User "root"; Acquire::Languages "none";' >/etc/apt/apt.conf.d/10copy
cat >/etc/apt/sources.list <<END
deb [trusted=yes] copy:/srv/archive/debian $VERSION_CODENAME main
deb [trusted=yes] copy:/srv/archive/debian-security $VERSION_CODENAME-security main
END
for version in 1.0 1.1; do
    mkdir -p /srv/probe/DEBIAN /srv/archive/pool
    printf 'Package: rasoat-probe\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: empty\n' $version >/srv/probe/DEBIAN/control
    dpkg-deb -b /srv/probe /srv/archive/pool/rasoat-probe_$version.deb >/dev/null
done
mkdir /srv/archive/debian /srv/archive/debian-security
ln -s ../pool /srv/archive/debian/pool
ln -s ../pool /srv/archive/debian-security/pool
publish main 1.0
publish security 1.0
apt-get update -qq
dpkg -i /srv/archive/pool/rasoat-probe_1.0.deb >/dev/null
""")


_PUBLISH = r"""#!/bin/sh -e
. /etc/os-release
version=$2 date=$(date -u -R -d "${3:-1 hour ago}") point=${4:-$(cat /etc/debian_version)}
case $1 in
    main) folder=/srv/archive/debian/dists/$VERSION_CODENAME label=Debian suite=stable codename=$VERSION_CODENAME ;;
    security) folder=/srv/archive/debian-security/dists/$VERSION_CODENAME-security label=Debian-Security suite=stable-security codename=$VERSION_CODENAME-security ;;
esac
arch=$(dpkg --print-architecture)
mkdir -p $folder/main/binary-$arch
cd $folder
file=/srv/archive/pool/rasoat-probe_$version.deb
cat >main/binary-$arch/Packages <<END
Package: rasoat-probe
Version: $version
Architecture: all
Maintainer: Nobody <nobody@example.org>
Filename: pool/rasoat-probe_$version.deb
Size: $(stat -c %s $file)
SHA256: $(sha256sum $file | cut -d' ' -f1)
Description: empty

END
cat >Release <<END
Origin: Debian
Label: $label
Suite: $suite
Version: $point
Codename: $codename
Date: $date
Architectures: $arch all
Components: main
No-Support-for-Architecture-all: Packages
SHA256:
 $(sha256sum main/binary-$arch/Packages | cut -d' ' -f1) $(stat -c %s main/binary-$arch/Packages) main/binary-$arch/Packages
END
"""
