"""Full copies of device configurations, for restoring: encrypted to the administrators' public keys before they touch a disk.

    DIR/<target>/<when>--<snapshot>.age

One file is one configuration, byte for byte as the device gave it, in the age format (age-encryption.org/v1), which
`rasoat configuration open` reads and any other age program too. The private key is not here. The snapshot's id in the name
leads to the signed record of what was seen; the sha256 of the opened text is the one its source there names.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from agent import files
from agent.errors import Refusal
from agent.language import _
from agent.state import State

if TYPE_CHECKING:
    from collectors.model import Snapshot

_NAME = re.compile(r"(?P<when>\d{8}T\d{6}Z)--(?P<snapshot>[0-9a-f-]{36})\.age")
_WHEN = "%Y%m%dT%H%M%SZ"
KNOWN = "copies.json"
_MASKED = re.compile(r"(?i)(?:key|password|passwd|secret|community)\b(?:[ =:]+[\w-]+)?[ =:]+\"?\*{5,}")
"""What some systems show in place of a secret, whoever asks."""


class Copy(NamedTuple):
    """One encrypted copy on disk."""

    target: str
    when: datetime
    snapshot: str
    path: Path


class Seal:
    """Encrypts to one or more age recipients. Raises Refusal for what is none."""

    def __init__(self, recipients: Iterable[str]) -> None:
        pyrage = _pyrage()
        self._recipients = []
        for word in recipients:
            try:
                self._recipients.append(pyrage.x25519.Recipient.from_str(word))
            except pyrage.RecipientError:
                hint = _(" That is a private key: remove it here, and make a new one.") if "SECRET" in word.upper() else ""
                shown = word if not hint else "AGE-SECRET-KEY-…"
                raise Refusal(
                    _("%s is no public key to encrypt to. It starts with age1; `rasoat configuration key FILE` makes one.")
                    % shown
                    + hint
                ) from None
        if not self._recipients:
            raise Refusal(_("no public key to encrypt to"))

    def __call__(self, text: str) -> bytes:
        sealed: bytes = _pyrage().encrypt(text.encode("utf-8", "surrogatepass"), self._recipients)
        return sealed


class FullCopies:
    """Takes the configurations of a sweep (collectors/devices/full_text.py). Called from several threads; never raises.

    `state` and `key`: of a station, which leaves out what has not changed since its last copy in the same month. What it
    compares is a digest keyed with its private key, of the whole text: a changed password is a change.
    """

    def __init__(self, folder: Path, seal: Seal, state: State | None = None, key: bytes = b"") -> None:
        self._folder = folder
        self._seal = seal
        self._state = state
        self._key = key
        self._lock = threading.Lock()
        self._known: dict[str, str] = dict(state.read(KNOWN) or {}) if state else {}
        self.kept: dict[str, Path] = {}
        """Target -> the copy made now, or the last one where nothing had changed."""
        self.trouble: dict[str, str] = {}
        self.lossy: set[str] = set()
        """Targets whose text holds letters that are no UTF-8: those do not come back."""
        self.masked: set[str] = set()
        """Targets that showed asterisks in place of a secret: a restore needs those typed in anew."""

    def __call__(self, snapshot: Snapshot, text: str) -> None:
        name = snapshot.target.name
        try:
            if "\ufffd" in text:
                self.lossy.add(name)
            if _MASKED.search(text):
                self.masked.add(name)
            mark = self._mark(snapshot, text)
            last = latest(self._folder, name) if mark is not None and self._known.get(name) == mark else None
            if last is not None and _month(last.when) == _month(snapshot.collected_at):
                self.kept[name] = last.path
                return
            sealed = self._seal(text)
            folder = files.private_folder(files.private_folder(self._folder) / _safe(name))
            files.sweep(folder)
            path = folder / f"{snapshot.collected_at.astimezone(UTC):{_WHEN}}--{snapshot.id}.age"
            files.write(path, sealed)
            self.kept[name] = path
            if mark is not None and self._state is not None:
                with self._lock:
                    self._known[name] = mark
                    self._state.try_keep(KNOWN, self._known)
        except OSError as error:
            self.trouble[name] = error.strerror or type(error).__name__
        except Exception as error:  # its words could quote the text
            self.trouble[name] = type(error).__name__

    def _mark(self, snapshot: Snapshot, text: str) -> str | None:
        if self._state is None or snapshot.target.platform is None:
            return None
        from collectors.catalog import device_os
        from collectors.devices.full_text import steady

        whole = steady(device_os(snapshot.target.platform), text).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, b"full copy\0" + whole, hashlib.sha256).hexdigest()


def copies(folder: Path, target: str | None = None) -> Iterator[Copy]:
    """The copies in a folder, of all targets or of one; per target oldest first."""
    if target is None:
        homes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    else:
        homes = [folder / _safe(target)]
    for home in homes:
        for path in sorted(home.iterdir()) if home.is_dir() else ():
            if found := _NAME.fullmatch(path.name):
                when = datetime.strptime(found["when"], _WHEN).replace(tzinfo=UTC)
                yield Copy(unquote(home.name), when, found["snapshot"], path)


def latest(folder: Path, target: str) -> Copy | None:
    """The newest copy of a target."""
    return max(copies(folder, target), key=lambda copy: copy.when, default=None)


def prune(folder: Path, keep_days: int, now: datetime) -> int:
    """Remove copies older than that; the newest of each target and the last one of each month stay. How many were removed."""
    last: dict[tuple[str, tuple[int, int]], Copy] = {}
    for copy in copies(folder):
        last[copy.target, _month(copy.when)] = copy
    stays = {copy.path for copy in last.values()}
    gone = [copy for copy in copies(folder) if copy.path not in stays and now - copy.when > timedelta(days=keep_days)]
    for copy in gone:
        copy.path.unlink(missing_ok=True)
    return len(gone)


def recipients_in(text: str) -> list[str]:
    """The words of a setting or of a file of recipients, without remarks."""
    return [word for line in text.splitlines() for word in line.partition("#")[0].split()]


def opened(file: Path, key_file: Path) -> bytes:
    """The configuration in a copy. Raises Refusal: which file, what is wrong with it, what to do."""
    pyrage = _pyrage()
    identities = _identities(key_file)
    try:
        sealed = file.read_bytes()
    except OSError as error:
        raise Refusal(_("%(file)s cannot be read: %(why)s") % {"file": file, "why": error.strerror}) from None
    if not sealed.startswith(b"age-encryption.org/v1\n"):
        raise Refusal(_("%s is no encrypted copy, or its beginning is damaged.") % file)
    try:
        text: bytes = pyrage.decrypt(sealed, identities)
    except pyrage.DecryptError as error:
        if "matching keys" in str(error):
            why = _("%(key)s does not open %(file)s: it was encrypted to another key, or its header was changed.")
            raise Refusal(why % {"key": key_file, "file": file}) from None
        raise Refusal(_("%s is damaged: it was changed or cut short. Nothing of it is shown.") % file) from None
    return text


def _identities(key_file: Path) -> list[object]:
    pyrage = _pyrage()
    try:
        mode = key_file.stat().st_mode
        text = key_file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(
            _("%(file)s cannot be read: %(why)s") % {"file": key_file, "why": getattr(error, "strerror", None) or error}
        ) from None
    if mode & 0o077:
        raise Refusal(_("%(file)s can be read by others, so it protects nothing. Run: chmod 600 %(file)s") % {"file": key_file})
    lines = (line.strip() for line in text.splitlines())
    words = [line for line in lines if line and not line.startswith("#")]
    try:
        found: list[object] = [pyrage.x25519.Identity.from_str(word) for word in words]
    except pyrage.IdentityError:
        found = []
    if not found:
        raise Refusal(_("%s holds no private key; that is a line which starts with AGE-SECRET-KEY-1.") % key_file)
    return found


def new_key(file: Path) -> str:
    """Make a private key in a file that is not there yet; its public key. Raises Refusal."""
    identity = _pyrage().x25519.Identity.generate()
    public = str(identity.to_public())
    if file.exists():
        raise Refusal(_("%s is there already; a key is never written over.") % file)
    try:
        files.write(file, f"# public key: {public}\n{identity}\n".encode())
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": file, "why": error.strerror}) from None
    return public


def _pyrage() -> Any:
    try:
        import pyrage
    except ModuleNotFoundError:
        raise Refusal(
            _("encrypted copies need an extra that is not installed. Install it with: pip install 'rasoat[network]'")
        ) from None
    return pyrage


def _safe(name: str) -> str:
    """A target's name as the name of a folder."""
    return quote(name, safe=" ").replace(".", "%2E") if name.startswith(".") else quote(name, safe=" ")


def _month(when: datetime) -> tuple[int, int]:
    local = when.astimezone()
    return local.year, local.month
