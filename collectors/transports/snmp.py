"""SNMP agents, asked with pysnmp on one event loop: v2c and v3, GET and GETBULK, nothing else.

One engine per set of keys: an engine shared by two sets under the same user name answers half of its questions with "wrong
digest". Requests go to the engine's message dispatcher directly, because the tables that pysnmp's commands keep per target
are never emptied; and an engine is replaced after GENERATION targets, because what v3 learns of each agent is not either.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.model import Target, utcnow
from collectors.snmp_credential import Keys
from collectors.transports.base import Security, Value
from collectors.transports.snmp_walk import Walk

if TYPE_CHECKING:
    from pysnmp.entity.engine import SnmpEngine

    from collectors.transports.snmp_v2c import Answered

log = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds one request waits for its answer."""

RETRIES = 1
"""UDP loses packets. Asking again sends the same community or user once more, never another."""

DISCOVERIES = 3
"""Times an agent may say "not my engine id" or "not my time" before it is believed."""

GENERATION = 256
"""Targets one engine serves before a new one takes over: bounds what pysnmp remembers of each."""

PER_REQUEST = 24
"""OIDs of one GET: some agents answer 1,500 bytes at most."""

COMMUNITY = "community"
"""What the engine calls its community: errors and tables name this word, never the secret."""

UPTIME = "1.3.6.1.2.1.1.3.0"

_MODELS = {"v2c": (1, 2), "noAuthNoPriv": (3, 3), "authNoPriv": (3, 3), "authPriv": (3, 3)}
_LEVELS = {"v2c": 1, "noAuthNoPriv": 1, "authNoPriv": 2, "authPriv": 3}
_WRONG_KEYS = {
    "WrongDigest": "the authentication key or algorithm is not the agent's",
    "AuthenticationFailure": "the authentication key or algorithm is not the agent's",
    "UnknownUserName": "the agent knows no such user",
    "UnknownSecurityName": "the agent knows no such user",
    "UnsupportedSecurityLevel": "the agent does not let this user in at the level {level}",
    "DecryptionError": "the privacy key or algorithm is not the agent's",
    "EncryptionError": "the privacy algorithm is not available here",
    "UnsupportedAuthProtocol": "the authentication algorithm is not available here",
    "UnsupportedPrivProtocol": "the privacy algorithm is not available here",
}
_TOO_BIG, _NO_SUCH_NAME, _GENERAL = 1, 2, 5
_NO_ACCESS = (6, 16)


class Engines:
    """The pysnmp engines of one sweep, all on the running event loop. Close it there."""

    def __init__(self) -> None:
        self._current: dict[Keys, _Engine] = {}

    async def agent(self, target: Target, keys: Keys, weak: Iterable[bytes] = ()) -> Agent:
        """The agent of a target; nothing is sent yet. Raises Unreachable for an unknown name."""
        host, port = target.address or target.name, target.port or 161
        address, six = await _resolved(host, port)
        return Agent(self, self._engine(keys), keys, address, six, f"{host}:{port}", tuple(weak))

    def _engine(self, keys: Keys) -> _Engine:
        found = self._current.get(keys)
        if found is None or found.served >= GENERATION:
            if found is not None:
                found.retire()
            found = self._current[keys] = _Engine(keys)
        found.served += 1
        found.users += 1
        return found

    def close(self) -> None:
        for engine in self._current.values():
            engine.close()
        self._current.clear()


class _Engine:
    """One SnmpEngine that holds one set of keys."""

    def __init__(self, keys: Keys) -> None:
        try:
            from pysnmp.entity import config
            from pysnmp.entity.engine import SnmpEngine
        except ImportError:
            raise Unsupported("pysnmp is not installed; install rasoat[network]") from None
        self.engine: SnmpEngine = SnmpEngine()
        self.served = self.users = 0
        self._retired = self._closed = False
        self._domains: set[tuple[int, ...]] = set()
        if keys.user:
            auth, priv = _protocols(config)
            config.add_v3_user(
                self.engine,
                keys.user,
                auth[keys.auth],
                keys.auth_key or None,
                priv[keys.priv],
                keys.priv_key or None,
            )
        else:
            from collectors.transports.snmp_v2c import V2c

            self.engine.message_processing_subsystems[1] = V2c(keys.community)

    def domain(self, six: bool) -> tuple[int, ...]:
        """The transport domain for IPv4 or IPv6, with its socket opened at the first use."""
        from pysnmp.carrier.asyncio.dgram import udp, udp6
        from pysnmp.entity import config

        module = udp6 if six else udp
        domain: tuple[int, ...] = module.DOMAIN_NAME
        if domain not in self._domains:
            transport = udp6.Udp6AsyncioTransport() if six else udp.UdpAsyncioTransport()
            config.add_transport(self.engine, domain, transport.open_client_mode())
            self._domains.add(domain)
        return domain

    def release(self) -> None:
        self.users -= 1
        if self._retired and self.users <= 0:
            self.close()

    def retire(self) -> None:
        self._retired = True
        if self.users <= 0:
            self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.engine.close_dispatcher()


class Agent:
    """One agent. Use as a context manager, so that its engine can be let go."""

    def __init__(
        self,
        engines: Engines,
        engine: _Engine,
        keys: Keys,
        address: tuple[str, int],
        six: bool,
        place: str,
        weak: tuple[bytes, ...],
    ) -> None:
        self._engines = engines
        self._engine = engine
        self._keys = keys
        self._address = address
        self._six = six
        self._place = place
        self._weak = weak
        self.at: datetime = utcnow()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.release()

    @property
    def security(self) -> Security:
        return self._keys.security

    async def get(self, *oids: str) -> Mapping[str, Value]:
        found: dict[str, Value] = {}
        waiting = [oids[at : at + PER_REQUEST] for at in range(0, len(oids), PER_REQUEST)]
        while waiting:
            asked = waiting.pop(0)
            answer = await self._ask("get", asked)
            if answer.status == _TOO_BIG and len(asked) > 1:
                waiting[:0] = [asked[: len(asked) // 2], asked[len(asked) // 2 :]]
            elif answer.status in (_NO_SUCH_NAME, _GENERAL) and 0 < answer.place <= len(asked):
                # an agent that trips over one object must not hide the others
                waiting[:0] = [tuple(oid for at, oid in enumerate(asked, 1) if at != answer.place)] if len(asked) > 1 else []
            else:
                self._refuse(answer.status)
                wanted = set(asked)
                found.update((oid, value) for oid, value in answer.binds if oid in wanted and value is not None)
        return found

    async def walk(self, *columns: str, expect: int = 8) -> Mapping[str, Mapping[str, Value]]:
        walk = Walk(columns, expect, self._place)
        while asked := walk.next():
            answer = await self._ask("bulk", asked, walk.repetitions)
            if answer.status == _TOO_BIG and walk.smaller():
                continue
            if answer.status == _NO_SUCH_NAME:  # SNMP v1 manners: the end of everything
                break
            self._refuse(answer.status)
            walk.take(answer.binds)
        return walk.rows

    async def answers_without_keys(self) -> bool | None:
        if self._keys.auth is None:
            return None
        return await self._tried(Keys(user=self._keys.user))

    async def weak_answered(self) -> bool | None:
        if not self._weak:
            return None
        for community in self._weak:
            if await self._tried(Keys(community=community)):
                return True
        # silence counts only from an agent that speaks now
        await self._ask("get", (UPTIME,))
        return False

    async def _tried(self, keys: Keys) -> bool:
        """One question, once, with other keys."""
        if keys == self._keys:
            return True
        with Agent(self._engines, self._engines._engine(keys), keys, self._address, self._six, self._place, ()) as other:
            try:
                answer = await other._ask("get", (UPTIME,), retries=0)
            except (Unreachable, Denied):
                return False
            return answer.status == 0 and any(value is not None for _, value in answer.binds)

    def _refuse(self, status: int) -> None:
        if status in _NO_ACCESS:
            raise Denied(
                f"{self._place}: the agent does not let this account see that at {self.security} (error status {status})"
            )
        if status:
            raise Unparsable(f"{self._place}: the agent answered with error status {status}")

    async def _ask(self, verb: str, oids: Iterable[str], repetitions: int = 0, retries: int = RETRIES) -> Answered:
        """Send until an answer comes, at most `retries` times more. Raises Unreachable or Denied."""
        from collectors.transports import snmp_v2c

        asked = tuple(oids)
        pdu = _pdu(verb, asked, repetitions) if self._keys.user else snmp_v2c.question(verb, asked, repetitions)
        silent = discoveries = 0
        while True:
            failed, answer = await self._exchange(pdu)
            if failed is None:
                return _answered(answer) if self._keys.user else answer
            if failed == "RequestTimedOut" and silent < retries:
                silent += 1
            elif failed in ("UnknownEngineID", "NotInTimeWindow") and discoveries < DISCOVERIES:
                discoveries += 1
            else:
                raise self._error(failed, (silent + 1) * TIMEOUT, spoke=discoveries > 0)

    async def _exchange(self, pdu: Any) -> tuple[str | None, Any]:
        """(why it failed, None) or (None, response PDU)."""
        from pysnmp.proto.error import StatusInformation
        from pysnmp.proto.rfc1902 import OctetString

        future: asyncio.Future[tuple[str | None, Any]] = asyncio.get_running_loop().create_future()
        engine = self._engine.engine
        version, model = _MODELS[self.security]
        domain = self._engine.domain(self._six)
        ticks = TIMEOUT / engine.transport_dispatcher.get_timer_resolution()
        name = OctetString(self._keys.user or COMMUNITY)
        try:
            engine.message_dispatcher.send_pdu(
                engine, domain, self._address, version, model, name, _LEVELS[self.security],
                None, OctetString(""), 1, pdu, True, ticks, _settle, future,
            )  # fmt: skip
        except StatusInformation as error:
            return type(error["errorIndication"]).__name__, None
        except Exception as error:  # pysnmp wraps what the socket says: no route, not permitted
            # its text may quote the message that was to be sent, and with it the community
            raise Unreachable(f"{self._place}: nothing could be sent ({type(error).__name__})") from None
        return await future

    def _error(self, failed: str, waited: float, spoke: bool = False) -> CollectError:
        if failed == "RequestTimedOut":
            # agents are silent to a community they do not know, and some to what they cannot decrypt
            why = "no agent, or filtered"
            if self.security == "v2c":
                why += ", or it does not know this community"
            elif spoke:
                why = "it told its engine id and then fell silent: the privacy key or algorithm may be wrong"
            return Unreachable(f"{self._place}: no answer within {waited:g} s ({why})")
        if failed in _WRONG_KEYS:
            who = f"user {self._keys.user}" if self._keys.user else "community"
            return Denied(f"{self._place}: {who}: {_WRONG_KEYS[failed].format(level=self.security)}")
        return Unparsable(f"{self._place}: the answer is not understood ({failed})")


def _settle(*said: Any) -> None:
    """Called by the dispatcher with an answer, a report or a time-out."""
    pdu, status, future = said[8], said[9], said[11]
    if future.done():
        return
    if status:
        future.set_result((type(status["errorIndication"]).__name__, None))
    else:
        future.set_result((None, pdu))


def _pdu(verb: str, oids: Iterable[str], repetitions: int) -> Any:
    from pysnmp.proto.api import v2c
    from pysnmp.proto.rfc1902 import ObjectName

    binds = [(ObjectName(tuple(map(int, oid.split(".")))), v2c.null) for oid in oids]
    if verb == "bulk":
        pdu = v2c.GetBulkRequestPDU()
        v2c.apiBulkPDU.set_defaults(pdu)
        v2c.apiBulkPDU.set_non_repeaters(pdu, 0)
        v2c.apiBulkPDU.set_max_repetitions(pdu, repetitions)
        v2c.apiBulkPDU.set_varbinds(pdu, binds)
    else:
        pdu = v2c.GetRequestPDU()
        v2c.apiPDU.set_defaults(pdu)
        v2c.apiPDU.set_varbinds(pdu, binds)
    return pdu


def _answered(pdu: Any) -> Answered:
    from pysnmp.proto.api import v2c

    from collectors.transports.snmp_v2c import Answered

    status = int(v2c.apiPDU.get_error_status(pdu))
    index = int(v2c.apiPDU.get_error_index(pdu, muteErrors=True))
    binds = [(".".join(map(str, oid)), _value(value)) for oid, value in v2c.apiPDU.get_varbinds(pdu)]
    return Answered(status, index, binds)


def _value(value: Any) -> Value | None:
    kind = type(value).__name__
    if kind in ("NoSuchObject", "NoSuchInstance", "EndOfMibView", "Null", "UnSpecified"):
        return None
    if kind == "IpAddress":
        return ".".join(map(str, bytes(value)))
    if kind in ("ObjectIdentifier", "ObjectName"):
        return ".".join(map(str, tuple(value)))
    return bytes(value) if kind in ("OctetString", "Opaque") else int(value)


def _protocols(config: Any) -> tuple[dict[str | None, Any], dict[str | None, Any]]:
    auth = {
        None: config.USM_AUTH_NONE,
        "md5": config.USM_AUTH_HMAC96_MD5,
        "sha1": config.USM_AUTH_HMAC96_SHA,
        "sha224": config.USM_AUTH_HMAC128_SHA224,
        "sha256": config.USM_AUTH_HMAC192_SHA256,
        "sha384": config.USM_AUTH_HMAC256_SHA384,
        "sha512": config.USM_AUTH_HMAC384_SHA512,
    }
    priv = {
        None: config.USM_PRIV_NONE,
        "des": config.USM_PRIV_CBC56_DES,
        "3des": config.USM_PRIV_CBC168_3DES,
        "aes128": config.USM_PRIV_CFB128_AES,
        "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
        "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
        "aes192-cisco": config.USM_PRIV_CFB192_AES,
        "aes256-cisco": config.USM_PRIV_CFB256_AES,
    }
    return auth, priv


async def _resolved(host: str, port: int) -> tuple[tuple[str, int], bool]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM, proto=socket.IPPROTO_UDP)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or "no valid name"
        raise Unreachable(f"{host}: {said}") from None
    family, _, _, _, address = found[0]
    return (str(address[0]), int(address[1])), family == socket.AF_INET6
