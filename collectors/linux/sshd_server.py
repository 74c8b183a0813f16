"""What would this machine's sshd do? Its own answer, its files, and the options of its start script, laid over each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

from collectors.errors import CollectError, Unsupported
from collectors.linux.os_release import family, os_release
from collectors.linux.sshd_config import MAIN, Config, Values, overrides, parse_effective, parse_files
from collectors.transports.base import Shell

RootLogin = Literal["yes", "no", "prohibit-password", "forced-commands-only"]

DROP_INS = "/etc/ssh/sshd_config.d/*.conf"
_VENDOR = "/usr/etc/ssh/sshd_config"
_POLICY = "/etc/crypto-policies/back-ends/opensshserver.config"
_DEFAULT = "/etc/default/ssh"
_SYSCONFIG = ("/etc/sysconfig/sshd", "/etc/sysconfig/ssh")

DEFAULTS = {
    "port": "22", "passwordauthentication": "yes", "kbdinteractiveauthentication": "yes", "permitemptypasswords": "no", "maxauthtries": "6",
    "logingracetime": "120", "clientaliveinterval": "0", "clientalivecountmax": "3", "maxsessions": "10", "maxstartups": "10:30:100",
    "x11forwarding": "no", "allowtcpforwarding": "yes", "disableforwarding": "no", "hostbasedauthentication": "no", "ignorerhosts": "yes",
    "usepam": "no", "strictmodes": "yes", "loglevel": "INFO", "banner": "none", "authenticationmethods": "any", "pubkeyauthentication": "yes",
    "gssapiauthentication": "no",
}  # fmt: skip
"""OpenSSH's own, unchanged since 7.4 (2016) and left alone by the distributions. Lists of algorithms change with each release: none here."""


class OtherFile(Unsupported):
    """What sshd -T says is not what the running sshd was told."""


class Server(NamedTuple):
    """What sshd would do, and how we know."""

    values: Values
    matches: tuple[Values, ...]
    effective: bool
    blind: CollectError | None = None
    """Why the files, and so the Match blocks, could not be seen although the server answered."""

    def one(self, keyword: str) -> str:
        """Raises Unsupported where neither the server nor its files nor a stable default says it."""
        given = self.values.get(keyword)
        if given:
            return given[0]
        if self.effective:
            raise Unsupported(f"sshd -T of this version does not name {keyword}")
        if keyword not in DEFAULTS:
            raise Unsupported(
                f"{keyword} is not set in the files; what is compiled into this sshd is not known, only sshd -T could tell"
            )
        return DEFAULTS[keyword]

    def under(self, block: Values) -> Server:
        return Server({**self.values, **block}, (), self.effective)


def ask(shell: Shell) -> Server:
    asked = _ask_server(shell)
    config, given, blind = Config({}, ()), cast(Values, {}), None
    try:
        texts = shell.read_all(MAIN, DROP_INS, _VENDOR, _DEFAULT, *_SYSCONFIG, _POLICY, root=True)
        given = _command_line(texts)
        config = _files(shell, texts, needed=asked is None)
    except OtherFile:
        raise
    except CollectError as error:
        if asked is None:
            raise
        blind = error
    values = dict(config.values if asked is None else asked)
    if asked is None and "permitrootlogin" not in values and (usual := _usual_root_login(shell)) is not None:
        values["permitrootlogin"] = (usual,)
    if "port" in given:
        values.pop("listenaddress", None)  # sshd -T prints the port of the files with each address
    return Server({**values, **given}, config.matches, asked is not None, blind)


def _ask_server(shell: Shell) -> Values | None:
    """None when it cannot be asked: not root, no host keys, or /run/sshd missing because it was never started since boot."""
    try:
        answer = shell.run("sshd", "-T", root=True)
        if answer.status == 0:
            return parse_effective(answer.out)
        if answer.missing:
            return None
        answer = shell.run("sshd", "-G", root=True)
    except Unsupported:
        return None
    return parse_effective(answer.out) if answer.status == 0 else None


def _files(shell: Shell, texts: Mapping[str, str], needed: bool) -> Config:
    main = MAIN if MAIN in texts else _VENDOR
    if main not in texts:
        if not needed:
            return Config({}, ())
        raise Unsupported(f"{MAIN} does not exist and the server cannot be asked")

    def include(pattern: str) -> Mapping[str, str]:
        if pattern == DROP_INS:
            return {path: text for path, text in texts.items() if path.startswith(DROP_INS[:-6])}
        return shell.read_all(pattern, root=True)

    return parse_files(main, texts[main], include)


def _command_line(texts: Mapping[str, str]) -> Values:
    """Options that the start script puts on sshd's command line. RHEL 8 hands its crypto policy over that way."""
    found: dict[str, tuple[str, ...]] = {}
    service: list[tuple[str, tuple[str, ...]]] = [
        (texts[path], ("SSHD_OPTS", "OPTIONS", "CRYPTO_POLICY")) for path in (_DEFAULT, *_SYSCONFIG) if path in texts
    ]
    policy = texts.get(_POLICY, "")
    if "CRYPTO_POLICY=" in policy and not any(re.search(r"(?m)^\s*CRYPTO_POLICY=", text) for text, _ in service):
        service.append((policy, ("CRYPTO_POLICY",)))
    for text, variables in service:
        given, file = overrides(text, variables)
        if file is not None:
            raise OtherFile(f"sshd is started with another file than {MAIN} (option -f): what holds there is not known")
        for keyword, value in given.items():
            found.setdefault(keyword, value)
    return found


def _usual_root_login(shell: Shell) -> RootLogin | None:
    """The compiled-in default where we know it. RHEL before 9 and SUSE changed it to yes; older OpenSSH had yes too."""
    try:
        release = os_release(shell)
    except CollectError:
        return None
    first = {"debian": 9, "ubuntu": 16, "fedora": 31}.get(release["ID"], 9 if family(release) == "redhat" else None)
    numbers = re.match(r"\d{1,6}", release.get("VERSION_ID", ""))
    if first is None or numbers is None or int(numbers[0]) < first or release["ID"] == "amzn":
        return None
    return "prohibit-password"
