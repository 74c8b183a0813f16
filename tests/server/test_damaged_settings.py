"""Settings and keys whose bytes turned: the collector does not start, and names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import ConfigError, Data
from tests.server.running import Collector


@pytest.fixture
def data(tmp_path: Path) -> Data:
    found = Data(tmp_path / "data")
    found.create()
    return found


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"port = 83\x00", b"\x00" * 40, b"prot = 8340\n"])
def test_settings(data: Data, body: bytes) -> None:
    data.settings.write_bytes(body)
    with pytest.raises(ConfigError, match=r"settings\.toml"):
        data.config()


def test_the_secret_key(data: Data) -> None:
    sound = data.key()
    data.secret_key.write_bytes(b"\xff" + sound.encode())
    with pytest.raises(ConfigError, match=r"secret\.key: damaged"):
        data.key()


@pytest.mark.system
@pytest.mark.parametrize("name", ["settings.toml", "secret.key"])
def test_the_command_says_so_without_a_traceback(tmp_path: Path, name: str) -> None:
    data = Data(tmp_path / "data")
    data.create()
    (data.root / name).write_bytes(b"\xff\x00")
    collector = Collector.__new__(Collector)
    collector.data, collector.database = data.root, ""
    done = collector.command("run", check=False)
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr
