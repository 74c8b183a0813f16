"""A real directory: Debian's slapd in a folder of the test, on loopback, with TLS by the test's own authority."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.server.certificates import Authority

BASE = "dc=so,dc=example,dc=vn"
READER, READER_PASSWORD = f"cn=rasoat,ou=dịch vụ,{BASE}", "mật khẩu của tài khoản đọc"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "goc"
SLAPD = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap") or ""

# attributes of Active Directory with the syntaxes it gives them, on numbers of the test's own
MICROSOFT = """
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.3 NAME 'objectGUID' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.9 NAME 'adPerson' SUP top AUXILIARY MAY ( sAMAccountName $ userPrincipalName $ objectGUID ) )
"""


class Slapd:
    """`clear`: without TLS, so that STARTTLS is refused."""

    def __init__(self, folder: Path, authority: Authority, clear: bool = False, port: int = 0) -> None:
        self.folder, self.authority, self.clear = folder, authority, clear
        (folder / "db").mkdir(parents=True, exist_ok=True)
        self.port, self.tls_port = port or free_port(), free_port()
        self.log = folder / "log"
        self.configuration = folder / "slapd.conf"
        self._configure()
        self.start()

    # by its number: libldap takes "localhost" for the machine's own full name
    @property
    def ldaps(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def ldap(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def _configure(self) -> None:
        certificate, key = self.authority.issue(f"slapd-{self.port}")
        schemas = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson"))
        tls = (
            ""
            if self.clear
            else f"TLSCACertificateFile {self.authority.file}\nTLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n"
        )
        self.configuration.write_text(
            f"{schemas}\n{MICROSOFT}\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\n"
            f"pidfile {self.folder}/pid\nargsfile {self.folder}/args\n{tls}"
            f'database mdb\nmaxsize 33554432\nsuffix "{BASE}"\nrootdn "{ROOT}"\nrootpw {ROOT_PASSWORD}\ndirectory {self.folder}/db\n'
            "access to attrs=userPassword by anonymous auth by * none\n"
            f'access to * by dn.exact="{READER}" read by * none\n',
            "utf-8",
        )

    def start(self) -> None:
        ears = f"ldap://127.0.0.1:{self.port}/" + ("" if self.clear else f" ldaps://127.0.0.1:{self.tls_port}/")
        self.process = subprocess.Popen(
            [SLAPD, "-f", str(self.configuration), "-h", ears, "-d", "256"], stdout=subprocess.DEVNULL, stderr=self.log.open("ab")
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def heard(self) -> str:
        """What it was asked: searches with their filters, binds with their names; never a password."""
        return self.log.read_text("utf-8", "replace")

    def add(self, ldif: str) -> None:
        self._tool("ldapadd", ldif)

    def modify(self, ldif: str) -> None:
        self._tool("ldapmodify", ldif)

    def _tool(self, tool: str, ldif: str) -> None:
        subprocess.run(
            [tool, "-x", "-H", f"ldap://127.0.0.1:{self.port}/", "-D", ROOT, "-w", ROOT_PASSWORD],
            input=ldif, text=True, check=True, capture_output=True, timeout=30,
        )  # fmt: skip


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
