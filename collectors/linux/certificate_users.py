"""Which certificate files the servers on this machine are configured to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

Server = Literal["nginx", "apache", "postfix", "dovecot", "postgresql", "mysql", "cockpit", "letsencrypt", "default"]

_ROUNDS = 8
"""Files that include files that include files ..."""


class Named(NamedTuple):
    """A file a server's configuration names."""

    server: Server
    path: str


def nginx(shell: Shell) -> tuple[Named, ...]:
    """`ssl_certificate` of nginx.conf and all it includes."""
    text = _whole(shell, ("/etc/nginx/nginx.conf",), "/etc/nginx", re.compile(r"(?m)^\s*include\s+([^;]+);"))
    return tuple(_paths("nginx", re.findall(r"(?m)(?:^|[{;])\s*ssl_certificate\s+([^;]+);", text), "/etc/nginx"))


def apache(shell: Shell) -> tuple[Named, ...]:
    """`SSLCertificateFile` of Apache's configuration and all it includes; relative paths start at its usual ServerRoot."""
    found: list[Named] = []
    includes = re.compile(r"(?mi)^\s*Include(?:Optional)?\s+(.+?)\s*$")
    for main, base in (
        ("/etc/apache2/apache2.conf", "/etc/apache2"),
        ("/etc/apache2/httpd.conf", "/etc/apache2"),
        ("/etc/httpd/conf/httpd.conf", "/etc/httpd"),
    ):
        text = _whole(shell, (main,), base, includes)
        found += _paths("apache", re.findall(r"(?mi)^\s*SSLCertificateFile\s+(.+?)\s*$", text), base)
    return tuple(found)


def postfix(shell: Shell) -> tuple[Named, ...]:
    """`smtpd_tls_cert_file` of main.cf and what master.cf overrides. `smtpd_tls_chain_files` hold the private key too."""
    texts = shell.read_all("/etc/postfix/main.cf", "/etc/postfix/master.cf")
    whole = "\n".join(texts.values())
    found = re.findall(r"(?m)^(?:\s+-o\s+)?smtpd_tls_(?:eccert|cert|dcert)_file\s*=\s*([^\s#]+)", whole)
    if re.search(r"(?m)^(?:\s+-o\s+)?smtpd_tls_chain_files\s*=\s*\S", whole):
        raise Unsupported("/etc/postfix/main.cf: smtpd_tls_chain_files hold private keys too, so they are not read")
    return tuple(_paths("postfix", found, "/etc/postfix"))


def dovecot(shell: Shell) -> tuple[Named, ...]:
    """`ssl_cert = <FILE` (2.4: `ssl_server_cert_file = FILE`) of dovecot.conf and all it includes."""
    text = _whole(shell, ("/etc/dovecot/dovecot.conf",), "/etc/dovecot", re.compile(r"(?m)^\s*!include(?:_try)?\s+(\S+)"))
    found = re.findall(r"(?m)^\s*ssl_(?:alt_)?cert\s*=\s*<\s*(\S+)", text) + re.findall(
        r"(?m)^\s*ssl_server_cert_file\s*=\s*(\S+)", text
    )
    return tuple(_paths("dovecot", found, "/etc/dovecot"))


def postgresql(shell: Shell) -> tuple[Named, ...]:
    """`ssl_cert_file` of each cluster that has `ssl = on`; ALTER SYSTEM's file goes last and wins."""
    texts = shell.read_all(
        "/etc/postgresql/*/*/postgresql.conf",
        "/var/lib/pgsql/data/postgresql.conf",
        "/var/lib/pgsql/*/data/postgresql.conf",
        root=True,
    )
    found: list[str] = []
    for path, text in texts.items():
        folder = _value(text, "data_directory") or path.rpartition("/")[0]
        both = text + "\n" + (shell.read(f"{folder}/postgresql.auto.conf", root=True) or "")
        if (_value(both, "ssl") or "off").lower() in ("on", "true", "yes", "1"):
            file = _value(both, "ssl_cert_file") or "server.crt"
            found.append(file if file.startswith("/") else f"{folder}/{file}")
    return tuple(_paths("postgresql", found, "/"))


def mysql(shell: Shell) -> tuple[Named, ...]:
    """`ssl_cert` of MySQL's and MariaDB's option files."""
    texts = shell.read_all("/etc/my.cnf", "/etc/my.cnf.d/*.cnf", "/etc/mysql/*.cnf", "/etc/mysql/*/*.cnf")
    found = re.findall(r"(?m)^\s*ssl[-_]cert\s*=\s*([^\s#]+)", "\n".join(texts.values()))
    return tuple(_paths("mysql", found, "/"))


def cockpit(shell: Shell) -> tuple[Named, ...]:
    """The last certificate by name in ws-certs.d counts. Before release 220 it held the private key too: then it is not read."""
    files = shell.names("/etc/cockpit/ws-certs.d/*", root=True)
    certificates = [path for path in files if path.endswith((".cert", ".crt"))]
    if not certificates:
        return ()
    last = certificates[-1]
    if f"{last.rpartition('.')[0]}.key" not in files:
        raise Unsupported(f"{last}: holds the private key too, so it is not read")
    return (Named("cockpit", last),)


def letsencrypt(shell: Shell) -> tuple[Named, ...]:
    """What certbot keeps current, whoever uses it."""
    return tuple(Named("letsencrypt", path) for path in shell.names("/etc/letsencrypt/live/*/cert.pem", root=True))


def default(shell: Shell) -> tuple[Named, ...]:
    """The certificate RHEL's web server makes for itself."""
    return tuple(Named("default", path) for path in shell.names("/etc/pki/tls/certs/localhost.crt"))


ASK: dict[Server, Callable[[Shell], tuple[Named, ...]]] = {
    "nginx": nginx,
    "apache": apache,
    "postfix": postfix,
    "dovecot": dovecot,
    "postgresql": postgresql,
    "mysql": mysql,
    "cockpit": cockpit,
    "letsencrypt": letsencrypt,
    "default": default,
}


def _whole(shell: Shell, mains: tuple[str, ...], base: str, include: re.Pattern[str]) -> str:
    """A configuration with all it includes, comments taken out; "" when there is none."""
    seen: dict[str, str] = {}
    asked: set[str] = set()
    wanted = list(mains)
    for _ in range(_ROUNDS):
        asked.update(wanted)
        fresh = {path: _bare(text) for path, text in shell.read_all(*wanted).items() if path not in seen}
        seen |= fresh
        folders = [path for path in wanted if "*" not in path and path not in seen and _is_folder(shell, path)]
        named = [f"{path}/*" for path in folders] + [
            _absolute(word, base) for text in fresh.values() for word in include.findall(text)
        ]
        wanted = [path for path in dict.fromkeys(named) if path not in asked]
        if not wanted:
            return "\n".join(seen.values())
    raise Unparsable(f"{mains[0]}: includes without end")


def _is_folder(shell: Shell, path: str) -> bool:
    found = shell.stat(path)
    return found is not None and found.directory


def _bare(text: str) -> str:
    return re.sub(r"(?m)^\s*#.*$", "", text)


def _absolute(word: str, base: str) -> str:
    """A path as configurations write it: quoted, relative, a folder for all in it."""
    path = word.strip().strip("\"'")
    if re.search(r"\$|%\{", path):
        raise Unsupported(f"{path}: the name depends on variables, so the file is not known")
    path = path if path.startswith("/") else f"{base}/{path}"
    return f"{path}*" if path.endswith("/") else path


def _paths(server: Server, words: list[str], base: str) -> Iterator[Named]:
    for word in words:
        if word.lower() == "none":  # Postfix's word for no certificate
            continue
        yield Named(server, _absolute(word, base).rstrip("*"))


def _value(text: str, key: str) -> str | None:
    """The last value of a key of postgresql.conf."""
    found = re.findall(rf"(?mi)^\s*{key}\s*(?:=|\s)\s*(?:'([^'\n]*)'|([^\s#']+))", text)
    return (found[-1][0] or found[-1][1]) if found else None
