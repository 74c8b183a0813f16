"""redact(text, path): secrets out, always on, for facts, reasons, logs and recordings.

Two mistakes are possible. Letting a secret through is the worse one; but eating an administrator's settings
(`NOPASSWD: ALL`, nsswitch's `passwd: files`, `permitemptypasswords no`) would make recorded cases lie. So a value goes
when its place says that it is a secret, and a word stays when its place says that it is a setting.
"""

from __future__ import annotations

import re

GONE = "(redacted)"

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.S
)
_PUTTY = re.compile(r"(?m)^(Private-Lines: \d+\n)(?:[A-Za-z0-9+/=]+\n?)+")

_SHADOW_LINE = re.compile(r"(?m)^([^:\n]+):([^:\n]*)(?=:|$)")
_SHADOW_HASH = re.compile(r"(?m)^([^:\s]+:!{0,2})(\$[0-9a-zA-Z]+\$)[^:\n]*(?=:)")
_DES_HASH = re.compile(r"(?m)^([^:\s]+:!{0,2})(?:[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19})(?=(?::\d*){2,3}:)")
_CRYPT = re.compile(r"\$(y|gy|7|1|apr1|sm3|md5|sha1|2[abxy]?|5|6|argon2(?:id|i|d))\$(?!\(redacted\))[./0-9A-Za-z$=,+*\-]{8,}")
_LDAP_HASH = re.compile(r"\{(S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[\w-]*|ARGON2)\}(?!\(redacted\))[^\s\"',;]{8,}", re.I)
_GRUB = re.compile(r"(grub\.pbkdf2\.sha\d+\.\d+\.)[0-9A-Fa-f]+\.[0-9A-Fa-f]+")
_NT_HASH = re.compile(r"\b[0-9A-FX]{32}:[0-9A-FX]{32}\b")

_URL_USER = re.compile(
    r"(?i)\b([a-z][a-z0-9+.\-]{0,20}://)([^\s:/@\"'<>]{0,300})(:[^\s\"'<>]{0,300}?)?@(?=[\w.\[])(?![^\s/\"'<>]{0,300}@)"
)
_PORT_AND_PATH = re.compile(r":\d{1,5}/(?:[\w.\-]+/)*")
_BEARER = re.compile(
    r"(?i)\b(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest|token|negotiate)\s+|bearer\s+)(?!\(redacted\))[A-Za-z0-9._~+/=\-]{6,}"
)
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]*|sk-[A-Za-z0-9_-]{20,})"
)

_WORD = (
    r"(?:password|passwd|passphrase|passcode|pwd|secret|bindpw|rootpw|authtok|credentials?"
    r"|api[_\-]?key|access[_\-]?key|secret[_\-]?key|private[_\-]?key|preshared[_\-]?key|auth[_\-]?key|community|psk|token|wep_key[0-3])"
)
_NAME = rf"(?<![\w/.\-])([\"']?[a-z0-9_.\-]*{_WORD}[\"']?)"
# a line that is nothing but `name = value`: the value may hold blanks, so the rest of the line goes
_SETTING = re.compile(rf"(?im)^([ \t]*(?:(?:[-*$]|set[ \t])[ \t]*)?)({_NAME})([ \t]*(?:::?|=)[ \t]*)([^\n]+)$")
_NAMED = re.compile(rf"(?i){_NAME}([ \t]*[:=][ \t]*)(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s\"'&]+)")
# name, blank, one word, end of line: bindpw hunter2
_ALONE = re.compile(rf"(?im)^([ \t]*(?:set[ \t]+)?[a-z0-9_.\-]*{_WORD}[ \t]+)([^\s#]+)([ \t]*(?:#[^\n]*)?)$")
_NETRC = re.compile(r"(?i)(?<![\w-])((?:login|user)[ \t]+\S+[ \t]+password[ \t]+)(\S+)")
_PLACES = (
    # snmpd.conf and its clients
    re.compile(r"(?im)^([ \t]*(?:ro|rw)community6?[ \t]+)(\S+)"),
    re.compile(r"(?im)^([ \t]*(?:auth|trap)community[ \t]+(?:[a-z,]+[ \t]+)?)(\S+)[ \t]*$"),
    re.compile(r"(?im)^([ \t]*com2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+[ \t]+)(\S+)"),
    re.compile(r"(?im)^([ \t]*(?:trap2?sink|informsink)[ \t]+\S+[ \t]+)(\S+)"),
    re.compile(r"(?im)^([ \t]*(?:create|usm)user[ \t]+)([^\n]+)$"),
    re.compile(r"(?im)^([ \t]*snmp-server[ \t]+community[ \t]+)(\S+)"),
    # rsyslog's old database action: :ommysql:host,database,user,password
    re.compile(r"(?im)(:om(?:mysql|pgsql):[^,\s]*,[^,\s]*,[^,\s]*,)([^\s;]+)"),
    # chrony and ntp keys: 1 SHA1 HEX:...
    re.compile(
        r"(?im)^([ \t]*\d+[ \t]+(?:M|MD5|SHA1|SHA256|SHA384|SHA512|SHA3-\d+|TIGER|WHIRLPOOL|AES128|AES256|AES128CMAC)[ \t]+)(\S+)"
    ),
    # ipsec.secrets
    re.compile(r"(?i)(\b(?:PSK|XAUTH|EAP|NTLM)[ \t]+)(\"[^\"\n]*\"|0[sx]\S+)"),
)
_SECRET_FILES = re.compile(
    r"(?:/chrony[^/]*/?[^/]*\.keys|/ntp\.keys|/ntp/keys|/client\.keys|/(?:chap|pap|ipsec)[.-]?secrets|/\.pgpass|/\.netrc"
    r"|/pam_radius_auth\.conf|/raddb/server|/krb5\.keytab|/smbpasswd|/\.htpasswd|/htpasswd|/rndc\.key|/opasswd"
    r"|/\.git-credentials|/sasl_passwd|\.psk)$"
)
# fmt: off
_HARMLESS = frozenset({
    "yes", "no", "true", "false", "on", "off", "none", "null", "never", "always", "enabled", "disabled", "publickey,password", "complexity-check",
    "strength-check", "secure-mode",
    "required", "requisite", "sufficient", "optional", "include", "substack", "*", "!", "!!", "x",
})
_SETTLED = re.compile(r'\{|"(?:\$\w{1,8}\$)?\(redacted\)";?')
"""What begins a block in braces, and a quoted secret of which only its class is left: what closes it must stay."""
_ROUNDS = 10
_VERSION = re.compile(r"(?:\d+:)?\d[\w.+~]*-[\w.+~]+")
_ARCHITECTURES = frozenset({
    "all", "amd64", "arm64", "armel", "armhf", "i386", "loong64", "mips64el", "mipsel", "ppc64el", "riscv64", "s390x",
})
_TOOL_SAYS = re.compile(r"(?i)(?:permission denied|not found|no such|not installed|status \d|a directory|no answer)")
_NSSWITCH = frozenset({
    "files", "compat", "nis", "nisplus", "sss", "systemd", "db", "ldap", "winbind", "extrausers", "altfiles", "hesiod", "dns",
})
# fmt: on


def redact(text: str, path: str = "") -> str:
    """`text` without password hashes, keys, communities, tokens, or values that stand behind a word like password.

    The class of a hash stays ($6$, $y$): it is a fact. `path` decides for files whose whole meaning is secret.
    Redacting twice is redacting once.
    """
    # what one rule takes away may bare a place that another rule knows: until nothing changes any more
    for _ in range(_ROUNDS):
        again = _once(text, path)
        if again == text:
            break
        text = again
    return text


def _once(text: str, path: str) -> str:
    text = _PRIVATE_KEY.sub(GONE, text)
    text = _PUTTY.sub(rf"\1{GONE}\n", text)
    if path.endswith(("/shadow", "/shadow-", "/gshadow", "/gshadow-")):
        text = _SHADOW_LINE.sub(_shadow, text)
    elif _SECRET_FILES.search(path):
        return "\n".join(map(_blank, text.split("\n")))
    text = _SHADOW_HASH.sub(rf"\1\2{GONE}", text)
    text = _DES_HASH.sub(rf"\1DES{GONE}", text)
    text = _CRYPT.sub(rf"$\1${GONE}", text)
    text = _LDAP_HASH.sub(rf"{{\1}}{GONE}", text)
    text = _GRUB.sub(rf"\1{GONE}", text)
    text = _NT_HASH.sub(GONE, text)
    text = _BEARER.sub(rf"\1{GONE}", text)
    text = _TOKENS.sub(GONE, text)
    text = _URL_USER.sub(_url, text)
    for place in _PLACES:
        text = place.sub(_placed, text)
    text = _NETRC.sub(_placed, text)
    text = _SETTING.sub(_setting, text)
    text = _ALONE.sub(_alone, text)
    return _NAMED.sub(_named, text)


def _shadow(found: re.Match[str]) -> str:
    name, field = found.groups()
    locked = field[: len(field) - len(field.lstrip("!"))]
    rest = field[len(locked) :]
    if rest in ("", "*", "x") or rest.endswith(GONE):
        return found.group(0)
    kind = re.match(r"\$[0-9a-zA-Z]+\$", rest)
    des = "DES" if re.fullmatch(r"[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19}", rest) else ""
    return f"{name}:{locked}{kind.group() if kind else des}{GONE}"


def _blank(line: str) -> str:
    bare = line.strip()
    if not bare or bare.startswith(("#", ";", "!")):
        return line
    return GONE


def _url(found: re.Match[str]) -> str:
    scheme, user, password = found.groups()
    if password and _PORT_AND_PATH.fullmatch(password):
        return found.group(0)  # http://host:8080/@scope: the @ begins a part of the path
    if password is None:
        # no password: a long user name is a token
        return f"{scheme}{GONE}@" if len(user) >= 20 else found.group(0)
    return f"{scheme}{user}:{GONE}@"


def _placed(found: re.Match[str]) -> str:
    return found.group(0) if found.group(2).startswith(GONE) else f"{found.group(1)}{GONE}"


def _setting(found: re.Match[str]) -> str:
    lead, name, _, between, value = found.groups()
    bare = value.strip()
    if _stays(name, between, bare):
        return found.group(0)
    # a=1 b=2 on one line is several settings: _named takes them one by one
    if between == "=" and re.search(r"\s[\w.-]+=\S", bare):
        return found.group(0)
    comma = "," if bare.endswith(",") else ""  # JSON
    return f"{lead}{name}{between}{_in_quotes(bare.removesuffix(','))}{comma}"


def _alone(found: re.Match[str]) -> str:
    before, value, after = found.groups()
    if value.lower().strip("\"'") in _HARMLESS or value.startswith(("[", GONE, "=", ":")) or _SETTLED.fullmatch(value):
        return found.group(0)
    if before.strip() == "passwd" and _VERSION.fullmatch(value):
        return found.group(0)  # the package of that name
    return f"{before}{GONE}{after}"


def _named(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    rest = found.string[found.start(3) : found.end(3) + 30]
    if _stays(name, between, value) or (":" in between and _TOOL_SAYS.match(rest)):
        return found.group(0)
    return f"{name}{between}{_in_quotes(value)}"


def _in_quotes(value: str) -> str:
    """GONE, in the quotes the value had: JSON and YAML stay readable."""
    quote = value[:1] if value[:1] in ("'", '"') and value[-1:] == value[:1] else ""
    return f"{quote}{GONE}{quote}"


def _stays(name: str, between: str, value: str) -> bool:
    """A setting, or already gone."""
    word = name.strip("\"'").lower()
    bare = value.strip().rstrip(",").strip("\"'").strip()
    if not bare or bare.lower() in _HARMLESS or bare.startswith(GONE):
        return True
    if between == ":" and bare in _ARCHITECTURES:
        return True  # dpkg's word for a package: passwd:amd64
    if ":" in between:
        first = bare.split()[0].lower()
        # nsswitch.conf (passwd: files sss), sudoers (NOPASSWD: ALL), what a tool says of a file (passwd: permission denied)
        if word in ("passwd", "nopasswd", "passwd_compat") and (
            first in _NSSWITCH or first.startswith(("/", "!", "all", "sudo", "["))
        ):
            return True
        if word == "nopasswd" or (word == "passwd" and re.match(r"[A-Z][A-Z0-9_]*(?:,|$|\s)", bare)):
            return True
        return bool(_TOOL_SAYS.match(bare))
    return False
