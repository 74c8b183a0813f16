"""SNMP: real net-snmp agents, agents that misbehave, and packets that are none. Only loopback."""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.model import Target
from collectors.snmp_credential import Keys, SnmpCredential, weak_communities
from collectors.transports import snmp, snmp_v2c, snmp_walk
from collectors.transports.snmp import Engines
from collectors.transports.snmp_v2c import BULK, GET
from collectors.transports.snmp_witness import SnmpWitness
from tests import snmpd as agents
from tests.snmpd import AUTH, COMMUNITY, PRIV, READERS, FakeAgent, Snmpd

DESCR, OBJECT, UPTIME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0"
IF_DESCR, IF_OPER = "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.8"
V2C = Keys(community=COMMUNITY.encode())


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    if not agents.installed():
        pytest.skip("needs the Debian packages snmpd and snmp")
    server = Snmpd(tmp_path_factory.mktemp("snmpd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where silence is what is tested, it need not be long."""
    monkeypatch.setattr(snmp, "TIMEOUT", 0.5)


def asked(port: int, keys: Keys, ask: Callable[[snmp.Agent], Awaitable[Any]], weak: tuple[bytes, ...] = ()) -> Any:
    async def run() -> Any:
        engines = Engines()
        try:
            with await engines.agent(Target(name="x", via="snmp", address="127.0.0.1", port=port), keys, weak) as agent:
                return await ask(agent)
        finally:
            engines.close()

    return asyncio.run(run())


def v3(user: str, /, **other: Any) -> Keys:
    _, _, priv = READERS[user]
    fields = {"user": user, "auth": user, "auth_key": AUTH.encode(), "priv": priv, "priv_key": PRIV.encode(), **other}
    return Keys(**fields)


@pytest.mark.system
@pytest.mark.parametrize("keys", [V2C, *map(v3, READERS)], ids=["v2c", *READERS])
def test_a_real_agent_tells_the_same_as_to_its_own_tools(snmpd: Snmpd, keys: Keys) -> None:
    async def ask(agent: snmp.Agent) -> Any:
        return await agent.get(DESCR, OBJECT, "1.3.6.1.2.1.1.99.0"), await agent.walk(IF_DESCR, IF_OPER)

    scalars, columns = asked(snmpd.port, keys, ask)
    place = f"127.0.0.1:{snmpd.port}"
    told = subprocess.run(
        ["snmpbulkwalk", "-v2c", "-c", COMMUNITY, "-On", "-Oq", "-m", "", place, IF_DESCR],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = {line.split(" ", 1)[0].rpartition(".")[2]: line.split(" ", 1)[1].strip('"') for line in told.splitlines()}
    assert {index: value.decode() for index, value in columns[IF_DESCR].items()} == names
    assert set(columns[IF_OPER]) == set(names)
    assert scalars[OBJECT].startswith("1.3.6.1.4.1.8072.")
    assert scalars[DESCR].startswith(b"Linux ")
    assert "1.3.6.1.2.1.1.99.0" not in scalars


@pytest.mark.system
@pytest.mark.parametrize(
    ("keys", "kind", "words"),
    [
        (v3("sha256", auth_key=b"wrong-wrong-wrong"), Denied, "authentication key or algorithm"),
        (v3("sha256", auth="sha512"), Denied, "authentication key or algorithm"),
        (v3("sha256", priv_key=b"wrong-wrong-wrong"), Unreachable, "privacy key or algorithm may be wrong"),
        (v3("sha256", user="nobody"), Denied, "no such user"),
        (Keys(user="signed", auth="sha256", auth_key=AUTH.encode(), priv="aes128", priv_key=PRIV.encode()), Denied, "authPriv"),
        (Keys(user="sha256", auth="sha256", auth_key=AUTH.encode()), Denied, "at authNoPriv"),
        (Keys(user="sha256"), Denied, "at noAuthNoPriv"),
        (Keys(community=b"wrong"), Unreachable, "or it does not know this community"),
    ],
    ids=["auth key", "auth algorithm", "priv key", "user", "no priv there", "level too low", "no keys", "community"],
)
@pytest.mark.usefixtures("impatient")
def test_wrong_keys_are_told_apart_and_never_shown(snmpd: Snmpd, keys: Keys, kind: type[CollectError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        asked(snmpd.port, keys, lambda agent: agent.get(DESCR))
    said = str(caught.value) + repr(keys)
    assert not any(secret in said for secret in (AUTH, PRIV, "wrong-wrong-wrong", "wrong,"))


@pytest.mark.system
@pytest.mark.usefixtures("impatient")
def test_what_is_tried_beside(snmpd: Snmpd) -> None:
    async def ask(agent: snmp.Agent) -> Any:
        return await agent.answers_without_keys(), await agent.weak_answered()

    open_user = Keys(user="open")
    assert asked(snmpd.port, v3("sha256"), ask, (b"public", b"private")) == (False, False)
    assert asked(snmpd.port, v3("sha256"), ask, (b"public", COMMUNITY.encode())) == (False, True)
    assert asked(snmpd.port, V2C, ask) == (None, None), "no keys, no list: nothing is tried"
    assert asked(snmpd.port, open_user, lambda agent: agent.get(DESCR)), "the user that needs nothing"


def test_a_weak_community_is_asked_once_and_silence_counts_only_from_an_agent_that_speaks(impatient: None) -> None:
    values: dict[str, Any] = {UPTIME: 5}
    answer = agents.whole(values)

    def respond(community: str, *rest: Any) -> Any:
        return answer(community, *rest) if community == COMMUNITY and values else None

    with FakeAgent(respond) as fake:
        assert asked(fake.ports[0], V2C, lambda agent: agent.weak_answered(), (b"public", b"private")) is False
        tried = [community for community, _, _ in fake.asked]
        assert tried == ["public", "private", COMMUNITY]
        values.clear()
        with pytest.raises(Unreachable):
            asked(fake.ports[0], V2C, lambda agent: agent.weak_answered(), (b"public",))


@pytest.mark.system
def test_two_sets_of_keys_for_one_user_do_not_disturb_each_other(snmpd: Snmpd, impatient: None) -> None:
    async def run() -> list[Any]:
        engines = Engines()
        target = Target(name="x", via="snmp", address="127.0.0.1", port=snmpd.port)

        async def one(keys: Keys) -> Any:
            try:
                with await engines.agent(target, keys) as agent:
                    return len(await agent.get(DESCR))
            except Denied:
                return "denied"

        wrong = v3("sha256", auth_key=b"wrong-wrong-wrong")
        try:
            return await asyncio.gather(*(one(keys) for _ in range(20) for keys in (v3("sha256"), wrong)))
        finally:
            engines.close()

    assert asyncio.run(run()) == [1, "denied"] * 20


def test_an_engine_is_replaced_after_its_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snmp, "GENERATION", 3)
    made: list[Any] = []
    real = snmp._Engine.__init__

    def counted(self: Any, keys: Keys) -> None:
        made.append(self)
        real(self, keys)

    monkeypatch.setattr(snmp._Engine, "__init__", counted)

    async def run(port: int) -> None:
        engines = Engines()
        target = Target(name="x", via="snmp", address="127.0.0.1", port=port)
        first = await engines.agent(target, V2C)
        for _ in range(7):
            with await engines.agent(target, V2C) as agent:
                assert await agent.get(UPTIME) == {UPTIME: 5}
        assert [engine._closed for engine in made] == [False, True, False], "an engine in use is not closed"
        first.__exit__()
        assert made[0]._closed
        engines.close()

    with FakeAgent(agents.whole({UPTIME: 5})) as fake:
        asyncio.run(run(fake.ports[0]))
    assert all(engine._closed for engine in made)


def test_a_table_that_runs_in_circles_is_not_believed() -> None:
    def respond(_: str, verb: int, oids: tuple[str, ...], repetitions: int) -> Any:
        return [(f"{IF_DESCR}.{number % 3 + 1}", b"x") for number in range(repetitions)]

    with FakeAgent(respond) as fake, pytest.raises(Unparsable, match="runs in circles"):
        asked(fake.ports[0], V2C, lambda agent: agent.walk(IF_DESCR))
    assert len(fake.asked) == 1


def test_a_table_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snmp_walk, "MAX_ROWS", 500)

    def respond(_: str, verb: int, oids: tuple[str, ...], repetitions: int) -> Any:
        last = int(oids[0].rpartition(".")[2]) if oids[0].startswith(f"{IF_DESCR}.") else 0
        return [(f"{IF_DESCR}.{last + number}", b"x") for number in range(1, repetitions + 1)]

    with FakeAgent(respond) as fake, pytest.raises(Unparsable, match="more than 500 rows"):
        asked(fake.ports[0], V2C, lambda agent: agent.walk(IF_DESCR))


def test_an_agent_that_dribbles_does_not_outlast_the_time_of_the_fact() -> None:
    def respond(_: str, verb: int, oids: tuple[str, ...], repetitions: int) -> Any:
        last = int(oids[0].rpartition(".")[2]) if oids[0].startswith(f"{IF_DESCR}.") else 0
        return [(f"{IF_DESCR}.{last + 1}", b"x")]

    async def ask(agent: snmp.Agent) -> Any:
        witness = SnmpWitness(agent)
        witness.allow(0.5)
        return await witness.walk(IF_DESCR)

    with FakeAgent(respond, delay=0.02) as fake, pytest.raises(Unreachable, match=r"took more than 0\.5 s"):
        asked(fake.ports[0], V2C, ask)


def test_too_big_is_asked_for_less() -> None:
    values: dict[str, Any] = {f"{IF_DESCR}.{number}": b"port" for number in range(1, 31)}
    answer = agents.whole(values)

    def respond(community: str, verb: int, oids: tuple[str, ...], repetitions: int) -> Any:
        return 1 if len(oids) * max(1, repetitions) > 4 else answer(community, verb, oids, repetitions)

    async def ask(agent: snmp.Agent) -> Any:
        return await agent.walk(IF_DESCR, IF_OPER), await agent.get(*list(values)[:20])

    with FakeAgent(respond) as fake:
        columns, scalars = asked(fake.ports[0], V2C, ask)
    assert list(columns[IF_DESCR]) == [str(number) for number in range(1, 31)]
    assert columns[IF_OPER] == {}
    assert len(scalars) == 20


def test_one_object_the_agent_trips_over_does_not_hide_the_others() -> None:
    answer = agents.whole({DESCR: b"x", UPTIME: 5})

    def respond(community: str, verb: int, oids: tuple[str, ...], repetitions: int) -> Any:
        return 5 if oids[0] == OBJECT else answer(community, verb, oids, repetitions)

    with FakeAgent(respond) as fake:
        assert asked(fake.ports[0], V2C, lambda agent: agent.get(OBJECT, DESCR, UPTIME)) == {DESCR: b"x", UPTIME: 5}


@pytest.mark.parametrize("status", [6, 16])
def test_no_access_is_denied(status: int) -> None:
    with FakeAgent(lambda *_: status) as fake, pytest.raises(Denied):
        asked(fake.ports[0], V2C, lambda agent: agent.get(DESCR))


@pytest.mark.parametrize(
    "packet", [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"hello, this is no SNMP", bytes(1400), b"\x30\x03\x02\x01\x01"]
)
@pytest.mark.parametrize("keys", [V2C, v3("sha256")], ids=["v2c", "v3"])
def test_what_is_no_answer_is_silence(impatient: None, caplog: pytest.LogCaptureFixture, packet: bytes, keys: Keys) -> None:
    class Babble(FakeAgent):
        def answer(self, transport: Any, _packet: bytes, sender: tuple[str, int]) -> None:
            transport.sendto(packet, sender)

    with Babble(lambda *_: None) as fake, caplog.at_level(logging.DEBUG), pytest.raises(Unreachable):
        asked(fake.ports[0], keys, lambda agent: agent.get(DESCR))
    assert COMMUNITY not in caplog.text


def test_an_answer_for_another_question_is_not_taken(impatient: None) -> None:
    def respond(community: str, *_: Any) -> Any:
        return agents.response(community.encode(), 4711, [(DESCR, b"forged")])

    with FakeAgent(respond) as fake, pytest.raises(Unreachable):
        asked(fake.ports[0], V2C, lambda agent: agent.get(DESCR))


def test_a_lost_packet_is_asked_once_more(impatient: None) -> None:
    answer = agents.whole({DESCR: b"x"})

    def respond(*rest: Any) -> Any:
        return answer(*rest) if len(fake.asked) > 1 else None

    with FakeAgent(respond) as fake:
        assert asked(fake.ports[0], V2C, lambda agent: agent.get(DESCR)) == {DESCR: b"x"}
    assert len(fake.asked) == 2


def test_an_agent_behind_ipv6_is_asked_with_the_same_engine() -> None:
    async def run(four: int, six: int) -> list[Any]:
        engines = Engines()
        try:
            found = []
            for address, port in (("127.0.0.1", four), ("::1", six)):
                with await engines.agent(Target(name="x", via="snmp", address=address, port=port), V2C) as agent:
                    found.append(await agent.get(DESCR))
            return found
        finally:
            engines.close()

    with FakeAgent(agents.whole({DESCR: b"four"})) as four, FakeAgent(agents.whole({DESCR: b"six"}), host="::1") as six:
        assert asyncio.run(run(four.ports[0], six.ports[0])) == [{DESCR: b"four"}, {DESCR: b"six"}]


def test_an_unknown_name_is_unreachable() -> None:
    async def run() -> None:
        await Engines().agent(Target(name="x", via="snmp", address="nosuch.invalid"), V2C)

    with pytest.raises(Unreachable, match=r"nosuch\.invalid"):
        asyncio.run(run())


OIDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12).map(lambda rest: ".".join(map(str, (1, 3, *rest))))
VALUES = st.none() | st.binary(max_size=300) | OIDS | st.integers(-(2**31), 2**31 - 1)


@given(st.binary(max_size=40), st.integers(0, 2**31 - 1), st.lists(st.tuples(OIDS, VALUES), max_size=20))
def test_what_is_written_is_read_again(community: bytes, request: int, binds: list[Any]) -> None:
    packet = agents.response(community, request, binds)
    assert snmp_v2c.decoded(packet) == (community, snmp_v2c.RESPONSE, request, snmp_v2c.Answered(0, 0, binds))


@given(st.binary(max_size=40), st.integers(0, 2**31 - 1), st.lists(OIDS, min_size=1, max_size=20), st.integers(0, 100))
def test_pysnmp_reads_what_is_written(community: bytes, request: int, oids: list[str], repetitions: int) -> None:
    from pyasn1.codec.ber import decoder
    from pysnmp.proto.api import v2c

    for verb, api in ((GET, v2c.apiPDU), (BULK, v2c.apiBulkPDU)):
        packet = snmp_v2c.encoded(community, request, snmp_v2c.Question(verb, tuple(oids), repetitions if verb == BULK else 0))
        message, rest = decoder.decode(packet, asn1Spec=v2c.Message())
        assert not rest
        assert bytes(v2c.apiMessage.get_community(message)) == community
        pdu = v2c.apiMessage.get_pdu(message)
        assert int(api.get_request_id(pdu)) == request
        assert [str(oid) for oid, _ in api.get_varbinds(pdu)] == oids
        if verb == BULK:
            assert int(v2c.apiBulkPDU.get_max_repetitions(pdu)) == repetitions


@given(st.binary(max_size=200))
def test_no_packet_breaks_the_reader(packet: bytes) -> None:
    try:
        snmp_v2c.decoded(packet)
    except (ValueError, IndexError):
        pass
    else:
        assert packet[0] == 0x30


@given(st.integers(0, 199), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(place: int, byte: int) -> None:
    packet = bytearray(agents.response(b"public", 7, [(DESCR, b"Linux"), (OBJECT, "1.3.6.1.4.1.9.1.1"), (UPTIME, 77)]))
    packet[place % len(packet)] = byte
    try:
        snmp_v2c.decoded(bytes(packet))
    except (ValueError, IndexError):
        return


def test_credentials_say_where_secrets_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "community"
    secret.write_text(f"{COMMUNITY}\n")
    secret.chmod(0o644)
    with pytest.raises(Unreachable, match="chmod 600"):
        SnmpCredential(community_file=str(secret)).keys()
    secret.chmod(0o600)
    keys = SnmpCredential(community_file=str(secret)).keys()
    assert keys.community == COMMUNITY.encode()
    assert COMMUNITY not in repr(keys) + str(keys)
    monkeypatch.setenv("MON_AUTH", "short")
    with pytest.raises(Unreachable, match="shorter than the 8"):
        SnmpCredential(user="u", auth="sha256", auth_key_env="MON_AUTH").keys()
    monkeypatch.setenv("MON_AUTH", AUTH)
    assert SnmpCredential(user="u", auth="sha256", auth_key_env="MON_AUTH").keys().security == "authNoPriv"
    with pytest.raises(Unreachable, match="MON_PRIV is not set"):
        SnmpCredential(user="u", auth="sha256", auth_key_env="MON_AUTH", priv="des", priv_key_env="MON_PRIV").keys()
    assert SnmpCredential(user="u").keys().security == "noAuthNoPriv"


def test_the_list_of_weak_communities_is_short_and_private(tmp_path: Path) -> None:
    listed = tmp_path / "weak"
    listed.write_text("# hay dùng\npublic\n\nprivate\npublic\n")
    listed.chmod(0o600)
    assert weak_communities(str(listed)) == (b"public", b"private")
    listed.write_text("\n".join(f"c{number}" for number in range(21)))
    with pytest.raises(Unreachable, match="would be guessing") as caught:
        weak_communities(str(listed))
    assert "c1" not in str(caught.value)


def test_without_pysnmp_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pysnmp.entity.engine", None)
    with pytest.raises(Unsupported, match=r"rasoat\[network\]"):
        asked(1, V2C, lambda agent: agent.get(DESCR))
