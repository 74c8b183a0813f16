"""Syslog and CEF: what stands on the line, and what a real rsyslog makes of it."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.assess import judge
from server.outlets import cef, reach, syslog
from server.outlets.messages import Message
from server.outlets.models import Outlet
from server.outlets.reach import Failed
from tests.server.findings import Fleet
from tests.server.outlets import LOOPBACK, Authority, free_port, fresh, message, now, outlet, rsyslog, run

LINE = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) ([!-~]{1,48}) - ([!-~]{1,32}) "
    rb'((?:\[[!-~]{1,32}(?: [!-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+) (.*)',
    re.DOTALL,
)
"""RFC 5424, section 6, as far as we use it."""
ANY = st.text(st.characters(), max_size=40)


def made(address: str = "tcp://127.0.0.1:514", **options: object) -> Outlet:
    return Outlet(pk=1, kind="syslog", name="kênh", address=address, options=options)


def parts(line: bytes) -> tuple[bytes, ...]:
    found = LINE.fullmatch(line)
    assert found, line
    return found.groups()


def document(line: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(parts(line)[-1].removeprefix(syslog.BOM))
    return found


def test_the_header_is_what_the_standard_says() -> None:
    priority, stamp, _host, name, msgid, data, text = parts(syslog.line(message(), made(facility=4)))
    assert (priority, stamp, name, msgid) == (b"35", b"2026-12-01T08:00:00.000000Z", b"rasoat", b"verdict.fail")
    assert data.startswith(b'[origin software="rasoat" swVersion="')
    assert text.startswith(syslog.BOM), "what is not ASCII says so by the byte order mark"
    assert document(syslog.line(message(), made()))["text"] == "máy-01: khóa tài khoản: đạt → không đạt"


def test_what_is_ascii_has_no_mark() -> None:
    plain = message("plain", machine="m", unit="u")
    assert not parts(syslog.line(plain, made()))[-1].startswith(syslog.BOM)
    assert parts(syslog.line(message(), made(format="cef")))[-1].startswith(b"CEF:0|"), "readers of CEF want it first"


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, 3), ({"severity": "critical"}, 2), ({"severity": "medium"}, 4), ({"severity": "low"}, 5), ({"better": True}, 5),
        ({"kind": "alarm", "severity": "high"}, 1), ({"kind": "alarm", "severity": "info", "better": True}, 5), ({"kind": "journal", "severity": "info"}, 6),
        ({"kind": "skipped"}, 1),
    ],
)  # fmt: skip
def test_severities(changes: dict[str, object], level: int) -> None:
    assert parts(syslog.line(message(**changes), made(facility=16)))[0] == str(16 * 8 + level).encode()


def test_structured_data_only_under_a_number_of_ones_own() -> None:
    assert b"@" not in parts(syslog.line(message(), made()))[5]
    assert b'[rasoat@99999 id="verdict-1" kind="verdict"' in parts(syslog.line(message(), made(enterprise=99999)))[5]


def odd(text: str, words: str) -> Message:
    return message(
        text,
        machine=words,
        unit=text,
        unit_code=words,
        action=words or "a",
        id=words,
        detail={"actor": text, "kind": words, words: [text]},
    )


@given(ANY, ANY, st.sampled_from(["json", "cef"]))
def test_whatever_is_told_stays_one_line_of_the_standard(text: str, words: str, form: str) -> None:
    line = syslog.line(odd(text, words), made(format=form, enterprise=99999))
    plain = line.decode()
    assert all(char.isprintable() or char == "\ufeff" for char in plain), "nothing that ends a line or moves a cursor"
    parts(line)


@given(ANY, ANY)
def test_json_comes_back_as_it_was(text: str, words: str) -> None:
    told = odd(text, words)
    assert document(syslog.line(told, made())) == json.loads(json.dumps(told.document()))


@given(ANY, ANY)
def test_structured_data_comes_back(text: str, words: str) -> None:
    data = parts(syslog.line(message(id=text or "x", machine=words), made(enterprise=99999)))[5].decode()
    found = dict(re.findall(r' (\w+)="((?:[^"\\\]]|\\["\\\]])*)"', data.partition("rasoat@99999")[2]))
    shown = re.sub(r'\\(["\\\]])', r"\1", found["id"])
    assert shown == "".join(char if char.isprintable() else "\ufffd" for char in text or "x")


def read_cef(text: str) -> tuple[list[str], dict[str, str]]:
    """As a SIEM does: header at the bars that are not escaped, extension at the keys before an `=` that is not."""
    header = re.match(r"((?:[^|\\]|\\[|\\])*\|){7}", text)
    assert header, text
    head = [re.sub(r"\\([|\\])", r"\1", one) for one in re.findall(r"((?:[^|\\]|\\[|\\])*)\|", header[0])]
    rest, found = text[header.end() :], {}
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", rest))
    for at, key in enumerate(keys):
        value = rest[key.end() : keys[at + 1].start() if at + 1 < len(keys) else len(rest)]
        assert not re.search(r"(?<!\\)(?:\\\\)*=", value), value
        found[key[1]] = re.sub(r"\\([\\=nr])", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), value)
    return head, found


@given(st.text(st.sampled_from("a|=\\\n\r ạ]\"'x=y"), max_size=30), st.text(st.sampled_from("m|=\\\n b"), max_size=20))
def test_cef_comes_back_as_it_was(text: str, words: str) -> None:
    head, found = read_cef(cef.text(message(text, machine=words)))
    assert head[:3] == ["CEF:0", "rasoat", "rasoat"]
    assert head[5] == text.replace("\r", " ").replace("\n", " ")
    assert found.get("msg", "").rstrip(" ") == text.strip(" ")
    assert found.get("dhost", "").rstrip(" ") == words.strip(" ")


def test_cef_word_for_word() -> None:
    told = message("a|b=c\\d\ne", machine="m=1", unit="", unit_code="", detail={"check": "x|y"})
    line = cef.text(replace(told, action="verdict.fail"))
    assert line.startswith("CEF:0|rasoat|rasoat|")
    assert r"|verdict.fail|a\|b=c\\d e|8|rt=1796112000000 externalId=verdict-1 cat=verdict dhost=m\=1 msg=a|b\=c\\d\ne " in line
    assert line.endswith("cs4Label=check cs4=x|y")


@pytest.mark.parametrize("form", ["json", "cef"])
def test_what_is_too_long_is_shortened_and_still_whole(form: str) -> None:
    long = message("ạ" * 20_000, machine="máy" * 3000, unit="sở" * 3000, detail={"check": "c1", "why": "x" * 50_000})
    for limit in syslog.LIMITS.values():
        line = syslog.fitted(long, made(format=form), limit)
        assert len(line) <= limit
        assert b"verdict-1" in line
        assert b"c1" in line
        if form == "json":
            assert document(line)["detail"] == {"check": "c1", "shortened": True}
    assert syslog.fitted(message(), made(format=form), 2048) == syslog.line(message(), made(format=form))


# -- a real rsyslog ------------------------------------------------------------------------------------------------

ODD = [
    message(id="m-1"), message("dòng\nhai\tvà \x1b[31mđỏ", id="m-2"), message('a|b="c]\\', id="m-3", machine="<13>1 giả"),
    message("dài " * 1500, id="m-4"),
]  # fmt: skip


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def loopback(settings) -> None:
    settings.CONFIG = LOOPBACK


def told(lines: list[dict[str, str]]) -> list[object]:
    return [json.loads(line["msg"].lstrip().removeprefix("\ufeff"))["id"] for line in lines]


@pytest.mark.system
def test_rsyslog_over_tcp(tmp_path: Path) -> None:
    with rsyslog(tmp_path, "tcp") as receiver:
        syslog.send(made(f"tcp://127.0.0.1:{receiver.port}", enterprise=99999), ODD)
        lines = receiver.received(4)
    assert told(lines) == ["m-1", "m-2", "m-3", "m-4"]
    first = lines[0]
    assert (first["app-name"], first["msgid"], first["pri"]) == ("rasoat", "verdict.fail", "131")
    assert first["timestamp"] == "2026-12-01T08:00:00.000000Z"
    assert '[rasoat@99999 id="m-1"' in first["structured-data"]
    assert json.loads(lines[1]["msg"].lstrip().removeprefix("\ufeff"))["text"] == "dòng\nhai\tvà \x1b[31mđỏ"
    assert json.loads(lines[2]["msg"].lstrip().removeprefix("\ufeff"))["machine"] == "<13>1 giả"


@pytest.mark.system
def test_rsyslog_reads_cef(tmp_path: Path) -> None:
    with rsyslog(tmp_path, "tcp") as receiver:
        syslog.send(made(f"tcp://127.0.0.1:{receiver.port}", format="cef"), ODD[:3])
        lines = receiver.received(3)
    assert [read_cef(line["msg"].strip())[1]["externalId"] for line in lines] == ["m-1", "m-2", "m-3"]


@pytest.mark.system
def test_rsyslog_over_udp(tmp_path: Path) -> None:
    with rsyslog(tmp_path, "udp") as receiver:
        syslog.send(made(f"udp://127.0.0.1:{receiver.port}"), ODD)
        lines = receiver.received(4)
    assert sorted(map(str, told(lines))) == ["m-1", "m-2", "m-3", "m-4"]


def secured(folder: Path, authority: Authority, driver: str, name: str = "127.0.0.1") -> dict[str, str]:
    certificate, key = authority.pair(name)
    files = f'DefaultNetstreamDriverCAFile="{authority.file}" DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}"'
    return {"config": f'DefaultNetstreamDriver="{driver}" {files}', "driver": driver}


@pytest.mark.system
@pytest.mark.parametrize("driver", ["gtls", "ossl"])
def test_rsyslog_over_tls(tmp_path: Path, authority: Authority, driver: str) -> None:
    with rsyslog(tmp_path, "tls", **secured(tmp_path, authority, driver)) as receiver:
        outlet = made(f"tls://127.0.0.1:{receiver.port}")
        outlet.ca = authority.pem
        for _again in range(3):
            syslog.send(outlet, ODD)
        lines = receiver.received(12)
    assert told(lines) == ["m-1", "m-2", "m-3", "m-4"] * 3


@pytest.mark.system
def test_a_certificate_of_nobody_known_or_of_another_is_refused(tmp_path: Path, authority: Authority) -> None:
    with rsyslog(tmp_path, "tls", **secured(tmp_path, authority, "ossl", "elsewhere.example")) as receiver:
        outlet = made(f"tls://127.0.0.1:{receiver.port}")
        for outlet.ca in ("", authority.pem):
            with pytest.raises(Failed, match="certificate") as caught:
                syslog.send(outlet, ODD)
            assert caught.value.hopeless
    assert not receiver.out.exists()


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="refused") as caught:
        syslog.send(made(f"tcp://127.0.0.1:{free_port()}"), ODD)
    assert not caught.value.hopeless


def test_a_receiver_that_dies_while_it_reads_has_not_got_it() -> None:
    """It took some octets and reset: what the kernel had accepted is not delivered."""
    server = socket.create_server(("127.0.0.1", 0))

    def die() -> None:
        line, _peer = server.accept()
        line.recv(10)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.close()

    thread = threading.Thread(target=die)
    thread.start()
    with pytest.raises(Failed):
        syslog.send(made(f"tcp://127.0.0.1:{server.getsockname()[1]}"), ODD)
    thread.join()
    server.close()


def test_whoever_does_not_close_has_not_said_that_it_has_read() -> None:
    mine, theirs = socket.socketpair()
    mine.settimeout(0.05)
    with theirs, pytest.raises(Failed, match="not known"):
        syslog._deliver(mine, b"1 a")


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        mine = socket.create_connection(server.getsockname(), timeout=5)
        return mine, server.accept()[0]


def test_whoever_closed_before_the_end_and_never_reads_has_not_taken_it() -> None:
    mine, theirs = pair()
    with theirs:
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(Failed, match="before the last line"):
            syslog._deliver(mine, b"1 a")


def test_whoever_reads_to_the_end_and_closes_then_has_taken_it() -> None:
    mine, theirs = pair()
    got = bytearray()

    def read() -> None:
        with theirs:
            while part := theirs.recv(4096):
                got.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    syslog._deliver(mine, b"1 a" * 1000)
    reader.join()
    assert bytes(got) == b"1 a" * 1000


def test_a_reset_behind_the_end_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It read nothing: its kernel says so right after the end that it sent before."""
    mine, theirs = pair()
    monkeypatch.setattr(syslog, "_closed", lambda stream: False)  # it had not come yet
    theirs.shutdown(socket.SHUT_WR)
    mine.sendall(b"2 ab")
    theirs.close()
    with pytest.raises(Failed):
        syslog._deliver(mine, b"")


@pytest.mark.parametrize("how", ["in order", "without a word"])
def test_over_tls_a_close_before_the_end_is_no_success(tmp_path: Path, authority: Authority, how: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.pair())
    plain, theirs = pair()
    seen, may_end = threading.Event(), threading.Event()

    def end() -> None:
        stream = context.wrap_socket(theirs, server_side=True)
        if how == "in order":
            with contextlib.suppress(ssl.SSLError, OSError):
                stream.settimeout(0.05)
                stream.unwrap()
        else:
            stream.shutdown(socket.SHUT_WR)
        seen.set()
        may_end.wait(5)
        stream.close()

    peer = threading.Thread(target=end)
    peer.start()
    outlet = made("tls://127.0.0.1:6514")
    outlet.ca = authority.pem
    mine = syslog._secured(plain, "127.0.0.1", outlet)
    assert seen.wait(5)
    with pytest.raises(Failed, match="before the last line"):
        syslog._deliver(mine, b"1 a")
    may_end.set()
    peer.join()


def test_over_tls_whoever_answers_the_end_has_taken_it(tmp_path: Path, authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.pair())
    plain, theirs = pair()
    got = bytearray()

    def read() -> None:
        with context.wrap_socket(theirs, server_side=True) as stream:
            while part := stream.recv(4096):
                got.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    outlet = made("tls://127.0.0.1:6514")
    outlet.ca = authority.pem
    syslog._deliver(syslog._secured(plain, "127.0.0.1", outlet), b"1 a" * 1000)
    reader.join()
    assert bytes(got) == b"1 a" * 1000


def test_a_client_shows_its_certificate_from_memory(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.pair("collector.example")
    monkeypatch.setattr(Outlet, "secret", certificate.read_text() + key.read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.pair())
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    server, seen = socket.create_server(("127.0.0.1", 0)), []

    def take() -> None:
        line, _peer = server.accept()
        with context.wrap_socket(line, server_side=True) as stream:
            seen.append(dict(one[0] for one in stream.getpeercert()["subject"])["commonName"])  # type: ignore[index]
            while part := stream.recv(4096):
                seen.append(part)

    thread = threading.Thread(target=take)
    thread.start()
    outlet = made(f"tls://127.0.0.1:{server.getsockname()[1]}")
    outlet.ca = authority.pem
    syslog.send(outlet, [message()])
    thread.join()
    server.close()
    assert seen[0] == "collector.example"
    length, _space, rest = b"".join(seen[1:]).partition(b" ")
    assert int(length) == len(rest), "octets are counted"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "169.254.169.254", "fe80::1", "224.0.0.1", "100.100.100.200", "64:ff9b::7f00:1", "::7f00:1", "fd00:ec2::254", "2002:7f00:1::"])  # fmt: skip
def test_addresses_that_only_this_machine_reaches(settings, address: str) -> None:
    from ipaddress import ip_address

    from server.config import Config

    settings.CONFIG = Config()
    assert not reach.allowed(ip_address(address))
    with pytest.raises(Failed, match="may not reach"):
        reach.places(address, 25)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd12::1"])
def test_addresses_inside_and_outside_are_reached(settings, address: str) -> None:
    from ipaddress import ip_address

    assert reach.allowed(ip_address(address))


@pytest.mark.system
@pytest.mark.django_db
def test_rsyslog_stopped_for_a_while_misses_nothing(tmp_path: Path, tree) -> None:
    with rsyslog(tmp_path, "tcp") as receiver:
        known, clock, fleet = outlet(tree["root"], "syslog", f"tcp://127.0.0.1:{receiver.port}", name="a"), now(), Fleet.of(1)

        def alarm(name: str) -> None:
            judge.raise_alarm(fleet.machine(tree["north"], name), "forged")

        alarm("một")
        assert run(known, clock) == 1
        receiver.received(1)
        receiver.stop()
        for name in ("hai", "ba", "bốn"):
            alarm(name)
        for _again in range(2):
            assert run(known, clock) == 0
            clock.now = fresh(known).next_at or clock.now
        receiver.start()
        assert run(known, clock) == 3
        lines = receiver.received(4)
    documents = [json.loads(line["msg"].lstrip().removeprefix("\ufeff")) for line in lines]
    assert [one["machine"] for one in documents] == ["một", "hai", "ba", "bốn"]
    assert len({one["id"] for one in documents}) == 4
