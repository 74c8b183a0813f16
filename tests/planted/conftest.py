from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.planted.healthy import heal
from tests.planted.machine import Machine
from tests.planted.scenario import Patient


class Ward:
    """Holds the one copy; a test that failed may have left it broken, so the next one gets a new copy."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._machine: Machine | None = None
        self._patient: Patient | None = None

    def admit(self) -> Patient:
        if self._patient is None:
            self._machine = Machine(self._factory.mktemp("planted"))
            heal(self._machine)
            self._patient = Patient(self._machine, self._machine.verdicts())
        return self._patient

    def discharge(self) -> None:
        if self._machine is not None:
            self._machine.close()
        self._machine = self._patient = None


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    held = Ward(tmp_path_factory)
    yield held
    held.discharge()


@pytest.fixture
def patient(ward: Ward, request: pytest.FixtureRequest) -> Iterator[Patient]:
    failed = request.session.testsfailed
    yield ward.admit()
    if request.session.testsfailed > failed:
        ward.discharge()
