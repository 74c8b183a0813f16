"""A directory of the tests with its people and groups, and a collector that knows it."""

from __future__ import annotations

import base64
import socket
import uuid
from threading import Thread
from typing import Any

import pytest
from django.test import Client

from server.config import Config, Data
from server.people.models import Visit
from server.units.models import Unit
from tests.server.certificates import Authority
from tests.server.conftest import HERE
from tests.server.slapd import BASE, READER, READER_PASSWORD, Slapd

SECRET = "mật khẩu ở thư mục"
PEOPLE, GROUPS = f"ou=người,{BASE}", f"ou=nhóm,{BASE}"
ADMINS, OPERATORS, TEAM = f"cn=quản trị,{GROUPS}", f"cn=vận hành,{GROUPS}", f"cn=tổ trực,{GROUPS}"
GUID = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")


def encoded(name: str, value: str) -> str:
    return f"{name}:: {base64.b64encode(value.encode()).decode()}\n"


def entry(dn: str, **attributes: Any) -> str:
    lines = encoded("dn", dn)
    for name, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            lines += f"{name}:: {base64.b64encode(value).decode()}\n" if isinstance(value, bytes) else encoded(name, value)
    return lines + "\n"


def someone(uid: str, full: str, **more: Any) -> str:
    base = {"objectClass": ["inetOrgPerson", "adPerson"], "uid": uid, "cn": full, "sn": full, "userPassword": SECRET}
    return entry(f"uid={uid},{PEOPLE}", **(base | more))


def group(dn: str, *members: str) -> str:
    return entry(dn, objectClass="groupOfNames", cn=dn.split(",")[0][3:], member=list(members))


def person_dn(uid: str) -> str:
    return f"uid={uid},{PEOPLE}"


TREE = "".join(
    [
        entry(BASE, objectClass=["dcObject", "organization"], o="Sở", dc="so"),
        *(entry(f"ou={name},{BASE}", objectClass="organizationalUnit", ou=name) for name in ("người", "nhóm", "dịch vụ")),
        entry(READER, objectClass=["applicationProcess", "simpleSecurityObject"], cn="rasoat", userPassword=READER_PASSWORD),
        someone("an", "Nguyễn Văn An", mail="chung@example.vn", sAMAccountName="an.nv", userPrincipalName="an@so.example.vn", objectGUID=GUID.bytes_le),
        someone("bình", "Trần Thị Bình", mail="chung@example.vn"),
        someone("ngoài", "Lê Ngoài"),
        someone("admin", "Kẻ Mạo Danh"),
        entry(person_dn("trống"), objectClass=["inetOrgPerson"], uid="trống", cn="Không Mật Khẩu", sn="x"),
        group(OPERATORS, person_dn("an"), TEAM),
        group(TEAM, person_dn("bình")),
        group(ADMINS, person_dn("admin")),
        group(f"cn=khác,{GROUPS}", person_dn("ngoài")),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, authority: Authority):
    slapd = Slapd(tmp_path_factory.mktemp("slapd"), authority)
    slapd.add(TREE)
    yield slapd
    slapd.stop()


@pytest.fixture
def slapd(running: Slapd, authority: Authority, tmp_path, settings, tree) -> Slapd:
    """The directory, with a collector that knows it."""
    Unit.objects.filter(pk=tree["root"].pk).update(code="SO")
    Unit.objects.filter(pk=tree["north"].pk).update(code="PB")
    settings.DATA = Data(tmp_path)
    settings.DATA.packs.symlink_to(HERE / "packs")
    (tmp_path / "ldap.password").write_text(READER_PASSWORD + "\n", "utf-8")
    (tmp_path / "ldap.password").chmod(0o600)
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "server.signon.directory.Directory"]
    configure(settings, running.ldaps, authority)
    return running


def configure(settings, server: str, authority: Authority, **more: Any) -> None:
    section = {
        "servers": [server], "kind": "ldap", "bind_dn": READER, "bind_password_file": "ldap.password",
        "user_base": PEOPLE, "group_base": GROUPS, "ca_file": str(authority.file), "timeout_seconds": 3,
        "grants": [
            {"group": OPERATORS, "role": "operator", "unit": "PB"},
            {"group": ADMINS.upper(), "role": "admin", "unit": "SO"},
        ],
    }  # fmt: skip
    settings.CONFIG = Config.model_validate({"ldap": section | more})


def log_on(client: Client, name: str, password: str = SECRET, **more: Any):
    return client.post("/log-on/", {"username": name, "password": password, **more})


def outside(client: Client) -> bool:
    return client.get("/units/").status_code == 302 and not Visit.objects.exists()


class Stripping:
    """Between us and the directory: says that there is no STARTTLS, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                peer, _address = self.socket.accept()
            except OSError:
                return
            peer.settimeout(5)
            try:
                while data := peer.recv(4096):
                    self.heard += data
                    # ExtendedResponse with resultCode protocolError to the message of that number
                    peer.sendall(b"\x30\x0c\x02\x01" + data[4:5] + b"\x78\x07\x0a\x01\x02\x04\x00\x04\x00")
            except OSError:
                continue
