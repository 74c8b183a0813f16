"""Several machines serve one database only with the same keys, and whoever has others is told so by name."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from collectors.centre import CentreKeys
from server.config import Config, Data
from server.deploy import check
from server.journal.models import Entry
from server.storage import keys
from server.storage.models import InForce
from tests.postgres import Cluster
from tests.server.running import Collector


@pytest.fixture
def data(tmp_path: Path, settings, db) -> Data:
    made = Data(tmp_path / "data")
    made.create()
    settings.DATA, settings.CONFIG = made, Config()
    return made


def lines() -> list[check.Line]:
    return [line for line in check.look(deploy=False) if line.name == "keys"]


@pytest.mark.on_both
def test_the_first_machine_says_which_they_are(data: Data) -> None:
    assert keys.agree(data) == keys.agree(data) == []
    assert {row.place for row in InForce.objects.all()} == {socket.gethostname()}
    assert data.key() not in str(list(InForce.objects.values_list()))
    assert [line.state for line in lines()] == [check.GOOD]


@pytest.mark.on_both
@pytest.mark.parametrize("name", ["secret.key", "centre.key"])
def test_another_key_is_named(data: Data, name: str, tmp_path: Path) -> None:
    keys.agree(data)
    second = Data(tmp_path / "second")
    second.create()
    shutil.copy(data.root / ("secret.key" if name == "centre.key" else "centre.key"), second.root)
    assert [other.name for other in keys.agree(second)] == [name]
    assert keys.agree(data) == [], "asking changes nothing"


def test_a_key_that_is_gone_or_damaged_is_another_one(data: Data) -> None:
    keys.agree(data)
    data.centre_key.write_text("no key\n")
    data.secret_key.unlink()
    assert {line.state for line in lines()} == {check.BAD}
    assert {other.name for other in keys.others(data)} == {"centre.key", "secret.key"}
    keys.accept(data)
    assert [other.name for other in keys.others(data)] == ["secret.key"], "what is not there cannot be the right one"


def test_a_person_says_that_a_new_key_is_right(data: Data) -> None:
    keys.agree(data)
    before = keys.fingerprints(data)["centre.key"]
    data.centre_key.write_text(CentreKeys.generate().text())
    assert [line.state for line in lines()] == [check.BAD]
    keys.accept(data)
    assert [line.state for line in lines()] == [check.GOOD]
    entry = Entry.objects.get(action="server.key")
    assert (entry.subject, entry.detail) == ("centre.key", {"before": before})


@pytest.mark.system
def test_a_machine_with_other_keys_does_not_start(postgres: Cluster, tmp_path: Path) -> None:
    first = Collector(tmp_path / "first", postgres.create())
    second = first.beside(tmp_path / "second")
    second.command("check", "--lang", "en", check=False)
    (tmp_path / "second" / "secret.key").write_text("another secret that signs sessions\n")
    for words in (("run", "--port", str(second.port)), ("worker",), ("init",)):
        refused = second.command(*words, "--lang", "en", check=False)
        assert refused.returncode == 2, words
        assert "secret.key is another one here" in refused.stderr
        assert socket.gethostname() in refused.stderr
        assert "centre.key is another" not in refused.stderr
    seen = second.command("check", "--deploy", "--lang", "en", check=False)
    assert seen.returncode == 1
    assert "secret.key is another one here" in seen.stdout
    shutil.copy(tmp_path / "first" / "secret.key", tmp_path / "second")
    second.start()
    second.stop()
