"""`rasoat verify` from outside, on a machine that has never seen the collector; and the same by hand, as the page inside says."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import cli
from baselines.evidence import form
from collectors.centre import CentreKeys
from server.evidence import making
from tests.server import evidence
from tests.server.evidence import edited, made, members, resealed, zipped

ROOT = Path(__file__).parents[2]
ALONE = """
import importlib.abc, socket, sys
class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("django", "server", "ninja", "tuf", "requests"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Without())
def no_network(*_given, **_named):
    raise OSError("no network here")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = no_network
from agent.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def bundle(client, tree, person, tmp_path) -> Path:
    evidence.land(client, tree, person, tmp_path)
    return made(tree["north"], tmp_path / "evidence.zip")


def alone(*words: object) -> subprocess.CompletedProcess[str]:
    """In a process without Django, the collector's code or a network."""
    argv = [sys.executable, "-c", ALONE, "verify", *map(str, words), "--trust-pack", evidence.pack()]
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)


@pytest.fixture
def verify(capsys):
    """The command within this process: it starts in no time."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        code = cli.main(["verify", *map(str, words), "--trust-pack", str(evidence.PACKS / "mini")])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run


def test_on_a_machine_that_has_neither_the_collector_nor_a_network(bundle) -> None:
    done = alone(bundle, "--key", evidence.fingerprint(), "--lang", "vi")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith("mọi dòng kiểm tra đều đúng.")


def test_it_says_line_by_line_what_holds_and_ends_as_agreed(bundle, verify) -> None:
    done = verify(bundle, "--key", evidence.fingerprint(), "--lang", "vi")
    assert (done.returncode, done.stderr) == (0, "")
    assert "may-2: chữ ký của máy đúng" in done.stdout
    assert "không có dữ liệu: may-im" in done.stdout
    assert done.stdout.rstrip().endswith("mọi dòng kiểm tra đều đúng.")
    unknown = verify(bundle, "--lang", "en")
    assert unknown.returncode == 3
    assert "whose the key" in unknown.stdout
    assert "cannot be said that the bundle holds" in unknown.stdout
    assert verify(bundle, "--key", CentreKeys.generate().public.fingerprint).returncode == 1
    none = verify(ROOT / "README.md", "--lang", "en")
    assert (none.returncode, none.stdout) == (2, "")
    assert "not an evidence bundle" in none.stderr


def test_a_key_is_a_fingerprint_as_people_write_it_or_a_file(bundle, tmp_path, verify) -> None:
    mark = evidence.fingerprint()
    spoken = " ".join(mark[at : at + 4].upper() for at in range(0, 40, 4))
    key = tmp_path / "key.pem"
    key.write_bytes(members(bundle)[form.PEM])
    assert verify(bundle, "--key", spoken).returncode == 0
    assert verify(bundle, "--key", key).returncode == 0
    wrong = verify(bundle, "--key", "abc", "--lang", "en")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    key.write_text("không phải khóa")
    assert "neither a fingerprint" in verify(bundle, "--key", key, "--lang", "en").stderr


def test_as_json_and_what_fails_by_name(bundle, tmp_path, verify) -> None:
    inside = members(bundle)
    better = edited(inside, form.MACHINES, lambda row: row["judged"]["results"][1].__setitem__(3, "pass"), 1)
    own = making.sealing_keys()
    path = zipped(resealed(better, own), tmp_path / "x.zip")
    done = verify(path, "--key", own.public.fingerprint, "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["result"], told["bundle"]["key"]) == (1, "fails", own.public.fingerprint)
    failing = [line for line in told["lines"] if line["outcome"] == "fails"]
    assert [(line["code"], line["about"]) for line in failing] == [("verdict", "máy-1")]
    assert failing[0]["detail"]["check"] == inside_check(inside)
    assert told["summary"]["fails"] == 1


def inside_check(found: evidence.Members) -> str:
    return str(json.loads(found[form.MACHINES].splitlines()[1])["judged"]["results"][1][2])


def test_what_steers_a_terminal_does_not_come_through(bundle, tmp_path, verify) -> None:
    named = edited(members(bundle), form.MACHINES, lambda row: row.update(name="x\x1b[2J\u202ey"))
    done = verify(zipped(resealed(named, making.sealing_keys()), tmp_path / "x.zip"), "--key", evidence.fingerprint())
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


# by hand ---------------------------------------------------------------------------------------------------------------


def commands(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'<pre class="command">(.*?)</pre>', page, re.S)]


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, timeout=60, check=False)


def by_hand(path: Path, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Every command of the page inside, one after the other, as somebody would type them."""
    folder = folder / "hand"
    folder.mkdir()
    shutil.copyfile(path, folder / "evidence.zip")
    first, *rest = commands(members(path)[form.README].decode())
    done = [shell(first, folder)]
    return [*done, *(shell(command, folder / "evidence") for command in rest)]


@pytest.mark.skipif(not (shutil.which("unzip") and shutil.which("openssl")), reason="needs unzip and openssl")
def test_every_command_of_the_page_inside_works(bundle, tmp_path) -> None:
    unpacked, seal, mark, same, sums, rest, hosts, enrolments, read, files = by_hand(bundle, tmp_path)
    for done in (unpacked, seal, mark, same, sums, rest, hosts, enrolments, read, files):
        assert done.returncode == 0, done
        assert done.stderr == ""
    assert "Signature Verified Successfully" in seal.stdout
    assert mark.stdout.strip() == evidence.fingerprint()
    assert len(set(same.stdout.split()) - {"-"}) == 1
    for silent in (unpacked, sums, rest, hosts, enrolments, files):
        assert silent.stdout == "", silent
    assert "may-2" in read.stdout
    assert "remote_access.no_root" in read.stdout


@pytest.mark.skipif(not (shutil.which("unzip") and shutil.which("openssl")), reason="needs unzip and openssl")
def test_by_hand_one_sees_what_was_changed(bundle, tmp_path) -> None:
    """Each command that should be silent speaks when something is wrong; else it would check nothing."""
    inside = members(bundle)
    snapshot = next(name for name in inside if name.startswith("snapshots/"))
    attachment = next(name for name in inside if name.startswith("attachments/"))
    agent = json.loads(inside[form.HOSTS].splitlines()[0])["agent"]
    changed = inside | {
        snapshot: inside[snapshot].replace(b'"yes"', b'"no"'),
        attachment: inside[attachment] + b"x",
        f"keys/{agent}.pem": evidence.seal.pem(CentreKeys.generate().public.sign),
        "reports/9-new.txt": b"x",
        form.SUMS: inside[form.SUMS] + b"\n",
    }
    _unpacked, seal, _mark, _same, sums, rest, hosts, enrolments, _read, files = by_hand(
        zipped(changed, tmp_path / "x.zip"), tmp_path
    )
    assert "Signature Verified Successfully" not in seal.stdout
    assert snapshot in sums.stdout
    assert "reports/9-new.txt" in rest.stdout
    assert f"WRONG snapshot: {snapshot.partition('/')[2]}" in hosts.stdout
    assert "WRONG signature" in hosts.stdout
    assert agent in enrolments.stdout
    assert attachment in files.stdout
