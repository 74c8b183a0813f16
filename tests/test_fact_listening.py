"""The listening fact: what recorded cases cannot say."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import Unparsable
from collectors.facts.listening import _address, _from_ss, linux
from collectors.transports.base import Answer
from collectors.transports.local import LocalShell
from collectors.transports.replay import ReplayShell

SS = ["ss", "-H", "-lntup"]
LINE = 'tcp   LISTEN 0      128    0.0.0.0:{port} 0.0.0.0:* users:(("app{number}",pid={number},fd=3))\n'


def shell(out: str, **more: Any) -> ReplayShell:
    return ReplayShell({"privileged": True, "run": [{"argv": SS, "status": 0, "out": out, "err": ""}], **more})


def test_five_thousand_sockets() -> None:
    text = "".join(LINE.format(port=number + 1, number=number) for number in range(5000))
    fact = linux(shell(text, read_all={"/etc/passwd": [], "/proc/[0-9]*/status": []}))
    assert len(fact.sockets) == 5000
    assert fact.exposed_tcp_ports == tuple(range(1, 5001))
    assert fact.sockets[4999].process == "app4999"


@given(st.integers(1, len(LINE.format(port=22, number=1)) * 3 - 1))
def test_an_answer_cut_anywhere_but_between_lines_is_refused(length: int) -> None:
    line = LINE.format(port=22, number=1)
    cut = (line * 3)[:length]
    if length % len(line) == 0:
        assert {one.port for one in _from_ss(cut)} == {22}
    else:
        with pytest.raises(Unparsable):
            _from_ss(cut)


@given(st.text(max_size=200))
def test_any_text_is_sockets_or_unparsable(text: str) -> None:
    try:
        found = _from_ss(text)
    except Unparsable:
        return
    assert found == set() or "LISTEN" in text or "UNCONN" in text


@given(st.ip_addresses(v=4))
def test_an_address_survives_the_kernels_way_of_printing_it(address: Any) -> None:
    assert _address(address.packed[::-1].hex().upper()) == str(address)


@pytest.mark.parametrize(("address", "exposed"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_real_socket_of_this_machine_is_found(address: str, exposed: bool) -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.skip("no Linux kernel")
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        port = listener.getsockname()[1]
        found = [one for one in linux(LocalShell()).sockets if one.port == port and one.protocol == "tcp"]
    assert [(one.address, one.exposed) for one in found] == [(address, exposed)]


def test_ss_and_the_kernels_tables_agree() -> None:
    if LocalShell().run("ss", "-V").missing:
        pytest.skip("no ss")

    class WithoutSs(LocalShell):
        def run(self, *argv: str, root: bool = False, timeout: float = 20.0) -> Answer:
            return Answer(argv, 127, "", "")

    with socket.socket() as one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
        one.bind(("127.0.0.1", 0))
        one.listen()
        two.bind(("127.0.0.1", 0))
        mine = {("tcp", one.getsockname()[1]), ("udp", two.getsockname()[1])}
        for found in (linux(LocalShell()), linux(WithoutSs())):
            assert mine <= {(entry.protocol, entry.port) for entry in found.sockets if not entry.exposed}


STATUS = "Name:\tapp\nUid:\t{real}\t{uid}\t{uid}\t{uid}\nGid:\t0\t0\t0\t0\n"
PASSWD = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n"


def account_of(*holders: str | None, passwd: str = PASSWD) -> tuple[str | None, bool]:
    """(account of a socket that these processes hold, the fact names a gap); None for a process that has ended."""
    names = ",".join(f'("app",pid={100 + number},fd=3)' for number in range(len(holders)))
    paths = {f"/proc/{100 + number}/status": text for number, text in enumerate(holders)}
    texts = {"/etc/passwd": passwd, **{path: text for path, text in paths.items() if text is not None}}
    read_all = {path: [path] if path in texts else [] for path in ("/etc/passwd", *paths)}
    fact = linux(shell(f"tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:({names})\n", read=texts, read_all=read_all))
    assert len(fact.sockets) == 1
    return fact.sockets[0].account, any(entry.field == "sockets[].account" for entry in fact.unseen)


def test_whose_rights_a_program_has_is_its_effective_user() -> None:
    assert account_of(STATUS.format(real=0, uid=33)) == ("www", False)
    assert account_of(STATUS.format(real=33, uid=0)) == ("root", False)
    assert account_of(STATUS.format(real=5, uid=5)) == ("uid=5", False)
    assert account_of(STATUS.format(real=0, uid=0), passwd="toor:x:0:0::/root:/bin/sh\n") == ("root", False)


def test_a_master_and_its_workers_count_by_the_workers() -> None:
    root, worker = STATUS.format(real=0, uid=0), STATUS.format(real=33, uid=33)
    assert account_of(root, worker) == ("www", False)
    assert account_of(root, root) == ("root", False)


def test_a_process_that_ended_or_cannot_be_read_is_no_account() -> None:
    assert account_of(None) == (None, True)
    assert account_of(STATUS.format(real=0, uid=0), None) == (None, True)
    assert account_of("Name:\tapp\n") == (None, True)
