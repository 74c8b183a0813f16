"""What only the centre may open, and what only the centre can have said: the two things a relay on the way must not be able to fake.

For the centre: header line + "\\n" + HPKE ciphertext (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305). The header names the
agent and the snapshot in the clear, so that a relay can keep order; it is bound to the ciphertext, and signed by the agent.

From the centre: {"text": JSON, "sig": base64}. The text says for whom, about what and when, and Ed25519 signs it as it stands.

An agent knows the centre by the fingerprint in its enrolment token, so nobody on the way can put other keys in its place.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, NamedTuple

FOR_CENTRE = "application/vnd.rasoat.for-centre"
SIGNED = "application/vnd.rasoat.signed+json"
FINGERPRINT_LETTERS = 40
MAX_HEADER = 4096
MAX_EXTRA = MAX_HEADER + 256
"""Bytes by which sealing for the centre may make something larger."""
_CARD = b"rasoat centre 1\n"
_FOR = b"rasoat for the centre 1\n"
_BY = b"rasoat sent by 1\n"
_FROM = b"rasoat answer of the centre 1\n"
_RELAYED = b"rasoat relayed 1\n"


class CentreError(ValueError):
    """What came cannot be what was sent. `code` is stable: damaged, other-centre, altered, unsigned, forged."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Centre(NamedTuple):
    """The centre's public keys."""

    sign: bytes
    """Ed25519, 32 raw bytes: checks what it says."""
    seal: bytes
    """X25519, 32 raw bytes: seals what is for it."""

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(_CARD + self.sign + self.seal).hexdigest()[:FINGERPRINT_LETTERS]

    def document(self) -> dict[str, str]:
        return {"sign": base64.b64encode(self.sign).decode(), "seal": base64.b64encode(self.seal).decode()}

    @classmethod
    def parse(cls, document: Any) -> Centre:
        """Raises CentreError when it is none."""
        try:
            found = cls(*(base64.b64decode(document[name], validate=True) for name in ("sign", "seal")))
        except (KeyError, TypeError, ValueError):
            raise CentreError("damaged", "these are not a centre's keys") from None
        if len(found.sign) != 32 or len(found.seal) != 32:
            raise CentreError("damaged", "these are not a centre's keys")
        return found


class CentreKeys(NamedTuple):
    """The private halves, 32 raw bytes each. They stay at the centre."""

    sign: bytes
    open: bytes

    @classmethod
    def generate(cls) -> CentreKeys:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        return cls(Ed25519PrivateKey.generate().private_bytes_raw(), X25519PrivateKey.generate().private_bytes_raw())

    def text(self) -> str:
        return f"rasoat-centre-1 {self.sign.hex()} {self.open.hex()}\n"

    @classmethod
    def parse(cls, text: str) -> CentreKeys:
        """Raises CentreError; the message holds nothing of the text."""
        words = text.split()
        try:
            found = cls(bytes.fromhex(words[1]), bytes.fromhex(words[2]))
        except (IndexError, ValueError):
            raise CentreError("damaged", "this is not a centre's key file") from None
        if words[0] != "rasoat-centre-1" or len(words) != 3 or len(found.sign) != 32 or len(found.open) != 32:
            raise CentreError("damaged", "this is not a centre's key file")
        return found

    @property
    def public(self) -> Centre:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        return Centre(
            Ed25519PrivateKey.from_private_bytes(self.sign).public_key().public_bytes_raw(),
            X25519PrivateKey.from_private_bytes(self.open).public_key().public_bytes_raw(),
        )


class Envelope(NamedTuple):
    """What was sealed for the centre, unopened. Nothing in it is believed before `sent_by` or `open_envelope` agree."""

    key: str
    """Fingerprint of the centre it is for."""
    agent: str
    about: str
    """The snapshot's id, or what the sender made up to recognise the answer by."""
    machine: str
    """Digest of the machine's name: which snapshots supersede which."""
    type: str
    """Media type of what is inside."""
    signature: bytes
    sealed: bytes


def seal_for(
    centre: Centre, body: bytes, media_type: str, about: str, agent: str = "", machine: str = "", key: bytes | None = None
) -> bytes:
    """Only that centre can open it. `key`: the agent's private key; without one (at enrolment) nobody vouches for the outside."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    bound = _bound(centre.fingerprint, agent, about, machine, media_type)
    sealed: bytes = _suite().encrypt(body, X25519PublicKey.from_public_bytes(centre.seal), _FOR + bound)
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(_by(bound, sealed)) if key is not None else b""
    header = json.loads(bound) | {"by": base64.b64encode(signature).decode()}
    return _line(header) + b"\n" + sealed


def read_envelope(blob: bytes) -> Envelope:
    """What stands outside. Raises CentreError("damaged")."""
    end = blob.find(b"\n", 0, MAX_HEADER)
    try:
        header = json.loads(blob[:end]) if end > 0 else {}
        key, agent, about, machine, kind, by = (header[name] for name in ("key", "agent", "about", "machine", "type", "by"))
        if header["rasoat"] != 1 or not all(isinstance(word, str) for word in (key, agent, about, machine, kind, by)):
            raise ValueError
        signature = base64.b64decode(by, validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CentreError("damaged", "this is not sealed for a centre") from None
    return Envelope(key, agent, about, machine, kind, signature, blob[end + 1 :])


def sent_by(envelope: Envelope, public_key: bytes) -> bool:
    """True when the agent of that key sent exactly this."""
    bound = _bound(envelope.key, envelope.agent, envelope.about, envelope.machine, envelope.type)
    return _verified(public_key, envelope.signature, _by(bound, envelope.sealed))


def open_envelope(envelope: Envelope, keys: CentreKeys, public: Centre) -> bytes:
    """What is inside. Raises CentreError: other-centre, altered."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    if envelope.key != public.fingerprint:
        raise CentreError("other-centre", "this was sealed for a centre with other keys")
    bound = _bound(envelope.key, envelope.agent, envelope.about, envelope.machine, envelope.type)
    try:
        return bytes(_suite().decrypt(envelope.sealed, X25519PrivateKey.from_private_bytes(keys.open), _FOR + bound))
    except (InvalidTag, ValueError):
        raise CentreError("altered", "it does not open: it was altered on its way") from None


class Answer(NamedTuple):
    """What the centre said, its signature checked."""

    agent: str
    about: str
    status: int
    at: int
    asked: int
    """The time the agent's question was signed for; 0 when it was no signed question."""
    relay: str
    """Name of the relay it went through, as the centre knows it."""
    key: str
    """base64 of the agent's public key, where the centre knows the agent: a relay recognises it by that from then on."""
    body: dict[str, Any]


def sign_answer(keys: CentreKeys, answer: Answer) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = json.dumps(answer._asdict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    signature = Ed25519PrivateKey.from_private_bytes(keys.sign).sign(_FROM + text.encode())
    return {"text": text, "sig": base64.b64encode(signature).decode()}


def read_answer(centre: Centre, document: Any) -> Answer:
    """Raises CentreError: unsigned, forged."""
    try:
        text, signature = document["text"], base64.b64decode(document["sig"], validate=True)
        said = text.encode()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CentreError("unsigned", "the answer does not carry the centre's signature") from None
    if not _verified(centre.sign, signature, _FROM + said):
        raise CentreError("forged", "the answer is not signed by the centre's key")
    try:
        found = Answer(**json.loads(said))
    except (ValueError, TypeError):
        raise CentreError("damaged", "the centre's answer is not understood: it is of another version") from None
    return found


def relayed(relay: str, private_key: bytes, method: str, path: str, at: int, address: str, body: bytes) -> str:
    """Value of the Rasoat-Relay header: this relay passes that request on, for a peer of that address."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_passed(relay, method, path, at, address, body))
    return f"{relay} {at} {address or '-'} {base64.b64encode(signature).decode()}"


def check_relayed(public_key: bytes, relay: str, method: str, path: str, at: int, address: str, body: bytes, sig: bytes) -> bool:
    """True when that relay's key passed this on. How old `at` may be is the caller's to decide."""
    return _verified(public_key, sig, _passed(relay, method, path, at, address, body))


def _passed(relay: str, method: str, path: str, at: int, address: str, body: bytes) -> bytes:
    return _RELAYED + json.dumps([relay, method, path, at, address, hashlib.sha256(body).hexdigest()]).encode()


def _verified(public_key: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _suite() -> Any:
    from cryptography.hazmat.primitives import hpke

    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def _bound(key: str, agent: str, about: str, machine: str, media_type: str) -> bytes:
    return _line({"rasoat": 1, "key": key, "agent": agent, "about": about, "machine": machine, "type": media_type})


def _by(bound: bytes, sealed: bytes) -> bytes:
    return _BY + bound + b"\n" + hashlib.sha256(sealed).digest()


def _line(header: dict[str, Any]) -> bytes:
    return json.dumps(header, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
