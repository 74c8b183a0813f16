"""Version 2c for a pysnmp engine, with the packets read and written here.

pysnmp's own model spends some 15 ms on a question of forty values, nearly all of it in pyasn1; five hundred agents wait eight
seconds for that. The packet of v2c is eight tags deep and always the same, so it is spelt out. Dispatcher, sockets and time-outs
stay pysnmp's, and v3 is its own altogether.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from pysnmp.proto import errind
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.mpmod.rfc2576 import SnmpV2cMessageProcessingModel

from collectors.transports.base import Value

GET, RESPONSE, BULK = 0xA0, 0xA2, 0xA5
_INTEGER, _OCTETS, _NULL, _OID, _SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
_ADDRESS, _OPAQUE = 0x40, 0x44
_UNSIGNED = (0x41, 0x42, 0x43, 0x46)
"""Counter32, Gauge32, TimeTicks, Counter64. Some agents leave out the zero that keeps a large one positive."""
_NOTHING = (_NULL, 0x80, 0x81, 0x82)
"""noSuchObject, noSuchInstance, endOfMibView."""


class Question(NamedTuple):
    """One request. `repetitions` counts for BULK alone."""

    verb: int
    oids: tuple[str, ...]
    repetitions: int = 0


class Answered(NamedTuple):
    """One response. `place` counts from 1: the question that `status` is about."""

    status: int
    place: int
    binds: list[tuple[str, Value | None]]
    """None: the agent shows nothing under this OID."""


class V2c(SnmpV2cMessageProcessingModel):  # type: ignore[misc]
    """The message processing model that takes a Question and hands over an Answered."""

    def __init__(self, community: bytes) -> None:
        super().__init__()
        self._community = community
        self._waiting: dict[int, tuple[int, tuple[Any, ...]]] = {}

    def prepare_outgoing_message(self, _engine: Any, domain: Any, address: Any, *rest: Any) -> tuple[Any, Any, bytes]:
        model, security, name, level, context_engine, context, version, question, _, handle = rest
        # not to be guessed: whoever is not on the way cannot answer for the agent
        request = secrets.randbits(31)
        self._waiting[request] = (handle, (model, security, name, level, context_engine, context, version))
        return domain, address, encoded(self._community, request, question)

    def prepare_data_elements(self, _engine: Any, _domain: Any, _address: Any, packet: bytes) -> tuple[Any, ...]:
        try:
            community, verb, request, answered = decoded(bytes(packet))
        except (ValueError, IndexError):
            raise StatusInformation(errorIndication=errind.parseError) from None
        if verb != RESPONSE or community != self._community or request not in self._waiting:
            raise StatusInformation(errorIndication=errind.dataMismatch)
        handle, (model, security, name, level, context_engine, context, version) = self._waiting.pop(request)
        return model, security, name, level, context_engine, context, version, answered, verb, handle, None, None, None

    def release_state_information(self, handle: int) -> None:
        """A question that nobody answered is forgotten."""
        for request in [request for request, (waiting, _) in self._waiting.items() if waiting == handle]:
            del self._waiting[request]


def encoded(community: bytes, request: int, question: Question) -> bytes:
    binds = b"".join(_tagged(_SEQUENCE, _tagged(_OID, _oid_bytes(oid)) + b"\x05\x00") for oid in question.oids)
    numbers = b"".join(map(_number, (request, 0, question.repetitions)))
    pdu = _tagged(question.verb, numbers + _tagged(_SEQUENCE, binds))
    return _tagged(_SEQUENCE, _number(1) + _tagged(_OCTETS, community) + pdu)


def decoded(packet: bytes) -> tuple[bytes, int, int, Answered]:
    """(community, kind of PDU, request id, what it says). Raises ValueError or IndexError for anything else than a v2c message."""
    _, start, end = _expected(packet, 0, _SEQUENCE)
    _, start, stop = _expected(packet, start, _INTEGER)
    _, start, stop = _expected(packet, stop, _OCTETS)
    community = packet[start:stop]
    verb, start, end = _head(packet, stop)
    numbers = []
    for _ in range(3):
        _, begin, start = _expected(packet, start, _INTEGER)
        numbers.append(int.from_bytes(packet[begin:start], "big", signed=True))
    _, start, end = _expected(packet, start, _SEQUENCE)
    binds: list[tuple[str, Value | None]] = []
    while start < end:
        _, inner, start = _expected(packet, start, _SEQUENCE)
        _, begin, stop = _expected(packet, inner, _OID)
        binds.append((_oid_text(packet[begin:stop]), _value(packet, stop)))
    request, status, index = numbers
    return community, verb, request, Answered(status, index, binds)


def _head(packet: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where its content begins, where it ends)."""
    tag, length = packet[at], packet[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("a length that is no length")
        length = int.from_bytes(packet[at : at + count], "big")
        at += count
    if at + length > len(packet):
        raise ValueError("the packet ends before its content")
    return tag, at, at + length


def _expected(packet: bytes, at: int, tag: int) -> tuple[int, int, int]:
    found = _head(packet, at)
    if found[0] != tag:
        raise ValueError(f"tag {found[0]:#x} where {tag:#x} belongs")
    return found


def _value(packet: bytes, at: int) -> Value | None:
    tag, start, end = _head(packet, at)
    body = packet[start:end]
    if tag in (_OCTETS, _OPAQUE):
        return body
    if tag == _INTEGER:
        return int.from_bytes(body, "big", signed=True)
    if tag in _UNSIGNED:
        return int.from_bytes(body, "big")
    if tag == _OID:
        return _oid_text(body)
    if tag == _ADDRESS:
        return ".".join(map(str, body))
    if tag in _NOTHING:
        return None
    raise ValueError(f"tag {tag:#x} is no value of SNMP")


def _oid_text(body: bytes) -> str:
    numbers: list[int] = []
    number = 0
    for byte in body:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers or body[-1] & 0x80:
        raise ValueError("an OID that does not end")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _oid_bytes(oid: str) -> bytes:
    first, second, *rest = map(int, oid.split("."))
    body = bytearray()
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return bytes(body)


def _tagged(tag: int, body: bytes) -> bytes:
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def _number(value: int) -> bytes:
    return _tagged(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def question(verb: str, oids: Iterable[str], repetitions: int = 0) -> Question:
    """A Question by its name, get or bulk."""
    return Question(BULK if verb == "bulk" else GET, tuple(oids), repetitions)
