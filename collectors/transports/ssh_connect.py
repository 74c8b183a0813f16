"""From an address to a logged-on SSH connection: the name, the port, the host's key, the one log-on."""

from __future__ import annotations

import contextlib
import logging
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
    transport = _encrypted(host, port, known, timeout, offer)
    try:
        _check_key(host, port, transport.get_remote_server_key(), known, own)
        transport.set_keepalive(KEEPALIVE)
        transport.auth_timeout = timeout
        try:
            still = proof.give(transport)
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
        """What the host still wants afterwards; [] when we are in."""
        if self._key is not None:
            return transport.auth_publickey(self._user, self._key)
        assert self._password is not None
        # when sshd takes passwords by keyboard-interactive only, paramiko goes there: "password" was never checked
        return transport.auth_password(self._user, self._password)


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
