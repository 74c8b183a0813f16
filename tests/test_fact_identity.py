"""Who a machine is: what cases cannot say."""

from __future__ import annotations

import platform
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts import identity
from collectors.transports.local import LocalShell, RootShell
from collectors.transports.replay import ReplayShell
from collectors.transports.witness import Witness

HERE = Path(__file__).parent
CASE: dict[str, Any] = yaml.safe_load((HERE / "cases/identity/rocky9--physical-server/transcript.yaml").read_text("utf-8"))


@pytest.mark.system
@pytest.mark.skipif(platform.system() != "Linux", reason="asks a Linux machine")
def test_this_machine_is_who_python_says_it_is() -> None:
    fact = identity.linux(Witness(LocalShell()))
    assert fact.hostname == socket.gethostname()
    assert fact.kernel_release == platform.release()
    assert fact.architecture == platform.machine()
    own = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    assert {address for address in own if "." in address and not address.startswith("169.254.")} <= set(fact.addresses or ())


@pytest.mark.parametrize("root", sorted((HERE / "roots").iterdir()), ids=lambda root: root.name)
def test_unpacked_systems_are_recognised(root: Path) -> None:
    fact = identity.linux(RootShell(str(root)))
    assert fact.os_family == "debian"
    assert fact.os_codename == root.name.removeprefix("root-")
    assert {name for name, value in fact if value is None} <= {entry.field for entry in fact.unseen}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ID=debian", "debian"), ("ID=kali\nID_LIKE=debian", "debian"), ("ID=pop\nID_LIKE='ubuntu debian'", "debian"),
        ("ID=amzn\nID_LIKE=fedora", "redhat"), ("ID=ol", "redhat"), ("ID=opensuse-leap\nID_LIKE='suse opensuse'", "suse"),
        ("ID=alpine", "linux"), ("ID=arch", "linux"),
    ],
)  # fmt: skip
def test_family(words: str, expected: str) -> None:
    release = identity.os_release(ReplayShell({"read": {"/etc/os-release": words}}))
    assert identity.family(release) == expected


def test_usr_lib_stands_in_for_etc() -> None:
    shell = ReplayShell({"read": {"/etc/os-release": None, "/usr/lib/os-release": 'ID="rhel"\nVERSION_ID="9.4"\n'}})
    assert identity.os_release(shell)["VERSION_ID"] == "9.4"


def test_the_machine_id_itself_is_not_told() -> None:
    fact = identity.linux(ReplayShell(CASE))
    assert fact.machine_id is not None
    assert re.fullmatch(r"[0-9a-f]{32}", fact.machine_id)
    assert CASE["read"]["/etc/machine-id"].strip() not in fact.model_dump_json()


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(path for path, text in CASE["read"].items() if isinstance(text, str))), st.text(max_size=120))
def test_garbage_in_a_file_is_no_crash(path: str, garbage: str) -> None:
    try:
        fact = identity.linux(ReplayShell({**CASE, "read": {**CASE["read"], path: garbage}}))
    except CollectError:
        assert path == "/etc/os-release"
    else:
        assert {name for name, value in fact if value is None} <= {entry.field for entry in fact.unseen}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1), st.integers(0, 2), st.text(max_size=60))
def test_garbage_from_a_command_is_no_crash(index: int, status: int, garbage: str) -> None:
    runs = [{**run, "status": status, "out": garbage} if number == index else run for number, run in enumerate(CASE["run"])]
    fact = identity.linux(ReplayShell({**CASE, "run": runs}))
    assert fact.os_id == "rocky"
