"""From an address to a logged-on SSH connection: the name, the port, the host's key, the one log-on."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.credential import Credential, private_bytes
from collectors.errors import Denied, UnknownHost, Unreachable
from collectors.model import Target
from collectors.transports.known_hosts import KnownHosts, fingerprint, line_of

if TYPE_CHECKING:
    import paramiko

KEEPALIVE = 15
"""Seconds between the packets that keep a firewall from forgetting a quiet connection."""

USERS = Path("~/.ssh/known_hosts")
SYSTEMS = Path("/etc/ssh/ssh_known_hosts")


_FOR_PASSWORD = re.compile(r"passw|passphrase|m\u1eadt kh\u1ea9u|mat khau", re.I)
"""Words of a question that a password answers; a one-time code, a PIN or a challenge has others."""


class ByQuestions(Exception):
    """The host takes a password as the answer to a question alone (keyboard-interactive)."""


class NothingInCommon(Unreachable):
    """The host speaks none of the algorithms we offered. Nothing was sent but our own list."""


def logged_on(
    target: Target,
    credential: Credential,
    known_hosts: Path | None,
    also_known: Sequence[Path] | None,
    timeout: float,
    offer: Callable[[paramiko.Transport], None] | None = None,
) -> paramiko.Transport:
    """A connection on which commands can be run. See SshShell.connect for what it raises.

    `offer` narrows the algorithms before the first byte is sent.
    """
    import paramiko

    host, port = target.address or target.name, target.port or 22
    user_file = USERS.expanduser()
    own = known_hosts or user_file
    try:
        known = KnownHosts.load(own, *((user_file, SYSTEMS) if also_known is None else also_known))
    except OSError as error:
        raise Unreachable(f"{host}:{port}: not asked: {error.filename}: {error.strerror}") from None
    # secrets first: a key file that is not there must not cost the host a connection
    proof = _Proof(credential)

    def ready() -> paramiko.Transport:
        made = _encrypted(host, port, known, timeout, offer)
        try:
            _check_key(host, port, made.get_remote_server_key(), known, own)
        except BaseException:
            made.close()
            raise
        made.set_keepalive(KEEPALIVE)
        made.auth_timeout = timeout
        return made

    transport = ready()
    try:
        try:
            try:
                still = proof.give(transport)
            except ByQuestions:
                transport.close()
                # on a connection of its own: strict servers hang up where paramiko asks for the log-on service once more
                transport = ready()
                still = proof.answer(transport)
        except Denied as error:
            raise Denied(f"{host}:{port}: {error}") from None
        except paramiko.BadAuthenticationType as error:
            allowed = ", ".join(error.allowed_types)
            raise Denied(
                f"{host}:{port}: {credential.user} may not log on with {proof.kind}; the host accepts: {allowed}"
            ) from None
        except paramiko.AuthenticationException:
            if not transport.is_active():
                raise Unreachable(f"{host}:{port}: the host hung up during the log-on; look at its sshd log") from None
            raise Denied(
                f"{host}:{port}: {credential.user} was not let in with {proof.kind}; one log-on was tried and no more. "
                "Check the user name and that the account has this key or password"
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise Unreachable(f"{host}:{port}: the host hung up during the log-on: {error or 'no reason given'}") from None
        if still:
            raise Denied(f"{host}:{port}: the host wants a second proof ({', '.join(still)}); give rasoat an account with one")
    except BaseException:
        transport.close()
        raise
    return transport


class _Proof:
    """The one thing that will be shown to the host."""

    def __init__(self, credential: Credential) -> None:
        self._user = credential.user
        self._password: str | None = None
        self._key: paramiko.PKey | None = None
        if credential.agent:
            self._key, self.kind = _agent_key(credential.key_file), "a key of the SSH agent"
        elif credential.key_file:
            self._key, self.kind = _file_key(credential.key_file, credential.password()), f"the key {credential.key_file}"
        else:
            self._password, self.kind = credential.password(), "a password"

    def give(self, transport: paramiko.Transport) -> list[str]:
        """What the host still wants afterwards; [] when we are in. Raises ByQuestions for a host that takes no password otherwise."""
        if self._key is not None:
            return transport.auth_publickey(self._user, self._key)
        import paramiko

        assert self._password is not None
        try:
            # not paramiko's own way on to keyboard-interactive: it gives the password to every question that comes
            return transport.auth_password(self._user, self._password, fallback=False)
        except paramiko.BadAuthenticationType as error:
            # "password" was never checked, so this is still the first and only try
            if "keyboard-interactive" not in error.allowed_types:
                raise
        raise ByQuestions

    def answer(self, transport: paramiko.Transport) -> list[str]:
        """One question for a password is answered, once. Raises Denied for whatever else is asked, and sends nothing to it."""
        import paramiko

        password = self._password
        assert password is not None
        given = False
        strange: list[str] = []

        def answer(title: str, instructions: str, fields: list[tuple[str, bool]]) -> list[str]:
            nonlocal given
            if not fields:  # some servers only say something at the end
                return []
            (prompt, shown), *more = fields
            if given or more or shown or not _FOR_PASSWORD.search(prompt):
                strange.extend(" ".join(word.split())[:60] for word, _ in fields)
                raise paramiko.SSHException("a question that no password answers")
            given = True
            return [password]

        try:
            return transport.auth_interactive(self._user, answer)
        except paramiko.SSHException:
            if not strange:
                raise
        raise Denied(
            f"the host asks for more than a password ({', '.join(word or 'a question without words' for word in strange)}): nothing was "
            "sent to that, and no second log-on is tried. A one-time code cannot be given by a scan: name an account that needs none"
        )


def _file_key(path: str, password: str | None) -> paramiko.PKey:
    import paramiko

    private_bytes(path)
    try:
        # bytes: what cryptography takes, whatever the stubs say
        return paramiko.PKey.from_path(Path(path).expanduser(), password.encode() if password else None)  # type: ignore[arg-type]
    except (paramiko.PasswordRequiredException, TypeError):
        reason = "is locked with a password; use agent: true, or give password_file"
    except (paramiko.SSHException, ValueError, OSError):
        reason = "is no private key that can be read" + (" with this password" if password else "")
    raise Unreachable(f"no log-on was tried: {path} {reason}")


def _agent_key(public_file: str | None) -> paramiko.PKey:
    import paramiko

    try:
        keys = paramiko.Agent().get_keys()
    except paramiko.SSHException:
        keys = ()
    if not keys:
        raise Unreachable("no log-on was tried: no SSH agent answers, or it holds no key; run ssh-add")
    if public_file is None:
        if len(keys) > 1:
            raise Unreachable(
                f"no log-on was tried: the SSH agent holds {len(keys)} keys; say which with key_file: FILE.pub, "
                "because a host locks an account after a few wrong ones"
            )
        return keys[0]
    try:
        words = Path(public_file).expanduser().read_text("utf-8").split()
    except (OSError, ValueError):
        raise Unreachable(f"no log-on was tried: {public_file} cannot be read") from None
    for key in keys:
        if len(words) > 1 and key.get_base64() == words[1]:
            return key
    raise Unreachable(f"no log-on was tried: the SSH agent does not hold {public_file}; run ssh-add")


def _encrypted(
    host: str, port: int, known: KnownHosts, timeout: float, offer: Callable[[paramiko.Transport], None] | None
) -> paramiko.Transport:
    import paramiko
    from paramiko.ssh_exception import IncompatiblePeer

    place = f"{host}:{port}"
    try:
        line = socket.create_connection((host, port), timeout)
    except (socket.gaierror, UnicodeError):
        raise Unreachable(f"{place}: no such name; check the address in the targets file, or the DNS") from None
    except ConnectionRefusedError:
        raise Unreachable(f"{place}: connection refused; does sshd run there, and on this port?") from None
    except TimeoutError:
        raise Unreachable(
            f"{place}: no answer within {timeout:g} s; is the machine on, and does a firewall let this port through?"
        ) from None
    except OSError as error:
        raise Unreachable(f"{place}: {error.strerror or error}") from None
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # small packets back and forth: without this each question waits 40 ms for the kernel, twice
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport: paramiko.Transport | None = None
    try:
        transport = paramiko.Transport(line)
        # paramiko would print its own tracebacks to standard error; ours say what to do
        transport.set_log_channel(_QUIET)
        transport.banner_timeout = timeout
        transport.handshake_timeout = timeout
        if offer:
            offer(transport)
        _prefer(transport, [entry.key_type for entry in known.of(host, port)])
        transport.start_client(timeout=timeout)
        # paramiko returns in silence when the time is up
        if not transport.initial_kex_done:
            raise paramiko.SSHException(f"no greeting within {timeout:g} s")
        return transport
    except IncompatiblePeer as error:
        with contextlib.suppress(Exception):
            (transport or line).close()
        raise NothingInCommon(f"{place}: no encryption in common with this host: {error}") from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        reason = f"answers, but not as an SSH server ({error or 'hung up'}); check the port, and MaxStartups in its sshd_config"
    with contextlib.suppress(Exception):
        (transport or line).close()
    raise Unreachable(f"{place}: {reason}")


def _prefer(transport: paramiko.Transport, known_types: list[str]) -> None:
    """Ask first for the kinds of key we know: a host with several keys must show the one we can check."""
    options = transport.get_security_options()
    first = []
    for kind in known_types:
        first += ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] if kind == "ssh-rsa" else [kind]
    offered = tuple(options.key_types)
    options.key_types = tuple(dict.fromkeys([kind for kind in first if kind in offered] + list(offered)))


def _check_key(host: str, port: int, key: paramiko.PKey, known: KnownHosts, own: Path) -> None:
    place, blob, kind = f"{host}:{port}", key.asbytes(), key.get_name()
    standing = known.standing(host, port, blob)
    if standing == "known":
        return
    shown = f"{kind} {fingerprint(blob)}"
    if standing == "revoked":
        raise UnknownHost(f"{place}: the host shows a key that is marked @revoked: {shown}. Nothing was sent; report it")
    if standing == "changed":
        olds = "; ".join(f"{e.key_type} {fingerprint(e.blob)} ({e.file} line {e.line})" for e in known.of(host, port))
        raise UnknownHost(
            f"{place}: the host key has CHANGED: it shows {shown}, known is {olds}. Nothing was sent. Either the machine "
            "was installed anew or somebody stands in between: ask its administrator, then remove the old line and try again"
        )
    line = line_of(host, port, kind, blob)
    raise UnknownHost(
        f"{place}: unknown host key {shown}. Nothing was sent. Compare it on the machine itself (ssh-keygen -lf "
        f"/etc/ssh/ssh_host_{_file_word(kind)}_key.pub); if equal, accept it with: echo '{line}' >> {own}",
        line,
        str(own),
    )


def _file_word(kind: str) -> str:
    return "rsa" if "rsa" in kind else "ecdsa" if "ecdsa" in kind else "ed25519"


_QUIET = "collectors.transports.ssh.paramiko"
logging.getLogger(_QUIET).addHandler(logging.NullHandler())
logging.getLogger(_QUIET).setLevel(logging.CRITICAL)
