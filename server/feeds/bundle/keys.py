"""Keys of bundles: root keys, which stay in a safe and sign who may sign, and the bundle key, with which each bundle is made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root
from tuf.api.serialization import DeserializationError

ROOT_YEARS: Final = 5
SHORTEST: Final = 12
"""Letters of a passphrase."""
BUNDLE_ROLES: Final = ("timestamp", "snapshot", "targets")
Ask = Callable[[str], str]
"""File name of a key -> its passphrase."""


class KeyProblem(ValueError):
    """A key or root file cannot be used; the message says which and why."""


def init(folder: Path, roots: int, threshold: int, ask: Ask, now: datetime | None = None) -> str:
    """Make root keys, a bundle key and 1.root.json in an empty folder. The fingerprint. Raises KeyProblem."""
    if not 1 <= threshold <= roots:
        raise KeyProblem(f"threshold: from 1 to {roots}, the number of root keys")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise KeyProblem(f"{folder}: is not empty; keys are never written over")
    signers = [_made(folder / f"root-{number}.key", ask) for number in range(1, roots + 1)]
    bundle = _made(folder / "bundle.key", ask)
    root = Root(expires=_years(now), consistent_snapshot=True)
    for signer in signers:
        root.add_key(signer.public_key, "root")
    root.roles["root"].threshold = threshold
    for role in BUNDLE_ROLES:
        root.add_key(bundle.public_key, role)
    return _signed(folder, root, signers)


def renew(folder: Path, root_keys: Sequence[Path], ask: Ask, new_bundle_key: bool = False, now: datetime | None = None) -> Path:
    """The next root file, good for further years; with another bundle key where the old one may be in wrong hands."""
    current = newest(folder)
    root = current.signed
    root.version += 1
    root.expires = _years(now)
    if new_bundle_key:
        old = next(iter(root.roles["timestamp"].keyids))
        fresh = _made(folder / f"bundle-{root.version}.key", ask)
        for role in BUNDLE_ROLES:
            root.revoke_key(old, role)
            root.add_key(fresh.public_key, role)
    _signed(folder, root, [load(path, ask) for path in root_keys])
    return folder / f"{root.version}.root.json"


def newest(folder: Path) -> Metadata[Root]:
    """The newest root file there. Raises KeyProblem."""
    if not (found := roots(folder)):
        raise KeyProblem(f"{folder}: no root file; make one with: rasoat feed keys init")
    try:
        return Metadata[Root].from_bytes(found[-1].read_bytes())
    except DeserializationError as error:
        raise KeyProblem(f"{found[-1]}: is no root file: {error}") from None


def roots(folder: Path) -> list[Path]:
    """Root files, the oldest first."""
    found = [path for path in folder.glob("*.root.json") if path.name.partition(".")[0].isdecimal()]
    return sorted(found, key=lambda path: int(path.name.partition(".")[0]))


def fingerprint(root: bytes) -> str:
    """Of the first root file: what a person compares or types."""
    return hashlib.sha256(root).hexdigest()


def spoken(fingerprint: str) -> str:
    """In groups of four, to be read out."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def typed(text: str) -> str:
    """A fingerprint as somebody typed it."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def load(path: Path, ask: Ask) -> CryptoSigner:
    """Raises KeyProblem; the message never holds the passphrase."""
    try:
        shared, pem = path.stat().st_mode & 0o077, path.read_bytes()
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror}") from None
    if shared and os.name == "posix":
        raise KeyProblem(f"{path}: others may read it; chmod 600 {path.name}")
    passphrase = ask(path.name).encode()
    try:
        key = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError):
        raise KeyProblem(f"{path}: the passphrase is wrong, or it is no key encrypted with one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path}: is no Ed25519 key")
    return CryptoSigner(key)


def _made(path: Path, ask: Ask) -> CryptoSigner:
    passphrase = ask(path.name)
    if len(passphrase) < SHORTEST:
        raise KeyProblem(f"{path.name}: a passphrase has at least {SHORTEST} characters")
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyProblem(f"{path}: is there already; keys are never written over") from None
    with os.fdopen(handle, "wb") as out:
        out.write(pem)
    return CryptoSigner(key)


def _signed(folder: Path, root: Root, signers: Sequence[CryptoSigner]) -> str:
    document = Metadata(root)
    for signer in signers:
        document.sign(signer, append=True)
    try:
        root.verify_delegate("root", document.signed_bytes, document.signatures)
    except UnsignedMetadataError:
        threshold = root.roles["root"].threshold
        raise KeyProblem(f"{threshold} root keys must sign, and these are not enough of them") from None
    raw = document.to_bytes()
    (folder / f"{root.version}.root.json").write_bytes(raw)
    return fingerprint(raw)


def _years(now: datetime | None) -> datetime:
    return ((now or datetime.now(UTC)) + timedelta(days=365 * ROOT_YEARS)).replace(microsecond=0)
