"""A Windows machine behind WinRM, asked with pypsrp (the extra `windows`): the same script, over PowerShell remoting."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Self

from collectors.credential import Credential
from collectors.errors import Denied, Unparsable, Unreachable, Unsupported
from collectors.model import Target
from collectors.redact import redact
from collectors.transports.base import MAX_BYTES
from collectors.transports.windows import WindowsShell, script

HTTPS_PORT = 5986


class WinRm(WindowsShell):
    """One session. Use as a context manager: `with WinRm.connect(target, credential) as shell`."""

    def __init__(self, session: Any, place: str) -> None:
        self._session = session
        self._place = place

    @classmethod
    def connect(cls, target: Target, credential: Credential) -> WinRm:
        """Over HTTPS with the server's certificate checked; another port than 5986 speaks HTTP with encrypted messages.

        Plain text never travels: pypsrp is told to encrypt always where TLS does not. Negotiate, so Kerberos where the
        machine can, else NTLM. Raises Unsupported without pypsrp or with a credential that has no password.
        """
        try:
            from pypsrp.wsman import WSMan
        except ImportError:
            raise Unsupported("WinRM needs the extra: pip install 'rasoat[windows]'") from None
        host, port = target.address or target.name, target.port or HTTPS_PORT
        place = f"{host}:{port}"
        password = None if credential.key_file else credential.password()
        if password is None:
            raise Unsupported(f"{place}: WinRM takes a password; give the credential password_file or password_env")
        tls = port == HTTPS_PORT
        session = WSMan(
            host, port=port, ssl=tls, username=credential.user, password=password, auth="negotiate",
            encryption="auto" if tls else "always", cert_validation=True, connection_timeout=15, operation_timeout=20,
        )  # fmt: skip
        return cls(session, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # the answer is here; a failing good-bye changes nothing
            self._session.close()

    def run_script(self, name: str, *, timeout: float) -> str:
        from pypsrp.complex_objects import PSInvocationState
        from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError
        from pypsrp.powershell import PowerShell, RunspacePool

        until = time.monotonic() + timeout
        try:
            with RunspacePool(self._session) as pool:
                shell = PowerShell(pool)
                shell.add_script(script(name))
                shell.begin_invoke()
                while shell.state == PSInvocationState.RUNNING:
                    if time.monotonic() >= until:
                        shell.stop()
                        raise Unreachable(f"{self._place}: {name}: no answer within {timeout:g} s")
                    shell.poll_invoke()  # returns at least every operation_timeout
                lines = [str(line) for line in shell.output]
        except AuthenticationError:
            raise Denied(f"{self._place}: this account was not let in; one log-on was tried and no more") from None
        except (WinRMError, WinRMTransportError, OSError) as error:
            raise Unreachable(f"{self._place}: {redact(str(error))[:200] or 'no reason given'}") from None
        text = "\n".join(lines) + "\n"
        if len(text) > MAX_BYTES:
            raise Unparsable(f"{name}: answered more than {MAX_BYTES >> 20} MiB")
        if "RASOAT-BEGIN" not in text:
            raise Unparsable(f"{self._place}: {name}: PowerShell ended without an answer (state {shell.state})")
        return text
