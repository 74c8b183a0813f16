"""The database is away before anything of a request was done: in the sessions, in what relays sealed, on every page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, OperationalError

from collectors.centre import SIGNED
from server.errors import away
from tests.postgres import Cluster
from tests.server.people import Host
from tests.server.running import Answer, Collector

OF_SOMEBODY = {"Cookie": "rasoat_session=" + "a" * 32}
"""Whose session that is must be asked of the database, before any page."""
OF_A_RELAY = {"Rasoat-Relay": f"{'0' * 8}-0000-7000-8000-{'0' * 12} 1700000000 - {'A' * 86}==", "Accept": SIGNED}
WORK = "/api/v1/agents/me/work"


def interrupted() -> None:
    """As Django does when a session cannot be written."""
    try:
        raise OperationalError("gone")
    except OperationalError:
        raise SessionInterrupted("ended elsewhere")  # noqa: B904


def test_what_became_of_an_error_is_told_by_what_it_came_from() -> None:
    with pytest.raises(SessionInterrupted) as found:
        interrupted()
    assert away(found.value)
    assert not away(IntegrityError("crossed"))
    assert not away(SessionInterrupted("ended elsewhere"))
    assert not away(None)


class Gone:
    """A collector whose cluster is stopped now."""

    def __init__(self, collector: Collector, cluster: Cluster, host: Host) -> None:
        self.collector, self.cluster, self.host = collector, cluster, host


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gone]:
    with Cluster.started() as cluster:
        collector = Collector(tmp_path_factory.mktemp("collector"), cluster.create())
        collector.start()
        try:
            host = Host()
            collector.enrol(host)
            assert collector.get("/", OF_SOMEBODY).status == 200, "where one logs on"
            cluster.stop()
            yield Gone(collector, cluster, host)
        finally:
            collector.stop()


@pytest.mark.system
def test_pages_say_so(gone: Gone) -> None:
    for _turn in range(4):  # each of the processes, with the connection it had and without one
        answer = gone.collector.get("/", OF_SOMEBODY)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "30"
        assert "Cơ sở dữ liệu không trả lời" in answer.document
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    english = gone.collector.get("/units/", {"Cookie": OF_SOMEBODY["Cookie"] + "; rasoat_language=en"})
    assert english.status == 503
    assert "The database does not answer" in english.document
    assert gone.collector.get("/healthz").status == 200


@pytest.mark.system
def test_programs_are_told_to_come_again(gone: Gone) -> None:
    headers = {"Authorization": gone.host.authorization(WORK)}
    body = gone.host.seal(gone.host.snapshot())
    answers: list[Answer] = [
        gone.collector.get(WORK, headers),
        gone.collector.get(WORK, headers | OF_A_RELAY),
        gone.collector.send(body),
        gone.collector.get("/metrics"),
    ]
    for answer in answers:
        assert (answer.status, answer.document["error"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "30"
    log = (gone.collector.data / "log").read_text()
    assert "the database does not take it" in log
    assert "Traceback" not in log, "one line for each"


@pytest.mark.system
def test_it_goes_on_by_itself(gone: Gone) -> None:
    gone.cluster.start()
    for _turn in range(4):
        assert gone.collector.get("/", OF_SOMEBODY).status == 200
    assert gone.collector.get(WORK, {"Authorization": gone.host.authorization(WORK)}).status == 200
    assert gone.collector.get(WORK, OF_A_RELAY).status == 401, "no such relay"
    assert gone.collector.send(gone.host.seal(gone.host.snapshot())).status == 201
    assert gone.collector.process is not None
    assert gone.collector.process.poll() is None
