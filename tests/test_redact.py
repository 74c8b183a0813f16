"""redact: no secret gets through, no setting gets lost, twice is once."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.redact import GONE, redact

SECRET = "kX9vQ2mZ7bTr"
HASH = "w4zGq1Vb5cXn8PjR3sLd0YkT7hFu2Ae"

MUST_NOT_SURVIVE = {
    "yescrypt in shadow": (f"root:$y$j9T${HASH}$abc.{HASH}:19000:0:99999:7:::", "/etc/shadow"),
    "locked sha512 in shadow": (f"bob:!$6$salt${HASH}:19000:0:99999:7:::", "/etc/shadow"),
    "unknown hash in shadow": (f"bob:{{weird}}{HASH}:19000::::::", "/etc/shadow"),
    "shadow backup": (f"bob:plain{HASH}:19000::::::", "/etc/shadow-"),
    "gshadow": (f"wheel:{HASH}::bob", "/etc/gshadow"),
    "shadow line in a message": (f"unexpected line\nbob:$6$salt${HASH}:19000:0:99999:7:::", ""),
    "hash in passwd": (f"bob:$1$salt${HASH}:1000:1000::/home/bob:/bin/sh", "/etc/passwd"),
    "hash in prose": (f"the hash $2b$12${HASH}{HASH} stood there", ""),
    "apache hash": (f"bob:$apr1$salt${HASH}", ""),
    "openldap": (f"rootpw {{SSHA}}{HASH}", "/etc/ldap/slapd.conf"),
    "openldap bare": (f"olcRootPW: {{SSHA}}{HASH}", ""),
    "ldif": (f"userPassword:: {HASH}", ""),
    "grub": ("password_pbkdf2 root grub.pbkdf2.sha512.10000.ABCDEF0123456789.0123456789ABCDEF0123", "/etc/grub.d/40_custom"),
    "snmpd read": (f"rocommunity {SECRET} 10.0.0.0/8", "/etc/snmp/snmpd.conf"),
    "snmpd write v6": (f"  rwcommunity6 {SECRET}", ""),
    "snmpd of digits": ("rocommunity 8675309", ""),
    "snmpd com2sec": (f"com2sec readonly default {SECRET}", ""),
    "snmpd com2sec context": (f"com2sec -Cn ctx readonly 10.0.0.0/8 {SECRET}", ""),
    "snmpd user": (f'createUser monitor SHA "{SECRET}" AES "{SECRET}2"', ""),
    "snmpd trap": (f"trap2sink 192.0.2.1 {SECRET}", ""),
    "switch": (f"snmp-server community {SECRET} ro", ""),
    "rsyslog action": (f'action(type="ommysql" server="db" db="logs" uid="log" pwd="{SECRET} {SECRET}")', "/etc/rsyslog.conf"),
    "rsyslog old": (f"*.* :ommysql:127.0.0.1,Syslog,rsyslog,{SECRET}", ""),
    "rsyslog parameter": (f'module(load="x" password="{SECRET}")', ""),
    "nslcd": (f"bindpw {SECRET}", "/etc/nslcd.conf"),
    "nslcd with comment": (f"bindpw {SECRET}   # do not tell", ""),
    "sssd": (f"ldap_default_authtok = {SECRET} and more {SECRET}", "/etc/sssd/sssd.conf"),
    "with comma": (f"password=ab,{SECRET}", ""),
    "of digits": ("password = 20261122", ""),
    "with blanks": (f"passphrase: correct {SECRET} staple", ""),
    "with slash": (f"password=/{SECRET}", ""),
    "equals inside": (f"password = a b={SECRET}", ""),
    "json": (f'{{"user": "bob", "password": "{SECRET}"}}', ""),
    "json with quote": (f'{{"password": "a\\"{SECRET}", "x": 1}}', ""),
    "yaml": (f"db:\n  api_key: '{SECRET}'\n", ""),
    "environment": (f"DB_PASSWORD={SECRET} LANG=C", ""),
    "odbc": (f"Driver=x;UID=sa;PWD={SECRET};", ""),
    "mysql option": (f"mysqldump --password={SECRET} db", ""),
    "aws": (f"aws_secret_access_key = {SECRET}", ""),
    "url": (f"deb https://bob:{SECRET}@apt.example/debian stable main", ""),
    "url with at": (f"https://bob:{SECRET}@{SECRET}@apt.example/", ""),
    "url with slash": (f"https://bob:a/{SECRET}@apt.example/", ""),
    "url with digits and slash": (f"https://bob:0000000/{SECRET}@apt.example/", ""),
    "url like a port": (f"https://bob:8080/{SECRET}@apt.example/", ""),
    "url token": (f"https://{SECRET}{SECRET}@git.example/x.git", ""),
    "proxy": (f'Acquire::http::Proxy "http://u:{SECRET}@proxy.example:3128";', ""),
    "apt auth": (f"machine apt.example login bob password {SECRET}", "/etc/apt/auth.conf"),
    "bearer": (f"Authorization: Bearer {SECRET}{SECRET}", ""),
    "basic": (f"authorization: Basic {SECRET}==", ""),
    "github": (f"token ghp_{HASH}{HASH} in use", ""),
    "jwt": (f"got eyJhbGciOiJI.eyJzdWIiOiIx{HASH}.{HASH}", ""),
    "aws id": ("AKIAIOSFODNN7EXAMPLE", ""),
    "wpa": (f'network={{\n  ssid="x"\n  psk="{SECRET} {SECRET}"\n}}', "/etc/wpa_supplicant/wpa_supplicant.conf"),
    "wpa hex": (f"\tpsk={HASH}", ""),
    "hostapd": (f"wpa_passphrase={SECRET}", ""),
    "wep": (f"wep_key0={SECRET}", ""),
    "chrony": (f"1 SHA1 HEX:{HASH}\n10 MD5 ASCII:{SECRET}", "/etc/chrony/chrony.keys"),
    "chrony without type": (f"5 {SECRET}", "/etc/chrony/chrony.keys"),
    "chrony in a message": (f"25 AES256 HEX:{HASH}", ""),
    "ntp": (f" 7  M   {SECRET}", "/etc/ntp.keys"),
    "ipsec": (f'vpn.example : PSK "{SECRET} {SECRET}"', ""),
    "ipsec file": (f": RSA x {SECRET}", "/etc/ipsec.secrets"),
    "ppp": (f"bob * {SECRET} *", "/etc/ppp/chap-secrets"),
    "radius": (f"192.0.2.1 {SECRET} 3", "/etc/pam_radius_auth.conf"),
    "wazuh": (f"001 web 10.0.0.1 {HASH}", "/var/ossec/etc/client.keys"),
    "wireguard": (f"[Interface]\nPrivateKey = {HASH}=\n[Peer]\nPresharedKey = {HASH}=", ""),
    "openssh key": (f"-----BEGIN OPENSSH PRIVATE KEY-----\n{HASH}\n-----END OPENSSH PRIVATE KEY-----", ""),
    "rsa key cut short": (f"x\n-----BEGIN RSA PRIVATE KEY-----\n{HASH}\n{SECRET}", ""),
    "pgp key": (f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{HASH}\n-----END PGP PRIVATE KEY BLOCK-----", ""),
    "putty": (f"Private-Lines: 1\n{HASH}\nPrivate-MAC: 00", ""),
    "smbpasswd": (f"bob:1000:{'AB' * 16}:{'CD' * 16}:[U          ]:LCT-1:", ""),
}  # fmt: skip

MUST_SURVIVE = {
    "sshd -T": (
        "passwordauthentication yes\npermitemptypasswords no\npermitrootlogin without-password\nkbdinteractiveauthentication no\n"
        "permitrootlogin prohibit-password\nsyslogfacility AUTH\nauthenticationmethods publickey,password\nmaxauthtries 6\n"
        "pubkeyauthentication yes\nhostkey /etc/ssh/ssh_host_rsa_key\nauthorizedkeysfile .ssh/authorized_keys\npubkeyauthoptions none"
    ),
    "dpkg.log": "2026-11-22 06:13:59 status installed passwd:amd64 1:4.17.4-2\n2026-11-22 06:13:59 configure base-passwd:amd64 3.6.7 <none>",
    "sshd_config": "PasswordAuthentication no\nPermitEmptyPasswords no\n#PermitRootLogin prohibit-password\nChallengeResponseAuthentication no",
    "pam": (
        "password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok try_first_pass yescrypt\n"
        "password requisite pam_pwquality.so retry=3 minlen=8\npassword required pam_pwhistory.so remember=5 use_authtok\n"
        "@include common-password\npassword   include      system-auth\npassword\trequisite\t\t\tpam_deny.so\n"
        "auth required pam_faillock.so preauth deny=5 unlock_time=900\npassword substack password-auth\n-password optional pam_gnome_keyring.so"
    ),
    "login.defs": "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS\t0\nPASS_WARN_AGE 7\nENCRYPT_METHOD SHA512\nLOGIN_RETRIES 5\nSHA_CRYPT_MIN_ROUNDS 5000",
    "pwquality": "minlen = 12\ndcredit = -1\nretry = 3\nenforcing = 1\nusercheck = 1\ndictcheck = 1\nbadwords = admin vietnam",
    "nsswitch": "passwd:         files systemd\ngroup:          files\nshadow:         files\npasswd:\tcompat sss\npasswd_compat: nis",
    "sudoers": (
        "%sudo ALL=(ALL:ALL) ALL\nbob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(root) NOPASSWD: /usr/bin/id, PASSWD: /bin/sh\n"
        'Defaults passwd_tries=3, passprompt="Password: "\nDefaults rootpw\nDefaults !targetpw\nbob ALL = NOPASSWD: REBOOT'
    ),
    "passwd file": "root:x:0:0:root:/root:/bin/bash\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin",
    "chage": "Last password change\t\t\t\t\t: Nov 01, 2026\nPassword expires\t\t\t\t\t: never\nPassword inactive\t\t\t\t\t: never",
    "passwd -S": "root P 2026-11-01 0 99999 7 -1\ndaemon L 2026-11-01 0 99999 7 -1",
    "refusals": (
        "sudo: a password is required\n/etc/security/opasswd: permission denied; run as root to see it\n/etc/shadow: permission denied\n"
        "opasswd: not installed\nbob is not in the sudoers file."
    ),
    "journal": "Nov 22 04:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2",
    "urls": "deb http://mirror.example:80/debian bookworm main\nHOME_URL=\"https://www.debian.org/\"\nssh://git@git.example/x\nhttp://h:80/@a/b\nhttp://h:8080/x/@a",
    "chrony": "pool 2.debian.pool.ntp.org iburst\nkeyfile /etc/chrony/chrony.keys\n1 server",
    "snmpd": "agentaddress 127.0.0.1,[::1]\nsysLocation community hall\nview systemonly included .1.3.6.1.2.1.1",
    "public key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOABGenql/rheaLLC1OWQ7STMHO1s+etROIV/PnuI3eG bob\n-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
    "host key": "unknown host key ssh-ed25519 SHA256:Nfn44Eyj97KDXp8P+VExOXtvKh0Uq5+jabNb1s75FM8. Nothing was sent.",
    "empty": "password=\npassword:\npassword = \"\"\npasswd: *\n\n",
    "systemd": "TokenLimit=5\nLoadCredential=x\nId=ssh.service\nActiveState=active",
    "packages": "passwd 1:4.13+dfsg1-1\nlibsecret-1-0 0.20.5-3\npassword-store 1.7.4-6 all",
    "yaml keys": "password_file: /etc/x\npassword_env: X_PASSWORD",
}  # fmt: skip


@pytest.mark.parametrize("case", MUST_NOT_SURVIVE)
def test_a_secret_does_not_survive(case: str) -> None:
    text, path = MUST_NOT_SURVIVE[case]
    clean = redact(text, path)
    for secret in (SECRET, HASH, "8675309", "20261122", "EXAMPLE", "ABCDEF", "CDCD", "staple"):
        assert secret not in clean
    assert GONE in clean
    assert redact(clean, path) == clean


@pytest.mark.parametrize("case", MUST_SURVIVE)
def test_a_setting_survives_to_the_letter(case: str) -> None:
    assert redact(MUST_SURVIVE[case]) == MUST_SURVIVE[case]


def test_the_class_of_a_hash_and_a_lock_stay() -> None:
    shadow = f"a:$y$j9T$x${HASH}:1:0:9:7:::\nb:!$6$x${HASH}:1::::::\nc:!abcdefghijklm:1::::::\nd::1::::::\ne:!*:1::::::\nf:!!:1::::::\n"
    assert redact(shadow, "/etc/shadow").splitlines() == [
        f"a:$y${GONE}:1:0:9:7:::",
        f"b:!$6${GONE}:1::::::",
        f"c:!DES{GONE}:1::::::",
        "d::1::::::",
        "e:!*:1::::::",
        "f:!!:1::::::",
    ]


def test_json_stays_json() -> None:
    import json

    clean = json.loads(redact(json.dumps({"password": SECRET, "n": [1, {"token": SECRET, "x": "y"}]})))
    assert clean == {"password": GONE, "n": [1, {"token": GONE, "x": "y"}]}
    indented = json.loads(redact(json.dumps({"password": SECRET, "n": [1, {"token": SECRET, "x": "y"}]}, indent=2)))
    assert indented == clean


PIECES = st.one_of(
    st.sampled_from([text for text, _ in MUST_NOT_SURVIVE.values()] + list(MUST_SURVIVE.values())),
    st.sampled_from(["password", "secret=", "passwd: ", "token ", " = ", ": ", "\n", '"', "'", ",", "://", "@", "$6$", GONE, "!", "psk=", "bindpw ", "\t", "#"]),
    st.text(max_size=20),
)  # fmt: skip
PATHS = st.sampled_from(["", "/etc/shadow", "/etc/passwd", "/etc/chrony/chrony.keys", "/etc/ssh/sshd_config"])


@given(st.lists(PIECES, max_size=8).map("".join), PATHS)
def test_twice_is_once(text: str, path: str) -> None:
    once = redact(text, path)
    assert redact(once, path) == once


WORDS = st.text(string.ascii_letters + string.digits + "#%^*+/_,;!?~|-", min_size=6, max_size=24).filter(
    lambda word: word[0] not in "#[!*" and any(c.isalpha() for c in word)
)


@given(
    st.sampled_from(
        [
            "password = {}", "DB_PASSWORD={}", 'pwd="{}"', "  psk='{}'", "bindpw {}", "rocommunity {}", "ldap_default_authtok: {}", '"secret": "{}"',
            "machine h login u password {}", "createUser u MD5 {} DES", "x api_key={} y", "com2sec a default {}", "wpa_passphrase={}", "://u:{}@h",
        ]
    ),
    WORDS,
    st.sampled_from(["", "# a comment\n", "PermitRootLogin no\n", "other = value\n"]),
)  # fmt: skip
def test_whatever_the_secret_it_goes_from_its_place(place: str, secret: str, before: str) -> None:
    if place.startswith("://"):
        place, secret = "http" + place, secret.replace("/", "_").replace("#", "_").replace("?", "_")
    odd = f"Zq{secret}7"
    assert odd not in redact(before + place.format(odd) + "\n")


@given(st.binary(max_size=300))
def test_any_bytes_can_be_redacted(raw: bytes) -> None:
    for path in ("", "/etc/shadow", "/x/client.keys"):
        redact(raw.decode("utf-8", "replace"), path)


def test_a_long_line_takes_no_long_time() -> None:
    for text in (
        "a" * 200_000,
        "password " * 20_000,
        "x=" * 100_000,
        "://" * 50_000,
        ":" * 100_000,
        "a@" * 50_000,
        "_-." * 60_000,
        "http://" + "a:" * 20_000,
    ):
        redact(text)  # a pattern that backtracks would not come back
