"""The certificate of a server, looked at by itself: libldap only says that it cannot reach it, whatever is wrong."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from server.signon.errors import Unavailable
from server.signon.sections import Source

PORTS = {"https": 443, "ldaps": 636, "ldap": 389}
START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
"""ExtendedRequest of RFC 4511 4.14.1, message 1."""
GRANTED = b"\x0a\x01\x00"
"""resultCode success in its answer."""


def certificate_ends(config: Source, address: str) -> datetime:
    """The last moment of the certificate at that address. Raises Unavailable: cannot be reached, not trusted, of another name."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    context = ssl.create_default_context(cafile=config.authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection((host, parts.port or PORTS[parts.scheme]), config.timeout_seconds) as plain:
            if parts.scheme == "ldap":
                plain.sendall(START_TLS)
                if GRANTED not in plain.recv(4096)[:32]:
                    raise Unavailable(f"{address}: does not grant STARTTLS")
            with context.wrap_socket(plain, server_hostname=host) as secure:
                told = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise Unavailable(f"{address}: certificate not trusted: {error.verify_message}") from None
    except OSError as error:
        raise Unavailable(f"{address}: {error.strerror or error}") from None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)
