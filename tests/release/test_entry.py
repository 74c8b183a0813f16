"""What the packed agent does before anything else: programs of the machine are started with the machine's own libraries."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PLACE = Path(__file__).parents[2] / "scripts" / "release" / "pyinstaller"


@pytest.fixture
def entry() -> ModuleType:
    spec = importlib.util.spec_from_file_location("entry", PLACE / "entry.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settled(entry: ModuleType, environment: dict[str, str], *there: str) -> dict[str, str]:
    entry.settle(environment, lambda path: path in there)
    return environment


def test_what_the_bootloader_put_before_the_libraries_is_taken_back(entry: ModuleType) -> None:
    assert "LD_LIBRARY_PATH" not in settled(entry, {"LD_LIBRARY_PATH": "/tmp/_MEI1", "PATH": "/bin"})


def test_what_was_there_before_comes_back(entry: ModuleType) -> None:
    after = settled(entry, {"LD_LIBRARY_PATH": "/tmp/_MEI1:/opt/lib", "LD_LIBRARY_PATH_ORIG": "/opt/lib"})
    assert after["LD_LIBRARY_PATH"] == "/opt/lib"
    assert "LD_LIBRARY_PATH_ORIG" not in after


def test_started_by_itself_it_unpacks_anew(entry: ModuleType) -> None:
    assert settled(entry, {})["PYINSTALLER_RESET_ENVIRONMENT"] == "1"


@pytest.mark.parametrize(
    "path", ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem"]
)
def test_authorities_are_the_machine_s(entry: ModuleType, path: str) -> None:
    assert settled(entry, {}, path)["SSL_CERT_FILE"] == path


def test_authorities_that_an_administrator_named_stay(entry: ModuleType) -> None:
    there = entry.AUTHORITIES[0]
    assert settled(entry, {"SSL_CERT_FILE": "/etc/mine.pem"}, there)["SSL_CERT_FILE"] == "/etc/mine.pem"
    assert "SSL_CERT_FILE" not in settled(entry, {"SSL_CERT_DIR": "/etc/mine"}, there)


def test_without_any_it_says_nothing(entry: ModuleType) -> None:
    assert "SSL_CERT_FILE" not in settled(entry, {})


def test_nothing_beside_it_can_be_taken_for_a_package(entry: ModuleType) -> None:
    """What lies beside the script comes first on the packer's path: a file agent.py there replaced the whole package once."""
    assert [path.name for path in PLACE.iterdir() if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")] == [
        "entry.py"
    ]
