"""`agent service` beside a package of the distribution that brings the units itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import service

TEXTS = {"rasoat.service": "[Service]\nExecStart=/usr/lib/rasoat-agent/rasoat agent once\n", "rasoat.timer": "[Timer]\n"}


class Systemd:
    """Folders of its own, and what systemctl was told."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[str, ...]] = []
        self.ours, self.packaged = place / "etc", place / "lib"
        for folder in (self.ours, self.packaged):
            folder.mkdir()
        monkeypatch.setattr(service, "FOLDER", self.ours)
        monkeypatch.setattr(service, "PACKAGED", self.packaged)
        monkeypatch.setattr(service, "_systemd", lambda: None)
        monkeypatch.setattr(service, "_systemctl", lambda *words: self.told.append(words))

    def packages(self, texts: dict[str, str]) -> None:
        for name, text in texts.items():
            (self.packaged / name).write_text(text, "utf-8")

    def written(self) -> dict[str, str]:
        return {path.name: path.read_text("utf-8") for path in self.ours.iterdir()}


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    return Systemd(tmp_path, monkeypatch)


ENABLED = ("enable", "--now", "rasoat.timer")
DISABLED = ("disable", "--now", "rasoat.timer")


def test_without_a_package_the_units_are_ours(systemd: Systemd) -> None:
    service.install(TEXTS)
    assert systemd.written() == TEXTS
    assert ENABLED in systemd.told
    assert service.remove() == ["rasoat.timer", "rasoat.service"]
    assert systemd.written() == {}


def test_a_package_s_own_units_are_used_and_no_copy_outlives_it(systemd: Systemd) -> None:
    systemd.packages(TEXTS)
    (systemd.ours / "rasoat.service").write_text("of an install before the package\n")
    service.install(TEXTS)
    assert systemd.written() == {}
    assert ENABLED in systemd.told


def test_a_station_s_unit_differs_and_is_written(systemd: Systemd) -> None:
    systemd.packages(TEXTS)
    station = TEXTS | {"rasoat.service": TEXTS["rasoat.service"] + "TimeoutStartSec=infinity\n"}
    service.install(station)
    assert systemd.written() == {"rasoat.service": station["rasoat.service"]}


def test_removing_stops_the_package_s_timer_and_leaves_its_files(systemd: Systemd) -> None:
    systemd.packages(TEXTS)
    assert service.remove() == ["rasoat.timer"]
    assert DISABLED in systemd.told
    assert {path.name for path in systemd.packaged.iterdir()} == set(TEXTS)


def test_where_nothing_is_nothing_is_stopped(systemd: Systemd) -> None:
    assert service.remove() == []
    assert systemd.told == []
