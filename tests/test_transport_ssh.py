"""SshShell against the real OpenSSH server on loopback: it must say what LocalShell says, and fail in words that help."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.credential import Credential
from collectors.errors import Denied, Unparsable, Unreachable, Unsupported
from collectors.facts import FACTS
from collectors.inventory import Inventory
from collectors.model import Target
from collectors.run import collect, sweep
from collectors.transports.base import Shell
from collectors.transports.local import LocalShell
from collectors.transports.ssh import SshShell
from tests.odd_paths import as_user_here, plant, questions, told
from tests.sshd import USER, Sshd, account, free_port, make_key, open_folder, reach, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.root,
    pytest.mark.xdist_group("this machine"),
    pytest.mark.skipif(os.geteuid() != 0, reason="starts sshd and makes an account"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(open_folder(tmp_path_factory))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with account(open_folder(tmp_path_factory) / "home") as name:
        yield name


@pytest.fixture(scope="module")
def as_root(server: Sshd) -> Iterator[SshShell]:
    with reach(server, "root") as shell:
        yield shell


@pytest.fixture(scope="module")
def as_user(server: Sshd, user: str) -> Iterator[SshShell]:
    with reach(server, user) as shell:
        yield shell


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(open_folder(tmp_path_factory) / "tree")


def test_root_is_told_the_same_about_every_odd_path(as_root: SshShell, tree: Path) -> None:
    for name, ask in questions(tree).items():
        assert told(lambda ask=ask: ask(as_root)) == told(lambda ask=ask: ask(LocalShell())), name


def test_a_user_is_told_the_same_about_every_odd_path_and_is_denied_the_same(as_user: SshShell, user: str, tree: Path) -> None:
    asked = questions(tree)
    local = as_user_here(user, lambda: {name: told(lambda ask=ask: ask(LocalShell())) for name, ask in asked.items()})
    denied = 0
    for name, ask in asked.items():
        remote = told(lambda ask=ask: ask(as_user))
        if remote != local[name]:  # tests beside this one make accounts, and /etc/shadow is another file then
            local[name] = as_user_here(user, lambda ask=ask: told(lambda: ask(LocalShell())))
            remote = told(lambda ask=ask: ask(as_user))
        assert remote == local[name], name
        denied += isinstance(remote, tuple) and remote[:1] == (Denied,)
    assert denied >= 10, "the tree holds things that this user may not see"
    assert not as_user.privileged


def test_nothing_in_a_path_is_run(as_root: SshShell, tree: Path) -> None:
    as_root.read(f"{tree}/$(touch {tree}/pwned)")
    as_root.names(f"{tree}/`touch {tree}/pwned`*")
    assert not (tree / "pwned").exists()


def test_commands_answer_as_they_do_locally(as_root: SshShell) -> None:
    for argv in (
        ("id", "-u"),
        ("printf", "%s\\n", "a b", "c'd", "$HOME", "`id`", "new\nline", "", "*", "tiếng"),
        ("sh", "-c", "echo out; echo err >&2; exit 3"),
        ("sh", "-c", "printf 'no newline'"),
        ("cat",),  # standard input is closed
        ("pwd",),
        ("head", "-c", "300000", "/dev/zero"),
        ("sh", "-c", "head -c 3000000 /dev/zero >&2; echo done"),
        ("no-such-command", "-x"),
        ("ls", "/no/such/place"),
    ):
        assert as_root.run(*argv) == LocalShell().run(*argv), argv
    assert as_root.run("no-such-command").missing
    assert as_root.run("sh", "-c", "kill -9 $$").status < 0


def test_the_environment_is_ours_whatever_the_client_sends_and_the_account_sets(server: Sshd, user: str) -> None:
    with reach(server, user) as shell:
        plain = shell._line._transport.open_session

        def vietnamese(*args: Any, **kwargs: Any) -> Any:
            channel = plain(*args, **kwargs)
            for name in ("LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"):
                channel.set_environment_variable(name, "vi_VN.UTF-8")
            return channel

        shell._line._transport.open_session = vietnamese  # type: ignore[method-assign]
        # the server did take them: the account's own shell would see vi_VN
        channel = vietnamese()
        channel.exec_command("echo $LANGUAGE")
        assert channel.makefile().read().strip() == b"vi_VN.UTF-8"
        seen = dict(line.split("=", 1) for line in shell.run("env").out.splitlines())
        assert seen["LC_ALL"] == "C"
        assert seen["PATH"] == "/usr/sbin:/usr/bin:/sbin:/bin"
        assert not {"LANG", "LANGUAGE", "LC_MESSAGES"} & set(seen)
        assert "No such file or directory" in shell.run("ls", "/no/such/place").err


def test_a_noisy_bashrc_does_not_get_into_answers(server: Sshd, user: str) -> None:
    import pwd

    home = Path(pwd.getpwnam(user).pw_dir)
    noise = home / ".bashrc"
    noise.write_text("echo 'WELCOME: permission denied'\necho 'on stderr: permission denied' >&2\ncd /tmp\nalias cat=false\n")
    try:
        with reach(server, user) as shell:
            assert subprocess.run(["su", user, "-c", f". {noise}"], capture_output=True).stdout, "it is noisy"
            assert shell.run("sh", "-c", "echo a; echo b >&2") == (("sh", "-c", "echo a; echo b >&2"), 0, "a\n", "b\n")
            assert shell.read("/etc/hostname") == Path("/etc/hostname").read_text()
            assert not shell.run("sh", "-c", "exit 1").refused
    finally:
        noise.unlink()


def compress(path: Path, suffix: str) -> None:
    target = str(path) + suffix
    tools = {".gz": ["gzip", "-q", str(path)], ".xz": ["xz", "-q", str(path)], ".lz4": ["lz4", "-q", "--rm", str(path), target]}
    subprocess.run(tools[suffix], check=True)


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".lz4"])
def test_package_lists_are_filtered_alike(as_root: SshShell, tmp_path: Path, suffix: str) -> None:
    text = (
        "Package: bash\nVersion: 5.2-1\nDescription: shell\n Version: not a field\n\nPackage: bash-doc\nVersion: 9\n\n\n"
        "Package: zsh\nSource: zsh-src (1: 2)\nVersion: 1:5.9\nVersion: twice\n\nOther: first\nPackage: zsh\n\nPackage: bash\n\n"
        "Package: dấu\nVersion: 1\n\nPackage: bash\nVersion: last"
    )
    for number in (1, 2):
        path = tmp_path / f"list{number}_Packages"
        path.write_text(text)
        if suffix:
            compress(path, suffix)

    def ask(shell: Shell) -> Any:
        wanted = frozenset({"bash", "zsh", "dấu", "absent", "quo'te", "$x"})
        return list(shell.stanzas(f"{tmp_path}/*_Packages{suffix}", wanted, ("Package", "Version", "Source")))

    found = ask(as_root)
    assert found == ask(LocalShell())
    assert [fields["Version"] for path, fields in found if "list1" in path and "Version" in fields] == [
        "5.2-1",
        "1:5.9",
        "1",
        "last",
    ]
    assert list(as_root.stanzas(f"{tmp_path}/*_Packages{suffix}", frozenset(), ("Package",))) == []


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".lz4"])
def test_a_damaged_package_list_is_no_shorter_list(as_root: SshShell, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "x_Packages"
    path.write_text("".join(f"Package: p{number}\nVersion: {number * 7919}\n\n" for number in range(50_000)))
    compress(path, suffix)
    whole = path.with_name(path.name + suffix)
    whole.write_bytes(whole.read_bytes()[:-5000])
    for shell in (as_root, LocalShell()):
        with pytest.raises(Unparsable, match="damaged"):
            list(shell.stanzas(str(whole), frozenset({"p1"}), ("Version",)))


def test_the_real_package_lists_give_the_same(as_root: SshShell) -> None:
    wanted = frozenset({"bash", "openssl", "libc6", "no-such-package"})
    for pattern in ("/var/lib/apt/lists/*_Packages*", "/var/lib/dpkg/status"):
        fields = ("Package", "Version", "Source", "Status", "Architecture")
        assert list(as_root.stanzas(pattern, wanted, fields)) == list(LocalShell().stanzas(pattern, wanted, fields))


def test_the_same_machine_gives_the_same_facts(as_root: SshShell) -> None:
    """Asked at the same time and with the same rights, the way there must not show in any fact.

    The test's own sshd and its session stand while both are asked, so even the listening sockets are equal. What changes
    by itself between two looks (a clock's offset, a daemon that starts, an account another test makes) is why each fact that
    differs is looked at three times: a transport's fault stays, chance goes.
    """

    def facts(shell: Shell) -> dict[str, Any]:
        found = {}
        for record in collect(Target(name="here"), shell).records:
            data: Any = record.data
            if FACTS[record.fact].MOMENT:  # what runs and is connected just now is another thing at the next look
                data = sorted(data) if data else data
            # the sh that reads /proc over there is a process too: sources are compared without /proc/PID/...
            sources = sorted({source.what for source in record.sources if not source.what.startswith("/proc/")})
            found[record.fact] = (record.outcome, data, record.reason, sources)
        return found

    differs: dict[str, Any] = {}
    for look in range(3):
        remote, local = facts(as_root), facts(LocalShell())
        assert remote.keys() == local.keys()
        differs = {
            name: (remote[name], local[name]) for name in local if remote[name] != local[name] and (not look or name in differs)
        }
        if not differs:
            break
    assert differs == {}
    assert sum(outcome == "seen" for outcome, *_ in local.values()) >= 8


def test_refused_sudo_is_denied_and_says_what_to_put_in_sudoers(server: Sshd, user: str, tree: Path) -> None:
    with reach(server, user, sudo=True) as shell:
        assert not shell.privileged
        with pytest.raises(Denied, match=rf"{user} ALL=\(root\) NOPASSWD: /usr/sbin/sshd -T"):
            shell.run("sshd", "-T", root=True)
        with pytest.raises(Denied, match=rf"{user} ALL=\(root\) NOPASSWD: \S+/cat /etc/shadow"):
            shell.read("/etc/shadow", root=True)
        with pytest.raises(Denied, match=r"NOPASSWD: \S+/sh"):
            shell.read_all(f"{tree}/closed/*", root=True)
        with pytest.raises(Denied, match=r"NOPASSWD: \S+/sh"):
            shell.stat(f"{tree}/closed/inside", root=True)
        # what needs no rights is still seen, and what is not there is not "refused"
        assert shell.read("/etc/hostname", root=True) == Path("/etc/hostname").read_text()
        assert shell.read("/etc/no-such-file", root=True) is None
        assert shell.run("no-such-command", root=True).missing
        assert shell.run("id", "-un").out.strip() == user


def test_sudo_where_it_is_allowed(server: Sshd, tmp_path_factory: pytest.TempPathFactory, tree: Path) -> None:
    name = f"{USER}-s"
    with (
        account(open_folder(tmp_path_factory) / "home", f"{name} ALL=(root) NOPASSWD: ALL\n", name),
        reach(server, name, sudo=True) as shell,
    ):
        assert shell.privileged
        assert shell.run("id", "-u", root=True).out == "0\n"
        assert shell.run("id", "-un").out.strip() == name
        assert shell.read("/etc/shadow", root=True) == Path("/etc/shadow").read_text()
        assert shell.read_all(f"{tree}/closed/*", root=True) == {f"{tree}/closed/inside": "x"}
        assert shell.stat(f"{tree}/closed/inside", root=True) == LocalShell().stat(f"{tree}/closed/inside")
        assert shell.run("no-such-command", root=True).missing
        assert shell.run("sh", "-c", "echo $LC_ALL; exit 5", root=True) == (("sh", "-c", "echo $LC_ALL; exit 5"), 5, "C\n", "")
        with pytest.raises(Denied):
            shell.read("/etc/shadow")


def test_sudo_for_single_commands_only(server: Sshd, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = f"{USER}-l"
    rules = f"{name} ALL=(root) NOPASSWD: /usr/bin/id -u, /usr/bin/cat /etc/shadow\n"
    with account(open_folder(tmp_path_factory) / "home", rules, name), reach(server, name, sudo=True) as shell:
        assert not shell.privileged
        assert shell.run("id", "-u", root=True).out == "0\n"
        assert shell.read("/etc/shadow", root=True) == Path("/etc/shadow").read_text()
        with pytest.raises(Denied, match="sudoers"):
            shell.run("id", "-g", root=True)
        with pytest.raises(Denied, match="sudoers"):
            shell.read("/etc/gshadow", root=True)


def test_a_command_that_hangs_is_ended_and_the_connection_goes_on(as_root: SshShell) -> None:
    with pytest.raises(Unreachable, match=r"sleep: no answer within 0\.5 s"):
        as_root.run("sleep", "86399", timeout=0.5)
    wait_for(lambda: "sleep\x0086399\x00" not in LocalShell().read_all("/proc/[0-9]*/cmdline").values())
    assert as_root.run("echo", "next").out == "next\n"


def test_an_endless_answer_is_unparsable_and_the_connection_goes_on(server: Sshd) -> None:
    with reach(server, "root") as shell:
        for argv in (("yes",), ("sh", "-c", "yes >&2")) * 8:  # what still comes when we have hung up must hurt nobody
            with pytest.raises(Unparsable, match="more than 16 MiB"):
                shell.run(*argv)
            assert shell.run("echo", "next").out == "next\n"


def test_the_last_of_a_long_answer_is_never_lost(as_root: SshShell) -> None:
    whole = "".join(f"{number}\n" for number in range(1, 20_001))
    for _ in range(40):
        answer = as_root.run("sh", "-c", "seq 20000; seq 20000 >&2; exit 3")
        assert (answer.status, answer.out, answer.err) == (3, whole, whole)


def test_a_connection_killed_in_the_middle_is_unreachable_at_once(server: Sshd, user: str) -> None:
    with reach(server, user) as shell:
        begun = time.monotonic()
        killer = threading.Timer(0.3, server.cut)
        killer.start()
        with pytest.raises(Unreachable, match="connection was cut"):
            shell.run("sh", "-c", "echo half an answer; sleep 30")
        killer.join()
        for ask in (lambda: shell.run("id"), lambda: shell.read("/etc/passwd"), lambda: shell.stat("/")):
            with pytest.raises(Unreachable, match="connection was cut"):
                ask()
        assert time.monotonic() - begun < 15, "the other questions do not wait for their time-outs"


def test_a_connection_cut_while_files_are_read_gives_no_half_file(
    server: Sshd, user: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = open_folder(tmp_path_factory)
    folder.chmod(0o755)
    whole = {f"{folder}/{number:03}": f"text {number}\n" * 500 for number in range(100)}
    for path, text in whole.items():
        Path(path).write_text(text)
        Path(path).chmod(0o644)
    with reach(server, user) as shell:
        killer = threading.Timer(0.2, server.cut)
        killer.start()

        def read_on() -> None:
            for _ in range(10_000):
                assert shell.read_all(f"{folder}/[0-9]*") == whole

        try:
            with pytest.raises(Unreachable, match="connection was cut"):
                read_on()
        finally:
            killer.join()  # or it would cut the connections of the next test


def test_a_log_on_shell_that_is_none_is_said_so(server: Sshd, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = f"{USER}-n"
    with account(open_folder(tmp_path_factory) / "home", name=name):
        subprocess.run(["usermod", "-s", "/usr/sbin/nologin", name], check=True)
        with pytest.raises(Unsupported, match="no POSIX shell answers for this account: This account is currently not available"):
            reach(server, name)


def test_unusual_log_on_shells_change_nothing(tmp_path_factory: pytest.TempPathFactory, server: Sshd, tree: Path) -> None:
    name = f"{USER}-d"
    with account(open_folder(tmp_path_factory) / "home", name=name):
        for program in ("/bin/dash", "/bin/rbash"):
            subprocess.run(["usermod", "-s", program, name], check=True)
            with reach(server, name) as shell:
                assert shell.run("printf", "%s", "it's $HOME").out == "it's $HOME"
                assert shell.read(f"{tree}/quo'te") == "text of quo'te\n"


def test_who_does_not_answer_is_named_with_what_to_do(tmp_path: Path) -> None:
    key = str(make_key(tmp_path / "key"))

    def reason(address: str, port: int) -> str:
        with pytest.raises(Unreachable) as caught:
            SshShell.connect(
                Target(name="x", via="ssh", address=address, port=port),
                Credential(user="root", key_file=key),
                also_known=(),
                timeout=1,
            )
        return str(caught.value)

    port = free_port()
    assert reason("127.0.0.1", port) == f"127.0.0.1:{port}: connection refused; does sshd run there, and on this port?"
    assert "no such name" in reason("no-such-host.invalid", 22)
    for greeting in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 4000, b"SSH-2.0-x\r\n" + b"\x00" * 4000):
        with socket.create_server(("127.0.0.1", 0)) as garbage:
            threading.Thread(target=greet, args=(garbage, greeting), daemon=True).start()
            said = reason("127.0.0.1", garbage.getsockname()[1])
            assert "answers, but not as an SSH server" in said
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "not as an SSH server" in reason("127.0.0.1", silent.getsockname()[1])


def greet(listener: socket.socket, greeting: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(100)
        connection.sendall(greeting)
        # reset instead of a polite end
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_sweep_reaches_every_target_whatever_the_others_do(server: Sshd, tmp_path: Path) -> None:
    good = Credential(user="root", key_file=str(server.key))
    bad = Credential(user="root", key_file=str(make_key(tmp_path / "wrong")))
    via: dict[str, Any] = {"via": "ssh", "address": "127.0.0.1", "port": server.port}
    targets = (
        Target(name="one", credential="good", **via),
        Target(name="wrong key", credential="bad", **via),
        Target(name="nobody there", credential="good", **{**via, "port": free_port()}),
        Target(name="no credential", **via),
        Target(name="two", credential="good", **via),
        Target(name="here", via="local"),
        Target(name="no image", via="root", address="/no/such/folder"),
    )
    inventory = Inventory(targets, {"good": good, "bad": bad}, known_hosts=server.known_hosts)
    heard: list[str] = []
    found = {
        snapshot.target.name: snapshot.by_fact["identity"]
        for snapshot in sweep(inventory, parallel=3, on_done=lambda snapshot: heard.append(snapshot.target.name), only=("clock",))
    }
    assert {name: record.outcome for name, record in found.items()} == {
        "one": "seen",
        "two": "seen",
        "here": "seen",
        "wrong key": "denied",
        "nobody there": "unreachable",
        "no credential": "unsupported",
        "no image": "unreachable",
    }
    assert sorted(heard) == sorted(found)
    assert found["one"].data == found["two"].data == found["here"].data
